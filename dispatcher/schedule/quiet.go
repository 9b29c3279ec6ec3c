package schedule

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// AlwaysQuiet says whether quiet hours cover every firing, so that a reader who
// has them would wait for ever: such a pair must be refused or warned of. Five
// fields need no zone. @every is compared with the offsets that the zone has from
// 2020 to 2040, and with all offsets if the zone is nil.
func (s *Spec) AlwaysQuiet(q dispatcher.Quiet, zone *time.Location) bool {
	if q.None() {
		return false
	}
	if s.every > 0 {
		return s.everyAlwaysQuiet(q, zone)
	}
	for _, minute := range s.clock() {
		if !quietAt(q, minute) {
			return false
		}
	}
	return true
}

// everyAlwaysQuiet uses that an @every reaches, over the days, each multiple of
// its common divisor with the day.
func (s *Spec) everyAlwaysQuiet(q dispatcher.Quiet, zone *time.Location) bool {
	const day = 24 * 60 * 60
	step, rest := int(s.every/time.Second), day
	for rest != 0 {
		step, rest = rest, step%rest
	}
	for _, off := range offsets(zone) {
		for second := 0; second < day; second += step {
			shown := (second + off + day) % day
			if !quietAt(q, shown/60) {
				return false
			}
		}
	}
	return true
}

// offsets gives the seconds that a zone is ahead of UTC, as they change; all
// quarters of an hour for nil.
func offsets(zone *time.Location) []int {
	var all []int
	if zone == nil {
		const quarter = 15 * 60
		for off := -12 * 4 * quarter; off <= 14*4*quarter; off += quarter {
			all = append(all, off)
		}
		return all
	}
	at := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
	for at.Year() < 2040 {
		_, off := at.In(zone).Zone()
		all = append(all, off)
		_, at = at.In(zone).ZoneBounds()
		if at.IsZero() {
			break
		}
	}
	return all
}

// quietAt says whether a minute after midnight lies in the quiet hours.
func quietAt(q dispatcher.Quiet, minute int) bool {
	if q.From <= q.To {
		return q.From <= minute && minute < q.To
	}
	return minute >= q.From || minute < q.To
}
