package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/hearback/hearback/dispatcher"
)

// field is one key of a struct.
type field struct {
	index  int
	key    string
	help   string
	sample string
	secret bool // may also be given as key_file, a file that holds the value
}

// fieldsOf lists the keys of a struct type in order.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		fields = append(fields, field{
			index: i, key: key, help: f.Tag.Get("help"), sample: f.Tag.Get("sample"),
			secret: f.Type == reflect.TypeFor[Secret](),
		})
	}
	// security.secret has a secret_file of its own kind.
	for i := range fields {
		for _, g := range fields {
			if fields[i].secret && g.key == fields[i].key+"_file" {
				fields[i].secret = false
			}
		}
	}
	return fields
}

// keysOf lists all keys that a struct type knows.
func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
		if f.secret {
			keys = append(keys, f.key+"_file")
		}
	}
	return keys
}

// defaulted is an element of a list that has defaults of its own.
type defaulted interface{ setDefaults() }

// newElement gives an element of a list with its defaults.
func newElement(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if d, ok := v.Interface().(defaulted); ok {
		d.setDefaults()
	}
	return v.Elem()
}

// decode reads a node into v, which already holds the defaults.
func (l *loader) decode(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!null" {
		return // "key:" with nothing behind it leaves the default
	}
	if v.Type() != reflect.TypeFor[Secret]() || n.Value != "" {
		l.origins[path] = Origin{File: l.file, Line: n.Line}
	}
	switch {
	case scalar(v.Type()):
		if n.Kind != yaml.ScalarNode {
			l.bad(path, "write one value", "is a %s", kindWord(n.Kind))
			return
		}
		l.set(v, path, n.Value)
	case v.Kind() == reflect.Slice:
		l.decodeList(n, v, path)
	default:
		l.decodeStruct(n, v, path)
	}
}

func (l *loader) decodeStruct(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		l.bad(path, "write its keys below it, indented: "+strings.Join(keysOf(v.Type()), ", "), "needs keys of its own and is a %s", kindWord(n.Kind))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			l.badAt(key, join(path, key.Value), "keep one of the two", "is already in line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		l.decodeKey(key, value, v, path)
	}
}

func (l *loader) decodeKey(key, value *yaml.Node, v reflect.Value, path string) {
	for _, f := range fieldsOf(v.Type()) {
		at := join(path, f.key)
		switch {
		case key.Value == f.key:
			l.decode(value, v.Field(f.index), at)
			if s, ok := v.Field(f.index).Interface().(Secret); ok && strings.Contains(s.String(), mask) {
				l.inline = true
			}
		case f.secret && key.Value == f.key+"_file":
			l.decodeFile(value, v.Field(f.index), at)
		default:
			continue
		}
		if f.secret && l.files[at] != (Origin{}) && l.origins[at] != (Origin{}) {
			l.badAt(key, join(path, key.Value), "keep one of the two", "is one too many: %s and %s_file are both given", f.key, f.key)
		}
		return
	}
	mend := "known keys here: " + strings.Join(keysOf(v.Type()), ", ")
	if near := dispatcher.Nearest(key.Value, keysOf(v.Type())); near != "" {
		mend = fmt.Sprintf("did you mean %q?", near)
	} else if at := whereKnown(key.Value, path); at != "" {
		mend = fmt.Sprintf("did you mean %s?", at)
	}
	l.badAt(key, join(path, key.Value), mend, "is no known key")
}

// decodeFile reads the secret at path from the file that key_file names. An
// empty name counts as not given.
func (l *loader) decodeFile(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		l.badAt(n, path+"_file", "give the path of a file", "is a %s", kindWord(n.Kind))
		return
	}
	if n.ShortTag() == "!!null" || n.Value == "" {
		return
	}
	l.files[path] = Origin{File: l.file, Line: n.Line}
	l.setFromFile(v, path, n.Value)
}

func (l *loader) decodeList(n *yaml.Node, v reflect.Value, path string) {
	elem := v.Type().Elem()
	nodes := n.Content
	switch {
	case n.Kind == yaml.SequenceNode:
	case n.Kind == yaml.ScalarNode && scalar(elem): // one in place of a list of one
		nodes = []*yaml.Node{n}
	default:
		l.bad(path, `begin each entry with "- "`, "is a list and was given a %s", kindWord(n.Kind))
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(nodes))
	for i, node := range nodes {
		e := newElement(elem)
		l.decode(node, e, fmt.Sprintf("%s[%d]", path, i))
		list = reflect.Append(list, e)
	}
	v.Set(list)
}

// set reads a scalar and files what is wrong with it.
func (l *loader) set(v reflect.Value, path, text string) {
	if err := setScalar(v, text); err != nil {
		l.bad(path, err.Mend, "%s", err.Message)
	}
}

// setFromFile reads the secret at path from the file of that name, without the
// line end that editors put behind it. files[path] tells who named it.
func (l *loader) setFromFile(v reflect.Value, path, name string) {
	bad := func(mend, format string, args ...any) { l.add(path+"_file", l.files[path], mend, format, args...) }
	b, err := os.ReadFile(name)
	if err != nil {
		bad("check the path and who may read it", "cannot be read: %v", err)
		return
	}
	text := strings.TrimRight(string(b), "\r\n")
	if strings.TrimSpace(text) == "" {
		bad("write the secret into it", "names %s, which is empty", name)
		return
	}
	if err := setScalar(v, text); err != nil {
		bad(err.Mend, "names %s, which %s", name, err.Message)
	}
}

// whereKnown finds a key that was put in the wrong place: it gives the path of
// a known key of that name elsewhere.
func whereKnown(key, path string) string {
	found := ""
	walk(reflect.TypeFor[Config](), "", func(at string, f field, t reflect.Type) {
		if found == "" && f.key == key && at != join(path, key) {
			found = at
		}
	})
	return found
}

// walk visits every key, groups before what is in them. Elements of lists have
// the index [].
func walk(t reflect.Type, path string, visit func(path string, f field, t reflect.Type)) {
	for _, f := range fieldsOf(t) {
		ft := t.Field(f.index).Type
		at := join(path, f.key)
		visit(at, f, ft)
		switch {
		case scalar(ft):
		case ft.Kind() == reflect.Slice && !scalar(ft.Elem()):
			walk(ft.Elem(), at+"[]", visit)
		case ft.Kind() == reflect.Struct:
			walk(ft, at, visit)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindWord(k yaml.Kind) string {
	switch k {
	case yaml.MappingNode:
		return "group of keys"
	case yaml.SequenceNode:
		return "list"
	}
	return "single value"
}

func (l *loader) bad(path, mend, format string, args ...any) {
	l.add(path, l.origin(path), mend, format, args...)
}

func (l *loader) badAt(n *yaml.Node, path, mend, format string, args ...any) {
	l.add(path, Origin{File: l.file, Line: n.Line}, mend, format, args...)
}

func (l *loader) add(path string, where Origin, mend, format string, args ...any) {
	l.problems = append(l.problems, Problem{Path: path, Where: where, Message: fmt.Sprintf(format, args...), Mend: mend})
}

// origin is where a path was set, or else the nearest thing around it.
func (l *loader) origin(path string) Origin {
	if o := l.files[path]; o != (Origin{}) {
		return o
	}
	return originOf(l.origins, path)
}

func originOf(origins map[string]Origin, path string) Origin {
	for {
		if o, ok := origins[path]; ok {
			return o
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return Origin{}
		}
		path = path[:i]
	}
}
