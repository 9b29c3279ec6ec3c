package oracle

import (
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Action is what one step does. An action that makes no sense where it stands
// (a confirmation of nothing, an answer to a dropped step) does nothing, so
// that any step may be dropped from a history.
type Action interface{ action() }

// Publish is a comment.published event. Two doors may tell of one comment.
type Publish struct {
	Site, Comment, Thread, Parent string
	AuthorID, Email               string // both empty: an unknown guest
	Text                          string
	Time                          time.Time // became visible
	Written                       time.Time // zero: at Time
	Silent                        bool      // notify:false
}

// Edit is a comment.edited event.
type Edit struct {
	Site, Comment, Thread, Parent string
	AuthorID, Email               string
	Text                          string
	Time                          time.Time
}

// Remove is a comment.removed event.
type Remove struct {
	Site, Comment, Thread string
	Time                  time.Time
}

// Subscribe asks for a subscription: pending while the reader's address is not
// confirmed, live at once afterwards. While one for the same target (type and
// id) is pending or live it only sets depth and cadence; one that ended begins
// anew.
type Subscribe struct {
	Reader   string
	Target   dispatcher.Target
	Schedule string
}

// Confirm confirms the reader's address. Pending subscriptions asked for within
// the confirm window begin; older ones lapse.
type Confirm struct{ Reader string }

// End ends the pending or live subscription for the target.
type End struct {
	Reader string
	Target dispatcher.Target
}

// SetMute mutes a thread or an author, or lifts that.
type SetMute struct {
	Reader string
	Target dispatcher.Target
	Off    bool
}

// SetCadence moves one subscription to another schedule.
type SetCadence struct {
	Reader   string
	Target   dispatcher.Target
	Schedule string
}

// SetZone changes the reader's zone; "" is the site's.
type SetZone struct{ Reader, Zone string }

// SetPause pauses the reader until an instant, or longer or shorter than
// before. A zero Until lifts the pause.
type SetPause struct {
	Reader string
	Until  time.Time
}

// SetQuiet sets the reader's quiet hours.
type SetQuiet struct {
	Reader string
	Quiet  dispatcher.Quiet
}

// Read is a thread.read event: what became visible until Time was seen.
type Read struct {
	Reader, Thread string
	Time           time.Time
}

// Link replaces the author ids under which the reader writes.
type Link struct {
	Reader    string
	AuthorIDs []string
}

// Fire opens one regular slot on a chain, now. Merged counts the firings that
// it stands for beyond itself; it changes nothing about who gets what.
type Fire struct {
	Schedule, Zone string
	Merged         int
}

// Send sends all mail that is due, after checking it again.
type Send struct{}

// Restart stops and starts the machine.
type Restart struct{}

// Pass lets time pass.
type Pass struct{}

func (Publish) action()    {}
func (Edit) action()       {}
func (Remove) action()     {}
func (Subscribe) action()  {}
func (Confirm) action()    {}
func (End) action()        {}
func (SetMute) action()    {}
func (SetCadence) action() {}
func (SetZone) action()    {}
func (SetPause) action()   {}
func (SetQuiet) action()   {}
func (Read) action()       {}
func (Link) action()       {}
func (Fire) action()       {}
func (Send) action()       {}
func (Restart) action()    {}
func (Pass) action()       {}

// Event gives the event that tells of step n of the history at a door, or
// false for what no event tells of (confirmations, slots, sending). Its id is
// unique within the history.
func (h *History) Event(n int) (dispatcher.Event, bool) {
	s := h.Steps[n]
	e := dispatcher.Event{ID: fmt.Sprintf("step-%d-%d", h.Seed, n), Time: s.At}
	switch a := s.Do.(type) {
	case Publish:
		e.Type, e.Site, e.Time = dispatcher.CommentPublished, a.Site, a.Time
		e.Thread = &dispatcher.EventThread{ID: a.Thread}
		e.Comment = &dispatcher.EventComment{ID: a.Comment, ParentID: a.Parent, Text: a.Text, WrittenAt: a.Written}
		e.Author = &dispatcher.EventAuthor{ID: a.AuthorID, Email: a.Email, Name: "somebody"}
		if a.Silent {
			e.Notify = new(bool)
		}
	case Edit:
		e.Type, e.Site, e.Time = dispatcher.CommentEdited, a.Site, a.Time
		e.Thread = &dispatcher.EventThread{ID: a.Thread}
		e.Comment = &dispatcher.EventComment{ID: a.Comment, ParentID: a.Parent, Text: a.Text}
		e.Author = &dispatcher.EventAuthor{ID: a.AuthorID, Email: a.Email, Name: "somebody"}
	case Remove:
		e.Type, e.Site, e.Time = dispatcher.CommentRemoved, a.Site, a.Time
		e.Thread = &dispatcher.EventThread{ID: a.Thread}
		e.Comment = &dispatcher.EventComment{ID: a.Comment}
	case Read:
		e.Type, e.Reader, e.Time = dispatcher.ThreadRead, a.Reader, a.Time
		e.Thread = &dispatcher.EventThread{ID: a.Thread}
	case Subscribe:
		return h.subscription(e, dispatcher.SubscriptionSet, a.Reader, dispatcher.EventSubscription{Target: a.Target, Schedule: a.Schedule})
	case SetCadence:
		return h.subscription(e, dispatcher.SubscriptionSet, a.Reader, dispatcher.EventSubscription{Target: a.Target, Schedule: a.Schedule})
	case End:
		return h.subscription(e, dispatcher.SubscriptionEnded, a.Reader, dispatcher.EventSubscription{Target: a.Target})
	case SetMute:
		typ := dispatcher.SubscriptionSet
		if a.Off {
			typ = dispatcher.SubscriptionEnded
		}
		return h.subscription(e, typ, a.Reader, dispatcher.EventSubscription{Target: a.Target, Mute: true})
	case SetZone:
		e.Subscriber = &dispatcher.EventSubscriber{Zone: &a.Zone}
		return h.subscriber(e, a.Reader)
	case SetPause:
		till := ""
		if !a.Until.IsZero() {
			till = a.Until.Format(time.RFC3339)
		}
		e.Subscriber = &dispatcher.EventSubscriber{PausedTill: &till}
		return h.subscriber(e, a.Reader)
	case SetQuiet:
		quiet := a.Quiet.String()
		e.Subscriber = &dispatcher.EventSubscriber{QuietHours: &quiet}
		return h.subscriber(e, a.Reader)
	case Link:
		e.Subscriber = &dispatcher.EventSubscriber{AuthorIDs: &a.AuthorIDs}
		return h.subscriber(e, a.Reader)
	default:
		return e, false
	}
	if e.Site == "" {
		e.Site = h.siteOf(e.Reader)
	}
	return e, true
}

func (h *History) subscription(e dispatcher.Event, typ dispatcher.EventType, reader string, s dispatcher.EventSubscription) (dispatcher.Event, bool) {
	s.Subscriber = reader
	e.Type, e.Site, e.Subscription = typ, h.siteOf(reader), &s
	return e, true
}

func (h *History) subscriber(e dispatcher.Event, reader string) (dispatcher.Event, bool) {
	e.Type, e.Site, e.Subscriber.ID = dispatcher.SubscriberSet, h.siteOf(reader), reader
	return e, true
}

func (h *History) siteOf(reader string) string {
	for _, r := range h.Config.Readers {
		if r.ID == reader {
			return r.Site
		}
	}
	return ""
}
