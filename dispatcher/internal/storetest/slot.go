package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func slotTests() []test {
	return []test{
		{"of many who open a slot one does", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			e.settled(e.published("a", "t", ""))
			c := e.chain("daily", "Europe/Berlin")
			var opened atomic.Int64
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					ok, err := e.s.OpenSlot(e.ctx, c, e.clock.Now(), 0)
					if err != nil {
						e.Errorf("open: %v", err)
					}
					if ok {
						opened.Add(1)
					}
				})
			}
			wg.Wait()
			equal(e, "opened", opened.Load(), 1)
			slots, err := e.s.Slots(e.ctx, "daily", 0, 10)
			e.ok(err)
			equal(e, "slots", len(slots), 1)
			equal(e, "window", slots[0].Upto-slots[0].From, 1)
		}},
		{"a window begins where the one before ended", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			for range 3 {
				e.settled(e.published(fmt.Sprint("c", e.ids), "t", ""))
				e.fire("daily", "Europe/Berlin")
			}
			slots, err := e.s.Slots(e.ctx, "daily", 0, 10)
			e.ok(err)
			for i := range 2 {
				equal(e, "from", slots[i].From, slots[i+1].Upto)
				equal(e, "start", slots[i].Start, slots[i+1].At)
			}
		}},
		{"the immediate schedule opens nothing when nothing settled, and goes in chunks", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:t", "")
			opened, err := e.s.OpenSlot(e.ctx, e.chain(dispatcher.Immediate, ""), e.clock.Now(), 2)
			e.ok(err)
			equal(e, "opened for nothing", opened, false)
			for range 5 {
				e.append(e.published(fmt.Sprint("c", e.ids), "t", ""))
			}
			e.clock.Advance(settle)
			e.intake()
			n := 0
			for ; ; n++ { // all at one instant of the clock
				opened, err := e.s.OpenSlot(e.ctx, e.chain(dispatcher.Immediate, ""), e.clock.Now(), 2)
				e.ok(err)
				if !opened {
					break
				}
			}
			equal(e, "slots", n, 3)
			equal(e, "given away", e.chain(dispatcher.Immediate, "").LastUpto, 5)
		}},
		{"a skipped firing leaves its events to the next", func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "daily")
			e.settled(e.published("a", "t", ""))
			e.ok(e.s.SkipTo(e.ctx, e.chain("daily", "Europe/Berlin"), e.clock.Now()))
			equal(e, "last", e.chain("daily", "Europe/Berlin").LastAt, e.clock.Now())
			e.settled(e.published("b", "t", ""))
			e.fire("daily", "Europe/Berlin")
			same(e, "mails", e.mails(ann), []string{"digest a b"})
		}},
		{"a claimed slot is nobody else's until its lease ends, and terms grow", claimSlot},
		{"the slots of one chain are worked on in order", func(e *env) {
			e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.follow("ann", "thread:t2", "daily")
			for range 2 {
				e.settled(e.published(fmt.Sprint("c", e.ids), "t", ""))
				_, err := e.s.OpenSlot(e.ctx, e.chain(dispatcher.Immediate, ""), e.clock.Now(), 0)
				e.ok(err)
			}
			_, err := e.s.OpenSlot(e.ctx, e.chain("daily", "Europe/Berlin"), e.clock.Now(), 0)
			e.ok(err)
			var names []string
			for {
				w, err := e.s.ClaimSlot(e.ctx, fmt.Sprint("w", len(names)), ttl)
				e.ok(err)
				if w == nil {
					break
				}
				names = append(names, w.Slot.Schedule)
			}
			same(e, "claimed at once", names, []string{dispatcher.Immediate, "daily"})
		}},
		{"a worker who died between slices is taken over from, and nobody is left out", killedBetweenSlices},
		{"who lost the lease writes nothing", lostLease},
		{"all readers of a slot are served once, however they are found", allReaders},
		{"a window that is too short for a hold is not used", func(e *env) {
			e.reader("ann", unconfirmed)
			sub := e.follow("ann", "thread:t", "")
			e.settled(e.published("a", "t", ""))
			e.reader("bob")
			e.follow("bob", "thread:t", "")
			_, err := e.s.OpenSlot(e.ctx, e.chain(dispatcher.Immediate, ""), e.clock.Now(), 0)
			e.ok(err)
			e.serve()
			e.settled(e.published("b", "t", ""))
			_, err = e.s.OpenSlot(e.ctx, e.chain(dispatcher.Immediate, ""), e.clock.Now(), 0)
			e.ok(err)
			w, err := e.s.ClaimSlot(e.ctx, "one", ttl)
			e.ok(err)
			win, err := e.s.Window(e.ctx, w.Slot.From, w.Slot.Upto)
			e.ok(err)
			e.ok(e.s.Confirm(e.ctx, sub.Subscriber)) // the hold reaches before the window
			o := store.SliceOptions{Limit: 100, TTL: ttl, Limits: dispatcher.DefaultLimits(), Low: w.Slot.From}
			_, err = e.s.Slice(e.ctx, w, o, win, zoneOf)
			short(e, err)
			r, err := e.slice(w, 100)
			e.ok(err)
			equal(e, "messages", r.Messages, 2)
			same(e, "mails", e.mails(sub.Subscriber), []string{"confirm", "reply a b"})
		}},
	}
}

func claimSlot(e *env) {
	e.reader("ann")
	e.follow("ann", "thread:t", "daily")
	e.settled(e.published("a", "t", ""))
	_, err := e.s.OpenSlot(e.ctx, e.chain("daily", "Europe/Berlin"), e.clock.Now(), 0)
	e.ok(err)
	var mu sync.Mutex
	var won []*store.Work
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			w, err := e.s.ClaimSlot(e.ctx, fmt.Sprint("w", i), ttl)
			if err != nil {
				e.Errorf("claim: %v", err)
			}
			if w != nil {
				mu.Lock()
				won = append(won, w)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	equal(e, "claimed by", len(won), 1)
	e.clock.Advance(ttl)
	w, err := e.s.ClaimSlot(e.ctx, "next", ttl)
	e.ok(err)
	equal(e, "term", w.Term, won[0].Term+1)
	equal(e, "schedule", w.Schedule.Name, "daily")
	e.ok(e.s.ReleaseSlot(e.ctx, won[0])) // not theirs any more
	again, err := e.s.ClaimSlot(e.ctx, "third", ttl)
	e.ok(err)
	if again != nil {
		e.Error("who lost the slot could release it")
	}
	e.ok(e.s.ReleaseSlot(e.ctx, w))
	again, err = e.s.ClaimSlot(e.ctx, "third", ttl)
	e.ok(err)
	if again == nil {
		e.Error("a released slot is not free at once")
	}
}

func killedBetweenSlices(e *env) {
	var ids []int64
	for _, id := range many("r", 10) {
		ids = append(ids, e.reader(id))
		e.follow(id, "thread:t", "daily")
	}
	e.settled(e.published("a", "t", ""))
	_, err := e.s.OpenSlot(e.ctx, e.chain("daily", "Europe/Berlin"), e.clock.Now(), 0)
	e.ok(err)
	for i := 0; ; i++ {
		w, err := e.s.ClaimSlot(e.ctx, fmt.Sprint("w", i), ttl)
		e.ok(err)
		if w == nil {
			break
		}
		_, err = e.slice(w, 4) // and dies
		e.ok(err)
		e.clock.Advance(ttl)
	}
	for _, id := range ids {
		same(e, "mails", e.mails(id), []string{"digest a"})
	}
	slots, err := e.s.Slots(e.ctx, "daily", 0, 1)
	e.ok(err)
	equal(e, "messages", slots[0].Messages, 10)
	equal(e, "readers", slots[0].Readers, 10)
	equal(e, "done", slots[0].DoneAt.IsZero(), false)
}

func lostLease(e *env) {
	ann := e.reader("ann")
	e.follow("ann", "thread:t", "daily")
	e.settled(e.published("a", "t", ""))
	_, err := e.s.OpenSlot(e.ctx, e.chain("daily", "Europe/Berlin"), e.clock.Now(), 0)
	e.ok(err)
	slow, err := e.s.ClaimSlot(e.ctx, "slow", ttl)
	e.ok(err)
	e.clock.Advance(ttl)
	quick, err := e.s.ClaimSlot(e.ctx, "quick", ttl)
	e.ok(err)
	_, err = e.slice(slow, 10)
	e.lost(err)
	same(e, "mails of who lost it", e.mails(ann), []string{})
	_, err = e.slice(quick, 10)
	e.ok(err)
	same(e, "mails", e.mails(ann), []string{"digest a"})
	_, err = e.slice(quick, 10) // the slot is done
	e.lost(err)
}

// allReaders compares the two ways to a slot's readers, by the targets that
// moved and all of the chain: both must write the same mails.
func allReaders(e *env) {
	kinds := []string{"site:", "thread:t", "thread:quiet", "author:u1", "replies:direct"}
	readers := map[string]int64{}
	for i, id := range many("r", 30) {
		readers[id] = e.reader(id, func(in *dispatcher.EventSubscriber) { in.AuthorIDs = &[]string{fmt.Sprint("me", i%10)} })
		e.follow(id, kinds[i%len(kinds)], "daily")
		if i%3 == 0 {
			e.follow(id, kinds[(i+1)%len(kinds)], "daily")
		}
	}
	var got [2]map[string]int
	for round := range got {
		root := fmt.Sprint("root", round)
		e.settled(e.published(root, "t", "", author("me4")), e.published(fmt.Sprint("x", round), "t", root, author("u1")))
		_, err := e.s.OpenSlot(e.ctx, e.chain("daily", "Europe/Berlin"), e.clock.Now(), 0)
		e.ok(err)
		w, err := e.s.ClaimSlot(e.ctx, "one", ttl)
		e.ok(err)
		visited := 0
		for done := false; !done; {
			var r store.SliceResult
			if round == 0 {
				r, err = e.slice(w, 7)
			} else {
				var win *dispatcher.Window
				win, err = e.s.Window(e.ctx, w.Slot.From, w.Slot.Upto)
				e.ok(err)
				r, err = e.s.Slice(e.ctx, w, store.SliceOptions{Limit: 7, TTL: ttl, Limits: dispatcher.DefaultLimits(), Low: w.Slot.From}, win, zoneOf)
			}
			e.ok(err)
			visited += r.Readers
			done = r.Done
		}
		if round == 1 {
			equal(e, "readers of the chain", visited, len(readers))
		}
		got[round] = map[string]int{}
		for id, n := range readers {
			got[round][id] = len(e.mails(n))
		}
	}
	mailed := 0
	for id := range readers {
		equal(e, "mails of "+id+" after both rounds", got[1][id], 2*got[0][id])
		mailed += got[0][id]
	}
	if mailed < 15 || mailed == len(readers) {
		e.Errorf("%d of %d readers got mail: the test compares nothing", mailed, len(readers))
	}
}

// short asks for the refusal of a window.
func short(e *env, err error) {
	e.Helper()
	if !errors.Is(err, store.ErrWindowShort) {
		e.Fatalf("got %v, want a window that is too short", err)
	}
}
