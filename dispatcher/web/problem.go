package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// Status gives the HTTP status of a code. It is the only such table.
func Status(c dispatcher.Code) int {
	switch c {
	case dispatcher.CodeInvalid:
		return http.StatusUnprocessableEntity
	case dispatcher.CodeNotFound:
		return http.StatusNotFound
	case dispatcher.CodeConflict, dispatcher.CodeIDReused, dispatcher.CodeEnded, dispatcher.CodeInUse:
		return http.StatusConflict
	case dispatcher.CodeForbidden:
		return http.StatusForbidden
	case dispatcher.CodeUnauthorized:
		return http.StatusUnauthorized
	case dispatcher.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case dispatcher.CodeLimited:
		return http.StatusTooManyRequests
	case dispatcher.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Problem is an error as it is answered, RFC 9457 §3.
type Problem = wire.Problem

// mend says what to do about an error that does not say it itself.
func mend(c dispatcher.Code) string {
	switch c {
	case dispatcher.CodeNotFound:
		return "check the name and the site that the call is for; what there is can be listed"
	case dispatcher.CodeUnavailable, dispatcher.CodeLimited:
		return "try again after the time that Retry-After says"
	case dispatcher.CodeConflict, dispatcher.CodeInUse, dispatcher.CodeIDReused, dispatcher.CodeEnded:
		return "look at its present state first"
	}
	return "compare the call with the API's description at /docs"
}

// ProblemOf gives the problem of an error. Of an error without a code nothing
// but that it happened is told.
func ProblemOf(err error) Problem {
	p := Problem{Type: "about:blank", Code: dispatcher.CodeInternal}
	var e *dispatcher.Error
	if errors.As(err, &e) {
		p.Code, p.Detail, p.Field, p.Mend = e.Code, e.Message, e.Field, e.Mend
		if e.Code == dispatcher.CodeInvalid && e.Err != nil {
			p.Detail += ": " + e.Err.Error() // of other codes it may be a driver's words
		}
	} else {
		p.Detail, p.Mend = "something went wrong on our side", "try again; the daemon's log says more"
	}
	if p.Mend == "" {
		p.Mend = mend(p.Code)
	}
	p.Status = Status(p.Code)
	p.Title = http.StatusText(p.Status)
	return p
}

// WriteProblem answers with a problem.
func WriteProblem(w http.ResponseWriter, p Problem) { WriteBody(w, p.Status, problemType, p) }

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) { WriteBody(w, status, jsonType, v) }

// WriteBody answers with v as JSON of a media type.
func WriteBody(w http.ResponseWriter, status int, contentType string, v any) {
	b, err := json.Marshal(v)
	if err != nil { // our own types; a defect
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // nobody is left to be told
}

// Fail answers with an error and logs it when it is ours. An error that is
// only the client's going away is neither.
func Fail(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}
	p := ProblemOf(err)
	switch {
	case p.Code == dispatcher.CodeInternal:
		log.ErrorContext(r.Context(), "a request failed", "route", r.Pattern, "request", RequestID(w), "error", err)
	case p.Code == dispatcher.CodeUnavailable:
		log.WarnContext(r.Context(), "a request could not be served", "route", r.Pattern, "request", RequestID(w), "error", err)
		w.Header().Set("Retry-After", "2")
	}
	var own interface{ WriteProblem(http.ResponseWriter) }
	if errors.As(err, &own) { // a problem that says more than others
		own.WriteProblem(w)
		return
	}
	WriteProblem(w, p)
}

// statusClientGone is what is counted for clients that left; they never see it.
const statusClientGone = 499

// Handler makes a handler of a function that may end with an error. Before it
// returns an error the function must not have written anything.
func Handler(log *slog.Logger, f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			Fail(w, r, log, err)
		}
	}
}
