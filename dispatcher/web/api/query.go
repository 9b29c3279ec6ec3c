package api

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// The parameters of a route are the fields of a struct with the tag query,
// which names them. doc says what they mean; need:"true" that they must be
// given; min and max bound numbers; default stands for one that was left out.
// Types with known values (see values) take those only.

// parameter is one declared parameter of the address.
type parameter struct {
	name  string
	field reflect.StructField
}

func parametersOf(t reflect.Type) []parameter {
	var out []parameter
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("query"); name != "" {
			out = append(out, parameter{name, f})
		}
	}
	return out
}

// parameters reads the call's parameters into the struct that q points to. One
// that it does not have is an error: a filter with a slip of the pen would list
// everything.
func (c *call) parameters(q any) error {
	v := reflect.ValueOf(q).Elem()
	declared := parametersOf(v.Type())
	given := c.r.URL.Query()
	for name := range given {
		if name != "site" && !slices.ContainsFunc(declared, func(p parameter) bool { return p.name == name }) {
			return unknownParameter(name, declared)
		}
	}
	for _, p := range declared {
		text := given.Get(p.name)
		if text == "" && p.field.Tag.Get("need") != "" {
			mend := "add ?" + p.name + "= with " + p.field.Tag.Get("doc")
			if only := p.field.Tag.Get("enum"); only != "" && !strings.Contains(only, ",") {
				mend = "add ?" + p.name + "=" + only + " (" + p.field.Tag.Get("doc") + ")"
			}
			return dispatcher.Invalid(p.name, mend, "is missing")
		}
		text = cmp.Or(text, p.field.Tag.Get("default"))
		if text == "" {
			continue
		}
		if err := p.set(v.FieldByIndex(p.field.Index), text); err != nil {
			return err
		}
	}
	return nil
}

func unknownParameter(name string, declared []parameter) error {
	known := make([]string, 0, len(declared)+1)
	for _, p := range declared {
		known = append(known, p.name)
	}
	known = append(known, "site")
	mend := "known are: " + strings.Join(known, ", ")
	if near := dispatcher.Nearest(name, known); near != "" {
		mend = fmt.Sprintf("did you mean %q? %s", near, mend)
	}
	return dispatcher.Invalid(name, mend, "there is no such parameter")
}

func (p *parameter) set(to reflect.Value, text string) error {
	switch to.Kind() {
	case reflect.Int:
		lo, hi := bound(p.field.Tag.Get("min"), 0), bound(p.field.Tag.Get("max"), 1<<31-1)
		n, err := strconv.Atoi(text)
		if err != nil || n < lo || n > hi {
			return dispatcher.Invalid(p.name, fmt.Sprintf("give a number from %d to %d", lo, hi), "%q is out of range", clip(text))
		}
		to.SetInt(int64(n))
	case reflect.Bool:
		if text != "true" && text != "false" {
			return dispatcher.Invalid(p.name, "use true or false", "%q is neither", clip(text))
		}
		to.SetBool(text == "true")
	default:
		if known := allowed(p.field); known != nil && !slices.Contains(known, text) {
			return dispatcher.Invalid(p.name, dispatcher.Choose(text, known...), "unknown %s %q", p.name, clip(text))
		}
		if strings.ContainsRune(text, 0) {
			return dispatcher.Invalid(p.name, "leave the character out", "has a NUL character")
		}
		to.SetString(text)
	}
	return nil
}

func bound(tag string, without int) int {
	n, err := strconv.Atoi(tag)
	if err != nil {
		return without
	}
	return n
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
