package storetest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func inboxTests() []test {
	return []test{
		{"an event is accepted once and a repeat is a duplicate", func(e *env) {
			ev := e.published("a", "t", "")
			equal(e, "accepted", e.append(ev).Accepted, 1)
			r := e.append(ev)
			equal(e, "accepted again", r.Accepted, 0)
			equal(e, "duplicates", r.Duplicates, 1)
			equal(e, "taken", e.intake().Taken, 1)
			equal(e, "duplicates after it was taken", e.append(ev).Duplicates, 1)
			equal(e, "taken in the end", e.intake().Taken, 0)
		}},
		{"an id with other content is refused as reused", func(e *env) {
			ev := e.published("a", "t", "")
			e.append(ev)
			ev.Comment = &dispatcher.EventComment{ID: "a", HTML: "other"}
			r := e.append(ev)
			equal(e, "rejected", len(r.Rejected), 1)
			e.code(r.Rejected[0].Err, dispatcher.CodeIDReused)
		}},
		{"one hand-in may hold an id twice", func(e *env) {
			a, b := e.published("a", "t", ""), e.published("b", "t", "")
			changed := a
			changed.Comment = &dispatcher.EventComment{ID: "a", HTML: "other"}
			r := e.append(a, b, a, changed)
			equal(e, "accepted", r.Accepted, 2)
			equal(e, "duplicates", r.Duplicates, 1)
			equal(e, "rejected", len(r.Rejected), 1)
			equal(e, "index", r.Rejected[0].Index, 3)
			e.code(r.Rejected[0].Err, dispatcher.CodeIDReused)
		}},
		{"sites do not share event ids", func(e *env) {
			ev := e.published("a", "t", "")
			e.append(ev)
			r, err := e.s.Append(e.ctx, "shop", "api", []dispatcher.Event{ev})
			e.ok(err)
			equal(e, "accepted for the shop", r.Accepted, 1)
		}},
		{"an unknown site is refused with the known ones named", func(e *env) {
			_, err := e.s.Append(e.ctx, "nowhere", "api", nil)
			e.code(err, dispatcher.CodeNotFound)
			if !strings.Contains(err.Error(), "blog, shop") {
				e.Errorf("the error does not name the sites: %v", err)
			}
		}},
		{"of many at once one is accepted", concurrentAppend},
		{"a site's own rows are checked, and bad ones rejected with the reason", rejectedRows},
		{"what was rejected comes in after a retry once it can", retryRejected},
		{"rejected events are shown one by one and can be forgotten", discardRejected},
		{"an id that a rejected event brought may be used again", func(e *env) {
			ev := e.event(dispatcher.SubscriptionEnded, func(ev *dispatcher.Event) {
				ev.Subscription = &dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}
			})
			equal(e, "rejected", e.take(ev).Rejected, 1)
			e.reader("ann")
			equal(e, "accepted again", e.append(ev).Accepted, 1)
			r := e.intake()
			equal(e, "taken", r.Taken, 1)
			equal(e, "rejected again", r.Rejected, 0)
		}},
		{"a payload over the limit is refused", func(e *env) {
			e.code(e.s.Enqueue(e.ctx, "blog", make([]byte, dispatcher.MaxPayload+1)), dispatcher.CodeTooLarge)
		}},
		{"the depth and the age of the inbox are told", func(e *env) {
			e.append(e.published("a", "t", ""))
			e.clock.Advance(settle)
			n, age, err := e.s.InboxDepth(e.ctx)
			e.ok(err)
			equal(e, "depth", n, 1)
			equal(e, "age", age, settle)
			e.intake()
			n, age, err = e.s.InboxDepth(e.ctx)
			e.ok(err)
			equal(e, "depth afterwards", n, 0)
			equal(e, "age afterwards", age, 0)
		}},
		{"a door's refusals are kept whatever their bytes", func(e *env) {
			e.ok(e.s.RecordRejected(e.ctx, "blog", "api", []byte("a\x00b\xff"), "id\x00", dispatcher.Invalid("id", "mend it", "is %q", "\x00")))
			list, err := e.s.RejectedEvents(e.ctx, "blog", 0, 10)
			e.ok(err)
			equal(e, "rejected", len(list), 1)
			equal(e, "payload", list[0].Payload, "a�b�")
		}},
	}
}

func concurrentAppend(e *env) {
	const writers, events = 8, 40
	batch := make([]dispatcher.Event, events)
	for i := range batch {
		batch[i] = e.published(fmt.Sprint("c", i), "t", "")
	}
	var accepted, duplicates atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			mine := make([]dispatcher.Event, events) // each in an order of its own
			for i := range mine {
				mine[i] = batch[(i*7+w*5)%events]
			}
			r, err := e.s.Append(e.ctx, "blog", "api", mine)
			if err != nil {
				e.Errorf("append: %v", err)
			}
			accepted.Add(int64(r.Accepted))
			duplicates.Add(int64(r.Duplicates))
		})
	}
	wg.Wait()
	equal(e, "accepted", accepted.Load(), events)
	equal(e, "duplicates", duplicates.Load(), events*(writers-1))
	equal(e, "taken", e.intake().Taken, events)
}

func rejectedRows(e *env) {
	rows := []struct{ site, payload, code, words string }{
		{"blog", `{"id":`, "invalid", "is no event"},
		{"blog", `{"id":"x1","type":"comment.published","time":"2026-06-08T10:00:00Z","site":"shop"}`, "forbidden", "names site"},
		{"nowhere", `{"id":"x2","type":"thread.removed","time":"2026-06-08T10:00:00Z","thread":{"id":"t"}}`, "not_found", "blog, shop"},
		{"blog", `{"id":"x3","type":"thread.updated","time":"2026-06-08T10:00:00Z","thread":{"id":"t","title":"a\u0000b"}}`, "invalid", "NUL"},
		{"blog", `{"id":"x4\u0000","type":"thread.updated","time":"2026-06-08T10:00:00Z","thread":{"id":"t"}}`, "invalid", "control character"},
		{"blog", `{"id":"x5","type":"comment.published","time":"2026-06-08T10:00:00Z"}`, "invalid", "comment"},
		{"blog", `{"id":"x6","type":"nonsense","time":"2026-06-08T10:00:00Z"}`, "invalid", "unknown event type"},
		{"blog", `{"id":"x7","type":"subscription.set","time":"2026-06-08T10:00:00Z","subscription":{"subscriber":"nobody","target":{"type":"site"}}}`, "not_found", "nobody"},
		{"blog", `{"id":"x8","type":"subscriber.set","time":"2026-06-08T10:00:00Z","subscriber":{"id":"ann","email":"ann@readers.example","confirmed":true}}`, "forbidden", "may not confirm"},
	}
	for _, r := range rows {
		e.ok(e.s.Enqueue(e.ctx, r.site, []byte(r.payload)))
	}
	good := `{"id":"good","type":"comment.published","time":"2026-06-08T12:00:00Z","thread":{"id":"t"},"comment":{"id":"a","text":"back\\u0000slash stays"}}`
	e.ok(e.s.Enqueue(e.ctx, "blog", []byte(good)))
	res := e.intake()
	equal(e, "taken", res.Taken, len(rows)+1)
	equal(e, "rejected", res.Rejected, len(rows))
	equal(e, "the good one", e.known("a").HTML, `back\u0000slash stays`)
	list, err := e.s.RejectedEvents(e.ctx, "", 0, 100)
	e.ok(err)
	byPayload := map[string]store.RejectedEvent{}
	for _, x := range list {
		byPayload[x.Payload] = x
	}
	for _, r := range rows {
		x, ok := byPayload[r.payload]
		if !ok || x.Code != r.code || !strings.Contains(x.Reason, r.words) || x.Door != store.DoorSQL {
			e.Errorf("row %s: got %+v, want code %s and a reason with %q", r.payload, x, r.code, r.words)
		}
	}
	shop, err := e.s.RejectedEvents(e.ctx, "shop", 0, 100)
	e.ok(err)
	equal(e, "rejected ones of the shop", len(shop), 0)
}

func discardRejected(e *env) {
	for _, id := range []string{"one", "two", "three"} {
		e.ok(e.s.RecordRejected(e.ctx, "blog", "api", []byte("broken "+id), id, dispatcher.Invalid("", "mend it", "is broken")))
	}
	list, err := e.s.RejectedEvents(e.ctx, "blog", 0, 100)
	e.ok(err)
	three, two, one := list[0].ID, list[1].ID, list[2].ID
	got, err := e.s.Rejected(e.ctx, two)
	e.ok(err)
	equal(e, "the second", got.EventID+" "+got.Payload, "two broken two")
	for _, x := range []struct {
		site string
		ids  []int64
		want int
	}{{"shop", []int64{one, two}, 0}, {"blog", nil, 0}, {"blog", []int64{one, two}, 2}, {"", []int64{two, three}, 1}} {
		n, err := e.s.DiscardRejected(e.ctx, x.site, x.ids)
		e.ok(err)
		equal(e, "discarded", n, x.want)
	}
	_, err = e.s.Rejected(e.ctx, two)
	e.code(err, dispatcher.CodeNotFound)
	equal(e, "taken in", e.intake().Taken, 0)
}

func retryRejected(e *env) {
	viaAPI := e.event(dispatcher.SubscriptionEnded, func(ev *dispatcher.Event) {
		ev.Subscription = &dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}
	})
	e.append(viaAPI)
	e.ok(e.s.Enqueue(e.ctx, "blog", []byte(`{"id":"s1","type":"subscription.set","time":"2026-06-08T10:00:00Z","subscription":{"subscriber":"ann","target":{"type":"thread","id":"t"}}}`)))
	e.ok(e.s.Enqueue(e.ctx, "blog", []byte(`broken`)))
	equal(e, "rejected", e.intake().Rejected, 3)
	ann := e.reader("ann")
	list, err := e.s.RejectedEvents(e.ctx, "blog", 0, 100)
	e.ok(err)
	ids := []int64{list[0].ID, list[1].ID, list[2].ID}
	n, err := e.s.RetryRejected(e.ctx, "shop", ids)
	e.ok(err)
	equal(e, "retried for another site", n, 0)
	n, err = e.s.RetryRejected(e.ctx, "blog", ids)
	e.ok(err)
	equal(e, "retried", n, 3)
	res := e.intake()
	equal(e, "duplicates", res.Duplicates, 0)
	equal(e, "rejected again", res.Rejected, 1)
	subs, err := e.s.Subscriptions(e.ctx, ann)
	e.ok(err)
	equal(e, "subscriptions", len(subs), 1)
}
