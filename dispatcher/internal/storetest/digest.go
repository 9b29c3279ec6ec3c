package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

const ttl = 30 * time.Second

// chain gives the chain of a schedule in a zone.
func (e *env) chain(schedule, zone string) store.Chain {
	e.Helper()
	chains, err := e.s.Chains(e.ctx)
	e.ok(err)
	for _, c := range chains {
		if c.Schedule.Name == schedule && c.Zone == zone {
			return c
		}
	}
	e.Fatalf("there is no chain of %s in %q among %v", schedule, zone, chains)
	return store.Chain{}
}

// fire opens the slot of a chain now and goes through it and whatever else is
// open.
func (e *env) fire(schedule, zone string) {
	e.Helper()
	c := e.chain(schedule, zone)
	if c.HoldsDue {
		_, err := e.s.OpenHoldSlot(e.ctx, c)
		e.ok(err)
	}
	_, err := e.s.OpenSlot(e.ctx, c, e.clock.Now(), 0)
	e.ok(err)
	e.serve()
}

// now serves what is due on the immediate schedule.
func (e *env) now() {
	e.Helper()
	e.fire(dispatcher.Immediate, "")
}

// wake opens slots for holds that have come due, and serves them.
func (e *env) wake(schedule, zone string) bool {
	e.Helper()
	c := e.chain(schedule, zone)
	if !c.HoldsDue {
		return false
	}
	opened, err := e.s.OpenHoldSlot(e.ctx, c)
	e.ok(err)
	e.serve()
	return opened
}

// serve goes through all open slots, three readers a slice.
func (e *env) serve() {
	e.Helper()
	for {
		w, err := e.s.ClaimSlot(e.ctx, "tester", ttl)
		e.ok(err)
		if w == nil {
			return
		}
		for done := false; !done; {
			r, err := e.slice(w, 3)
			e.ok(err)
			done = r.Done
		}
	}
}

// slice does one slice of a slot, as the digest stage does.
func (e *env) slice(w *store.Work, limit int) (store.SliceResult, error) {
	e.Helper()
	low, err := e.s.LowestHold(e.ctx, &w.Slot)
	e.ok(err)
	win, err := e.s.Window(e.ctx, low, w.Slot.Upto)
	e.ok(err)
	o := store.SliceOptions{Limit: limit, TTL: ttl, Limits: dispatcher.DefaultLimits(), Low: low}
	if owners, ok := win.Owners(); ok {
		o.Owners = owners
		o.Keys = []dispatcher.Key{}
		win.Keys(func(k dispatcher.Key) bool { o.Keys = append(o.Keys, k); return true })
	}
	return e.s.Slice(e.ctx, w, o, win, zoneOf)
}

func zoneOf(_, zone string) *time.Location {
	if l, err := time.LoadLocation(zone); err == nil && zone != "" {
		return l
	}
	return time.UTC
}

// mails gives a reader's mails in the order in which they were written, each
// as its kind and its comments: "reply a b".
func (e *env) mails(reader int64) []string {
	e.Helper()
	ms, err := e.s.Messages(e.ctx, store.MessageFilter{Subscriber: reader, Limit: 1000})
	e.ok(err)
	slices.Reverse(ms)
	var out []string
	for i := range ms {
		out = append(out, strings.TrimSpace(string(ms[i].Kind)+" "+strings.Join(e.names(ms[i].Items), " ")))
	}
	return out
}

// names gives the site's ids of items, in the order of the log.
func (e *env) names(items []dispatcher.Item) []string {
	e.Helper()
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b dispatcher.Item) int { return int(a.Position - b.Position) })
	var out []string
	for _, it := range items {
		out = append(out, e.comment(it.Comment).ExternalID)
	}
	return out
}

// claim claims due messages for a new worker.
func (e *env) claim() (int64, []dispatcher.Message) {
	e.Helper()
	w, err := e.s.RegisterWorker(e.ctx, "tester", ttl)
	e.ok(err)
	ms, err := e.s.Claim(e.ctx, w, 1000, nil)
	e.ok(err)
	return w, ms
}

// complete records outcomes for a worker.
func (e *env) complete(worker int64, cs []store.Completion) (int, error) {
	for i := range cs {
		cs[i].Owner = worker
	}
	return e.s.Complete(e.ctx, cs)
}

// send sends all that is due, and gives how many mails that were.
func (e *env) send() int {
	e.Helper()
	w, ms := e.claim()
	var cs []store.Completion
	for i := range ms {
		cs = append(cs, store.Completion{Message: ms[i].ID, State: dispatcher.StateSent, Charge: 1,
			Attempt: &dispatcher.Attempt{At: e.clock.Now(), Relay: "main", Outcome: dispatcher.OutcomeSent, Code: 250, Text: "2.0.0 queued"}})
	}
	n, err := e.complete(w, cs)
	e.ok(err)
	e.ok(e.s.RetireWorker(e.ctx, w))
	return n
}

// lost asks for a lost lease.
func (e *env) lost(err error) {
	e.Helper()
	if !errors.Is(err, store.ErrLeaseLost) {
		e.Fatalf("got %v, want a lost lease", err)
	}
}

// many makes n numbered ids.
func many(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%02d", prefix, i)
	}
	return out
}
