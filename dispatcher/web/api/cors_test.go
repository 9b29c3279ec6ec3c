package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/web/api"
)

// TestABrowserLetsPagesOfListedOriginsCall asks a real browser, which has the
// last word on what the headers allow.
func TestABrowserLetsPagesOfListedOriginsCall(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>An app</title><link rel="icon" href="data:,"><h1>An app</h1>`)
	}))
	t.Cleanup(page.Close)
	port := page.URL[strings.LastIndex(page.URL, ":"):]
	d := openWith(t, api.Options{Origins: []string{"http://app.example" + port}})
	call := fmt.Sprintf(`fetch("%s/v1/subscribers/ann", {method: "PUT", headers: {Authorization: "Bearer %s", "Content-Type": "application/json", "Idempotency-Key": "k"},
		body: JSON.stringify({email: "ann@example.org"})}).then((a) => [a.status, a.headers.get("RateLimit") !== null, a.headers.get("X-Request-Id") !== null].join(" "), () => "refused")`,
		strings.Replace(d.url, "127.0.0.1", "comments.example", 1), d.key)
	for origin, want := range map[string]string{"http://evil.example": "refused", "http://app.example": "201 true true"} {
		p := browsertest.Open(t, browsertest.Desktop())
		p.Go(origin + port)
		if got := browsertest.Eval[string](p, call); got != want {
			t.Errorf("a page of %s: %s, want %s", origin, got, want)
		}
		p.Complaints() // the browser says aloud whom it refuses
	}
}
