package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the OpenAPI document as a daemon serves it, with what holds its
// answers against it.
type contract struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	paths    []pathPattern
	schemas  map[string]*jsonschema.Schema
}

type pathPattern struct {
	template string
	match    *regexp.Regexp
}

const docURL = "https://hearback.invalid/openapi.json"

// readContract reads the document. In answers it takes no member that the
// document does not name: clients may let them pass, our own tests may not.
func readContract(tb testing.TB, text []byte) *contract {
	tb.Helper()
	c := &contract{schemas: map[string]*jsonschema.Schema{}}
	if err := json.Unmarshal(text, &c.doc); err != nil {
		tb.Fatal(err)
	}
	strict, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	for _, def := range strict.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any) {
		def.(map[string]any)["additionalProperties"] = false
	}
	c.compiler = jsonschema.NewCompiler()
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(docURL, strict); err != nil {
		tb.Fatal(err)
	}
	for template := range c.doc["paths"].(map[string]any) {
		pattern := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		c.paths = append(c.paths, pathPattern{template, regexp.MustCompile("^" + pattern + "$")})
	}
	return c
}

// operation finds what a request is to the document.
func (c *contract) operation(method, path string) (template string, op map[string]any) {
	path, _, _ = strings.Cut(path, "?")
	for _, p := range c.paths {
		if !p.match.MatchString(path) {
			continue
		}
		op, _ := c.doc["paths"].(map[string]any)[p.template].(map[string]any)[strings.ToLower(method)].(map[string]any)
		if op != nil {
			return p.template, op
		}
	}
	return "", nil
}

// schema compiles a schema by its place in the document.
func (c *contract) schema(place ...string) (*jsonschema.Schema, error) {
	var pointer strings.Builder
	for _, p := range place {
		pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	at := docURL + "#" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(pointer.String())
	if s := c.schemas[at]; s != nil {
		return s, nil
	}
	s, err := c.compiler.Compile(at)
	c.schemas[at] = s
	return s, err
}

// fits says why an answer does not fit the document; nil when it does.
func (c *contract) fits(method, path string, r reply) error {
	media, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	template, op := c.operation(method, path)
	if op == nil {
		if !strings.HasPrefix(path, "/v1/") || r.status == http.StatusNoContent {
			return nil // the document itself, and what OPTIONS asks
		}
		return c.valid(r.text, media, "application/problem+json", "components", "schemas", "Problem")
	}
	status := fmt.Sprint(r.status)
	answer, ok := op["responses"].(map[string]any)[status].(map[string]any)
	if !ok {
		return fmt.Errorf("%s %s does not name the status %s", method, template, status)
	}
	content, _ := answer["content"].(map[string]any)
	switch {
	case len(content) == 0 && r.text != "":
		return fmt.Errorf("%s %s answers %s with a body, and names none", method, template, status)
	case len(content) == 0:
		return nil
	case content[media] == nil:
		return fmt.Errorf("%s %s answers %s as %q, and does not name that", method, template, status, media)
	}
	return c.valid(r.text, media, media, "paths", template, strings.ToLower(method), "responses", status, "content", media, "schema")
}

// valid holds a body, or each of its lines, against a schema of the document.
func (c *contract) valid(text, media, want string, place ...string) error {
	if media != want {
		return fmt.Errorf("the media type is %q, want %q", media, want)
	}
	s, err := c.schema(place...)
	if err != nil {
		return err
	}
	parts := []string{text}
	if media == "application/x-ndjson" {
		parts = strings.Split(strings.TrimSpace(text), "\n")
	}
	for _, p := range parts {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(p))
		if err != nil {
			return err
		}
		if err := s.Validate(v); err != nil {
			return fmt.Errorf("%s does not fit: %w", p, err)
		}
	}
	if media == "application/problem+json" && !strings.Contains(text, `"mend":"`) {
		return fmt.Errorf("the problem has no mend: %s", text)
	}
	return nil
}

func TestTheDocumentIsValidOpenAPI(t *testing.T) {
	d := open(t)
	text := d.want(d.call("GET", "/openapi.json", "", "Authorization", ""), 200, "openapi", "3.1.0").text
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	d.Must(err)
	// The schema that the OpenAPI Initiative publishes for 3.1 documents.
	official, err := jsonschema.NewCompiler().Compile("testdata/openapi-3.1.schema.json")
	d.Must(err)
	if err := official.Validate(doc); err != nil {
		t.Error(err)
	}
	// That schema does not look into schemas; these are JSON Schema 2020-12.
	for name := range d.contract.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := d.contract.schema("components", "schemas", name); err != nil {
			t.Errorf("the schema %s: %v", name, err)
		}
	}
}

func TestTheDocumentListsEveryRouteOnceAndRefersToWhatIsThere(t *testing.T) {
	d := open(t)
	paths := d.contract.doc["paths"].(map[string]any)
	schemas := d.contract.doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, want := range []string{"/v1/events", "/v1/events/{id}/retry", "/v1/subscribers/{id}", "/v1/subscriptions", "/v1/schedules/{name}/next", "/v1/templates/{kind}/{locale}/preview", "/v1/messages/{id}/retry", "/v1/explain", "/v1/sources/{name}/resume", "/v1/suppressions/{address}", "/v1/sending"} {
		if paths[want] == nil {
			t.Errorf("the contract lacks %s", want)
		}
	}
	ids := map[string]bool{}
	for path, ops := range paths {
		for method, op := range ops.(map[string]any) {
			id := op.(map[string]any)["operationId"].(string)
			if ids[id] {
				t.Errorf("%s %s has an operation id that another has: %s", method, path, id)
			}
			ids[id] = true
			if got := d.call(strings.ToUpper(method), strings.NewReplacer("{", "", "}", "").Replace(path), "", "Authorization", ""); got.status != 401 {
				t.Errorf("%s %s without a key answers %d, want 401", method, path, got.status)
			}
		}
	}
	text, err := json.Marshal(d.contract.doc)
	d.Must(err)
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(text), -1) {
		used[m[1]] = true
		if schemas[m[1]] == nil {
			t.Errorf("the contract refers to a schema %q that is not there", m[1])
		}
	}
	for name := range schemas {
		if !used[name] {
			t.Errorf("nobody refers to the schema %s", name)
		}
	}
}

func TestEveryParameterAndEveryFieldThatIsSentIsDescribed(t *testing.T) {
	d := open(t)
	for path, ops := range d.contract.doc["paths"].(map[string]any) {
		for method, op := range ops.(map[string]any) {
			for _, p := range op.(map[string]any)["parameters"].([]any) {
				if p := p.(map[string]any); p["description"] == nil || p["description"] == "" {
					t.Errorf("%s %s: the parameter %s is not described", method, path, p["name"])
				}
			}
		}
	}
	for name, def := range d.contract.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		def := def.(map[string]any)
		if def["additionalProperties"] != false { // answers; their plain fields speak for themselves
			continue
		}
		for field, p := range def["properties"].(map[string]any) {
			if p.(map[string]any)["description"] == nil && !slices.Contains([]string{"Events.events", "ScheduleInput.paused", "SwitchInput.mode"}, name+"."+field) {
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
}

func TestTheExamplesOfTheDocumentWork(t *testing.T) {
	d := open(t)
	d.key = d.newKey(nil, "admin")
	d.Reader("blog", "u-9")
	d.Reader("blog", "123")
	names := strings.NewReplacer("{id}", "u-9", "{name}", "blog-wp", "{kind}", "test", "{locale}", "en", "{address}", "ann@example.org")
	for path, ops := range d.contract.doc["paths"].(map[string]any) {
		for method, op := range ops.(map[string]any) {
			body, _ := op.(map[string]any)["requestBody"].(map[string]any)
			if body == nil {
				continue
			}
			media, ok := body["content"].(map[string]any)["application/json"].(map[string]any)
			if !ok {
				continue
			}
			if media["example"] == nil {
				t.Errorf("%s %s has no example", method, path)
				continue
			}
			text, err := json.Marshal(media["example"])
			d.Must(err)
			if err := d.contract.valid(string(text), "application/json", "application/json", "paths", path, method, "requestBody", "content", "application/json", "schema"); err != nil {
				t.Errorf("the example of %s %s: %v", method, path, err)
			}
			at := names.Replace(path)
			switch path {
			case "/v1/subscriptions/{id}":
				r := d.call("POST", "/v1/subscriptions?site=blog", `{"subscriber":"123","target":{"type":"site"}}`)
				at = fmt.Sprint("/v1/subscriptions/", r.at("id"))
			case "/v1/schedules/{name}":
				at = "/v1/schedules/morning"
			}
			if r := d.call(strings.ToUpper(method), at+"?site=blog", string(text)); r.status >= 300 {
				t.Errorf("the example of %s %s is answered with %d %s", method, path, r.status, r.text)
			}
		}
	}
}
