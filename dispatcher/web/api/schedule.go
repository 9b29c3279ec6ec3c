package api

import (
	"cmp"
	"net/http"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/wire"
)

func (a *API) cadenceOf(c *call, s *dispatcher.Schedule, next int) wire.Schedule {
	out := wire.Schedule{Name: s.Name, Spec: s.Spec, Zone: s.Zone, Misfire: s.Misfire, CatchUp: s.CatchUp.String(), MinItems: s.MinItems, MaxItems: s.MaxItems,
		Quiet: s.Quiet, Label: s.Label, Paused: s.Paused, ReadOnly: s.FromFile, Words: "at once"}
	spec, err := schedule.Parse(s.Spec)
	if err != nil {
		return out // the immediate one
	}
	out.Words = spec.Words("en")
	if zone, err := a.zoneOf(c, s, ""); err == nil && next > 0 {
		out.Next = firings(spec.Upcoming(a.o.Clock.Now(), zone, next))
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

func firings(list []schedule.Occurrence) []wire.Firing {
	out := make([]wire.Firing, len(list))
	for i := range list {
		out[i] = wire.Firing(list[i])
	}
	return out
}

func (a *API) listSchedules(c *call, _ none) (wire.List[wire.Schedule], error) {
	all, err := a.o.Store.Schedules(c.context())
	rows := make([]wire.Schedule, len(all))
	for i := range all {
		rows[i] = a.cadenceOf(c, &all[i], 1)
	}
	return wire.List[wire.Schedule]{Items: rows}, err
}

func (a *API) getSchedule(c *call, _ none) (wire.Schedule, error) {
	s, err := a.o.Store.Schedule(c.context(), c.r.PathValue("name"))
	if err != nil {
		return wire.Schedule{}, err
	}
	return a.cadenceOf(c, &s, 3), nil
}

func (a *API) putSchedule(c *call, _ none, in wire.ScheduleInput) (int, wire.Schedule, error) {
	name := c.r.PathValue("name")
	if in.Name != "" && in.Name != name {
		return 0, wire.Schedule{}, dispatcher.Invalid("name", "leave it out, or make it the one of the path", "%q is not the path's %q", clip(in.Name), clip(name))
	}
	s, err := scheduleFrom(name, &in)
	if err != nil {
		return 0, wire.Schedule{}, err
	}
	if err := schedule.Validate(s); err != nil {
		return 0, wire.Schedule{}, err
	}
	created, err := a.o.Store.PutSchedule(c.context(), s)
	if err != nil {
		return 0, wire.Schedule{}, err
	}
	return madeOrChanged(created), a.cadenceOf(c, &s, 3), nil
}

// madeOrChanged is the status of an upsert.
func madeOrChanged(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// scheduleFrom makes a schedule of what was put; what is left out gets the
// default.
func scheduleFrom(name string, in *wire.ScheduleInput) (dispatcher.Schedule, error) {
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

// moveQuery says who takes the readers of what is removed.
type moveQuery struct {
	MoveTo string `query:"move_to" doc:"the schedule that takes its readers"`
}

func (a *API) deleteSchedule(c *call, q moveQuery) error {
	return a.o.Store.DeleteSchedule(c.context(), c.r.PathValue("name"), q.MoveTo)
}

// nextQuery says how the next firings are shown.
type nextQuery struct {
	Count int    `query:"count" doc:"how many" min:"1" max:"100" default:"10"`
	Zone  string `query:"zone" doc:"the time zone to show them in, an IANA name; without it the schedule's own"`
}

// nextFirings shows when a schedule fires next.
func (a *API) nextFirings(c *call, q nextQuery) (wire.Firings, error) {
	var none wire.Firings
	s, err := a.o.Store.Schedule(c.context(), c.r.PathValue("name"))
	if err != nil {
		return none, err
	}
	if s.Name == dispatcher.Immediate {
		return none, &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the immediate schedule follows comments, not the clock", Mend: "ask for another one"}
	}
	spec, err := schedule.Parse(s.Spec)
	if err != nil {
		return none, err
	}
	zone, err := a.zoneOf(c, &s, q.Zone)
	if err != nil {
		if e, ok := err.(*dispatcher.Error); ok && q.Zone != "" {
			e.Field = "zone"
		}
		return none, err
	}
	return wire.Firings{Name: s.Name, Zone: zone.String(), Paused: s.Paused, Next: firings(spec.Upcoming(a.o.Clock.Now(), zone, q.Count))}, nil
}

// runSchedule opens a slot of each of the schedule's chains now. The next
// regular firing stays where it is.
func (a *API) runSchedule(c *call, _ none) (wire.ScheduleRun, error) {
	out := wire.ScheduleRun{Name: c.r.PathValue("name")}
	runs, err := a.o.Store.RunNow(c.context(), out.Name)
	for _, r := range runs {
		if r.Opened {
			out.Opened++
		}
	}
	return out, err
}

func (a *API) pauseSchedule(c *call, _ none) (wire.SchedulePaused, error) {
	return a.setPaused(c, true)
}

func (a *API) resumeSchedule(c *call, _ none) (wire.SchedulePaused, error) {
	return a.setPaused(c, false)
}

func (a *API) setPaused(c *call, paused bool) (wire.SchedulePaused, error) {
	name := c.r.PathValue("name")
	return wire.SchedulePaused{Name: name, Paused: paused}, a.o.Store.PauseSchedule(c.context(), name, paused)
}
