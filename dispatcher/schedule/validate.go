package schedule

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hearback/hearback/dispatcher"
)

// The limits of a schedule.
const (
	MaxScheduleName  = 40 // bytes
	MaxScheduleLabel = 80 // runes
	MaxCatchUp       = 31 * 24 * time.Hour
	MaxDigestItems   = 200
)

// New gives a schedule with the defaults of all that is not named: the site's
// zone, merge, seven days of catch-up, at most fifty items. Doors decode what
// they are given over it. It is not validated.
func New(name, spec string) dispatcher.Schedule {
	return dispatcher.Schedule{
		Name:     name,
		Spec:     spec,
		Zone:     dispatcher.ZoneSite,
		Misfire:  dispatcher.MisfireMerge,
		CatchUp:  dispatcher.DefaultCatchUp,
		MaxItems: dispatcher.DefaultMaxItems,
	}
}

// Validate checks a schedule as a whole. The built-in one, [dispatcher.Immediate],
// has no spec; every other one must have one. The error is a *dispatcher.Error
// that names the field as the API does.
func Validate(s dispatcher.Schedule) error {
	if err := validateName(s); err != nil {
		return err
	}
	if err := validateNumbers(s); err != nil {
		return err
	}
	if s.Name == dispatcher.Immediate {
		return nil
	}
	spec, err := Parse(s.Spec)
	if err != nil {
		return err
	}
	zone, err := validateZone(s.Zone)
	if err != nil {
		return err
	}
	if spec.AlwaysQuiet(s.Quiet, zone) {
		return dispatcher.Invalid("quiet_hours", "leave a firing outside of them, or leave them out",
			"%s cover every firing of %q, so nothing would ever be mailed", s.Quiet, spec)
	}
	return nil
}

func validateName(s dispatcher.Schedule) error {
	const mend = `use a short name of a-z, 0-9, - and _, for example "daily"`
	switch {
	case s.Name == "":
		return dispatcher.Invalid("name", mend, "is missing")
	case len(s.Name) > MaxScheduleName:
		return dispatcher.Invalid("name", mend, "is %d bytes long", len(s.Name))
	case strings.ContainsFunc(s.Name, notNameRune):
		return dispatcher.Invalid("name", mend, "%q has other characters", s.Name)
	case s.Name[0] == '-' || s.Name[0] == '_':
		return dispatcher.Invalid("name", "begin with a letter or a digit", "%q begins with %q", s.Name, s.Name[:1])
	case s.Name == dispatcher.Immediate && s.Spec != "":
		return dispatcher.Invalid("name", "choose another name", "%q is built in and has no cron spec", s.Name)
	case utf8.RuneCountInString(s.Label) > MaxScheduleLabel || !utf8.ValidString(s.Label) || strings.ContainsFunc(s.Label, unicode.IsControl):
		return dispatcher.Invalid("label", "use one line of at most 80 characters", "cannot stand in a mail")
	}
	return nil
}

func notNameRune(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}

func validateNumbers(s dispatcher.Schedule) error {
	switch {
	case s.Misfire != dispatcher.MisfireMerge && s.Misfire != dispatcher.MisfireSkip && !(s.Misfire == "" && s.Name == dispatcher.Immediate):
		return dispatcher.Invalid("misfire", `use "merge" or "skip"`, "unknown policy %q", s.Misfire)
	case s.CatchUp < 0:
		return dispatcher.Invalid("catch_up", "use 0 or more", "%s is negative", s.CatchUp)
	case s.CatchUp > MaxCatchUp:
		return dispatcher.Invalid("catch_up", "use at most 31 days, that is 744h", "%s is too long", s.CatchUp)
	case s.MaxItems < 1 || s.MaxItems > MaxDigestItems:
		return dispatcher.Invalid("max_items", "use 1 to 200", "%d is out of range", s.MaxItems)
	case s.MinItems < 0:
		return dispatcher.Invalid("min_items", "use 0 or more", "%d is negative", s.MinItems)
	case s.MinItems > s.MaxItems:
		return dispatcher.Invalid("min_items", "use at most max_items", "%d is more than max_items %d", s.MinItems, s.MaxItems)
	case !minuteOfDay(s.Quiet.From) || !minuteOfDay(s.Quiet.To):
		return dispatcher.Invalid("quiet_hours", `write them as "22:00-07:00"`, "are outside of the day")
	}
	return nil
}

func minuteOfDay(m int) bool { return 0 <= m && m < 24*60 }

// validateZone gives the zone of a name, nil for the site's and the reader's own.
func validateZone(name string) (*time.Location, error) {
	switch name {
	case dispatcher.ZoneSite, dispatcher.ZoneSubscriber:
		return nil, nil
	}
	return loadZone(name, `use "site", "subscriber" or an IANA name such as "Europe/Berlin"`)
}
