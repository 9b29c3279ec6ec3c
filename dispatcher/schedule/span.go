package schedule

import "time"

// Longest gives the longest time between two firings on the wall clock, over all
// years: 24 h for "0 8 * * *", 2921 days for 29 February (from 2096 to 2104). A clock
// change can lengthen it by the change, so a keeper of records adds a day.
func (s *Spec) Longest() time.Duration {
	if s.every > 0 {
		return s.every
	}
	clock := s.clock()
	first, last := clock[0], clock[len(clock)-1]
	longest := 0 // minutes
	for i := 1; i < len(clock); i++ {
		longest = max(longest, clock[i]-clock[i-1])
	}
	// The calendar repeats after 400 years; 9 more close the circle.
	previous := -1
	for day, years := 0, 0; years < 400+9; years++ {
		for month := time.January; month <= time.December; month++ {
			start := time.Date(2000+years, month, 1, 0, 0, 0, 0, time.UTC)
			days := start.AddDate(0, 1, -1).Day()
			for d := range days {
				if s.onDay(month, d+1, (start.Weekday()+time.Weekday(d))%7) {
					if previous >= 0 {
						longest = max(longest, (day-previous)*24*60+first-last)
					}
					previous = day
				}
				day++
			}
		}
	}
	return time.Duration(longest) * time.Minute
}

// clock gives the minutes after midnight at which the spec fires, in order.
func (s *Spec) clock() []int {
	var all []int
	for h := range 24 {
		for m := range 60 {
			if s.fields.Hour>>h&1 == 1 && s.fields.Minute>>m&1 == 1 {
				all = append(all, h*60+m)
			}
		}
	}
	return all
}

// onDay says whether the spec fires on a day. As in every cron, day of month and
// day of week widen each other when both are restricted.
func (s *Spec) onDay(month time.Month, day int, weekday time.Weekday) bool {
	f := s.fields
	if f.Month>>month&1 == 0 {
		return false
	}
	dom, dow := f.Dom>>day&1 == 1, f.Dow>>weekday&1 == 1
	if f.Dom&star != 0 || f.Dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}
