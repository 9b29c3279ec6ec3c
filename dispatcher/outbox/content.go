package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// content keeps the comments and threads that mails are made of. What changed
// is asked for by number, in commit order, so nothing stale is shown longer
// than a refresh is old. Bounded in bytes. Safe for concurrent use.
type content struct {
	store *store.Store
	clock dispatcher.Clock

	mu       sync.RWMutex
	comments map[int64]*dispatcher.Comment
	threads  map[int64]*dispatcher.Thread
	bytes    int
	change   int64
	read     time.Time
	started  bool
}

const (
	contentBytes   = 8 << 20
	contentRefresh = 500 * time.Millisecond
	changedLimit   = 5000
)

func newContent(s *store.Store, clock dispatcher.Clock) *content {
	return &content{store: s, clock: clock, comments: map[int64]*dispatcher.Comment{}, threads: map[int64]*dispatcher.Thread{}}
}

// refresh drops what changed since the last look, if that was a while ago.
func (c *content) refresh(ctx context.Context, now time.Time) error {
	c.mu.RLock()
	recent := c.started && now.Sub(c.read) < contentRefresh
	after := c.change
	c.mu.RUnlock()
	if recent {
		return nil
	}
	ch, err := c.store.Changed(ctx, after, changedLimit)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.All {
		c.clear()
	}
	for _, id := range ch.Comments {
		c.drop(id)
	}
	for _, id := range ch.Threads {
		delete(c.threads, id)
	}
	c.change, c.read, c.started = ch.Upto, now, true
	return nil
}

func (c *content) clear() {
	clear(c.comments)
	clear(c.threads)
	c.bytes = 0
}

func (c *content) drop(id int64) {
	if old := c.comments[id]; old != nil {
		c.bytes -= size(old)
		delete(c.comments, id)
	}
}

func size(m *dispatcher.Comment) int { return len(m.HTML) + len(m.URL) + 400 }

// piece is one comment with what stands around it, as one look saw them.
type piece struct {
	comment *dispatcher.Comment
	parent  *dispatcher.Comment
	thread  *dispatcher.Thread
}

// visible says whether the comment may be shown.
func (p piece) visible() bool {
	return p.comment != nil && p.comment.State == dispatcher.Visible && p.thread != nil && p.thread.RemovedAt.IsZero()
}

// pieces gives the comments with their parents and threads. A comment that
// does not exist is missing from the map. The rows are shared and never change.
func (c *content) pieces(ctx context.Context, ids []int64) (map[int64]piece, error) {
	out := make(map[int64]piece, len(ids))
	var missing []int64
	c.mu.RLock()
	change := c.change
	for _, id := range ids {
		if _, ok := out[id]; ok {
			continue
		}
		p, ok := c.piece(id)
		if !ok {
			missing = append(missing, id)
		}
		out[id] = p
	}
	c.mu.RUnlock()
	if len(missing) == 0 {
		return out, nil
	}
	comments, threads, err := c.store.Content(ctx, missing)
	if err != nil {
		return nil, err
	}
	for _, id := range missing {
		m, ok := comments[id]
		if !ok {
			delete(out, id)
			continue
		}
		p := piece{comment: &m}
		if parent, ok := comments[m.Parent]; ok {
			p.parent = &parent
		}
		if t, ok := threads[m.Thread]; ok {
			p.thread = &t
		}
		out[id] = p
	}
	c.keep(comments, threads, change)
	return out, nil
}

// piece gives a comment that is at hand with all that belongs to it.
func (c *content) piece(id int64) (piece, bool) {
	m := c.comments[id]
	if m == nil {
		return piece{}, false
	}
	p := piece{comment: m, parent: c.comments[m.Parent], thread: c.threads[m.Thread]}
	return p, p.thread != nil && (m.Parent == 0 || p.parent != nil)
}

// keep stores what was read while the change number was change. When it moved
// meanwhile the rows may be older than what was dropped: they are not kept.
func (c *content) keep(comments map[int64]dispatcher.Comment, threads map[int64]dispatcher.Thread, change int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change != change {
		return
	}
	if c.bytes > contentBytes {
		c.clear()
	}
	for id, m := range comments {
		c.drop(id)
		c.comments[id] = &m
		c.bytes += size(&m)
	}
	for id, t := range threads {
		c.threads[id] = &t
	}
}
