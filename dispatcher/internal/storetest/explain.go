package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func explainTests() []test {
	// Each case follows thread t at once, unless it says otherwise.
	explain := func(verdict store.Answer, why, words string, f func(e *env, ann int64)) func(*env) {
		return func(e *env) {
			ann := e.reader("ann", func(in *dispatcher.EventSubscriber) { in.AuthorIDs = &[]string{"me"} })
			e.follow("ann", "thread:t", "")
			f(e, ann)
			x, err := e.s.Explain(e.ctx, "blog", "ann", "a")
			e.ok(err)
			equal(e, "verdict", x.Verdict, verdict)
			equal(e, "why", x.Why, why)
			if !strings.Contains(x.Sentence, words) || strings.Contains(x.Sentence, "%!") {
				e.Errorf("the sentence %q does not say %q", x.Sentence, words)
			}
			if _, err := json.Marshal(x); err != nil {
				e.Errorf("it is no JSON: %v", err)
			}
		}
	}
	publish := func(e *env) {
		e.settled(e.published("a", "t", "", author("u1")))
		e.now()
	}
	suppress := func(e *env) {
		e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: "blog", Address: "ann@readers.example", Reason: "bounce"}))
	}
	end := func(e *env) {
		e.ok(e.s.EndSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}, dispatcher.EndedByReader))
	}
	return []test{
		{"nobody told of the comment", explain(store.AnswerUnknown, "", "comment \"a\"", func(*env, int64) {})},
		{"it settles", explain(store.AnswerWillBe, store.WhySettling, "12:02", func(e *env, _ int64) { e.take(e.published("a", "t", "")) })},
		{"it settles and would not be sent", explain(store.AnswerNot, "muted", "muted", func(e *env, _ int64) {
			e.mute("ann", "thread:t")
			e.take(e.published("a", "t", ""))
		})},
		{"it was removed in time", explain(store.AnswerNot, store.WhyRemoved, "removed", func(e *env, _ int64) {
			e.take(e.published("a", "t", ""))
			e.take(e.event(dispatcher.CommentRemoved, comment("a", "", "")))
		})},
		{"it shall notify nobody", explain(store.AnswerNot, "notify_false", "asked", func(e *env, _ int64) {
			e.take(e.published("a", "t", "", func(ev *dispatcher.Event) { ev.Notify = ptr(false) }))
		})},
		{"it is too old", explain(store.AnswerNot, "too_old", "max_age", func(e *env, _ int64) {
			e.take(e.published("a", "t", "", func(ev *dispatcher.Event) { ev.Comment.WrittenAt = Start().Add(-2 * maxAge) }))
		})},
		{"a slot will come", explain(store.AnswerWillBe, store.WhySlot, "next slot", func(e *env, _ int64) {
			e.settled(e.published("a", "t", ""))
		})},
		{"a message waits", explain(store.AnswerWillBe, store.WhyQueued, "is due", func(e *env, _ int64) { publish(e) })},
		{"a message waits that will not pass the last look", explain(store.AnswerNot, "muted", "muted", func(e *env, _ int64) {
			publish(e)
			e.mute("ann", "thread:t")
		})},
		{"a message waits for a suppressed address", explain(store.AnswerNot, store.WhySuppressed, "suppression list", func(e *env, _ int64) {
			publish(e)
			suppress(e)
		})},
		{"the address is suppressed before any message is made", explain(store.AnswerNot, store.WhySuppressed, "suppression list", func(e *env, _ int64) {
			suppress(e)
			e.settled(e.published("a", "t", ""))
		})},
		{"a cancelled message says by which rule", explain(store.AnswerNot, store.WhyCancelled, "muted its thread", func(e *env, _ int64) {
			publish(e)
			e.mute("ann", "thread:t")
			w, ms := e.claim()
			_, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateCancelled, Why: "nothing_left"}})
			e.ok(err)
		})},
		{"it was sent", explain(store.AnswerSent, "", "was sent in message", func(e *env, _ int64) { publish(e); e.send() })},
		{"it failed", explain(store.AnswerNot, store.WhyFailed, "no such user", func(e *env, _ int64) {
			publish(e)
			w, ms := e.claim()
			_, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateFailed, Why: "refused",
				Attempt: &dispatcher.Attempt{Outcome: dispatcher.OutcomeFailed, Code: 550, Text: "no such user"}}})
			e.ok(err)
		})},
		{"its message was cancelled", explain(store.AnswerNot, store.WhyCancelled, "nothing_left", func(e *env, _ int64) {
			publish(e)
			w, ms := e.claim()
			_, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateCancelled, Why: "nothing_left"}})
			e.ok(err)
		})},
		{"it is held", explain(store.AnswerHeld, "pause", "paused", func(e *env, _ int64) {
			e.change("ann", func(in *dispatcher.EventSubscriber) {
				in.PausedTill = ptr(e.clock.Now().Add(time.Hour).Format(time.RFC3339))
			})
			publish(e)
		})},
		{"the reader left", explain(store.AnswerNot, "ended", "has ended", func(e *env, _ int64) { end(e); publish(e) })},
		{"the reader came later", explain(store.AnswerNot, "before_subscription", "before the reader subscribed", func(e *env, _ int64) {
			end(e)
			publish(e)
			e.clock.Advance(time.Second)
			_, _, err := e.s.SetSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t"),
				Consent: &dispatcher.Consent{Time: e.clock.Now(), Source: "form"}}, false)
			e.ok(err)
		})},
		{"nothing leads to it", explain(store.AnswerNot, "no_match", "no subscription", func(e *env, _ int64) {
			e.settled(e.published("a", "elsewhere", ""))
		})},
		{"it is the reader's own", explain(store.AnswerNot, "own_comment", "wrote it", func(e *env, _ int64) {
			e.settled(e.published("a", "t", "", author("me")))
			e.now()
		})},
		{"it was read on the site", explain(store.AnswerNot, "read_on_site", "read it", func(e *env, _ int64) {
			e.take(e.published("a", "t", ""))
			e.take(e.event(dispatcher.ThreadRead, func(ev *dispatcher.Event) { ev.Reader, ev.Thread = "ann", &dispatcher.EventThread{ID: "t"} }))
			e.clock.Advance(settle)
			e.intake()
			e.now()
		})},
		{"it was beyond the cap of its mail", explain(store.AnswerNot, store.WhyPassed, "so many", func(e *env, _ int64) {
			e.follow("ann", "thread:t", "daily")
			e.append(e.published("a", "t", "", at(e.clock.Now().Add(-time.Hour))))
			for i := range 50 {
				e.append(e.published(fmt.Sprint("c", i), "t", "", at(e.clock.Now().Add(-time.Minute*30))))
			}
			e.intake()
			e.fire("daily", "Europe/Berlin")
		})},
		{"nobody knows the reader", func(e *env) {
			x, err := e.s.Explain(e.ctx, "blog", "nobody", "a")
			e.ok(err)
			equal(e, "verdict", x.Verdict, store.AnswerNoReader)
			_, err = e.s.Explain(e.ctx, "nowhere", "nobody", "a")
			e.code(err, dispatcher.CodeNotFound)
		}},
		{"the details tell of subscriptions, mutes and messages", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.follow("ann", "author:u1", "daily")
			e.follow("ann", "thread:other", "")
			publish(e)
			e.send()
			e.mute("ann", "author:u1")
			x, err := e.s.Explain(e.ctx, "blog", "ann", "a")
			e.ok(err)
			equal(e, "subscriptions", len(x.Subscriptions), 2)
			reasons := []string{x.Subscriptions[0].Reason, x.Subscriptions[1].Reason}
			slices.Sort(reasons)
			same(e, "reasons", reasons, []string{"author", "thread"})
			equal(e, "mutes", len(x.Mutes), 1)
			equal(e, "messages", len(x.Messages), 1)
			equal(e, "server's words", x.Messages[0].LastWords, "2.0.0 queued")
			equal(e, "position", x.State.Position, 1)
		}},
	}
}

func purgeTests() []test {
	return []test{
		{"what at-most-once needs is kept, what is older goes", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""))
			e.now()
			e.send()
			e.ok(e.s.Enqueue(e.ctx, "blog", []byte("broken")))
			e.intake()
			purge := func() store.Purged {
				// One that asks for less than the ledger's time gets that.
				p, _, err := e.s.Purge(e.ctx, store.Retention{Log: time.Hour, Messages: time.Hour})
				e.ok(err)
				return p
			}
			equal(e, "purged at once", len(purge()), 0)
			e.clock.Advance(store.LeastRetention - time.Minute)
			p := purge()
			equal(e, "log", p["log"], 0)
			equal(e, "messages", p["messages"], 0)
			equal(e, "event ids", p["events"], 1)
			same(e, "mails", e.mails(ann), []string{"reply a"})
			e.clock.Advance(time.Hour)
			p = purge()
			equal(e, "log", p["log"], 1)
			equal(e, "messages", p["messages"], 1)
			equal(e, "slots", p["slots"], 1)
			e.clock.Advance(60 * 24 * time.Hour)
			equal(e, "rejected", purge()["rejected"], 1)
		}},
		{"what waits is not purged, nor what a hold reaches back to", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""))
			e.now() // waits to be sent
			bob := e.reader("bob", func(in *dispatcher.EventSubscriber) {
				in.PausedTill = ptr(Start().Add(100 * 24 * time.Hour).Format(time.RFC3339))
			})
			e.follow("bob", "thread:t", "")
			e.settled(e.published("b", "t", ""))
			e.now() // bob is held
			e.clock.Advance(2 * store.LeastRetention)
			p, more, err := e.s.Purge(e.ctx, store.Retention{Messages: store.LeastRetention})
			e.ok(err)
			equal(e, "more", more, false)
			equal(e, "log before the hold", p["log"], 1)
			equal(e, "messages", p["messages"], 0)
			e.clock.Advance(100 * 24 * time.Hour)
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			same(e, "mails after the pause", e.mails(bob), []string{"reply b"})
		}},
		{"it goes in small steps", func(e *env) {
			for i := range 700 {
				e.append(e.event(dispatcher.ThreadRemoved, func(ev *dispatcher.Event) { ev.Thread = &dispatcher.EventThread{ID: fmt.Sprint("t", i)} }))
			}
			e.clock.Advance(31 * 24 * time.Hour)
			p, more, err := e.s.Purge(e.ctx, store.Retention{})
			e.ok(err)
			equal(e, "more", more, true)
			equal(e, "event ids", p["events"], 500)
			p, more, err = e.s.Purge(e.ctx, store.Retention{})
			e.ok(err)
			equal(e, "more in the end", more, false)
			equal(e, "event ids in the end", p["events"], 200)
		}},
	}
}
