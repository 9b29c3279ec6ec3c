// Package subscribe is what readers and sites may do with subscriptions,
// whichever door they come by: the links in mails, the pages, the HTTP API,
// the command line.
//
// The story of leaving: a reader opens the link of a mail. [Desk.Open] turns
// the link's token into a [Visit], which says who is there and what the link
// is good for. [Desk.Leaving] names what that mail's click would end,
// [Desk.Leave] ends it, and [Desk.Undo] takes it back for thirty days. A site's
// back end comes as a [Caller] instead, who brings a right and not a token, and
// cannot renew what a reader has ended.
//
// Every use case may be repeated: ending what has ended, muting what is muted
// and confirming what is confirmed change nothing and are no errors.
package subscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

// Lookup answers what pages ask beyond the store's own use cases. What is not
// there is a not-found error where a number is asked for, and a zero value
// where a name is.
type Lookup interface {
	// ThreadByNumber gives a thread by Hearback's own number, as links carry it.
	ThreadByNumber(ctx context.Context, id int64) (dispatcher.Thread, error)
	// Describe gives what is known about a target: its thread, its comment, or
	// for an author any comment that carries their name.
	Describe(ctx context.Context, site string, t dispatcher.Target) (dispatcher.Comment, dispatcher.Thread, error)
	// LastEnd gives the newest act of ending after a time that was not undone;
	// act 0 says that there is none.
	LastEnd(ctx context.Context, subscriber int64, after time.Time) (act int64, at time.Time, err error)
}

// Options are what a [Desk] needs. All must be given.
type Options struct {
	Store  *store.Store
	Lookup Lookup
	Signer *token.Signer
	Clock  dispatcher.Clock
}

// Desk serves all doors. It is safe for concurrent use.
type Desk struct {
	store  *store.Store
	lookup Lookup
	signer *token.Signer
	clock  dispatcher.Clock
}

// New makes the desk.
func New(o Options) *Desk {
	return &Desk{store: o.Store, lookup: o.Lookup, signer: o.Signer, clock: o.Clock}
}

// Visit is a reader who came by a link.
type Visit struct {
	Claims token.Claims
	Reader dispatcher.Subscriber
	Site   dispatcher.Site
}

// Open checks a link's token for any of the scopes and gives the visit. A link
// that is refused is a [dispatcher.Error] about a [token.Reason]; one of an
// erased reader, or of a site that left the configuration, is not found. With
// an expired link the visit's claims are given too.
func (d *Desk) Open(ctx context.Context, text string, scopes ...token.Scope) (Visit, error) {
	var v Visit
	var err error
	for _, scope := range scopes {
		v.Claims, err = d.signer.Verify(text, scope, d.clock.Now())
		if !errors.Is(err, token.WrongScope) {
			break
		}
	}
	if err != nil {
		return v, err
	}
	if v.Reader, err = d.store.SubscriberByNumber(ctx, v.Claims.Subscriber); err != nil {
		return v, fmt.Errorf("look up the reader of a link: %w", err)
	}
	if err := v.Claims.Check(&v.Reader); err != nil {
		return v, err
	}
	v.Site, err = d.store.Site(v.Reader.Site)
	return v, err
}

// Link gives the token of a new link for the visit's reader.
func (d *Desk) Link(v Visit, scope token.Scope, ref int64) string {
	return d.signer.Sign(token.New(scope, &v.Reader, ref, d.clock.Now()))
}

// Now is the desk's time.
func (d *Desk) Now() time.Time { return d.clock.Now() }

// Confirm confirms the visit's address and what was asked for with it in the
// last seven days.
func (d *Desk) Confirm(ctx context.Context, v Visit) error {
	if err := d.store.Confirm(ctx, v.Reader.ID); err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	d.store.Hints().Hint(store.TopicMessage)
	return nil
}

// Schedules lists the cadences a reader may choose from, the built-in
// immediate one first.
func (d *Desk) Schedules(ctx context.Context) ([]dispatcher.Schedule, error) {
	all, err := d.store.Schedules(ctx)
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	for i := range all {
		if all[i].Name == dispatcher.Immediate {
			first := all[i]
			copy(all[1:i+1], all[:i])
			all[0] = first
			break
		}
	}
	return all, nil
}

// siteID gives the site's own id of the visit's reader, by which the store
// changes them.
func (v *Visit) siteID() (string, error) {
	if len(v.Reader.ExternalIDs) == 0 {
		return "", &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the site knows this reader by no id", Mend: "ask the site to end it"}
	}
	return v.Reader.ExternalIDs[0], nil
}
