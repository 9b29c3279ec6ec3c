package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// The spans of the sweeps: the years at hand, and years of odd changes (Samoa
// and Tokelau leave out a day, Egypt, Morocco and Palestine change four times a
// year, Russia and Belarus stay on summer time, San Luis, Casey, Caracas).
var spans = [...][2]time.Time{
	{date(2025, 1, 1), date(2028, 1, 1)},
	{date(2009, 1, 1), date(2013, 1, 1)},
}

func TestInEveryZoneAFixedHourFiresOncePerLocalTime(t *testing.T) {
	daily := func(time.Time) bool { return true }
	sunday := func(d time.Time) bool { return d.Weekday() == time.Sunday }
	monthly := func(d time.Time) bool { return d.Day() == 1 || d.Day() == 30 }
	cases := []struct {
		spec    string
		on      func(time.Time) bool
		minutes []int
	}{
		{"@daily", daily, []int{0}},
		{"30 2 * * *", daily, []int{150}},
		{"0,30 0-3 * * 7", sunday, []int{0, 30, 60, 90, 120, 150, 180, 210}},
		{"15 23 * * sun", sunday, []int{23*60 + 15}},
		{"0 1 1,30 * *", monthly, []int{60}},
	}
	for _, c := range cases {
		spec := mustParse(t, c.spec)
		for _, span := range spans {
			zones := distinctZones(t, span[0], span[1])
			forEachZone(zones, func(zone *time.Location) {
				var want []time.Time
				for day := span[0]; day.Before(span[1]); day = day.AddDate(0, 0, 1) {
					if !c.on(day) {
						continue
					}
					for _, m := range c.minutes {
						at := firstReached(day.Add(time.Duration(m)*time.Minute), zone)
						if len(want) == 0 || !want[len(want)-1].Equal(at) {
							want = append(want, at)
						}
					}
				}
				at := want[0].Add(-1)
				for i, w := range want {
					next := spec.Next(at, zone)
					if !next.Equal(w) {
						t.Errorf("%s in %s, firing %d after %s: got %s, want %s", c.spec, zone, i, at.In(zone), next.In(zone), w.In(zone))
						return
					}
					at = next
				}
			})
		}
	}
}

// TestInEveryZoneAnIntervalFollowsElapsedTime compares with a walk over every
// minute of the days around each clock change.
func TestInEveryZoneAnIntervalFollowsElapsedTime(t *testing.T) {
	cases := []struct {
		spec  string
		every int // minutes of the day that match are multiples of it
	}{
		{"@hourly", 60}, {"*/15 * * * *", 15}, {"0 */2 * * *", 120}, {"0 */6 * * *", 360}, {"0 */12 * * *", 720},
	}
	for _, c := range cases {
		spec := mustParse(t, c.spec)
		matches := func(wall time.Time) bool { return (wall.Hour()*60+wall.Minute())%c.every == 0 }
		for _, span := range spans {
			forEachZone(distinctZones(t, span[0], span[1]), func(zone *time.Location) {
				for _, change := range changes(zone, span[0], span[1]) {
					from, to := change.Add(-13*time.Hour), change.Add(13*time.Hour)
					var want []time.Time
					for at := from; !at.After(to); at = at.Add(time.Minute) {
						if matches(shown(at, zone)) || at.Equal(change) && madeUp(at, zone, matches) {
							want = append(want, at)
						}
					}
					var got []time.Time
					for at := spec.Next(from.Add(-1), zone); !at.After(to); at = spec.Next(at, zone) {
						got = append(got, at)
					}
					if !slices.EqualFunc(got, want, time.Time.Equal) {
						t.Errorf("%s in %s around %s:\ngot  %v\nwant %v", c.spec, zone, change, got, want)
						return
					}
				}
			})
		}
	}
}

// madeUp says whether a gap that ends at an instant swallowed a matching reading
// and the next one is further away than the gap is long.
func madeUp(end time.Time, zone *time.Location, matches func(time.Time) bool) bool {
	resumed := shown(end, zone)
	jump := offset(end, zone) - offset(end.Add(-1), zone)
	swallowed := false
	for w := resumed.Add(-jump); w.Before(resumed); w = w.Add(time.Minute) {
		swallowed = swallowed || matches(w)
	}
	for w := resumed; !w.After(resumed.Add(jump)); w = w.Add(time.Minute) {
		if matches(w) {
			return false
		}
	}
	return swallowed && jump > 0
}

func TestHourlyFiresOncePerElapsedHour(t *testing.T) {
	spec := mustParse(t, "20 * * * *")
	for _, span := range spans {
		forEachZone(distinctZones(t, span[0], span[1]), func(zone *time.Location) {
			for _, change := range changes(zone, span[0], span[1]) {
				// A change by whole hours leaves the minutes alone; Lord Howe's half
				// hour cannot.
				jump := offset(change, zone) - offset(change.Add(-1), zone)
				shortest, longest := time.Hour, time.Hour
				if jump%time.Hour != 0 {
					shortest, longest = 30*time.Minute, 90*time.Minute
				}
				at := spec.Next(change.Add(-30*time.Hour), zone)
				for at.Before(change.Add(30 * time.Hour)) {
					next := spec.Next(at, zone)
					if d := next.Sub(at); d < shortest || d > longest {
						t.Errorf("%s: %s follows %s", zone, next.In(zone), at.In(zone))
					}
					at = next
				}
			}
		})
	}
}

// TestWallTimesMapToTheFirstInstantThatReachesThem holds the domain's mapping,
// on which all fixed hours rest, against every clock change since 1990.
func TestWallTimesMapToTheFirstInstantThatReachesThem(t *testing.T) {
	from, to := date(1990, 1, 1), date(2030, 1, 1)
	var near []time.Duration
	for m := -150; m <= 150; m += 30 {
		near = append(near, time.Duration(m)*time.Minute)
	}
	near = append(near, -25*time.Hour, -23*time.Hour, -12*time.Hour, -time.Minute, time.Minute, 12*time.Hour, 23*time.Hour, 25*time.Hour)
	forEachZone(distinctZones(t, from, to), func(zone *time.Location) {
		for _, change := range changes(zone, from, to) {
			for _, d := range near {
				wall := shown(change, zone).Add(d)
				got, want := dispatcher.FromWall(wall, zone), firstReached(wall, zone)
				if !got.Equal(want) {
					t.Errorf("%s %s: got %s, want %s", zone, wall.Format("2006-01-02 15:04"), got.In(zone), want.In(zone))
				}
			}
		}
	})
}

func TestEveryCountsFromTheEpochInAnyZone(t *testing.T) {
	spec := mustParse(t, "@every 90m")
	for _, zone := range []string{"UTC", "Asia/Kathmandu", "Australia/Lord_Howe"} {
		for _, c := range [][2]string{
			{"1970-01-01T00:00:00Z", "1970-01-01T01:30:00Z"},
			{"1970-01-01T01:29:59Z", "1970-01-01T01:30:00Z"},
			{"1970-01-01T01:30:00Z", "1970-01-01T03:00:00Z"},
			{"1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"},
			{"1969-12-31T22:30:00Z", "1970-01-01T00:00:00Z"},
			{"2026-03-29T00:59:59.999Z", "2026-03-29T01:30:00Z"},
		} {
			if got := spec.Next(mustTime(t, c[0]), mustZone(t, zone)); !got.Equal(mustTime(t, c[1])) {
				t.Errorf("after %s in %s: got %s, want %s", c[0], zone, got, c[1])
			}
		}
	}
}

func TestNextIsFoundOverTheMissingLeapDayOf2100(t *testing.T) {
	got := mustParse(t, "0 8 29 2 *").Next(date(2096, 3, 1), time.UTC)
	if want := time.Date(2104, 2, 29, 8, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNextIsStrictlyAfterAlsoBetweenSeconds(t *testing.T) {
	spec, eight := mustParse(t, "0 8 * * *"), time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct{ after, want time.Time }{
		{eight.Add(-1), eight},
		{eight, eight.AddDate(0, 0, 1)},
		{eight.Add(1), eight.AddDate(0, 0, 1)},
	} {
		if got := spec.Next(c.after, time.UTC); !got.Equal(c.want) {
			t.Errorf("after %s: got %s, want %s", c.after, got, c.want)
		}
	}
}
