package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Words says the spec in plain words for readers and admins, as a part of a
// sentence: "every day at 08:00", "on weekdays at 07:30", "every 15 minutes". The
// language is a BCP 47 tag; English, Arabic, French, German, Spanish and Ukrainian
// are known, others get English. A spec that no short sentence tells is quoted:
// `on the schedule "5 4 1-7 * 1"`.
func (s *Spec) Words(lang string) string {
	g := grammarOf(lang)
	if g.euphony != nil {
		return g.euphony(s.wordsIn(g))
	}
	return s.wordsIn(g)
}

func (s *Spec) wordsIn(g *grammar) string {
	if s.every > 0 {
		return g.interval(s.every)
	}
	days, known := s.daysIn(g)
	if times, ok := s.timesIn(g); ok && known {
		return g.at(days, times)
	}
	if span, ok := s.intervalIn(g); ok && known {
		return g.during(days, span)
	}
	return fmt.Sprintf(g.quoted, s.text)
}

// The most that a sentence lists before it is no longer plain.
const (
	maxTimes = 4
	maxDates = 3
)

// timesIn tells of a few times of the day.
func (s *Spec) timesIn(g *grammar) (string, bool) {
	clock := s.clock()
	if len(clock) > maxTimes || s.elapsed {
		return "", false
	}
	words := make([]string, len(clock))
	for i, minute := range clock {
		words[i] = clockTime(minute)
	}
	return fmt.Sprintf(g.times, g.list(words)), true
}

// intervalIn tells of an interval in the whole day or from one hour to another.
func (s *Spec) intervalIn(g *grammar) (string, bool) {
	hours, minutes := s.fields.Hour&^star, s.fields.Minute&^star
	first := bits.TrailingZeros64(minutes)
	every, even := stepOf(minutes, 60)
	switch {
	case bits.OnesCount64(minutes) == 1:
		every = 60
	case !even:
		return "", false
	}
	var words string
	if step, ok := stepOf(hours, 24); ok && step > 1 && every == 60 {
		words = g.interval(time.Duration(step) * time.Hour)
	} else {
		words = g.interval(time.Duration(every) * time.Minute)
		if hours != allHours {
			from := bits.TrailingZeros64(hours)
			to := 63 - bits.LeadingZeros64(hours)
			if bits.OnesCount64(hours) != to-from+1 {
				return "", false
			}
			clock := s.clock()
			return words + fmt.Sprintf(g.fromTo, clockTime(clock[0]), clockTime(clock[len(clock)-1])), true
		}
	}
	if every == 60 && first > 0 {
		words += g.say(g.past, first)
	}
	return words, true
}

// stepOf gives the step of a set that has each multiple of it below a limit that
// it divides, beginning with 0.
func stepOf(set uint64, limit int) (int, bool) {
	n := bits.OnesCount64(set)
	if n < 2 || limit%n != 0 {
		return 0, false
	}
	step := limit / n
	for i := 0; i < limit; i += step {
		if set>>i&1 == 0 {
			return 0, false
		}
	}
	return step, true
}

// daysIn tells of the days; "" is every day.
func (s *Spec) daysIn(g *grammar) (string, bool) {
	const allDays, allMonths, allWeek = 1<<32 - 2, 1<<13 - 2, 1<<7 - 1
	f := s.fields
	dom, month, dow := f.Dom&^star, f.Month&^star, f.Dow&^star
	if f.Dom&star == 0 && f.Dow&star == 0 {
		return "", false // each widens the other, which no short sentence tells
	}
	switch {
	case dow != allWeek && (dom != allDays || month != allMonths):
		return "", false
	case dow != allWeek:
		return g.weekdays(dow), true
	case dom == allDays && month == allMonths:
		return "", true
	case month == allMonths && bits.OnesCount64(dom) <= maxDates:
		return g.monthly(members(dom)), true
	case bits.OnesCount64(dom)*bits.OnesCount64(month) <= maxDates:
		return g.yearly(members(month), members(dom)), true
	}
	return "", false
}

// members lists a set's values in order.
func members(set uint64) []int {
	var all []int
	for ; set != 0; set &= set - 1 {
		all = append(all, bits.TrailingZeros64(set))
	}
	return all
}

func clockTime(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// primaryLanguage cuts a BCP 47 tag, or a POSIX locale, to its language.
func primaryLanguage(tag string) string {
	if i := strings.IndexAny(tag, "-_."); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag)
}
