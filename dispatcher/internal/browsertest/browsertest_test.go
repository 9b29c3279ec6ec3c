package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/browsertest"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Run(m)) }

// page serves one document at every path; it says what the browser asked with.
func page(t *testing.T, html string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><title>A page</title><meta name="viewport" content="width=device-width">
			<body><main><h1>%s %s</h1><p id="lang">%s</p>%s</main>`, r.Method, r.URL.Path, r.Header.Get("Accept-Language"), html)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// recorder stands in for a test, to see what it would be told.
type recorder struct {
	testing.TB
	said []string
	ends []func()
}

func (r *recorder) Helper()                      {}
func (r *recorder) Cleanup(f func())             { r.ends = append(r.ends, f) }
func (r *recorder) Errorf(text string, a ...any) { r.said = append(r.said, fmt.Sprintf(text, a...)) }
func (r *recorder) wants(t *testing.T, words string) {
	t.Helper()
	if !strings.Contains(strings.Join(r.said, "\n"), words) {
		t.Errorf("the test was told %q, want %q among it", r.said, words)
	}
}

func TestAPageIsFilledInAndSent(t *testing.T) {
	p := browsertest.Open(t, browsertest.Desktop())
	url := page(t, `<form method="post" action="/sent"><input id="a" value="old"><select id="s"><option>x</option><option>y</option></select><button>Go</button></form>`)
	if got := p.Go(url); got != http.StatusOK {
		t.Errorf("the page answered %d", got)
	}
	p.Type("#a", "new")
	p.Set("#s", "y")
	if got := browsertest.Eval[string](p, `a.value + s.value`); got != "newy" {
		t.Errorf("the fields hold %q", got)
	}
	p.Press("button")
	if got := p.See("h1"); got != "POST /sent" {
		t.Errorf("the button led to %q", got)
	}
	p.Go(url + "/missing")
	if got := p.Complaints(); len(got) != 1 || !strings.Contains(got[0], "404") {
		t.Errorf("a missing page gave the complaints %q", got)
	}
}

func TestViewsAreWhatTheySay(t *testing.T) {
	const ask = `[innerWidth, matchMedia("(pointer: coarse)").matches, matchMedia("(prefers-color-scheme: dark)").matches, document.body.dataset.ran || ""].join(" ")`
	url := page(t, `<script>document.body.dataset.ran = "ran"</script>`)
	for want, view := range map[string]browsertest.View{
		"1100 false false ran": browsertest.Desktop(),
		"390 true true ran":    browsertest.Phone().Dark(),
		"390 true false ":      browsertest.Phone().Plain().In("de-AT"),
	} {
		p := browsertest.Open(t, view)
		p.Go(url)
		if got := browsertest.Eval[string](p, ask); got != want {
			t.Errorf("%s is %q, want %q", view.Name, got, want)
		}
		if got := p.See("#lang"); view.Language != "" && !strings.HasPrefix(got, view.Language) {
			t.Errorf("a browser that speaks %s asked for %q", view.Language, got)
		}
	}
}

func TestNamesBelowExampleAreOnLoopbackAndOthersNowhere(t *testing.T) {
	p := browsertest.Open(t, browsertest.Desktop())
	port := page(t, "")
	port = port[strings.LastIndex(port, ":"):]
	p.Go("http://blog.example" + port + "/here")
	if got := p.See("h1"); got != "GET /here" {
		t.Errorf("blog.example answered %q", got)
	}
	for _, url := range []string{"http://blog.example.org" + port, "http://10.0.0.1" + port} {
		got := browsertest.Eval[string](p, fmt.Sprintf(`fetch(%q, {mode: "no-cors"}).then(() => "answered", () => "refused")`, url))
		if got != "refused" {
			t.Errorf("%s %s", url, got)
		}
		p.Complaints()
	}
}

func TestWhatAxeFindsIsSaid(t *testing.T) {
	r := &recorder{TB: t}
	p := browsertest.Open(r, browsertest.Phone())
	defer r.ends[0]()
	p.Go(page(t, `<input>`))
	p.Accessible()
	r.wants(t, "finding label")
	r.said = nil
	p.Go(page(t, `<label>Name <input></label>`))
	if p.Accessible(); len(r.said) != 0 {
		t.Errorf("a good page gave %q", r.said)
	}
}

func TestAPageThatComplainsFailsItsTest(t *testing.T) {
	r := &recorder{TB: t}
	p := browsertest.Open(r, browsertest.Desktop())
	p.Go(page(t, `<script>undefined.x</script>`))
	r.ends[0]()
	r.wants(t, "Cannot read properties of undefined")
}

func TestAPageWiderThanThePhoneIsSaid(t *testing.T) {
	r := &recorder{TB: t}
	p := browsertest.Open(r, browsertest.Phone())
	defer r.ends[0]()
	p.Go(page(t, `<div style="width: 500px">wide</div>`))
	p.Fits()
	r.wants(t, "pixels wide in a view of 390")
}

func TestScreenshotsAreWrittenWhereTheEnvironmentSays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shots")
	p := browsertest.Open(t, browsertest.Phone().Dark())
	p.Go(page(t, "<p>Hello"))
	t.Setenv(browsertest.EnvShots, "")
	p.Shot("nothing")
	t.Setenv(browsertest.EnvShots, dir)
	p.Shot("hello")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "hello-phone-dark.png" {
		t.Errorf("the folder has %v, %v", files, err)
	}
}
