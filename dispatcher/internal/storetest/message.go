package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func messageTests() []test {
	return []test{
		{"eight workers claim each message once", claimOnce},
		{"what relays answered is gathered, the newest first", answers},
		{"the urgent ones are claimed first, those of held sites not at all", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:d", "daily")
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "d", ""), e.published("b", "t", ""))
			e.fire("daily", "Europe/Berlin")
			e.now()
			e.reader("bob", unconfirmed)
			e.follow("bob", "thread:t", "")
			w, err := e.s.RegisterWorker(e.ctx, "host", ttl)
			e.ok(err)
			held, err := e.s.Claim(e.ctx, w, 10, []string{"blog"})
			e.ok(err)
			equal(e, "claimed of a held site", len(held), 0)
			var kinds []dispatcher.Kind
			for range 3 {
				ms, err := e.s.Claim(e.ctx, w, 1, []string{"shop"})
				e.ok(err)
				kinds = append(kinds, ms[0].Kind)
				equal(e, "state", ms[0].State, dispatcher.StateSending)
				equal(e, "owner", ms[0].Owner, w)
			}
			same(e, "order", kinds, []dispatcher.Kind{dispatcher.KindConfirm, dispatcher.KindReply, dispatcher.KindDigest})
		}},
		{"a dead worker's messages are due again and charge nothing", func(e *env) {
			e.mailsDue(3)
			w, ms := e.claim()
			equal(e, "claimed", len(ms), 3)
			n, err := e.s.Reclaim(e.ctx)
			e.ok(err)
			equal(e, "reclaimed from the living", n, 0)
			e.clock.Advance(ttl)
			n, err = e.s.Reclaim(e.ctx)
			e.ok(err)
			equal(e, "reclaimed", n, 3)
			_, err = e.s.RenewWorker(e.ctx, w, ttl)
			e.lost(err)
			_, err = e.s.Claim(e.ctx, w, 10, nil)
			e.lost(err)
			_, again := e.claim()
			equal(e, "claimed again", len(again), 3)
			equal(e, "charged", again[0].Attempts, 0)
			done, err := e.complete(w, []store.Completion{{Message: again[0].ID, State: dispatcher.StateSent}})
			e.ok(err)
			equal(e, "completed by the dead", done, 0)
		}},
		{"a worker that renews keeps its messages", func(e *env) {
			e.mailsDue(1)
			w, _ := e.claim()
			for range 5 {
				e.clock.Advance(ttl / 2)
				until, err := e.s.RenewWorker(e.ctx, w, ttl)
				e.ok(err)
				equal(e, "until", until, e.clock.Now().Add(ttl))
				n, err := e.s.Reclaim(e.ctx)
				e.ok(err)
				equal(e, "reclaimed", n, 0)
			}
			// After an outage of the database the lease has ended, but nobody has
			// the messages yet: their own worker goes on with them.
			e.clock.Advance(2 * ttl)
			_, err := e.s.RenewWorker(e.ctx, w, ttl)
			e.ok(err)
			n, err := e.s.Reclaim(e.ctx)
			e.ok(err)
			equal(e, "reclaimed after the outage", n, 0)
		}},
		{"a worker that stops in order gives its messages back", func(e *env) {
			e.mailsDue(2)
			w, _ := e.claim()
			e.ok(e.s.RetireWorker(e.ctx, w))
			_, ms := e.claim()
			equal(e, "claimed", len(ms), 2)
		}},
		{"outcomes and attempts are kept, numbered, and by the owner alone", outcomes},
		{"what was dropped leaves the list, so that it can be sent later", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""), e.published("b", "t", ""))
			e.now()
			w, ms := e.claim()
			n, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateSent, NewItems: true, Items: ms[0].Items[:1]}})
			e.ok(err)
			equal(e, "completed", n, 1)
			m, _, err := e.s.Message(e.ctx, ms[0].ID)
			e.ok(err)
			same(e, "items", m.Items, ms[0].Items[:1])
			equal(e, "mails", len(e.mails(ann)), 1)
		}},
		{"nothing is sent twice to a person, cancelled mail aside", atMostOnce},
		{"a failed message can be sent again, a sent one not", func(e *env) {
			e.mailsDue(1)
			w, ms := e.claim()
			id := ms[0].ID
			_, err := e.complete(w, []store.Completion{{Message: id, State: dispatcher.StateFailed, Why: "550 no such user"}})
			e.ok(err)
			e.code(e.s.RetryMessage(e.ctx, "shop", id), dispatcher.CodeNotFound)
			e.ok(e.s.RetryMessage(e.ctx, "blog", id))
			e.code(e.s.RetryMessage(e.ctx, "blog", id), dispatcher.CodeConflict)
			equal(e, "sent", e.send(), 1)
			e.code(e.s.RetryMessage(e.ctx, "", id), dispatcher.CodeConflict)
			e.code(e.s.RetryMessage(e.ctx, "", id+100), dispatcher.CodeNotFound)
		}},
		{"a mail with its own data waits like any other", func(e *env) {
			id, err := e.s.AddMessage(e.ctx, dispatcher.Message{Site: "blog", Kind: dispatcher.KindTest, Address: "admin@blog.example", Data: `{"x":1}`})
			e.ok(err)
			_, ms := e.claim()
			equal(e, "claimed", len(ms), 1)
			equal(e, "number", ms[0].ID, id)
			equal(e, "address", ms[0].Address, "admin@blog.example")
			equal(e, "data", ms[0].Data, `{"x":1}`)
		}},
		{"messages are listed by site, reader, state and slot, in pages", listMessages},
	}
}

// mailsDue makes n readers with one mail each.
func (e *env) mailsDue(n int) {
	e.Helper()
	for _, id := range many("due", n) {
		e.reader(id)
		e.follow(id, "thread:due", "")
	}
	e.settled(e.published(fmt.Sprint("due", e.ids), "due", ""))
	e.now()
}

func answers(e *env) {
	none, err := e.s.Refusals(e.ctx, 100)
	e.ok(err)
	equal(e, "answers at first", len(none), 0)
	e.mailsDue(5)
	w, ms := e.claim()
	try := func(m int, outcome dispatcher.Outcome, code int, enhanced, text string) {
		state := map[dispatcher.Outcome]dispatcher.State{dispatcher.OutcomeSent: dispatcher.StateSent, dispatcher.OutcomeFailed: dispatcher.StateFailed, dispatcher.OutcomeUnknown: dispatcher.StateUnknown}[outcome]
		e.clock.Advance(time.Second)
		_, err := e.complete(w, []store.Completion{{Message: ms[m].ID, State: state, Charge: 1,
			Attempt: &dispatcher.Attempt{At: e.clock.Now(), Relay: "main", Outcome: outcome, Code: code, Enhanced: enhanced, Text: text}}})
		e.ok(err)
	}
	slices.SortFunc(ms, func(a, b dispatcher.Message) int { return cmp.Compare(a.ID, b.ID) })
	try(4, dispatcher.OutcomeSent, 250, "2.0.0", "queued")
	try(3, dispatcher.OutcomeFailed, 550, "5.1.1", "no ann")
	try(0, dispatcher.OutcomeFailed, 550, "5.1.1", "no ben")
	try(1, dispatcher.OutcomeUnknown, 0, "", "broken pipe")
	try(2, dispatcher.OutcomeSent, 250, "2.0.0", "queued")
	list, err := e.s.Refusals(e.ctx, 100)
	e.ok(err)
	equal(e, "kinds of answers", len(list), 2)
	equal(e, "the first", list[0], store.Refusal{Relay: "main", Outcome: dispatcher.OutcomeFailed, Code: 550, Enhanced: "5.1.1", Text: "no ann", Message: ms[3].ID, Last: e.clock.Now().Add(-2 * time.Second), Count: 2})
	equal(e, "the second", fmt.Sprint(list[1].Outcome, list[1].Count, list[1].Text), "unknown1broken pipe")
	list, err = e.s.Refusals(e.ctx, 2) // those of the two newest messages
	e.ok(err)
	equal(e, "counted of the newest", list[0].Count, 1)
}

func claimOnce(e *env) {
	const mails = 60
	e.mailsDue(mails)
	var mu sync.Mutex
	claimed := map[int64]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w, err := e.s.RegisterWorker(e.ctx, "host", ttl)
			if err != nil {
				e.Errorf("register: %v", err)
				return
			}
			for {
				ms, err := e.s.Claim(e.ctx, w, 5, nil)
				if err != nil {
					e.Errorf("claim: %v", err)
					return
				}
				if len(ms) > 5 {
					e.Errorf("claimed %d, asked for 5", len(ms))
				}
				if len(ms) == 0 {
					return
				}
				mu.Lock()
				for i := range ms {
					claimed[ms[i].ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// A claim that skips rows which another holds may come back empty; what is
	// left is due for the next.
	_, rest := e.claim()
	for i := range rest {
		claimed[rest[i].ID]++
	}
	equal(e, "messages", len(claimed), mails)
	for id, n := range claimed {
		equal(e, fmt.Sprint("claims of ", id), n, 1)
	}
}

func outcomes(e *env) {
	e.mailsDue(3)
	w, ms := e.claim()
	later := e.clock.Now().Add(time.Hour)
	try := func(o dispatcher.Outcome, text string) *dispatcher.Attempt {
		return &dispatcher.Attempt{At: e.clock.Now(), Relay: "main", Outcome: o, Code: 451, Enhanced: "4.7.1", Text: text, Duration: 12 * time.Millisecond, TemplateVersion: "v1", ContentHash: "abc"}
	}
	cs := []store.Completion{
		{Message: ms[0].ID, State: dispatcher.StateDeferred, Why: "greylisted", DueAt: later, Charge: 1, Attempt: try(dispatcher.OutcomeDeferred, "come\x00 back \xff")},
		{Message: ms[1].ID, State: dispatcher.StateDue, DueAt: e.clock.Now(), Resent: true, Attempt: try(dispatcher.OutcomeUnknown, "lost")},
		{Message: ms[2].ID, State: dispatcher.StateFailed, Why: "no such user", Charge: 1, Attempt: try(dispatcher.OutcomeFailed, "no"),
			Suppress: &store.Suppression{Site: "blog", Address: "due02@readers.example", Reason: "bounce", Detail: "550 no such user", Message: ms[2].ID}},
	}
	other, err := e.s.RegisterWorker(e.ctx, "other", ttl)
	e.ok(err)
	n, err := e.complete(other, cs[:1])
	e.ok(err)
	equal(e, "completed by another", n, 0)
	n, err = e.complete(w, cs)
	e.ok(err)
	equal(e, "completed", n, 3)
	n, err = e.complete(w, cs)
	e.ok(err)
	equal(e, "completed again", n, 0)
	m, attempts, err := e.s.Message(e.ctx, ms[0].ID)
	e.ok(err)
	equal(e, "state", m.State, dispatcher.StateDeferred)
	equal(e, "why", m.Why, "greylisted")
	equal(e, "due", m.DueAt, later)
	equal(e, "charged", m.Attempts, 1)
	if len(attempts) < 2 { // the one by another happened too
		e.Fatalf("got %d attempts", len(attempts))
	}
	for i, a := range attempts {
		equal(e, "number", a.Number, i+1)
		equal(e, "words", a.Text, "come back �")
		equal(e, "duration", a.Duration, 12*time.Millisecond)
	}
	next, err := e.s.NextDue(e.ctx)
	e.ok(err)
	equal(e, "next due", next, e.clock.Now())
	_, again := e.claim()
	equal(e, "due now", len(again), 1)
	equal(e, "was sent once more", again[0].Resent, true)
	equal(e, "charged for it", again[0].Attempts, 0)
	e.clock.Advance(time.Hour)
	_, deferred := e.claim()
	equal(e, "due later", len(deferred), 1)
	list, err := e.s.Suppressions(e.ctx, "blog", "", 10)
	e.ok(err)
	equal(e, "suppressed", len(list), 1)
	failed, _, err := e.s.Message(e.ctx, ms[2].ID)
	e.ok(err)
	equal(e, "done at", failed.SentAt.IsZero(), false)
	counts, err := e.s.CountStates(e.ctx)
	e.ok(err)
	equal(e, "sending", counts[dispatcher.StateSending], 2)
	equal(e, "failed", counts[dispatcher.StateFailed], 1)
}

// atMostOnce changes everything that could make a comment come again.
func atMostOnce(e *env) {
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "")
	e.follow("ann", "site:", "daily")
	e.settled(e.published("a", "t", ""))
	e.now()
	equal(e, "sent", e.send(), 1)
	e.fire("daily", "Europe/Berlin")
	same(e, "after a second subscription's slot", e.mails(ann), []string{"reply a"})
	e.take(e.event(dispatcher.CommentRemoved, comment("a", "", "")))
	e.clock.Advance(time.Second)
	e.settled(e.published("a", "t", ""))
	e.now()
	e.fire("daily", "Europe/Berlin")
	same(e, "after it was published again", e.mails(ann), []string{"reply a"})
	e.change("ann", func(in *dispatcher.EventSubscriber) { in.Zone = ptr("Asia/Tokyo") })
	e.fire("daily", "Asia/Tokyo")
	same(e, "after a move", e.mails(ann), []string{"reply a"})

	e.settled(e.published("b", "t", ""))
	e.now()
	w, ms := e.claim()
	_, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateCancelled, Why: "nothing_left"}})
	e.ok(err)
	e.fire("daily", "Asia/Tokyo")
	same(e, "after a cancelled mail", e.mails(ann), []string{"reply a", "reply b", "digest b"})
	e.ok(e.s.RetryMessage(e.ctx, "", ms[0].ID)) // b is in the digest now
	_, due := e.claim()
	got, err := e.s.Recheck(e.ctx, due)
	e.ok(err)
	for i := range due {
		r := got[due[i].ID]
		items := r.Items
		if !r.Judged {
			items = due[i].Items
		}
		want := 1
		if due[i].ID == ms[0].ID {
			want = 0
		}
		equal(e, fmt.Sprint("items left of a ", due[i].Kind), len(items), want)
	}
}

func listMessages(e *env) {
	e.mailsDue(5)
	e.send()
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "")
	e.settled(e.published("a", "t", ""))
	e.now()
	count := func(f store.MessageFilter) int {
		f.Limit = 100
		ms, err := e.s.Messages(e.ctx, f)
		e.ok(err)
		return len(ms)
	}
	equal(e, "all", count(store.MessageFilter{}), 6)
	equal(e, "the shop's", count(store.MessageFilter{Site: "shop"}), 0)
	equal(e, "ann's", count(store.MessageFilter{Subscriber: ann}), 1)
	equal(e, "sent", count(store.MessageFilter{State: dispatcher.StateSent}), 5)
	var ids []int64
	for before := int64(0); ; {
		page, err := e.s.Messages(e.ctx, store.MessageFilter{Before: before, Limit: 4})
		e.ok(err)
		if len(page) == 0 {
			break
		}
		for i := range page {
			ids = append(ids, page[i].ID)
		}
		before = page[len(page)-1].ID
	}
	equal(e, "in pages", len(ids), 6)
	equal(e, "newest first", slices.IsSortedFunc(ids, func(a, b int64) int { return int(b - a) }), true)
	ms, err := e.s.Messages(e.ctx, store.MessageFilter{Subscriber: ann, Limit: 1})
	e.ok(err)
	equal(e, "of its slot", count(store.MessageFilter{Slot: ms[0].Slot}), 1)
}
