package web

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hearback/hearback/dispatcher"
)

// Body reads a request's body of at most limit bytes. A longer one is a
// [dispatcher.CodeTooLarge] error.
func Body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, TooLarge(limit)
	}
	size := min(max(r.ContentLength+1, 512), limit+1)
	b := bytes.NewBuffer(make([]byte, 0, size))
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, TooLarge(limit)
	case err != nil:
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		return nil, &dispatcher.Error{Code: dispatcher.CodeInvalid, Message: "the body could not be read to its end", Mend: "send it again", Err: err}
	}
	return b.Bytes(), nil
}

// TooLarge is the error of a body that is longer than it may be.
func TooLarge(limit int64) error {
	return &dispatcher.Error{Code: dispatcher.CodeTooLarge, Message: fmt.Sprintf("the body has more than %d bytes", limit), Mend: "send it in several requests"}
}

// DecodeBody reads a request's body of at most limit bytes into v, by the
// rules of [Decode].
func DecodeBody(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	b, err := Body(w, r, limit)
	if err != nil {
		return err
	}
	return Decode(b, v)
}

// Decode reads exactly one JSON value into v, strictly: a field that v does
// not have, a value of another type, text that is not UTF-8, a NUL character
// (which PostgreSQL cannot keep) and anything after the value are errors that
// name the field, and for an unknown one the field that was probably meant.
func Decode(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return dispatcher.Invalid("", "send a JSON object", "the body is empty")
	}
	if !utf8.Valid(b) {
		return dispatcher.Invalid("", "send UTF-8", "is not valid UTF-8")
	}
	if HasNUL(b) {
		return dispatcher.Invalid(fieldWithNUL(b), "remove the NUL character", `has a NUL character (\u0000)`)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err := d.Token(); err != io.EOF {
			return dispatcher.Invalid("", "send one JSON value", "something follows the JSON value")
		}
		return nil
	}
	if e := brokenJSON(b, err); e != nil {
		return e
	}
	if e := mismatch("", b, reflect.TypeOf(v)); e != nil {
		return e
	}
	return dispatcher.Invalid("", "compare it with the API's description", "%s", strings.TrimPrefix(err.Error(), "json: "))
}

// HasNUL says whether JSON text holds the escape of a NUL character.
func HasNUL(b []byte) bool {
	for {
		i := bytes.Index(b, []byte(`\u0000`))
		if i < 0 {
			return false
		}
		n := 0 // an even number of backslashes before it makes it an escape
		for i-1-n >= 0 && b[i-1-n] == '\\' {
			n++
		}
		if n%2 == 0 {
			return true
		}
		b = b[i+6:]
	}
}

func fieldWithNUL(b []byte) string {
	var path string
	var look func(at string, v any)
	look = func(at string, v any) {
		switch v := v.(type) {
		case string:
			if path == "" && strings.ContainsRune(v, 0) {
				path = at
			}
		case map[string]any:
			for k, e := range v {
				look(join(at, k), e)
			}
		case []any:
			for i, e := range v {
				look(join(at, strconv.Itoa(i)), e)
			}
		}
	}
	var v any
	if json.Unmarshal(b, &v) == nil {
		look("", v)
	}
	return path
}

// brokenJSON says where the text stops being JSON, or nil when it is JSON.
func brokenJSON(b []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil
	}
	at, words := len(b), "it ends too early"
	if syntax != nil {
		at, words = int(syntax.Offset), syntax.Error()
	}
	before := b[:min(max(at-1, 0), len(b))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return dispatcher.Invalid("", "send valid JSON", "line %d, column %d: this is no JSON: %s", line, column, words)
}

// mismatch finds the first place where a JSON text does not fit a type.
func mismatch(path string, b json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		if string(bytes.TrimSpace(b)) == "null" {
			return nil
		}
		t = t.Elem()
	}
	switch {
	case readsItself(t):
	case t.Kind() == reflect.Struct:
		return mismatchStruct(path, b, t)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		var parts []json.RawMessage
		if err := json.Unmarshal(b, &parts); err != nil {
			return wrongType(path, b, "a list")
		}
		for i, p := range parts {
			if err := mismatch(join(path, strconv.Itoa(i)), p, t.Elem()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := json.Unmarshal(b, reflect.New(t).Interface()); err != nil {
		return wrongValue(path, b, t, err)
	}
	return nil
}

func mismatchStruct(path string, b json.RawMessage, t reflect.Type) error {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return wrongType(path, b, "an object")
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && name != "-" {
			if name == "" {
				name = f.Name
			}
			fields[name] = f.Type
		}
	}
	names := make([]string, 0, len(parts))
	for k := range parts {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		ft, ok := fields[k]
		if !ok {
			ft, ok = foldedField(fields, k)
		}
		if !ok {
			return unknownField(path, k, fields)
		}
		if err := mismatch(join(path, k), parts[k], ft); err != nil {
			return err
		}
	}
	return nil
}

// foldedField finds a field as encoding/json does, whatever the case.
func foldedField(fields map[string]reflect.Type, name string) (reflect.Type, bool) {
	for k, t := range fields {
		if strings.EqualFold(k, name) {
			return t, true
		}
	}
	return nil, false
}

func unknownField(path, name string, fields map[string]reflect.Type) error {
	known := make([]string, 0, len(fields))
	for k := range fields {
		known = append(known, k)
	}
	sort.Strings(known)
	mend := "leave it out; known are: " + strings.Join(known, ", ")
	if near := dispatcher.Nearest(name, known); near != "" {
		mend = fmt.Sprintf("did you mean %q? Known are: %s", near, strings.Join(known, ", "))
	}
	if len(known) == 0 {
		mend = "leave it out"
	}
	return dispatcher.Invalid(join(path, clip(name)), mend, "there is no such field")
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func wrongValue(path string, b json.RawMessage, t reflect.Type, err error) error {
	var e *dispatcher.Error
	if errors.As(err, &e) {
		return dispatcher.Invalid(path, e.Mend, "%s", e.Message)
	}
	switch t.Kind() {
	case reflect.String:
		return wrongType(path, b, "a text in quotes")
	case reflect.Bool:
		return wrongType(path, b, "true or false")
	case reflect.Int, reflect.Int64, reflect.Float64:
		return wrongType(path, b, "a number")
	}
	if strings.HasSuffix(t.String(), "time.Time") {
		return dispatcher.Invalid(path, "give an RFC 3339 time with an offset, such as 2026-06-08T10:15:00Z", "%s is no time", clip(string(b)))
	}
	return wrongType(path, b, "something else")
}

func wrongType(path string, b json.RawMessage, want string) error {
	return dispatcher.Invalid(path, "send "+want, "%s stands where %s belongs", kindOf(b), want)
}

func kindOf(b json.RawMessage) string {
	switch b := bytes.TrimSpace(b); {
	case len(b) == 0:
		return "nothing"
	case b[0] == '{':
		return "an object"
	case b[0] == '[':
		return "a list"
	case b[0] == '"':
		return "a text"
	default:
		return clip(string(b))
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
