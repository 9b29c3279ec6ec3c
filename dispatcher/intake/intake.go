// Package intake is the second stage of the line: it moves events from the
// inbox to the state of their comments and to the log. It holds a lease, so
// that of several daemons one works and the others wait; what keeps the log in
// order is the head row's lock, which the store takes in every round.
package intake

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Options of a [Stage].
type Options struct {
	Store  *store.Store
	Rules  store.IntakeOptions
	Owner  string // names this run of the daemon in the lease
	Clock  dispatcher.Clock
	Log    *slog.Logger
	Batch  int // events per transaction; 0 means 500
	Poll   time.Duration
	Lease  time.Duration // how long a dead daemon keeps the others waiting; 0 means 5 s
	Closed func() bool   // says that no lease may be taken, as when the clock is wrong
}

// leaseName names the lease. It saves contention; it is not what keeps
// positions in order.
const leaseName = "intake"

// Stage is the intake of one daemon.
type Stage struct {
	o Options
	// Counters since the start, for metrics.
	Taken, Rejected, Duplicates, Settled, TooOld atomic.Int64
	drained                                      chan struct{}
	once                                         atomic.Bool
}

// New makes the stage; Run does the work.
func New(o Options) *Stage {
	if o.Batch == 0 {
		o.Batch = 500
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Lease == 0 {
		o.Lease = 5 * time.Second
	}
	return &Stage{o: o, drained: make(chan struct{})}
}

// Drained is closed once the inbox was found empty, by us or by the lease's
// holder: what stood in it at the start is in the log.
func (s *Stage) Drained() <-chan struct{} { return s.drained }

// Run works until ctx ends. It returns nil then; other errors do not end it,
// they are logged and tried again.
func (s *Stage) Run(ctx context.Context) error {
	inbox, stop := s.o.Store.Hints().Listen(store.TopicInbox)
	defer stop()
	var lease store.Lease
	defer func() {
		if lease.Term != 0 {
			release, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = s.o.Store.ReleaseLease(release, lease) // else it runs out by itself
		}
	}()
	var renewed time.Time
	var failing string
	for ctx.Err() == nil {
		wait := s.o.Poll
		err := s.lease(ctx, &lease, &renewed)
		if err == nil {
			wait, err = s.Round(ctx)
		}
		switch {
		case err == nil:
			failing = ""
		case errors.Is(err, store.ErrLeaseLost):
			s.watchDrained(ctx)
		case ctx.Err() == nil && err.Error() != failing:
			failing = err.Error()
			s.o.Log.Error("intake failed; trying again", "error", err)
		}
		if wait <= 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-inbox:
		case <-time.After(wait):
		}
	}
	return nil
}

func (s *Stage) lease(ctx context.Context, l *store.Lease, renewed *time.Time) error {
	if s.o.Closed != nil && s.o.Closed() {
		return store.ErrLeaseLost
	}
	now := s.o.Clock.Now()
	if l.Term != 0 && now.Sub(*renewed) < s.o.Lease/5 {
		return nil
	}
	got, err := s.o.Store.TakeLease(ctx, leaseName, s.o.Owner, s.o.Lease)
	if err != nil {
		*l = store.Lease{}
		return err
	}
	*l, *renewed = got, now
	return nil
}

// Round moves one batch and gives how long to wait before the next: nothing
// while there is more, else until the next publication settles, at most the
// poll interval.
func (s *Stage) Round(ctx context.Context) (time.Duration, error) {
	batch := s.o.Batch
	res, err := s.o.Store.Intake(ctx, s.o.Rules, batch)
	for err != nil && s.o.Store.Refused(err) && ctx.Err() == nil {
		// One row of the batch cannot be stored. Halve until it stands alone.
		if batch == 1 {
			if rerr := s.o.Store.RejectOldest(ctx, err); rerr != nil {
				return 0, rerr
			}
			s.Taken.Add(1)
			s.Rejected.Add(1)
			return 0, nil
		}
		batch /= 2
		res, err = s.o.Store.Intake(ctx, s.o.Rules, batch)
	}
	if err != nil {
		return s.o.Poll, err
	}
	s.Taken.Add(int64(res.Taken))
	s.Rejected.Add(int64(res.Rejected))
	s.Duplicates.Add(int64(res.Duplicates))
	s.Settled.Add(int64(res.Settled))
	s.TooOld.Add(int64(res.TooOld))
	if res.Rejected > 0 {
		s.o.Log.Warn("events were rejected; see `hearback event list --rejected`", "count", res.Rejected)
	}
	if res.TooOld > 0 {
		s.o.Log.Warn("comments were recorded but not mailed, because they are older than max_age", "count", res.TooOld)
	}
	if batch < s.o.Batch || res.Taken == batch || res.Settled == batch {
		return 0, nil
	}
	if s.once.CompareAndSwap(false, true) {
		close(s.drained)
	}
	wait := s.o.Poll
	if !res.Next.IsZero() {
		wait = min(wait, max(res.Next.Sub(s.o.Clock.Now()), time.Millisecond))
	}
	return wait, nil
}

// watchDrained looks at the inbox while another daemon works on it.
func (s *Stage) watchDrained(ctx context.Context) {
	if s.once.Load() {
		return
	}
	if n, _, err := s.o.Store.InboxDepth(ctx); err == nil && n == 0 && s.once.CompareAndSwap(false, true) {
		close(s.drained)
	}
}
