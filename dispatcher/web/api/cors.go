package api

import (
	"net/http"
	"slices"
	"strings"
)

// What a browser's page may send to the API and may read of its answers.
const (
	corsSend = "Authorization, Content-Type, " + idempotencyKey
	corsRead = "RateLimit, RateLimit-Policy, Retry-After, Idempotency-Replayed, X-Request-Id"
)

// corsAge is how long a browser may remember what it may send, in seconds.
const corsAge = "600"

// cors lets pages of the listed origins call the API, and answers their
// browsers' question beforehand (a preflight), which it says by true. Cookies
// are never allowed: the API knows none. Other origins get no header, and their
// browsers keep the answer from them.
func (a *API) cors(w http.ResponseWriter, r *http.Request) bool {
	if len(a.o.Origins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(a.o.Origins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", corsRead)
		return false
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(a.methods(r), ", "))
	h.Set("Access-Control-Allow-Headers", corsSend)
	h.Set("Access-Control-Max-Age", corsAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}
