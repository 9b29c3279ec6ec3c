package web

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// RequestHeader carries a request's id in the answer.
const RequestHeader = "X-Request-Id"

// RequestID gives the id of the request that is being answered.
func RequestID(w http.ResponseWriter) string { return w.Header().Get(RequestHeader) }

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		if status == statusClientGone {
			return // counted, not sent
		}
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// observer is told of each answer.
type observer interface {
	answered(route string, status int, took time.Duration)
}

// observe gives the request its id, and logs and counts the answer.
func (s *Server) observe(seen observer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.o.Clock()
		rec := &recorder{ResponseWriter: w}
		w.Header().Set(RequestHeader, newRequestID())
		next.ServeHTTP(rec, r)
		took := s.o.Clock().Sub(start)
		if rec.status == 0 {
			rec.status = http.StatusOK
		}
		if seen != nil {
			seen.answered(routeOf(r), rec.status, took)
		}
		if s.o.Log.Enabled(r.Context(), slog.LevelDebug) {
			s.o.Log.DebugContext(r.Context(), "request", "route", routeOf(r), "status", rec.status, "bytes", rec.bytes,
				"took", took, "request", RequestID(w))
		}
	})
}

// routeOf names what a request matched. The path itself may hold a token or an
// address.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "none"
	}
	return r.Pattern
}

func newRequestID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// guard turns panics into a 500 and sets the headers that every answer has.
// Doors with pages set their own content security policy over it.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { // net/http's own way to break off
				panic(p)
			}
			s.o.Log.ErrorContext(r.Context(), "a request panicked", "route", routeOf(r), "request", RequestID(w),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			WriteProblem(w, ProblemOf(errPanic()))
		}()
		next.ServeHTTP(w, r)
	})
}

func errPanic() error { return errors.New("panic") }

// metrics counts answers by route and status class.
type metrics struct{ seconds *prometheus.HistogramVec }

func newMetrics(reg *prometheus.Registry) (*metrics, error) {
	m := &metrics{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "hearback_http_request_seconds", Help: "Time to answer HTTP requests.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 30},
	}, []string{"route", "status"})}
	return m, reg.Register(m.seconds)
}

func (m *metrics) answered(route string, status int, took time.Duration) {
	m.seconds.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}
