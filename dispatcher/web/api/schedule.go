package api

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// cadence is a schedule as the API tells of it.
type cadence struct {
	Name     string                `json:"name"`
	Spec     string                `json:"cron"`
	Words    string                `json:"words"`
	Zone     string                `json:"time_zone"`
	Misfire  dispatcher.Misfire    `json:"misfire"`
	CatchUp  string                `json:"catch_up"` // such as "168h0m0s"
	MinItems int                   `json:"min_items"`
	MaxItems int                   `json:"max_items"`
	Quiet    dispatcher.Quiet      `json:"quiet_hours"`
	Label    string                `json:"label,omitempty"`
	Paused   bool                  `json:"paused"`
	ReadOnly bool                  `json:"read_only"` // stands in the config file
	Next     []schedule.Occurrence `json:"next,omitempty"`
}

// cadenceInput is a schedule as it is put. What is left out gets the default.
type cadenceInput struct {
	Name     string              `json:"name"`
	Spec     string              `json:"cron"`
	Zone     *string             `json:"time_zone"`
	Misfire  *dispatcher.Misfire `json:"misfire"`
	CatchUp  *string             `json:"catch_up"`
	MinItems *int                `json:"min_items"`
	MaxItems *int                `json:"max_items"`
	Quiet    *dispatcher.Quiet   `json:"quiet_hours"`
	Label    *string             `json:"label"`
	Paused   *bool               `json:"paused"`
}

func (a *API) cadenceOf(c *call, s *dispatcher.Schedule, next int) cadence {
	out := cadence{Name: s.Name, Spec: s.Spec, Zone: s.Zone, Misfire: s.Misfire, CatchUp: s.CatchUp.String(), MinItems: s.MinItems, MaxItems: s.MaxItems,
		Quiet: s.Quiet, Label: s.Label, Paused: s.Paused, ReadOnly: s.FromFile, Words: "at once"}
	spec, err := schedule.Parse(s.Spec)
	if err != nil {
		return out // the immediate one
	}
	out.Words = spec.Words("en")
	if zone, err := a.zoneOf(c, s, ""); err == nil && next > 0 {
		out.Next = spec.Upcoming(a.o.Clock.Now(), zone, next)
	}
	return out
}

// zoneOf gives the zone to show a schedule's firings in: the one asked for,
// else the schedule's, where a reader's own stands for the site's.
func (a *API) zoneOf(c *call, s *dispatcher.Schedule, asked string) (*time.Location, error) {
	name := asked
	if name == "" {
		name = s.Zone
	}
	if name == dispatcher.ZoneSite || name == dispatcher.ZoneSubscriber {
		site, err := a.o.Store.Site(c.site)
		if err != nil {
			return nil, err
		}
		name = cmp.Or(site.Zone, "UTC")
	}
	return schedule.LoadZone(name)
}

func (a *API) listSchedules(c *call) error {
	all, err := a.o.Store.Schedules(c.context())
	if err != nil {
		return err
	}
	rows := make([]cadence, len(all))
	for i := range all {
		rows[i] = a.cadenceOf(c, &all[i], 1)
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"items": rows})
	return nil
}

func (a *API) getSchedule(c *call) error {
	s, err := a.o.Store.Schedule(c.context(), c.r.PathValue("name"))
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, a.cadenceOf(c, &s, 3))
	return nil
}

func (a *API) putSchedule(c *call) error {
	var in cadenceInput
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return err
	}
	name := c.r.PathValue("name")
	if in.Name != "" && in.Name != name {
		return dispatcher.Invalid("name", "leave it out, or make it the one of the path", "%q is not the path's %q", in.Name, name)
	}
	s, err := in.schedule(name)
	if err != nil {
		return err
	}
	if err := schedule.Validate(s); err != nil {
		return err
	}
	created, err := a.o.Store.PutSchedule(c.context(), s)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	web.WriteJSON(c.w, status, a.cadenceOf(c, &s, 3))
	return nil
}

func (in *cadenceInput) schedule(name string) (dispatcher.Schedule, error) {
	s := schedule.New(name, in.Spec)
	set(&s.Zone, in.Zone)
	set(&s.Misfire, in.Misfire)
	set(&s.MinItems, in.MinItems)
	set(&s.MaxItems, in.MaxItems)
	set(&s.Quiet, in.Quiet)
	set(&s.Label, in.Label)
	set(&s.Paused, in.Paused)
	if in.CatchUp != nil {
		d, err := time.ParseDuration(*in.CatchUp)
		if err != nil {
			return s, dispatcher.Invalid("catch_up", `write a duration such as "168h"`, "%q is no duration", *in.CatchUp)
		}
		s.CatchUp = d
	}
	return s, nil
}

func set[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

func (a *API) deleteSchedule(c *call) error {
	if err := c.checkQuery("move_to"); err != nil {
		return err
	}
	if err := a.o.Store.DeleteSchedule(c.context(), c.r.PathValue("name"), c.query("move_to")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// nextFirings shows when a schedule fires next.
func (a *API) nextFirings(c *call) error {
	if err := c.checkQuery("count", "zone"); err != nil {
		return err
	}
	n := 10
	if text := c.query("count"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > 100 {
			return dispatcher.Invalid("count", "give a number from 1 to 100", "%q is out of range", text)
		}
	}
	s, err := a.o.Store.Schedule(c.context(), c.r.PathValue("name"))
	if err != nil {
		return err
	}
	if s.Name == dispatcher.Immediate {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the immediate schedule follows comments, not the clock", Mend: "ask for another one"}
	}
	spec, err := schedule.Parse(s.Spec)
	if err != nil {
		return err
	}
	zone, err := a.zoneOf(c, &s, c.query("zone"))
	if err != nil {
		if e, ok := err.(*dispatcher.Error); ok && c.query("zone") != "" {
			e.Field = "zone"
		}
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"name": s.Name, "time_zone": zone.String(), "paused": s.Paused, "next": spec.Upcoming(a.o.Clock.Now(), zone, n)})
	return nil
}

// runSchedule opens a slot of each of the schedule's chains now. The next
// regular firing stays where it is.
func (a *API) runSchedule(c *call) error {
	name := c.r.PathValue("name")
	s, err := a.o.Store.Schedule(c.context(), name)
	if err != nil {
		return err
	}
	if s.Paused {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: fmt.Sprintf("the schedule %q is paused", name), Mend: "resume it first"}
	}
	chains, err := a.o.Store.Chains(c.context())
	if err != nil {
		return err
	}
	opened := 0
	for _, chain := range chains {
		if chain.Schedule.Name != name {
			continue
		}
		ok, err := a.o.Store.OpenSlot(c.context(), chain, a.o.Clock.Now(), 0)
		if err != nil {
			return err
		}
		if ok {
			opened++
		}
	}
	a.o.Store.Hints().Hint(store.TopicLog) // what the digest stage listens to
	web.WriteJSON(c.w, http.StatusAccepted, map[string]any{"name": name, "opened": opened})
	return nil
}

func (a *API) pauseSchedule(c *call) error  { return a.setPaused(c, true) }
func (a *API) resumeSchedule(c *call) error { return a.setPaused(c, false) }

func (a *API) setPaused(c *call, paused bool) error {
	name := c.r.PathValue("name")
	if err := a.o.Store.PauseSchedule(c.context(), name, paused); err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"name": name, "paused": paused})
	return nil
}
