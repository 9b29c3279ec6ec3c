package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Example gives the text of config.example.yaml: every key with its default
// and its meaning. Lists that are empty by default stand in it as comments,
// with "# " before every line of an entry.
func Example() string {
	w := &exampleWriter{}
	w.line("", "## Hearback, every key with its default.")
	w.line("", "##")
	w.line("", "## Words begin with ##. Lists that are empty by default begin with # and show one")
	w.line("", "## entry; take the # away to use it. A key left out keeps its default, an unknown key")
	w.line("", "## is an error. Times are written 90s, 2m, 6h or 14d.")
	w.line("", "## Every value can also come from the environment: http.base_url is HEARBACK_HTTP_BASE_URL,")
	w.line("", "## the first relay's password HEARBACK_RELAYS_0_PASSWORD. See docs/configuration.md.")
	c := reflect.ValueOf(Default()).Elem()
	for _, f := range fieldsOf(c.Type()) {
		w.line("", "")
		w.field(f, c.Field(f.index), "", "")
	}
	return w.b.String()
}

type exampleWriter struct{ b strings.Builder }

func (w *exampleWriter) line(lead, text string) {
	w.b.WriteString(strings.TrimRight(lead+text, " ") + "\n")
}

// field writes one key. lead is "# " inside of a list that is not in force.
func (w *exampleWriter) field(f field, v reflect.Value, lead, indent string) {
	w.line(lead, indent+"## "+f.help)
	switch {
	case scalar(v.Type()):
		w.line(lead, indent+f.key+": "+yamlText(v))
		if f.secret {
			w.line(lead, indent+"## The same from a file, which holds nothing else.")
			w.line(lead, indent+f.key+`_file: ""`)
		}
	case v.Kind() == reflect.Slice && scalar(v.Type().Elem()):
		w.line(lead, indent+f.key+": []")
	case v.Kind() == reflect.Slice:
		w.line("# ", f.key+":")
		w.entry(sampleEntry(v.Type().Elem()), "# ", indent+"  ")
	default:
		w.line(lead, indent+f.key+":")
		for _, g := range fieldsOf(v.Type()) {
			w.field(g, v.Field(g.index), lead, indent+"  ")
		}
	}
}

// entry writes the one sample of a list; its first key carries the dash.
func (w *exampleWriter) entry(v reflect.Value, lead, indent string) {
	for i, f := range fieldsOf(v.Type()) {
		if i > 0 {
			w.field(f, v.Field(f.index), lead, indent+"  ")
			continue
		}
		w.line(lead, indent+"## "+f.help)
		w.line(lead, indent+"- "+f.key+": "+yamlText(v.Field(f.index)))
	}
}

// sampleEntry is an entry of a list with its defaults and, where there is
// none, its samples.
func sampleEntry(t reflect.Type) reflect.Value {
	v := newElement(t)
	for _, f := range fieldsOf(t) {
		if f.sample != "" {
			setScalar(v.Field(f.index), f.sample)
		}
		d := Default()
		switch f.key {
		case "settle":
			v.Field(f.index).SetInt(int64(d.Settle))
		case "max_age":
			v.Field(f.index).SetInt(int64(d.MaxAge))
		}
	}
	return v
}

// yamlText writes a scalar so that YAML reads it back as it is. Defaults of
// secrets are no secrets, and are shown.
func yamlText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return formatDuration(x)
	case Secret:
		return quoted(x.Reveal())
	case fmt.Stringer:
		return quoted(x.String())
	}
	if v.Kind() == reflect.String {
		return quoted(v.String())
	}
	return fmt.Sprint(v.Interface())
}

// quoted gives a text as one YAML scalar in one line, in quotes if need be.
func quoted(s string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch strings.ToLower(s) {
	case "on", "off", "yes", "no": // YAML 1.1 takes them for true and false
		n.Style = yaml.DoubleQuotedStyle
	}
	if strings.ContainsAny(s, "\r\n") {
		n.Style = yaml.DoubleQuotedStyle
	}
	b, err := yaml.Marshal(&n)
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(string(b), "\n")
}

// Reference gives the tables of docs/configuration.md: every key with its
// default, its variable and its meaning.
func Reference() string {
	var b strings.Builder
	c := reflect.ValueOf(Default()).Elem()
	table := func(title, help string, rows func(add func(path string, f field, v reflect.Value))) {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| key | default | variable | meaning |\n|---|---|---|---|\n", title, help)
		rows(func(path string, f field, v reflect.Value) {
			fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", path, defaultCell(v), envOf(path, "0"), cell(f.help))
			if f.secret {
				fmt.Fprintf(&b, "| `%s_file` |  | `%s_FILE` | The same, from a file of this name. |\n", path, envOf(path, "0"))
			}
		})
		b.WriteString("\n")
	}
	table("Top level", "What new comments wait for and how old they may be.", func(add func(string, field, reflect.Value)) {
		for _, f := range fieldsOf(c.Type()) {
			if v := c.Field(f.index); scalar(v.Type()) {
				add(f.key, f, v)
			}
		}
	})
	for _, f := range fieldsOf(c.Type()) {
		v := c.Field(f.index)
		if scalar(v.Type()) {
			continue
		}
		title, path := f.key, f.key
		if v.Kind() == reflect.Slice {
			title, path, v = f.key+"[]", f.key+"[]", newElement(v.Type().Elem())
		}
		table(title, f.help, func(add func(string, field, reflect.Value)) { rows(v, path, add) })
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func rows(v reflect.Value, path string, add func(string, field, reflect.Value)) {
	for _, f := range fieldsOf(v.Type()) {
		fv, at := v.Field(f.index), join(path, f.key)
		if fv.Kind() == reflect.Struct && !scalar(fv.Type()) {
			rows(fv, at, add)
			continue
		}
		add(at, f, fv)
	}
}

func defaultCell(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok && d == unset {
		return "as at top level"
	}
	if v.Kind() == reflect.Slice || v.IsZero() && v.Kind() == reflect.String {
		return ""
	}
	if s := strings.Trim(yamlText(v), `"`); s != "" {
		return "`" + s + "`"
	}
	return ""
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
