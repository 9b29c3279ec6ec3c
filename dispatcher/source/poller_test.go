package source_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/sourcetest"
	"github.com/hearback/hearback/dispatcher/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)

func TestMemoryIsAConformingStore(t *testing.T) {
	sourcetest.Conform(t, func(tb testing.TB) (source.Store, source.Ledger, func() []string) {
		m := sourcetest.NewMemory()
		return m, m, func() []string { return m.IDs() }
	})
}

func TestTheFirstAttachRecordsAndMailsNothing(t *testing.T) {
	r := newRig(t)
	r.site.put("1", "old", t0.Add(-time.Hour))
	if res := r.after(0); res.Recorded != 1 || res.Published != 0 {
		t.Fatalf("%+v", res)
	}
	r.site.put("2", "new", t0.Add(time.Minute))
	if res := r.after(2 * time.Minute); res.Published != 1 || res.Recorded != 0 {
		t.Fatalf("%+v", res)
	}
	r.want("1", func(c *sourcetest.Told) bool { return c.Mailed == 0 && c.Silent == 1 && c.Visible })
	r.want("2", func(c *sourcetest.Told) bool {
		return c.Mailed == 1 && c.Silent == 0 && c.Thread.Title == "Thread 7" && c.First.Time.Equal(t0.Add(time.Minute))
	})
	if !r.state().Baseline || r.hints != 2 {
		t.Fatalf("%+v, %d hints", r.state(), r.hints)
	}
}

func TestABaselineThatWasInterruptedGoesOnAndStillMailsNothing(t *testing.T) {
	r := newRig(t)
	r.site.page = 10
	for i := range 35 {
		r.site.put(fmt.Sprintf("%03d", i), "x", t0.Add(-time.Hour))
	}
	fail := false
	r.site.hook = func() {
		if r.site.polls == 3 {
			fail = true
		}
	}
	r.mem.Fail = func(op string) error {
		if op == "commit" && fail {
			return errors.New("disk full")
		}
		return nil
	}
	if _, err := r.try(0); err == nil {
		t.Fatal("no error")
	}
	r.mem.Fail, r.site.hook = nil, nil
	if n := len(r.mem.Events(t)); n != 20 {
		t.Fatalf("%d events from before the failure", n)
	}
	res := r.after(time.Minute)
	if res.Recorded != 15 || res.Published != 0 || !r.state().Baseline {
		t.Fatalf("%+v", res)
	}
}

func TestEveryChangeIsToldOnceAndInOrder(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "first", t0.Add(time.Minute))
	r.after(2 * time.Minute)
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool { return c.Mailed == 1 })

	r.site.change("1", func(c *source.Comment) { c.HTML = "<div class=x><p>fir<b>st</b>\n</p></div>" })
	if res := r.after(time.Minute); res != (source.Result{}) {
		t.Fatalf("other markup around the same text is no edit: %+v", res)
	}
	r.site.change("1", func(c *source.Comment) { c.HTML = "<p>second</p>" })
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool { return c.Edits == 1 && c.Text == "second" })

	r.site.change("1", func(c *source.Comment) { c.State = dispatcher.Held })
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool { return !c.Visible && c.Gone == 1 })
	r.site.change("1", func(c *source.Comment) { c.State = dispatcher.Removed })
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool { return c.Gone == 1 })

	// Back again with the very text of its first publication: a new event.
	r.site.change("1", func(c *source.Comment) { c.State, c.HTML = dispatcher.Visible, "<p>first</p>" })
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool {
		return c.Visible && c.Mailed == 2 && c.Text == "first" && c.Time.Equal(r.now)
	})
	ids := map[string]bool{}
	for _, e := range r.mem.Events(t) {
		if ids[e.ID] || !strings.HasPrefix(e.ID, "test:blog:1:") {
			t.Errorf("event id %q", e.ID)
		}
		ids[e.ID] = true
	}
}

func TestCommentsOfOneSecondAreToldInTheOrderOfTheirNumbers(t *testing.T) {
	r := newRig(t)
	r.after(0)
	at := r.now
	for n := 8; n < 112; n += 3 {
		r.site.put(fmt.Sprint(n), fmt.Sprint("text ", n), at)
	}
	r.after(time.Minute)
	last := 0
	for _, e := range r.mem.Events(t) {
		n, err := strconv.Atoi(e.Comment.ID)
		if err != nil || n < last {
			t.Errorf("comment %s was told after %d", e.Comment.ID, last)
		}
		last = n
	}
	if last != 110 {
		t.Errorf("the last told is %d", last)
	}
}

func TestALateApprovalIsPublishedWithTheTimeItAppeared(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.after(48 * time.Hour)
	r.site.put("1", "held for two days", t0.Add(time.Hour))
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool {
		return c.Mailed == 1 && c.First.Time.Equal(r.now) && c.First.Comment.WrittenAt.Equal(t0.Add(time.Hour))
	})
}

func TestWhatIsOlderThanMaxAgeIsRecordedOnly(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "old", t0.Add(-14*24*time.Hour))
	r.site.put("2", "young enough", t0.Add(-14*24*time.Hour+2*time.Minute))
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool { return c.Mailed == 0 && c.Silent == 1 })
	r.want("2", func(c *sourcetest.Told) bool { return c.Mailed == 1 })
}

func TestAnUnknownParentIsFetchedBeforeItsAnswer(t *testing.T) {
	r := newRig(t)
	r.after(0)
	// Grandparent and parent are too old for the list; another parent is gone.
	for id, parent := range map[string]string{"1": "", "2": "1"} {
		c := r.site.put("old-"+id, "ancestor "+id, t0.Add(-100*24*time.Hour))
		c.ParentID = parent
		c.State = dispatcher.Visible
		r.site.comments["old-"+id] = c
	}
	hide := map[string]source.Comment{"old-1": r.site.comments["old-1"], "old-2": r.site.comments["old-2"]}
	r.site.hook = func() {
		r.site.mu.Lock()
		defer r.site.mu.Unlock()
		for id := range hide {
			delete(r.site.comments, id)
		}
		r.site.comments["3"] = answer("3", "2", t0)
		r.site.comments["4"] = answer("4", "9", t0)
	}
	look := &lookBack{site: r.site, extra: hide}
	p, err := source.New(source.Options{Store: r.mem, Ledger: r.mem, Holder: "me", Clock: func() time.Time { return r.now }},
		source.Config{Name: "blog", Kind: "test", Site: "blog", Source: look})
	if err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Minute)
	if _, err := p.PollNow(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, e := range r.mem.Events(t) {
		order = append(order, fmt.Sprintf("%s %s %v", e.Comment.ID, e.Type, e.Notifies()))
	}
	want := []string{"9 comment.removed true", "1 comment.published false", "2 comment.published false", "3 comment.published true", "4 comment.published true"}
	if !slices.Equal(order, want) {
		t.Fatalf("got %q, want %q", order, want)
	}
	r.now = r.now.Add(time.Minute)
	looks := look.looks
	if _, err := p.PollNow(t.Context(), "blog"); err != nil || look.looks != looks {
		t.Fatalf("known parents were looked up again: %v", err)
	}
}

// lookBack is a site whose Look knows more than its list.
type lookBack struct {
	*site
	extra map[string]source.Comment
}

func (l *lookBack) Look(ctx context.Context, ids []string) ([]source.Comment, error) {
	l.mu.Lock()
	for id, c := range l.extra {
		l.comments[id] = c
	}
	l.mu.Unlock()
	return l.site.Look(ctx, ids)
}

func answer(id, parent string, at time.Time) source.Comment {
	return source.Comment{
		ID: id, ParentID: parent, State: dispatcher.Visible, HTML: "<p>" + id + "</p>", WrittenAt: at,
		Thread: dispatcher.EventThread{ID: "7"},
	}
}

func TestAnswersGoWithoutParentsThatCannotBeFetchedForLong(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.lookErr = errors.New("broken")
	r.site.comments["3"] = answer("3", "2", t0)
	for range 3 {
		if _, err := r.try(time.Minute); err == nil {
			t.Fatal("no error")
		}
		if n := len(r.mem.Events(t)); n != 0 {
			t.Fatalf("%d events", n)
		}
	}
	r.after(time.Minute)
	r.want("3", func(c *sourcetest.Told) bool { return c.Mailed == 1 })
	if w := r.state().Warning; !strings.Contains(w, "broken") {
		t.Fatalf("warning %q", w)
	}
}

func TestADaemonWithoutTheLeaseCommitsNothing(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "x", t0)
	r.site.hook = func() {
		// Another daemon believes this one dead while it is reading.
		if _, err := r.mem.Claim(t.Context(), "blog", "other", r.now.Add(time.Hour), time.Minute); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.try(time.Minute); !errors.Is(err, source.ErrLeaseLost) {
		t.Fatalf("err = %v, want ErrLeaseLost", err)
	}
	if n := len(r.mem.Events(t)); n != 0 {
		t.Fatalf("%d events", n)
	}
}

func TestPollNowAsksWhenAnotherDaemonIsPolling(t *testing.T) {
	r := newRig(t)
	if _, err := r.mem.Claim(t.Context(), "blog", "other", r.now, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := r.try(time.Second); !errors.Is(err, source.ErrLeased) {
		t.Fatalf("err = %v, want ErrLeased", err)
	}
	if st := r.state(); !st.PollAsked.Equal(r.now) || r.site.polls != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestCheckReadsAndWritesNothing(t *testing.T) {
	r := newRig(t)
	r.site.put("1", "x", t0)
	if _, err := r.poller.Check(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	r.site.err = errors.New("down")
	if _, err := r.poller.Check(t.Context(), "blog"); err == nil {
		t.Fatal("no error")
	}
	if st := r.state(); st.Errors != 0 || st.Cursor != nil || len(r.mem.Events(t)) != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestRecheckFindsARemovalAndLeavesTheCursor(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "x", t0)
	r.after(time.Minute)
	before := r.state()
	delete(r.site.comments, "1")
	r.now = r.now.Add(time.Minute)
	res, err := r.poller.Recheck(t.Context(), "blog", []string{"1"})
	if err != nil || res.Removed != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	r.want("1", func(c *sourcetest.Told) bool { return !c.Visible })
	after := r.state()
	if string(after.Cursor) != string(before.Cursor) || !after.NextPoll.Equal(before.NextPoll) || after.Holder != "" {
		t.Fatalf("%+v", after)
	}
}

func TestOddCommentsAreTrimmedOrLeftOutAndStopNobody(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "nul\x00 and \xff", t0)
	r.site.put("2", strings.Repeat("<b>&amp;</b>", 100000), t0)
	r.site.put("3", "x", t0)
	r.site.change("3", func(c *source.Comment) {
		c.URL, c.Thread.Title, c.Author.Name = "javascript:alert(1)", strings.Repeat("ü", 2000), "a\r\nb"
	})
	r.site.put("4", "x", t0)
	r.site.change("4", func(c *source.Comment) { c.HTML = "" })
	r.site.put("bad\nid", "x", t0)
	r.site.put("no thread", "x", t0)
	r.site.change("no thread", func(c *source.Comment) { c.Thread.ID = "" })
	r.site.put("5", "x", t0)
	r.site.change("5", func(c *source.Comment) { c.ParentID = "5" })
	if res := r.after(time.Minute); res.Published != 5 {
		t.Fatalf("%+v", res)
	}
	if w := r.state().Warning; !strings.Contains(w, "bad") || !strings.Contains(w, "thread.id") {
		t.Fatalf("warning %q", w)
	}
	r.want("3", func(c *sourcetest.Told) bool { return c.Author.Name == "a b" && c.First.Comment.URL == "" })
	r.want("2", func(c *sourcetest.Told) bool { return strings.HasPrefix(c.Text, "&&&") && len(c.Text) == 40<<10 })
	if res := r.after(time.Minute); res != (source.Result{}) {
		t.Fatalf("the next round told again: %+v", res)
	}
}

func TestASourceThatStandsStillIsAnError(t *testing.T) {
	r := newRig(t)
	r.after(0)
	stuck := &stuckSource{}
	p, err := source.New(source.Options{Store: r.mem, Ledger: r.mem, Holder: "me"}, source.Config{Name: "s", Kind: "t", Site: "blog", Source: stuck})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.PollNow(t.Context(), "s"); err == nil || !strings.Contains(err.Error(), "does not move on") {
		t.Fatal(err)
	}
}

type stuckSource struct{ site }

func (*stuckSource) Poll(context.Context, source.Round) (source.Batch, error) {
	return source.Batch{Cursor: []byte("same"), More: true}, nil
}

// TestNothingIsToldTwiceWhateverFails runs random histories of a site against
// a poller whose database and site fail at random, and compares what was told
// with the truth.
func TestNothingIsToldTwiceWhateverFails(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := newRig(t, func(c *source.Config) { c.Jump = -1 })
		r.site.page = 1 + rng.IntN(8)
		r.mem.Fail = func(op string) error {
			if op != "order" && rng.IntN(12) == 0 {
				return errors.New("the database is away")
			}
			return nil
		}
		for step := range 60 {
			id := fmt.Sprint(rng.IntN(12))
			_, stands := r.site.comments[id]
			switch {
			case !stands:
				r.site.put(id, fmt.Sprint("text ", step), r.now)
			case rng.IntN(3) == 0:
				r.site.change(id, func(c *source.Comment) { c.HTML = fmt.Sprint("text ", step) })
			case rng.IntN(2) == 0:
				r.site.change(id, func(c *source.Comment) { c.State = dispatcher.Removed })
			default:
				r.site.change(id, func(c *source.Comment) { c.State = dispatcher.Visible })
			}
			r.site.err = nil
			if rng.IntN(5) == 0 {
				r.site.err, r.site.with = errors.New("down"), rng.IntN(2) == 0
			}
			r.try(time.Duration(rng.IntN(600)) * time.Second)
		}
		r.mem.Fail, r.site.err = nil, nil
		r.after(time.Hour) // the lease of a failed commit has ended by then
		r.after(time.Minute)
		told := r.mem.Told(t)
		for id, c := range r.site.comments {
			got := told[id]
			visible := c.State == dispatcher.Visible
			if got == nil && !visible {
				continue // came and went between two rounds
			}
			if got == nil || got.Visible != visible || visible && got.Text != source.PlainText(c.HTML) || got.Mailed+got.Silent > got.Gone+1 {
				t.Fatalf("seed %d, comment %s: stands %v %q, told %v", seed, id, c.State, c.HTML, got)
			}
		}
	}
}

func TestMistakesInTheSourcesAreNamed(t *testing.T) {
	good := source.Config{Name: "blog", Kind: "test", Site: "blog", Source: &site{}}
	bad := good
	bad.Name = "my blog"
	slow := good
	slow.MinInterval, slow.MaxInterval = time.Hour, time.Minute
	for field, configs := range map[string][]source.Config{
		"sources[0].name": {bad}, "sources[1].name": {good, good}, "sources[0].interval_max": {slow},
	} {
		_, err := source.New(source.Options{}, configs...)
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Field != field || e.Mend == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	p, err := source.New(source.Options{Store: sourcetest.NewMemory()}, good)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Pause(t.Context(), "nope", ""); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		t.Errorf("pausing an unknown source: %v", err)
	}
	if err := p.Resume(t.Context(), "blog", "maybe"); dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
		t.Errorf("resuming with an unknown choice: %v", err)
	}
}
