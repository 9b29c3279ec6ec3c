// Package api is the HTTP API: the door of a site's back end and of admins'
// tools. Its contract stands in docs/api.md; for programs it is written at
// /openapi.json and for people at /docs, both made of the routes and of the
// types that they read and answer.
//
// The story of one call: the key says who it is and which sites and rights it
// has ([store.Key]); the key's rate is looked at; the route says what right it asks
// for; the call belongs to one site, the key's or the one that ?site= names.
// Where an Idempotency-Key is given, a call that was made before gets the
// answer that it got then. The body is read strictly, up to a stated limit.
// Errors are problem details that name field and mend.
//
// What the API takes it has committed before it says so. Events that come one
// by one at the same time share a commit, see [committer].
package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/wire"
)

// Lookup answers what the API asks beyond the store's own use cases.
type Lookup interface {
	// SubscriptionByNumber gives one subscription of a site, live or ended.
	SubscriptionByNumber(ctx context.Context, site string, id int64) (dispatcher.Subscription, error)
	// Remembered says which event ids of a site were seen before.
	Remembered(ctx context.Context, site string, ids []string) (map[string]bool, error)
}

// Sources are the places that the daemon polls.
type Sources interface {
	// List gives the sources of a site with what is known of them.
	List(ctx context.Context, site string) ([]wire.Source, error)
	Poll(ctx context.Context, name string) error
	Pause(ctx context.Context, name, reason string) error
	Resume(ctx context.Context, name, admit string) error
}

// Options are what an [API] needs. Store, Desk, Lookup, Renderer and Sites
// must be given. Without Sources there are none.
type Options struct {
	Store    *store.Store
	Desk     *subscribe.Desk
	Lookup   Lookup
	Renderer *render.Renderer
	Sites    []dispatcher.Site
	Sources  Sources
	// Origins are the sites whose pages may call the API from a browser, such
	// as "https://app.example.org".
	Origins []string
	// Rate and Burst bound the calls of one key; 0 means 5,000 a second and
	// twice as many at once.
	Rate  float64
	Burst int
	// LinesLimit bounds a body of subscribers or subscriptions, one a line; 0
	// means MaxLines.
	LinesLimit int64
	Clock      dispatcher.Clock
	Log        *slog.Logger
}

// The limits that docs/api.md states.
const (
	MaxBody  = 10 << 20  // bytes of a body with events
	MaxLines = 256 << 20 // bytes of a body with subscribers or subscriptions, one a line
	MaxSmall = 1 << 20   // bytes of any other body
	MaxBatch = 1000      // events in one {"events": […]}, lines in one transaction
	MaxPage  = 500       // rows of one page
	defRate  = 5000
)

// The media types that the API reads and writes.
const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
	linesType   = "application/x-ndjson"
)

// API serves /v1/, /openapi.json and /docs. It is safe for concurrent use.
type API struct {
	o       Options
	mux     *http.ServeMux
	commits *committer
	limits  *limits
}

// New makes the API.
func New(o Options) *API {
	if o.Rate == 0 {
		o.Rate = defRate
	}
	if o.Burst == 0 {
		o.Burst = 2 * int(o.Rate)
	}
	if o.LinesLimit == 0 {
		o.LinesLimit = MaxLines
	}
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{o: o, mux: http.NewServeMux(), limits: newLimits(o.Rate, o.Burst)}
	a.commits = newCommitter(o.Store, o.Lookup)
	all := routes()
	for _, r := range all {
		a.mux.Handle(r.method+" "+r.path, a.serve(r))
	}
	doc := document(all)
	a.mux.Handle("GET /openapi.json", serveDocument(doc))
	manual(a.mux, doc)
	a.mux.Handle("/v1/", web.Handler(o.Log, a.unknown))
	return a
}

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.cors(w, r) {
		return
	}
	if p := r.URL.EscapedPath(); strings.HasPrefix(p, "/v1/") && path.Clean(p) != strings.TrimSuffix(p, "/") {
		// The mux would redirect to the path without its dots.
		web.Fail(w, r, a.o.Log, noSuchPath(p))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// Mounts gives what a [web.Server] mounts.
func (a *API) Mounts() []web.Mount {
	return []web.Mount{{Pattern: "/v1/", Handler: a, Raw: true}, {Pattern: "/openapi.json", Handler: a}, {Pattern: "GET /docs", Handler: a}, {Pattern: "GET /docs/", Handler: a}}
}

func noSuchPath(path string) error {
	e := dispatcher.NotFound("such path", clip(path))
	e.Mend = "see /docs or /openapi.json for what there is; a part of a path is percent-encoded"
	return e
}

// unknown answers for paths and methods that no route has.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) error {
	allowed := a.methods(r)
	if len(allowed) == 0 {
		return noSuchPath(r.URL.Path)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	p := web.ProblemOf(dispatcher.Invalid("", "use "+strings.Join(allowed, " or "), "this path does not take %s", r.Method))
	p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	web.WriteProblem(w, p)
	return nil
}

// methods lists what the path of a request takes.
func (a *API) methods(r *http.Request) []string {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "/v1/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return allowed
}

// call is one authenticated call.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	key   store.Key
	site  string
	limit int64 // bytes of its body
}

// serve puts around a route what all of them need.
func (a *API) serve(rt route) http.Handler {
	if rt.limit == 0 {
		rt.limit = MaxSmall
	}
	if rt.act != "" {
		rt.do = audited(&rt)
	}
	return web.Handler(a.o.Log, func(w http.ResponseWriter, r *http.Request) error {
		c := &call{w: w, r: r, limit: rt.limit}
		if err := a.admit(c, &rt); err != nil {
			return err
		}
		if name := r.Header.Get(idempotencyKey); name != "" && r.Method != http.MethodGet {
			return a.once(c, &rt, name)
		}
		return rt.do(a, c)
	})
}

// context gives the call's context.
func (c *call) context() context.Context { return c.r.Context() }

// caller says what the key may do at the desk.
func (c *call) caller() subscribe.Caller { return subscribe.Caller{Vouch: c.key.May(store.RightVouch)} }
