package schedule

import (
	"sort"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Grace is how late a firing may be noticed and still count as live rather than
// missed.
const Grace = time.Minute

// Chain is the row of slots that one schedule has in one zone. Last is all that
// must be stored of it.
type Chain struct {
	Spec    *Spec
	Zone    *time.Location
	Misfire dispatcher.Misfire
	CatchUp time.Duration // how late a missed slot may still be made up
	Last    time.Time     // instant of the last slot, opened or skipped; zero for a chain without a past
}

// Action says what to do with a chain now.
type Action int

// The actions.
const (
	Wait  Action = iota // nothing is due
	Open                // open the slot, it is live
	Merge               // open one slot for all that was missed
	Skip                // record the instant as the chain's last and open nothing; the next slot gets its events
)

// String names the action.
func (a Action) String() string {
	switch a {
	case Open:
		return "open"
	case Merge:
		return "merge"
	case Skip:
		return "skip"
	default:
		return "wait"
	}
}

// Firing is the answer of [Chain.Due]. All instants are in UTC.
type Firing struct {
	Action Action
	First  time.Time // the earliest firing it stands for; At unless some were missed; zero for Wait
	At     time.Time // the slot's instant, which becomes the chain's last; zero for Wait
	Next   time.Time // the first firing after now; zero if there is none
}

// Due says what to do with the chain now. It looks at the firings after Last and
// not after now:
//
//   - none: Wait. So it is too while Last is in the future, after a clock was put back.
//   - the latest is at most [Grace] old: Open it, or, if others before it were
//     missed and the policy is merge with a catch-up, Merge them into it;
//   - the policy is merge and the latest is at most CatchUp old: Merge into it;
//   - otherwise Skip to the latest. Its events go to the next slot.
//
// A chain without a past begins with a Skip to the firing before now, which is
// the same instant for all daemons that ask before the next one; a caller may as
// well store the time the schedule was made as Last.
//
// The cost does not depend on how long ago Last is: a few dozen steps for a day
// or a decade.
func (c Chain) Due(now time.Time) Firing {
	next := c.Spec.Next(now, c.Zone)
	if c.Last.IsZero() {
		return c.begin(now, next)
	}
	first := c.Spec.Next(c.Last, c.Zone)
	if first.IsZero() || first.After(now) {
		return Firing{Action: Wait, Next: first}
	}
	latest := c.latest(first, now)
	f := Firing{Action: Skip, First: first, At: latest, Next: next}
	late := now.Sub(latest)
	merges := c.Misfire == dispatcher.MisfireMerge && c.CatchUp > 0
	switch {
	case late <= Grace && (latest.Equal(first) || !merges):
		f.Action = Open
	case late <= Grace || merges && late <= c.CatchUp:
		f.Action = Merge
	}
	return f
}

// begin gives a chain its first instant: the last firing not after now. A spec
// fires at least once in eight years, around 2100.
func (c Chain) begin(now, next time.Time) Firing {
	first := c.Spec.Next(now.AddDate(-9, 0, 0), c.Zone)
	if first.IsZero() || first.After(now) {
		return Firing{Action: Wait, Next: next}
	}
	at := c.latest(first, now)
	return Firing{Action: Skip, First: at, At: at, Next: next}
}

// latest gives the last firing not after now, which first is one of. Firings lie
// on whole seconds, and "one is still to come before now" turns from true to false
// at the one sought: so it is found by halving.
func (c Chain) latest(first, now time.Time) time.Time {
	if c.Spec.Next(first, c.Zone).After(now) {
		return first
	}
	span := int(now.Unix() - first.Unix())
	ahead := sort.Search(span, func(i int) bool {
		next := c.Spec.Next(first.Add(time.Duration(i)*time.Second), c.Zone)
		return next.IsZero() || next.After(now)
	})
	return first.Add(time.Duration(ahead) * time.Second)
}
