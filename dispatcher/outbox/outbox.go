// Package outbox is the fourth stage of the line: it claims due messages,
// looks once more whether they still hold, composes them and hands them to a
// relay, and records what was really answered.
//
// One goroutine claims and checks, one per connection composes and sends, one
// records outcomes in batches. What was handed to a connection and is not yet
// recorded is in flight: at most one mail per connection and a batch of
// outcomes. A daemon that dies leaves its claimed messages to the others, who
// send them again under the same Message-ID.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

// Relay opens connections. [smtp.Relay] is one.
type Relay interface {
	Name() string
	Dial(ctx context.Context) (*smtp.Conn, error)
}

// Options of a [Stage].
type Options struct {
	Store       *store.Store
	Renderer    *render.Renderer
	Relay       Relay
	Connections int     // 0 means 16
	Rate        float64 // mails per second, 0 for no limit
	Letter      Letter  // what every mail of this installation carries
	Sites       map[string]dispatcher.Site
	Clock       dispatcher.Clock
	Log         *slog.Logger
	Host        string // names this daemon
	Batch       int    // messages per claim; 0 means 512
	Poll        time.Duration
	Lease       time.Duration // 0 means 30 s
	Closed      func() bool   // says that nothing may be claimed, as when the clock is wrong
	Retry       time.Duration // the first wait of a deferred message, the later ones grow with it; 0 means 30 s
	HoldUnknown bool          // unknown outcomes are held instead of sent once more
	Drain       time.Duration // how long a stop waits for mails at hand; 0 means 10 s
}

// fresh is how old the check of a message may be when the mail goes out.
const fresh = 2 * time.Second

// expiry is how long a deferred message is tried.
const expiry = 48 * time.Hour

// completion batch: outcomes are committed after this time, or sooner when
// this many per connection wait.
const (
	completeEvery = 20 * time.Millisecond
	completeBatch = 64
	// recordPatience is how long a stop waits for the database to take the last
	// outcomes.
	recordPatience = 5 * time.Second
)

// Stage is the outbox of one daemon for one relay.
type Stage struct {
	o       Options
	content *content
	limiter *rate.Limiter
	jobs    chan *job
	done    chan store.Completion
	worker  atomic.Int64
	until   atomic.Int64 // end of the worker's lease, Unix microseconds
	sw      atomic.Pointer[switches]
	trouble trouble

	inFlight atomic.Int64
	// Counters since the start, for metrics.
	Sent, Deferred, Failed, Unknown, Cancelled, Suppressed, Repeated, Lost atomic.Int64
	// Lags counts immediate mails by the time from their newest comment to the relay.
	Lags [store.LagBands]atomic.Int64
}

// job is one claimed message, checked at a time.
type job struct {
	m       dispatcher.Message
	to      store.Recipient
	items   []dispatcher.Item
	pieces  map[int64]piece
	dropped bool
	checked time.Time
}

// newest is when the newest comment of the mail became visible.
func (j *job) newest() time.Time {
	var at time.Time
	for _, p := range j.pieces {
		if p.comment != nil && p.comment.PublishedAt.After(at) {
			at = p.comment.PublishedAt
		}
	}
	return at
}

// New makes the stage; Run does the work.
func New(o Options) *Stage {
	if o.Connections == 0 {
		o.Connections = 16
	}
	if o.Batch == 0 {
		o.Batch = 512
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	if o.Retry == 0 {
		o.Retry = 30 * time.Second
	}
	if o.Drain == 0 {
		o.Drain = 10 * time.Second
	}
	limit := rate.Inf
	if o.Rate > 0 {
		limit = rate.Limit(o.Rate)
	}
	half := o.Connections * completeBatch / 2
	return &Stage{o: o, content: newContent(o.Store, o.Clock), limiter: rate.NewLimiter(limit, max(1, int(o.Rate/10))),
		jobs: make(chan *job, o.Batch), done: make(chan store.Completion, half)}
}

// InFlight is how many messages are handed to a connection, outcome not
// committed.
func (s *Stage) InFlight() int64 { return s.inFlight.Load() }

// Run sends until ctx ends, then lets the mails at hand finish within the
// drain time and gives back what is claimed. It returns nil.
func (s *Stage) Run(ctx context.Context) error { return s.run(ctx, s.claim) }

// Drain sends all that is due now and returns when it is done, for commands
// and tests. A stage runs or drains once.
func (s *Stage) Drain(ctx context.Context) error {
	var failed error
	err := s.run(ctx, func(ctx context.Context) {
		for n := 1; n > 0 && failed == nil && ctx.Err() == nil; {
			n, failed = s.claimOnce(ctx)
		}
	})
	return errors.Join(failed, err)
}

// run sends what feed claims; when feed returns, the rest is given time to
// finish.
func (s *Stage) run(ctx context.Context, feed func(context.Context)) error {
	defer s.retire(ctx)
	// Mails at hand go on after ctx ended; hard is the end of their patience.
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	// Outcomes are recorded even after that, for a while.
	last, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var senders, recorder, renewer sync.WaitGroup
	recorder.Add(1)
	go func() { defer recorder.Done(); s.record(last) }()
	renewer.Add(1)
	go func() { defer renewer.Done(); s.renew(ctx, hard) }()
	for range s.o.Connections {
		senders.Add(1)
		go func() { defer senders.Done(); s.send(ctx, hard) }()
	}
	feed(ctx)
	close(s.jobs)
	timer := time.AfterFunc(s.o.Drain, cut)
	senders.Wait()
	timer.Stop()
	close(s.done)
	timer = time.AfterFunc(recordPatience, end)
	recorder.Wait()
	timer.Stop()
	cut()
	renewer.Wait()
	return nil
}

// retire gives what is still claimed back, so that others need not wait for
// the lease to run out.
func (s *Stage) retire(ctx context.Context) {
	id := s.worker.Load()
	if id == 0 {
		return
	}
	c, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.o.Store.RetireWorker(c, id); err != nil {
		s.o.Log.Warn("claimed messages were not given back; their lease runs out by itself", "error", err)
	}
}

// renew keeps the worker's lease while mails may be at hand.
func (s *Stage) renew(ctx, hard context.Context) {
	tick := time.NewTicker(s.o.Lease / 6)
	defer tick.Stop()
	for {
		id := s.worker.Load()
		if id != 0 {
			until, err := s.o.Store.RenewWorker(hard, id, s.o.Lease)
			switch {
			case err == nil:
				s.until.Store(until.UnixMicro())
			case errors.Is(err, store.ErrLeaseLost):
				s.worker.CompareAndSwap(id, 0)
				s.o.Log.Warn("the outbox lost its lease; its messages go to another worker")
			case hard.Err() == nil:
				s.o.Log.Warn("the outbox could not renew its lease", "error", err)
			}
			if ctx.Err() == nil {
				s.reclaim(hard)
			}
		}
		select {
		case <-hard.Done():
			return
		case <-tick.C:
		}
	}
}

// reclaim makes the messages of dead daemons due again. By a clock that is
// wrong the living look dead, and their mails would go out twice.
func (s *Stage) reclaim(ctx context.Context) {
	if s.o.Closed != nil && s.o.Closed() {
		return
	}
	if n, err := s.o.Store.Reclaim(ctx); err == nil && n > 0 {
		s.Lost.Add(n)
		s.o.Log.Warn("messages of a daemon that died are due again", "count", n)
	}
}

// holdsLease says whether a mail may be started now.
func (s *Stage) holdsLease() bool {
	return s.worker.Load() != 0 && s.o.Clock.Now().UnixMicro() < s.until.Load()-(s.o.Lease/10).Microseconds()
}

// claim takes due messages, checks them and feeds the senders.
func (s *Stage) claim(ctx context.Context) {
	due, stop := s.o.Store.Hints().Listen(store.TopicMessage)
	defer stop()
	failing := ""
	for ctx.Err() == nil {
		n, err := s.claimOnce(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != failing {
			failing = err.Error()
			s.o.Log.Error("claiming messages failed; trying again", "error", err)
		} else if err == nil {
			failing = ""
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-due:
		case <-time.After(s.pause(ctx)):
		}
	}
}

// pause is how long to wait when nothing is due: the poll interval, or until
// the next message is.
func (s *Stage) pause(ctx context.Context) time.Duration {
	next, err := s.o.Store.NextDue(ctx)
	wait := next.Sub(s.o.Clock.Now())
	if err != nil || next.IsZero() || wait <= 0 { // what is due and was not claimed is on hold
		return s.o.Poll
	}
	return min(s.o.Poll, max(wait, 10*time.Millisecond))
}

func (s *Stage) claimOnce(ctx context.Context) (int, error) {
	if s.o.Closed != nil && s.o.Closed() {
		return 0, nil
	}
	if err := s.register(ctx); err != nil {
		return 0, err
	}
	sw, err := s.readSwitches(ctx)
	if err != nil {
		return 0, err
	}
	if sw.all || s.trouble.waiting(s.o.Clock.Now()) {
		return 0, nil
	}
	limit := min(s.o.Batch, cap(s.jobs)-len(s.jobs))
	if s.o.Rate > 0 {
		limit = min(limit, max(1, int(s.o.Rate)))
	}
	if limit < s.o.Batch/2 && len(s.jobs) > 0 { // a claim costs much the same for many as for few
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
		return 1, nil
	}
	ms, err := s.o.Store.Claim(ctx, s.worker.Load(), limit, sw.held)
	if errors.Is(err, store.ErrLeaseLost) {
		s.worker.Store(0)
		return 0, nil
	}
	if err != nil || len(ms) == 0 {
		return 0, err
	}
	jobs, err := s.check(ctx, ms)
	if err != nil {
		s.giveBack(ms)
		return 0, err
	}
	for _, j := range jobs {
		s.jobs <- j // the senders always take: at the end they give back
	}
	return len(ms), nil
}

func (s *Stage) register(ctx context.Context) error {
	if s.worker.Load() != 0 {
		return nil
	}
	until := s.o.Clock.Now().Add(s.o.Lease)
	id, err := s.o.Store.RegisterWorker(ctx, s.o.Host, s.o.Lease)
	if err != nil {
		return fmt.Errorf("register the outbox: %w", err)
	}
	s.until.Store(until.UnixMicro())
	s.worker.Store(id)
	return nil
}

// giveBack makes claimed messages due again without charging them.
func (s *Stage) giveBack(ms []dispatcher.Message) {
	for i := range ms {
		s.complete(store.Completion{Message: ms[i].ID, Owner: ms[i].Owner, State: dispatcher.StateDue, DueAt: s.o.Clock.Now().Add(s.o.Poll)})
	}
}

// complete hands an outcome to the recorder. It waits while too many outcomes
// wait for the database: that bounds what is in flight.
func (s *Stage) complete(c store.Completion) { s.done <- c }

// record commits outcomes in batches.
func (s *Stage) record(ctx context.Context) {
	var batch []store.Completion
	limit := s.o.Connections * completeBatch / 2
	open := true
	for open {
		c, ok := <-s.done
		if !ok {
			return
		}
		batch = append(batch[:0], c)
		deadline := time.NewTimer(completeEvery)
	gather:
		for len(batch) < limit {
			select {
			case c, ok = <-s.done:
				if !ok {
					open = false
					break gather
				}
				batch = append(batch, c)
			case <-deadline.C:
				break gather
			}
		}
		deadline.Stop()
		s.commit(ctx, batch)
	}
}

// commit records a batch, trying again until the database takes it or the stop
// is final: the mails are out, their outcome must not be lost.
func (s *Stage) commit(ctx context.Context, batch []store.Completion) {
	handed := 0
	for i := range batch {
		if batch[i].Attempt != nil {
			handed++
		}
	}
	defer s.inFlight.Add(-int64(handed))
	for try := 0; ; try++ {
		n, err := s.o.Store.Complete(ctx, batch)
		if err == nil {
			if n < len(batch) {
				s.o.Log.Warn("outcomes came too late: another worker has the messages", "count", len(batch)-n)
			}
			return
		}
		if ctx.Err() != nil {
			s.o.Log.Error("outcomes could not be recorded before the stop; the messages will be sent again", "count", len(batch), "error", err)
			return
		}
		if try == 0 {
			s.o.Log.Error("recording outcomes failed; trying again", "error", err)
		}
		wait := min(time.Duration(1<<min(try, 6))*50*time.Millisecond, 2*time.Second)
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)):
		}
	}
}
