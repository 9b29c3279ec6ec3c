package storetest

import (
	"github.com/hearback/hearback/dispatcher"
)

func scheduleTests() []test {
	return []test{
		{"the immediate schedule is built in and stays", func(e *env) {
			sc, err := e.s.Schedule(e.ctx, dispatcher.Immediate)
			e.ok(err)
			equal(e, "spec", sc.Spec, "")
			e.code(e.s.DeleteSchedule(e.ctx, dispatcher.Immediate, "daily"), dispatcher.CodeConflict)
		}},
		{"a schedule comes back as it was put", func(e *env) {
			in := dispatcher.Schedule{Name: "weekly", Spec: "0 9 * * 1", Zone: "America/New_York", Misfire: dispatcher.MisfireSkip, CatchUp: dispatcher.DefaultCatchUp,
				MinItems: 3, MaxItems: 20, Quiet: dispatcher.Quiet{From: 60, To: 120}, Paused: true, Label: "on Mondays"}
			created, err := e.s.PutSchedule(e.ctx, in)
			e.ok(err)
			equal(e, "created", created, true)
			got, err := e.s.Schedule(e.ctx, "weekly")
			e.ok(err)
			equal(e, "schedule", got, in)
			all, err := e.s.Schedules(e.ctx)
			e.ok(err)
			equal(e, "schedules", len(all), 3)
		}},
		{"what stands in the config file is changed there only", func(e *env) {
			e.schedule("file", "site", func(s *dispatcher.Schedule) { s.FromFile = true })
			_, err := e.s.PutSchedule(e.ctx, dispatcher.Schedule{Name: "file", Spec: "@daily"})
			e.code(err, dispatcher.CodeConflict)
			e.code(e.s.DeleteSchedule(e.ctx, "file", ""), dispatcher.CodeConflict)
			e.ok(e.s.PauseSchedule(e.ctx, "file", true))
			e.schedule("file", "site", func(s *dispatcher.Schedule) { s.FromFile = true })
			sc, err := e.s.Schedule(e.ctx, "file")
			e.ok(err)
			equal(e, "still paused after the file was read again", sc.Paused, true)
		}},
		{"a paused schedule has no chain to open, and one mail at its end", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			e.ok(e.s.PauseSchedule(e.ctx, "daily", true))
			chains, err := e.s.Chains(e.ctx)
			e.ok(err)
			equal(e, "chains", len(chains), 0)
			e.settled(e.published("a", "t", ""))
			e.settled(e.published("b", "t", ""))
			e.ok(e.s.PauseSchedule(e.ctx, "daily", false))
			e.fire("daily", "Europe/Berlin")
			same(e, "mails", e.mails(ann), []string{"digest a b"})
			e.code(e.s.PauseSchedule(e.ctx, "never", true), dispatcher.CodeNotFound)
		}},
		{"a schedule in use goes only when another takes its readers, who miss nothing", deleteSchedule},
		{"a site's default cannot go", func(e *env) {
			e.code(e.s.DeleteSchedule(e.ctx, "daily", ""), dispatcher.CodeInUse) // the shop's
		}},
		{"the default cadence is inherited until a subscription has its own", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:inherits", "")
			e.follow("ann", "thread:own", dispatcher.Immediate)
			e.change("ann", func(in *dispatcher.EventSubscriber) { in.Schedule = ptr("daily") })
			e.settled(e.published("a", "inherits", ""), e.published("b", "own", ""))
			e.now()
			same(e, "mails at once", e.mails(ann), []string{"reply b"})
			e.fire("daily", "Europe/Berlin")
			same(e, "mails", e.mails(ann), []string{"reply b", "digest a"})
			sub, _, err := e.s.SetSubscriber(e.ctx, "shop", dispatcher.EventSubscriber{ID: "x", Email: ptr("x@readers.example"), Confirmed: ptr(true)}, true)
			e.ok(err)
			s, _, err := e.s.SetSubscription(e.ctx, "shop", dispatcher.EventSubscription{Subscriber: "x", Target: target("thread:t")}, false)
			e.ok(err)
			equal(e, "the shop's default", s.Schedule, "daily")
			equal(e, "whose", s.Subscriber, sub.ID)
		}},
		{"a changed cadence loses nothing and sends nothing twice", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			e.settled(e.published("a", "t", ""))
			e.fire("daily", "Europe/Berlin")
			e.settled(e.published("b", "t", ""))
			e.follow("ann", "thread:t", dispatcher.Immediate)
			equal(e, "woken", e.wake(dispatcher.Immediate, ""), true)
			e.settled(e.published("c", "t", ""))
			e.now()
			e.follow("ann", "thread:t", "daily")
			e.settled(e.published("d", "t", ""))
			e.now()
			e.fire("daily", "Europe/Berlin")
			same(e, "mails", e.mails(ann), []string{"digest a", "reply b", "reply c", "digest d"})
		}},
		{"a changed zone loses nothing and sends nothing twice", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			e.settled(e.published("a", "t", ""))
			e.change("ann", func(in *dispatcher.EventSubscriber) { in.Zone = ptr("Asia/Tokyo") })
			e.settled(e.published("b", "t", ""))
			e.fire("daily", "Europe/Berlin")
			same(e, "mails of the zone they left", e.mails(ann), []string{})
			e.fire("daily", "Asia/Tokyo")
			same(e, "mails", e.mails(ann), []string{"digest a b"})
		}},
		{"a schedule that gets another zone takes its readers along", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			e.settled(e.published("a", "t", ""))
			e.schedule("daily", "Pacific/Auckland")
			e.settled(e.published("b", "t", ""))
			e.fire("daily", "Pacific/Auckland")
			same(e, "mails", e.mails(ann), []string{"digest a b"})
		}},
	}
}

func deleteSchedule(e *env) {
	e.schedule("hourly", "site")
	ann, bob := e.reader("ann"), e.reader("bob")
	e.follow("ann", "thread:t", "hourly")
	e.change("bob", func(in *dispatcher.EventSubscriber) { in.Schedule = ptr("hourly") })
	e.follow("bob", "thread:t", "")
	e.settled(e.published("a", "t", ""))
	e.fire("hourly", "Europe/Berlin")
	e.settled(e.published("b", "t", ""))
	// A slot that was opened and not gone through is given up.
	_, err := e.s.OpenSlot(e.ctx, e.chain("hourly", "Europe/Berlin"), e.clock.Now(), 0)
	e.ok(err)
	e.code(e.s.DeleteSchedule(e.ctx, "hourly", ""), dispatcher.CodeInUse)
	e.code(e.s.DeleteSchedule(e.ctx, "hourly", "never"), dispatcher.CodeInvalid)
	e.code(e.s.DeleteSchedule(e.ctx, "hourly", "hourly"), dispatcher.CodeInvalid)
	e.ok(e.s.DeleteSchedule(e.ctx, "hourly", "daily"))
	e.code(e.s.DeleteSchedule(e.ctx, "hourly", "daily"), dispatcher.CodeNotFound)
	e.serve()
	e.fire("daily", "Europe/Berlin")
	for _, id := range []int64{ann, bob} {
		same(e, "mails", e.mails(id), []string{"digest a", "digest b"})
	}
	sub, err := e.s.Subscriber(e.ctx, "blog", "bob")
	e.ok(err)
	equal(e, "default cadence", sub.Schedule, "daily")
}
