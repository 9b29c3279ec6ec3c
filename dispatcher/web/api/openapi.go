package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// document writes the contract as OpenAPI 3.1. It is made of the routes and of
// the Go types that they read and answer, by nobody's hand.
func document(rs []route) []byte {
	var doc bytes.Buffer
	enc := json.NewEncoder(&doc)
	enc.SetEscapeHTML(false)                         // examples are for people too
	if err := enc.Encode(describe(rs)); err != nil { // nothing but maps and texts of ours
		panic(err)
	}
	return doc.Bytes()
}

func serveDocument(doc []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(doc) // nobody is left to be told
	})
}

const introduction = `Tells people by e-mail when somebody answers them.

Send the key as ` + "`Authorization: Bearer KEY`" + `; ` + "`hearback key create`" + ` makes one. Every call belongs to one site: the key's, or, where a key is for several, the one that ` + "`?site=`" + ` names.
Errors are problem details (RFC 9457) with three more members: ` + "`code`, `field` and `mend`" + `. Lists come in pages: give ` + "`next`" + ` as ` + "`?after=`" + `. A call with an ` + "`Idempotency-Key`" + ` that was made
before gets the answer that it got, for 24 hours. Times are RFC 3339. An unknown field or parameter is an error.`

func describe(rs []route) object {
	s := &schemas{defs: map[string]object{}, types: map[string]reflect.Type{}}
	// What is sent comes first: a type that is both sent and answered is
	// described as strictly as it is read.
	s.input = true
	for i := range rs {
		for _, t := range rs[i].sent() {
			s.of(t)
		}
	}
	s.input = false
	paths := map[string]object{}
	for i := range rs {
		r := &rs[i]
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		paths[r.path][strings.ToLower(r.method)] = s.operation(r)
	}
	s.of(reflect.TypeFor[wire.Problem]())
	return object{
		"openapi":  "3.1.0",
		"info":     object{"title": "Hearback", "version": "1", "description": introduction},
		"servers":  []object{{"url": "."}},
		"security": []object{{"key": []string{}}},
		"tags":     tags(rs),
		"paths":    paths,
		"components": object{
			"securitySchemes": object{"key": object{"type": "http", "scheme": "bearer", "description": "A key of `hearback key create`."}},
			"schemas":         s.defs,
			"headers":         headers(),
		},
	}
}

// sent lists the types that a route reads.
func (rt *route) sent() []reflect.Type {
	list := slices.Clone(rt.bodies)
	if rt.line != nil {
		list = append(list, rt.line)
	}
	return list
}

func tags(rs []route) []object {
	out := []object{}
	for i := range rs {
		if t := tagOf(&rs[i]); len(out) == 0 || out[len(out)-1]["name"] != t {
			out = append(out, object{"name": t, "description": tagWords(t)})
		}
	}
	return out
}

// tagWords says what a group of calls is for.
func tagWords(tag string) string {
	switch tag {
	case "events":
		return "What happened on the site. Hand it in and forget it: what is accepted is on disk."
	case "subscribers":
		return "The site's readers, by the site's own ids."
	case "subscriptions":
		return "What readers follow, and what they have muted."
	case "schedules":
		return "Named cadences, such as daily. Those in the configuration are read-only here."
	case "templates":
		return "The mails' texts: drafts, versions, previews."
	case "messages":
		return "The mails: what was sent, what was not and why."
	case "explain":
		return "Why a reader did or did not hear of a comment."
	case "sources":
		return "The places that the daemon polls for comments."
	case "suppressions":
		return "Addresses that get no mail."
	case "sending":
		return "The switch for all mail: on, held, or redirected to one address."
	}
	panic("no words for the tag " + tag) // a defect that every start of the package's tests meets
}

func tagOf(r *route) string { return strings.Split(r.path, "/")[2] }

func (s *schemas) operation(r *route) object {
	words := "Needs the right `" + strings.ReplaceAll(words(r.rights), " or ", "` or `") + "`."
	if r.global {
		words = strings.TrimSuffix(words, ".") + ", and a key for all sites."
	}
	if r.about != "" {
		words = r.about + " " + words
	}
	op := object{
		"operationId": operationID(r), "summary": r.summary, "tags": []string{tagOf(r)}, "description": words,
		"parameters": s.parameters(r), "responses": s.responses(r),
	}
	if body := s.body(r); body != nil {
		op["requestBody"] = body
	}
	return op
}

func (s *schemas) body(r *route) object {
	content := object{}
	if len(r.bodies) > 0 {
		var any []object
		for _, t := range r.bodies {
			any = append(any, s.of(t))
		}
		media := object{"schema": any[0]}
		if len(any) > 1 {
			media = object{"schema": object{"anyOf": any}}
		}
		if r.example != "" {
			media["example"] = json.RawMessage(r.example)
		}
		content[jsonType] = media
	}
	if r.line != nil {
		content[linesType] = object{"schema": described(s.of(r.line), "one such value a line")}
	}
	if len(content) == 0 {
		return nil
	}
	limit := r.limit
	if limit == 0 {
		limit = MaxSmall
	}
	return object{"content": content, "required": !r.optional, "description": fmt.Sprintf("At most %d MB.", limit>>20)}
}

// described puts words beside a reference, which OpenAPI 3.1 allows.
func described(schema object, words string) object {
	schema["description"] = words
	return schema
}

func (s *schemas) responses(r *route) object {
	out := object{}
	for _, status := range r.status {
		a := object{"description": http.StatusText(status), "headers": object{"RateLimit": headerRef("RateLimit"), "RateLimit-Policy": headerRef("RateLimit-Policy")}}
		content := object{}
		if r.answer != nil {
			content[jsonType] = object{"schema": s.of(r.answer)}
		}
		if r.lines != nil && status == http.StatusOK {
			content[linesType] = object{"schema": described(s.of(r.lines), "one such value a line: a receipt for each line that was sent, and a summary in the last one")}
		}
		if len(content) > 0 {
			a["content"] = content
		}
		out[strconv.Itoa(status)] = a
	}
	for _, status := range r.problems() {
		schema := s.of(reflect.TypeFor[wire.Problem]())
		if t := r.refusal(); t != nil && status == http.StatusUnprocessableEntity {
			schema = object{"anyOf": []object{s.of(t), schema}}
		}
		p := object{"description": reasons(status), "content": object{problemType: object{"schema": schema}}}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			p["headers"] = object{"Retry-After": headerRef("Retry-After")}
		}
		out[strconv.Itoa(status)] = p
	}
	return out
}

// refusal is the problem of a route that says more than others.
func (rt *route) refusal() reflect.Type {
	switch rt.answer {
	case reflect.TypeFor[wire.Receipt]():
		return reflect.TypeFor[wire.EventsRefused]()
	case reflect.TypeFor[wire.TemplateSaved]():
		return reflect.TypeFor[wire.TemplateRefused]()
	}
	return nil
}

// reasons says in words when a status is answered.
func reasons(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "The call brings no key, or one that is unknown or revoked."
	case http.StatusForbidden:
		return "The key lacks the right, or is for another site."
	case http.StatusNotFound:
		return "There is no such thing on this site."
	case http.StatusConflict:
		return "Its present state forbids it, or the first call with this Idempotency-Key still runs."
	case http.StatusRequestEntityTooLarge:
		return "The body is too large."
	case http.StatusUnprocessableEntity:
		return "Something in the call is wrong; `field` says where, `mend` what to do."
	case http.StatusTooManyRequests:
		return "The key makes too many calls."
	case http.StatusServiceUnavailable:
		return "Something that the call needs is away for now."
	}
	return "Our fault; nothing more is told, the daemon's log says more."
}

func headerRef(name string) object { return object{"$ref": "#/components/headers/" + name} }

func headers() object {
	text := func(words string) object {
		return object{"description": words, "schema": object{"type": "string"}}
	}
	return object{
		"RateLimit":        text(`What is left of the key's calls: "key";r=LEFT;t=SECONDS until all of them are back.`),
		"RateLimit-Policy": text(`How many calls a key has: "key";q=CALLS;w=SECONDS.`),
		"Retry-After":      object{"description": "Seconds to wait.", "schema": object{"type": "integer"}},
	}
}

func pathNames(path string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		out = append(out, m[1])
	}
	return out
}

func (s *schemas) parameters(r *route) []object {
	out := []object{}
	for _, name := range pathNames(r.path) {
		schema := object{"type": "string", "minLength": 1}
		if name == "kind" {
			schema["enum"] = values(reflect.TypeFor[dispatcher.Kind]())
		}
		out = append(out, object{"name": name, "in": "path", "required": true, "schema": schema, "description": pathWords(r, name)})
	}
	if r.query != nil {
		for _, p := range parametersOf(r.query) {
			schema := s.property(p.field)
			words := schema["description"]
			delete(schema, "description")
			one := object{"name": p.name, "in": "query", "schema": schema, "description": words}
			if p.field.Tag.Get("need") != "" {
				one["required"] = true
			}
			out = append(out, one)
		}
	}
	out = append(out, object{"name": "site", "in": "query", "schema": object{"type": "string"}, "description": "The site, where the key is for several."})
	if r.method != http.MethodGet {
		out = append(out, object{"name": idempotencyKey, "in": "header", "schema": object{"type": "string", "maxLength": dispatcher.MaxID, "pattern": "^[!-~]+$"},
			"description": "A repeat with the same key gets the answer that the first call got, for 24 hours."})
	}
	return out
}

// pathWords says what a part of a path is.
func pathWords(r *route, name string) string {
	switch {
	case name == "id" && tagOf(r) == "subscribers":
		return "The site's own id, percent-encoded."
	case name == "id":
		return "Its number."
	case name == "address":
		return "A mail address, percent-encoded."
	case name == "kind":
		return "What the mail is for."
	case name == "locale":
		return "The language, such as en or pt-BR."
	case name == "version":
		return "The number of a version."
	}
	return "Its name."
}

// operationID names an operation: "post-events-id-retry".
func operationID(r *route) string {
	path := strings.NewReplacer("/v1/", "", "{", "", "}", "").Replace(r.path)
	return strings.ToLower(r.method) + "-" + strings.ReplaceAll(path, "/", "-")
}
