package schedule

import "time"

// MaxUpcoming is the most occurrences that [Spec.Upcoming] gives.
const MaxUpcoming = 1000

// Occurrence is a firing as people read it.
type Occurrence struct {
	At    time.Time `json:"at"`             // UTC
	Local string    `json:"local"`          // "Sun 2026-03-29 03:00 +02:00"
	Note  string    `json:"note,omitempty"` // what a clock change does to it, in English; mostly empty
}

// Upcoming gives the next n firings strictly after an instant, fewer if the spec
// has no more, at most [MaxUpcoming]. A firing that a clock change touches has a
// note that says how.
func (s *Spec) Upcoming(after time.Time, zone *time.Location, n int) []Occurrence {
	var all []Occurrence
	for range min(n, MaxUpcoming) {
		f := s.next(after, zone)
		if f.at.IsZero() {
			break
		}
		all = append(all, Occurrence{
			At:    f.at,
			Local: f.at.In(zone).Format("Mon 2006-01-02 15:04 -07:00"),
			Note:  s.note(f, zone),
		})
		after = f.at
	}
	return all
}

// note says what a clock change did to a firing, or nothing.
func (s *Spec) note(f firing, zone *time.Location) string {
	if s.every > 0 {
		return ""
	}
	shown := reading(f.at, zone)
	if !shown.Equal(f.wall) {
		return s.movedNote(f.wall, shown)
	}
	twice := readings(f.wall, zone)
	if len(twice) < 2 {
		return ""
	}
	clock := f.wall.Format("15:04")
	switch {
	case !s.elapsed:
		return "once, although " + clock + " comes twice"
	case f.at.Equal(twice[0]):
		return clock + " comes twice, this is the first"
	default:
		return clock + " comes twice, this is the second"
	}
}

// movedNote tells of a firing whose wall the clock left out.
func (s *Spec) movedNote(wall, shown time.Time) string {
	layout := "15:04"
	if wall.YearDay() != shown.YearDay() || wall.Year() != shown.Year() {
		layout = "2006-01-02 15:04"
	}
	note := wall.Format(layout) + " is left out, moved to the end of the clock change"
	if s.nextWall(shown.Add(-1)).Equal(shown) {
		note += " and one with " + shown.Format("15:04")
	}
	return note
}
