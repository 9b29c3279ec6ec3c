package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/store"
)

func onBoth(b *testing.B, f func(b *testing.B, s *store.Store)) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		b.Run(name, func(b *testing.B) {
			f(b, open(b, url(b), storetest.NewClock(storetest.Start()).Now, storetest.Sites()))
		})
	}
}

// BenchmarkIntake takes comments of 600 bytes in, 500 a batch, as the API and
// the sources hand them over, and gives them their positions.
func BenchmarkIntake(b *testing.B) {
	onBoth(b, func(b *testing.B, s *store.Store) {
		const batch = 500
		text := strings.Repeat("words ", 100)
		n := 0
		events := make([]dispatcher.Event, batch)
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			for i := range events {
				parent := ""
				if n%4 != 0 {
					parent = fmt.Sprint("c", n-1)
				}
				events[i] = dispatcher.Event{ID: fmt.Sprint("e", n), Type: dispatcher.CommentPublished, Time: storetest.Start(),
					Thread:  &dispatcher.EventThread{ID: fmt.Sprint("t", n/40), Title: "A thread", URL: "https://blog.example/t"},
					Comment: &dispatcher.EventComment{ID: fmt.Sprint("c", n), ParentID: parent, HTML: text},
					Author:  &dispatcher.EventAuthor{ID: fmt.Sprint("u", n%100), Name: "Somebody"}}
				n++
			}
			if _, err := s.Append(b.Context(), "blog", "api", events); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			r, err := s.Intake(b.Context(), atOnce(), batch)
			if err != nil || r.Taken != batch || r.Settled != batch {
				b.Fatalf("%+v, %v", r, err)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	})
}

// BenchmarkSlice serves readers with ten subscriptions each, a thousand a
// slice; every one gets a mail with ten comments.
func BenchmarkSlice(b *testing.B) {
	onBoth(b, func(b *testing.B, s *store.Store) {
		const readers, threads, follows = 2000, 100, 10
		prepareReaders(b, s, readers, threads, follows)
		written, rounds := 0, 0
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			publishIn(b, s, rounds, threads)
			rounds++
			chains, err := s.Chains(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.OpenSlot(b.Context(), chains[0], storetest.Start().Add(time.Duration(rounds)*time.Hour), 0); err != nil {
				b.Fatal(err)
			}
			w, err := s.ClaimSlot(b.Context(), "bench", time.Hour)
			if err != nil || w == nil {
				b.Fatal(err)
			}
			b.StartTimer()
			win, err := s.Window(b.Context(), w.Slot.From, w.Slot.Upto)
			if err != nil {
				b.Fatal(err)
			}
			o := store.SliceOptions{Limit: 1000, TTL: time.Hour, Limits: dispatcher.DefaultLimits(), Low: w.Slot.From}
			for done := false; !done; {
				r, err := s.Slice(b.Context(), w, o, win, func(string, string) *time.Location { return time.UTC })
				if err != nil {
					b.Fatal(err)
				}
				written += r.Messages
				done = r.Done
			}
		}
		if written != rounds*readers {
			b.Fatalf("%d messages in %d rounds", written, rounds)
		}
		b.ReportMetric(float64(written)/b.Elapsed().Seconds(), "messages/s")
	})
}

func prepareReaders(b *testing.B, s *store.Store, readers, threads, follows int) {
	b.Helper()
	if _, err := s.PutSchedule(b.Context(), dispatcher.Schedule{Name: "hourly", Spec: "@hourly", Zone: "UTC", MaxItems: 50}); err != nil {
		b.Fatal(err)
	}
	yes := true
	for from := 0; from < readers; from += 100 {
		var events []dispatcher.Event
		for i := from; i < from+100; i++ {
			id, mail := fmt.Sprint("r", i), fmt.Sprintf("r%d@readers.example", i)
			events = append(events, dispatcher.Event{ID: "s" + id, Type: dispatcher.SubscriberSet, Time: storetest.Start(),
				Subscriber: &dispatcher.EventSubscriber{ID: id, Email: &mail, Confirmed: &yes}})
			for j := range follows {
				events = append(events, dispatcher.Event{ID: fmt.Sprint("f", id, ".", j), Type: dispatcher.SubscriptionSet, Time: storetest.Start(),
					Subscription: &dispatcher.EventSubscription{Subscriber: id, Schedule: "hourly", Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: fmt.Sprint("t", (i*7+j)%threads)}}})
			}
		}
		if _, err := s.Append(b.Context(), "blog", "api+vouch", events); err != nil {
			b.Fatal(err)
		}
		for {
			r, err := s.Intake(b.Context(), atOnce(), 1000)
			if err != nil || r.Rejected > 0 {
				b.Fatalf("%+v, %v", r, err)
			}
			if r.Taken == 0 {
				break
			}
		}
	}
}

func publishIn(b *testing.B, s *store.Store, round, threads int) {
	b.Helper()
	var events []dispatcher.Event
	for i := range threads {
		id := fmt.Sprint("c", round, ".", i)
		events = append(events, dispatcher.Event{ID: "e" + id, Type: dispatcher.CommentPublished, Time: storetest.Start(),
			Thread: &dispatcher.EventThread{ID: fmt.Sprint("t", i)}, Comment: &dispatcher.EventComment{ID: id, Text: "hello"}})
	}
	if _, err := s.Append(b.Context(), "blog", "api", events); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Intake(b.Context(), atOnce(), len(events)); err != nil {
		b.Fatal(err)
	}
}
