package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func subscriberTests() []test {
	return []test{
		{"an address is one subscriber, and a second id is linked to it", func(e *env) {
			ann := e.reader("ann")
			sub, created, err := e.s.SetSubscriber(e.ctx, "blog", dispatcher.EventSubscriber{ID: "user-7", Email: ptr("ANN@readers.example"), Name: ptr("Ann")}, false)
			e.ok(err)
			equal(e, "created", created, false)
			equal(e, "number", sub.ID, ann)
			same(e, "ids", sub.ExternalIDs, []string{"ann", "user-7"})
			equal(e, "sent as given last", sub.Email, "ANN@readers.example")
			equal(e, "still confirmed", sub.ConfirmedAt.IsZero(), false)
		}},
		{"sites do not share subscribers", func(e *env) {
			ann := e.reader("ann")
			sub, created, err := e.s.SetSubscriber(e.ctx, "shop", dispatcher.EventSubscriber{ID: "ann", Email: ptr("ann@readers.example")}, false)
			e.ok(err)
			equal(e, "created", created, true)
			if sub.ID == ann {
				e.Error("both sites have one subscriber")
			}
		}},
		{"many at once make one subscriber of an address", func(e *env) {
			var mu sync.Mutex
			numbers := map[int64]bool{}
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					in := dispatcher.EventSubscriber{ID: fmt.Sprint("id", i%4), Email: ptr("ann@readers.example")}
					sub, _, err := e.s.SetSubscriber(e.ctx, "blog", in, false)
					if err != nil {
						e.Errorf("set: %v", err)
					}
					mu.Lock()
					defer mu.Unlock()
					numbers[sub.ID] = true
				})
			}
			wg.Wait()
			equal(e, "subscribers", len(numbers), 1)
			sub, err := e.s.Subscriber(e.ctx, "blog", "id3")
			e.ok(err)
			same(e, "ids", sub.ExternalIDs, []string{"id0", "id1", "id2", "id3"})
		}},
		{"one id with many addresses at once is one subscriber", func(e *env) {
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					in := dispatcher.EventSubscriber{ID: "ann", Email: ptr(fmt.Sprintf("ann%d@readers.example", i))}
					if _, _, err := e.s.SetSubscriber(e.ctx, "blog", in, false); err != nil {
						e.Errorf("set: %v", err)
					}
				})
			}
			wg.Wait()
			all, err := e.s.Subscribers(e.ctx, "blog", "", 0, 100)
			e.ok(err)
			equal(e, "subscribers", len(all), 1)
		}},
		{"only who may vouch confirms an address", func(e *env) {
			in := dispatcher.EventSubscriber{ID: "ann", Email: ptr("ann@readers.example"), Confirmed: ptr(true)}
			_, _, err := e.s.SetSubscriber(e.ctx, "blog", in, false)
			e.code(err, dispatcher.CodeForbidden)
			_, err = e.s.Subscriber(e.ctx, "blog", "ann")
			e.code(err, dispatcher.CodeNotFound)
			sub, _, err := e.s.SetSubscriber(e.ctx, "blog", in, true)
			e.ok(err)
			equal(e, "confirmed", sub.ConfirmedAt, e.clock.Now())
		}},
		{"fields that are not given stay", func(e *env) {
			e.reader("ann", func(in *dispatcher.EventSubscriber) {
				in.Name, in.Zone, in.QuietHours = ptr("Ann"), ptr("Asia/Tokyo"), ptr("22:00-07:00")
				in.AuthorIDs = &[]string{"u1", "u2"}
			})
			sub := e.change("ann", func(in *dispatcher.EventSubscriber) { in.Locale = ptr("de") })
			equal(e, "name", sub.Name, "Ann")
			equal(e, "zone", sub.Zone, "Asia/Tokyo")
			equal(e, "quiet hours", sub.Quiet.String(), "22:00-07:00")
			same(e, "author ids", sub.AuthorIDs, []string{"u1", "u2"})
			sub = e.change("ann", func(in *dispatcher.EventSubscriber) { in.AuthorIDs, in.QuietHours = &[]string{"u3"}, ptr("") })
			same(e, "author ids", sub.AuthorIDs, []string{"u3"})
			equal(e, "quiet hours taken away", sub.Quiet.None(), true)
		}},
		{"bad fields are named", badSubscribers},
		{"a changed address is confirmed anew, voids links and loses nothing", changedAddress},
		{"an address that another one has is a conflict", func(e *env) {
			e.reader("ann")
			e.reader("bob")
			_, _, err := e.s.SetSubscriber(e.ctx, "blog", dispatcher.EventSubscriber{ID: "bob", Email: ptr("ann@readers.example")}, false)
			e.code(err, dispatcher.CodeConflict)
		}},
		{"each change that selection sees moves the revision", func(e *env) {
			ann := e.reader("ann")
			last := int64(0)
			moved := func(what string) {
				sub, err := e.s.SubscriberByNumber(e.ctx, ann)
				e.ok(err)
				if sub.Revision <= last {
					e.Errorf("%s did not move the revision %d", what, last)
				}
				last = sub.Revision
			}
			moved("being made")
			sub := e.follow("ann", "thread:t", "")
			moved("a subscription")
			e.mute("ann", "author:u1")
			moved("a mute")
			e.take(e.event(dispatcher.ThreadRead, func(ev *dispatcher.Event) { ev.Reader, ev.Thread = "ann", &dispatcher.EventThread{ID: "t"} }))
			moved("a read")
			e.change("ann", func(in *dispatcher.EventSubscriber) { in.AuthorIDs = &[]string{"u9"} })
			moved("an author id")
			act, err := e.s.End(e.ctx, ann, []int64{sub.ID}, false, "thread", dispatcher.EndedByReader)
			e.ok(err)
			moved("an end")
			e.ok(e.s.Undo(e.ctx, ann, act))
			moved("an undo")
		}},
		{"the list pages and searches without case", func(e *env) {
			for _, id := range many("reader", 5) {
				e.reader(id, func(in *dispatcher.EventSubscriber) { in.Name = ptr("100%_" + id) })
			}
			page, err := e.s.Subscribers(e.ctx, "blog", "", 0, 3)
			e.ok(err)
			equal(e, "first page", len(page), 3)
			page, err = e.s.Subscribers(e.ctx, "blog", "", page[2].ID, 3)
			e.ok(err)
			equal(e, "second page", len(page), 2)
			for text, want := range map[string]int{"READER03": 1, "100%_r": 5, "100x_r": 0, "%": 5, "@readers": 5} {
				found, err := e.s.Subscribers(e.ctx, "blog", text, 0, 100)
				e.ok(err)
				equal(e, "found by "+text, len(found), want)
			}
		}},
		{"an erased subscriber leaves nothing that is sent", erased},
		{"who left and was erased is not brought back by a back end", erasedLeaver},
		{"a stranger's sign-up does not bring back who was erased, their own yes does", erasedSignUp},
		{"an erased subscriber's address stands nowhere, in no server's words either", erasedWords},
	}
}

func badSubscribers(e *env) {
	for field, mod := range map[string]func(*dispatcher.EventSubscriber){
		"email":        func(in *dispatcher.EventSubscriber) { in.Email = ptr("no address") },
		"time_zone":    func(in *dispatcher.EventSubscriber) { in.Zone = ptr("Mars/Olympus") },
		"schedule":     func(in *dispatcher.EventSubscriber) { in.Schedule = ptr("never") },
		"quiet_hours":  func(in *dispatcher.EventSubscriber) { in.QuietHours = ptr("always") },
		"paused_until": func(in *dispatcher.EventSubscriber) { in.PausedTill = ptr("tomorrow") },
	} {
		in := dispatcher.EventSubscriber{ID: "ann", Email: ptr("ann@readers.example")}
		mod(&in)
		_, _, err := e.s.SetSubscriber(e.ctx, "blog", in, false)
		e.code(err, dispatcher.CodeInvalid)
		if got := fieldOf(err); got != field {
			e.Errorf("the error names field %q, want %q", got, field)
		}
	}
}

func changedAddress(e *env) {
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "")
	e.follow("ann", "thread:d", "daily")
	before, err := e.s.SubscriberByNumber(e.ctx, ann)
	e.ok(err)
	e.settled(e.published("sent", "t", ""))
	e.now()
	equal(e, "sent", e.send(), 1)
	e.settled(e.published("queued", "t", ""), e.published("waiting", "d", ""))
	e.now() // a mail with queued waits for the old address
	sub := e.change("ann", func(in *dispatcher.EventSubscriber) { in.Email = ptr("new@readers.example") })
	equal(e, "confirmed", sub.ConfirmedAt.IsZero(), true)
	if sub.Generation <= before.Generation {
		e.Error("older links still work")
	}
	e.settled(e.published("between", "t", ""))
	e.now()
	_, ms := e.claim()
	equal(e, "mails due while it is not confirmed", len(ms), 1)
	equal(e, "their kind", ms[0].Kind, dispatcher.KindConfirm)
	e.ok(e.s.Confirm(e.ctx, ann))
	e.wake(dispatcher.Immediate, "")
	e.fire("daily", "Europe/Berlin")
	same(e, "mails", e.mails(ann), []string{"reply sent", "reply queued", "confirm", "reply queued between", "digest waiting"})
	old, err := e.s.Messages(e.ctx, store.MessageFilter{Subscriber: ann, State: dispatcher.StateCancelled, Limit: 10})
	e.ok(err)
	equal(e, "cancelled for the old address", len(old), 1)
	equal(e, "why", old[0].Why, "address_changed")
}

func erased(e *env) {
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "")
	e.settled(e.published("a", "t", ""))
	e.now()
	e.ok(e.s.Erase(e.ctx, "blog", "ann"))
	_, err := e.s.SubscriberByNumber(e.ctx, ann)
	e.code(err, dispatcher.CodeNotFound)
	_, ms := e.claim()
	equal(e, "due", len(ms), 0)
	e.code(e.s.Erase(e.ctx, "blog", "ann"), dispatcher.CodeNotFound)
	e.clock.Advance(time.Hour)
	again := e.reader("ann")
	e.follow("ann", "thread:t", "")
	e.settled(e.published("b", "t", ""))
	e.now()
	same(e, "mails to who came back", e.mails(again), []string{"reply b"})
}

func erasedLeaver(e *env) {
	erase := map[string]func(id string) error{
		"ann": func(id string) error { return e.s.EraseByReader(e.ctx, "blog", id) },
		"bob": func(id string) error { // by the site, after they had left
			sub, err := e.s.Subscriber(e.ctx, "blog", id)
			e.ok(err)
			_, err = e.s.End(e.ctx, sub.ID, nil, true, "everything", dispatcher.EndedByReader)
			e.ok(err)
			return e.s.Erase(e.ctx, "blog", id)
		},
	}
	for id, f := range erase {
		e.reader(id)
		e.follow(id, "thread:t", "")
		e.ok(f(id))
		e.clock.Advance(time.Hour)
		// A nightly run of the back end tells of all its users, as it always did.
		e.reader(id)
		in := dispatcher.EventSubscription{Subscriber: id, Target: target("thread:t"), Confirmed: true}
		_, _, err := e.s.SetSubscription(e.ctx, "blog", in, true)
		if dispatcher.CodeOf(err) != dispatcher.CodeEnded {
			e.Errorf("%s was erased, and the back end subscribed them again: %v", id, err)
		}
		in.Consent = &dispatcher.Consent{Time: e.clock.Now(), Source: "form"}
		_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
		e.ok(err)
		// They came back: an erasure by the site alone keeps nothing of it.
		e.ok(e.s.Erase(e.ctx, "blog", id))
		e.reader(id)
		e.follow(id, "thread:t", "")
	}
}

func erasedSignUp(e *env) {
	e.reader("ann")
	e.ok(e.s.EraseByReader(e.ctx, "blog", "ann"))
	e.clock.Advance(time.Hour)
	e.ok(e.s.SignUp(e.ctx, "blog", store.SignUp{Email: "ann@readers.example", Target: target("thread:t")}))
	again := e.reader("ann")
	in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("site:")}
	_, _, err := e.s.SetSubscription(e.ctx, "blog", in, true)
	e.code(err, dispatcher.CodeEnded)
	e.ok(e.s.Confirm(e.ctx, again))
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.ok(err)
}

func erasedWords(e *env) {
	e.reader("ann")
	e.follow("ann", "thread:t", "")
	e.settled(e.published("a", "t", ""))
	e.now()
	w, ms := e.claim()
	_, err := e.complete(w, []store.Completion{{Message: ms[0].ID, State: dispatcher.StateFailed, Why: "refused", Charge: 1,
		Attempt: &dispatcher.Attempt{Message: ms[0].ID, At: e.clock.Now(), Relay: "main", Outcome: dispatcher.OutcomeFailed, Code: 550, Text: "<ann@readers.example>: no such user"}}})
	e.ok(err)
	e.ok(e.s.Erase(e.ctx, "blog", "ann"))
	m, attempts, err := e.s.Message(e.ctx, ms[0].ID)
	e.ok(err)
	equal(e, "attempts", len(attempts), 1)
	equal(e, "address", m.Address, "")
	equal(e, "the server's words", attempts[0].Text, "")
}
