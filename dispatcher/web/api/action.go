package api

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// route is one line of the contract. What it says here is what is checked and
// what the OpenAPI document tells: there is no second list.
type route struct {
	method, path string
	rights       []store.Right // any of them opens it
	global       bool          // what it changes concerns all sites
	summary      string
	about        string // more words for the document, may be empty
	act          string // what the audit log calls it, "" where it keeps nothing
	action
	status  []int  // of a success
	may     []int  // problems beside those that all routes of its kind have
	limit   int64  // bytes of the body; 0 means MaxSmall
	example string // a body that works
}

// action is what a route does, with the types of what it reads and answers.
// The functions below make it of a handler, so that the types that are
// described are those that are decoded and encoded.
type action struct {
	query    reflect.Type   // a struct of parameters
	bodies   []reflect.Type // what a JSON body may be, any of them; none for no body
	line     reflect.Type   // what a line of an NDJSON body is; nil where none is taken
	lines    reflect.Type   // what a line of the answer to one is; nil when it is as any other
	answer   reflect.Type   // nil for 204
	optional bool           // the body may be left out
	do       func(*API, *call) error
}

// none is for routes without parameters of their own.
type none struct{}

// show makes an action that reads no body and answers 200.
func show[Q, Out any](f func(*API, *call, Q) (Out, error)) action {
	return reply(http.StatusOK, f)
}

// reply makes an action that reads no body and answers with one status.
func reply[Q, Out any](status int, f func(*API, *call, Q) (Out, error)) action {
	return action{query: reflect.TypeFor[Q](), answer: reflect.TypeFor[Out](), do: func(a *API, c *call) error {
		var q Q
		if err := c.parameters(&q); err != nil {
			return err
		}
		out, err := f(a, c, q)
		if err == nil {
			web.WriteJSON(c.w, status, out)
		}
		return err
	}}
}

// end makes an action that reads no body and answers 204.
func end[Q any](f func(*API, *call, Q) error) action {
	return action{query: reflect.TypeFor[Q](), do: func(a *API, c *call) error {
		var q Q
		if err := c.parameters(&q); err != nil {
			return err
		}
		if err := f(a, c, q); err != nil {
			return err
		}
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}}
}

// take makes an action that reads a JSON body and answers with a status of its
// own.
func take[Q, In, Out any](f func(*API, *call, Q, In) (int, Out, error)) action {
	return taking(false, f)
}

// maybe is take for a body that may be left out; In is zero then.
func maybe[Q, In, Out any](f func(*API, *call, Q, In) (int, Out, error)) action {
	return taking(true, f)
}

func taking[Q, In, Out any](optional bool, f func(*API, *call, Q, In) (int, Out, error)) action {
	return action{query: reflect.TypeFor[Q](), bodies: []reflect.Type{reflect.TypeFor[In]()}, answer: reflect.TypeFor[Out](), optional: optional, do: func(a *API, c *call) error {
		var q Q
		if err := c.parameters(&q); err != nil {
			return err
		}
		var in In
		if !optional || c.hasBody() {
			if err := web.DecodeBody(c.w, c.r, c.limit, &in); err != nil {
				return err
			}
		}
		status, out, err := f(a, c, q, in)
		if err == nil {
			web.WriteJSON(c.w, status, out)
		}
		return err
	}}
}

// hasBody says whether the call brings a body. One of unknown length is read
// as far as its first byte.
func (c *call) hasBody() bool {
	if c.r.ContentLength >= 0 {
		return c.r.ContentLength > 0
	}
	b := make([]byte, 1)
	n, _ := c.r.Body.Read(b) // an error shows itself when the rest is read
	if n == 0 {
		return false
	}
	c.r.Body = prefixed(b, c.r.Body)
	return true
}

// problems lists the statuses with which the route may refuse.
func (rt *route) problems() []int {
	list := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusServiceUnavailable}
	if rt.method != http.MethodGet {
		list = append(list, http.StatusConflict, http.StatusRequestEntityTooLarge) // an Idempotency-Key's
	}
	if len(pathNames(rt.path)) > 0 {
		list = append(list, http.StatusNotFound)
	}
	list = append(list, rt.may...)
	slices.Sort(list)
	return slices.Compact(list)
}
