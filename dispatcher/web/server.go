package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hearback/hearback/dispatcher"
)

// Mount is a handler and the path that it serves: a pattern of
// [http.ServeMux] such as "/v1/" or "GET /openapi.json".
type Mount struct {
	Pattern string
	Handler http.Handler
	// Raw gives the handler every path below Pattern as it came. The server
	// would redirect one with empty or dotted parts, and a program that sends
	// an id in a path is better told what is wrong with it.
	Raw bool
}

// Options are what a [Server] needs.
type Options struct {
	// Listen is the TCP address to listen on, such as "127.0.0.1:8025".
	Listen string
	// BaseURL is where the outside reaches the server. When it has a path, a
	// request may come with it or without: proxies do either.
	BaseURL string
	Mounts  []Mount
	// Ready says why the daemon cannot do its work now, one sentence each;
	// nothing when it can. Nil for always ready.
	Ready func(context.Context) []string
	// Registry gets the server's own metrics, and /metrics shows all of it.
	// Nil shows none.
	Registry *prometheus.Registry
	Clock    dispatcher.Clock
	Log      *slog.Logger
	// Grace is how long requests may take to end after the stop; 0 means 10 s.
	Grace time.Duration
}

// The server's limits. A body's limit is its door's to set.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = time.Minute
	writeTimeout  = time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	readyTimeout  = 3 * time.Second
	defaultGrace  = 10 * time.Second
)

// Server serves all doors on one address.
type Server struct {
	o       Options
	handler http.Handler
}

// New makes the server; [Server.Run] listens.
func New(o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	mux := http.NewServeMux()
	raw := map[string]http.Handler{}
	for _, m := range o.Mounts {
		mux.Handle(m.Pattern, m.Handler)
		if m.Raw {
			raw[m.Pattern] = m.Handler
		}
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", readyz(o.Ready))
	s := &Server{o: o}
	var seen observer
	if o.Registry != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{Registry: o.Registry}))
		m, err := newMetrics(o.Registry)
		if err != nil {
			return nil, fmt.Errorf("register the server's metrics: %w", err)
		}
		seen = m
	}
	prefix, err := prefixOf(o.BaseURL)
	if err != nil {
		return nil, err
	}
	s.handler = s.observe(seen, s.guard(unprefix(prefix, unclean(raw, strangers(mux)))))
	return s, nil
}

// Handler is the server without its listener, as tests and other servers use
// it.
func (s *Server) Handler() http.Handler { return s.handler }

// Run listens and serves until ctx ends, then lets running requests end. listening,
// when not nil, is called once with the address, which tells the port that
// ":0" became. A port that is taken is a [dispatcher.Error] with the mend.
func (s *Server) Run(ctx context.Context, listening func(net.Addr)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.o.Listen)
	if err != nil {
		return &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "http.listen", Message: "cannot listen on " + s.o.Listen,
			Mend: "end the program that has the address, or choose another one", Err: err}
	}
	if listening != nil {
		listening(l.Addr())
	}
	return s.Serve(ctx, l)
}

// Serve serves on a listener until ctx ends, and closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	// Requests outlive ctx by the grace: their own context ends with them.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug), // clients that break off; may hold addresses of peers
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	stop, end := context.WithTimeout(context.WithoutCancel(ctx), s.o.Grace)
	defer end()
	err := srv.Shutdown(stop)
	if err != nil { // requests that do not end are cut off
		cancel()
		err = srv.Close()
	}
	if got := <-failed; !errors.Is(got, http.ErrServerClosed) {
		err = errors.Join(err, got)
	}
	if err != nil {
		return fmt.Errorf("stop the HTTP server: %w", err)
	}
	return nil
}

// unclean passes paths below the raw mounts to them before the mux cleans them.
func unclean(raw map[string]http.Handler, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for below, h := range raw {
			if strings.HasPrefix(r.URL.Path, below) {
				r.Pattern = below
				h.ServeHTTP(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// strangers answers programs that ask for what no door has with a problem that
// says where the API is. Browsers get the mux's own few words, and so does who
// asks with a method that the path does not take.
func strangers(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" && !strings.Contains(r.Header.Get("Accept"), "text/html") {
			get := r.Clone(r.Context())
			get.Method = http.MethodGet
			if _, pattern := mux.Handler(get); pattern == "" {
				e := dispatcher.NotFound("such path", shorten(r.URL.Path))
				e.Mend = "calls of the API begin with /v1/; see /docs or /openapi.json for what there is"
				WriteProblem(w, ProblemOf(e))
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// shorten keeps an answer from growing with its question.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func readyz(ready func(context.Context) []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var why []string
		if ready != nil {
			ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
			defer cancel()
			why = ready(ctx)
		}
		if len(why) > 0 {
			WriteJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "reasons": why})
			return
		}
		WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}

func prefixOf(base string) (string, error) {
	if base == "" {
		return "", nil
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", dispatcher.Invalid("http.base_url", "write it as https://comments.example.org", "%q is no URL", base)
	}
	return strings.TrimRight(u.Path, "/"), nil
}

// unprefix serves paths with the prefix as those without.
func unprefix(prefix string, next http.Handler) http.Handler {
	if prefix == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, prefix)
		if ok && strings.HasPrefix(rest, "/") {
			u := *r.URL                                                     // the request itself goes on, so that it learns its pattern
			u.Path, u.RawPath = rest, strings.TrimPrefix(u.RawPath, prefix) // an id with %2F stays one part
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}
