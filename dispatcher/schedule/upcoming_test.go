package schedule_test

import (
	"slices"
	"testing"

	"github.com/hearback/hearback/dispatcher/schedule"
)

func TestUpcomingTellsWhatAClockChangeDoes(t *testing.T) {
	cases := []struct {
		about, spec, zone, after string
		want                     []string
	}{
		{"a gap moves to its end", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{
			"2026-03-29T01:00:00Z Sun 2026-03-29 03:00 +02:00 (02:30 is left out, moved to the end of the clock change)",
			"2026-03-30T00:30:00Z Mon 2026-03-30 02:30 +02:00",
		}},
		{"two times on one instant are one slot", "0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{
			"2026-03-29T01:00:00Z Sun 2026-03-29 03:00 +02:00 (02:00 is left out, moved to the end of the clock change and one with 03:00)",
			"2026-03-30T00:00:00Z Mon 2026-03-30 02:00 +02:00",
		}},
		{"an overlap counts once", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{
			"2026-10-25T00:30:00Z Sun 2026-10-25 02:30 +02:00 (once, although 02:30 comes twice)",
			"2026-10-26T01:30:00Z Mon 2026-10-26 02:30 +01:00",
		}},
		{"a fixed hour asked for inside of the repeated hour waits for the next day", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{
			"2026-10-26T01:30:00Z Mon 2026-10-26 02:30 +01:00",
		}},
		{"the end of an overlap is no part of it", "0 3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{
			"2026-10-25T02:00:00Z Sun 2026-10-25 03:00 +01:00",
		}},
		{"an interval runs through an overlap", "0 */2 * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", []string{
			"2026-10-25T00:00:00Z Sun 2026-10-25 02:00 +02:00 (02:00 comes twice, this is the first)",
			"2026-10-25T01:00:00Z Sun 2026-10-25 02:00 +01:00 (02:00 comes twice, this is the second)",
			"2026-10-25T03:00:00Z Sun 2026-10-25 04:00 +01:00",
		}},
		{"an hour that a gap swallows follows at once for an hourly interval", "0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", []string{
			"2026-03-29T00:00:00Z Sun 2026-03-29 01:00 +01:00",
			"2026-03-29T01:00:00Z Sun 2026-03-29 03:00 +02:00",
		}},
		{"a long interval does not lose a step to a gap", "0 */12 * * *", "Africa/Cairo", "2026-04-23T09:00:00Z", []string{
			"2026-04-23T10:00:00Z Thu 2026-04-23 12:00 +02:00",
			"2026-04-23T22:00:00Z Fri 2026-04-24 01:00 +03:00 (00:00 is left out, moved to the end of the clock change)",
			"2026-04-24T09:00:00Z Fri 2026-04-24 12:00 +03:00",
		}},
		{"a step that leaves one hour is that hour", "0 */24 * * *", "Africa/Cairo", "2026-04-23T09:00:00Z", []string{
			"2026-04-23T22:00:00Z Fri 2026-04-24 01:00 +03:00 (00:00 is left out, moved to the end of the clock change)",
		}},
		{"half an hour at Lord Howe", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00:00Z", []string{
			"2026-10-03T15:30:00Z Sun 2026-10-04 02:30 +11:00 (02:15 is left out, moved to the end of the clock change)",
		}},
		{"two hours at Troll", "30 1 * * *", "Antarctica/Troll", "2026-03-28T12:00:00Z", []string{
			"2026-03-29T01:00:00Z Sun 2026-03-29 03:00 +02:00 (01:30 is left out, moved to the end of the clock change)",
		}},
		{"Samoa left out a Friday", "0 8 * * *", "Pacific/Apia", "2011-12-29T18:30:00Z", []string{
			"2011-12-30T10:00:00Z Sat 2011-12-31 00:00 +14:00 (2011-12-30 08:00 is left out, moved to the end of the clock change)",
			"2011-12-30T18:00:00Z Sat 2011-12-31 08:00 +14:00",
		}},
		{"@every does not look at the clock", "@every 12h", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{
			"2026-03-29T00:00:00Z Sun 2026-03-29 01:00 +01:00",
			"2026-03-29T12:00:00Z Sun 2026-03-29 14:00 +02:00",
		}},
	}
	for _, c := range cases {
		t.Run(c.about, func(t *testing.T) {
			all := mustParse(t, c.spec).Upcoming(mustTime(t, c.after), mustZone(t, c.zone), len(c.want))
			var got []string
			for _, o := range all {
				line := o.At.Format("2006-01-02T15:04:05Z") + " " + o.Local
				if o.Note != "" {
					line += " (" + o.Note + ")"
				}
				got = append(got, line)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestUpcomingIsBounded(t *testing.T) {
	spec := mustParse(t, "* * * * *")
	zone := mustZone(t, "UTC")
	for _, c := range []struct{ n, want int }{{-1, 0}, {0, 0}, {7, 7}, {1 << 30, schedule.MaxUpcoming}} {
		if got := len(spec.Upcoming(date(2026, 1, 1), zone, c.n)); got != c.want {
			t.Errorf("Upcoming(%d) gave %d, want %d", c.n, got, c.want)
		}
	}
}
