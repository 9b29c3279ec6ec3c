package store

import "sync"

// Topic names what was committed.
type Topic string

// The topics of hints.
const (
	TopicInbox   Topic = "inbox"   // events arrived
	TopicLog     Topic = "log"     // positions were given
	TopicMessage Topic = "message" // messages became due
)

// Hints wakes the next stage after a commit. A hint carries nothing and may be
// lost: every stage also polls. Safe for concurrent use.
type Hints struct {
	mu     sync.Mutex
	wait   map[Topic][]chan struct{}
	spread func(Topic) // tells other processes; nil when there are none
}

func newHints() *Hints { return &Hints{wait: map[Topic][]chan struct{}{}} }

// Hints gives the store's hints.
func (s *Store) Hints() *Hints { return s.hints }

// Listen gives a channel that receives after commits on a topic; several
// hints may fall into one. stop must be called in the end.
func (h *Hints) Listen(t Topic) (c <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	h.wait[t] = append(h.wait[t], ch)
	h.mu.Unlock()
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, c := range h.wait[t] {
			if c == ch {
				h.wait[t] = append(h.wait[t][:i], h.wait[t][i+1:]...)
				break
			}
		}
	}
}

// Hint wakes all that listen to the topic, here and, if other processes are
// told, there.
func (h *Hints) Hint(t Topic) {
	h.local(t)
	h.mu.Lock()
	spread := h.spread
	h.mu.Unlock()
	if spread != nil {
		spread(t)
	}
}

func (h *Hints) local(t Topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.wait[t] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (h *Hints) close() { h.spreadBy(nil) }
