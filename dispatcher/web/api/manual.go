package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed assets
var assets embed.FS

// The policy of the manual: it works without a net and without scripts; what it
// has of them is its own. Calls that are tried go to this daemon only.
const manualPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// manual serves the document as a page for people. It is rendered once: what
// it says hangs on the program alone.
func manual(mux *http.ServeMux, doc []byte) {
	var d manualDocument
	if err := json.Unmarshal(doc, &d); err != nil { // a document of ours; a defect
		panic(err)
	}
	page := template.Must(template.New("manual.tmpl").Funcs(template.FuncMap{"prose": prose, "kind": kind}).ParseFS(assets, "assets/manual.tmpl"))
	var html bytes.Buffer
	if err := page.Execute(&html, d.view()); err != nil { // the same
		panic(err)
	}
	serve := func(pattern, contentType string, body []byte) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Cache-Control", "no-cache")
			w.Header().Set("Content-Security-Policy", manualPolicy)
			_, _ = w.Write(body) // nobody is left to be told
		})
	}
	serve("GET /docs", "text/html; charset=utf-8", html.Bytes())
	for name, contentType := range map[string]string{"manual.css": "text/css; charset=utf-8", "manual.js": "text/javascript; charset=utf-8"} {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil { // embedded; a defect
			panic(err)
		}
		serve("GET /docs/"+name, contentType, text)
	}
	mux.HandleFunc("GET /docs/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "../docs") // a proxy may have put a path before ours
		w.WriteHeader(http.StatusFound)
	})
}

// manualDocument is what the manual reads of the document.
type manualDocument struct {
	Info  struct{ Title, Version, Description string }
	Paths map[string]map[string]struct {
		ID         string `json:"operationId"`
		Summary    string
		About      string `json:"description"`
		Tags       []string
		Parameters []struct {
			Name, In, Description string
			Required              bool
			Schema                manualSchema
		}
		Body *struct {
			Description string
			Required    bool
			Content     map[string]manualMedia
		} `json:"requestBody"`
		Responses map[string]struct {
			Description string
			Content     map[string]manualMedia
		}
	}
	Tags       []struct{ Name, Description string }
	Components struct{ Schemas map[string]manualSchema }
}

type manualMedia struct {
	Schema  manualSchema
	Example json.RawMessage
}

type manualSchema struct {
	Ref         string `json:"$ref"`
	Type        string
	Format      string
	Description string
	Enum        []string
	Items       *manualSchema
	AnyOf       []manualSchema
	Properties  map[string]manualSchema
	Required    []string
	Minimum     *int
	Maximum     *int
	MaxLength   *int
	MaxItems    *int
	Default     any
}

// The page's parts.
type manualPage struct {
	Title, Version string
	Intro          []string
	Groups         []manualGroup
	Types          []manualType
}

type manualGroup struct {
	Name, Words string
	Calls       []manualCall
}

type manualCall struct {
	ID, Method, Path, Summary, About string
	Parameters                       []manualField
	Body                             string // words about it; empty for none
	Sends                            []manualSent
	Fields                           []manualField // of the body
	Example, Curl                    string
	Lines                            bool // takes one value a line only
	Answers                          []manualAnswer
}

type manualSent struct {
	Media  string
	Schema manualSchema
}

type manualField struct {
	Name, In, Words string
	Need            bool
	Schema          manualSchema
}

type manualAnswer struct {
	Status, Words string
	Sends         []manualSent
}

type manualType struct {
	Name   string
	Fields []manualField
}

func (d *manualDocument) view() manualPage {
	p := manualPage{Title: d.Info.Title, Version: d.Info.Version, Intro: strings.Split(d.Info.Description, "\n\n")}
	for _, tag := range d.Tags {
		g := manualGroup{Name: tag.Name, Words: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range []string{"get", "post", "put", "patch", "delete"} {
				if op, ok := d.Paths[path][method]; ok && op.Tags[0] == tag.Name {
					g.Calls = append(g.Calls, d.call(path, method))
				}
			}
		}
		p.Groups = append(p.Groups, g)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		p.Types = append(p.Types, manualType{Name: name, Fields: d.fields(name)})
	}
	return p
}

// fields lists those of a type, the needed ones first.
func (d *manualDocument) fields(name string) []manualField {
	var out []manualField
	s := d.Components.Schemas[name]
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		f := s.Properties[field]
		out = append(out, manualField{Name: field, Words: f.Description, Need: slices.Contains(s.Required, field), Schema: f})
	}
	slices.SortStableFunc(out, func(a, b manualField) int { return yes(b.Need) - yes(a.Need) })
	return out
}

// typeOf gives the name of a schema's type, of the first where it may be
// several; "" for none.
func typeOf(s manualSchema) string {
	if len(s.AnyOf) > 0 {
		s = s.AnyOf[0]
	}
	return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (d *manualDocument) call(path, method string) manualCall {
	op := d.Paths[path][method]
	c := manualCall{ID: op.ID, Method: strings.ToUpper(method), Path: path, Summary: op.Summary, About: op.About}
	for _, p := range op.Parameters {
		c.Parameters = append(c.Parameters, manualField{Name: p.Name, In: p.In, Words: p.Description, Need: p.Required, Schema: p.Schema})
	}
	if op.Body != nil {
		c.Body = op.Body.Description
		if !op.Body.Required {
			c.Body += " It may be left out."
		}
		c.Sends = sendsOf(op.Body.Content)
		c.Fields = d.fields(typeOf(c.Sends[0].Schema))
		if example := op.Body.Content[jsonType].Example; len(example) > 0 {
			var b bytes.Buffer
			_ = json.Indent(&b, example, "", "  ") // JSON of ours
			c.Example = b.String()
		}
		_, whole := op.Body.Content[jsonType]
		c.Lines = !whole
	}
	c.Curl = curl(&c)
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		c.Answers = append(c.Answers, manualAnswer{Status: status, Words: r.Description, Sends: sendsOf(r.Content)})
	}
	return c
}

func sendsOf(content map[string]manualMedia) []manualSent {
	var out []manualSent
	for _, media := range slices.Sorted(maps.Keys(content)) {
		out = append(out, manualSent{media, content[media].Schema})
	}
	return out
}

// curl writes the call as a line for a shell.
func curl(c *manualCall) string {
	var b strings.Builder
	b.WriteString("curl ")
	if usual := map[bool]string{false: "GET", true: "POST"}[c.Body != ""]; c.Method != usual {
		b.WriteString("-X " + c.Method + " ")
	}
	address, query := `"$HEARBACK`+strings.NewReplacer("{", "$", "}", "").Replace(c.Path), "?"
	for _, p := range c.Parameters {
		if p.In == "query" && p.Need {
			address += query + p.Name + "=" + strings.Join(p.Schema.Enum[:min(1, len(p.Schema.Enum))], "")
			query = "&"
		}
	}
	b.WriteString(address + `" -H "Authorization: Bearer $KEY"`)
	switch {
	case c.Lines:
		b.WriteString(` -H "Content-Type: ` + linesType + `" --data-binary @lines.ndjson`)
	case c.Example != "":
		b.WriteString(" -d '" + c.Example + "'")
	}
	return b.String()
}

// prose is text with `code` in it.
func prose(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			b.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
		} else {
			b.WriteString(template.HTMLEscapeString(part))
		}
	}
	return template.HTML(b.String()) // escaped above
}

// kind says in words what a value is, with a link to its type where it has one.
func kind(s manualSchema) template.HTML {
	switch {
	case s.Ref != "":
		name := template.HTMLEscapeString(typeOf(s))
		return template.HTML(`<a href="#type-` + name + `">` + name + `</a>`)
	case len(s.AnyOf) > 0:
		words := make([]string, len(s.AnyOf))
		for i := range s.AnyOf {
			words[i] = string(kind(s.AnyOf[i]))
		}
		return template.HTML(strings.Join(words, " or "))
	case s.Items != nil:
		return "list of " + kind(*s.Items) + template.HTML(limit(s.MaxItems, ", at most %s"))
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = "<code>" + template.HTMLEscapeString(v) + "</code>"
		}
		return template.HTML(strings.Join(words, " "))
	case s.Format == "date-time":
		return "time, RFC 3339"
	case s.Type == "integer":
		words := "number" + limit(s.Minimum, " from %s") + limit(s.Maximum, " to %s")
		if s.Default != nil {
			words += fmt.Sprintf(", %v if left out", s.Default)
		}
		return template.HTML(words)
	case s.Type == "boolean":
		return "true or false"
	case s.Type == "string":
		return template.HTML("text" + limit(s.MaxLength, ", at most %s"))
	case s.Type == "":
		return "any value"
	}
	return template.HTML(template.HTMLEscapeString(s.Type))
}

func limit(n *int, words string) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf(words, strconv.Itoa(*n))
}
