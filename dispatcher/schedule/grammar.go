package schedule

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// grammar is what a language brings to [Spec.Words].
type grammar struct {
	tag                language.Tag
	quoted             string // %s is the spec
	times              string // %s is a list of times
	fromTo             string // two times, appended to an interval
	past               forms  // appended to an interval
	hours              unit
	minutes            unit
	seconds            unit
	comma, and         string // between words of a list; "" of comma is ", "
	daily              string // with times on every day
	week               [7]string
	workdays, weekends string
	ofMonth            string // %s is a list of ordinals
	ofYear             string // %s is a list of dates
	date               string // %[1]s is an ordinal or number, %[2]s a month
	ordinal            func(day int) string
	dayInDate          func(day int) string
	months             [12]string
	onDays             string                    // %s is a list of names from week
	daysLast           bool                      // an interval comes before its days: "every 15 minutes on weekdays"
	euphony            func(words string) string // puts right what depends on sounds; nil where nothing does
}

// forms are words by the form that a language has for their number, as CLDR
// names them: zero, one, two, few, many, other. A form without words of its own
// takes those of other.
type forms map[string]string

// unit is a span of time as an interval.
type unit struct {
	single string // exactly one
	more   forms  // %d of them, if they say it
}

// say gives the words for a number.
func (g *grammar) say(f forms, n int) string {
	words, ok := f[formOf(g.tag, n)]
	if !ok {
		words = f["other"]
	}
	if !strings.Contains(words, "%d") {
		return words
	}
	return fmt.Sprintf(words, n)
}

func formOf(tag language.Tag, n int) string {
	switch plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

// at joins days and times; days "" are all.
func (g *grammar) at(days, times string) string {
	if days == "" {
		days = g.daily
	}
	return days + " " + times
}

// during joins days and an interval.
func (g *grammar) during(days, interval string) string {
	switch {
	case days == "":
		return interval
	case g.daysLast:
		return interval + " " + days
	default:
		return days + " " + interval
	}
}

// interval tells of a duration of whole seconds in its largest whole unit.
func (g *grammar) interval(d time.Duration) string {
	words, n := g.seconds, int(d/time.Second)
	switch {
	case d%time.Hour == 0:
		words, n = g.hours, int(d/time.Hour)
	case d%time.Minute == 0:
		words, n = g.minutes, int(d/time.Minute)
	}
	if n == 1 {
		return words.single
	}
	return g.say(words.more, n)
}

// weekdays tells of a set of days of the week, Sunday being 0, from Monday on.
func (g *grammar) weekdays(set uint64) string {
	switch set {
	case 0b0111110:
		return g.workdays
	case 0b1000001:
		return g.weekends
	}
	var words []string
	for i := range 7 {
		if day := (i + 1) % 7; set>>day&1 == 1 {
			words = append(words, g.week[day])
		}
	}
	return fmt.Sprintf(g.onDays, g.list(words))
}

func (g *grammar) monthly(days []int) string {
	words := make([]string, len(days))
	for i, day := range days {
		words[i] = g.ordinal(day)
	}
	return fmt.Sprintf(g.ofMonth, g.list(words))
}

func (g *grammar) yearly(months, days []int) string {
	var words []string
	for _, month := range months {
		for _, day := range days {
			words = append(words, fmt.Sprintf(g.date, g.dayInDate(day), g.months[month-1]))
		}
	}
	return fmt.Sprintf(g.ofYear, g.list(words))
}

// list joins words with commas and an "and".
func (g *grammar) list(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], cmp.Or(g.comma, ", ")) + g.and + words[last]
}
