package dispatcher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// turnAt is a reader's turn in the slot (10, 20] of a schedule; they follow the
// whole site.
func turnAt(schedule, now string) *dispatcher.Turn {
	return &dispatcher.Turn{
		Reader:   reader(follows(dispatcher.TargetSite, "", 0)),
		Schedule: &dispatcher.Schedule{Name: schedule},
		Slot:     &dispatcher.Slot{Schedule: schedule, From: 10, Upto: 20, At: at(now), Start: at(now).Add(-24 * time.Hour)},
		Zone:     time.UTC,
		Recent:   dispatcher.Recent{Threads: map[int64]dispatcher.Burst{}},
		Limits:   dispatcher.DefaultLimits(),
		Now:      at(now),
	}
}

func (h holder) on(schedule string) dispatcher.Hold {
	return dispatcher.Hold{Subscriber: 7, Schedule: schedule, Thread: h.thread, From: h.from, NotBefore: at(h.until), Reason: h.reason, Since: at(h.since)}
}

type holder struct {
	thread, from int64
	until, since string
	reason       dispatcher.HoldReason
}

func positions(items []dispatcher.Item) []int64 {
	var p []int64
	for _, it := range items {
		p = append(p, it.Position)
	}
	return p
}

// between is a window with one comment of thread 1 at each of the positions.
func between(at ...int64) *dispatcher.Window {
	var all []said
	for _, p := range at {
		all = append(all, said{position: p})
	}
	return windowOf(all...)
}

func TestADigestCarriesItsWindowAndNoMoreThanItsCap(t *testing.T) {
	turn := turnAt("daily", "2026-06-01 08:00")
	turn.Schedule.MaxItems = 2
	d := dispatcher.Decide(turn, between(9, 11, 12, 20, 21))
	if len(d.Drafts) != 1 || len(d.Holds)+len(d.Ended) != 0 {
		t.Fatalf("%+v", d)
	}
	x := d.Drafts[0]
	if x.Kind != dispatcher.KindDigest || x.Thread != 0 || x.More != 1 || !slices.Equal(positions(x.Items), []int64{20, 12}) || !x.Since.Equal(turn.Slot.Start) {
		t.Errorf("%+v", x)
	}
	if d := dispatcher.Decide(turn, between(9, 21)); len(d.Drafts) != 0 {
		t.Errorf("an empty digest is sent: %+v", d)
	}
}

func TestWhoeverIsPausedOrQuietIsHeldUntilItEndsIfThereIsAnything(t *testing.T) {
	night := dispatcher.Quiet{From: 22 * 60, To: 7 * 60}
	for _, c := range []struct {
		name   string
		now    string
		set    func(*dispatcher.Turn)
		until  string
		reason dispatcher.HoldReason
	}{
		{"paused", "2026-06-01 08:00", func(t *dispatcher.Turn) { t.PausedUntil = at("2026-06-09 12:34") }, "2026-06-09 12:34", dispatcher.HoldPause},
		{"a pause that ends now is over", "2026-06-01 08:00", func(t *dispatcher.Turn) { t.PausedUntil = t.Now }, "", ""},
		{"quiet before midnight", "2026-06-01 22:00", func(t *dispatcher.Turn) { t.Quiet = night }, "2026-06-02 07:00", dispatcher.HoldQuiet},
		{"quiet after midnight", "2026-06-02 06:59", func(t *dispatcher.Turn) { t.Quiet = night }, "2026-06-02 07:00", dispatcher.HoldQuiet},
		{"quiet is over", "2026-06-02 07:00", func(t *dispatcher.Turn) { t.Quiet = night }, "", ""},
		{"not quiet yet", "2026-06-01 21:59", func(t *dispatcher.Turn) { t.Quiet = night }, "", ""},
		{"the schedule is quiet", "2026-06-01 23:00", func(t *dispatcher.Turn) { t.Schedule.Quiet = night }, "2026-06-02 07:00", dispatcher.HoldQuiet},
		{"paused and quiet", "2026-06-01 23:00", func(t *dispatcher.Turn) { t.Quiet, t.PausedUntil = night, at("2026-06-01 23:30") }, "2026-06-01 23:30", dispatcher.HoldPause},
		{"quiet in the reader's zone", "2026-06-01 20:30", func(x *dispatcher.Turn) { x.Quiet, x.Zone = night, berlin(t) }, "2026-06-02 05:00", dispatcher.HoldQuiet},
		{"the night that is an hour shorter", "2026-03-28 22:00", func(x *dispatcher.Turn) { x.Quiet, x.Zone = night, berlin(t) }, "2026-03-29 05:00", dispatcher.HoldQuiet},
		{"the night that is an hour longer", "2026-10-24 22:00", func(x *dispatcher.Turn) { x.Quiet, x.Zone = night, berlin(t) }, "2026-10-25 06:00", dispatcher.HoldQuiet},
	} {
		for _, schedule := range []string{"daily", dispatcher.Immediate} {
			t.Run(c.name+" on "+schedule, func(t *testing.T) {
				turn := turnAt(schedule, c.now)
				c.set(turn)
				d := dispatcher.Decide(turn, between(12))
				if c.reason == "" {
					if len(d.Drafts) != 1 || len(d.Holds) != 0 {
						t.Errorf("%+v", d)
					}
					return
				}
				if len(d.Drafts) != 0 || len(d.Holds) != 1 {
					t.Fatalf("%+v", d)
				}
				if h := d.Holds[0]; h.Reason != c.reason || !h.NotBefore.Equal(at(c.until)) || h.From != 10 || h.Thread != 0 || !h.Wakes() || !h.Since.Equal(turn.Now) {
					t.Errorf("%+v", h)
				}
				if d := dispatcher.Decide(turn, between(9)); len(d.Drafts)+len(d.Holds)+len(d.Ended) != 0 {
					t.Errorf("held for nothing: %+v", d)
				}
			})
		}
	}
}

func TestAPauseEndsInOneCatchUpThatReachesBackToWhatWasPassedOver(t *testing.T) {
	for _, schedule := range []string{"daily", dispatcher.Immediate} {
		turn := turnAt(schedule, "2026-06-09 12:00")
		turn.Slot.From, turn.Slot.Holds = 20, true
		h := holder{from: 3, until: "2026-06-09 12:00", since: "2026-06-01 08:00", reason: dispatcher.HoldPause}.on(schedule)
		turn.Holds = []dispatcher.Hold{h}
		d := dispatcher.Decide(turn, windowOf(said{position: 2}, said{position: 4}, said{position: 15, thread: 2}))
		if len(d.Drafts) != 1 || len(d.Holds) != 0 || !slices.Equal(d.Ended, []dispatcher.Hold{h}) {
			t.Fatalf("%s: %+v", schedule, d)
		}
		if x := d.Drafts[0]; !slices.Equal(positions(x.Items), []int64{15, 4}) || x.Kind != dispatcher.KindDigest || !x.Since.Equal(at("2026-06-01 08:00")) {
			t.Errorf("%s: %+v", schedule, x)
		}
		if d := dispatcher.Decide(turn, between(2)); len(d.Drafts)+len(d.Holds) != 0 || len(d.Ended) != 1 {
			t.Errorf("%s: a hold with nothing left to say does not end: %+v", schedule, d)
		}
		turn.PausedUntil = at("2026-06-20 00:00") // extended meanwhile
		d = dispatcher.Decide(turn, between(4))
		if len(d.Drafts)+len(d.Ended) != 0 || len(d.Holds) != 1 || d.Holds[0].From != 3 || !d.Holds[0].NotBefore.Equal(turn.PausedUntil) || !d.Holds[0].Since.Equal(h.Since) {
			t.Errorf("%s: %+v", schedule, d)
		}
	}
}

func TestAHoldThatIsNotDueIsLeftAloneAndASlotForHoldsServesNobodyElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		holds  []holder
		slot   bool // opened for holds
		served bool
	}{
		{"no hold, regular", nil, false, true},
		{"no hold, for others", nil, true, false},
		{"paused further, regular", []holder{{from: 3, until: "2026-06-02 00:00", reason: dispatcher.HoldPause}}, false, false},
		{"paused further, for others", []holder{{from: 3, until: "2026-06-02 00:00", reason: dispatcher.HoldPause}}, true, false},
		{"due, regular", []holder{{from: 3, until: "2026-06-01 08:00", reason: dispatcher.HoldQuiet}}, false, true},
		{"due, for holds", []holder{{from: 3, until: "2026-06-01 08:00", reason: dispatcher.HoldQuiet}}, true, true},
		{"changed, regular", []holder{{from: 3, until: "2026-06-01 07:00", reason: dispatcher.HoldChanged}}, false, true},
		{"changed, for others", []holder{{from: 3, until: "2026-06-01 07:00", reason: dispatcher.HoldChanged}}, true, false},
		{"confirmed, regular", []holder{{from: 3, until: "2026-06-01 07:00", reason: dispatcher.HoldConfirmed}}, false, true},
		{"confirmed, for others", []holder{{from: 3, until: "2026-06-01 07:00", reason: dispatcher.HoldConfirmed}}, true, false},
		{"below the minimum, regular", []holder{{from: 3, until: "2026-06-05 07:00", reason: dispatcher.HoldMinimum}}, false, true},
		{"below the minimum, for others", []holder{{from: 3, until: "2026-06-05 07:00", reason: dispatcher.HoldMinimum}}, true, false},
		{"below the minimum for a week", []holder{{from: 3, until: "2026-06-01 07:00", reason: dispatcher.HoldMinimum}}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			turn := turnAt("daily", "2026-06-01 08:00")
			turn.Slot.Holds = c.slot
			w := between(12)
			for _, h := range c.holds {
				h.since = "2026-05-28 08:00"
				turn.Holds = append(turn.Holds, h.on("daily"))
				w = between(4, 12)
			}
			d := dispatcher.Decide(turn, w)
			if c.served != (len(d.Drafts) == 1) || (!c.served && len(d.Holds)+len(d.Ended) != 0) {
				t.Errorf("%+v", d)
			}
			if c.served && len(d.Ended) != len(c.holds) {
				t.Errorf("the hold does not end: %+v", d)
			}
		})
	}
}

func TestBelowTheMinimumAReaderWaitsAtMostSevenDays(t *testing.T) {
	turn := turnAt("weekly", "2026-06-01 08:00")
	turn.Schedule.MinItems = 3
	d := dispatcher.Decide(turn, between(11, 12))
	if len(d.Drafts) != 0 || len(d.Holds) != 1 {
		t.Fatalf("%+v", d)
	}
	h := d.Holds[0]
	if h.Reason != dispatcher.HoldMinimum || h.From != 10 || !h.NotBefore.Equal(at("2026-06-08 08:00")) || !h.Wakes() {
		t.Fatalf("%+v", h)
	}
	if d := dispatcher.Decide(turn, between(11, 12, 13)); len(d.Drafts) != 1 {
		t.Errorf("at the minimum it is not sent: %+v", d)
	}

	next := turnAt("weekly", "2026-06-03 08:00")
	next.Schedule.MinItems, next.Slot.From, next.Holds = 3, 15, []dispatcher.Hold{h}
	if d := dispatcher.Decide(next, between(11, 12, 16)); len(d.Drafts) != 1 || len(d.Drafts[0].Items) != 3 || len(d.Ended) != 1 {
		t.Errorf("a later slot brings the third and it is not sent: %+v", d)
	}
	if d := dispatcher.Decide(next, between(11, 16)); len(d.Drafts) != 0 || len(d.Holds) != 1 || !d.Holds[0].NotBefore.Equal(h.NotBefore) {
		t.Errorf("the days begin anew: %+v", d)
	}

	last := turnAt("weekly", "2026-06-08 08:00")
	last.Schedule.MinItems, last.Slot.From, last.Slot.Holds, last.Holds = 3, 20, true, []dispatcher.Hold{h}
	if d := dispatcher.Decide(last, between(11)); len(d.Drafts) != 1 || len(d.Ended) != 1 {
		t.Errorf("after seven days: %+v", d)
	}
}

func TestQuietHoursAtEachSlotDoNotRestartTheSevenDays(t *testing.T) {
	var holds []dispatcher.Hold
	for day := range 9 {
		for _, hour := range []int{23, 31} { // 23:00 is quiet, 07:00 of the next day ends it
			turn := turnAt("nightly", "2026-06-01 00:00")
			turn.Now = turn.Now.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
			turn.Schedule.MinItems, turn.Quiet, turn.Holds = 3, dispatcher.Quiet{From: 22 * 60, To: 7 * 60}, holds
			if turn.Slot.Holds = hour == 31; turn.Slot.Holds {
				turn.Slot.From = 20
			}
			d := dispatcher.Decide(turn, between(11))
			if len(d.Drafts) == 1 {
				if waited := turn.Now.Sub(at("2026-06-01 23:00")); waited < dispatcher.MinimumHold || waited > dispatcher.MinimumHold+9*time.Hour {
					t.Errorf("sent after %s", waited)
				}
				return
			}
			holds = d.Holds
		}
	}
	t.Error("never sent")
}
