package digest_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/store"
)

// rig is a digest stage on a SQLite file with a clock that the test moves.
type rig struct {
	t     *testing.T
	now   time.Time
	store *store.Store
	stage *digest.Stage
	ready bool
	wrong bool // the clock is
	n     int
}

func newRig(t *testing.T, misfire dispatcher.Misfire) *rig {
	r := &rig{t: t, now: time.Date(2026, 6, 8, 7, 0, 0, 0, time.UTC), ready: true}
	site := dispatcher.Site{Key: "blog", Name: "Blog", BaseURL: "https://blog.example", From: "a@blog.example", Zone: "Europe/Berlin", Schedule: "daily"}
	clock := dispatcher.Clock(func() time.Time { return r.now })
	var err error
	r.store, err = store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "hb.db"), Clock: clock, Sites: []dispatcher.Site{site}})
	r.must(err)
	t.Cleanup(func() { r.must(r.store.Close()) })
	_, err = r.store.Migrate(t.Context())
	r.must(err)
	_, err = r.store.PutSchedule(t.Context(), dispatcher.Schedule{Name: "daily", Spec: "0 8 * * *", Zone: dispatcher.ZoneSite, Misfire: misfire, CatchUp: 7 * 24 * time.Hour, MaxItems: 50})
	r.must(err)
	email, yes := "ann@example.org", true
	_, _, err = r.store.SetSubscriber(t.Context(), "blog", dispatcher.EventSubscriber{ID: "ann", Email: &email, Confirmed: &yes}, true)
	r.must(err)
	_, _, err = r.store.SetSubscription(t.Context(), "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: dispatcher.Target{Type: dispatcher.TargetSite}}, false)
	r.must(err)
	r.stage = digest.New(digest.Options{Store: r.store, Owner: "test", Clock: clock, Log: slog.New(slog.DiscardHandler), Limits: dispatcher.DefaultLimits(),
		Sites: map[string]dispatcher.Site{"blog": site}, Ready: func() bool { return r.ready }, Closed: func() bool { return r.wrong }})
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// publish tells of a comment and settles it.
func (r *rig) publish() {
	r.t.Helper()
	r.n++
	_, err := r.store.Append(r.t.Context(), "blog", "api", []dispatcher.Event{{ID: fmt.Sprint("e", r.n), Type: dispatcher.CommentPublished, Time: r.now,
		Thread: &dispatcher.EventThread{ID: "t"}, Comment: &dispatcher.EventComment{ID: fmt.Sprint("c", r.n), Text: "words"}}})
	r.must(err)
	_, err = r.store.Intake(r.t.Context(), store.IntakeOptions{Settle: func(string, store.Door) time.Duration { return 0 }, MaxAge: func(string, store.Door) time.Duration { return 100 * time.Hour }}, 10)
	r.must(err)
}

// tick lets the daemon look at its clock, and gives the item counts of the
// digests there are now.
func (r *rig) tick() []int {
	r.t.Helper()
	_, err := r.stage.Tick(r.t.Context())
	r.must(err)
	for did := true; did; {
		did, err = r.stage.WorkOnce(r.t.Context(), "test/0")
		r.must(err)
	}
	ms, err := r.store.Messages(r.t.Context(), store.MessageFilter{Limit: 100})
	r.must(err)
	var items []int
	for i := len(ms) - 1; i >= 0; i-- {
		items = append(items, len(ms[i].Items))
	}
	return items
}

func (r *rig) want(got []int, want ...int) {
	r.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("items of the digests: %v, want %v", got, want)
	}
}

func TestADaemonThatWasDownForTwoDaysSendsOneMergedDigest(t *testing.T) {
	r := newRig(t, dispatcher.MisfireMerge)
	r.publish()
	r.want(r.tick())
	r.now = r.now.Add(51 * time.Hour) // two firings were missed
	r.publish()
	r.want(r.tick(), 2)
	r.want(r.tick(), 2)
	r.now = time.Date(2026, 6, 11, 6, 0, 1, 0, time.UTC) // the next regular one
	r.publish()
	r.want(r.tick(), 2, 1)
}

func TestWithMisfireSkipTheMissedDigestsAreNotMadeUpAndTheirCommentsComeWithTheNext(t *testing.T) {
	r := newRig(t, dispatcher.MisfireSkip)
	r.publish()
	r.now = r.now.Add(51 * time.Hour)
	r.want(r.tick())
	r.now = time.Date(2026, 6, 11, 6, 0, 1, 0, time.UTC)
	r.publish()
	r.want(r.tick(), 2)
}

func TestMissedSlotsWaitUntilTheSourcesWerePolled(t *testing.T) {
	r := newRig(t, dispatcher.MisfireMerge)
	r.publish()
	r.now, r.ready = r.now.Add(51*time.Hour), false
	r.want(r.tick())
	r.publish() // what the poll brought
	r.ready = true
	r.want(r.tick(), 2)
}

func TestAPausedScheduleCatchesUpOnceAtItsEnd(t *testing.T) {
	r := newRig(t, dispatcher.MisfireMerge)
	r.must(r.store.PauseSchedule(t.Context(), "daily", true))
	for range 3 {
		r.publish()
		r.now = r.now.Add(24 * time.Hour)
		r.want(r.tick())
	}
	r.must(r.store.PauseSchedule(t.Context(), "daily", false))
	r.want(r.tick(), 3)
}

func TestADaemonWhoseClockIsWrongNeitherOpensNorClaimsASlot(t *testing.T) {
	r := newRig(t, dispatcher.MisfireMerge)
	r.publish()
	r.now = time.Date(2026, 6, 9, 6, 0, 1, 0, time.UTC)
	r.wrong = true
	r.want(r.tick())
	if n := r.stage.Opened.Load(); n != 0 {
		t.Errorf("%d slots were opened", n)
	}
	r.wrong = false
	_, err := r.stage.Tick(t.Context())
	r.must(err)
	r.wrong = true // it is noticed after the slot was opened
	did, err := r.stage.WorkOnce(t.Context(), "test/0")
	r.must(err)
	if did {
		t.Error("a slot was claimed")
	}
	r.wrong = false
	r.want(r.tick(), 1)
}
