package admin

import (
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// form is a form as the part "form" shows it. It is filled by [visit.form]:
// what was typed stays, and what is wrong stands beside its field.
type form struct {
	Action string // path of the desk that it is posted to
	Fields []field
	Submit string // words of the button
	Danger bool   // the button takes something away
	Quiet  bool   // the button is not the page's main one
}

// field is one field of a form.
type field struct {
	Name, Label string
	Kind        string // text (default), password, email, number, search, area, select, checks, radio, check, hidden
	Value       string
	Hint        string
	Placeholder string
	Auto        string // autocomplete, such as "current-password"
	Required    bool
	Rows        int // of an area
	Mono        bool
	First       bool     // it has the cursor when the page opens
	Options     []option // of a select, checks or radio

	What, Mend string // what is wrong with it, "" for nothing
}

// option is one choice of a field.
type option struct {
	Value, Label, Hint string
	Chosen             bool
}

// choices makes options of plain words.
func choices(chosen string, values ...string) []option {
	out := make([]option, len(values))
	for i, v := range values {
		out[i] = option{Value: v, Label: v, Chosen: v == chosen}
	}
	return out
}

// form fills a form with what was typed, when it is the one that was posted,
// and puts what is wrong beside its field.
func (v *visit) form(f form) form {
	mine := v.post() && v.wrong != nil && strings.TrimPrefix(v.r.URL.Path, "/admin") == f.Action
	if !mine {
		return f
	}
	fields := make([]field, len(f.Fields))
	for i, fl := range f.Fields {
		typed := v.r.PostForm[fl.Name]
		switch {
		case fl.Kind == "password":
			fl.Value = ""
		case len(fl.Options) > 0:
			fl.Options = choose(fl.Options, typed)
		case len(typed) > 0:
			fl.Value = typed[0]
		case fl.Kind == "check":
			fl.Value = ""
		}
		if v.wrong.Field == fl.Name {
			fl.What, fl.Mend = wrongWords(v.wrong), v.wrong.Mend
			v.label = fl.Label
		}
		fields[i] = fl
	}
	f.Fields = fields
	return f
}

func choose(all []option, typed []string) []option {
	out := make([]option, len(all))
	for i, o := range all {
		o.Chosen = false
		for _, t := range typed {
			o.Chosen = o.Chosen || t == o.Value
		}
		out[i] = o
	}
	return out
}

// wrongWords says what is wrong, without its field and mend.
func wrongWords(e *dispatcher.Error) string {
	if e.Code == dispatcher.CodeInvalid && e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// fieldID is the id of a field's element.
func fieldID(name string) string {
	return "f-" + strings.NewReplacer(".", "-", "[", "-", "]", "").Replace(name)
}
