package storetest

import (
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func signUpTests() []test {
	return []test{
		{"a sign-up waits for its reader's yes, and nothing that came meanwhile is lost", func(e *env) {
			e.signUp("new@example.org", "thread:t", "daily")
			ann := e.newest(dispatcher.KindConfirm).Subscriber
			e.settled(e.published("a", "t", ""))
			subs, err := e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "subscriptions before the yes", len(subs), 0)
			e.ok(e.s.Confirm(e.ctx, ann))
			e.settled(e.published("b", "t", ""))
			e.fire("daily", "Europe/Berlin")
			same(e, "mails", e.mails(ann), []string{"confirm", "digest a b"})
		}},
		{"a stranger's sign-up changes nothing of what a reader has", func(e *env) {
			ann := e.reader("ann")
			sub := e.follow("ann", "thread:t", "daily")
			before, err := e.s.SubscriberByNumber(e.ctx, ann)
			e.ok(err)
			e.signUp("ann@readers.example", "thread:t", dispatcher.Immediate)
			after, err := e.s.SubscriberByNumber(e.ctx, ann)
			e.ok(err)
			equal(e, "revision", after.Revision, before.Revision)
			subs, err := e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "cadence", subs[0].Schedule, sub.Schedule)
			asked, err := e.s.SignUps(e.ctx, ann)
			e.ok(err)
			equal(e, "sign-ups that wait", len(asked), 1)
			e.ok(e.s.Confirm(e.ctx, ann))
			subs, err = e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "cadence after the yes", subs[0].Schedule, dispatcher.Immediate)
		}},
		{"what a reader ended is renewed by their own yes alone", func(e *env) {
			ann := e.reader("ann")
			sub := e.follow("ann", "thread:t", "")
			_, err := e.s.End(e.ctx, ann, []int64{sub.ID}, true, "everything", dispatcher.EndedByReader)
			e.ok(err)
			e.settled(e.published("between", "t", ""))
			e.signUp("ann@readers.example", "thread:t", "")
			e.settled(e.published("asked", "t", ""))
			subs, err := e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "it lives before the yes", subs[0].Live(), false)
			e.ok(e.s.Confirm(e.ctx, ann))
			subs, err = e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "it lives after the yes", subs[0].Live(), true)
			e.wake(dispatcher.Immediate, "")
			same(e, "mails", e.mails(ann), []string{"confirm", "reply asked"})
		}},
		{"an address is asked once a day until it says yes, however much is asked for", func(e *env) {
			for i := range 30 {
				e.clock.Advance(time.Minute)
				e.signUp("new@example.org", fmt.Sprintf("thread:t%d", i), "")
			}
			ann := e.newest(dispatcher.KindConfirm).Subscriber
			same(e, "mails", e.mails(ann), []string{"confirm"})
			asked, err := e.s.SignUps(e.ctx, ann)
			e.ok(err)
			equal(e, "sign-ups that wait", len(asked), 20)
			equal(e, "the oldest of them", asked[0].Target.ID, "t10")
			e.clock.Advance(24 * time.Hour)
			e.signUp("new@example.org", "thread:t1", "")
			same(e, "mails", e.mails(ann), []string{"confirm", "confirm"})
		}},
		{"a sign-up lapses after a week, and its stranger is forgotten after a month", func(e *env) {
			e.signUp("new@example.org", "thread:t", "")
			ann := e.newest(dispatcher.KindConfirm).Subscriber
			e.clock.Advance(dispatcher.ConfirmWindow + time.Second)
			asked, err := e.s.SignUps(e.ctx, ann)
			e.ok(err)
			equal(e, "sign-ups that wait", len(asked), 0)
			e.clock.Advance(31 * 24 * time.Hour)
			for range 2 {
				_, _, err = e.s.Purge(e.ctx, store.Retention{})
				e.ok(err)
			}
			_, err = e.s.SubscriberByNumber(e.ctx, ann)
			e.code(err, dispatcher.CodeNotFound)
		}},
		{"what a form may not say is refused", func(e *env) {
			e.code(e.s.SignUp(e.ctx, "blog", store.SignUp{Email: "nobody", Target: target("thread:t")}), dispatcher.CodeInvalid)
			e.code(e.s.SignUp(e.ctx, "blog", store.SignUp{Email: "a@example.org", Target: target("thread:t"), Schedule: "never"}), dispatcher.CodeInvalid)
			e.code(e.s.SignUp(e.ctx, "nosuch", store.SignUp{Email: "a@example.org", Target: target("thread:t")}), dispatcher.CodeNotFound)
		}},
		{"a link is mailed to those who follow something, once in ten minutes", func(e *env) {
			ann := e.reader("ann")
			e.ok(e.s.AskLink(e.ctx, "blog", "ANN@readers.example"))
			e.ok(e.s.AskLink(e.ctx, "shop", "ann@readers.example"))
			e.ok(e.s.AskLink(e.ctx, "", "nobody@example.org"))
			e.reader("bob", unconfirmed)
			e.ok(e.s.AskLink(e.ctx, "", "bob@readers.example"))
			same(e, "mails", e.mails(ann), []string{"link"})
			e.clock.Advance(10 * time.Minute)
			e.ok(e.s.AskLink(e.ctx, "nosuch", "ann@readers.example"))
			same(e, "mails", e.mails(ann), []string{"link", "link"})
			all, err := e.s.Messages(e.ctx, store.MessageFilter{Limit: 100})
			e.ok(err)
			equal(e, "mails to all", len(all), 2)
			e.clock.Advance(25 * time.Hour)
			_, _, err = e.s.Purge(e.ctx, store.Retention{})
			e.ok(err)
		}},
		{"one address's readers on all sites are found, confirmed ones alone", func(e *env) {
			ann := e.reader("ann")
			yes, email := true, "Ann@Readers.example"
			shop, _, err := e.s.SetSubscriber(e.ctx, "shop", dispatcher.EventSubscriber{ID: "a", Email: &email, Confirmed: &yes}, true)
			e.ok(err)
			e.reader("bob")
			got, err := e.s.SameAddress(e.ctx, "ann@readers.example")
			e.ok(err)
			equal(e, "how many", len(got), 2)
			equal(e, "the first", got[0].ID, ann)
			equal(e, "the second", got[1].ID, shop.ID)
		}},
	}
}

func (e *env) signUp(email, what, schedule string) {
	e.Helper()
	e.ok(e.s.SignUp(e.ctx, "blog", store.SignUp{Email: email, Target: target(what), Schedule: schedule, Locale: "en"}))
}

// newest gives the newest message of a kind.
func (e *env) newest(kind dispatcher.Kind) dispatcher.Message {
	e.Helper()
	all, err := e.s.Messages(e.ctx, store.MessageFilter{Limit: 100})
	e.ok(err)
	for _, m := range all {
		if m.Kind == kind {
			return m
		}
	}
	e.Fatalf("there is no %s", kind)
	return dispatcher.Message{}
}
