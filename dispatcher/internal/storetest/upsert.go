package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func upsertTests() []test {
	person := func(id string) dispatcher.EventSubscriber {
		return dispatcher.EventSubscriber{ID: id, Email: ptr(id + "@readers.example"), Confirmed: ptr(true)}
	}
	thread := func(reader, id string) dispatcher.EventSubscription {
		return dispatcher.EventSubscription{Subscriber: reader, Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: id}}
	}
	return []test{
		{"many go in at once, and a bad one keeps none back", func(e *env) {
			bad := person("bad")
			bad.Zone = ptr("Mars")
			got, err := e.s.SetSubscribers(e.ctx, "blog", []dispatcher.EventSubscriber{person("ann"), bad, person("ben"), person("ann")}, true)
			e.ok(err)
			equal(e, "ann", got[0].Created, true)
			e.code(got[1].Err, dispatcher.CodeInvalid)
			equal(e, "ben", got[2].Created, true)
			equal(e, "ann again", got[3].Created, false)
			subs, err := e.s.Subscribers(e.ctx, "blog", "", 0, 10)
			e.ok(err)
			equal(e, "subscribers", len(subs), 2)
		}},
		{"many at once are what they are one by one", func(e *env) {
			_, err := e.s.PutSchedule(e.ctx, dispatcher.Schedule{Name: "daily", Spec: "0 8 * * *", Zone: dispatcher.ZoneSite, Misfire: dispatcher.MisfireMerge, CatchUp: dispatcher.DefaultCatchUp, MaxItems: 50})
			e.ok(err)
			schedules := []*string{nil, ptr("daily"), ptr("nonsense"), ptr("")}
			var in []dispatcher.EventSubscriber
			for i := range 60 {
				s := person(fmt.Sprint("p", i%53)) // some come twice
				s.Email = ptr(fmt.Sprintf("P%d@Readers.example", i%47))
				s.Name, s.Schedule, s.AuthorIDs = ptr(fmt.Sprint("Person ", i)), schedules[i%7%4], &[]string{fmt.Sprint("a", i), "", fmt.Sprint("a", i)}
				s.QuietHours, s.PausedTill, s.Locale = ptr("22:00-07:00"), ptr("2027-01-01T00:00:00Z"), ptr("de")
				switch i % 11 {
				case 3:
					s.Confirmed = nil
				case 5:
					s.Email = nil
				case 7:
					s.Zone = ptr("Mars")
				case 9:
					s.AuthorIDs = nil
				}
				in = append(in, s)
			}
			many, err := e.s.SetSubscribers(e.ctx, "blog", in, true)
			e.ok(err)
			for i := range in {
				_, created, err := e.s.SetSubscriber(e.ctx, "shop", in[i], true)
				if created != many[i].Created || dispatcher.CodeOf(err) != dispatcher.CodeOf(many[i].Err) || (err == nil) != (many[i].Err == nil) {
					e.Errorf("line %d: one by one %v %v, at once %+v", i, created, err, many[i])
				}
			}
			one, err := e.s.Subscribers(e.ctx, "shop", "", 0, 100)
			e.ok(err)
			equal(e, "how many there are", len(one) > 20, true)
			for _, want := range one {
				got, err := e.s.Subscriber(e.ctx, "blog", want.ExternalIDs[0])
				e.ok(err)
				got.ID, got.Site, got.Bucket = want.ID, want.Site, want.Bucket
				if !reflect.DeepEqual(got, want) {
					e.Errorf("at once they are\n%+v\none by one\n%+v", got, want)
				}
			}
			again, err := e.s.SetSubscribers(e.ctx, "blog", in[:3], true)
			e.ok(err)
			equal(e, "again", again[0].Created || again[1].Created, false)
		}},
		{"many subscriptions go in at once, and what a reader ended is not renewed", func(e *env) {
			e.reader("ann")
			ben := e.reader("ben")
			_, err := e.s.End(e.ctx, ben, nil, true, "everything", dispatcher.EndedByReader)
			e.ok(err)
			e.clock.Advance(time.Minute)
			mute := thread("ann", "t9")
			mute.Mute = true
			got, err := e.s.SetSubscriptions(e.ctx, "blog", []dispatcher.EventSubscription{thread("ann", "t1"), thread("ben", "t1"), thread("nobody", "t1"), thread("ann", "t1"), mute, mute}, false)
			e.ok(err)
			equal(e, "new", got[0].Created, true)
			e.code(got[1].Err, dispatcher.CodeEnded)
			e.code(got[2].Err, dispatcher.CodeNotFound)
			equal(e, "again", got[3].Created, false)
			equal(e, "the same number", got[3].ID, got[0].ID)
			equal(e, "a mute", got[4].Created, true)
			equal(e, "a mute again", got[5].Created, false)
		}},
		{"batches that meet in the same readers neither block nor lose", func(e *env) {
			const people, batches = 60, 4
			var wg sync.WaitGroup
			for b := range batches {
				wg.Go(func() {
					in := make([]dispatcher.EventSubscriber, people)
					for i := range in {
						in[i] = person(fmt.Sprint("p", (i*7+b*13)%people))
						in[i].Email = ptr(fmt.Sprintf("P%d@readers.example", (i*7+b*13)%people))
					}
					if _, err := e.s.SetSubscribers(e.ctx, "blog", in, true); err != nil {
						e.Errorf("batch %d: %v", b, err)
					}
				})
			}
			wg.Wait()
			subs, err := e.s.Subscribers(e.ctx, "blog", "", 0, 2*people)
			e.ok(err)
			equal(e, "subscribers", len(subs), people)
		}},
		{"an import mails nobody and keeps who left away", func(e *env) {
			pending := person("new")
			pending.Confirmed = nil
			in := []store.Record{
				{Subscriber: ptr(person("ann"))}, {Subscriber: &pending}, {Subscriber: ptr(person("gone")), EndedAt: Start().Add(-time.Hour)},
				{Subscription: ptr(thread("ann", "t1"))}, {Subscription: ptr(thread("new", "t1"))},
				{Subscription: ptr(thread("ann", "t2")), EndedAt: Start().Add(-time.Hour), EndedBy: dispatcher.EndedByReader},
				{Suppression: &store.Suppression{Address: "bad@readers.example", Reason: "bounce", Detail: "550"}},
				{Subscription: ptr(thread("nobody", "t1"))},
			}
			dry, err := e.s.Import(e.ctx, "blog", in, true)
			e.ok(err)
			subs, err := e.s.Subscribers(e.ctx, "blog", "", 0, 10)
			e.ok(err)
			equal(e, "subscribers after a dry run", len(subs), 0)
			got, err := e.s.Import(e.ctx, "blog", in, false)
			e.ok(err)
			for i := range got {
				if (got[i].Err == nil) != (dry[i].Err == nil) || got[i].Created != dry[i].Created || (got[i].Err == nil) != (i < 7) {
					e.Errorf("record %d: %+v, in the dry run %+v", i, got[i], dry[i])
				}
			}
			e.code(got[7].Err, dispatcher.CodeNotFound)
			ms, err := e.s.Messages(e.ctx, store.MessageFilter{Site: "blog", Limit: 10})
			e.ok(err)
			equal(e, "mails", len(ms), 0)
			e.clock.Advance(time.Minute)
			for _, left := range []dispatcher.EventSubscription{thread("ann", "t2"), thread("gone", "t1")} {
				_, _, err = e.s.SetSubscription(e.ctx, "blog", left, true)
				e.code(err, dispatcher.CodeEnded)
			}
			page, err := e.s.SubscriptionPage(e.ctx, store.SubscriptionFilter{Site: "blog", Limit: 10})
			e.ok(err)
			equal(e, "subscriptions", len(page), 3)
			equal(e, "whose", page[1].Owner, "new")
			live, err := e.s.SubscriptionPage(e.ctx, store.SubscriptionFilter{Site: "blog", State: "live", After: 0, Limit: 10})
			e.ok(err)
			equal(e, "live ones", len(live), 1)
			rest, err := e.s.SubscriptionPage(e.ctx, store.SubscriptionFilter{Site: "blog", Subscriber: page[0].Subscriber, After: page[0].ID, Limit: 10})
			e.ok(err)
			equal(e, "ann's beyond the first", len(rest), 1)
			equal(e, "ended by", rest[0].EndedBy, dispatcher.EndedByReader)
		}},
	}
}
