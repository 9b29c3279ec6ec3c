package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/wire"
)

func reasonOf(err error) wire.Reason {
	p := web.ProblemOf(err)
	return wire.Reason{Code: p.Code, Field: p.Field, Message: p.Detail, Mend: p.Mend}
}

// door says by which way the call's events come.
func (c *call) door() store.Door {
	if c.key.May(store.RightVouch) {
		return "api+vouch"
	}
	return "api"
}

// postEvents takes one event, a batch or lines. It answers after the commit.
func (a *API) postEvents(c *call) error {
	if err := c.parameters(&none{}); err != nil {
		return err
	}
	body, err := web.Body(c.w, c.r, MaxBody)
	if err != nil {
		return err
	}
	raws, single, err := split(body, c.r.Header.Get("Content-Type"))
	if err != nil {
		if dispatcher.CodeOf(err) == dispatcher.CodeInvalid {
			a.keep(c, body, err)
		}
		return err
	}
	if single {
		return a.postOne(c, raws[0])
	}
	r := wire.Receipt{Rejected: []wire.Refusal{}}
	var first error
	for part := range slices.Chunk(raws, MaxBatch) {
		err := a.take(c, part, r.Accepted+r.Duplicates+len(r.Rejected), &r)
		if err != nil && !isRefusal(err) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	if r.Accepted+r.Duplicates > 0 {
		web.WriteJSON(c.w, http.StatusAccepted, r)
		return nil
	}
	writeAllBad(c.w, r, first)
	return nil
}

// refused marks the first error of a part, all of which was looked at.
type refused struct{ error }

func (e refused) Unwrap() error { return e.error }

func isRefusal(err error) bool {
	var r refused
	return errors.As(err, &r)
}

// take commits part of a call's events and adds to the receipt what became of
// them. Its error is the database's, or a refusal.
func (a *API) take(c *call, raws [][]byte, offset int, r *wire.Receipt) error {
	var good []dispatcher.Event
	var at []int // of good, in raws
	bad := map[int]error{}
	ids := make([]string, len(raws))
	for i, raw := range raws {
		e, err := read(raw, c.site, c.key)
		if err != nil {
			bad[i], ids[i] = err, idOf(raw)
			continue
		}
		ids[i] = e.ID
		good, at = append(good, e), append(at, i)
	}
	if len(good) > 0 {
		got, err := appendAll(c.context(), a.o.Store, c.site, c.door(), good)
		if err != nil {
			return err
		}
		r.Accepted += got.Accepted
		r.Duplicates += got.Duplicates
		for _, x := range got.Rejected {
			bad[at[x.Index]] = x.Err
		}
	}
	var first error
	for i := range raws {
		err := bad[i]
		if err == nil {
			continue
		}
		if first == nil {
			first = refused{err}
		}
		r.Rejected = append(r.Rejected, wire.Refusal{Index: offset + i, ID: ids[i], Error: reasonOf(err)})
		a.keep(c, raws[i], err)
	}
	return first
}

// postOne takes one event by the short way.
func (a *API) postOne(c *call, raw []byte) error {
	r := wire.Receipt{Rejected: []wire.Refusal{}}
	e, err := read(raw, c.site, c.key)
	if err == nil {
		var f fate
		f, err = a.commits.add(c.context(), c.site, c.door(), e)
		switch {
		case err != nil && dispatcher.CodeOf(err) != dispatcher.CodeInvalid && dispatcher.CodeOf(err) != dispatcher.CodeIDReused:
			return err
		case err == nil && f == fateDuplicate:
			r.Duplicates = 1
		case err == nil:
			r.Accepted = 1
		}
	}
	if err == nil {
		web.WriteJSON(c.w, http.StatusAccepted, r)
		return nil
	}
	a.keep(c, raw, err)
	id := e.ID
	if id == "" {
		id = idOf(raw)
	}
	r.Rejected = append(r.Rejected, wire.Refusal{Index: 0, ID: id, Error: reasonOf(err)})
	writeAllBad(c.w, r, err)
	return nil
}

// writeAllBad answers for a call none of whose events was taken: a problem
// about the first of them, with the receipt in it.
func writeAllBad(w http.ResponseWriter, r wire.Receipt, first error) {
	p := web.ProblemOf(first)
	p.Status = http.StatusUnprocessableEntity
	p.Title = http.StatusText(p.Status)
	web.WriteBody(w, p.Status, problemType, wire.EventsRefused{Problem: p, Receipt: r})
}

// keep records a refused event, so that an admin sees it. The caller has its
// answer either way.
func (a *API) keep(c *call, raw []byte, cause error) {
	err := a.o.Store.RecordRejected(context.WithoutCancel(c.context()), c.site, c.door(), raw, idOf(raw), cause)
	if err != nil {
		a.o.Log.WarnContext(c.context(), "a rejected event could not be recorded", "error", err)
	}
}

// eventQuery chooses rejected events.
type eventQuery struct {
	State string `query:"state" need:"true" enum:"rejected" doc:"those that were taken live on as their comments"`
	paging
}

// getEvents lists rejected events, newest first.
func (a *API) getEvents(c *call, q eventQuery) (wire.Page[wire.RejectedEvent], error) {
	after, err := q.number()
	if err != nil {
		return wire.Page[wire.RejectedEvent]{}, err
	}
	found, err := a.o.Store.RejectedEvents(c.context(), c.site, after, q.Limit+1)
	rows := make([]wire.RejectedEvent, len(found))
	for i := range found {
		rows[i] = rejectedOf(found[i])
	}
	return pageOf(rows, q.paging, func(e *wire.RejectedEvent) string { return strconv.FormatInt(e.ID, 10) }), err
}

func rejectedOf(e store.RejectedEvent) wire.RejectedEvent {
	return wire.RejectedEvent{ID: e.ID, Site: e.Site, EventID: e.EventID, Payload: e.Payload, Door: string(e.Door), Code: e.Code, Reason: e.Reason,
		ReceivedAt: e.ReceivedAt, RejectedAt: e.RejectedAt}
}

// getEvent shows one rejected event by its number in the list.
func (a *API) getEvent(c *call, _ none) (wire.RejectedEvent, error) {
	e, err := a.rejected(c)
	return rejectedOf(e), err
}

func (a *API) rejected(c *call) (store.RejectedEvent, error) {
	name := c.r.PathValue("id")
	missing := dispatcher.NotFound("rejected event", clip(name))
	missing.Mend = "GET /v1/events?state=rejected lists them with their numbers"
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil || id < 1 || id == 1<<63-1 {
		return store.RejectedEvent{}, missing
	}
	rows, err := a.o.Store.RejectedEvents(c.context(), c.site, id+1, 1)
	if err != nil {
		return store.RejectedEvent{}, err
	}
	if len(rows) == 0 || rows[0].ID != id {
		return store.RejectedEvent{}, missing
	}
	return rows[0], nil
}

// retryEvent puts a rejected event back into the inbox.
func (a *API) retryEvent(c *call, _ none) (wire.EventRetried, error) {
	e, err := a.rejected(c)
	if err != nil {
		return wire.EventRetried{}, err
	}
	_, err = a.o.Store.RetryRejected(c.context(), c.site, []int64{e.ID})
	return wire.EventRetried{ID: e.ID, State: "waiting"}, err
}
