package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

//go:embed schemas.json
var schemas []byte

// openAPI serves the contract as OpenAPI 3.1, made of the routes and of the
// schemas of what they carry.
func openAPI() http.Handler {
	doc, err := json.Marshal(describe(routes()))
	if err != nil { // nothing but maps and texts of ours
		panic(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc) // nobody is left to be told
	})
}

type object = map[string]any

func describe(rs []route) object {
	var given struct {
		Schemas json.RawMessage   `json:"schemas"`
		Bodies  map[string]string `json:"bodies"`  // "METHOD path" → schema of the request
		Answers map[string]string `json:"answers"` // "METHOD path" → schema of the answer
	}
	if err := json.Unmarshal(schemas, &given); err != nil { // embedded; the package's tests read it
		panic(err)
	}
	paths := map[string]object{}
	for _, r := range rs {
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		name := r.method + " " + r.path
		op := object{
			"operationId": operationID(r), "summary": r.summary, "tags": []string{strings.Split(r.path, "/")[2]},
			"description": "Needs the right " + words(r.rights) + ".",
			"parameters":  parameters(r),
			"responses":   responses(given.Answers[name]),
		}
		if body := given.Bodies[name]; body != "" {
			op["requestBody"] = object{"content": object{"application/json": object{"schema": ref(body)}}}
		}
		paths[r.path][strings.ToLower(r.method)] = op
	}
	return object{
		"openapi":  "3.1.0",
		"info":     object{"title": "Hearback", "version": "1", "description": "Tells people by e-mail when somebody answers them. Errors are RFC 9457 problem details."},
		"security": []object{{"key": []string{}}},
		"paths":    paths,
		"components": object{
			"securitySchemes": object{"key": object{"type": "http", "scheme": "bearer"}},
			"schemas":         given.Schemas,
		},
	}
}

func ref(schema string) object { return object{"$ref": "#/components/schemas/" + schema} }

func responses(answer string) object {
	ok := object{"description": "Done"}
	if answer != "" {
		ok["content"] = object{"application/json": object{"schema": ref(answer)}}
	}
	return object{
		"2XX":     ok,
		"default": object{"description": "What is wrong, and the mend", "content": object{"application/problem+json": object{"schema": ref("Problem")}}},
	}
}

func parameters(r route) []object {
	out := []object{}
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.path, -1) {
		out = append(out, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range append([]string{"site"}, queryOf(r)...) {
		out = append(out, object{"name": q, "in": "query", "schema": object{"type": "string"}})
	}
	if r.method != http.MethodGet {
		out = append(out, object{"name": "Idempotency-Key", "in": "header", "schema": object{"type": "string", "maxLength": 200}})
	}
	return out
}

// queryOf names a route's own parameters of the address.
func queryOf(r route) []string {
	if strings.HasPrefix(r.path, "/v1/templates/") && !strings.HasSuffix(r.path, "/preview") && !strings.HasSuffix(r.path, "/test") {
		return []string{"scope"}
	}
	switch r.method + " " + r.path {
	case "GET /v1/events":
		return []string{"state", "after", "limit"}
	case "GET /v1/subscribers":
		return []string{"q", "after", "limit"}
	case "GET /v1/subscriptions":
		return []string{"subscriber", "state"}
	case "DELETE /v1/subscriptions":
		return []string{"subscriber", "type", "id", "mute"}
	case "DELETE /v1/schedules/{name}":
		return []string{"move_to"}
	case "GET /v1/schedules/{name}/next":
		return []string{"count", "zone"}
	case "GET /v1/messages":
		return []string{"subscriber", "state", "after", "limit"}
	case "GET /v1/explain":
		return []string{"subscriber", "comment"}
	case "GET /v1/suppressions":
		return []string{"after", "limit"}
	}
	return nil
}

// operationID names an operation: "post-events-id-retry".
func operationID(r route) string {
	path := strings.NewReplacer("/v1/", "", "{", "", "}", "").Replace(r.path)
	return strings.ToLower(r.method) + "-" + strings.ReplaceAll(path, "/", "-")
}
