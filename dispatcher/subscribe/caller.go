package subscribe

import (
	"context"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Caller is a site's back end, or an admin, and what it may do.
type Caller struct {
	Vouch bool // may say that an address is confirmed
}

// checkConsent refuses a consent that cannot be one. Without the check a back
// end could bring one consent dated years ahead and renew for ever.
func (d *Desk) checkConsent(c *dispatcher.Consent) error {
	switch {
	case c == nil:
		return nil
	case c.Source == "":
		return dispatcher.Invalid("consent.source", `say where the reader agreed, for example "sign-up form"`, "is missing")
	case len(c.Source) > dispatcher.MaxTitle:
		return dispatcher.Invalid("consent.source", "shorten it", "is too long")
	case c.Time.IsZero():
		return dispatcher.Invalid("consent.time", "give the time at which the reader agreed, as RFC 3339", "is missing")
	case c.Time.After(d.clock.Now().Add(dispatcher.ConsentSlack)):
		return dispatcher.Invalid("consent.time", "give the time at which the reader agreed", "%s lies in the future", c.Time.Format(time.RFC3339))
	}
	return nil
}

// SetSubscriber makes or changes a subscriber by the site's own id; nil fields
// stay. A changed address must be confirmed again. created says that the
// address is new to the site.
func (d *Desk) SetSubscriber(ctx context.Context, site string, c Caller, in dispatcher.EventSubscriber) (sub dispatcher.Subscriber, created bool, err error) {
	if err := d.checkConsent(in.Consent); err != nil {
		return sub, false, err
	}
	return d.store.SetSubscriber(ctx, site, in, c.Vouch)
}

// Subscribe makes a subscription or a mute, or changes the one that exists;
// created is false then. What the reader has ended is a
// [dispatcher.CodeEnded] error unless a later consent of theirs is brought.
func (d *Desk) Subscribe(ctx context.Context, site string, c Caller, in dispatcher.EventSubscription) (sub dispatcher.Subscription, created bool, err error) {
	if err := d.checkConsent(in.Consent); err != nil {
		return sub, false, err
	}
	return d.store.SetSubscription(ctx, site, in, c.Vouch)
}

// Unsubscribe ends a subscription, or lifts a mute, in the site's name: the
// site may renew it.
func (d *Desk) Unsubscribe(ctx context.Context, site string, in dispatcher.EventSubscription) error {
	return d.store.EndSubscription(ctx, site, in, dispatcher.EndedBySite)
}
