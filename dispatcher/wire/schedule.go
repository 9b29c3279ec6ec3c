package wire

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Schedule is a named cadence as the API tells of it.
type Schedule struct {
	Name     string             `json:"name"`
	Spec     string             `json:"cron" doc:"five fields, a descriptor such as @daily, or @every 6h; empty for immediate"`
	Words    string             `json:"words" doc:"the same in words"`
	Zone     string             `json:"time_zone" doc:"site (each site's own), subscriber (each reader's own) or an IANA name"`
	Misfire  dispatcher.Misfire `json:"misfire" doc:"what becomes of firings that were missed"`
	CatchUp  string             `json:"catch_up" doc:"firings missed longer ago than this are not made up, such as 168h0m0s"`
	MinItems int                `json:"min_items" doc:"fewer comments than this wait for the next firing, at most 7 days"`
	MaxItems int                `json:"max_items" doc:"more comments than this are counted and linked, not shown"`
	Quiet    dispatcher.Quiet   `json:"quiet_hours" doc:"nothing is mailed in these hours of the reader's day"`
	Label    string             `json:"label,omitempty" doc:"what readers see; without one, words made from cron"`
	Paused   bool               `json:"paused"`
	ReadOnly bool               `json:"read_only" doc:"it stands in the config file, and is changed there"`
	Next     []Firing           `json:"next,omitempty" doc:"when it fires next"`
}

// ScheduleInput is a schedule as it is put. What is left out gets its default.
type ScheduleInput struct {
	Name     string              `json:"name,omitempty" doc:"may be left out; it is the one of the path"`
	Spec     string              `json:"cron" need:"true" doc:"five fields, a descriptor such as @daily, or @every 6h"`
	Zone     *string             `json:"time_zone,omitempty" doc:"site (default), subscriber or an IANA name"`
	Misfire  *dispatcher.Misfire `json:"misfire,omitempty" doc:"merge (default) makes one of the firings that were missed, skip none"`
	CatchUp  *string             `json:"catch_up,omitempty" doc:"firings missed longer ago than this are not made up; 168h by default"`
	MinItems *int                `json:"min_items,omitempty" doc:"fewer comments than this wait for the next firing; 0 by default"`
	MaxItems *int                `json:"max_items,omitempty" doc:"more comments than this are counted, not shown; 50 by default"`
	Quiet    *dispatcher.Quiet   `json:"quiet_hours,omitempty" doc:"nothing is mailed in these hours of the reader's day, such as 22:00-07:00"`
	Label    *string             `json:"label,omitempty" doc:"what readers see"`
	Paused   *bool               `json:"paused,omitempty"`
}

// Firing is one firing of a schedule to come.
type Firing struct {
	At    time.Time `json:"at" doc:"UTC"`
	Local string    `json:"local" doc:"on the wall clock, with its offset, such as Sun 2026-03-29 03:00 +02:00"`
	Note  string    `json:"note,omitempty" doc:"what a clock change does to it"`
}

// Firings are a schedule's next ones.
type Firings struct {
	Name   string   `json:"name"`
	Zone   string   `json:"time_zone" doc:"the zone they are shown in"`
	Paused bool     `json:"paused"`
	Next   []Firing `json:"next"`
}

// ScheduleRun says how many slots were opened.
type ScheduleRun struct {
	Name   string `json:"name"`
	Opened int    `json:"opened" doc:"one for each time zone that readers of it are in"`
}

// SchedulePaused says whether a schedule is paused.
type SchedulePaused struct {
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
}
