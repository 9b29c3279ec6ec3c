// Package api is the HTTP API: the door of a site's back end and of admins'
// tools. Its contract stands in docs/api.md, and in short at /openapi.json.
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
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/web"
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
	// List gives the sources of a site with what is known of them, as it is
	// answered.
	List(ctx context.Context, site string) ([]Source, error)
	Poll(ctx context.Context, name string) error
	Pause(ctx context.Context, name, reason string) error
	Resume(ctx context.Context, name, admit string) error
}

// Options are what an [API] needs. Store, Desk, Lookup, Renderer and Sites
// must be given. Without Sources their routes answer that they are not
// available.
type Options struct {
	Store    *store.Store
	Desk     *subscribe.Desk
	Lookup   Lookup
	Renderer *render.Renderer
	Sites    []dispatcher.Site
	Sources  Sources
	// Rate and Burst bound the calls of one key; 0 means 5,000 a second and
	// twice as many at once.
	Rate  float64
	Burst int
	Clock dispatcher.Clock
	Log   *slog.Logger
}

// The limits that docs/api.md states.
const (
	MaxBody    = 10 << 20 // bytes of a body with events or subscribers
	MaxSmall   = 1 << 20  // bytes of any other body
	MaxBatch   = 1000     // events in one {"events": […]}, lines in one transaction
	MaxPage    = 500      // rows of one page
	defRate    = 5000
	defaultRow = 50
)

// API serves /v1/ and /openapi.json. It is safe for concurrent use.
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
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{o: o, mux: http.NewServeMux(), limits: newLimits(o.Rate, o.Burst)}
	a.commits = newCommitter(o.Store, o.Lookup)
	for _, r := range routes() {
		a.mux.Handle(r.method+" "+r.path, a.serve(r))
	}
	a.mux.Handle("GET /openapi.json", openAPI())
	a.mux.Handle("/v1/", web.Handler(o.Log, a.unknown))
	return a
}

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Mounts gives what a [web.Server] mounts.
func (a *API) Mounts() []web.Mount {
	return []web.Mount{{Pattern: "/v1/", Handler: a}, {Pattern: "GET /openapi.json", Handler: a}}
}

// unknown answers for paths and methods that no route has.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "/v1/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		e := dispatcher.NotFound("such path", r.URL.Path)
		e.Mend = "see /openapi.json for what there is"
		return e
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	p := web.ProblemOf(dispatcher.Invalid("", "use "+strings.Join(allowed, " or "), "this path does not take %s", r.Method))
	p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	web.WriteProblem(w, p)
	return nil
}

// call is one authenticated call.
type call struct {
	w    http.ResponseWriter
	r    *http.Request
	key  store.Key
	site string
}

// route is one line of the contract.
type route struct {
	method, path string
	rights       []store.Right // any of them opens it
	global       bool          // what it changes concerns all sites
	summary      string
	do           func(*API, *call) error
	limit        int64 // bytes of the body; 0 means MaxSmall
}

// serve puts around a route what all of them need.
func (a *API) serve(rt route) http.Handler {
	if rt.limit == 0 {
		rt.limit = MaxSmall
	}
	return web.Handler(a.o.Log, func(w http.ResponseWriter, r *http.Request) error {
		c := &call{w: w, r: r}
		if err := a.admit(c, &rt); err != nil {
			return err
		}
		if name := r.Header.Get("Idempotency-Key"); name != "" && r.Method != http.MethodGet {
			return a.once(c, &rt, name)
		}
		return rt.do(a, c)
	})
}

// context gives the call's context.
func (c *call) context() context.Context { return c.r.Context() }

// query gives one parameter of the address.
func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// checkQuery refuses parameters that the route does not know: a filter with a
// slip of the pen would list everything.
func (c *call) checkQuery(known ...string) error {
	known = append(known, "site")
	for name := range c.r.URL.Query() {
		ok := false
		for _, k := range known {
			ok = ok || k == name
		}
		if ok {
			continue
		}
		mend := "known are: " + strings.Join(known, ", ")
		if near := dispatcher.Nearest(name, known); near != "" {
			mend = fmt.Sprintf("did you mean %q? %s", near, mend)
		}
		return dispatcher.Invalid(name, mend, "there is no such parameter")
	}
	return nil
}

// caller says what the key may do at the desk.
func (c *call) caller() subscribe.Caller { return subscribe.Caller{Vouch: c.key.May(store.RightVouch)} }

func unavailable(what string) error {
	return &dispatcher.Error{Code: dispatcher.CodeUnavailable, Message: what + " are not available on this daemon", Mend: "ask the daemon that serves the sites"}
}
