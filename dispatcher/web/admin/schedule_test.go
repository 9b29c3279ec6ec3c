package admin

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/store"
)

// cadence are the fields of a schedule's form.
func cadence(name, cron, zone string) []string {
	return []string{"name", name, "cron", cron, "time_zone", zone, "label", "", "quiet_hours", "", "max_items", "50", "min_items", "0", "misfire", "merge", "catch_up", "7d"}
}

func TestAScheduleIsMadeChangedPausedRunAndRemoved(t *testing.T) {
	var rehearsed string
	r := open(t, func(o *Options) {
		o.Rehearse = func(_ context.Context, name string, limit int) (Rehearsal, error) {
			rehearsed = name
			first := store.Rehearsed{Subscriber: dispatcher.Subscriber{ID: 7, Email: "ann@example.org", Site: "blog"}}
			first.Drafts = []dispatcher.Draft{{Items: make([]dispatcher.Item, 3), More: 4}}
			return Rehearsal{Mails: 1, Readers: 1200, Held: map[dispatcher.HoldReason]int{dispatcher.HoldQuiet: 2}, First: []store.Rehearsed{first}}, nil
		}
	})
	p := r.as(store.RoleEditor)
	for _, c := range []struct{ name, cron, zone, field, words string }{
		{"daily", "0 8 30 2 *", "site", "f-cron", "never"},
		{"daily", "nonsense", "site", "f-cron", ""},
		{"daily", "0 8 * * *", "Mars/Olympus", "f-time_zone", "Mars/Olympus"},
		{"Da ily", "0 8 * * *", "site", "f-name", "other characters"},
	} {
		p.press("/admin/schedules", cadence(c.name, c.cron, c.zone)...).wants(422, `id="`+c.field+`-says"`, c.words, `value="`+c.cron+`"`)
	}
	p.press("/admin/schedules", cadence("daily", "0 8 * * *", "site")...).wants(http.StatusSeeOther)
	p.press("/admin/schedules", cadence("daily", "0 9 * * *", "site")...).wants(http.StatusConflict, "There is a schedule")
	p.get("/admin/schedules").wants(200, "every day at 08:00", "0 8 * * *", "each site&#39;s own", "running")
	p.get("/admin/schedules/daily").wants(200, "every day at 08:00", "Next runs", "Europe/Berlin", "08:00 &#43;02:00", "It has not run yet")
	p.get("/admin/schedules/daily?zone=Asia/Kolkata").wants(200, "Asia/Kolkata", "&#43;05:30")
	p.get("/admin/schedules/daily?zone=Mars").wants(200, "Mars")
	p.get("/admin/schedules/daily?dry-run=yes").wants(200, "1 mail would be made; 1,200 readers were looked at", "Nothing was written", "ann@example.org", "3 comments and 4 more", "Held: their quiet hours")
	if rehearsed != "daily" {
		t.Errorf("rehearsed %q", rehearsed)
	}
	bad := cadence("", "0 8 * * *", "site")
	bad[11] = "many"
	p.press("/admin/schedules/daily", bad...).wants(422, "is none")
	p.press("/admin/schedules/daily", cadence("", "30 6 * * 1-5", "subscriber")...).wants(http.StatusSeeOther)
	p.get("/admin/schedules/daily").wants(200, "30 6 * * 1-5", "each reader&#39;s own")

	p.press("/admin/schedules/daily/pause").wants(http.StatusSeeOther)
	p.get("/admin/schedules/daily").wants(200, "is paused; what comes meanwhile waits", "Resume")
	p.press("/admin/schedules/daily/run").wants(http.StatusConflict, "is paused")
	p.press("/admin/schedules/daily/resume").wants(http.StatusSeeOther)
	p.press("/admin/schedules/daily/run").wants(http.StatusSeeOther)
	p.get("/admin/schedules/daily").wants(200, "Nothing ran")
	p.press("/admin/schedules/daily/remove", "move_to", "daily").wants(422, "another schedule")
	p.press("/admin/schedules/daily/remove", "move_to", "").wants(http.StatusSeeOther)
	p.get("/admin/schedules/daily").wants(404)
	p.get("/admin/audit").wants(200, "set a schedule", "paused a schedule", "resumed a schedule", "removed a schedule", "0 8 * * *, site")
}

func TestARunNowOpensASlotWhichThePageShows(t *testing.T) {
	r := open(t, nil)
	r.reader("u-1")
	p := r.as(store.RoleEditor)
	p.press("/admin/schedules", cadence("daily", "0 8 * * *", "site")...).wants(http.StatusSeeOther)
	_, _, err := r.store.SetSubscription(t.Context(), "blog", dispatcher.EventSubscription{Subscriber: "u-1", Target: dispatcher.Target{Type: dispatcher.TargetSite}, Schedule: "daily"}, true)
	r.must(err)
	r.clock.Advance(time.Minute)
	r.comment("c-1")
	p.press("/admin/schedules/daily/run").wants(http.StatusSeeOther)
	p.get("/admin/schedules/daily").wants(200, "It runs now, in 1 time zone", "at work", "Europe/Berlin")
	p.get("/admin/audit").wants(200, "ran a schedule")
}

func TestASchedulesOfTheConfigIsShownAndNotChanged(t *testing.T) {
	r := open(t, nil)
	_, err := r.store.PutSchedule(t.Context(), dispatcher.Schedule{Name: "weekly", Spec: "0 8 * * 1", Zone: "site", Misfire: dispatcher.MisfireMerge, CatchUp: time.Hour, MaxItems: 50, FromFile: true})
	r.must(err)
	p := r.as(store.RoleEditor)
	if page := p.get("/admin/schedules/weekly").wants(200, "set in the config file"); strings.Contains(page.text, "Change it") || strings.Contains(page.text, "Remove it") {
		t.Error("it offers to change what stands in the config file")
	}
	p.press("/admin/schedules/weekly", cadence("", "0 9 * * 1", "site")...).wants(http.StatusConflict, "stands in the config file")
	p.press("/admin/schedules/weekly/remove").wants(http.StatusConflict, "config file")
}

// TestTheFormTellsWhatASpecMeansWhileItIsTyped types a spec in a real browser:
// first one that never fires, then one that meets a change of clocks.
func TestTheFormTellsWhatASpecMeansWhileItIsTyped(t *testing.T) {
	r := open(t, nil)
	r.admin("eva", store.RoleEditor)
	p := browsertest.Open(t, desktop())
	enter(r, p, "eva")
	p.Go(r.url + "/admin/schedules")
	p.Type("#f-cron", "0 8 30 2 *")
	if said := p.See("[data-answer] .what"); !strings.Contains(said, "never") {
		t.Errorf("for a spec that never fires it says %q", said)
	}
	p.Type("#f-name", "nightly")
	p.Type("#f-time_zone", "Europe/Berlin")
	p.Type("#f-cron", "30 2 29 3,10 *")
	p.See("[data-answer] ol li")
	if said := p.See("[data-answer]"); !strings.Contains(said, "Europe/Berlin") || !strings.Contains(said, "02:30") {
		t.Errorf("it says %q", said)
	}
	p.Shot("desk-schedule-typed")
	if status := p.Press(".form button.main"); status != http.StatusOK {
		t.Fatalf("making it ends with %d", status)
	}
	if said := p.See(".said.good"); !strings.Contains(said, "nightly is made") {
		t.Errorf("it says %q", said)
	}
	p.Accessible()
	p.Fits()
	p.Shot("desk-schedule")
}
