package oracle

import (
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Ledger is the naive intake: the state of each comment, whichever door told
// of it, and the log of settled publications. Every machine without an intake
// of its own keeps one.
type Ledger struct {
	cfg      *Config
	comments []*Comment
	log      []*Publication
}

// Comment is one comment and its present state.
type Comment struct {
	Number   int64 // 1 for the first that was heard of
	Site, ID string
	Thread   string
	Parent   string
	AuthorID string
	Address  string // in lower case, "" when no event told
	Visible  bool

	told      bool // some event brought its content; a tombstone has none
	stateTime time.Time
	written   time.Time
	published time.Time
	settles   time.Time // zero when it does not wait for a position
	first     int64
}

// Publication is one position of the log.
type Publication struct {
	Position, First int64
	Comment         *Comment
	Above           []*Comment // nearest first, as known when it settled
	VisibleAt       time.Time
}

// NewLedger makes an empty one.
func NewLedger(cfg *Config) *Ledger { return &Ledger{cfg: cfg} }

// Head is the position given last.
func (l *Ledger) Head() int64 { return int64(len(l.log)) }

// Log lists what settled, in order. The caller must not change it.
func (l *Ledger) Log() []*Publication { return l.log }

// Find gives a comment by the site's id, or nil.
func (l *Ledger) Find(site, id string) *Comment {
	for _, c := range l.comments {
		if c.Site == site && c.ID == id {
			return c
		}
	}
	return nil
}

// Tell brings a comment's event to its state; other actions are passed over.
func (l *Ledger) Tell(now time.Time, do Action) {
	switch a := do.(type) {
	case Publish:
		c := l.know(a.Site, a.Comment)
		again := !c.Visible && (c.stateTime.IsZero() || a.Time.After(c.stateTime))
		if a.Time.After(c.stateTime) {
			c.stateTime = a.Time
		}
		c.tell(a.Thread, a.Parent, a.AuthorID, a.Email, a.Written, a.Time)
		if again {
			l.publish(c, now, a.Time, a.Silent)
		}
	case Edit:
		c := l.know(a.Site, a.Comment)
		unknown := c.stateTime.IsZero()
		if unknown || (c.Visible && a.Time.After(c.stateTime)) {
			c.stateTime = a.Time
		}
		c.tell(a.Thread, a.Parent, a.AuthorID, a.Email, time.Time{}, a.Time)
		if unknown {
			l.publish(c, now, a.Time, false)
		}
	case Remove:
		c := l.know(a.Site, a.Comment)
		if a.Time.Before(c.stateTime) {
			return
		}
		c.stateTime, c.Visible, c.settles = a.Time, false, time.Time{}
	}
}

func (l *Ledger) know(site, id string) *Comment {
	c := l.Find(site, id)
	if c == nil {
		c = &Comment{Number: int64(len(l.comments) + 1), Site: site, ID: id}
		l.comments = append(l.comments, c)
	}
	return c
}

func (c *Comment) tell(thread, parent, author, email string, written, at time.Time) {
	if c.told {
		return
	}
	c.told = true
	c.Thread, c.Parent, c.AuthorID, c.Address = thread, parent, author, strings.ToLower(email)
	if c.written = written; written.IsZero() {
		c.written = at
	}
}

func (l *Ledger) publish(c *Comment, now, at time.Time, silent bool) {
	c.Visible, c.published = true, at
	if silent || (l.cfg.MaxAge > 0 && now.Sub(c.written) > l.cfg.MaxAge) {
		return
	}
	// At max(arrival, min(event time, arrival) + settle).
	from := at
	if now.Before(from) {
		from = now
	}
	c.settles = from.Add(l.cfg.Settle)
	if c.settles.Before(now) {
		c.settles = now
	}
}

// Settle gives positions to the publications whose time has come, earliest
// first, and lists them.
func (l *Ledger) Settle(now time.Time) []*Publication {
	old := len(l.log)
	for {
		var next *Comment
		for _, c := range l.comments {
			if c.settles.IsZero() || c.settles.After(now) || l.waitsForParent(c, now) {
				continue
			}
			if next == nil || c.settles.Before(next.settles) {
				next = c
			}
		}
		if next == nil {
			return l.log[old:]
		}
		position := l.Head() + 1
		if next.first == 0 {
			next.first = position
		}
		next.settles = time.Time{}
		l.log = append(l.log, &Publication{Position: position, First: next.first, Comment: next, Above: l.above(next), VisibleAt: next.published})
	}
}

func (l *Ledger) waitsForParent(c *Comment, now time.Time) bool {
	if c.Parent == "" {
		return false
	}
	if p := l.Find(c.Site, c.Parent); p != nil {
		return false
	}
	return now.Before(c.settles.Add(dispatcher.ParentWait))
}

func (l *Ledger) above(c *Comment) []*Comment {
	var above []*Comment
	for c.Parent != "" && len(above) < 100 {
		if c = l.Find(c.Site, c.Parent); c == nil {
			break
		}
		above = append(above, c)
	}
	return above
}
