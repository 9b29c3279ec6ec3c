package public

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/subscribe"
)

// target is what a subscription or a mute is about, in words.
type target struct {
	Words string // such as "the conversation", without its name
	Name  string // of the thread or the author, "" when there is none
	URL   string // "" when none is known
}

func targetOf(w words, t dispatcher.Target, c dispatcher.Comment, th dispatcher.Thread) target {
	title := cmp.Or(th.Title, strings.TrimPrefix(strings.TrimPrefix(th.URL, "https://"), "http://"))
	switch t.Type {
	case dispatcher.TargetThread:
		if title == "" { // nobody has told of it yet
			return target{w.say("untitled"), "", ""}
		}
		return target{w.say("target_thread"), title, th.URL}
	case dispatcher.TargetComment:
		if c.AuthorName != "" {
			return target{w.say("target_comment_by", c.AuthorName), title, cmp.Or(c.URL, th.URL)}
		}
		return target{w.say("target_comment"), title, cmp.Or(c.URL, th.URL)}
	case dispatcher.TargetAuthor:
		return target{w.say("target_author"), cmp.Or(c.AuthorName, w.say("somebody")), ""}
	case dispatcher.TargetReplies:
		return target{w.say("target_replies"), "", ""}
	}
	return target{w.say("target_site"), "", ""}
}

// option is one choice of a list.
type option struct {
	Value  string
	Label  string
	Chosen bool
}

func options(w words, schedules []dispatcher.Schedule, chosen string) []option {
	var out []option
	for i := range schedules {
		s := &schedules[i]
		out = append(out, option{s.Name, labelOf(w, s), s.Name == chosen})
	}
	return out
}

// labelOf says a cadence as readers say it.
func labelOf(w words, s *dispatcher.Schedule) string {
	if s.Label != "" {
		return s.Label
	}
	if s.Name == dispatcher.Immediate {
		return w.say("at_once")
	}
	spec, err := schedule.Parse(s.Spec)
	if err != nil {
		return s.Name
	}
	return spec.Words(w.lang)
}

func label(w words, schedules []dispatcher.Schedule, name string) string {
	for i := range schedules {
		if schedules[i].Name == name {
			return labelOf(w, &schedules[i])
		}
	}
	return name
}

func orImmediate(name string) string { return cmp.Or(name, dispatcher.Immediate) }

func siteZone(s dispatcher.Site) string { return cmp.Or(s.Zone, "UTC") }

// zoneOf gives the reader's zone.
func zoneOf(v *visit) *time.Location {
	for _, name := range []string{v.Reader.Zone, v.Site.Zone} {
		if z, err := schedule.LoadZone(name); err == nil {
			return z
		}
	}
	return time.UTC
}

func anyPending(subs []subscribe.Listed) bool {
	for i := range subs {
		if subs[i].ConfirmedAt.IsZero() {
			return true
		}
	}
	return false
}

func fieldOf(err error) string {
	var e *dispatcher.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

// zoneNames are the zones that the page suggests; any other IANA name may be
// typed.
func zoneNames() []string {
	return []string{
		"Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota",
		"America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
		"America/Phoenix", "America/Sao_Paulo", "America/St_Johns", "America/Toronto", "America/Vancouver", "Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai",
		"Asia/Hong_Kong", "Asia/Istanbul", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Manila", "Asia/Seoul",
		"Asia/Shanghai", "Asia/Singapore", "Asia/Taipei", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores", "Atlantic/Reykjavik", "Australia/Adelaide",
		"Australia/Brisbane", "Australia/Perth", "Australia/Sydney", "Europe/Amsterdam", "Europe/Athens", "Europe/Belgrade", "Europe/Berlin", "Europe/Brussels",
		"Europe/Bucharest", "Europe/Budapest", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Kyiv", "Europe/Lisbon", "Europe/London",
		"Europe/Madrid", "Europe/Moscow", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw",
		"Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu", "UTC",
	}
}
