package api

import (
	"net/http"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/wire"
)

func subscriptionOf(s *dispatcher.Subscription, subscriber string) wire.Subscription {
	state := wire.SubscriptionLive
	switch {
	case !s.EndedAt.IsZero():
		state = wire.SubscriptionEnded
	case s.ConfirmedAt.IsZero():
		state = wire.SubscriptionPending
	}
	return wire.Subscription{ID: s.ID, Subscriber: subscriber, Target: s.Target, Schedule: s.Schedule, OwnSchedule: s.OwnSchedule, State: state,
		AskedAt: s.AskedAt, ConfirmedAt: s.ConfirmedAt, EndedAt: s.EndedAt, EndedBy: s.EndedBy}
}

// postSubscription makes a subscription or a mute: 201, or 200 if it exists.
func (a *API) postSubscription(c *call, _ none, in dispatcher.EventSubscription) (int, wire.Subscription, error) {
	if in.Subscriber == "" {
		return 0, wire.Subscription{}, missingSubscriber()
	}
	if in.Mute {
		return a.postMute(c, in)
	}
	sub, created, err := a.o.Desk.Subscribe(c.context(), c.site, c.caller(), in)
	return madeOrChanged(created), subscriptionOf(&sub, in.Subscriber), err
}

func missingSubscriber() error {
	return dispatcher.Invalid("subscriber", "give the site's own id of the subscriber", "is missing")
}

func (a *API) postMute(c *call, in dispatcher.EventSubscription) (int, wire.Subscription, error) {
	made := wire.Subscription{Subscriber: in.Subscriber, Target: in.Target, Mute: true}
	sub, err := a.o.Store.Subscriber(c.context(), c.site, in.Subscriber)
	if err != nil {
		return 0, made, err
	}
	mutes, err := a.o.Store.Mutes(c.context(), sub.ID)
	if err != nil {
		return 0, made, err
	}
	created := true
	for _, m := range mutes {
		created = created && m.Target != in.Target
	}
	_, _, err = a.o.Desk.Subscribe(c.context(), c.site, c.caller(), in)
	return madeOrChanged(created), made, err
}

// subscriptionQuery chooses subscriptions.
type subscriptionQuery struct {
	Subscriber string                 `query:"subscriber" doc:"the site's own id of whose they are; without it those of all"`
	State      wire.SubscriptionState `query:"state" doc:"only those in this state"`
	paging
}

// listSubscriptions lists a site's subscriptions, or one subscriber's with
// their mutes.
func (a *API) listSubscriptions(c *call, q subscriptionQuery) (wire.Subscriptions, error) {
	out := wire.Subscriptions{Mutes: []wire.Subscription{}}
	after, err := q.number()
	if err != nil {
		return out, err
	}
	f := store.SubscriptionFilter{Site: c.site, State: string(q.State), After: after, Limit: q.Limit + 1}
	if q.Subscriber != "" {
		sub, err := a.o.Store.Subscriber(c.context(), c.site, q.Subscriber)
		if err != nil {
			return out, err
		}
		f.Subscriber = sub.ID
		if out.Mutes, err = a.mutesOf(c, sub.ID, q.Subscriber, after); err != nil {
			return out, err
		}
	}
	found, err := a.o.Store.SubscriptionPage(c.context(), f)
	rows := make([]wire.Subscription, len(found))
	for i := range found {
		owner := found[i].Owner
		if q.Subscriber != "" {
			owner = q.Subscriber
		}
		rows[i] = subscriptionOf(&found[i].Subscription, owner)
	}
	page := pageOf(rows, q.paging, func(s *wire.Subscription) string { return strconv.FormatInt(s.ID, 10) })
	out.Items, out.Next = page.Items, page.Next
	return out, err
}

// mutesOf lists the mutes that come with the first page.
func (a *API) mutesOf(c *call, number int64, id string, after int64) ([]wire.Subscription, error) {
	out := []wire.Subscription{}
	if after > 0 {
		return out, nil
	}
	mutes, err := a.o.Store.Mutes(c.context(), number)
	for i := range mutes {
		out = append(out, wire.Subscription{Subscriber: id, Target: mutes[i].Target, Mute: true})
	}
	return out, err
}

// oneSubscription gives the subscription of the path with the site's own id of
// its subscriber.
func (a *API) oneSubscription(c *call) (dispatcher.Subscription, string, error) {
	n, err := c.number("id", "subscription")
	if err != nil {
		return dispatcher.Subscription{}, "", err
	}
	s, err := a.o.Lookup.SubscriptionByNumber(c.context(), c.site, n)
	if err != nil {
		return s, "", err
	}
	owner, err := a.o.Store.SubscriberByNumber(c.context(), s.Subscriber)
	if err != nil {
		return s, "", err
	}
	if len(owner.ExternalIDs) == 0 {
		return s, "", dispatcher.NotFound("subscriber of subscription", c.r.PathValue("id"))
	}
	return s, owner.ExternalIDs[0], nil
}

func (a *API) getSubscription(c *call, _ none) (wire.Subscription, error) {
	s, owner, err := a.oneSubscription(c)
	return subscriptionOf(&s, owner), err
}

// patchSubscription sets cadence and depth of a subscription that has not
// ended.
func (a *API) patchSubscription(c *call, _ none, in wire.SubscriptionChange) (int, wire.Subscription, error) {
	s, owner, err := a.oneSubscription(c)
	if err != nil {
		return 0, wire.Subscription{}, err
	}
	if !s.EndedAt.IsZero() {
		return 0, wire.Subscription{}, &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the subscription has ended", Mend: "POST /v1/subscriptions makes it anew"}
	}
	set := dispatcher.EventSubscription{Subscriber: owner, Target: s.Target, Schedule: in.Schedule}
	if in.Depth != "" {
		set.Target.Depth = in.Depth
	}
	s, _, err = a.o.Desk.Subscribe(c.context(), c.site, c.caller(), set)
	return http.StatusOK, subscriptionOf(&s, owner), err
}

// deleteSubscription ends a subscription in the site's name.
func (a *API) deleteSubscription(c *call, _ none) error {
	s, owner, err := a.oneSubscription(c)
	if err != nil {
		return err
	}
	return a.o.Desk.Unsubscribe(c.context(), c.site, dispatcher.EventSubscription{Subscriber: owner, Target: s.Target})
}

// targetQuery names a subscription, or a mute, by its subscriber and target.
type targetQuery struct {
	Subscriber string                `query:"subscriber" need:"true" doc:"the site's own id of the subscriber"`
	Type       dispatcher.TargetType `query:"type" need:"true" doc:"what the target is"`
	ID         string                `query:"id" doc:"the site's own id of the target; none for replies and site"`
	Mute       bool                  `query:"mute" doc:"true lifts a mute"`
}

// deleteByTarget ends a subscription, or lifts a mute, that is named by its
// subscriber and target.
func (a *API) deleteByTarget(c *call, q targetQuery) error {
	return a.o.Desk.Unsubscribe(c.context(), c.site, dispatcher.EventSubscription{Subscriber: q.Subscriber, Target: dispatcher.Target{Type: q.Type, ID: q.ID}, Mute: q.Mute})
}
