// Package subscribetest sets up what tests of the doors need: a real SQLite
// database, two sites, a clock that tests move, and readers who really got
// mails. It is not part of the program.
package subscribetest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/token"
)

// Clock is a clock that tests move. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Fixture is one database with all that stands on it.
type Fixture struct {
	TB     testing.TB
	Clock  *Clock
	Store  *store.Store
	Signer *token.Signer
	Desk   *subscribe.Desk
	Sites  []dispatcher.Site
	events int
}

// Open makes a fixture with the sites "blog" (English) and "shop" (German) and
// the schedules daily and weekly. It ends with the test.
func Open(tb testing.TB) *Fixture {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "hearback.db")
	f := &Fixture{TB: tb, Clock: &Clock{now: time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)}}
	f.Sites = []dispatcher.Site{
		{Key: "blog", Name: "Kleine Werkbank", BaseURL: "https://blog.example", From: "Kleine Werkbank <post@blog.example>", Locale: "en", Zone: "Europe/Berlin", Schedule: dispatcher.Immediate},
		{Key: "shop", Name: "Der Laden", BaseURL: "https://shop.example", From: "Der Laden <post@shop.example>", Locale: "de", Zone: "Europe/Berlin", Schedule: "daily"},
	}
	ctx := f.Context()
	s, err := store.Open(ctx, store.Options{URL: "sqlite://" + path, Clock: f.Clock.Now, Sites: f.Sites})
	f.Must(err)
	tb.Cleanup(func() { f.Must(s.Close()) })
	_, err = s.Migrate(ctx)
	f.Must(err)
	f.Store = s
	for name, spec := range map[string]string{"daily": "0 8 * * *", "weekly": "0 8 * * 1"} {
		_, err := s.PutSchedule(ctx, dispatcher.Schedule{Name: name, Spec: spec, Zone: dispatcher.ZoneSite, Misfire: dispatcher.MisfireMerge, CatchUp: dispatcher.DefaultCatchUp, MaxItems: 50})
		f.Must(err)
	}
	keys, err := token.ParseKeys("0123456789abcdef0123456789abcdef0123456789abcdef")
	f.Must(err)
	f.Signer = token.NewSigner(keys)
	f.Desk = subscribe.New(subscribe.Options{Store: s, Lookup: s, Signer: f.Signer, Clock: f.Clock.Now})
	return f
}

// Context gives the test's context.
func (f *Fixture) Context() context.Context { return f.TB.Context() }

// Must ends the test on an error.
func (f *Fixture) Must(err error) {
	f.TB.Helper()
	if err != nil {
		f.TB.Fatal(err)
	}
}

// Reader makes a confirmed subscriber who follows the targets.
func (f *Fixture) Reader(site, id string, targets ...dispatcher.Target) dispatcher.Subscriber {
	f.TB.Helper()
	email, yes := id+"@example.org", true
	sub, _, err := f.Store.SetSubscriber(f.Context(), site, dispatcher.EventSubscriber{ID: id, Email: &email, Confirmed: &yes}, true)
	f.Must(err)
	for _, t := range targets {
		f.Follow(site, id, t, "")
	}
	return sub
}

// Follow subscribes a reader to a target.
func (f *Fixture) Follow(site, id string, t dispatcher.Target, schedule string) dispatcher.Subscription {
	f.TB.Helper()
	sub, _, err := f.Store.SetSubscription(f.Context(), site, dispatcher.EventSubscription{Subscriber: id, Target: t, Schedule: schedule}, true)
	f.Must(err)
	return sub
}

// Thread is the target of a thread.
func Thread(id string) dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetThread, ID: id}
}

// Author is the target of an author.
func Author(id string) dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetAuthor, ID: id}
}

// Publish tells of comments, each as "thread/comment/author", and settles them.
func (f *Fixture) Publish(site string, comments ...[3]string) {
	f.TB.Helper()
	var events []dispatcher.Event
	for _, c := range comments {
		f.events++
		events = append(events, dispatcher.Event{ID: fmt.Sprintf("e%d", f.events), Type: dispatcher.CommentPublished, Time: f.Clock.Now(),
			Thread:  &dispatcher.EventThread{ID: c[0], URL: "https://" + site + ".example/" + c[0], Title: "On " + c[0]},
			Comment: &dispatcher.EventComment{ID: c[1], Text: "Words of " + c[1]},
			Author:  &dispatcher.EventAuthor{ID: c[2], Name: "Name of " + c[2]}})
	}
	r, err := f.Store.Append(f.Context(), site, "api", events)
	f.Must(err)
	if r.Accepted != len(comments) {
		f.TB.Fatalf("the inbox took %+v of %d", r, len(comments))
	}
	f.Intake()
}

// Intake moves what waits in the inbox into the log, without settling time.
func (f *Fixture) Intake() {
	f.TB.Helper()
	rules := store.IntakeOptions{
		Settle: func(string, store.Door) time.Duration { return 0 },
		MaxAge: func(string, store.Door) time.Duration { return 14 * 24 * time.Hour },
	}
	f.Clock.Advance(time.Second)
	_, err := f.Store.Intake(f.Context(), rules, 1000)
	f.Must(err)
}

// Fire opens a slot of each of a schedule's chains now and goes through it.
func (f *Fixture) Fire(schedule string) {
	f.TB.Helper()
	ctx := f.Context()
	f.Clock.Advance(time.Minute)
	chains, err := f.Store.Chains(ctx)
	f.Must(err)
	for _, c := range chains {
		if c.Schedule.Name == schedule {
			_, err := f.Store.OpenSlot(ctx, c, f.Clock.Now(), 0)
			f.Must(err)
		}
	}
	for {
		w, err := f.Store.ClaimSlot(ctx, "test", time.Minute)
		f.Must(err)
		if w == nil {
			return
		}
		low, err := f.Store.LowestHold(ctx, &w.Slot)
		f.Must(err)
		win, err := f.Store.Window(ctx, low, w.Slot.Upto)
		f.Must(err)
		for done := false; !done; {
			res, err := f.Store.Slice(ctx, w, store.SliceOptions{Limit: 100, TTL: time.Minute, Limits: dispatcher.DefaultLimits(), Low: low}, win,
				func(string, string) *time.Location { return time.UTC })
			f.Must(err)
			done = res.Done
		}
	}
}

// Mail gives the newest mail with comments of a reader.
func (f *Fixture) Mail(sub dispatcher.Subscriber) dispatcher.Message {
	f.TB.Helper()
	ms, err := f.Store.Messages(f.Context(), store.MessageFilter{Subscriber: sub.ID, Limit: 10})
	f.Must(err)
	for _, m := range ms {
		if len(m.Items) > 0 {
			return m
		}
	}
	f.TB.Fatalf("reader %d got no mail", sub.ID)
	return dispatcher.Message{}
}

// Token signs a link for a reader.
func (f *Fixture) Token(sub dispatcher.Subscriber, scope token.Scope, ref int64) string {
	return f.Signer.Sign(token.New(scope, &sub, ref, f.Clock.Now()))
}

// Live lists the targets that a reader follows still, as "type:id@schedule".
func (f *Fixture) Live(sub dispatcher.Subscriber) []string {
	f.TB.Helper()
	all, err := f.Store.Subscriptions(f.Context(), sub.ID)
	f.Must(err)
	live := []string{}
	for _, s := range all {
		if s.EndedAt.IsZero() {
			live = append(live, fmt.Sprintf("%s:%s@%s", s.Target.Type, s.Target.ID, s.Schedule))
		}
	}
	return live
}
