package storetest

import (
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func settleTests() []test {
	return []test{
		{"a publication gets its position when it has settled", func(e *env) {
			r := e.take(e.published("a", "t", ""))
			equal(e, "next", r.Next, e.clock.Now().Add(settle))
			e.clock.Advance(settle - time.Microsecond)
			equal(e, "settled too early", e.intake().Settled, 0)
			e.clock.Advance(time.Microsecond)
			r = e.intake()
			equal(e, "settled", r.Settled, 1)
			equal(e, "head", r.Head, 1)
			equal(e, "next when none waits", r.Next, time.Time{})
		}},
		{"an event of the past settles on arrival", func(e *env) {
			r := e.take(e.published("a", "t", "", at(e.clock.Now().Add(-time.Hour))))
			equal(e, "settled", r.Settled, 1)
		}},
		{"an event of the future settles after its arrival", func(e *env) {
			e.take(e.published("a", "t", "", at(e.clock.Now().Add(time.Hour))))
			e.clock.Advance(settle)
			equal(e, "settled", e.intake().Settled, 1)
		}},
		{"an edit does not start the wait anew", func(e *env) {
			e.take(e.published("a", "t", ""))
			e.clock.Advance(settle - time.Second)
			e.take(e.event(dispatcher.CommentEdited, comment("a", "t", ""), html("edited")))
			e.clock.Advance(time.Second)
			equal(e, "settled", e.intake().Settled, 1)
			equal(e, "entries", len(e.log()), 1)
		}},
		{"what is removed before it settled never gets a position", func(e *env) {
			e.take(e.published("a", "t", ""))
			e.clock.Advance(time.Minute)
			e.take(e.event(dispatcher.CommentRemoved, comment("a", "", "")))
			e.clock.Advance(time.Hour)
			equal(e, "settled", e.intake().Settled, 0)
			e.settled(e.published("a", "t", ""))
			en := e.entry("a")
			equal(e, "first position after it came back", en.First, en.Position)
		}},
		{"what shall notify nobody gets no position", func(e *env) {
			e.settled(e.published("a", "t", "", func(ev *dispatcher.Event) { ev.Notify = ptr(false) }))
			equal(e, "entries", len(e.log()), 0)
			equal(e, "state", e.known("a").State, dispatcher.Visible)
		}},
		{"what was written long ago is recorded and not mailed", func(e *env) {
			old := func(ev *dispatcher.Event) { ev.Comment.WrittenAt = e.clock.Now().Add(-maxAge - time.Second) }
			fresh := func(ev *dispatcher.Event) { ev.Comment.WrittenAt = e.clock.Now().Add(-maxAge) }
			r := e.take(e.published("old", "t", "", old), e.published("fresh", "t", "", fresh))
			equal(e, "too old", r.TooOld, 1)
			e.clock.Advance(settle)
			e.intake()
			same(e, "log", e.log(), []string{"fresh"})
			equal(e, "state of the old one", e.known("old").State, dispatcher.Visible)
		}},
		{"a child waits for its parent, at most a minute beyond settling", func(e *env) {
			e.take(e.published("child", "t", "parent"))
			e.clock.Advance(settle)
			equal(e, "settled alone", e.intake().Settled, 0)
			e.clock.Advance(dispatcher.ParentWait)
			equal(e, "settled after the wait", e.intake().Settled, 1)
			equal(e, "parent", e.known("child").Parent, 0)
		}},
		{"a parent that arrives ends the wait and stands in the path", func(e *env) {
			e.reader("ann", func(in *dispatcher.EventSubscriber) { in.AuthorIDs = &[]string{"u1"} })
			e.follow("ann", "replies:direct", "")
			e.take(e.published("child", "t", "parent"))
			e.clock.Advance(time.Second)
			e.take(e.published("parent", "t", "", author("u1")))
			equal(e, "parent", e.known("child").Parent, e.known("parent").ID)
			e.clock.Advance(settle - time.Second)
			equal(e, "settled", e.intake().Settled, 1)
			e.now()
			sub, err := e.s.Subscriber(e.ctx, "blog", "ann")
			e.ok(err)
			same(e, "mails", e.mails(sub.ID), []string{"reply child"})
		}},
		{"a child before its parent in one batch waits for nothing", func(e *env) {
			e.take(e.published("child", "t", "parent"), e.published("parent", "t", ""))
			e.clock.Advance(settle)
			equal(e, "settled", e.intake().Settled, 2)
			equal(e, "parent", e.known("child").Parent, e.known("parent").ID)
		}},
		{"a circle of parents ends", func(e *env) {
			e.take(e.published("a", "t", "b"), e.published("b", "t", "a"))
			e.clock.Advance(settle)
			equal(e, "settled", e.intake().Settled, 2)
		}},
		{"positions follow the order in which publications settle", func(e *env) {
			t0 := e.clock.Now()
			e.take(e.published("late", "t", "", at(t0)), e.published("early", "t", "", at(t0.Add(-time.Minute))))
			e.clock.Advance(settle)
			e.intake()
			same(e, "log", e.log(), []string{"early", "late"})
		}},
		{"a limit leaves the rest for the next round", func(e *env) {
			for i := range 10 {
				e.append(e.published(fmt.Sprint("c", i), "t", "", at(e.clock.Now().Add(-time.Hour))))
			}
			r, err := e.s.Intake(e.ctx, rules(), 4)
			e.ok(err)
			equal(e, "taken", r.Taken, 4)
			equal(e, "settled", r.Settled, 4)
			e.intake()
			equal(e, "entries", len(e.log()), 10)
		}},
		{"the settling time is the site's and the door's", func(e *env) {
			o := rules()
			o.Settle = func(site string, door store.Door) time.Duration {
				if site == "blog" && door.Source() == "wp" {
					return 15 * time.Minute
				}
				return 0
			}
			for _, door := range []store.Door{"source:wp", "api"} {
				_, err := e.s.Append(e.ctx, "blog", door, []dispatcher.Event{e.published(string(door), "t", "")})
				e.ok(err)
			}
			r, err := e.s.Intake(e.ctx, o, 100)
			e.ok(err)
			equal(e, "settled at once", r.Settled, 1)
			equal(e, "next", r.Next, e.clock.Now().Add(15*time.Minute))
		}},
	}
}
