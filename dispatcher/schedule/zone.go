package schedule

import (
	"strings"
	"time"
	_ "time/tzdata" // zones also on machines and in containers without a zoneinfo

	"github.com/hearback/hearback/dispatcher"
)

// maxZoneName is more than the longest name in the database, in bytes.
const maxZoneName = 64

// LoadZone gives the time zone of an IANA name. It refuses what the standard
// library takes but no reader means: the empty name, "Local", paths, and the
// files beside the zones, of which "right/…" counts leap seconds. The error is a
// *dispatcher.Error for the field "time_zone". Nothing is cached: a caller with
// many readers keeps the few hundred zones they use.
func LoadZone(name string) (*time.Location, error) {
	return loadZone(name, `use an IANA name such as "Europe/Berlin" or "UTC"`)
}

func loadZone(name, mend string) (*time.Location, error) {
	if name == "" {
		return nil, dispatcher.Invalid("time_zone", mend, "is missing")
	}
	if len(name) > maxZoneName || strings.ContainsFunc(name, notZoneRune) || unzoned(name) {
		return nil, dispatcher.Invalid("time_zone", mend, "%.64q is no time zone", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil { // what it says names files of this machine
		return nil, dispatcher.Invalid("time_zone", mend, "%q is no time zone that is known here", name)
	}
	return zone, nil
}

func notZoneRune(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("/_+-", r)
}

// unzoned says whether a name is that of a file which lies among the zones and
// is none.
func unzoned(name string) bool {
	switch strings.ToLower(name) {
	case "local", "localtime", "posixrules", "factory":
		return true
	}
	return strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix/")
}
