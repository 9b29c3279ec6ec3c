package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

const envPrefix = "HEARBACK_"

// environment is what of the process's environment concerns Hearback.
type environment struct {
	values map[string]string
	used   map[string]bool
}

// newEnvironment keeps the variables with our prefix. An empty one counts as
// not set, since that is what container tools make of a missing value.
func newEnvironment(env []string) environment {
	e := environment{values: map[string]string{}, used: map[string]bool{}}
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		if ok && value != "" && strings.HasPrefix(name, envPrefix) {
			e.values[name] = value
		}
	}
	return e
}

func (e environment) below(name string) bool {
	for have := range e.values {
		if strings.HasPrefix(have, name+"_") {
			return true
		}
	}
	return false
}

// envName is the one rule: the path in capitals, with _ for every dot.
func envName(parent, key string) string { return parent + strings.ToUpper(key) }

// override sets from the environment what is below v. prefix ends in "_".
func (l *loader) override(v reflect.Value, path, prefix string) {
	for _, f := range fieldsOf(v.Type()) {
		fv, at, name := v.Field(f.index), join(path, f.key), envName(prefix, f.key)
		switch {
		case scalar(fv.Type()):
			l.overrideScalar(f, fv, at, name)
		case fv.Kind() == reflect.Slice && scalar(fv.Type().Elem()):
			l.overrideWords(fv, at, name)
		case fv.Kind() == reflect.Slice:
			l.overrideList(fv, at, name)
		default:
			l.override(fv, at, name+"_")
		}
	}
}

func (l *loader) overrideScalar(f field, v reflect.Value, path, name string) {
	text, direct := l.env.values[name]
	file, fromFile := "", false
	if f.secret {
		file, fromFile = l.env.values[name+"_FILE"]
	}
	l.env.used[name] = direct
	l.env.used[name+"_FILE"] = fromFile
	switch {
	case direct && fromFile:
		l.add(path, Origin{Env: name}, "keep one of the two", "is given twice, also in %s_FILE", name)
	case direct:
		// The file's way to the value no longer counts.
		delete(l.files, path)
		l.origins[path] = Origin{Env: name}
		l.set(v, path, text)
	case fromFile:
		l.files[path] = Origin{Env: name + "_FILE"}
		l.setFromFile(v, path, file)
	}
}

// overrideWords sets a list of words, parted by commas.
func (l *loader) overrideWords(v reflect.Value, path, name string) {
	text, ok := l.env.values[name]
	if !ok {
		return
	}
	l.env.used[name] = true
	l.origins[path] = Origin{Env: name}
	list := reflect.MakeSlice(v.Type(), 0, 1)
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = reflect.Append(list, reflect.ValueOf(word))
		}
	}
	v.Set(list)
}

// overrideList sets keys of the entries of a list, named by their number or by
// their name: HEARBACK_RELAYS_0_PASSWORD, HEARBACK_RELAYS_MAIN_PASSWORD. The
// number after the last makes a new entry, so that a container needs no file.
func (l *loader) overrideList(v reflect.Value, path, name string) {
	for i := 0; ; i++ {
		numbered := name + "_" + strconv.Itoa(i)
		if i == v.Len() {
			if !l.env.below(numbered) {
				return
			}
			e := newElement(v.Type().Elem())
			l.origins[fmt.Sprintf("%s[%d]", path, i)] = Origin{Env: numbered + "_…"}
			v.Set(reflect.Append(v, e))
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		l.override(v.Index(i), at, numbered+"_")
		if slug := envSlug(v.Index(i).Field(0).String()); slug != "" {
			l.override(v.Index(i), at, name+"_"+slug+"_")
		}
	}
}

// envSlug is an entry's name as it stands in a variable; "" when it would look
// like a number.
func envSlug(name string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
	if strings.Trim(slug, "0123456789_") == "" {
		return ""
	}
	return slug
}

// unused gives a warning for each variable that has our prefix and sets
// nothing. It is no error: container platforms add variables named after a
// service, and ours may be called hearback.
func (l *loader) unused() []string {
	var warnings []string
	for name := range l.env.values {
		if l.env.used[name] || foreign(name) {
			continue
		}
		w := "the environment variable " + name + " sets nothing"
		if near := dispatcher.Nearest(name, envNames()); near != "" {
			w += " (did you mean " + near + "?)"
		}
		warnings = append(warnings, w)
	}
	slices.Sort(warnings)
	return warnings
}

func foreign(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return rest == "CONFIG" || strings.HasPrefix(rest, "TEST_") ||
		rest == "PORT" || strings.Contains("_"+rest, "_PORT_") || strings.Contains("_"+rest, "_SERVICE_")
}

// envNames lists all variables; entries of lists with number 0.
func envNames() []string {
	var names []string
	walk(reflect.TypeFor[Config](), "", func(at string, f field, t reflect.Type) {
		if scalar(t) || t.Kind() == reflect.Slice && scalar(t.Elem()) {
			names = append(names, envOf(at, "0"))
			if f.secret {
				names = append(names, envOf(at, "0")+"_FILE")
			}
		}
	})
	return names
}

// envOf gives the variable of a path as walk makes it.
func envOf(path, index string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer("[]", "_"+index, ".", "_").Replace(path))
}
