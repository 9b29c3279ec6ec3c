package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func TestTheSameSeedDrawsTheSameWorld(t *testing.T) {
	start := time.Unix(1_780_000_000, 0)
	a, b, other := newWorld(smallSizes(), 7, start), newWorld(smallSizes(), 7, start), newWorld(smallSizes(), 8, start)
	differs := false
	for range 300 {
		x, y, z := a.comment(), b.comment(), other.comment()
		if x.Hash() != y.Hash() {
			t.Fatalf("%+v and %+v", x.Comment, y.Comment)
		}
		differs = differs || x.Thread.ID != z.Thread.ID
	}
	for n := range 50 {
		if !slices.Equal(a.follows(n), b.follows(n)) {
			t.Fatalf("reader %d follows %v and %v", n, a.follows(n), b.follows(n))
		}
	}
	if !differs {
		t.Error("another seed draws the same world")
	}
}

func TestCommentsAreValidEventsOfTheWantedLength(t *testing.T) {
	w := newWorld(smallSizes(), 1, time.Now())
	total, answers := 0, 0
	for range 1000 {
		e := w.comment()
		if err := e.Validate(); err != nil {
			t.Fatal(err)
		}
		total += len(e.Comment.HTML)
		if e.Comment.ParentID != "" {
			answers++
		}
	}
	if mean := total / 1000; mean < w.Text*9/10 || mean > w.Text*11/10 {
		t.Errorf("a comment has %d characters, want about %d", mean, w.Text)
	}
	if answers < 300 || answers > 450 {
		t.Errorf("%d of 1,000 are answers, want about 400", answers)
	}
}

func TestAReaderFollowsAsManyDifferentThreadsAsWanted(t *testing.T) {
	w := newWorld(smallSizes(), 1, time.Now())
	popular, rare := 0, 0
	for n := range 2000 {
		f := w.follows(n)
		if slices.Sort(f); len(slices.Compact(f)) != w.Follows {
			t.Fatalf("reader %d follows %v", n, f)
		}
		for _, id := range f {
			switch id {
			case threadID(0):
				popular++
			case threadID(w.Threads - 1):
				rare++
			}
		}
	}
	if popular < 2*rare {
		t.Errorf("%d follow the most popular thread, %d the least", popular, rare)
	}
}

// TestWhatIsBuiltIsWhatTheProductsOwnDoorsWouldHaveWritten builds a world and
// makes one more reader by the product's own doors; the rows must be alike.
func TestWhatIsBuiltIsWhatTheProductsOwnDoorsWouldHaveWritten(t *testing.T) {
	ctx := t.Context()
	b, err := openBase(ctx, "sqlite", t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	s := sizes{Readers: 30, Few: 3, Follows: 2, Threads: 9, Posts: 2, Text: 100}
	w := newWorld(s, 1, time.Now())
	n, err := build(ctx, b.db.DB, b.rebind, w)
	if err != nil || n != 33*2+2 {
		t.Fatalf("%d subscriptions, %v", n, err)
	}
	if _, err := b.store.PutSchedule(ctx, dispatcher.Schedule{Name: scheduleAll, Spec: "0 8 * * *", Zone: dispatcher.ZoneSite, Misfire: dispatcher.MisfireMerge, CatchUp: time.Hour}); err != nil {
		t.Fatal(err)
	}
	email, name, yes := readerAddress(99), "Reader 99", true
	if _, _, err := b.store.SetSubscriber(ctx, siteKey, dispatcher.EventSubscriber{ID: readerID(99), Email: &email, Name: &name, Confirmed: &yes}, true); err != nil {
		t.Fatal(err)
	}
	target := dispatcher.Target{Type: dispatcher.TargetThread, ID: w.follows(0)[0]}
	if _, _, err := b.store.SetSubscription(ctx, siteKey, dispatcher.EventSubscription{Subscriber: readerID(99), Target: target, Schedule: scheduleAll}, true); err != nil {
		t.Fatal(err)
	}
	// Names, numbers and moments differ; revision counts the doors' own steps.
	q := `SELECT s.site, s.email = s.address AS same, s.locale, s.zone, s.schedule, s.quiet, s.paused_until, s.confirmed_at > 0 AS confirmed, s.generation, s.ended_at, s.ended_by,
			i.author_id, f.site AS fsite, f.bucket = s.bucket AS bucket, f.target_type, f.depth, f.schedule AS fschedule, f.own_schedule, f.zone AS fzone, f.since,
			f.confirmed_at > 0 AS live, f.ended_at AS fended, f.ended_by AS fby
		FROM hearback_subscriber AS s JOIN hearback_subscriber_id AS x ON x.subscriber = s.id JOIN hearback_identity AS i ON i.subscriber = s.id
			JOIN hearback_subscription AS f ON f.subscriber = s.id WHERE x.external_id = ? AND f.target_id = ?`
	built, made := map[string]any{}, map[string]any{}
	if err := b.db.QueryRowxContext(ctx, q, readerID(0), target.ID).MapScan(built); err != nil {
		t.Fatal(err)
	}
	if err := b.db.QueryRowxContext(ctx, q, readerID(99), target.ID).MapScan(made); err != nil {
		t.Fatal(err)
	}
	for column, want := range made {
		if built[column] != want {
			t.Errorf("%s is %v, the product writes %v", column, built[column], want)
		}
	}
	keys, err := b.number(ctx, `SELECT count(DISTINCT target_key) FROM hearback_subscription WHERE target_id = ?`, target.ID)
	if err != nil || keys != 1 {
		t.Errorf("%d keys for one thread, %v", keys, err)
	}
}

func TestMedianAndPercentile(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.in, got, c.want)
		}
	}
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	for p, want := range map[int]time.Duration{50: 50, 99: 99, 100: 100} {
		if got := percentile(hundred, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("of nothing %v", got)
	}
}

func TestGoMailsReadyMessageHasTheSizeOfTheMailsBesideIt(t *testing.T) {
	for _, size := range []int{6000, 12_000, 60_000} {
		m, err := readyMessage(size)
		if err != nil {
			t.Fatal(err)
		}
		n, err := m.WriteTo(io.Discard)
		if err != nil || int(n) < size*95/100 || int(n) > size*105/100 {
			t.Errorf("%d bytes for %d, %v", n, size, err)
		}
	}
}

func TestGoMailSendsAllThatWasAskedAndNoMore(t *testing.T) {
	s, err := newSink()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := goMail(t.Context(), s.Addr(), 3000, 333); err != nil {
		t.Fatal(err)
	}
	if n := s.count.Load(); n != 333 {
		t.Errorf("%d mails, want 333", n)
	}
}

func TestOptionsNameWhatIsWrong(t *testing.T) {
	if _, err := readOptions([]string{"-only", "digest,nonsense"}, io.Discard); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
	o, err := readOptions([]string{"-small", "-db", "sqlite", "-only", "intake"}, io.Discard)
	if err != nil || o.sizes != smallSizes() || !slices.Equal(o.databases, []string{"sqlite"}) {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := openBase(context.Background(), "oracle", "", false); err == nil {
		t.Error("an unknown database was opened")
	}
}

func TestABrokenPromiseIsAnErrorOnlyWhenAskedFor(t *testing.T) {
	var out bytes.Buffer
	r := report{out: &out}
	r.must("speed", true, "%d", 2)
	if err := r.end(true); err != nil {
		t.Error(err)
	}
	r.must("memory", false, "%d MB", 900)
	if err := r.end(false); err != nil {
		t.Error(err)
	}
	if err := r.end(true); err == nil || !strings.Contains(out.String(), "BROKEN  memory") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
