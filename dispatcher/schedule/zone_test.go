package schedule_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
)

func TestLoadZoneKnowsEveryNameOfTheDatabase(t *testing.T) {
	for _, name := range zoneNames(t) {
		zone, err := schedule.LoadZone(name)
		if err != nil {
			t.Error(err)
		} else if zone.String() != name {
			t.Errorf("%q became %q", name, zone)
		}
	}
}

func TestLoadZoneRefusesWhatIsNoZone(t *testing.T) {
	for _, name := range []string{"", "Local", "local", "localtime", "posixrules", "Factory", "right/UTC", "posix/UTC", "Europe", "Europe/", "Europe/Bonn",
		"../zoneinfo/UTC", "/etc/localtime", `\UTC`, "UTC\n", "Europe/Berlin ", "GMT+25", "site", strings.Repeat("a", 65), "\xff", "Europe/Zürich", "tzdata.zi"} {
		_, err := schedule.LoadZone(name)
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Field != "time_zone" || !strings.Contains(e.Mend, "Europe/Berlin") {
			t.Errorf("%q: got %v, want an error of time_zone with an example", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "zoneinfo") && !strings.Contains(name, "zoneinfo") {
			t.Errorf("%q: %v names files of this machine", name, err)
		}
	}
}
