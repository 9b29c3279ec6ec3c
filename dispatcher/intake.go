package dispatcher

import (
	"html"
	"strings"
	"time"
)

// Change is what an event did to a comment.
type Change int

// The changes. They may be combined.
const (
	ChangeNothing   Change = 0
	ChangeContent   Change = 1 << iota // readers see another text
	ChangePublished                    // became visible, first or again; settles next
	ChangeRemoved                      // is no longer visible
)

// Apply brings one event of a comment to its state, whichever door told of it:
// the later time wins. c is changed in place; a comment never heard of before
// comes with State "". Only comment events may be given.
func (c *Comment) Apply(e *Event) Change {
	unknown := c.State == ""
	at := e.Time.UTC().Truncate(time.Microsecond)
	if e.Type == CommentRemoved {
		if !unknown && at.Before(c.StateTime) {
			return ChangeNothing
		}
		was := c.State
		c.State, c.StateTime = Removed, at
		if was == Visible {
			c.Revision++
			return ChangeRemoved
		}
		return ChangeNothing
	}
	var ch Change
	switch {
	case unknown:
		c.State, c.StateTime, c.PublishedAt = Visible, at, at
		ch |= ChangePublished
	case c.State != Visible && e.Type == CommentPublished && at.After(c.StateTime):
		c.State, c.StateTime, c.PublishedAt = Visible, at, at
		ch |= ChangePublished
	case at.After(c.StateTime) && c.State == Visible:
		c.StateTime = at
	}
	return ch | c.applyContent(e, at, unknown)
}

func (c *Comment) applyContent(e *Event, at time.Time, first bool) Change {
	text, plain := e.Comment.HTML, false
	if text == "" {
		text, plain = e.Comment.Text, true
	}
	known := !first && c.HTML != "" // a tombstone has no text yet
	if known && at.Before(c.ContentTime) {
		return ChangeNothing
	}
	c.ContentTime = at
	same := known && plainText(c.HTML, c.Plain) == plainText(text, plain)
	if e.Comment.URL != "" {
		c.URL = e.Comment.URL
	}
	if a := e.Author; a != nil && (first || c.AuthorName == "") {
		c.AuthorID, c.AuthorName = a.ID, a.Name
	}
	if c.WrittenAt.IsZero() {
		if c.WrittenAt = e.Comment.WrittenAt.UTC(); e.Comment.WrittenAt.IsZero() {
			c.WrittenAt = at
		}
	}
	if same {
		return ChangeNothing
	}
	c.HTML, c.Plain = text, plain
	c.Revision++
	if known && c.State == Visible {
		c.EditedAt = at
		return ChangeContent
	}
	return ChangeNothing
}

// plainText gives the words of a comment for comparing: two doors may wrap the
// same text in other markup, which is no edit.
func plainText(s string, plain bool) string {
	if !plain {
		var b strings.Builder
		for {
			i := strings.IndexByte(s, '<')
			if i < 0 {
				b.WriteString(s)
				break
			}
			b.WriteString(s[:i])
			b.WriteByte(' ')
			j := strings.IndexByte(s[i:], '>')
			if j < 0 {
				break
			}
			s = s[i+j+1:]
		}
		s = html.UnescapeString(b.String())
	}
	return strings.Join(strings.Fields(s), " ")
}

// SettleAt is when a publication gets its position: readers have until then to
// mend their comment, moderators to remove it.
func SettleAt(arrival, event time.Time, settle time.Duration) time.Time {
	from := event
	if arrival.Before(event) {
		from = arrival
	}
	at := from.Add(settle)
	if at.Before(arrival) {
		return arrival
	}
	return at
}

// ParentWait is how long beyond its settling a publication waits for a parent
// that nobody has told of yet.
const ParentWait = time.Minute

// Unmailed says why a publication is recorded but mails nobody.
type Unmailed string

// Why a publication mails nobody.
const (
	UnmailedNot    Unmailed = ""
	UnmailedNotify Unmailed = "notify_false"
	UnmailedOld    Unmailed = "too_old" // the backfill guard
)
