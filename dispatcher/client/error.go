package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// Error is a call that Hearback, or a proxy before it, refused.
type Error struct {
	wire.Problem
	// RetryAfter is how long the server asks to wait; 0 when it does not.
	RetryAfter time.Duration
	// Request names the call in the daemon's log.
	Request string
	body    []byte
}

// Error says what is wrong, where, and the mend.
func (e *Error) Error() string {
	return fmt.Sprintf("hearback answers %d: %s", e.Status, e.domain().Error())
}

// Unwrap gives the error of the domain, so that [dispatcher.CodeOf] knows the
// code.
func (e *Error) Unwrap() error { return e.domain() }

func (e *Error) domain() *dispatcher.Error {
	return &dispatcher.Error{Code: e.Code, Field: e.Field, Message: e.Detail, Mend: e.Mend}
}

// errorOf makes the error of an answer. One that is no problem is a proxy's.
func errorOf(res *http.Response, body []byte) error {
	e := &Error{Request: res.Header.Get("X-Request-Id"), body: body}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(body, &e.Problem) == nil {
		return e
	}
	e.Problem = wire.Problem{Status: res.StatusCode, Title: http.StatusText(res.StatusCode), Code: dispatcher.CodeInternal,
		Detail: fmt.Sprintf("the answer is %q and comes from something before Hearback", res.Status), Mend: "look at the proxy, and whether the URL is right"}
	if res.StatusCode >= http.StatusInternalServerError {
		e.Code = dispatcher.CodeUnavailable
	}
	return e
}

// Rejected says that events of a call were not taken; all others were. Each
// refusal has its event's place, its code, the field and the mend.
type Rejected struct{ wire.Receipt }

// Error tells of the first.
func (e *Rejected) Error() string {
	r := e.Rejected[0]
	return fmt.Sprintf("hearback rejects %d of %d events, the first is number %d (%s): %s", len(e.Rejected), e.Accepted+e.Duplicates+len(e.Rejected), r.Index, r.ID, reason(&r.Error).Error())
}

// Unwrap gives the error of the first.
func (e *Rejected) Unwrap() error { return reason(&e.Rejected[0].Error) }

func reason(r *wire.Reason) *dispatcher.Error {
	return &dispatcher.Error{Code: r.Code, Field: r.Field, Message: r.Message, Mend: r.Mend}
}
