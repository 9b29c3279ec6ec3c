package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestANewcomerIsToldHowToBegin(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleViewer)
	p.get("/admin/").wants(http.StatusOK, "Begin here", "POST /v1/events", "Nothing is wrong.", "No schedule has readers yet")
	r.must(r.store.AddTally(t.Context(), store.Tally{At: r.clock.Now(), Events: 1234567}))
	p.get("/admin/").wants(http.StatusOK, "1,234,567")
}

func TestTheOverviewCountsWhatHappenedInItsSpan(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleViewer)
	now := r.clock.Now()
	for ago, sent := range map[time.Duration]int64{10 * time.Minute: 7, 5 * time.Hour: 100, 3 * 24 * time.Hour: 5000, 9 * 24 * time.Hour: 100000} {
		r.must(r.store.AddTally(t.Context(), store.Tally{At: now.Add(-ago), Sent: sent}))
	}
	for span, want := range map[string]string{"": "7", "hour": "7", "day": "107", "week": "5,107", "year": "7"} {
		p.get("/admin/?span="+span).wants(http.StatusOK, `<dt>Sent</dt><dd><span dir="auto">`+want+`</span>`)
	}
}

func TestTheOverviewSaysWhatIsWrongAndTheMend(t *testing.T) {
	trouble, unready := "", []string(nil)
	src := &sources{}
	r := open(t, func(o *Options) {
		o.RelayTrouble = func() (time.Time, string) { return time.Time{}, trouble }
		o.Unready = func(context.Context) []string { return unready }
		o.Sources = src
	})
	p := r.as(store.RoleViewer)
	p.get("/admin/").wants(http.StatusOK, "Nothing is wrong.")
	trouble, unready = "dial tcp: connection refused", []string{"the database does not answer"}
	src.list = []Source{{Name: "wp", Paused: true, PauseReason: "moving"}, {Name: "db", Errors: 3, LastError: "no such table"}, {Name: "slow", Errors: 2}}
	_, err := r.store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "e1", Type: dispatcher.CommentPublished, Time: r.clock.Now(),
		Thread: &dispatcher.EventThread{ID: "t"}, Comment: &dispatcher.EventComment{ID: "c", HTML: "x"}}})
	r.must(err)
	r.clock.Advance(10 * time.Minute)
	got := p.get("/admin/").wants(http.StatusOK, "The relay cannot be used: dial tcp: connection refused", "nothing is lost", "the database does not answer",
		"1 event waits for 10 min to be taken in", "The source wp is paused: moving", `href="/admin/sources/wp"`, "The source db failed 3 times in a row: no such table")
	if strings.Contains(got.text, "The source slow") || strings.Contains(got.text, "Nothing is wrong") {
		t.Errorf("what is well is called wrong, or the other way round:\n%s", got.text)
	}
	p.get("/admin/keys").wants(http.StatusOK) // other pages do not look
}

func TestWhatRunsNextIsListedSoonestFirst(t *testing.T) {
	r := open(t, nil)
	yes := true
	for i, name := range []string{"weekly", "daily"} {
		_, err := r.store.PutSchedule(t.Context(), dispatcher.Schedule{Name: name, Spec: []string{"0 8 * * 1", "0 7 * * *"}[i], Zone: dispatcher.ZoneSubscriber, Misfire: dispatcher.MisfireMerge, CatchUp: time.Hour, MaxItems: 50})
		r.must(err)
		for j, zone := range []string{"Europe/Berlin", "America/New_York"} {
			id, email := fmt.Sprint(name, j), fmt.Sprintf("%s%d@x.example", name, j)
			_, _, err = r.store.SetSubscriber(t.Context(), "blog", dispatcher.EventSubscriber{ID: id, Email: &email, Confirmed: &yes, Zone: &zone, Schedule: &name}, true)
			r.must(err)
			_, _, err = r.store.SetSubscription(t.Context(), "blog", dispatcher.EventSubscription{Subscriber: id, Target: dispatcher.Target{Type: dispatcher.TargetSite}}, false)
			r.must(err)
		}
	}
	text := r.as(store.RoleViewer).get("/admin/").wants(http.StatusOK, "every day at 07:00", "07:00 there", "in 17 h").text
	first, second, last := strings.Index(text, ">9 Jun 07:00"), strings.Index(text, ">9 Jun 13:00"), strings.Index(text, ">15 Jun 08:00")
	if first < 0 || second < first || last < second {
		t.Errorf("the runs stand at %d, %d, %d:\n%s", first, second, last, text)
	}
}

func TestANoticeIsPutAwayByAnEditorAndComesBack(t *testing.T) {
	r := open(t, nil)
	eva, vic := r.as(store.RoleEditor), r.as(store.RoleViewer)
	r.must(r.store.Raise(t.Context(), "source:wp", "the source wp is paused", "look at it"))
	vic.get("/admin/keys").wants(http.StatusOK, `href="/admin/sources/wp" aria-label="Look: the source wp is paused"`)
	if page := vic.get("/admin/keys").wants(http.StatusOK, "The source wp is paused.", "Look at it."); strings.Contains(page.text, "Put away") {
		t.Error("a viewer is shown what they may not do")
	}
	eva.press("/admin/notices/clear", "topic", "nothing").wants(http.StatusNotFound)
	eva.press("/admin/notices/clear", "topic", "source:wp").wants(http.StatusSeeOther)
	if page := eva.get("/admin/").wants(http.StatusOK, "Put away: the source wp is paused"); strings.Contains(page.text, "Look at it.") {
		t.Error("the notice still stands")
	}
	r.must(r.store.Raise(t.Context(), "source:wp", "the source wp is paused", "look at it"))
	vic.get("/admin/").wants(http.StatusOK, "Look at it.")
}
