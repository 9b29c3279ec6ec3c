package admin

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/password"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Run(m)) }

// rig is a desk with its store, on a real socket.
type rig struct {
	testing.TB
	store *store.Store
	clock *storetest.Clock
	desk  *Desk
	keep  *password.Keeper
	url   string
}

func sites() []dispatcher.Site {
	return []dispatcher.Site{
		{Key: "blog", Name: "The Blog", BaseURL: "https://blog.example", From: "Blog <blog@blog.example>", Locale: "en", Zone: "Europe/Berlin"},
		{Key: "shop", Name: "The Shop", BaseURL: "https://shop.example", From: "Shop <shop@shop.example>", Locale: "en", Zone: "UTC"},
	}
}

// open makes a desk. change, when not nil, changes its options.
func open(t testing.TB, change func(*Options)) *rig {
	t.Helper()
	r := &rig{TB: t, clock: storetest.NewClock(storetest.Start()), keep: password.NewKeeper(password.Cost{Memory: 64, Time: 1, Threads: 1})}
	var err error
	r.store, err = store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "hearback.db"), Clock: r.clock.Now, Sites: sites()})
	r.must(err)
	t.Cleanup(func() { r.must(r.store.Close()) })
	_, err = r.store.Migrate(t.Context())
	r.must(err)
	o := Options{Store: r.store, Renderer: renderer(t, r.store), Passwords: r.keep, Sites: sites(), Relays: []Relay{{Name: "main", Host: "mail.example:587", TLS: "starttls", Connections: 16}}, Clock: r.clock.Now}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.handler().ServeHTTP(w, req) }))
	srv.Start()
	t.Cleanup(srv.Close)
	o.BaseURL = srv.URL
	if change != nil {
		change(&o)
	}
	r.desk, err = New(o)
	r.must(err)
	r.url = srv.URL
	return r
}

func (r *rig) handler() http.Handler {
	s, err := web.New(web.Options{BaseURL: r.desk.o.BaseURL, Mounts: r.desk.Mounts()})
	r.must(err)
	return s.Handler()
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

const secretWords = "four tame owls sing"

// admin makes an admin with a password.
func (r *rig) admin(name string, role store.Role) store.Admin {
	r.Helper()
	hash, err := r.keep.Hash(r.Context(), secretWords)
	r.must(err)
	a, err := r.store.AddAdmin(r.Context(), name, role, hash)
	r.must(err)
	return a
}

// person is somebody with a browser, which follows no redirect by itself.
type person struct {
	*rig
	client *http.Client
	header http.Header // sent with each request
}

func (r *rig) stranger() *person {
	jar, err := cookiejar.New(nil)
	r.must(err)
	return &person{rig: r, header: http.Header{}, client: &http.Client{Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as gives a new admin of a role who is signed in.
func (r *rig) as(role store.Role) *person {
	r.Helper()
	p := r.stranger()
	a := r.admin("the-"+string(role), role)
	p.press("/admin/sign-in", "name", a.Name, "password", secretWords).wants(http.StatusSeeOther)
	return p
}

type answer struct {
	testing.TB
	status int
	header http.Header
	text   string
}

func (p *person) get(path string) answer { p.Helper(); return p.do(http.MethodGet, path, nil) }

// press posts a form, given as name, value, …
func (p *person) press(path string, fields ...string) answer {
	p.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	return p.do(http.MethodPost, path, strings.NewReader(v.Encode()))
}

func (p *person) do(method, path string, body io.Reader) answer {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, p.url+path, body)
	p.must(err)
	for k, v := range p.header {
		req.Header[k] = v
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := p.client.Do(req)
	p.must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	p.must(err)
	return answer{p.TB, res.StatusCode, res.Header, string(b)}
}

// wants demands a status and words.
func (a answer) wants(status int, words ...string) answer {
	a.Helper()
	if a.status != status {
		a.Errorf("status %d, want %d\n%s", a.status, status, a.text)
	}
	for _, w := range words {
		if !strings.Contains(a.text, w) {
			a.Errorf("the page does not say %q:\n%s", w, a.text)
		}
	}
	return a
}

// lacks demands that words are not there.
func (a answer) lacks(words ...string) answer {
	a.Helper()
	for _, w := range words {
		if strings.Contains(a.text, w) {
			a.Errorf("the page says %q:\n%s", w, a.text)
		}
	}
	return a
}
