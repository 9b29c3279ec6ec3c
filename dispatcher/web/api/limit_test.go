package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web/api"
)

func TestAKeyThatCallsTooOftenIsToldToWait(t *testing.T) {
	d := openWith(t, api.Options{Rate: 1, Burst: 2})
	r := d.want(d.call("GET", "/v1/schedules", ""), 200)
	if policy, left := r.header.Get("RateLimit-Policy"), r.header.Get("RateLimit"); policy != `"key";q=2;w=2` || left != `"key";r=1;t=1` {
		t.Errorf("it is told %q and %q", policy, left)
	}
	d.want(d.call("GET", "/v1/schedules", ""), 200)
	r = d.wantProblem(d.call("GET", "/v1/schedules", ""), 429, dispatcher.CodeLimited, "")
	if wait, left := r.header.Get("Retry-After"), r.header.Get("RateLimit"); wait != "1" || left != `"key";r=0;t=2` {
		t.Errorf("it is told to wait %q with %q left", wait, left)
	}
	other := d.newKey([]string{"blog"}, store.RightRead)
	d.want(d.call("GET", "/v1/schedules", "", "Authorization", "Bearer "+other), 200)
	d.Clock.Advance(time.Second)
	d.want(d.call("GET", "/v1/schedules", ""), 200)
}

func TestOnlyPagesOfListedOriginsMayCall(t *testing.T) {
	const app, other = "https://app.example.org", "https://evil.example.org"
	d := openWith(t, api.Options{Origins: []string{app}})
	allowed := func(r reply) string { return r.header.Get("Access-Control-Allow-Origin") }

	ask := []string{"Authorization", "", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization,content-type", "Origin"}
	r := d.want(d.call("OPTIONS", "/v1/subscribers/ann", "", append(ask, app)...), 204)
	if allowed(r) != app || r.header.Get("Access-Control-Allow-Methods") != "GET, PUT, PATCH, DELETE" ||
		r.header.Get("Access-Control-Allow-Headers") != "Authorization, Content-Type, Idempotency-Key" {
		t.Errorf("a listed origin is told %v", r.header)
	}
	if r := d.want(d.call("OPTIONS", "/v1/subscribers/ann", "", append(ask, other)...), 204); allowed(r) != "" || r.header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("another origin is told %v", r.header)
	}
	for origin, want := range map[string]string{app: app, other: "", "": "", "null": "", app + ".evil.example": ""} {
		for _, path := range []string{"/v1/schedules", "/v1/nothing", "/openapi.json"} {
			r := d.call("GET", path, "", "Origin", origin)
			if got := allowed(r); got != want || r.header.Get("Vary") != "Origin" || r.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s for %q has %q and Vary %q, want %q", path, origin, got, r.header.Get("Vary"), want)
			}
		}
	}
	// A page must be able to read why it was refused, and when to come again.
	r = d.want(d.call("GET", "/v1/schedules", "", "Authorization", "", "Origin", app), 401)
	if allowed(r) != app || r.header.Get("Access-Control-Expose-Headers") == "" {
		t.Errorf("a refusal has %v", r.header)
	}
	none := open(t)
	if r := none.call("GET", "/v1/schedules", "", "Origin", app); r.status != http.StatusOK || allowed(r) != "" {
		t.Errorf("where none is listed it has %v", r.header)
	}
}

func TestPathsWithDotsAndWithoutTextAreProblems(t *testing.T) {
	d := open(t)
	for _, path := range []string{"/v1/subscribers/..", "/v1/./events", "/v1//events", "/v1/subscribers/"} {
		d.wantProblem(d.call("GET", path, ""), 404, dispatcher.CodeNotFound, "")
	}
	d.want(d.call("PUT", "/v1/subscribers/%2E%2E", `{"email":"dots@example.org"}`), 201, "id", "..")
	d.want(d.call("GET", "/v1/subscribers/%2E%2E", ""), 200, "email", "dots@example.org")
	for _, id := range []string{"%00", "%FF", "a%00b"} {
		d.wantProblem(d.call("GET", "/v1/subscribers/"+id, ""), 422, dispatcher.CodeInvalid, "id")
	}
	d.wantProblem(d.call("GET", "/v1/subscribers?q=%00", ""), 422, dispatcher.CodeInvalid, "q")
	d.wantProblem(d.call("GET", "/v1/subscribers?q=%FF", ""), 422, dispatcher.CodeInvalid, "q")
	r := d.want(d.call("OPTIONS", "/v1/sending", ""), 204)
	if r.header.Get("Allow") != "GET, PUT" {
		t.Errorf("Allow is %q", r.header.Get("Allow"))
	}
}
