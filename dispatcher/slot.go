package dispatcher

import (
	"slices"
	"time"
)

// Slot is one logical firing of a schedule in one zone. Its window (From,
// Upto] of the log is stored with it.
type Slot struct {
	ID       int64
	Schedule string
	Zone     string    // "" for immediate
	At       time.Time // the logical instant
	Start    time.Time // the instant of the slot before it in the chain, for "since …"
	From     int64
	Upto     int64
	Holds    bool // opened for holds that came due, between regular firings
	OpenedAt time.Time
	DoneAt   time.Time // zero while in progress
	Cursor   SlotCursor
	Messages int
	Readers  int
	Held     int
}

// SlotCursor is how far a slot has come: all readers up to and including it
// were served.
type SlotCursor struct {
	Bucket     int
	Subscriber int64
}

// HoldReason says why a slot passed a reader over.
type HoldReason string

// The reasons of a hold.
const (
	HoldPause     HoldReason = "pause"
	HoldQuiet     HoldReason = "quiet_hours"
	HoldMinimum   HoldReason = "below_minimum"
	HoldStorm     HoldReason = "storm"
	HoldCap       HoldReason = "daily_cap"
	HoldChanged   HoldReason = "changed"   // cadence or zone just changed
	HoldConfirmed HoldReason = "confirmed" // confirmed later than asked for
)

// Hold is a reader whom a slot passed over, and until when. There is one per
// (subscriber, schedule, thread); Thread is zero except for storms.
type Hold struct {
	Subscriber int64
	Schedule   string
	Thread     int64
	From       int64 // its window reaches back to here
	NotBefore  time.Time
	Reason     HoldReason
	Since      time.Time // when it was first held, whatever the reason was then
}

// Wakes says whether the end of the hold opens a slot by itself; the others
// wait for the next regular slot, which the immediate schedule does not have.
// A hold below the minimum wakes because the schedule's next slot may be weeks
// beyond the days that such a reader may wait.
func (h *Hold) Wakes() bool {
	switch h.Reason {
	case HoldPause, HoldQuiet, HoldStorm, HoldCap, HoldMinimum:
		return true
	}
	return h.Schedule == Immediate
}

// Ready says whether a slot that runs at now serves the hold. A slot opened
// for holds serves only those that wake; a regular slot also asks again
// whether a reader below the minimum has reached it.
func (h *Hold) Ready(s *Slot, now time.Time) bool {
	due := !h.NotBefore.After(now)
	if s.Holds && h.Schedule != Immediate {
		return due && h.Wakes()
	}
	return due || h.Reason == HoldMinimum
}

// Recent is what a reader got lately on the immediate schedule.
type Recent struct {
	Day     int             // immediate mails in the last 24 hours
	Threads map[int64]Burst // those of the last hour
}

// Burst counts the immediate mails of one thread to one reader.
type Burst struct {
	Count int
	Last  time.Time
}

// Limits of the immediate schedule.
type Limits struct {
	StormMails  int           // this many mails in one thread …
	StormWithin time.Duration // … within this span, then the rest are held
	DailyCap    int           // immediate mails to one reader in 24 hours
}

// DefaultLimits are 5 mails an hour in one thread and 100 a day.
func DefaultLimits() Limits {
	return Limits{StormMails: 5, StormWithin: time.Hour, DailyCap: 100}
}

// Turn is one reader's turn in a slot: all that [Decide] looks at.
type Turn struct {
	Reader      Reader
	Schedule    *Schedule
	Slot        *Slot
	Zone        *time.Location // the reader's own
	Quiet       Quiet          // the reader's own
	PausedUntil time.Time
	Holds       []Hold // theirs on this schedule
	Recent      Recent // for immediate
	Limits      Limits
	Now         time.Time
}

// Draft is a message that [Decide] wants written.
type Draft struct {
	Kind   Kind
	Thread int64 // zero for digests
	Items  []Item
	More   int
	Storm  bool
	Since  time.Time
}

// Decision is the outcome of one reader's turn. Holds are written or
// overwritten, Ended ones deleted, in the transaction that writes the drafts.
type Decision struct {
	Drafts []Draft
	Holds  []Hold
	Ended  []Hold
}

// Decide serves one reader in one slot: what is mailed now, what is held until
// when, and which holds end. Pure, like [Select].
func Decide(t *Turn, w *Window) Decision {
	var d Decision
	from, since := t.Slot.From, t.Slot.Start
	var wide *Hold
	for i := range t.Holds {
		if h := &t.Holds[i]; h.Thread == 0 {
			wide = h
		}
	}
	switch {
	case wide != nil && !wide.Ready(t.Slot, t.Now):
		t.widen(&d, wide) // its window reaches to the slot that serves it
		return d
	case wide != nil:
		from = min(from, wide.From)
		if since.IsZero() || wide.Since.Before(since) {
			since = wide.Since
		}
	case t.Slot.Holds && t.Schedule.Name != Immediate:
		return d // opened for others
	}
	if reason, until := t.blocked(); reason != "" {
		if !t.ready() && len(Select(&t.Reader, w, from, t.Slot.Upto, 1, 0).Items) == 0 {
			return d // it has nothing to pass over
		}
		for i := range t.Holds {
			from = min(from, t.Holds[i].From)
		}
		if wide != nil && wide.Reason == HoldCap && reason == HoldQuiet {
			reason = HoldCap // the morning's one mail waits, and is not counted again
		}
		if sel := Select(&t.Reader, w, from, t.Slot.Upto, 1, 0); len(sel.Items) > 0 {
			d.Holds = append(d.Holds, t.hold(wide, 0, from, until, reason))
			d.endThreads(t)
		} else {
			d.Ended = append(d.Ended, t.Holds...)
		}
		return d
	}
	if t.Schedule.Name == Immediate {
		t.decideImmediate(&d, w, wide, from, since)
	} else {
		t.decideDigest(&d, w, wide, from, since)
	}
	return d
}

// ready says whether the slot serves any of the reader's holds.
func (t *Turn) ready() bool {
	return slices.ContainsFunc(t.Holds, func(h Hold) bool { return h.Ready(t.Slot, t.Now) })
}

// blocked says whether the reader hears nothing now, why and until when.
func (t *Turn) blocked() (HoldReason, time.Time) {
	if t.PausedUntil.After(t.Now) {
		return HoldPause, t.PausedUntil
	}
	if end, quiet := t.Quiet.Until(t.Now, t.Zone); quiet {
		return HoldQuiet, end
	}
	if end, quiet := t.Schedule.Quiet.Until(t.Now, t.Zone); quiet {
		return HoldQuiet, end
	}
	return "", time.Time{}
}

// widen lets a hold of the whole reader that stands swallow those of single
// threads: one of them that came due would open slot after slot for nothing.
func (t *Turn) widen(d *Decision, wide *Hold) {
	if len(t.Holds) == 1 {
		return
	}
	all := *wide
	for i := range t.Holds {
		all.From = min(all.From, t.Holds[i].From)
	}
	d.Holds = append(d.Holds, all)
	d.endThreads(t)
}

func (t *Turn) hold(old *Hold, thread, from int64, until time.Time, reason HoldReason) Hold {
	h := Hold{Subscriber: t.Reader.ID, Schedule: t.Schedule.Name, Thread: thread, From: from, NotBefore: until, Reason: reason, Since: t.Now}
	if old != nil {
		h.Since = old.Since
		h.From = min(h.From, old.From)
	}
	return h
}

func (t *Turn) decideDigest(d *Decision, w *Window, wide *Hold, from int64, since time.Time) {
	sel := Select(&t.Reader, w, from, t.Slot.Upto, t.maxItems(), 0)
	if len(sel.Items) == 0 {
		if wide != nil {
			d.Ended = append(d.Ended, *wide)
		}
		return
	}
	if n := len(sel.Items) + sel.More; n < t.Schedule.MinItems {
		h := t.hold(wide, 0, from, time.Time{}, HoldMinimum)
		if h.NotBefore = h.Since.Add(MinimumHold); h.NotBefore.After(t.Now) {
			d.Holds = append(d.Holds, h)
			return
		}
	}
	d.Drafts = append(d.Drafts, Draft{Kind: KindDigest, Items: sel.Items, More: sel.More, Since: since})
	if wide != nil {
		d.Ended = append(d.Ended, *wide)
	}
}

func (t *Turn) decideImmediate(d *Decision, w *Window, wide *Hold, from int64, since time.Time) {
	if wide != nil { // what was held for the whole reader goes out as one mail
		for i := range t.Holds {
			from = min(from, t.Holds[i].From)
		}
		sel := Select(&t.Reader, w, from, t.Slot.Upto, t.maxItems(), 0)
		// The cap's own hold is not asked again: the mails that made it may
		// be less than a day old at 08:00, and one mail was promised then.
		if len(sel.Items) > 0 && wide.Reason != HoldCap && t.Recent.Day >= t.Limits.DailyCap {
			d.Holds = append(d.Holds, t.hold(wide, 0, from, t.nextMorning(), HoldCap))
			d.endThreads(t)
			return
		}
		d.Ended = append(d.Ended, t.Holds...)
		if len(sel.Items) == 0 {
			return
		}
		draft := Draft{Kind: KindDigest, Items: sel.Items, More: sel.More, Since: since}
		if thread := oneThread(w, sel.Items); thread != 0 {
			draft.Kind, draft.Thread = KindReply, thread
		}
		d.Drafts = append(d.Drafts, draft)
		return
	}
	held := map[int64]*Hold{}
	for i := range t.Holds {
		held[t.Holds[i].Thread] = &t.Holds[i]
	}
	day := t.Recent.Day
	for _, thread := range t.movedThreads(w, from, held) {
		t.decideThread(d, w, thread, held[thread], &day)
	}
	d.foldThreads(t)
}

// endThreads ends the holds of single threads once the whole reader is held.
func (d *Decision) endThreads(t *Turn) {
	for i := range t.Holds {
		if t.Holds[i].Thread != 0 {
			d.Ended = append(d.Ended, t.Holds[i])
		}
	}
}

// foldThreads makes one hold of all when the daily cap came in this turn:
// the reader's hold reaches back as far as any thread's.
func (d *Decision) foldThreads(t *Turn) {
	i := slices.IndexFunc(d.Holds, func(h Hold) bool { return h.Thread == 0 })
	if i < 0 {
		return
	}
	all := d.Holds[i]
	for _, h := range d.Holds {
		all.From = min(all.From, h.From)
	}
	// Storm holds that stand go into it.
	ended := func(thread int64) bool {
		return slices.ContainsFunc(d.Ended, func(h Hold) bool { return h.Thread == thread })
	}
	for _, h := range t.Holds {
		if h.Thread != 0 && !ended(h.Thread) {
			all.From = min(all.From, h.From)
			d.Ended = append(d.Ended, h)
		}
	}
	d.Holds = []Hold{all}
}

// decideThread serves one thread of an immediate slot.
func (t *Turn) decideThread(d *Decision, w *Window, thread int64, storm *Hold, day *int) {
	from := t.Slot.From
	since := t.Slot.Start
	if storm != nil {
		if storm.NotBefore.After(t.Now) {
			return
		}
		from = min(from, storm.From)
		since = storm.Since
	}
	sel := Select(&t.Reader, w, from, t.Slot.Upto, t.maxItems(), thread)
	if len(sel.Items) == 0 {
		if storm != nil {
			d.Ended = append(d.Ended, *storm)
		}
		return
	}
	if *day >= t.Limits.DailyCap {
		d.Holds = append(d.Holds, t.hold(nil, 0, from, t.nextMorning(), HoldCap))
		return
	}
	if b := t.Recent.Threads[thread]; storm == nil && b.Count >= t.Limits.StormMails {
		h := t.hold(nil, thread, from, b.Last.Add(t.Limits.StormWithin), HoldStorm)
		if h.NotBefore.After(t.Now) {
			d.Holds = append(d.Holds, h)
			return
		}
	}
	*day++
	d.Drafts = append(d.Drafts, Draft{Kind: KindReply, Thread: thread, Items: sel.Items, More: sel.More, Storm: storm != nil, Since: since})
	if storm != nil {
		d.Ended = append(d.Ended, *storm)
	}
}

// movedThreads lists the threads that have something for the reader in the
// window, and those whose hold has come due, in log order. It looks at the
// whole window: a thread left out here would never be looked at again.
func (t *Turn) movedThreads(w *Window, from int64, held map[int64]*Hold) []int64 {
	var order []int64
	seen := map[int64]bool{}
	sel := Select(&t.Reader, w, from, t.Slot.Upto, w.Len(), 0)
	byPosition(sel.Items)
	for _, it := range sel.Items {
		if th := w.find(it.Position).Thread; !seen[th] {
			seen[th] = true
			order = append(order, th)
		}
	}
	for i := range t.Holds {
		th := t.Holds[i].Thread
		if th != 0 && !seen[th] && !held[th].NotBefore.After(t.Now) {
			seen[th] = true
			order = append(order, th)
		}
	}
	return order
}

func (t *Turn) maxItems() int {
	if t.Schedule.MaxItems > 0 {
		return t.Schedule.MaxItems
	}
	return DefaultMaxItems
}

// nextMorning is the reader's next 08:00.
func (t *Turn) nextMorning() time.Time {
	l := t.Now.In(t.Zone)
	at := WallTime(l.Year(), l.Month(), l.Day(), 8, 0, t.Zone)
	if !at.After(t.Now) {
		at = WallTime(l.Year(), l.Month(), l.Day()+1, 8, 0, t.Zone)
	}
	return at
}
