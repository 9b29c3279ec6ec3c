package store

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"
)

// notifyChannel carries hints between daemons. A payload is the topic and who
// sent it.
const notifyChannel = "hearback"

const (
	// notifyPause is the least time between two notifications of one topic.
	// PostgreSQL orders all commits that notify by one lock, so they are few,
	// never in a transaction that writes rows, and never one per event.
	notifyPause = 100 * time.Millisecond
	pingEvery   = time.Minute
	pingLimit   = 10 * time.Second
)

// Spread carries hints to the other daemons of a PostgreSQL database, and
// theirs to this one, until ctx ends; it returns nil then. Hints may be lost,
// as while the connection is away: then all topics are hinted once. On SQLite,
// where there is one daemon, it only waits.
func (s *Store) Spread(ctx context.Context) error {
	if s.d.name() != "postgres" {
		<-ctx.Done()
		return nil
	}
	sp := &spreader{s: s, me: rand.Text(), pending: map[Topic]bool{}, wake: make(chan struct{}, 1)}
	s.hints.spreadBy(sp.mark)
	defer s.hints.spreadBy(nil)
	var wg sync.WaitGroup
	wg.Go(func() { sp.send(ctx) })
	for ctx.Err() == nil {
		sp.listen(ctx)
	}
	wg.Wait()
	return nil
}

// spreadBy sets who tells other processes of hints; nil for nobody.
func (h *Hints) spreadBy(f func(Topic)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spread = f
}

type spreader struct {
	s    *Store
	me   string // tells our own notifications apart
	wake chan struct{}

	mu      sync.Mutex
	pending map[Topic]bool
}

// mark notes a hint to be sent; it never waits.
func (sp *spreader) mark(t Topic) {
	sp.mu.Lock()
	sp.pending[t] = true
	sp.mu.Unlock()
	select {
	case sp.wake <- struct{}{}:
	default:
	}
}

// send notifies of what was marked, at most once in each pause.
func (sp *spreader) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-sp.wake:
		}
		sp.mu.Lock()
		topics := sp.pending
		sp.pending = map[Topic]bool{}
		sp.mu.Unlock()
		for t := range topics {
			if _, err := sp.s.db.ExecContext(ctx, `SELECT pg_notify($1, $2)`, notifyChannel, string(t)+" "+sp.me); err != nil && ctx.Err() == nil {
				sp.s.log.Debug("a hint to other daemons was lost", "topic", t, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(notifyPause):
		}
	}
}

// listen passes the others' hints on until ctx ends or the connection hangs.
func (sp *spreader) listen(ctx context.Context) {
	l := pq.NewListener(sp.s.dsn, time.Second, 30*time.Second, nil)
	var calls sync.WaitGroup // Listen and Ping take no context and may block
	stuck := false
	defer func() {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = l.Close() // what it had to say was said
			calls.Wait()
		}()
		if stuck { // Close waits for a lock that a hanging Ping holds
			return
		}
		<-closed
	}()
	calls.Go(func() {
		if err := l.Listen(notifyChannel); err != nil && ctx.Err() == nil {
			sp.s.log.Debug("cannot listen for hints of other daemons", "error", err)
		}
	})
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case n, ok := <-l.NotificationChannel():
			if !ok {
				return
			}
			sp.heard(n)
		case <-tick.C:
			if !sp.answers(ctx, l, &calls) {
				stuck = ctx.Err() == nil
				return
			}
		}
	}
}

// answers says whether the listener's connection lives.
func (sp *spreader) answers(ctx context.Context, l *pq.Listener, calls *sync.WaitGroup) bool {
	pong := make(chan struct{})
	calls.Go(func() {
		defer close(pong)
		_ = l.Ping() // an error makes the listener connect anew by itself
	})
	select {
	case <-pong:
		return true
	case <-ctx.Done():
		return false
	case <-time.After(pingLimit):
		return false
	}
}

// heard passes a hint on; nil says that the connection was away, and hints
// with it.
func (sp *spreader) heard(n *pq.Notification) {
	if n == nil {
		for _, t := range []Topic{TopicInbox, TopicLog, TopicMessage} {
			sp.s.hints.local(t)
		}
		return
	}
	topic, from, _ := strings.Cut(n.Extra, " ")
	if from != sp.me {
		sp.s.hints.local(Topic(topic))
	}
}
