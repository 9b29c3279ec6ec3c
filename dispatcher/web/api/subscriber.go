package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/web"
)

// subscriber is a subscriber as the API tells of it.
type subscriber struct {
	ID          string   `json:"id"`  // the site's own id, the one that was asked for
	IDs         []string `json:"ids"` // all of the site's own ids
	Number      int64    `json:"number"`
	Email       string   `json:"email"`
	Name        string   `json:"name,omitempty"`
	Locale      string   `json:"locale,omitempty"`
	Zone        string   `json:"time_zone,omitempty"`
	Schedule    string   `json:"schedule,omitempty"`
	QuietHours  string   `json:"quiet_hours,omitempty"`
	PausedUntil *string  `json:"paused_until,omitempty"`
	Confirmed   bool     `json:"confirmed"`
	ConfirmedAt *string  `json:"confirmed_at,omitempty"`
	EndedAt     *string  `json:"ended_at,omitempty"`
	AuthorIDs   []string `json:"author_ids"`
	CreatedAt   *string  `json:"created_at,omitempty"`
}

func subscriberOf(s *dispatcher.Subscriber, id string) subscriber {
	if id == "" && len(s.ExternalIDs) > 0 {
		id = s.ExternalIDs[0]
	}
	return subscriber{ID: id, IDs: list(s.ExternalIDs), Number: s.ID, Email: s.Email, Name: s.Name, Locale: s.Locale, Zone: s.Zone, Schedule: s.Schedule,
		QuietHours: s.Quiet.String(), PausedUntil: moment(s.PausedUntil), Confirmed: !s.ConfirmedAt.IsZero(), ConfirmedAt: moment(s.ConfirmedAt),
		EndedAt: moment(s.EndedAt), AuthorIDs: list(s.AuthorIDs), CreatedAt: moment(s.CreatedAt)}
}

// moment writes a time, nil for none.
func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// putSubscriber makes or changes a subscriber. Fields that are left out stay.
func (a *API) putSubscriber(c *call) error {
	in, err := a.readSubscriber(c)
	if err != nil {
		return err
	}
	sub, created, err := a.o.Desk.SetSubscriber(c.context(), c.site, c.caller(), in)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	web.WriteJSON(c.w, status, subscriberOf(&sub, in.ID))
	return nil
}

// patchSubscriber changes a subscriber that exists.
func (a *API) patchSubscriber(c *call) error {
	in, err := a.readSubscriber(c)
	if err != nil {
		return err
	}
	if _, err := a.o.Store.Subscriber(c.context(), c.site, in.ID); err != nil {
		return err
	}
	sub, _, err := a.o.Desk.SetSubscriber(c.context(), c.site, c.caller(), in)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, subscriberOf(&sub, in.ID))
	return nil
}

func (a *API) readSubscriber(c *call) (dispatcher.EventSubscriber, error) {
	var in dispatcher.EventSubscriber
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return in, err
	}
	id := c.r.PathValue("id")
	if in.ID != "" && in.ID != id {
		return in, dispatcher.Invalid("id", "leave it out, or make it the one of the path", "%q is not the path's %q", in.ID, id)
	}
	in.ID = id
	return in, checkOwnID("id", id)
}

// checkOwnID holds a site's own id against the limits that events have.
func checkOwnID(field, id string) error {
	probe := dispatcher.Event{ID: id, Type: dispatcher.AuthorErased, Time: time.Unix(1<<30, 0), Author: &dispatcher.EventAuthor{ID: id}}
	err := probe.Validate()
	if e, ok := err.(*dispatcher.Error); ok {
		return dispatcher.Invalid(field, e.Mend, "%s", e.Message)
	}
	return err
}

func (a *API) getSubscriber(c *call) error {
	id := c.r.PathValue("id")
	sub, err := a.o.Store.Subscriber(c.context(), c.site, id)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, subscriberOf(&sub, id))
	return nil
}

// deleteSubscriber erases a subscriber.
func (a *API) deleteSubscriber(c *call) error {
	if err := a.o.Store.Erase(c.context(), c.site, c.r.PathValue("id")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) listSubscribers(c *call) error {
	if err := c.checkQuery("q", "after", "limit"); err != nil {
		return err
	}
	p, err := c.page()
	if err != nil {
		return err
	}
	subs, err := a.o.Store.Subscribers(c.context(), c.site, c.query("q"), p.after, p.limit+1)
	if err != nil {
		return err
	}
	rows := make([]subscriber, len(subs))
	for i := range subs {
		rows[i] = subscriberOf(&subs[i], "")
	}
	return writePage(c, rows, p, func(s *subscriber) string { return strconv.FormatInt(s.Number, 10) })
}

// upsertReceipt is what became of one line.
type upsertReceipt struct {
	Line   int     `json:"line"` // from 1, empty lines not counted
	ID     string  `json:"id,omitempty"`
	Result string  `json:"result"` // created, updated or rejected
	Error  *reason `json:"error,omitempty"`
}

// upsertSubscribers takes one subscriber a line, with a receipt for each.
func (a *API) upsertSubscribers(c *call) error {
	body, err := web.Body(c.w, c.r, MaxBody)
	if err != nil {
		return err
	}
	all := lines(body)
	switch {
	case len(all) == 0:
		return dispatcher.Invalid("", "send one subscriber a line, as JSON", "the body is empty")
	case len(all) > MaxBatch:
		return &dispatcher.Error{Code: dispatcher.CodeTooLarge, Message: fmt.Sprintf("there are %d lines, %d are allowed", len(all), MaxBatch), Mend: "send them in several requests"}
	}
	var answer struct {
		Created  int             `json:"created"`
		Updated  int             `json:"updated"`
		Rejected int             `json:"rejected"`
		Receipts []upsertReceipt `json:"receipts"`
	}
	for i, line := range all {
		r := upsertReceipt{Line: i + 1}
		created, err := a.upsertOne(c, line, &r)
		switch {
		case err != nil && (dispatcher.CodeOf(err) == dispatcher.CodeInternal || dispatcher.CodeOf(err) == dispatcher.CodeUnavailable):
			return err // the lines before it are in; sending all again is harmless
		case err != nil:
			e := reasonOf(err)
			r.Result, r.Error = "rejected", &e
			answer.Rejected++
		case created:
			r.Result = "created"
			answer.Created++
		default:
			r.Result = "updated"
			answer.Updated++
		}
		answer.Receipts = append(answer.Receipts, r)
	}
	status := http.StatusOK
	if answer.Created+answer.Updated == 0 {
		status = http.StatusUnprocessableEntity
	}
	web.WriteJSON(c.w, status, answer)
	return nil
}

func (a *API) upsertOne(c *call, line []byte, r *upsertReceipt) (bool, error) {
	var in dispatcher.EventSubscriber
	if err := web.Decode(line, &in); err != nil {
		r.ID = idOf(line)
		return false, err
	}
	r.ID = in.ID
	if in.ID != "" {
		if err := checkOwnID("id", in.ID); err != nil {
			return false, err
		}
	}
	_, created, err := a.o.Desk.SetSubscriber(c.context(), c.site, c.caller(), in)
	return created, err
}
