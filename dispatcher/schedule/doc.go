// Package schedule answers "when": it reads a cron spec, says at which
// instants it fires in a time zone, and says what a daemon that looks at its
// clock now has to do about them.
//
// Ticks are data. Nothing here runs, waits or keeps a timer: a caller stores
// the instant of the last slot of each [Chain] and asks [Chain.Due] whenever it
// likes. Any number of daemons that ask get the same answer, so a unique key on
// the slot is all that is needed to decide which of them opens it; a daemon that
// slept for a minute or a year asks the same question as one that did not.
//
// # Two clocks
//
// A spec that names its hours ("30 2 * * *") keeps wall-clock time. Imagine the
// wall clock of the zone with a drag pointer, as a maximum thermometer has one:
// the pointer follows the clock forward and stays where it is when the clock is
// put back. Such a spec fires at the instant at which the pointer reaches or
// passes the time it names. That one sentence is the whole rule for clock changes:
//
//   - in a gap (02:00 becomes 03:00) the pointer passes 02:30 when the gap ends,
//     so the slot fires then;
//   - in an overlap (03:00 becomes 02:00) it passes 02:30 only the first time;
//   - times that it passes at one instant are one slot;
//   - a day that a zone leaves out (Samoa, 30 December 2011) fires at its end.
//
// A spec with "*" or a step among its hours ("0 * * * *") means an interval, so
// it follows elapsed time: it fires at each instant at which the clock shows a
// matching time, twice where a reading comes twice. Readings that a gap swallows
// are not made up, unless the next one is further from the gap's end than the gap
// is long; otherwise "0 */12 * * *" would lose half a day where clocks
// change at midnight.
//
// "@every" counts from the Unix epoch and knows no zone.
//
// robfig/cron only parses the fields and searches them, and only on a wall clock
// relabelled as UTC, which has neither gaps nor overlaps; asked in a real zone
// it skips and doubles days.
package schedule
