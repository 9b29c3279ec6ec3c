package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
)

// sameFirings says whether two specs fire alike for a while.
func sameFirings(t *testing.T, a, b string) bool {
	t.Helper()
	x, y := mustParse(t, a), mustParse(t, b)
	at := date(2026, 1, 1)
	for range 400 {
		next := x.Next(at, time.UTC)
		if !next.Equal(y.Next(at, time.UTC)) {
			return false
		}
		at = next
	}
	return true
}

func TestParseReadsOneCadenceInManySpellings(t *testing.T) {
	for _, c := range [][2]string{
		{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
		{"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@Daily", "0 0 * * *"},
		{"  0\t8   * * * ", "0 8 * * *"}, {"0 8 ? * ?", "0 8 * * *"}, {"0 8 * JAN Mon-fri", "0 8 * 1 1-5"},
		{"0 8 * * 7", "0 8 * * 0"}, {"0 8 * * 5-7", "0 8 * * 0,5,6"}, {"0 8 * * 0-7", "0 8 * * *"}, {"0 8 * * fri-sun", "0 8 * * 5,6,0"},
		{"0 8 * * 1-7/2", "0 8 * * 1,3,5,0"}, {"0 8 * * 2,7", "0 8 * * 0,2"}, {"0 8 * * 7/2", "0 8 * * 0"}, {"0 8 * * sun-tue", "0 8 * * 0-2"},
		{"@every 1h", "0 * * * *"}, {"@every 24h", "@daily"}, {"@EVERY 60m", "@every 1h"},
	} {
		if !sameFirings(t, c[0], c[1]) {
			t.Errorf("%q and %q fire differently", c[0], c[1])
		}
	}
}

func TestParseKeepsTheSpecAsWritten(t *testing.T) {
	for in, want := range map[string]string{"  0 8\t*  * 5-7 ": "0 8 * * 5-7", "@Daily": "@daily", "@every 90m": "@every 90m"} {
		if got := mustParse(t, in).String(); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestElapsedIsAStarOrAStepThatLeavesMoreThanOneHour(t *testing.T) {
	for spec, want := range map[string]bool{
		"0 * * * *": true, "*/5 * * * *": true, "0 */2 * * *": true, "0 8-18/2 * * *": true, "0 1,*/6 * * *": true, "@hourly": true,
		"@every 1h": true, "0 0-23 * * *": true,
		"0 8 * * *": false, "*/5 8 * * *": false, "0 8-18 * * *": false, "0 8,9 * * *": false, "@daily": false, "0 */24 * * *": false,
		"0 */13 * * *": true, "0 23/5 * * *": false, "0 8 */2 * *": false,
	} {
		if got := mustParse(t, spec).Elapsed(); got != want {
			t.Errorf("%q: got %t, want %t", spec, got, want)
		}
	}
}

func TestParseRefusesWithAMend(t *testing.T) {
	cases := []struct{ about, spec, message, mend string }{
		{"nothing", "", "is missing", "five fields"},
		{"spaces", " \t ", "is missing", "five fields"},
		{"a zone", "TZ=UTC 0 8 * * *", "time zone in front", "time_zone"},
		{"a zone alone, which panics robfig/cron", "TZ=UTC", "time zone in front", "time_zone"},
		{"cron's own zone", "CRON_TZ=Europe/Berlin 0 8 * * *", "time zone in front", "time_zone"},
		{"a field of nothing but a comma", ", * * * *", "empty place", "minute"},
		{"an empty place in a list", "0 8,,9 * * *", "empty place", "hour"},
		{"a field for seconds", "0 0 8 * * *", "six fields", "seconds"},
		{"four fields", "0 8 * *", "does not have five fields but 4", "five fields"},
		{"30 February", "0 8 30 2 *", "never fires", "day that its months have"},
		{"31 in short months only", "0 8 31 4,6,9,11 *", "never fires", "day that its months have"},
		{"overlong", "0 8 * * " + strings.Repeat("1,", 100) + "1", "bytes long", "200"},
		{"a control character", "0 8 * *\x00 *", "character", "digits"},
		{"a line break", "0 8 * * *\n0 9 * * *", "character", "digits"},
		{"a letter of another script", "0 8 * * мon", "character", "digits"},
		{"broken UTF-8", "0 8 * * \xff", "character", "digits"},
		{"a minute beyond the hour", "60 * * * *", "no cron spec", "five fields"},
		{"day 0", "0 8 0 * *", "no cron spec", "five fields"},
		{"day of week 8", "0 8 * * 8", "no cron spec", "five fields"},
		{"a range to front", "0 18-8 * * *", "no cron spec", "five fields"},
		{"a step of nothing", "*/0 * * * *", "step", "*/2"},
		{"a step longer than the hour, which would be hourly", "*/90 * * * *", "longer than the field", "@every"},
		{"a star in a range, which would be a star", "*-5 * * * *", "cannot be read", "minute"},
		{"a sign", "+5 * * * *", "cannot be read", "minute"},
		{"Quartz's last day", "0 8 L * *", "cannot be read", "day of month"},
		{"Quartz's third Friday", "0 8 * * 5#3", "cannot be read", "day of week"},
		{"an unknown descriptor", "@fortnightly", "no cron spec", "@daily"},
		{"cron's reboot", "@reboot", "no cron spec", "@daily"},
		{"an interval without one", "@every", "no duration", "@every 15m"},
		{"an interval in words", "@every day", "no duration", "@every 15m"},
		{"an interval in seconds", "@every 59s", "shorter than one minute", "one minute"},
		{"a negative interval, which would fire each second", "@every -1h", "shorter than one minute", "one minute"},
		{"an interval beyond a year", "@every 8785h", "longer than a year", "8784h"},
		{"an overflowing interval", "@every 99999999999h", "no duration", "@every 15m"},
		{"a broken second", "@every 90.5s", "fraction", "whole seconds"},
	}
	for _, c := range cases {
		t.Run(c.about, func(t *testing.T) {
			_, err := schedule.Parse(c.spec)
			var e *dispatcher.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *dispatcher.Error", err)
			}
			if e.Code != dispatcher.CodeInvalid || e.Field != "cron" || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Mend, c.mend) {
				t.Errorf("got %s %q %q %q, want %q and mend %q", e.Code, e.Field, e.Message, e.Mend, c.message, c.mend)
			}
		})
	}
}

func FuzzParseNeverPanicsAndWhatItTakesFires(f *testing.F) {
	for _, s := range []string{"0 8 * * *", "*/15 8-18 * * 1-5", "@daily", "@every 90m", "TZ=UTC", "CRON_TZ= * * * * *", ",", ", , , , ,", "5-7/3 * * * sat-sun",
		"0 0 29 2 *", "59/59 23/23 31/31 12/12 7/7", "*/60 */24 */31 */12 */7", "@every 1m0s", "\x00", "@", "0 8 ? ? ?", "0 0 31 2,4 7"} {
		f.Add(s)
	}
	zone := mustZone(f, "Africa/Cairo")
	after := date(2026, 4, 20)
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := schedule.Parse(text)
		if err != nil {
			var e *dispatcher.Error
			if !errors.As(err, &e) || e.Field != "cron" || e.Mend == "" {
				t.Fatalf("%q: %#v does not say what to mend", text, err)
			}
			return
		}
		again := mustParse(t, spec.String())
		at := after
		for range 5 {
			next := spec.Next(at, zone)
			if !next.After(at) || !next.Equal(again.Next(at, zone)) {
				t.Fatalf("%q: after %s comes %s, read again %s", text, at, next, again.Next(at, zone))
			}
			at = next
		}
		c := schedule.Chain{Spec: spec, Zone: zone, Last: after}
		if due := c.Due(at); !due.At.Equal(at) {
			t.Fatalf("%q: due at %s is %+v", text, at, due)
		}
		if spec.Words("en") == "" || spec.Words("de") == "" || spec.Longest() < time.Minute {
			t.Fatalf("%q has no words or no length", text)
		}
	})
}

func TestLongestIsTheLongestTimeBetweenTwoFirings(t *testing.T) {
	for spec, want := range map[string]time.Duration{
		"@every 90m":        90 * time.Minute,
		"* * * * *":         time.Minute,
		"@hourly":           time.Hour,
		"7,12 */3 * * *":    175 * time.Minute,
		"0 8 * * *":         24 * time.Hour,
		"30 7,19 * * *":     12 * time.Hour,
		"30 7 * * 1-5":      72 * time.Hour,
		"*/15 8-18 * * 1-5": 61*time.Hour + 15*time.Minute,
		"@weekly":           7 * 24 * time.Hour,
		"@monthly":          31 * 24 * time.Hour,
		"0 8 31 * *":        61 * 24 * time.Hour,
		"0 0 1,15 * 1":      7 * 24 * time.Hour,
		"@yearly":           366 * 24 * time.Hour,
		"0 8 29 2 *":        2921 * 24 * time.Hour,
		"59 23 31 12 *":     366 * 24 * time.Hour,
		"0 8 * 2 1":         350 * 24 * time.Hour,
		"0 0,12 1 1 *":      365*24*time.Hour + 12*time.Hour,
	} {
		if got := mustParse(t, spec).Longest(); got != want {
			t.Errorf("%q: got %s, want %s", spec, got, want)
		}
	}
}

func TestNoGapIsLongerThanLongestAndOneIsAsLong(t *testing.T) {
	for _, text := range []string{"0 8 * 2 1", "15 3 13 * 5", "0 8 31 * *", "0 0 28-31 2 *", "45 6,22 1-7 1,6 *", "0 12 * 3-5 2,4"} {
		spec := mustParse(t, text)
		var longest time.Duration
		at := spec.Next(date(1999, 12, 31), time.UTC)
		for at.Year() < 2410 {
			next := spec.Next(at, time.UTC)
			longest = max(longest, next.Sub(at))
			at = next
		}
		if got := spec.Longest(); got != longest {
			t.Errorf("%q: got %s, going through 410 years gives %s", text, got, longest)
		}
	}
}
