// Package digest is the third stage of the line: it opens the slots that are
// due, reads each slot's window of the log, and commits for every reader who
// has something in it a message with frozen item ids.
//
// Slots are data. Every daemon computes what is due from the chains' stored
// last instants, and whoever inserts the row opened it; open slots are claimed
// under a lease and gone through in slices, so a daemon that dies leaves at
// most one slice undone, which another begins anew.
package digest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// Options of a [Stage].
type Options struct {
	Store   *store.Store
	Owner   string
	Clock   dispatcher.Clock
	Log     *slog.Logger
	Limits  dispatcher.Limits
	Workers int // slots worked on at once; 0 means 2
	Slice   int // readers per transaction; 0 means 1000
	Chunk   int64
	Poll    time.Duration
	Lease   time.Duration // how long a dead daemon keeps a slot from the others; 0 means 30 s
	Closed  func() bool   // says that no slot may be opened or claimed, as when the clock is wrong
	Ready   func() bool   // says that missed slots may be made up: sources were polled, the inbox is in the log
	Sites   map[string]dispatcher.Site
}

// fewKeys is up to how many moved targets a slot asks for its readers by
// target; above it all readers of the chain are visited.
const fewKeys = 1000

// Stage is the digest stage of one daemon.
type Stage struct {
	o     Options
	zones zones
	wake  chan struct{}
	// Counters since the start, for metrics.
	Opened, Skipped, Messages, Readers, Held atomic.Int64
}

// New makes the stage; Run does the work.
func New(o Options) *Stage {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.Slice == 0 {
		o.Slice = 1000
	}
	if o.Chunk == 0 {
		o.Chunk = 500
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	return &Stage{o: o, wake: make(chan struct{}, o.Workers), zones: zones{sites: o.Sites, known: map[string]*time.Location{}}}
}

// Run opens and works on slots until ctx ends; it returns nil then.
func (s *Stage) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for i := range s.o.Workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.work(ctx, fmt.Sprintf("%s/%d", s.o.Owner, i))
		}()
	}
	log, stop := s.o.Store.Hints().Listen(store.TopicLog)
	defer stop()
	failing := ""
	for ctx.Err() == nil {
		wait, err := s.Tick(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != failing {
			failing = err.Error()
			s.o.Log.Error("opening slots failed; trying again", "error", err)
		} else if err == nil {
			failing = ""
		}
		s.rouse()
		select {
		case <-ctx.Done():
		case <-log:
		case <-time.After(wait):
		}
	}
	wg.Wait()
	return nil
}

// rouse wakes the workers.
func (s *Stage) rouse() {
	for range s.o.Workers {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Tick opens what is due now and gives how long to wait before the next look.
func (s *Stage) Tick(ctx context.Context) (time.Duration, error) {
	if s.o.Closed != nil && s.o.Closed() {
		return s.o.Poll, nil
	}
	chains, err := s.o.Store.Chains(ctx)
	if err != nil {
		return s.o.Poll, err
	}
	wait := s.o.Poll
	var failed error
	for _, c := range chains {
		next, err := s.open(ctx, c)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("schedule %s in zone %q: %w", c.Schedule.Name, c.Zone, err))
			continue // one broken schedule never stops the others
		}
		if !next.IsZero() {
			wait = min(wait, max(next.Sub(s.o.Clock.Now()), time.Millisecond))
		}
	}
	return wait, failed
}

// open opens the slot of one chain if one is due, and gives the chain's next
// instant.
func (s *Stage) open(ctx context.Context, c store.Chain) (time.Time, error) {
	if c.HoldsDue {
		opened, err := s.o.Store.OpenHoldSlot(ctx, c)
		if err != nil {
			return time.Time{}, err
		}
		s.count(opened)
	}
	now := s.o.Clock.Now()
	if c.Schedule.Name == dispatcher.Immediate {
		opened, err := s.o.Store.OpenSlot(ctx, c, now, s.o.Chunk)
		s.count(opened)
		if opened {
			return now, err // there may be more
		}
		return time.Time{}, err
	}
	spec, err := schedule.Parse(c.Schedule.Spec)
	if err != nil {
		return time.Time{}, err
	}
	zone, err := s.zones.load(c.Zone)
	if err != nil {
		return time.Time{}, err
	}
	f := schedule.Chain{Spec: spec, Zone: zone, Misfire: c.Schedule.Misfire, CatchUp: c.Schedule.CatchUp, Last: c.LastAt}.Due(now)
	switch f.Action {
	case schedule.Open:
		opened, err := s.o.Store.OpenSlot(ctx, c, f.At, 0)
		s.count(opened)
		return f.Next, err
	case schedule.Merge:
		if s.o.Ready != nil && !s.o.Ready() {
			return time.Time{}, nil
		}
		opened, err := s.o.Store.OpenSlot(ctx, c, f.At, 0)
		s.count(opened)
		if opened {
			s.o.Log.Info("missed slots were merged into one", "schedule", c.Schedule.Name, "zone", c.Zone, "first", f.First, "at", f.At)
		}
		return f.Next, err
	case schedule.Skip:
		s.Skipped.Add(1)
		s.o.Log.Info("a missed slot was skipped; its events go to the next", "schedule", c.Schedule.Name, "zone", c.Zone, "at", f.At)
		return f.Next, s.o.Store.SkipTo(ctx, c, f.At)
	}
	return f.Next, nil
}

func (s *Stage) count(opened bool) {
	if opened {
		s.Opened.Add(1)
	}
}

// work claims slots and goes through them.
func (s *Stage) work(ctx context.Context, owner string) {
	failing := ""
	for ctx.Err() == nil {
		did, err := s.WorkOnce(ctx, owner)
		if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrLeaseLost) {
			if err.Error() != failing {
				failing = err.Error()
				s.o.Log.Error("a slot failed; trying again", "error", err)
			}
		} else if err == nil {
			failing = ""
		}
		if did && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(s.o.Poll):
		}
	}
}

// WorkOnce claims one open slot and goes through all its slices. It says
// whether there was one.
func (s *Stage) WorkOnce(ctx context.Context, owner string) (bool, error) {
	if s.o.Closed != nil && s.o.Closed() {
		return false, nil
	}
	w, err := s.o.Store.ClaimSlot(ctx, owner, s.o.Lease)
	if err != nil || w == nil {
		return false, err
	}
	if err := s.serve(ctx, w); err != nil {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.o.Store.ReleaseSlot(release, w) // else its lease runs out
		return true, fmt.Errorf("slot %d of %s: %w", w.Slot.ID, w.Slot.Schedule, err)
	}
	return true, nil
}

func (s *Stage) serve(ctx context.Context, w *store.Work) error {
	low, err := s.o.Store.LowestHold(ctx, &w.Slot)
	if err != nil {
		return err
	}
	o := store.SliceOptions{Limit: s.o.Slice, TTL: s.o.Lease, Limits: s.o.Limits}
	var win *dispatcher.Window
	started := s.o.Clock.Now()
	for {
		if win == nil {
			if win, err = s.o.Store.Window(ctx, low, w.Slot.Upto); err != nil {
				return err
			}
			o.Low = low
			o.Keys, o.Owners = moved(win)
		}
		res, err := s.o.Store.Slice(ctx, w, o, win, s.zones.of)
		if errors.Is(err, store.ErrWindowShort) { // a hold came in between
			if low, err = s.o.Store.LowestHold(ctx, &w.Slot); err != nil {
				return err
			}
			win = nil
			continue
		}
		if err != nil {
			return err
		}
		s.Readers.Add(int64(res.Readers))
		s.Messages.Add(int64(res.Messages))
		s.Held.Add(int64(res.Held))
		if res.Done {
			s.o.Log.Debug("slot done", "slot", w.Slot.ID, "schedule", w.Slot.Schedule, "took", s.o.Clock.Now().Sub(started))
			return nil
		}
	}
}

// moved gives the targets and authors that moved in a window when they are
// few, so that only their readers are visited.
func moved(win *dispatcher.Window) (keys, owners []dispatcher.Key) {
	if win.DistinctKeys(fewKeys) >= fewKeys {
		return nil, nil
	}
	owners, ok := win.Owners()
	if !ok {
		return nil, nil
	}
	keys = []dispatcher.Key{}
	win.Keys(func(k dispatcher.Key) bool { keys = append(keys, k); return true })
	return keys, owners
}

// zones keeps the few hundred locations that readers use.
type zones struct {
	sites map[string]dispatcher.Site
	mu    sync.Mutex
	known map[string]*time.Location
}

func (z *zones) load(name string) (*time.Location, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if l := z.known[name]; l != nil {
		return l, nil
	}
	l, err := schedule.LoadZone(name)
	if err == nil {
		z.known[name] = l
	}
	return l, err
}

// of gives a reader's zone: their own, else their site's, else UTC.
func (z *zones) of(site, zone string) *time.Location {
	for _, name := range []string{zone, z.sites[site].Zone} {
		if name == "" {
			continue
		}
		if l, err := z.load(name); err == nil {
			return l
		}
	}
	return time.UTC
}
