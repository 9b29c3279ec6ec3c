package render

import (
	"html/template"
	"reflect"
)

// Variable is a field that templates may use.
type Variable struct {
	Where string // what the dot is there: "mail", "group", "item" or "parent"
	Path  string // such as ".Comment.Author"
	Type  string // text, number, yes or no, list
}

// Variables lists the fields that templates may use: of the mail, within
// {{range .Groups}}, within {{range .Items}} and the block "item", and there
// within {{with .Parent}}. What each means stands in docs/templates.md.
func Variables() []Variable {
	var out []Variable
	for _, at := range []struct {
		where string
		typ   reflect.Type
	}{{"mail", reflect.TypeFor[MailView]()}, {"group", reflect.TypeFor[GroupView]()}, {"item", reflect.TypeFor[ItemBody]()}} {
		out = appendVariables(out, at.where, "", at.typ)
	}
	return out
}

func appendVariables(out []Variable, where, path string, t reflect.Type) []Variable {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		at, typ := path+"."+f.Name, f.Type
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		switch {
		case typ == reflect.TypeFor[ItemView](): // the first item: as in a list of them
			out = append(out, Variable{where, at, "item"})
		case typ == reflect.TypeFor[ParentView](): // may be missing
			out = appendVariables(append(out, Variable{where, at, "parent"}), "parent", "", typ)
		case typ == reflect.TypeFor[template.HTML](), typ.Kind() == reflect.String:
			out = append(out, Variable{where, at, "text"})
		case typ.Kind() == reflect.Int:
			out = append(out, Variable{where, at, "number"})
		case typ.Kind() == reflect.Bool:
			out = append(out, Variable{where, at, "yes or no"})
		case typ.Kind() == reflect.Slice:
			out = append(out, Variable{where, at, "list"})
		case typ.Kind() == reflect.Map:
			out = append(out, Variable{where, at, "texts by name"})
		case typ.Kind() == reflect.Struct:
			out = appendVariables(out, where, at, typ)
		}
	}
	return out
}
