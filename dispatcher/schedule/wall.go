package schedule

import "time"

// A wall-clock time is carried in a time.Time labelled UTC, here called a wall.
// Walls have no gaps and no overlaps, so they can be counted with.

// maxOffset is more than any offset from UTC that a zone has had (the local
// mean times of Manila and Alaska lay 15 h and some minutes away), and maxSpread
// more than any two offsets of one zone have differed.
const (
	maxOffset = 16 * time.Hour
	maxSpread = 26 * time.Hour
)

// offset gives what the zone's clock is ahead of UTC at an instant.
func offset(at time.Time, zone *time.Location) time.Duration {
	_, off := at.In(zone).Zone()
	return time.Duration(off) * time.Second
}

// reading gives the wall that the zone's clock shows at an instant.
func reading(at time.Time, zone *time.Location) time.Time {
	return at.UTC().Add(offset(at, zone))
}

// pointer gives the furthest wall that the zone's clock has shown up to and
// including an instant: the drag pointer of the package comment. Its inverse, the
// first instant at which the pointer has reached a wall, is dispatcher.FromWall;
// so the wall after the pointer always maps to an instant after the given one.
func pointer(at time.Time, zone *time.Location) time.Time {
	far := reading(at, zone)
	change, _ := at.In(zone).ZoneBounds()
	for !change.IsZero() && at.Sub(change) < maxSpread {
		last := change.Add(-1) // the clock did not show what the change replaced
		if w := reading(last, zone); w.After(far) {
			far = w
		}
		change, _ = last.In(zone).ZoneBounds()
	}
	return far
}

// readings gives all instants at which the zone's clock shows a wall, in order:
// none in a gap, two in an overlap.
func readings(wall time.Time, zone *time.Location) []time.Time {
	var all []time.Time
	at := wall.Add(-maxOffset)
	for at.Before(wall.Add(maxOffset)) {
		_, end := at.In(zone).ZoneBounds()
		read := wall.Add(-offset(at, zone))
		if !read.Before(at) && (end.IsZero() || read.Before(end)) {
			all = append(all, read.UTC())
		}
		if end.IsZero() {
			break
		}
		at = end
	}
	return all
}
