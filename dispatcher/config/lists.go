package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// maxSiteKey keeps a site's key short enough for the links in mails.
const maxSiteKey = 24

func (l *loader) sites(sites []Site) {
	if len(sites) == 0 {
		l.bad("sites", "name a site, or leave the key out for one named default", "is empty")
	}
	seen := map[string]string{}
	for i, s := range sites {
		at := fmt.Sprintf("sites[%d].", i)
		l.name(at+"key", s.Key, maxSiteKey, seen)
		if s.BaseURL != "" || l.origin(at+"key") != (Origin{}) {
			l.webURL(at+"base_url", s.BaseURL) // only the built-in site has none
		}
		l.from(at+"from", s.From)
		if strings.ContainsAny(s.Name, "\r\n") {
			l.bad(at+"name", "write it in one line", "has a line break")
		}
		if !regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`).MatchString(s.Locale) {
			l.bad(at+"locale", "write a language such as en, de or de-AT", "%q is no language", s.Locale)
		}
		l.zone(at+"time_zone", s.Zone)
		if s.Schedule == "" {
			l.bad(at+"schedule", "write immediate or the name of a schedule", "is empty")
		}
		if s.Sending != "" {
			l.mode(at+"sending", s.Sending)
		}
	}
}

func (l *loader) from(at, text string) {
	if text == "" {
		l.bad(at, `write "My Site <replies@example.org>"`, "is missing")
		return
	}
	a, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsAny(a.Name, "\r\n") {
		l.bad(at, `write "My Site <replies@example.org>"`, "%q is no mail address", text)
	}
}

func (l *loader) relays(relays []Relay) {
	seen := map[string]string{}
	for i, r := range relays {
		at := fmt.Sprintf("relays[%d].", i)
		if l.relayURL(at, r) {
			l.relayName(at+"name", r.Name, seen)
		}
		if r.TLS != "" { // else the relay's own rule
			l.oneOf(at+"tls", r.TLS, "starttls", "implicit", "opportunistic", "none")
		}
		l.count(at+"connections", r.Connections, 1, 1000)
		if r.Rate < 0 {
			l.bad(at+"rate", "use 0 for no limit", "is below zero")
		}
		l.oneOf(at+"pipelining", r.Pipelining, "auto", "off")
		if r.Sending != "" {
			l.mode(at+"sending", r.Sending)
		}
	}
}

// relayURL tells what is wrong without the text: people put passwords in it.
func (l *loader) relayURL(at string, r Relay) bool {
	u, err := url.Parse(r.URL)
	switch {
	case r.URL == "":
		l.bad(at+"url", "write smtp://user@mail.example.org:587", "is missing")
	case err != nil:
		l.bad(at+"url", "write smtp://user@mail.example.org:587, with special characters of the user percent-encoded", "is no URL")
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		l.bad(at+"url", "write smtp://user@mail.example.org:587", "begins with neither smtp:// nor smtps://")
	case u.Hostname() == "":
		l.bad(at+"url", "write smtp://user@mail.example.org:587", "names no host")
	case hasPassword(u):
		l.bad(at+"url", "move it to password_file (or password)", "holds a password, and URLs are shown in pages and logs")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		l.bad(at+"url", "end it after the port", "has more than user, host and port")
	case u.Scheme == "smtps" && r.TLS != "" && r.TLS != "implicit":
		l.bad(at+"tls", "leave tls out, or use smtp:// in url", "is %q, but smtps:// means implicit TLS", r.TLS)
	case r.Password != "" && (u.User == nil || u.User.Username() == ""):
		l.bad(at+"url", "write smtp://user@mail.example.org:587", "names no user for the password")
	default:
		return true
	}
	return false
}

func hasPassword(u *url.URL) bool {
	if u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return has
}

func (l *loader) relayName(at, name string, seen map[string]string) {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) || len(name) > 253 {
		l.bad(at, "use one short word", "%q is no name", name)
	}
	if seen[name] != "" {
		l.bad(at, "give each relay a name of its own", "%q is also the name of %s", name, seen[name])
	}
	seen[name] = strings.TrimSuffix(at, ".name")
}

func (l *loader) schedules(schedules []Schedule) {
	seen := map[string]string{}
	for i, s := range schedules {
		at := fmt.Sprintf("schedules[%d].", i)
		l.name(at+"name", s.Name, 40, seen)
		if s.Name == dispatcher.Immediate && s.Spec != "" {
			l.bad(at+"cron", "leave it out, or choose another name", "cannot be set for the built-in schedule immediate")
		}
		if s.Spec == "" && s.Name != dispatcher.Immediate {
			l.bad(at+"cron", `write minute, hour, day, month and weekday, such as "0 8 * * *"`, "is missing")
		}
		if s.Zone != dispatcher.ZoneSite && s.Zone != dispatcher.ZoneSubscriber {
			l.zone(at+"time_zone", s.Zone)
		}
		l.oneOf(at+"misfire", string(s.Misfire), string(dispatcher.MisfireMerge), string(dispatcher.MisfireSkip))
		l.atLeast(at+"catch_up", s.CatchUp, 0)
		if s.CatchUp > 31*day {
			l.bad(at+"catch_up", "use 31d or less", "is %s", formatDuration(s.CatchUp))
		}
		l.count(at+"max_items", s.MaxItems, 1, 200)
		l.count(at+"min_items", s.MinItems, 0, max(s.MaxItems, 1))
	}
}

func (l *loader) sources(c *Config) {
	seen := map[string]string{}
	sites := map[string]bool{}
	var keys []string
	for _, s := range c.Sites {
		sites[s.Key] = true
		keys = append(keys, s.Key)
	}
	for i, s := range c.Sources {
		at := fmt.Sprintf("sources[%d].", i)
		l.name(at+"name", s.Name, 64, seen)
		if !sites[s.Site] {
			l.bad(at+"site", "use the key of a site: "+strings.Join(keys, ", "), "%q is no site", s.Site)
		}
		l.sourceType(at, s)
		l.atLeast(at+"settle", s.Settle, 0)
		l.atLeast(at+"max_age", s.MaxAge, time.Hour)
		l.atLeast(at+"interval_min", s.IntervalMin, time.Second)
		if s.IntervalMax < s.IntervalMin {
			l.bad(at+"interval_max", "set it to interval_min or more", "is %s and below interval_min, %s", formatDuration(s.IntervalMax), formatDuration(s.IntervalMin))
		}
		l.count(at+"jump", s.Jump, 0, 1e9)
		l.atLeast(at+"look_back", s.LookBack, time.Hour)
		for j, h := range s.AllowPrivate {
			l.host(fmt.Sprintf("%sallow_private[%d]", at, j), h)
		}
	}
}

func (l *loader) sourceType(at string, s Source) {
	switch s.Type {
	case SourceWordPress:
		l.webURL(at+"url", s.URL)
		if (s.Username == "") != (s.Password == "") {
			l.bad(at+"username", "give username and password, or neither", "and password belong together")
		}
		if s.Query != "" || s.DatabaseURL != "" {
			l.bad(at+"type", "use type: sql, or leave out query and database_url", "is wordpress, which reads no database")
		}
	case SourceSQL:
		if s.DatabaseURL == "" {
			l.bad(at+"database_url", "write it as database.url is written", "is missing")
		} else {
			l.databaseURL(at+"database_url", s.DatabaseURL)
		}
		if strings.TrimSpace(s.Query) == "" {
			l.bad(at+"query", "write a SELECT, see docs/sources.md", "is missing")
		}
		if s.Since != "" {
			l.oneOf(at+"since", s.Since, "timestamp", "text", "epoch", "epoch_ms", "epoch_us")
		}
		l.zone(at+"time_zone", s.Zone)
		if s.Absent != "" && s.Absent != "removed" {
			l.bad(at+"absent", "write removed, or leave it out", "%q is not known", s.Absent)
		}
		l.atLeast(at+"window", s.Window, time.Second)
		if s.URL != "" {
			l.bad(at+"url", "use database_url for the database, or type: wordpress", "is not used by a source of type sql")
		}
	default:
		l.oneOf(at+"type", s.Type, SourceWordPress, SourceSQL)
	}
}
