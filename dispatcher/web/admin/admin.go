package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/password"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

//go:embed assets
var assets embed.FS

// Options are what a [Desk] needs. Store and Passwords must be given.
type Options struct {
	Store     *store.Store
	Passwords *password.Keeper
	Sites     []dispatcher.Site
	Renderer  *render.Renderer
	Relays    []Relay
	Sources   Sources // nil when none are polled
	Mails     Mails   // composes messages for a look; nil where nobody does
	// Rehearse says who would get what if a schedule fired now, the first few of
	// them by name; nil where nobody does.
	Rehearse func(ctx context.Context, schedule string, limit int) (Rehearsal, error)
	// RelayTrouble says since when the relay cannot be used and what it said;
	// nil where nobody knows.
	RelayTrouble func() (since time.Time, why string)
	// RelayNow says how the relay in use does; nil where nobody knows.
	RelayNow func() RelayNow
	// Catcher is the path of the built-in mail catcher, "" without it.
	Catcher string
	// BaseURL is where browsers reach the server.
	BaseURL string
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	// Lifetimes of a session; zero fields mean 12 hours and 7 days.
	Lifetimes store.Lifetimes
	// Unready says why the daemon cannot do its work now; nil for nothing.
	Unready func(context.Context) []string
	Clock   dispatcher.Clock
	Log     *slog.Logger // nil for silence
}

// Desk serves the admins' pages. It is safe for concurrent use.
type Desk struct {
	o         Options
	store     *store.Store
	root      string // path of the desk as browsers see it, "/admin" as a rule
	cookie    http.Cookie
	templates *template.Template
	files     map[string]file
	nav       []navGroup
	limits    *limits
	handler   http.Handler
}

// file is an asset with the version by which browsers may keep it.
type file struct {
	kind, version string
	body          []byte
}

// New makes the desk.
func New(o Options) (*Desk, error) {
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Lifetimes.Idle == 0 {
		o.Lifetimes.Idle = 12 * time.Hour
	}
	if o.Lifetimes.Whole == 0 {
		o.Lifetimes.Whole = 7 * 24 * time.Hour
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, dispatcher.Invalid("http.base_url", "write it as https://comments.example.org", "%q is no URL", o.BaseURL)
	}
	d := &Desk{o: o, store: o.Store, root: strings.TrimRight(base.Path, "/") + "/admin", limits: newLimits(), files: map[string]file{}}
	d.cookie = cookieFor(base, o.Lifetimes.Whole)
	for _, name := range []string{"admin.css", "admin.js", "icon.svg"} {
		body, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("read the desk's assets: %w", err)
		}
		sum := sha256.Sum256(body)
		d.files[name] = file{mime.TypeByExtension(path.Ext(name)), hex.EncodeToString(sum[:6]), body}
	}
	if d.templates, err = template.New("").Funcs(d.funcs()).ParseFS(assets, "assets/*.tmpl", "assets/pages/*.tmpl"); err != nil {
		return nil, fmt.Errorf("read the desk's pages: %w", err)
	}
	d.nav = navigation(routes())
	return d, d.mount(base)
}

// mount makes the handler of the routes.
func (d *Desk) mount(base *url.URL) error {
	mux := http.NewServeMux()
	for _, rt := range routes() {
		at := rt.path
		if at == "/" {
			at = "/{$}"
		}
		mux.HandleFunc(rt.method+" /admin"+at, d.serve(rt))
	}
	mux.HandleFunc("GET /admin/assets/{name}", d.serveFile)
	mux.HandleFunc("GET /admin", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, d.root+"/", http.StatusSeeOther) })
	mux.HandleFunc("/admin/", d.serve(route{do: (*Desk).unknown}))
	csrf := http.NewCrossOriginProtection()
	if base.Host != "" {
		// A proxy may have changed the Host that the origin is compared with.
		if err := csrf.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
			return dispatcher.Invalid("http.base_url", "write it as https://comments.example.org", "%q is no origin", d.o.BaseURL)
		}
	}
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(w, r)
		v.fail(&dispatcher.Error{Code: dispatcher.CodeForbidden, Message: "this form was sent from another site", Mend: "open the page here and send it again"})
	}))
	d.handler = csrf.Handler(mux)
	return nil
}

// ServeHTTP serves one page.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// Mounts gives what a [web.Server] mounts.
func (d *Desk) Mounts() []web.Mount {
	return []web.Mount{{Pattern: "/admin/", Handler: d}, {Pattern: "/admin", Handler: d}}
}

// Path is where browsers find the desk.
func (d *Desk) Path() string { return d.root + "/" }

// LinkURL gives the address of a link that signs in once.
func LinkURL(baseURL, secret string) string {
	return strings.TrimRight(baseURL, "/") + "/admin/link/" + secret
}

// maxForm is the size of a form, in bytes; a template is the largest.
const maxForm = 2 << 20

// serve puts around a route what all of them need: careful headers, the
// session, the role, the form, and a page for what goes wrong.
func (d *Desk) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := d.visit(w, r)
		if err := d.admit(v, &rt); err != nil {
			v.fail(err)
			return
		}
		if v.answered {
			return
		}
		if err := rt.do(d, v); err != nil {
			v.fail(err)
		}
	}
}

// visit begins an answer.
func (d *Desk) visit(w http.ResponseWriter, r *http.Request) *visit {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", policy)
	return &visit{d: d, w: w, r: r, now: d.o.Clock.Now(), zone: time.UTC}
}

// policy allows what the desk itself serves, and nothing inline.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// admit finds the session, checks the role and reads the form.
func (d *Desk) admit(v *visit, rt *route) error {
	if err := d.recognise(v); err != nil {
		return err
	}
	if rt.role != "" && v.me.ID == 0 {
		if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
			v.redirect("/sign-in?to=" + url.QueryEscape(strings.TrimPrefix(v.r.URL.RequestURI(), "/admin")))
			return nil
		}
		return &dispatcher.Error{Code: dispatcher.CodeUnauthorized, Message: "you were signed out", Mend: "sign in again; what you typed is still there when you go back"}
	}
	if rt.role != "" && !v.me.Role.May(rt.role) {
		return &dispatcher.Error{Code: dispatcher.CodeForbidden, Message: fmt.Sprintf("this needs the role %s, and you are %s", rt.role, v.me.Role), Mend: "ask an admin to do it, or for the role"}
	}
	if v.post() {
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
		if err := v.r.ParseForm(); err != nil {
			return dispatcher.Invalid("", "go back, shorten it and send it again", "the form could not be read, or is larger than 2 MB")
		}
	}
	return nil
}

// unknown answers for paths that no route has.
func (d *Desk) unknown(v *visit) error {
	if v.me.ID == 0 {
		v.redirect("/sign-in")
		return nil
	}
	e := dispatcher.NotFound("page", v.r.URL.Path)
	e.Mend = "choose one from the navigation"
	return e
}

func (d *Desk) serveFile(w http.ResponseWriter, r *http.Request) {
	f, ok := d.files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == f.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
}
