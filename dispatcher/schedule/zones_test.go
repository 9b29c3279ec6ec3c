package schedule_test

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/schedule"
)

// zoneNames gives the names of all zones of the time zone database, from the
// copy that comes with Go or else from the system's.
func zoneNames(t testing.TB) []string {
	t.Helper()
	var names []string
	if r, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip")); err == nil {
		defer r.Close()
		for _, f := range r.File {
			if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
				names = append(names, f.Name)
			}
		}
	} else {
		names = systemZones(t)
	}
	if len(names) < 400 {
		t.Fatalf("found only %d zones; this test needs the time zone database of Go or of the system", len(names))
	}
	return names
}

func systemZones(t testing.TB) []string {
	const root = "/usr/share/zoneinfo"
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if _, err := schedule.LoadZone(path); err == nil {
				names = append(names, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatalf("no time zone database here: %v", err)
	}
	return names
}

// distinctZones gives one zone for each different course of the clock in a span;
// most names are links to others.
func distinctZones(t testing.TB, from, to time.Time) []*time.Location {
	t.Helper()
	seen := map[string]bool{}
	var zones []*time.Location
	for _, name := range zoneNames(t) {
		zone := mustZone(t, name)
		course := fmt.Sprint(offset(from, zone))
		for _, at := range changes(zone, from, to) {
			course += fmt.Sprint(at.Unix(), offset(at, zone))
		}
		if !seen[course] {
			seen[course] = true
			zones = append(zones, zone)
		}
	}
	if len(zones) < 50 {
		t.Fatalf("only %d zones differ from %s to %s", len(zones), from, to)
	}
	return zones
}

// changes gives the instants in a span at which the zone's offset changes.
func changes(zone *time.Location, from, to time.Time) []time.Time {
	var all []time.Time
	for at := from; ; {
		_, end := at.In(zone).ZoneBounds()
		if end.IsZero() || end.After(to) {
			return all
		}
		if offset(end, zone) != offset(end.Add(-1), zone) {
			all = append(all, end.UTC())
		}
		at = end
	}
}

// forEachZone calls f for each zone, on all processors at once.
func forEachZone(zones []*time.Location, f func(*time.Location)) {
	work := make(chan *time.Location)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for zone := range work {
				f(zone)
			}
		})
	}
	for _, zone := range zones {
		work <- zone
	}
	close(work)
	workers.Wait()
}

func offset(at time.Time, zone *time.Location) time.Duration {
	_, off := at.In(zone).Zone()
	return time.Duration(off) * time.Second
}

// shown gives what the zone's clock shows, labelled UTC.
func shown(at time.Time, zone *time.Location) time.Time { return at.UTC().Add(offset(at, zone)) }

// firstReached is the oracle for wall-clock times: the first instant at which
// the zone's clock shows the wall, or, where none does, the first at which it
// shows a later one. It only reads the clock: at each half of a day around for
// the offsets in force, and minute by minute to find the end of a gap.
func firstReached(wall time.Time, zone *time.Location) time.Time {
	low, high := time.Duration(math.MaxInt64), time.Duration(math.MinInt64)
	var first time.Time
	for h := -30; h <= 30; h += 12 {
		off := offset(wall.Add(time.Duration(h)*time.Hour), zone)
		if off == low || off == high {
			continue
		}
		low, high = min(low, off), max(high, off)
		if at := wall.Add(-off); shown(at, zone).Equal(wall) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.IsZero() {
		return first
	}
	at := wall.Add(-high).Truncate(time.Minute)
	for ; !at.After(wall.Add(-low)); at = at.Add(time.Minute) {
		if shown(at, zone).After(wall) {
			return at
		}
	}
	panic("the clock of " + zone.String() + " never reaches " + wall.String())
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := schedule.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustParse(t testing.TB, spec string) *schedule.Spec {
	t.Helper()
	s, err := schedule.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
