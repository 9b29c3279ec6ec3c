package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Defaults of a [Config] and of [Options].
const (
	DefaultMinInterval = 15 * time.Second
	DefaultMaxInterval = 5 * time.Minute
	DefaultMaxAge      = 14 * 24 * time.Hour
	DefaultJump        = 500
	DefaultPollTimeout = 2 * time.Minute
	DefaultTick        = time.Second
	DefaultLease       = 30 * time.Second
	PolledOnceLimit    = 60 * time.Second
)

// Config is one source to poll.
type Config struct {
	Name        string        // unique among the sources; letters, digits, - and _
	Kind        string        // the adapter's name, such as "wordpress"; begins the event ids
	Site        string        // the site that its comments belong to
	Source      Source        // the adapter
	MinInterval time.Duration // between rounds while people write
	MaxInterval time.Duration // between rounds while nobody does
	MaxAge      time.Duration // older comments are recorded and not mailed
	Jump        int           // new comments in one round that look like an accident; negative for never
}

// Options are what a [Poller] works with. Store, Ledger and Holder are needed;
// zero values of the others mean the defaults.
type Options struct {
	Store       Store
	Ledger      Ledger
	Holder      string // names this daemon, unique among all that ever run on the database
	Clock       dispatcher.Clock
	Log         *slog.Logger
	Hint        func() // called after new rows are in the inbox; must not block
	Rand        func() float64
	Tick        time.Duration // between looks at the stored states
	Lease       time.Duration // how long a dead daemon keeps others from polling
	PollTimeout time.Duration // for one call of a Source
	Closed      func() bool   // says that no round may begin by itself, as when the clock is wrong

	// Alarm tells the admin that a source needs a look, and what to do. It is
	// called outside all transactions and must not block for long.
	Alarm func(ctx context.Context, source, reason, mend string)
}

// Poller polls sources. Its methods are safe for concurrent use.
type Poller struct {
	Options
	sources map[string]*Config
	busy    map[string]chan struct{} // holds a token while nobody polls the source here
	once    chan struct{}            // closed when every source was polled once
	closing sync.Once
}

// errPaused ends a round of a source that an admin has paused meanwhile.
var errPaused = errors.New("the source was paused")

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}$`)

// New makes a Poller of the sources. It starts nothing.
func New(o Options, sources ...Config) (*Poller, error) {
	o.defaults()
	p := &Poller{
		Options: o, once: make(chan struct{}),
		sources: make(map[string]*Config), busy: make(map[string]chan struct{}),
	}
	for i, s := range sources {
		field := fmt.Sprintf("sources[%d]", i)
		switch {
		case !namePattern.MatchString(s.Name):
			return nil, dispatcher.Invalid(field+".name", "use up to 40 letters, digits, - and _", "%q cannot be a source's name", s.Name)
		case p.sources[s.Name] != nil:
			return nil, dispatcher.Invalid(field+".name", "give each source a name of its own", "there are two sources %q", s.Name)
		}
		s.defaults()
		if s.MaxInterval < s.MinInterval {
			return nil, dispatcher.Invalid(field+".interval_max", "make it at least interval_min", "%s is shorter than interval_min %s", s.MaxInterval, s.MinInterval)
		}
		p.sources[s.Name] = &s
		p.busy[s.Name] = make(chan struct{}, 1)
		p.busy[s.Name] <- struct{}{}
	}
	return p, nil
}

func (s *Config) defaults() {
	if s.MinInterval <= 0 {
		s.MinInterval = DefaultMinInterval
	}
	if s.MaxInterval <= 0 {
		s.MaxInterval = max(DefaultMaxInterval, s.MinInterval)
	}
	if s.MaxAge <= 0 {
		s.MaxAge = DefaultMaxAge
	}
	if s.Jump == 0 {
		s.Jump = DefaultJump
	}
}

func (o *Options) defaults() {
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Hint == nil {
		o.Hint = func() {}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Closed == nil {
		o.Closed = func() bool { return false }
	}
	if o.Alarm == nil {
		o.Alarm = func(context.Context, string, string, string) {}
	}
	for d, v := range map[*time.Duration]time.Duration{
		&o.Tick: DefaultTick, &o.Lease: DefaultLease, &o.PollTimeout: DefaultPollTimeout,
	} {
		if *d <= 0 {
			*d = v
		}
	}
}

// Run polls the sources when they are due until ctx ends, and returns nil then.
// A source that fails is tried again, for ever. Run is called once.
func (p *Poller) Run(ctx context.Context) error {
	started := p.Clock.Now()
	limit := time.AfterFunc(PolledOnceLimit, p.polledOnce)
	defer limit.Stop()
	var rounds sync.WaitGroup
	defer rounds.Wait()
	waits := map[string]time.Time{} // after a failure of our own database
	var mu sync.Mutex               // guards waits
	tick := time.NewTicker(p.Tick)
	defer tick.Stop()
	blind := false // the last look at the states failed
	for {
		states, err := p.states(ctx)
		if err != nil && ctx.Err() == nil && !blind {
			p.Log.ErrorContext(ctx, "the sources' states cannot be read; trying again", "err", err)
		}
		blind = err != nil
		now, left := p.Clock.Now(), 0
		for name, s := range p.sources {
			st := states[name]
			if err != nil || !polled(st, started, now) {
				left++
			}
			mu.Lock()
			wait := now.Before(waits[name])
			mu.Unlock()
			if err != nil || wait || p.Closed() || !due(st, started, now) {
				continue
			}
			select {
			case <-p.busy[name]:
			default:
				continue // a round is running
			}
			rounds.Go(func() {
				defer func() { p.busy[name] <- struct{}{} }()
				_, err := p.claimAndRun(ctx, s)
				p.report(ctx, name, err)
				var ours *storeError
				if errors.As(err, &ours) { // the stored state does not hold us back then
					mu.Lock()
					waits[name] = p.Clock.Now().Add(s.MinInterval)
					mu.Unlock()
				}
			})
		}
		if left == 0 {
			p.polledOnce()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// due says whether a round shall begin. At its start a daemon polls each
// source once, unless the source is being backed off from.
func due(st State, started, now time.Time) bool {
	switch {
	case st.Paused, now.Before(st.Until):
		return false
	case st.PollAsked.After(st.LastPoll), !now.Before(st.NextPoll):
		return true
	}
	return st.Errors == 0 && st.LastPoll.Before(started)
}

// polled says whether the source needs no round any more for [Poller.PolledOnce].
func polled(st State, started, now time.Time) bool {
	return st.Paused || !st.LastPoll.Before(started) || st.Errors > 0 && now.Before(st.NextPoll)
}

func (p *Poller) polledOnce() { p.closing.Do(func() { close(p.once) }) }

// PolledOnce is closed when every source was polled once since Run began, by
// whichever daemon, well or not, or is paused; at the latest after
// [PolledOnceLimit].
func (p *Poller) PolledOnce() <-chan struct{} { return p.once }

func (p *Poller) report(ctx context.Context, name string, err error) {
	switch {
	case err == nil, errors.Is(err, ErrLeased), errors.Is(err, errPaused), ctx.Err() != nil:
	default:
		p.Log.WarnContext(ctx, "polling a source failed; trying again later", "source", name, "err", err)
	}
}

func (p *Poller) states(ctx context.Context) (map[string]State, error) {
	rows, err := p.Store.States(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the sources' states: %w", err)
	}
	states := make(map[string]State, len(rows))
	for _, st := range rows {
		states[st.Source] = st
	}
	return states, nil
}
