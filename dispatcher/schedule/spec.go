package schedule

import (
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/hearback/hearback/dispatcher"
)

// The limits of a spec.
const (
	MaxSpec  = 200                  // bytes
	MinEvery = time.Minute          // the shortest @every
	MaxEvery = 366 * 24 * time.Hour // the longest @every
)

// star is the bit that robfig/cron sets in a field that was "*" or "?".
const star = 1 << 63

// allHours has the bits 0 to 23.
const allHours = 1<<24 - 1

// Spec is a parsed cron spec. It is made by [Parse], never changes, and may be
// used by many goroutines at once.
type Spec struct {
	text    string
	every   time.Duration      // of @every, else zero
	fields  *cron.SpecSchedule // evaluated on UTC-labelled wall clocks only; nil for @every
	elapsed bool               // the hour field is an interval, see the package comment
}

// Parse reads a spec: five fields (minute, hour, day of month, month, day of
// week), one of the descriptors @hourly, @daily, @midnight, @weekly, @monthly,
// @yearly and @annually, or "@every" with a Go duration of at least [MinEvery]
// and whole seconds. Day of week 7 is Sunday, as 0 is. It never panics; its
// error is a *dispatcher.Error for the field "cron" with a mend.
func Parse(spec string) (*Spec, error) {
	text, err := tidy(spec)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(text, "@every") {
		return parseEvery(text)
	}
	plain := text
	if !strings.HasPrefix(text, "@") {
		if plain, err = plainFields(text); err != nil {
			return nil, err
		}
	}
	fields, err := parseFields(plain)
	if err != nil {
		e := bad("use five fields such as \"0 8 * * 1-5\", or @hourly, @daily, @weekly, @monthly, @yearly or @every 2h",
			"%q is no cron spec", text)
		e.Err = err
		return nil, e
	}
	s := &Spec{text: text, fields: fields, elapsed: elapsedHours(plain, fields)}
	if s.nextWall(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, bad("name a day that its months have", "%q never fires", text)
	}
	return s, nil
}

// String gives the spec as it was written, with single spaces.
func (s *Spec) String() string { return s.text }

// Elapsed says whether the spec means an interval and follows elapsed time over
// clock changes, rather than keeping wall-clock times.
func (s *Spec) Elapsed() bool { return s.elapsed }

// tidy checks what holds for every spec and gives it with single spaces,
// descriptors in lower case.
func tidy(spec string) (string, error) {
	if len(spec) > MaxSpec {
		return "", bad(fmt.Sprintf("use at most %d bytes", MaxSpec), "is %d bytes long", len(spec))
	}
	for _, r := range spec {
		if r != '\t' && (r < ' ' || r > '~') {
			return "", bad("use plain letters, digits and * / , - only", "has the character %q", r)
		}
	}
	text := strings.Join(strings.Fields(spec), " ")
	if text == "" {
		return "", bad("use five fields such as \"0 8 * * *\", or @daily", "is missing")
	}
	if first, _, found := strings.Cut(text, "="); found && (strings.EqualFold(first, "TZ") || strings.EqualFold(first, "CRON_TZ")) {
		return "", bad("put the zone into time_zone and only the five fields here", "has a time zone in front")
	}
	if text[0] == '@' {
		text = strings.ToLower(text)
	}
	return text, nil
}

// parseEvery reads "@every 2h".
func parseEvery(text string) (*Spec, error) {
	const mend = `write for example "@every 15m" or "@every 2h"`
	d, err := time.ParseDuration(strings.TrimPrefix(text, "@every "))
	switch {
	case err != nil:
		return nil, bad(mend, "%q has no duration that can be read", text)
	case d < MinEvery:
		return nil, bad("use one minute or more", "%q is shorter than one minute", text)
	case d > MaxEvery:
		return nil, bad("use at most 366 days, that is 8784h", "%q is longer than a year", text)
	case d%time.Second != 0:
		return nil, bad("use whole seconds", "%q has a fraction of a second", text)
	}
	return &Spec{text: text, every: d, elapsed: true}, nil
}

// parseFields has robfig/cron read five fields or a descriptor. Its panics are
// not ours to have, so they become errors.
func parseFields(text string) (fields *cron.SpecSchedule, err error) {
	defer func() {
		if p := recover(); p != nil {
			fields, err = nil, fmt.Errorf("the cron parser broke on it: %v", p)
		}
	}()
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	got, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	fields, ok := got.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("it has no fields")
	}
	fields.Location = time.UTC
	return fields, nil
}

// elapsedHours says whether the hours of a spec are an interval: all of them, or
// a step that leaves more than one. A step that leaves one hour ("*/24") names
// that hour.
func elapsedHours(text string, fields *cron.SpecSchedule) bool {
	hours := fields.Hour &^ star
	if hours == allHours {
		return true
	}
	if text[0] == '@' {
		return false
	}
	return strings.Contains(strings.Fields(text)[1], "/") && bits.OnesCount64(hours) > 1
}

// bad makes the error of a spec.
func bad(mend, format string, args ...any) *dispatcher.Error {
	return dispatcher.Invalid("cron", mend, format, args...)
}
