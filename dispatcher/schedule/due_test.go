package schedule_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
)

// naiveDue is the reference: it goes through the firings one by one.
func naiveDue(c schedule.Chain, now time.Time) schedule.Firing {
	var missed []time.Time
	next := c.Spec.Next(c.Last, c.Zone)
	for !next.After(now) {
		missed = append(missed, next)
		next = c.Spec.Next(next, c.Zone)
	}
	if len(missed) == 0 {
		return schedule.Firing{Next: next}
	}
	f := schedule.Firing{First: missed[0], At: missed[len(missed)-1], Next: next}
	live := now.Sub(f.At) <= time.Minute
	canMerge := c.Misfire == dispatcher.MisfireMerge && c.CatchUp > 0
	switch {
	case live && (len(missed) == 1 || !canMerge):
		f.Action = schedule.Open
	case canMerge && (live || now.Sub(f.At) <= c.CatchUp):
		f.Action = schedule.Merge
	default:
		f.Action = schedule.Skip
	}
	return f
}

func TestDueAgreesWithGoingThroughTheFiringsOneByOne(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20, 26))
	specs := []string{"* * * * *", "@every 7m", "@every 25h", "@hourly", "*/20 */3 * * *", "30 2 * * *", "0 0 * * 1-5", "0 9 * * 7", "@monthly", "0 8 29 2 *"}
	zones := []string{"UTC", "Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll", "Asia/Kathmandu"}
	catchUps := []time.Duration{0, 30 * time.Second, time.Hour, 36 * time.Hour, 7 * 24 * time.Hour}
	seen := map[schedule.Action]int{}
	for range 2500 {
		c := schedule.Chain{
			Spec:    mustParse(t, specs[rnd.IntN(len(specs))]),
			Zone:    mustZone(t, zones[rnd.IntN(len(zones))]),
			Misfire: []dispatcher.Misfire{dispatcher.MisfireMerge, dispatcher.MisfireSkip}[rnd.IntN(2)],
			CatchUp: catchUps[rnd.IntN(len(catchUps))],
			Last:    date(2025, 1, 1).Add(time.Duration(rnd.Int64N(int64(2 * 365 * 24 * time.Hour)))),
		}
		if rnd.IntN(3) == 0 {
			c.Last = c.Last.Truncate(time.Minute)
		}
		longest := []time.Duration{2 * time.Minute, 3 * time.Hour, 9 * 24 * time.Hour}[rnd.IntN(3)]
		now := c.Last.Add(time.Duration(rnd.Int64N(int64(longest))) - longest/50)
		if rnd.IntN(3) == 0 { // right at, or close by, a firing
			now = c.Spec.Next(now, c.Zone).Add(time.Duration(rnd.Int64N(3)-1) * time.Duration(rnd.Int64N(int64(70*time.Second))))
		}
		got, want := c.Due(now), naiveDue(c, now)
		if got != want {
			t.Fatalf("%s in %s, last %s, now %s, %s, catch-up %s:\ngot  %+v\nwant %+v", c.Spec, c.Zone, c.Last, now, c.Misfire, c.CatchUp, got, want)
		}
		seen[got.Action]++
	}
	for a := schedule.Wait; a <= schedule.Skip; a++ {
		if seen[a] < 100 {
			t.Errorf("%q came only %d times, this test does not try it", a, seen[a])
		}
	}
}

func TestDueDecides(t *testing.T) {
	cases := []struct {
		about, last, now string
		misfire          dispatcher.Misfire
		catchUp          time.Duration
		action           schedule.Action
		at               string
	}{
		{"before the firing there is nothing to do", "2026-06-01T08:00:00Z", "2026-06-02T07:59:59Z", "merge", time.Hour, schedule.Wait, ""},
		{"on the firing it is live", "2026-06-01T08:00:00Z", "2026-06-02T08:00:00Z", "merge", time.Hour, schedule.Open, "2026-06-02T08:00:00Z"},
		{"a minute late it is live whatever the policy", "2026-06-01T08:00:00Z", "2026-06-02T08:01:00Z", "skip", 0, schedule.Open, "2026-06-02T08:00:00Z"},
		{"later it is missed and made up", "2026-06-01T08:00:00Z", "2026-06-02T08:01:01Z", "merge", time.Hour, schedule.Merge, "2026-06-02T08:00:00Z"},
		{"later it is missed and skipped", "2026-06-01T08:00:00Z", "2026-06-02T08:01:01Z", "skip", time.Hour, schedule.Skip, "2026-06-02T08:00:00Z"},
		{"three missed ones become one at the latest", "2026-06-01T08:00:00Z", "2026-06-04T08:30:00Z", "merge", time.Hour, schedule.Merge, "2026-06-04T08:00:00Z"},
		{"at the end of the catch-up window", "2026-06-01T08:00:00Z", "2026-06-02T09:00:00Z", "merge", time.Hour, schedule.Merge, "2026-06-02T08:00:00Z"},
		{"beyond the catch-up window", "2026-06-01T08:00:00Z", "2026-06-02T09:00:01Z", "merge", time.Hour, schedule.Skip, "2026-06-02T08:00:00Z"},
		{"without a catch-up", "2026-06-01T08:00:00Z", "2026-06-02T08:02:00Z", "merge", 0, schedule.Skip, "2026-06-02T08:00:00Z"},
		{"missed ones join the live one", "2026-06-01T08:00:00Z", "2026-06-04T08:00:05Z", "merge", time.Hour, schedule.Merge, "2026-06-04T08:00:00Z"},
		{"with skip the live one opens alone", "2026-06-01T08:00:00Z", "2026-06-04T08:00:05Z", "skip", time.Hour, schedule.Open, "2026-06-04T08:00:00Z"},
		{"a clock that was put back waits", "2026-06-05T08:00:00Z", "2026-06-02T08:00:00Z", "merge", time.Hour, schedule.Wait, ""},
		{"a chain begins at the firing before now", "", "2026-06-02T08:00:30Z", "merge", time.Hour, schedule.Skip, "2026-06-02T08:00:00Z"},
		{"and so however late in the day", "", "2026-06-03T07:00:00Z", "skip", 0, schedule.Skip, "2026-06-02T08:00:00Z"},
	}
	for _, c := range cases {
		t.Run(c.about, func(t *testing.T) {
			chain := schedule.Chain{Spec: mustParse(t, "0 8 * * *"), Zone: time.UTC, Misfire: c.misfire, CatchUp: c.catchUp}
			if c.last != "" {
				chain.Last = mustTime(t, c.last)
			}
			var at time.Time
			if c.at != "" {
				at = mustTime(t, c.at)
			}
			got := chain.Due(mustTime(t, c.now))
			if got.Action != c.action || !got.At.Equal(at) {
				t.Errorf("got %s at %s, want %s at %s", got.Action, got.At, c.action, at)
			}
		})
	}
}

// TestDueCostsTheSameAfterDecades would take hours if it went through the
// firings: a thousand times sixteen million of them.
func TestDueCostsTheSameAfterDecades(t *testing.T) {
	now := mustTime(t, "2026-06-02T08:00:30Z")
	for _, text := range []string{"@every 1m", "* * * * *", "*/5 8-18 * * 1-5", "* * 1 1 *"} {
		c := schedule.Chain{Spec: mustParse(t, text), Zone: mustZone(t, "Europe/Berlin"), Misfire: dispatcher.MisfireSkip, Last: now.AddDate(-31, 0, 0)}
		want := c.Spec.Next(now, c.Zone)
		for range 250 {
			got := c.Due(now)
			if got.At.After(now) || !c.Spec.Next(got.At, c.Zone).Equal(want) || !c.Spec.Next(got.At.Add(-time.Second), c.Zone).Equal(got.At) {
				t.Fatalf("%s: %s is not the last firing before %s", text, got.At, now)
			}
		}
	}
}

// TestARestlessDaemonAccountsForEachFiringOnce drives a chain as daemons do:
// several of them, at odd moments, with long absences, across clock changes.
func TestARestlessDaemonAccountsForEachFiringOnce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 11))
	for _, text := range []string{"30 2 * * *", "0 * * * *", "@every 45m", "0 0 * * 1"} {
		for _, zone := range []string{"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Cairo"} {
			c := schedule.Chain{
				Spec: mustParse(t, text), Zone: mustZone(t, zone),
				Misfire: dispatcher.MisfireMerge, CatchUp: 12 * time.Hour, Last: date(2026, 3, 1),
			}
			expect := c.Spec.Next(c.Last, c.Zone) // the earliest firing not accounted for
			now := c.Last
			for now.Before(date(2026, 11, 15)) {
				step := time.Duration(rnd.Int64N(int64(40 * time.Minute)))
				if rnd.IntN(50) == 0 {
					step = time.Duration(rnd.Int64N(int64(50 * time.Hour)))
				}
				now = now.Add(step)
				f := c.Due(now)
				if other := c.Due(now.Add(time.Duration(rnd.Int64N(int64(f.Next.Sub(now)))))); other.At != f.At || other.First != f.First {
					t.Fatalf("%s in %s: two daemons see %+v and %+v", text, zone, f, other)
				}
				if f.Action == schedule.Wait {
					if !expect.After(now) {
						t.Fatalf("%s in %s: waits at %s although %s is due", text, zone, now, expect)
					}
					continue
				}
				if !f.First.Equal(expect) || f.At.Before(f.First) || f.At.After(now) || !f.Next.After(now) {
					t.Fatalf("%s in %s at %s: %+v, expected to begin with %s", text, zone, now, f, expect)
				}
				c.Last, expect = f.At, f.Next
			}
		}
	}
}
