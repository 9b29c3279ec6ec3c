package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/web/api"
	"github.com/hearback/hearback/dispatcher/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(browser{m}) }

// browser ends the browser, where a test started one, before leaks are looked for.
type browser struct{ m *testing.M }

func (b browser) Run() int { return browsertest.Run(b.m) }

// door is an API on a real database behind a real server, and a key for it.
type door struct {
	*subscribetest.Fixture
	url     string
	key     string
	client  *http.Client
	sources *sources
	// Every answer is held against the document of the daemon that gave it.
	contract *contract
}

func open(tb testing.TB) *door { return openWith(tb, api.Options{}) }

func openWith(tb testing.TB, o api.Options, also ...func(*api.Options)) *door {
	tb.Helper()
	d := &door{Fixture: subscribetest.Open(tb), sources: &sources{}}
	r, err := render.New(render.Options{Clock: d.Clock.Now, Stored: d.Store})
	d.Must(err)
	o.Store, o.Desk, o.Lookup, o.Renderer, o.Sites, o.Clock, o.Sources = d.Store, d.Desk, d.Store, r, d.Sites, d.Clock.Now, d.sources
	for _, f := range also {
		f(&o)
	}
	s, err := web.New(web.Options{Mounts: api.New(o).Mounts(), Clock: d.Clock.Now})
	d.Must(err)
	srv := httptest.NewServer(s.Handler())
	d.client = srv.Client()
	tb.Cleanup(srv.Close)
	d.url = srv.URL
	d.key = d.newKey([]string{"blog"}, store.RightAdmin)
	doc, err := d.send("GET", "/openapi.json", "")
	d.Must(err)
	d.contract = readContract(tb, []byte(doc.text))
	return d
}

func (d *door) newKey(sites []string, rights ...store.Right) string {
	d.TB.Helper()
	_, plain, err := d.Store.CreateKey(d.Context(), "test", sites, rights)
	d.Must(err)
	return plain
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// at gives a value by its path, such as "rejected.0.error.field".
func (r reply) at(path string) any {
	var v any = r.json
	for part := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i := int(part[0] - '0')
			if i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func (d *door) call(method, path, body string, headers ...string) reply {
	d.TB.Helper()
	r, err := d.send(method, path, body, headers...)
	d.Must(err)
	if err := d.contract.fits(method, path, r); err != nil {
		d.TB.Errorf("the answer to %s %s does not fit the contract: %v", method, path, err)
	}
	return r
}

func (d *door) send(method, path, body string, headers ...string) (reply, error) {
	req, err := http.NewRequest(method, d.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := d.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	out := reply{status: res.StatusCode, header: res.Header, text: string(b)}
	_ = json.Unmarshal(b, &out.json) // some answers have no body
	return out, err
}

// lines gives an answer's lines as one value, {"lines": […], "summary": {…}}.
func (r reply) lines() reply {
	var all []any
	for line := range strings.Lines(r.text) {
		var v map[string]any
		if json.Unmarshal([]byte(line), &v) == nil {
			all = append(all, v)
		}
	}
	r.json = map[string]any{"lines": all}
	if n := len(all); n > 0 {
		r.json["summary"] = all[n-1].(map[string]any)["summary"]
	}
	return r
}

// want checks status and values, given as path, value, …
func (d *door) want(r reply, status int, pairs ...any) reply {
	d.TB.Helper()
	if r.status != status {
		d.TB.Errorf("the answer is %d %s, want %d", r.status, r.text, status)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		path, value := pairs[i].(string), pairs[i+1]
		if n, ok := value.(int); ok {
			value = float64(n)
		}
		if got := r.at(path); got != value {
			d.TB.Errorf("%s is %v, want %v, in %d %s", path, got, value, r.status, r.text)
		}
	}
	return r
}

// wantProblem checks a problem: its status, code and field, and that it says
// how to mend it.
func (d *door) wantProblem(r reply, status int, code dispatcher.Code, field string) reply {
	d.TB.Helper()
	d.want(r, status, "code", string(code), "status", status)
	if got, _ := r.at("field").(string); got != field {
		d.TB.Errorf("field is %q, want %q, in %s", got, field, r.text)
	}
	if !strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json") {
		d.TB.Errorf("the media type is %q", r.header.Get("Content-Type"))
	}
	if r.at("mend") == nil {
		d.TB.Errorf("it says no mend: %s", r.text)
	}
	return r
}

// sources are two sources, one for each site.
type sources struct{ told []string }

func (s *sources) List(_ context.Context, site string) ([]wire.Source, error) {
	return []wire.Source{{Name: site + "-wp", Site: site, Type: "wordpress"}}, nil
}

func (s *sources) Poll(_ context.Context, name string) error {
	s.told = append(s.told, "poll "+name)
	return nil
}

func (s *sources) Pause(_ context.Context, name, reason string) error {
	s.told = append(s.told, "pause "+name+" "+reason)
	return nil
}

func (s *sources) Resume(_ context.Context, name, admit string) error {
	s.told = append(s.told, "resume "+name+" "+admit)
	return nil
}
