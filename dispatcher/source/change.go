package source

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// stage is what a round knows when it makes events.
type stage struct {
	kind, name, site string
	now              time.Time
	maxAge           time.Duration
	lastOK           time.Time // what was visible then had been seen
	attached         time.Time
	baseline         bool
	admit            Admit
	admitAt          time.Time
}

// finding is one comment with what becomes of it.
type finding struct {
	comment Comment
	prev    *Seen
	next    Seen
	verb    verb
	at      time.Time
	notify  bool
}

// verb is the kind of a change; none is only a new row in the ledger.
type verb string

const (
	none      verb = ""
	published verb = "published"
	edited    verb = "edited"
	removed   verb = "removed"
)

// find compares a comment with what was seen of it before. It gives false when
// there is nothing to write. wanted marks a comment that was looked up because
// another one names it as its parent.
func (s *stage) find(c Comment, prev *Seen, wanted bool) (finding, bool) {
	f := finding{comment: c, prev: prev}
	f.next = Seen{
		Comment: c.ID, Thread: c.Thread.ID, Parent: c.ParentID, State: c.State,
		WrittenAt: c.WrittenAt, CheckedAt: s.now,
	}
	if c.State == dispatcher.Visible {
		f.next.Hash = hashText(c.HTML, c.Text)
	}
	if prev != nil {
		f.next.Change, f.next.Time = prev.Change, prev.Time
		keep(&f.next, prev)
	}
	f.verb = s.verb(c, prev, f.next, wanted)
	if f.verb == none {
		changed := prev == nil && c.State == dispatcher.Held || prev != nil && prev.State != c.State
		stale := prev != nil && s.now.Sub(prev.CheckedAt) >= 24*time.Hour
		return f, changed || stale
	}
	f.at = s.at(f)
	f.notify = s.notify(f, wanted)
	f.next.Change++
	f.next.Time = f.at
	return f, true
}

// keep carries over what a bare "it is gone" does not tell.
func keep(next *Seen, prev *Seen) {
	if next.Thread == "" {
		next.Thread = prev.Thread
	}
	if next.WrittenAt.IsZero() {
		next.WrittenAt = prev.WrittenAt
	}
	if next.State != dispatcher.Visible {
		next.Hash, next.Parent = prev.Hash, prev.Parent
	}
}

func (s *stage) verb(c Comment, prev *Seen, next Seen, wanted bool) verb {
	was := dispatcher.Visibility("")
	if prev != nil {
		was = prev.State
	}
	switch {
	case c.State != dispatcher.Visible && was == dispatcher.Visible:
		return removed
	case c.State != dispatcher.Visible && was == "" && wanted:
		return removed // a tombstone, so that answers do not wait for it
	case c.State != dispatcher.Visible:
		return none
	case was != dispatcher.Visible:
		return published
	case prev.Hash != next.Hash:
		return edited
	case prev.Parent != next.Parent:
		return published // its parent was deleted and it moved up; the text is the same
	}
	return none
}

// at is the event's time: when the change became visible, never in the future
// and always later than the comment's last event, so that the later one wins.
func (s *stage) at(f finding) time.Time {
	at := s.now
	c := f.comment
	switch f.verb {
	case published:
		switch {
		case !c.PublishedAt.IsZero():
			at = c.PublishedAt
		case f.prev == nil && !c.WrittenAt.IsZero() && !c.WrittenAt.Before(s.lastOK):
			at = c.WrittenAt
			// Otherwise it was written before the last round and not visible
			// then: it became visible since, and now is the latest it can be.
		}
	case edited, removed:
		if !c.UpdatedAt.IsZero() {
			at = c.UpdatedAt
		}
	}
	if at.After(s.now) {
		at = s.now
	}
	if f.prev != nil && !at.After(f.prev.Time) {
		at = s.now
		if !at.After(f.prev.Time) {
			at = f.prev.Time.Add(time.Microsecond)
		}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// notify is the backfill guard for one comment.
func (s *stage) notify(f finding, wanted bool) bool {
	if f.verb != published {
		return true
	}
	written := f.comment.WrittenAt
	switch {
	case s.baseline:
		return false
	case s.now.Sub(written) > s.maxAge:
		return false
	case wanted && written.Before(s.attached):
		return false
	case s.admit == AdmitRecord && !written.After(s.admitAt):
		return false
	}
	return true
}

// news says that the comment would be mailed and was never told of before.
func (f *finding) news() bool {
	return f.verb == published && f.notify && f.next.Change == 1
}

// row makes the inbox row. The event's id is the same whenever the same change
// of the same comment is found again.
func (s *stage) row(f finding) (Row, error) {
	e := dispatcher.Event{
		ID:   s.eventID(f),
		Time: f.at,
		Site: s.site,
	}
	c := f.comment
	e.Comment = &dispatcher.EventComment{ID: c.ID, WrittenAt: c.WrittenAt}
	if f.next.Thread != "" {
		e.Thread = &dispatcher.EventThread{ID: f.next.Thread}
	}
	switch f.verb {
	case removed:
		e.Type = dispatcher.CommentRemoved
	case edited:
		e.Type = dispatcher.CommentEdited
	case published:
		e.Type = dispatcher.CommentPublished
	}
	if f.verb != removed {
		thread, author := c.Thread, c.Author
		e.Thread = &thread
		if author != (dispatcher.EventAuthor{}) {
			e.Author = &author
		}
		e.Comment.ParentID, e.Comment.URL = c.ParentID, c.URL
		e.Comment.HTML, e.Comment.Text = c.HTML, c.Text
	}
	if !f.notify {
		no := false
		e.Notify = &no
	}
	if err := e.Validate(); err != nil {
		return Row{}, fmt.Errorf("comment %s: %w", c.ID, err)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return Row{}, fmt.Errorf("comment %s: %w", c.ID, err)
	}
	if len(payload) > dispatcher.MaxPayload {
		return Row{}, fmt.Errorf("comment %s: its event has %d bytes, %d are allowed", c.ID, len(payload), dispatcher.MaxPayload)
	}
	return Row{Site: s.site, EventID: e.ID, Payload: payload}, nil
}

func (s *stage) eventID(f finding) string {
	id := fmt.Sprintf("%s:%s:%s:%d:%s", s.kind, s.name, f.comment.ID, f.next.Change, f.verb)
	if f.verb != removed {
		id += ":" + f.next.Hash
	}
	if len(id) > dispatcher.MaxID {
		id = s.kind + ":" + hashParts(id)
	}
	return id
}
