// Package storetest is the conformance suite of the store: what DESIGN
// promises of each database, told as tests that any of them must pass. It
// speaks to the store by its exported methods alone, as the stages do.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Open makes an empty, migrated store that is closed when the test ends.
type Open func(testing.TB, dispatcher.Clock, []dispatcher.Site) *store.Store

// Run runs the suite on the stores that open makes. The tests run one after
// the other, each on a store of its own.
func Run(t *testing.T, open Open) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"inbox", inboxTests()},
		{"intake", intakeTests()},
		{"settle", settleTests()},
		{"subscriber", subscriberTests()},
		{"subscription", subscriptionTests()},
		{"signup", signUpTests()},
		{"upsert", upsertTests()},
		{"schedule", scheduleTests()},
		{"slot", slotTests()},
		{"hold", holdTests()},
		{"message", messageTests()},
		{"recheck", recheckTests()},
		{"lease", leaseTests()},
		{"source", sourceTests()},
		{"template", templateTests()},
		{"key", keyTests()},
		{"idempotency", idempotencyTests()},
		{"guard", guardTests()},
		{"notice", noticeTests()},
		{"caught", caughtTests()},
		{"admin", adminTests()},
		{"audit", auditTests()},
		{"tally", tallyTests()},
		{"explain", explainTests()},
		{"purge", purgeTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) { test.run(newEnv(t, open)) })
			}
		})
	}
}

type test struct {
	name string
	run  func(*env)
}

// Clock is a clock that stands until it is moved. It is safe for concurrent
// use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

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

// Start is where a test's clock begins: noon of a summer's day.
func Start() time.Time { return time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC) }

// Sites are the sites of the suite.
func Sites() []dispatcher.Site {
	return []dispatcher.Site{
		{Key: "blog", Name: "The Blog", BaseURL: "https://blog.example", From: "Blog <blog@blog.example>", Locale: "en", Zone: "Europe/Berlin"},
		{Key: "shop", Name: "The Shop", BaseURL: "https://shop.example", From: "Shop <shop@shop.example>", Locale: "en", Zone: "UTC", Schedule: "daily"},
	}
}

const (
	settle = 2 * time.Minute
	maxAge = 14 * 24 * time.Hour
)

// env is one test with its store.
type env struct {
	testing.TB
	ctx   context.Context
	s     *store.Store
	clock *Clock
	ids   int // events made so far
}

func newEnv(t *testing.T, open Open) *env {
	c := NewClock(Start())
	e := &env{TB: t, ctx: t.Context(), clock: c, s: open(t, c.Now, Sites())}
	e.schedule("daily", dispatcher.ZoneSubscriber)
	return e
}

func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatalf("unexpected error: %v", err)
	}
}

// code asks for an error of a code.
func (e *env) code(err error, want dispatcher.Code) {
	e.Helper()
	if err == nil || dispatcher.CodeOf(err) != want {
		e.Fatalf("got error %v, want one with code %s", err, want)
	}
}

func equal[T comparable](e *env, what string, got, want T) {
	e.Helper()
	if got != want {
		e.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func same[T comparable](e *env, what string, got, want []T) {
	e.Helper()
	if !slices.Equal(got, want) {
		e.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// rules are the intake rules of the suite.
func rules() store.IntakeOptions {
	return store.IntakeOptions{
		Settle: func(string, store.Door) time.Duration { return settle },
		MaxAge: func(string, store.Door) time.Duration { return maxAge },
	}
}

// event makes an event of the blog that happens now, with an id of its own.
func (e *env) event(typ dispatcher.EventType, mods ...func(*dispatcher.Event)) dispatcher.Event {
	e.ids++
	ev := dispatcher.Event{ID: fmt.Sprintf("e%d", e.ids), Type: typ, Time: e.clock.Now()}
	for _, m := range mods {
		m(&ev)
	}
	return ev
}

// comment names the comment of an event, its thread and its parent.
func comment(id, thread, parent string) func(*dispatcher.Event) {
	return func(ev *dispatcher.Event) {
		ev.Comment = &dispatcher.EventComment{ID: id, ParentID: parent}
		if ev.Type != dispatcher.CommentRemoved {
			ev.Comment.HTML = "<p>the words of " + id + "</p>"
		}
		if thread != "" {
			ev.Thread = &dispatcher.EventThread{ID: thread, URL: "https://blog.example/" + thread, Title: "Thread " + thread}
		}
	}
}

func html(s string) func(*dispatcher.Event) {
	return func(ev *dispatcher.Event) { ev.Comment.HTML = s }
}

func author(id string) func(*dispatcher.Event) {
	return func(ev *dispatcher.Event) {
		ev.Author = &dispatcher.EventAuthor{ID: id, Name: "Name of " + id}
	}
}

func at(t time.Time) func(*dispatcher.Event) {
	return func(ev *dispatcher.Event) { ev.Time = t }
}

// published is a new comment in a thread.
func (e *env) published(id, thread, parent string, mods ...func(*dispatcher.Event)) dispatcher.Event {
	return e.event(dispatcher.CommentPublished, append([]func(*dispatcher.Event){comment(id, thread, parent)}, mods...)...)
}

// append hands events in for the blog, all of which must be valid.
func (e *env) append(events ...dispatcher.Event) store.Receipt {
	e.Helper()
	for i := range events {
		e.ok(events[i].Validate())
	}
	r, err := e.s.Append(e.ctx, "blog", "api", events)
	e.ok(err)
	return r
}

// intake runs rounds until nothing is left to do now, and gives their sum.
func (e *env) intake() store.Intake {
	e.Helper()
	var sum store.Intake
	for {
		r, err := e.s.Intake(e.ctx, rules(), 100)
		e.ok(err)
		sum.Taken += r.Taken
		sum.Rejected += r.Rejected
		sum.Duplicates += r.Duplicates
		sum.Settled += r.Settled
		sum.TooOld += r.TooOld
		sum.Head, sum.Next = r.Head, r.Next
		if r.Taken == 0 && r.Settled == 0 {
			return sum
		}
	}
}

// take hands events in and takes them in.
func (e *env) take(events ...dispatcher.Event) store.Intake {
	e.Helper()
	e.append(events...)
	return e.intake()
}

// settled hands events in and waits until they have settled. It gives the
// log's head.
func (e *env) settled(events ...dispatcher.Event) int64 {
	e.Helper()
	e.take(events...)
	e.clock.Advance(settle)
	return e.intake().Head
}

// log gives the site's ids of the comments in the log, in its order.
func (e *env) log() []string {
	e.Helper()
	head, err := e.s.Head(e.ctx)
	e.ok(err)
	w, err := e.s.Window(e.ctx, 0, head)
	e.ok(err)
	var ids []string
	for i := range w.Len() {
		entry := w.Entry(i)
		equal(e, "position", entry.Position, int64(i+1))
		ids = append(ids, e.comment(entry.Comment).ExternalID)
	}
	return ids
}

// entry gives the newest entry of a comment in the log.
func (e *env) entry(id string) dispatcher.Entry {
	e.Helper()
	head, err := e.s.Head(e.ctx)
	e.ok(err)
	w, err := e.s.Window(e.ctx, 0, head)
	e.ok(err)
	for i := w.Len() - 1; i >= 0; i-- {
		if en := w.Entry(i); e.comment(en.Comment).ExternalID == id {
			return *en
		}
	}
	e.Fatalf("comment %s is not in the log", id)
	return dispatcher.Entry{}
}

// comment gives a comment by Hearback's number.
func (e *env) comment(id int64) dispatcher.Comment {
	e.Helper()
	cs, _, err := e.s.Content(e.ctx, []int64{id})
	e.ok(err)
	return cs[id]
}

// known gives a comment by the site's id, which must have been told of.
func (e *env) known(id string) dispatcher.Comment {
	e.Helper()
	ch, err := e.s.Changed(e.ctx, 0, 1000)
	e.ok(err)
	cs, _, err := e.s.Content(e.ctx, ch.Comments)
	e.ok(err)
	for _, c := range cs {
		if c.ExternalID == id {
			return c
		}
	}
	e.Fatalf("nobody told of comment %s", id)
	return dispatcher.Comment{}
}

// schedule makes a daily schedule at 08:00.
func (e *env) schedule(name, zone string, mods ...func(*dispatcher.Schedule)) {
	e.Helper()
	sc := dispatcher.Schedule{Name: name, Spec: "0 8 * * *", Zone: zone, Misfire: dispatcher.MisfireMerge, CatchUp: dispatcher.DefaultCatchUp, MaxItems: 50}
	for _, m := range mods {
		m(&sc)
	}
	_, err := e.s.PutSchedule(e.ctx, sc)
	e.ok(err)
}

func ptr[T any](v T) *T { return &v }

// reader makes a confirmed subscriber of the blog and gives their number.
func (e *env) reader(id string, mods ...func(*dispatcher.EventSubscriber)) int64 {
	e.Helper()
	in := dispatcher.EventSubscriber{ID: id, Email: ptr(id + "@readers.example"), Confirmed: ptr(true)}
	for _, m := range mods {
		m(&in)
	}
	sub, _, err := e.s.SetSubscriber(e.ctx, "blog", in, true)
	e.ok(err)
	return sub.ID
}

// change changes fields of a subscriber.
func (e *env) change(id string, mod func(*dispatcher.EventSubscriber)) dispatcher.Subscriber {
	e.Helper()
	in := dispatcher.EventSubscriber{ID: id}
	mod(&in)
	sub, created, err := e.s.SetSubscriber(e.ctx, "blog", in, true)
	e.ok(err)
	equal(e, "created", created, false)
	return sub
}

func unconfirmed(in *dispatcher.EventSubscriber) { in.Confirmed = nil }

func target(s string) dispatcher.Target {
	typ, id, _ := strings.Cut(s, ":")
	t := dispatcher.Target{Type: dispatcher.TargetType(typ)}
	if t.Type == dispatcher.TargetReplies {
		t.Depth = dispatcher.Depth(id)
	} else {
		t.ID = id
	}
	return t
}

// follow subscribes a reader to a target such as "thread:t1" and gives the
// subscription.
func (e *env) follow(reader, what, schedule string) dispatcher.Subscription {
	e.Helper()
	sub, _, err := e.s.SetSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: reader, Target: target(what), Schedule: schedule}, false)
	e.ok(err)
	return sub
}

// mute makes a reader deaf to a thread or an author.
func (e *env) mute(reader, what string) {
	e.Helper()
	_, _, err := e.s.SetSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: reader, Target: target(what), Mute: true}, false)
	e.ok(err)
}

// fieldOf gives the field that an error names.
func fieldOf(err error) string {
	var d *dispatcher.Error
	if errors.As(err, &d) {
		return d.Field
	}
	return ""
}
