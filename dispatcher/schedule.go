package dispatcher

import (
	"fmt"
	"strings"
	"time"
)

// Immediate is the built-in schedule whose slots open as soon as settled
// events exist.
const Immediate = "immediate"

// Zones of a [Schedule] that are no IANA names.
const (
	ZoneSite       = "site"       // each site's own
	ZoneSubscriber = "subscriber" // each reader's own
)

// Misfire says what becomes of firings that nobody was up for.
type Misfire string

// The misfire policies.
const (
	MisfireMerge Misfire = "merge" // missed slots of one chain become one
	MisfireSkip  Misfire = "skip"  // not made up; its events go to the next slot
)

// Defaults of a [Schedule].
const (
	DefaultCatchUp  = 7 * 24 * time.Hour
	DefaultMaxItems = 50
	MinimumHold     = 7 * 24 * time.Hour // a reader below the minimum waits no longer
)

// Schedule is a named cadence.
type Schedule struct {
	Name     string        `json:"name"`
	Spec     string        `json:"cron"` // five fields, a descriptor or @every; "" for immediate
	Zone     string        `json:"time_zone"`
	Misfire  Misfire       `json:"misfire"`
	CatchUp  time.Duration `json:"catch_up"`
	MinItems int           `json:"min_items"`
	MaxItems int           `json:"max_items"`
	Quiet    Quiet         `json:"quiet_hours"`
	Paused   bool          `json:"paused"`
	Label    string        `json:"label,omitempty"`     // what readers see; "" for words made from Spec
	FromFile bool          `json:"read_only,omitempty"` // set in the config file, read-only elsewhere
}

// Quiet is a span of the local day in which nothing is mailed. From and To are
// minutes after midnight; From == To means none; From > To runs over midnight.
type Quiet struct{ From, To int }

// None says that there are no quiet hours.
func (q Quiet) None() bool { return q.From == q.To }

// String gives "22:00-07:00", or "" for none.
func (q Quiet) String() string {
	if q.None() {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}

// ParseQuiet reads "22:00-07:00"; "" is none.
func ParseQuiet(s string) (Quiet, error) {
	if s == "" {
		return Quiet{}, nil
	}
	bad := Invalid("quiet_hours", `write them as "22:00-07:00"`, "%q is no span of hours", s)
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return Quiet{}, bad
	}
	var q Quiet
	for i, part := range []string{from, to} {
		t, err := time.Parse("15:04", strings.TrimSpace(part))
		if err != nil {
			return Quiet{}, bad
		}
		m := t.Hour()*60 + t.Minute()
		if i == 0 {
			q.From = m
		} else {
			q.To = m
		}
	}
	return q, nil
}

// MarshalText writes the span as [Quiet.String] does.
func (q Quiet) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText reads the span as [ParseQuiet] does.
func (q *Quiet) UnmarshalText(b []byte) error {
	v, err := ParseQuiet(string(b))
	if err != nil {
		return err
	}
	*q = v
	return nil
}

// Until gives the end of the quiet span that at falls into in zone, or false
// when at is not quiet. A span's end that a clock change removed is the
// instant of the change.
func (q Quiet) Until(at time.Time, zone *time.Location) (time.Time, bool) {
	if q.None() {
		return time.Time{}, false
	}
	l := at.In(zone)
	m := l.Hour()*60 + l.Minute()
	day := 0
	switch {
	case q.From < q.To:
		if m < q.From || m >= q.To {
			return time.Time{}, false
		}
	case m >= q.From:
		day = 1
	case m >= q.To:
		return time.Time{}, false
	}
	end := WallTime(l.Year(), l.Month(), l.Day()+day, q.To/60, q.To%60, zone)
	if !end.After(at) { // reached before the clock was put back; it comes again
		end = at.Truncate(time.Minute).Add(time.Duration(day*24*60+q.To-m) * time.Minute)
	}
	if later, still := q.Until(end, zone); still { // the zone left out a day
		return later, true
	}
	return end.UTC(), true
}

// WallTime maps a wall-clock time to its instant: in a gap the instant the gap
// ends, in an overlap the first of the two.
func WallTime(year int, month time.Month, day, hour, minute int, zone *time.Location) time.Time {
	wall := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	return FromWall(wall, zone)
}

// FromWall maps a wall-clock time, carried in UTC fields, to its instant in
// zone, by the rule of [WallTime].
func FromWall(wall time.Time, zone *time.Location) time.Time {
	// The offsets in force a day before and a day after enclose any single
	// change; the earlier offset gives the first reading of an overlap.
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	for _, off := range []int{before, after} {
		at := wall.Add(-time.Duration(off) * time.Second)
		if _, o := at.In(zone).Zone(); o == off {
			return at.UTC()
		}
	}
	// In a gap: the instant at which it ends.
	at := wall.Add(-time.Duration(before) * time.Second)
	start, _ := at.In(zone).ZoneBounds()
	if !start.IsZero() {
		return start.UTC()
	}
	return at.UTC()
}
