package schedule

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Next gives the first firing strictly after an instant, in UTC; the zero time
// if there is none. The zone is that of the chain; @every does not look at it.
func (s *Spec) Next(after time.Time, zone *time.Location) time.Time {
	return s.next(after, zone).at
}

// firing is an instant and the wall it stands for. They differ where a clock
// change moved the firing.
type firing struct{ at, wall time.Time }

func (s *Spec) next(after time.Time, zone *time.Location) firing {
	switch {
	case s.every > 0:
		at := s.nextEvery(after)
		return firing{at: at, wall: reading(at, zone)}
	case s.elapsed:
		return s.nextElapsed(after, zone)
	}
	wall := s.nextWall(pointer(after, zone))
	if wall.IsZero() {
		return firing{}
	}
	return firing{at: dispatcher.FromWall(wall, zone), wall: wall}
}

// nextEvery counts from the Unix epoch.
func (s *Spec) nextEvery(after time.Time) time.Time {
	step := int64(s.every / time.Second)
	n := after.Unix() / step
	if after.Unix()%step < 0 {
		n--
	}
	return time.Unix((n+1)*step, 0).UTC()
}

// nextElapsed goes from one clock change to the next and looks for a matching
// reading in the time between them, in which the clock runs evenly.
func (s *Spec) nextElapsed(after time.Time, zone *time.Location) firing {
	at, shown := after, reading(after, zone)
	for {
		_, change := at.In(zone).ZoneBounds()
		wall := s.nextWall(shown)
		if wall.IsZero() {
			return firing{}
		}
		read := wall.Add(-offset(at, zone))
		if change.IsZero() || read.Before(change) {
			return firing{at: read, wall: wall}
		}
		onward := reading(change, zone).Add(-1)
		jump := offset(change, zone) - offset(at, zone)
		if !wall.After(onward) && s.nextWall(onward).Sub(onward) > jump+1 {
			return firing{at: change.UTC(), wall: wall}
		}
		at, shown = change, onward
	}
}

// nextWall gives the first matching wall strictly after another; zero if there
// is none. robfig/cron gives up after five years, which the leap days around
// 2100 outlast, so it is asked again from where it gave up.
func (s *Spec) nextWall(after time.Time) time.Time {
	for range 2 {
		if wall := s.fields.Next(after); !wall.IsZero() {
			return wall
		}
		after = time.Date(after.Year()+5, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}
}
