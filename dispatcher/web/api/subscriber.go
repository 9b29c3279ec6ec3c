package api

import (
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

func subscriberOf(s *dispatcher.Subscriber, id string) wire.Subscriber {
	if id == "" && len(s.ExternalIDs) > 0 {
		id = s.ExternalIDs[0]
	}
	return wire.Subscriber{ID: id, IDs: listed(s.ExternalIDs), Number: s.ID, Email: s.Email, Name: s.Name, Locale: s.Locale, Zone: s.Zone, Schedule: s.Schedule,
		QuietHours: s.Quiet.String(), PausedUntil: s.PausedUntil, Confirmed: !s.ConfirmedAt.IsZero(), ConfirmedAt: s.ConfirmedAt,
		EndedAt: s.EndedAt, AuthorIDs: listed(s.AuthorIDs), CreatedAt: s.CreatedAt}
}

// putSubscriber makes or changes a subscriber. Fields that are left out stay.
func (a *API) putSubscriber(c *call, _ none, in dispatcher.EventSubscriber) (int, wire.Subscriber, error) {
	if err := c.ownID(&in); err != nil {
		return 0, wire.Subscriber{}, err
	}
	sub, created, err := a.o.Desk.SetSubscriber(c.context(), c.site, c.caller(), in)
	return madeOrChanged(created), subscriberOf(&sub, in.ID), err
}

// patchSubscriber changes a subscriber that exists.
func (a *API) patchSubscriber(c *call, _ none, in dispatcher.EventSubscriber) (int, wire.Subscriber, error) {
	if err := c.ownID(&in); err != nil {
		return 0, wire.Subscriber{}, err
	}
	if _, err := a.o.Store.Subscriber(c.context(), c.site, in.ID); err != nil {
		return 0, wire.Subscriber{}, err
	}
	sub, _, err := a.o.Desk.SetSubscriber(c.context(), c.site, c.caller(), in)
	return madeOrChanged(false), subscriberOf(&sub, in.ID), err
}

// ownID fills in the id of the path.
func (c *call) ownID(in *dispatcher.EventSubscriber) error {
	id := c.r.PathValue("id")
	if in.ID != "" && in.ID != id {
		return dispatcher.Invalid("id", "leave it out, or make it the one of the path", "%q is not the path's %q", clip(in.ID), clip(id))
	}
	in.ID = id
	return checkOwnID("id", id)
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

func (a *API) getSubscriber(c *call, _ none) (wire.Subscriber, error) {
	id := c.r.PathValue("id")
	sub, err := a.o.Store.Subscriber(c.context(), c.site, id)
	return subscriberOf(&sub, id), err
}

// deleteSubscriber erases a subscriber.
func (a *API) deleteSubscriber(c *call, _ none) error {
	return a.o.Store.Erase(c.context(), c.site, c.r.PathValue("id"))
}

// subscriberQuery chooses subscribers.
type subscriberQuery struct {
	Text string `query:"q" doc:"only those whose address or name contains this"`
	paging
}

func (a *API) listSubscribers(c *call, q subscriberQuery) (wire.Page[wire.Subscriber], error) {
	after, err := q.number()
	if err != nil {
		return wire.Page[wire.Subscriber]{}, err
	}
	subs, err := a.o.Store.Subscribers(c.context(), c.site, q.Text, after, q.Limit+1)
	rows := make([]wire.Subscriber, len(subs))
	for i := range subs {
		rows[i] = subscriberOf(&subs[i], "")
	}
	return pageOf(rows, q.paging, func(s *wire.Subscriber) string { return strconv.FormatInt(s.Number, 10) }), err
}
