package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/browsertest"
)

func TestTheManualShowsEveryCallAndLoadsNothingFromElsewhere(t *testing.T) {
	d := open(t)
	res, err := d.client.Get(d.url + "/docs")
	d.Must(err)
	b, err := io.ReadAll(res.Body)
	d.Must(err)
	d.Must(res.Body.Close())
	page := string(b)
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("GET /docs answers %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if csp := res.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
		t.Errorf("the policy is %q", csp)
	}
	for path, ops := range d.contract.doc["paths"].(map[string]any) {
		for method, op := range ops.(map[string]any) {
			if id := op.(map[string]any)["operationId"].(string); !strings.Contains(page, `id="`+id+`"`) || !strings.Contains(page, `href="#`+id+`"`) {
				t.Errorf("the manual lacks %s %s", method, path)
			}
		}
	}
	for name := range d.contract.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		if !strings.Contains(page, `id="type-`+name+`"`) {
			t.Errorf("the manual lacks the type %s", name)
		}
	}
	for _, loads := range []string{`src="http`, `src="//`, `href="//`, `rel="stylesheet" href="http`, "url("} {
		if strings.Contains(page, loads) {
			t.Errorf("the manual loads something: %s", loads)
		}
	}
}

func TestTheManualIsAccessibleFitsAndTriesCalls(t *testing.T) {
	d := open(t)
	for _, view := range []browsertest.View{browsertest.Desktop(), browsertest.Desktop().Dark(), browsertest.Phone(), browsertest.Phone().Plain()} {
		p := browsertest.Open(t, view)
		if got := p.Go(d.url + "/docs/"); got != http.StatusOK {
			t.Errorf("the manual answers %d", got)
		}
		if !view.NoScripts {
			p.Accessible()
		}
		p.Fits()
		p.Shot("manual")
	}
	p := browsertest.Open(t, browsertest.Desktop())
	p.Go(d.url + "/docs")
	p.Type("#find", "subscriber make")
	if got := browsertest.Eval[int](p, `document.querySelectorAll("nav li:not([hidden])").length`); got != 2 {
		t.Errorf("%d calls are found, want the PUT and the POST", got)
	}
	p.Type("#token", d.key)
	const call = "#put-subscribers-id details:last-child"
	p.Click(call + " summary")
	p.Type(call+" input", "u 9/ä")
	p.Click(call + " button")
	if got := p.See(call + " pre:not(:empty)"); !strings.Contains(got, "201") {
		got = browsertest.Eval[string](p, `new Promise((done) => { const out = document.querySelector("`+call+` pre"); const look = () => out.textContent === "…" ? setTimeout(look, 20) : done(out.textContent); look() })`)
		if !strings.HasPrefix(got, "201") {
			t.Errorf("the call was answered with %q", got)
		}
	}
	if _, err := d.Store.Subscriber(d.Context(), "blog", "u 9/ä"); err != nil {
		t.Error(err)
	}
	p.Shot("manual-tried")
}
