package oracle

import (
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// The wall clock is asked naively: quarter of an hour by quarter of an hour.
// Histories use zones, quiet hours and days for which that is exact.

func (w *World) zone(r *reader) *time.Location {
	name := r.Zone
	if name == "" {
		name = w.cfg.SiteZone(r.Site)
	}
	return w.zones.load(name)
}

// zones keeps the zones of one world: reading them from disk each time is slow.
type zones map[string]*time.Location

func (z zones) load(name string) *time.Location {
	if l, ok := z[name]; ok {
		return l
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(fmt.Sprintf("a history names the zone %q: %v", name, err))
	}
	z[name] = l
	return l
}

func quietAt(q dispatcher.Quiet, at time.Time, zone *time.Location) bool {
	if q.From == q.To {
		return false
	}
	h, m, _ := at.In(zone).Clock()
	now := h*60 + m
	if q.From < q.To {
		return q.From <= now && now < q.To
	}
	return now >= q.From || now < q.To
}

// firstQuarter gives the first quarter of an hour after at for which ok holds.
func firstQuarter(at time.Time, ok func(time.Time) bool) time.Time {
	t := at.Truncate(15 * time.Minute)
	for {
		if t = t.Add(15 * time.Minute); ok(t) {
			return t.UTC()
		}
	}
}

// morning is the reader's next 08:00.
func (w *World) morning(r *reader) time.Time {
	return firstQuarter(w.now, func(t time.Time) bool {
		h, m, _ := t.In(w.zone(r)).Clock()
		return h == 8 && m == 0
	})
}
