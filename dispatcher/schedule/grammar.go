package schedule

import (
	"fmt"
	"strings"
	"time"
)

// grammar is what a language brings to [Spec.Words]. Pairs are for one and for
// more.
type grammar struct {
	quoted             string // %s is the spec
	times              string // %s is a list of times
	fromTo             string // two times, appended to an interval
	past               [2]string
	hours              [2]string
	minutes            [2]string
	seconds            [2]string
	and                string
	daily              string // with times on every day
	week               [7]string
	workdays, weekends string
	ofMonth            string // %s is a list of ordinals
	ofYear             string // %s is a list of dates
	date               string // %[1]s is an ordinal or number, %[2]s a month
	ordinal            func(day int) string
	dayInDate          func(day int) string
	months             [12]string
	onDays             string // %s is a list of names from week
	daysLast           bool   // an interval comes before its days: "every 15 minutes on weekdays"
}

func grammarOf(lang string) *grammar {
	if primaryLanguage(lang) == "de" {
		return german()
	}
	return english()
}

func english() *grammar {
	return &grammar{
		quoted:   `on the schedule "%s"`,
		times:    "at %s",
		fromTo:   " from %s to %s",
		past:     [2]string{", %d minute past the hour", ", %d minutes past the hour"},
		hours:    [2]string{"every hour", "every %d hours"},
		minutes:  [2]string{"every minute", "every %d minutes"},
		seconds:  [2]string{"every second", "every %d seconds"},
		and:      " and ",
		daily:    "every day",
		week:     [7]string{"Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"},
		onDays:   "on %s",
		workdays: "on weekdays",
		weekends: "at weekends",
		ofMonth:  "on the %s of every month",
		ofYear:   "every year on %s",
		date:     "%[1]s %[2]s",
		ordinal:  englishOrdinal,
		dayInDate: func(day int) string {
			return fmt.Sprint(day)
		},
		months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August",
			"September", "October", "November", "December"},
		daysLast: true,
	}
}

func german() *grammar {
	ordinal := func(day int) string { return fmt.Sprintf("%d.", day) }
	return &grammar{
		quoted:    `nach dem Plan „%s“`,
		times:     "um %s Uhr",
		fromTo:    " von %s bis %s Uhr",
		past:      [2]string{", %d Minute nach der vollen Stunde", ", %d Minuten nach der vollen Stunde"},
		hours:     [2]string{"stündlich", "alle %d Stunden"},
		minutes:   [2]string{"jede Minute", "alle %d Minuten"},
		seconds:   [2]string{"jede Sekunde", "alle %d Sekunden"},
		and:       " und ",
		daily:     "täglich",
		week:      [7]string{"sonntags", "montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags"},
		onDays:    "%s",
		workdays:  "montags bis freitags",
		weekends:  "samstags und sonntags",
		ofMonth:   "am %s jedes Monats",
		ofYear:    "jedes Jahr am %s",
		date:      "%[1]s %[2]s",
		ordinal:   ordinal,
		dayInDate: ordinal,
		months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
			"September", "Oktober", "November", "Dezember"},
	}
}

func englishOrdinal(day int) string {
	suffix := "th"
	if day/10 != 1 {
		switch day % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", day, suffix)
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
		return words[0]
	}
	return fmt.Sprintf(words[1], n)
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
	return strings.Join(words[:last], ", ") + g.and + words[last]
}
