package oracle

import (
	"fmt"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// History is one story from its beginning: the same history always gives the
// same mails.
type History struct {
	Seed   uint64 // what Generate's rng was seeded with; zero when written by hand
	Config Config
	Steps  []Step // in strictly ascending time
}

// Step is one thing that happens at an instant.
type Step struct {
	At time.Time
	Do Action
}

// Config is what stands before the first step.
type Config struct {
	Start     time.Time
	Sites     []dispatcher.Site     // Key and Zone are used
	Schedules []dispatcher.Schedule // immediate among them; Spec is not used, slots are steps
	Readers   []Reader              // their ids are unique over all sites
	Limits    dispatcher.Limits
	Settle    time.Duration
	MaxAge    time.Duration // of a comment that still mails when it arrives; zero for no limit
	AtOnce    bool          // mails are sent in the step that made them; else by Send
}

// Reader is a subscriber as they stand before the first step: not paused,
// without subscriptions.
type Reader struct {
	ID        string // the site's own
	Site      string
	Email     string
	Zone      string // "" for the site's
	AuthorIDs []string
	Confirmed bool // their address is; else their subscriptions wait for Confirm
}

// Schedule gives a schedule by name, or nil.
func (c *Config) Schedule(name string) *dispatcher.Schedule {
	for i := range c.Schedules {
		if c.Schedules[i].Name == name {
			return &c.Schedules[i]
		}
	}
	return nil
}

// SiteZone gives a site's zone.
func (c *Config) SiteZone(site string) string {
	for i := range c.Sites {
		if c.Sites[i].Key == site {
			return c.Sites[i].Zone
		}
	}
	return "UTC"
}

// Chain gives the zone of the chain of slots that serves a reader of a site
// who lives in a zone ("" for the site's) on a schedule.
func (c *Config) Chain(s *dispatcher.Schedule, site, zone string) string {
	switch {
	case s.Name == dispatcher.Immediate:
		return ""
	case s.Zone == dispatcher.ZoneSubscriber && zone != "":
		return zone
	case s.Zone == dispatcher.ZoneSubscriber, s.Zone == dispatcher.ZoneSite:
		return c.SiteZone(site)
	}
	return s.Zone
}

// End is the time of the last step.
func (h *History) End() time.Time {
	if n := len(h.Steps); n > 0 {
		return h.Steps[n-1].At
	}
	return h.Config.Start
}

// Drained gives the history with an end that lets go of everything: pauses and
// quiet hours are lifted, each chain fires on several days and all mail is
// sent. After it nobody may be held and nothing may be owed.
func (h History) Drained() History {
	steps := append([]Step(nil), h.Steps...)
	at := h.End()
	do := func(gap time.Duration, a Action) {
		at = at.Add(gap)
		steps = append(steps, Step{at, a})
	}
	zones := map[string]bool{}
	for _, s := range h.Config.Sites {
		zones[s.Zone] = true
	}
	for _, r := range h.Config.Readers {
		do(time.Second, SetPause{Reader: r.ID})
		do(time.Second, SetQuiet{Reader: r.ID})
		if r.Zone != "" {
			zones[r.Zone] = true
		}
	}
	for _, s := range h.Config.Schedules {
		if s.Zone != "" && s.Zone != dispatcher.ZoneSite && s.Zone != dispatcher.ZoneSubscriber {
			zones[s.Zone] = true
		}
	}
	for _, s := range h.Steps {
		if z, ok := s.Do.(SetZone); ok && z.Zone != "" {
			zones[z.Zone] = true
		}
	}
	do(25*time.Hour, Send{})
	for range 2 {
		for i := range h.Config.Schedules {
			s := &h.Config.Schedules[i]
			if s.Name == dispatcher.Immediate {
				continue
			}
			for _, zone := range ordered(zones) {
				do(time.Second, Fire{Schedule: s.Name, Zone: zone})
			}
		}
		do(3*time.Hour, Send{}) // beyond the quiet hours of a schedule
		do(8*24*time.Hour, Send{})
		do(5*time.Hour, Send{})
	}
	h.Steps = steps
	return h
}

// String prints the history as a replay that can be read and typed in.
func (h History) String() string {
	var b strings.Builder
	c := &h.Config
	fmt.Fprintf(&b, "seed %d, from %s, settle %s, max age %s, sends at once: %t, storm after %d in %s, %d a day\n",
		h.Seed, clock(c.Start), c.Settle, c.MaxAge, c.AtOnce, c.Limits.StormMails, c.Limits.StormWithin, c.Limits.DailyCap)
	for _, s := range c.Sites {
		fmt.Fprintf(&b, "site %s in %s\n", s.Key, s.Zone)
	}
	for _, s := range c.Schedules {
		fmt.Fprintf(&b, "schedule %s, zone %q, min %d, max %d, quiet %q\n", s.Name, s.Zone, s.MinItems, s.MaxItems, s.Quiet)
	}
	for _, r := range c.Readers {
		fmt.Fprintf(&b, "reader %s of %s, %s, zone %q, writes as %v, confirmed: %t\n", r.ID, r.Site, r.Email, r.Zone, r.AuthorIDs, r.Confirmed)
	}
	for i, s := range h.Steps {
		fmt.Fprintf(&b, "%3d %s  %s\n", i, clock(s.At), describe(s.Do))
	}
	return b.String()
}

func clock(t time.Time) string { return t.UTC().Format("Mon 2006-01-02 15:04:05") }

func describe(a Action) string {
	return strings.TrimPrefix(fmt.Sprintf("%T%+v", a, a), "oracle.")
}

func ordered(set map[string]bool) []string {
	var names []string
	for n := range set {
		i := 0
		for i < len(names) && names[i] < n {
			i++
		}
		names = append(names[:i], append([]string{n}, names[i:]...)...)
	}
	return names
}
