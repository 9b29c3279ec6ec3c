package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// field is one of the five fields as the user knows it.
type field struct {
	name string
	span int // how many values it has; a longer step is a misunderstanding
}

// plainFields checks the shape of each term of the five fields, so that what
// robfig/cron would read in a way of its own ("," as never, "*-5" as "*", "*/90"
// as "0") is refused with words, and writes Sunday as 0 for it.
func plainFields(text string) (string, error) {
	fields := [...]field{{"minute", 60}, {"hour", 24}, {"day of month", 31}, {"month", 12}, {"day of week", 7}}
	parts := strings.Split(text, " ")
	switch {
	case len(parts) == len(fields)+1:
		return "", bad("leave out the field for seconds or years: minute, hour, day of month, month, day of week", "%q has six fields", text)
	case len(parts) != len(fields):
		return "", bad("give five fields: minute, hour, day of month, month, day of week", "%q does not have five fields but %d", text, len(parts))
	}
	for i, f := range fields {
		terms := strings.Split(parts[i], ",")
		for j, t := range terms {
			if err := f.check(t); err != nil {
				return "", err
			}
			if i == len(fields)-1 {
				terms[j] = sunday(t)
			}
		}
		parts[i] = strings.Join(terms, ",")
	}
	return strings.Join(parts, " "), nil
}

// check reads one term: a value, a range or a star, perhaps with a step. Whether
// values lie in the field's bounds is left to the parser.
func (f field) check(term string) error {
	mend := fmt.Sprintf("write the %s as *, a number, a range such as 1-5, a step such as */2, or a list of these", f.name)
	if term == "" {
		return bad(mend, "the %s has an empty place", f.name)
	}
	base, step, stepped := strings.Cut(term, "/")
	if stepped {
		n, err := strconv.ParseUint(step, 10, 16)
		if err != nil || n == 0 {
			return bad(mend, "the %s %q has no step that can be read", f.name, term)
		}
		if n > uint64(f.span) {
			return bad("for a longer interval write for example \"@every 90m\"",
				"the step of the %s %q is longer than the field's %d values", f.name, term, f.span)
		}
	}
	if base == "*" || base == "?" {
		return nil
	}
	low, high, ranged := strings.Cut(base, "-")
	if !value(low) || ranged && !value(high) {
		return bad(mend, "the %s %q cannot be read", f.name, term)
	}
	return nil
}

// value says whether s is a number of one or two digits or a name of three letters.
func value(s string) bool {
	if _, err := strconv.ParseUint(s, 10, 8); err == nil {
		return len(s) <= 2
	}
	return len(s) == 3 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz") == ""
}

// sunday rewrites a term of the day of week in which Sunday ends the week (7,
// 5-7, fri-sun) as robfig/cron reads it, where Sunday begins it. Other terms, and
// wrong ones, stay as they are.
func sunday(term string) string {
	base, step, stepped := strings.Cut(term, "/")
	low, high, ranged := strings.Cut(base, "-")
	from, known := weekday(low)
	if !known {
		return term
	}
	if !ranged {
		if from == 7 {
			return "0"
		}
		return term
	}
	to, known := weekday(high)
	if strings.EqualFold(high, "sun") && from > 0 {
		to = 7
	}
	if !known || to != 7 {
		return term
	}
	by := 1
	if stepped {
		by, _ = strconv.Atoi(step) // checked before
	}
	var days []string
	for d := from; d <= to; d += by {
		days = append(days, strconv.Itoa(d%7))
	}
	return strings.Join(days, ",")
}

// weekday reads a day of week, 0 to 7 or a name.
func weekday(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, 0 <= n && n <= 7
	}
	names := [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	for i, name := range names {
		if strings.EqualFold(s, name) {
			return i, true
		}
	}
	return 0, false
}
