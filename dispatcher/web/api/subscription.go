package api

import (
	"net/http"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/web"
)

// subscription is a subscription, or a mute, as the API tells of it.
type subscription struct {
	ID          int64             `json:"id,omitempty"` // mutes have none
	Subscriber  string            `json:"subscriber"`
	Target      dispatcher.Target `json:"target"`
	Mute        bool              `json:"mute,omitempty"`
	Schedule    string            `json:"schedule,omitempty"`
	OwnSchedule bool              `json:"own_schedule,omitempty"` // not inherited from the subscriber or the site
	State       string            `json:"state,omitempty"`        // live, pending or ended
	AskedAt     *string           `json:"asked_at,omitempty"`
	ConfirmedAt *string           `json:"confirmed_at,omitempty"`
	EndedAt     *string           `json:"ended_at,omitempty"`
	EndedBy     string            `json:"ended_by,omitempty"`
}

func subscriptionOf(s *dispatcher.Subscription, subscriber string) subscription {
	state := "live"
	switch {
	case !s.EndedAt.IsZero():
		state = "ended"
	case s.ConfirmedAt.IsZero():
		state = "pending"
	}
	return subscription{ID: s.ID, Subscriber: subscriber, Target: s.Target, Schedule: s.Schedule, OwnSchedule: s.OwnSchedule, State: state,
		AskedAt: moment(s.AskedAt), ConfirmedAt: moment(s.ConfirmedAt), EndedAt: moment(s.EndedAt), EndedBy: string(s.EndedBy)}
}

// postSubscription makes a subscription or a mute: 201, or 200 if it exists.
func (a *API) postSubscription(c *call) error {
	var in dispatcher.EventSubscription
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return err
	}
	if in.Subscriber == "" {
		return dispatcher.Invalid("subscriber", "give the site's own id of the subscriber", "is missing")
	}
	if in.Mute {
		return a.postMute(c, in)
	}
	sub, created, err := a.o.Desk.Subscribe(c.context(), c.site, c.caller(), in)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	web.WriteJSON(c.w, status, subscriptionOf(&sub, in.Subscriber))
	return nil
}

func (a *API) postMute(c *call, in dispatcher.EventSubscription) error {
	status := http.StatusCreated
	sub, err := a.o.Store.Subscriber(c.context(), c.site, in.Subscriber)
	if err != nil {
		return err
	}
	mutes, err := a.o.Store.Mutes(c.context(), sub.ID)
	if err != nil {
		return err
	}
	for _, m := range mutes {
		if m.Target == in.Target {
			status = http.StatusOK
		}
	}
	if _, _, err := a.o.Desk.Subscribe(c.context(), c.site, c.caller(), in); err != nil {
		return err
	}
	web.WriteJSON(c.w, status, subscription{Subscriber: in.Subscriber, Target: in.Target, Mute: true})
	return nil
}

// listSubscriptions lists all of one subscriber's, ended ones and mutes too.
func (a *API) listSubscriptions(c *call) error {
	if err := c.checkQuery("subscriber", "state"); err != nil {
		return err
	}
	id, state := c.query("subscriber"), c.query("state")
	if id == "" {
		return dispatcher.Invalid("subscriber", "add ?subscriber= with the site's own id", "is missing")
	}
	switch state {
	case "", "live", "pending", "ended":
	default:
		return dispatcher.Invalid("state", "use live, pending or ended", "unknown state %q", state)
	}
	sub, err := a.o.Store.Subscriber(c.context(), c.site, id)
	if err != nil {
		return err
	}
	subs, err := a.o.Store.Subscriptions(c.context(), sub.ID)
	if err != nil {
		return err
	}
	mutes, err := a.o.Store.Mutes(c.context(), sub.ID)
	if err != nil {
		return err
	}
	answer := struct {
		Items []subscription `json:"items"`
		Mutes []subscription `json:"mutes"`
	}{[]subscription{}, []subscription{}}
	for i := range subs {
		if row := subscriptionOf(&subs[i], id); state == "" || row.State == state {
			answer.Items = append(answer.Items, row)
		}
	}
	for i := range mutes {
		answer.Mutes = append(answer.Mutes, subscription{Subscriber: id, Target: mutes[i].Target, Mute: true})
	}
	web.WriteJSON(c.w, http.StatusOK, answer)
	return nil
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

func (a *API) getSubscription(c *call) error {
	s, owner, err := a.oneSubscription(c)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, subscriptionOf(&s, owner))
	return nil
}

// patchSubscription sets cadence and depth of a subscription that has not
// ended.
func (a *API) patchSubscription(c *call) error {
	var in struct {
		Schedule string           `json:"schedule"`
		Depth    dispatcher.Depth `json:"depth"`
	}
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return err
	}
	s, owner, err := a.oneSubscription(c)
	if err != nil {
		return err
	}
	if !s.EndedAt.IsZero() {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the subscription has ended", Mend: "POST /v1/subscriptions makes it anew"}
	}
	set := dispatcher.EventSubscription{Subscriber: owner, Target: s.Target, Schedule: in.Schedule}
	if in.Depth != "" {
		set.Target.Depth = in.Depth
	}
	if s, _, err = a.o.Desk.Subscribe(c.context(), c.site, c.caller(), set); err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, subscriptionOf(&s, owner))
	return nil
}

// deleteSubscription ends a subscription in the site's name.
func (a *API) deleteSubscription(c *call) error {
	s, owner, err := a.oneSubscription(c)
	if err != nil {
		return err
	}
	return a.end(c, dispatcher.EventSubscription{Subscriber: owner, Target: s.Target})
}

// deleteByTarget ends a subscription, or lifts a mute, that is named by its
// subscriber and target.
func (a *API) deleteByTarget(c *call) error {
	if err := c.checkQuery("subscriber", "type", "id", "mute"); err != nil {
		return err
	}
	in := dispatcher.EventSubscription{Subscriber: c.query("subscriber"),
		Target: dispatcher.Target{Type: dispatcher.TargetType(c.query("type")), ID: c.query("id")}}
	if in.Subscriber == "" {
		return dispatcher.Invalid("subscriber", "add ?subscriber=…&type=…&id=…, or name the subscription by its number in the path", "is missing")
	}
	switch c.query("mute") {
	case "", "false":
	case "true":
		in.Mute = true
	default:
		return dispatcher.Invalid("mute", "use true or false", "%q is neither", c.query("mute"))
	}
	return a.end(c, in)
}

func (a *API) end(c *call, in dispatcher.EventSubscription) error {
	if err := a.o.Desk.Unsubscribe(c.context(), c.site, in); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
