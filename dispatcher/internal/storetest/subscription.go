package storetest

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func subscriptionTests() []test {
	return []test{
		{"a subscription is made once and then changed", func(e *env) {
			ann := e.reader("ann")
			in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}
			first, created, err := e.s.SetSubscription(e.ctx, "blog", in, false)
			e.ok(err)
			equal(e, "created", created, true)
			equal(e, "cadence", first.Schedule, dispatcher.Immediate)
			in.Schedule = "daily"
			second, created, err := e.s.SetSubscription(e.ctx, "blog", in, false)
			e.ok(err)
			equal(e, "created again", created, false)
			equal(e, "number", second.ID, first.ID)
			equal(e, "cadence", second.Schedule, "daily")
			subs, err := e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "subscriptions", len(subs), 1)
		}},
		{"nothing that settled before is mailed", func(e *env) {
			ann := e.reader("ann")
			e.settled(e.published("before", "t", ""))
			e.follow("ann", "thread:t", "")
			e.settled(e.published("after", "t", ""))
			e.now()
			same(e, "mails", e.mails(ann), []string{"reply after"})
		}},
		{"every target finds its comments, and the strongest reason counts", targets},
		{"an unknown subscriber or schedule is named", func(e *env) {
			_, _, err := e.s.SetSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}, false)
			e.code(err, dispatcher.CodeNotFound)
			e.reader("ann")
			_, _, err = e.s.SetSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t"), Schedule: "never"}, false)
			e.code(err, dispatcher.CodeInvalid)
			equal(e, "field", fieldOf(err), "schedule")
		}},
		{"what a reader ended no back end renews without a later consent", consent},
		{"a consent from the future renews nothing, at no door", consentAhead},
		{"who ended everything is not subscribed to something new", endedAll},
		{"what a site ended it may renew, and it begins anew", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "")
			in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}
			e.ok(e.s.EndSubscription(e.ctx, "blog", in, dispatcher.EndedBySite))
			e.ok(e.s.EndSubscription(e.ctx, "blog", in, dispatcher.EndedBySite))
			e.settled(e.published("between", "t", ""))
			e.follow("ann", "thread:t", "")
			e.settled(e.published("after", "t", ""))
			e.now()
			same(e, "mails", e.mails(ann), []string{"reply after"})
		}},
		{"an unconfirmed reader gets a confirm mail, at most one a day", confirmMail},
		{"confirmed within a week, nothing that came meanwhile is lost", func(e *env) {
			ann := e.reader("ann", unconfirmed)
			e.follow("ann", "thread:t", "")
			e.follow("ann", "thread:d", "daily")
			e.settled(e.published("a", "t", ""), e.published("b", "d", ""))
			e.now()
			same(e, "mails while it is not confirmed", e.mails(ann), []string{"confirm"})
			e.clock.Advance(dispatcher.ConfirmWindow - settle)
			e.ok(e.s.Confirm(e.ctx, ann))
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			e.fire("daily", "Europe/Berlin")
			same(e, "mails", e.mails(ann), []string{"confirm", "reply a", "digest b"})
		}},
		{"asked for more than a week before, it lapses", func(e *env) {
			ann := e.reader("ann", unconfirmed)
			e.follow("ann", "thread:t", "")
			e.clock.Advance(dispatcher.ConfirmWindow + time.Second)
			e.follow("ann", "thread:new", "")
			e.ok(e.s.Confirm(e.ctx, ann))
			subs, err := e.s.Subscriptions(e.ctx, ann)
			e.ok(err)
			equal(e, "ended by", subs[0].EndedBy, dispatcher.EndedByLapse)
			equal(e, "the newer one is live", subs[1].Live(), true)
			e.settled(e.published("a", "t", ""), e.published("b", "new", ""))
			e.now()
			same(e, "mails", e.mails(ann), []string{"confirm", "confirm", "reply b"})
		}},
		{"a lapsed one that is asked for again begins anew", func(e *env) {
			ann := e.reader("ann", unconfirmed)
			e.follow("ann", "thread:t", "")
			e.settled(e.published("old", "t", ""))
			e.clock.Advance(dispatcher.ConfirmWindow)
			e.follow("ann", "thread:t", "")
			e.settled(e.published("new", "t", ""))
			e.ok(e.s.Confirm(e.ctx, ann))
			e.now()
			same(e, "mails", e.mails(ann), []string{"confirm", "confirm", "reply new"})
		}},
		{"a mute is set and lifted", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "site:", "")
			e.mute("ann", "thread:t")
			e.mute("ann", "thread:t")
			e.settled(e.published("a", "t", ""), e.published("b", "u", ""))
			e.now()
			ms, err := e.s.Mutes(e.ctx, ann)
			e.ok(err)
			equal(e, "mutes", len(ms), 1)
			equal(e, "what", ms[0].Target, target("thread:t"))
			in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t"), Mute: true}
			e.ok(e.s.EndSubscription(e.ctx, "blog", in, dispatcher.EndedBySite))
			e.settled(e.published("c", "t", ""))
			e.now()
			same(e, "mails", e.mails(ann), []string{"reply b", "reply c"})
			_, _, err = e.s.SetSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: target("site:"), Mute: true}, false)
			e.code(err, dispatcher.CodeInvalid)
		}},
		{"an end is undone as a whole, once, within thirty days", undo},
	}
}

func targets(e *env) {
	follow := map[string]string{
		"site": "site:", "thread": "thread:t", "subtree": "comment:root", "author": "author:u1", "direct": "replies:direct", "below": "replies:any",
	}
	want := map[string][]string{
		"site":    {"reply root mid leaf", "reply other"},
		"thread":  {"reply root mid leaf"},
		"subtree": {"reply mid leaf"},
		"author":  {"reply mid", "reply other"},
		"direct":  {"reply mid"},
		"below":   {"reply mid leaf"},
	}
	numbers := map[string]int64{}
	for name, what := range follow {
		numbers[name] = e.reader(name, func(in *dispatcher.EventSubscriber) {
			if name == "direct" || name == "below" {
				in.AuthorIDs = &[]string{"me"}
			}
		})
		e.follow(name, what, "")
	}
	e.follow("below", "thread:none", "")
	// Mail has a weaker reason as well, which does not count.
	e.follow("direct", "comment:mid2", "")
	e.settled(
		e.published("root", "t", "", author("me")),
		e.published("mid", "t", "root", author("u1")),
		e.published("leaf", "t", "mid", author("u2")),
		e.published("other", "u", "", author("u1")),
	)
	e.now()
	for name, mails := range want {
		same(e, name, e.mails(numbers[name]), mails)
	}
	ms, err := e.s.Messages(e.ctx, store.MessageFilter{Subscriber: numbers["below"], Limit: 1})
	e.ok(err)
	for _, it := range ms[0].Items {
		want := dispatcher.ReasonSubtree
		if e.comment(it.Comment).ExternalID == "mid" {
			want = dispatcher.ReasonReply
		}
		equal(e, "reason", it.Reason, want)
	}
}

func consent(e *env) {
	ann := e.reader("ann")
	sub := e.follow("ann", "thread:t", "")
	_, err := e.s.End(e.ctx, ann, []int64{sub.ID}, false, "thread", dispatcher.EndedByReader)
	e.ok(err)
	in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.code(err, dispatcher.CodeEnded)
	in.Consent = &dispatcher.Consent{Time: e.clock.Now(), Source: "form"}
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.code(err, dispatcher.CodeEnded)
	in.Consent.Time = e.clock.Now().Add(time.Second)
	in.Consent.Source = ""
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.code(err, dispatcher.CodeEnded)
	in.Consent.Source = "form"
	again, created, err := e.s.SetSubscription(e.ctx, "blog", in, true)
	e.ok(err)
	equal(e, "created", created, true)
	equal(e, "live", again.Live(), true)
	other := e.follow("ann", "thread:u", "") // what they did not end is free
	equal(e, "another one is live", other.Live(), true)
}

func consentAhead(e *env) {
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "")
	_, err := e.s.End(e.ctx, ann, nil, true, "everything", dispatcher.EndedByReader)
	e.ok(err)
	in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t"), Consent: &dispatcher.Consent{Time: e.clock.Now().AddDate(70, 0, 0), Source: "form"}}
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.code(err, dispatcher.CodeEnded)
	got := e.take(e.event(dispatcher.SubscriptionSet, func(ev *dispatcher.Event) { ev.Subscription = &in }))
	equal(e, "rejected", got.Rejected, 1)
	subs, err := e.s.Subscriptions(e.ctx, ann)
	e.ok(err)
	equal(e, "live", subs[0].Live(), false)
}

func endedAll(e *env) {
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "")
	act, err := e.s.End(e.ctx, ann, nil, true, "everything", dispatcher.EndedByComplaint)
	e.ok(err)
	if act == 0 {
		e.Fatal("the end has no number")
	}
	in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:new"), Confirmed: true}
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.code(err, dispatcher.CodeEnded)
	in.Consent = &dispatcher.Consent{Time: e.clock.Now().Add(time.Second), Source: "form"}
	sub, _, err := e.s.SetSubscription(e.ctx, "blog", in, true)
	e.ok(err)
	equal(e, "live", sub.Live(), true)
	e.settled(e.published("a", "t", ""), e.published("b", "new", ""))
	e.now()
	same(e, "mails", e.mails(ann), []string{"reply b"})
}

func confirmMail(e *env) {
	ann := e.reader("ann", unconfirmed)
	first := e.follow("ann", "thread:t", "")
	equal(e, "live", first.Live(), false)
	e.follow("ann", "thread:u", "")
	e.follow("ann", "thread:t", "")
	same(e, "mails", e.mails(ann), []string{"confirm"})
	e.clock.Advance(24*time.Hour - time.Second)
	e.follow("ann", "thread:t", "")
	same(e, "mails within a day", e.mails(ann), []string{"confirm"})
	e.clock.Advance(time.Second)
	e.follow("ann", "thread:t", "")
	same(e, "mails after a day", e.mails(ann), []string{"confirm", "confirm"})
	in := dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:v"), Confirmed: true}
	_, _, err := e.s.SetSubscription(e.ctx, "blog", in, false)
	e.code(err, dispatcher.CodeForbidden)
	_, _, err = e.s.SetSubscription(e.ctx, "blog", in, true)
	e.ok(err)
	subs, err := e.s.Subscriptions(e.ctx, ann)
	e.ok(err)
	for _, s := range subs {
		equal(e, "live once somebody vouched", s.Live(), true)
	}
}

func undo(e *env) {
	ann := e.reader("ann")
	a, b := e.follow("ann", "thread:a", ""), e.follow("ann", "thread:b", "daily")
	act, err := e.s.End(e.ctx, ann, []int64{a.ID, b.ID}, false, "schedule", dispatcher.EndedByReader)
	e.ok(err)
	none, err := e.s.End(e.ctx, ann, []int64{a.ID}, false, "thread", dispatcher.EndedByReader)
	e.ok(err)
	equal(e, "an end of nothing", none, 0)
	e.settled(e.published("x", "a", ""))
	e.code(e.s.Undo(e.ctx, ann+1, act), dispatcher.CodeNotFound)
	e.change("ann", func(in *dispatcher.EventSubscriber) { in.Zone = ptr("Asia/Tokyo") })
	e.ok(e.s.Undo(e.ctx, ann, act))
	e.code(e.s.Undo(e.ctx, ann, act), dispatcher.CodeNotFound)
	e.settled(e.published("y", "a", ""), e.published("z", "b", ""))
	e.now()
	e.fire("daily", "Asia/Tokyo")
	same(e, "mails", e.mails(ann), []string{"reply y", "digest z"})
	act, err = e.s.End(e.ctx, ann, nil, true, "everything", dispatcher.EndedByReader)
	e.ok(err)
	e.clock.Advance(store.UndoWindow)
	e.code(e.s.Undo(e.ctx, ann, act), dispatcher.CodeNotFound)
}
