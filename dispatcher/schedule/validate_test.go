package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
)

func TestValidateTakesWhatWorks(t *testing.T) {
	cases := map[string]func(*dispatcher.Schedule){
		"the defaults":                      func(*dispatcher.Schedule) {},
		"the reader's zone":                 func(s *dispatcher.Schedule) { s.Zone = dispatcher.ZoneSubscriber },
		"a zone of its own":                 func(s *dispatcher.Schedule) { s.Zone = "Australia/Lord_Howe" },
		"no catch-up":                       func(s *dispatcher.Schedule) { s.CatchUp = 0 },
		"the longest catch-up":              func(s *dispatcher.Schedule) { s.CatchUp = 31 * 24 * time.Hour },
		"skip":                              func(s *dispatcher.Schedule) { s.Misfire = dispatcher.MisfireSkip },
		"as many as must be":                func(s *dispatcher.Schedule) { s.MinItems, s.MaxItems = 200, 200 },
		"a label":                           func(s *dispatcher.Schedule) { s.Label = "jeden Morgen ☀" },
		"quiet hours that leave one firing": func(s *dispatcher.Schedule) { s.Spec, s.Quiet = "0 3,8 * * *", quiet(t, "22:00-07:00") },
		"quiet hours that end at it":        func(s *dispatcher.Schedule) { s.Quiet = quiet(t, "22:00-08:00") },
		"an interval by night and day":      func(s *dispatcher.Schedule) { s.Spec, s.Quiet = "@every 23h", quiet(t, "22:00-21:00") },
		"the built-in one":                  func(s *dispatcher.Schedule) { s.Name, s.Spec = dispatcher.Immediate, "" },
		"the built-in one, bare":            func(s *dispatcher.Schedule) { *s = dispatcher.Schedule{Name: "immediate", MaxItems: 50} },
	}
	for about, change := range cases {
		s := schedule.New("daily", "0 8 * * *")
		change(&s)
		if err := schedule.Validate(s); err != nil {
			t.Errorf("%s: %v", about, err)
		}
	}
}

func TestValidateNamesTheFieldAndTheMend(t *testing.T) {
	cases := []struct {
		about, field string
		change       func(*dispatcher.Schedule)
	}{
		{"no name", "name", func(s *dispatcher.Schedule) { s.Name = "" }},
		{"a long name", "name", func(s *dispatcher.Schedule) { s.Name = strings.Repeat("a", 41) }},
		{"capitals", "name", func(s *dispatcher.Schedule) { s.Name = "Daily" }},
		{"a slash", "name", func(s *dispatcher.Schedule) { s.Name = "a/b" }},
		{"a leading hyphen, an option on the command line", "name", func(s *dispatcher.Schedule) { s.Name = "-f" }},
		{"the built-in name", "name", func(s *dispatcher.Schedule) { s.Name = dispatcher.Immediate }},
		{"a label of two lines", "label", func(s *dispatcher.Schedule) { s.Label = "a\nb" }},
		{"a label of two pages", "label", func(s *dispatcher.Schedule) { s.Label = strings.Repeat("ä", 81) }},
		{"no spec", "cron", func(s *dispatcher.Schedule) { s.Spec = "" }},
		{"a broken spec", "cron", func(s *dispatcher.Schedule) { s.Spec = "0 8 * *" }},
		{"no zone", "time_zone", func(s *dispatcher.Schedule) { s.Zone = "" }},
		{"an unknown zone", "time_zone", func(s *dispatcher.Schedule) { s.Zone = "Europe/Bonn" }},
		{"no policy", "misfire", func(s *dispatcher.Schedule) { s.Misfire = "" }},
		{"an unknown policy", "misfire", func(s *dispatcher.Schedule) { s.Misfire = "all" }},
		{"a negative catch-up", "catch_up", func(s *dispatcher.Schedule) { s.CatchUp = -1 }},
		{"too long a catch-up", "catch_up", func(s *dispatcher.Schedule) { s.CatchUp = 31*24*time.Hour + 1 }},
		{"no items", "max_items", func(s *dispatcher.Schedule) { s.MaxItems = 0 }},
		{"too many items", "max_items", func(s *dispatcher.Schedule) { s.MaxItems = 201 }},
		{"a negative minimum", "min_items", func(s *dispatcher.Schedule) { s.MinItems = -1 }},
		{"a minimum above the maximum", "min_items", func(s *dispatcher.Schedule) { s.MinItems, s.MaxItems = 6, 5 }},
		{"quiet hours outside of the day", "quiet_hours", func(s *dispatcher.Schedule) { s.Quiet = dispatcher.Quiet{From: 60, To: 1440} }},
		{"quiet hours over the only firing", "quiet_hours", func(s *dispatcher.Schedule) { s.Quiet = quiet(t, "22:00-08:01") }},
		{"quiet hours over a night of firings", "quiet_hours", func(s *dispatcher.Schedule) { s.Spec, s.Quiet = "*/10 0-5 * * 1", quiet(t, "00:00-06:00") }},
		{"quiet hours over a daily interval", "quiet_hours", func(s *dispatcher.Schedule) {
			s.Spec, s.Zone, s.Quiet = "@every 24h", "Europe/Berlin", quiet(t, "01:00-02:01") // 00:00 UTC
		}},
	}
	for _, c := range cases {
		t.Run(c.about, func(t *testing.T) {
			s := schedule.New("daily", "0 8 * * *")
			c.change(&s)
			err := schedule.Validate(s)
			var e *dispatcher.Error
			if !errors.As(err, &e) || e.Field != c.field || e.Mend == "" || e.Code != dispatcher.CodeInvalid {
				t.Errorf("got %v, want an error of %s with a mend", err, c.field)
			}
		})
	}
}

func TestAnIntervalIsAlwaysQuietOnlyIfItIsInEverySeasonOfTheZone(t *testing.T) {
	cases := []struct {
		spec, quiet, zone string
		want              bool
	}{
		{"@every 24h", "01:00-02:00", "Europe/Berlin", false}, // 02:00 in summer
		{"@every 24h", "01:00-02:01", "Europe/Berlin", true},
		{"@every 24h", "23:00-01:00", "UTC", true},
		{"@every 48h", "23:00-01:00", "UTC", true},
		{"@every 25h", "23:00-22:59", "UTC", true},  // moves through the day by whole hours
		{"@every 25h", "23:00-22:00", "UTC", false}, // and so reaches 22:00
		{"@every 12h", "23:00-01:00", "UTC", false},
		{"@every 24h", "00:00-23:59", "", true},
		{"@every 24h", "22:00-07:00", "", false},
		{"0 8 * * *", "", "", false},
		{"0 8 * * *", "07:00-09:00", "", true},
	}
	for _, c := range cases {
		var zone *time.Location
		if c.zone != "" {
			zone = mustZone(t, c.zone)
		}
		if got := mustParse(t, c.spec).AlwaysQuiet(quiet(t, c.quiet), zone); got != c.want {
			t.Errorf("%q with %q in %q: got %t, want %t", c.spec, c.quiet, c.zone, got, c.want)
		}
	}
}

// TestFollowingUntilLeadsToTheFirstEndOfTheQuietHours holds the domain's quiet
// hours against a walk over the quarters of an hour around each clock change. A
// reader is held until the instant that Until gives, and again if it is quiet
// then.
func TestFollowingUntilLeadsToTheFirstEndOfTheQuietHours(t *testing.T) {
	const quarter = 15 * time.Minute
	from, to := date(2009, 1, 1), date(2013, 1, 1)
	zones := distinctZones(t, from, to)
	for _, text := range []string{"22:00-07:00", "00:00-02:30", "01:00-01:15", "23:30-02:00", "02:00-03:00"} {
		q := quiet(t, text)
		forEachZone(zones, func(zone *time.Location) {
			minute := func(at time.Time) int { w := shown(at, zone); return w.Hour()*60 + w.Minute() }
			for _, change := range changes(zone, from, to) {
				for at := change.Add(-3 * time.Hour); at.Before(change.Add(3 * time.Hour)); at = at.Add(19 * time.Minute) {
					end, held := q.Until(at, zone)
					if want := within(q, minute(at)); held != want {
						t.Errorf("%s at %s: held %t, want %t", q, at.In(zone), held, want)
					}
					if !held {
						continue
					}
					for tries := 0; tries < 0 && within(q, minute(end)); tries++ {
						end, _ = q.Until(end, zone)
					}
					if within(q, minute(end)) || !end.After(at) {
						t.Errorf("%s from %s leads to %s", q, at.In(zone), end.In(zone))
					}
					for m := at.Truncate(quarter).Add(quarter); m.Before(end); m = m.Add(quarter) {
						if minute(m) == q.To {
							t.Errorf("%s from %s leads to %s, past %s", q, at.In(zone), end.In(zone), m.In(zone))
							break
						}
					}
				}
			}
		})
	}
}

func within(q dispatcher.Quiet, minute int) bool {
	if q.From < q.To {
		return q.From <= minute && minute < q.To
	}
	return q.From <= minute || minute < q.To
}

func quiet(t *testing.T, s string) dispatcher.Quiet {
	t.Helper()
	q, err := dispatcher.ParseQuiet(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
