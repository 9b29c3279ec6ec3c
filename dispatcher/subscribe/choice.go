package subscribe

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/token"
)

// Listed is a live subscription with what is known about its target.
type Listed struct {
	dispatcher.Subscription
	Comment dispatcher.Comment // of comment and author targets; zero when unknown
	Thread  dispatcher.Thread  // of thread and comment targets; zero when unknown
}

// Muted is a mute with what is known about its target.
type Muted struct {
	dispatcher.Mute
	Comment dispatcher.Comment
	Thread  dispatcher.Thread
}

// Live lists the reader's subscriptions that have not ended, pending ones
// included.
func (d *Desk) Live(ctx context.Context, v Visit) ([]Listed, error) {
	all, err := d.store.Subscriptions(ctx, v.Reader.ID)
	if err != nil {
		return nil, fmt.Errorf("list subscriptions: %w", err)
	}
	return d.Describe(ctx, v, all)
}

// Describe adds to those of the subscriptions that have not ended what is
// known about their targets.
func (d *Desk) Describe(ctx context.Context, v Visit, subs []dispatcher.Subscription) ([]Listed, error) {
	var out []Listed
	for i := range subs {
		if !subs[i].EndedAt.IsZero() {
			continue
		}
		c, th, err := d.lookup.Describe(ctx, v.Site.Key, subs[i].Target)
		if err != nil {
			return nil, fmt.Errorf("describe a target: %w", err)
		}
		out = append(out, Listed{subs[i], c, th})
	}
	return out, nil
}

// Mutes lists what the reader has muted.
func (d *Desk) Mutes(ctx context.Context, v Visit) ([]Muted, error) {
	all, err := d.store.Mutes(ctx, v.Reader.ID)
	if err != nil {
		return nil, fmt.Errorf("list mutes: %w", err)
	}
	var out []Muted
	for i := range all {
		c, th, err := d.lookup.Describe(ctx, v.Site.Key, all[i].Target)
		if err != nil {
			return nil, fmt.Errorf("describe a mute: %w", err)
		}
		out = append(out, Muted{all[i], c, th})
	}
	return out, nil
}

// MuteTarget gives what the visit's mute link is about. A thread or an author
// that is gone is not found.
func (d *Desk) MuteTarget(ctx context.Context, v Visit) (Muted, error) {
	m := Muted{Mute: dispatcher.Mute{Subscriber: v.Reader.ID}}
	switch v.Claims.Scope {
	case token.MuteThread:
		th, err := d.lookup.ThreadByNumber(ctx, v.Claims.Ref)
		if err != nil {
			return m, fmt.Errorf("look up the thread of a link: %w", err)
		}
		m.Thread, m.Target = th, dispatcher.Target{Type: dispatcher.TargetThread, ID: th.ExternalID}
		if th.Site != v.Site.Key {
			return m, dispatcher.NotFound("thread", th.ExternalID)
		}
	case token.MuteAuthor:
		comments, _, err := d.store.Content(ctx, []int64{v.Claims.Ref})
		if err != nil {
			return m, fmt.Errorf("look up the author of a link: %w", err)
		}
		c, ok := comments[v.Claims.Ref]
		if !ok || c.AuthorID == "" || c.Site != v.Site.Key {
			return m, dispatcher.NotFound("author", c.AuthorName)
		}
		m.Comment, m.Target = c, dispatcher.Target{Type: dispatcher.TargetAuthor, ID: c.AuthorID}
	default:
		return m, dispatcher.NotFound("mute link", v.Claims.Scope.String())
	}
	m.Key = dispatcher.TargetKey(v.Site.Key, m.Target)
	return m, nil
}

// Mute keeps the reader from hearing of a thread or an author, in queued mails
// too.
func (d *Desk) Mute(ctx context.Context, v Visit, t dispatcher.Target) error {
	id, err := v.siteID()
	if err != nil {
		return err
	}
	if _, _, err := d.store.SetSubscription(ctx, v.Site.Key, dispatcher.EventSubscription{Subscriber: id, Target: t, Mute: true}, false); err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	return nil
}

// Unmute lifts a mute.
func (d *Desk) Unmute(ctx context.Context, v Visit, t dispatcher.Target) error {
	id, err := v.siteID()
	if err != nil {
		return err
	}
	if err := d.store.EndSubscription(ctx, v.Site.Key, dispatcher.EventSubscription{Subscriber: id, Target: t, Mute: true}, dispatcher.EndedByReader); err != nil {
		return fmt.Errorf("unmute: %w", err)
	}
	return nil
}

// MaxPause is how far ahead a reader may pause: longer than that, leaving is
// the honest choice.
const MaxPause = 366 * 24 * time.Hour

// Choice is what a reader sets for themselves. Nil fields stay.
type Choice struct {
	Schedule    *string // default cadence, "" for the site's
	Zone        *string // IANA name, "" for the site's
	QuietHours  *string // "22:00-07:00", "" for none
	Locale      *string // language of mails and pages, "" for the site's
	PausedUntil *time.Time
}

// Choose sets what the reader chose and gives the visit as it is then.
func (d *Desk) Choose(ctx context.Context, v Visit, c Choice) (Visit, error) {
	id, err := v.siteID()
	if err != nil {
		return v, err
	}
	in := dispatcher.EventSubscriber{ID: id, Schedule: c.Schedule, Zone: c.Zone, QuietHours: c.QuietHours, Locale: c.Locale}
	if c.Zone != nil && *c.Zone != "" {
		if _, err := schedule.LoadZone(*c.Zone); err != nil {
			return v, err
		}
	}
	if c.PausedUntil != nil {
		text := ""
		if until := c.PausedUntil.UTC(); !c.PausedUntil.IsZero() {
			now := d.clock.Now()
			switch {
			case !until.After(now):
				return v, dispatcher.Invalid("paused_until", "choose a later day", "%s has passed", until.Format(time.DateOnly))
			case until.After(now.Add(MaxPause)):
				return v, dispatcher.Invalid("paused_until", "choose a day within a year", "%s is too far away", until.Format(time.DateOnly))
			}
			text = until.Format(time.RFC3339)
		}
		in.PausedTill = &text
	}
	if v.Reader, _, err = d.store.SetSubscriber(ctx, v.Site.Key, in, false); err != nil {
		return v, fmt.Errorf("set a reader's choice: %w", err)
	}
	return v, nil
}

// Cadence puts live subscriptions of the reader on a schedule.
func (d *Desk) Cadence(ctx context.Context, v Visit, subs []dispatcher.Subscription, name string) error {
	id, err := v.siteID()
	if err != nil {
		return err
	}
	for i := range subs {
		if !subs[i].EndedAt.IsZero() || subs[i].Schedule == name {
			continue
		}
		in := dispatcher.EventSubscription{Subscriber: id, Target: subs[i].Target, Schedule: name}
		if _, _, err := d.store.SetSubscription(ctx, v.Site.Key, in, false); err != nil {
			return fmt.Errorf("set a cadence: %w", err)
		}
	}
	return nil
}
