package storetest

import (
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func holdTests() []test {
	return []test{
		{"a paused reader gets one mail at the end of the pause", func(e *env) {
			until := e.clock.Now().Add(time.Hour)
			ann := e.reader("ann", func(in *dispatcher.EventSubscriber) { in.PausedTill = ptr(until.Format(time.RFC3339)) })
			e.follow("ann", "thread:t", "")
			for _, id := range []string{"a", "b"} {
				e.settled(e.published(id, "t", ""))
				e.now()
			}
			equal(e, "woken early", e.wake(dispatcher.Immediate, ""), false)
			e.clock.Advance(time.Hour)
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			equal(e, "woken again", e.wake(dispatcher.Immediate, ""), false)
			same(e, "mails", e.mails(ann), []string{"reply a b"})
		}},
		{"a pause that is taken back wakes at once", func(e *env) {
			until := e.clock.Now().Add(1000 * time.Hour)
			ann := e.reader("ann", func(in *dispatcher.EventSubscriber) { in.PausedTill = ptr(until.Format(time.RFC3339)) })
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""))
			e.now()
			e.change("ann", func(in *dispatcher.EventSubscriber) { in.PausedTill = ptr("") })
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			same(e, "mails", e.mails(ann), []string{"reply a"})
		}},
		{"a pause that is made shorter ends when it says", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""))
			e.now()
			pause := func(d time.Duration) {
				until := e.clock.Now().Add(d)
				e.change("ann", func(in *dispatcher.EventSubscriber) { in.PausedTill = ptr(until.Format(time.RFC3339)) })
			}
			pause(1000 * time.Hour)
			w, ms := e.claim() // a mail that was made before waits too
			_, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateDue, DueAt: e.clock.Now().Add(1000 * time.Hour), Why: "paused"}})
			e.ok(err)
			e.settled(e.published("b", "t", ""))
			e.now()
			pause(2 * time.Hour)
			e.clock.Advance(2*time.Hour - time.Second)
			equal(e, "woken early", e.wake(dispatcher.Immediate, ""), false)
			_, ms = e.claim()
			equal(e, "claimed early", len(ms), 0)
			e.clock.Advance(time.Second)
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			same(e, "mails", e.mails(ann), []string{"reply a", "reply b"})
			_, ms = e.claim()
			equal(e, "claimed", len(ms), 2)
		}},
		{"a digest below the minimum is held until it is reached", func(e *env) {
			e.schedule("batch", "UTC", func(s *dispatcher.Schedule) { s.MinItems = 3 })
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "batch")
			for _, id := range []string{"a", "b", "c"} {
				e.settled(e.published(id, "t", ""))
				e.fire("batch", "UTC")
			}
			same(e, "mails", e.mails(ann), []string{"digest a b c"})
		}},
		{"a digest below the minimum waits at most a week", func(e *env) {
			e.schedule("batch", "UTC", func(s *dispatcher.Schedule) { s.MinItems = 3 })
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "batch")
			e.settled(e.published("a", "t", ""))
			e.fire("batch", "UTC")
			e.clock.Advance(dispatcher.MinimumHold - time.Second)
			equal(e, "woken early", e.wake("batch", "UTC"), false)
			e.clock.Advance(time.Second)
			equal(e, "woken", e.wake("batch", "UTC"), true)
			same(e, "mails", e.mails(ann), []string{"digest a"})
		}},
		{"a storm in one thread is held and goes out as one mail", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "site:", "")
			var want []string
			for i := range 8 {
				id := fmt.Sprint("c", i)
				e.settled(e.published(id, "hot", ""))
				e.now()
				if i < 5 {
					want = append(want, "reply "+id)
				}
			}
			same(e, "mails in the storm", e.mails(ann), want)
			e.settled(e.published("calm", "other", ""))
			e.now()
			want = append(want, "reply calm")
			same(e, "mails of another thread", e.mails(ann), want)
			e.clock.Advance(time.Hour)
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			same(e, "mails", e.mails(ann), append(want, "reply c5 c6 c7"))
		}},
		{"a storm's hold outlives quiet hours that begin in it", func(e *env) {
			ann := e.reader("ann", func(in *dispatcher.EventSubscriber) { in.Zone = ptr("UTC") })
			e.follow("ann", "thread:hot", "")
			for i := range 7 {
				e.settled(e.published(fmt.Sprint("c", i), "hot", ""))
				e.now()
			}
			from := e.clock.Now()
			e.change("ann", func(in *dispatcher.EventSubscriber) {
				in.QuietHours = ptr(from.Format("15:04") + "-" + from.Add(2*time.Hour).Format("15:04"))
			})
			e.settled(e.published("c7", "hot", ""))
			e.now()
			e.clock.Advance(2 * time.Hour)
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			got := e.mails(ann)
			equal(e, "last mail", got[len(got)-1], "reply c5 c6 c7")
		}},
		{"above the daily cap all is held to the next morning", func(e *env) {
			ann := e.reader("ann", func(in *dispatcher.EventSubscriber) { in.Zone = ptr("UTC") })
			e.follow("ann", "site:", "")
			limit := dispatcher.DefaultLimits().DailyCap
			for i := range limit + 3 {
				e.append(e.published(fmt.Sprint("c", i), fmt.Sprint("t", i), "", at(e.clock.Now().Add(-time.Hour))))
			}
			e.intake()
			e.now()
			equal(e, "mails", len(e.mails(ann)), limit)
			e.clock.Advance(time.Date(2026, 6, 9, 8, 0, 0, 0, time.UTC).Sub(e.clock.Now()))
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			got := e.mails(ann)
			equal(e, "mails in the morning", len(got), limit+1)
			equal(e, "the morning's", got[limit], "digest c100 c101 c102")
		}},
		{"a hold of somebody who left comes due once and is gone", func(e *env) {
			until := e.clock.Now().Add(time.Hour)
			ann := e.reader("ann", func(in *dispatcher.EventSubscriber) { in.PausedTill = ptr(until.Format(time.RFC3339)) })
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""))
			e.now()
			_, err := e.s.End(e.ctx, ann, nil, true, "everything", dispatcher.EndedByReader)
			e.ok(err)
			e.clock.Advance(time.Hour)
			e.wake(dispatcher.Immediate, "")
			equal(e, "woken again", e.wake(dispatcher.Immediate, ""), false)
			same(e, "mails", e.mails(ann), []string{})
		}},
	}
}
