package wordpress_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	"github.com/hearback/hearback/dispatcher/source/wordpress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)

// rig is a poller over a fake site, with a clock that only the test moves.
type rig struct {
	*testing.T
	site   *wp
	mem    *sourcetest.Memory
	poller *source.Poller
	now    time.Time
}

func newRig(t *testing.T, change ...func(*wordpress.Options)) *rig {
	t.Helper()
	r := &rig{T: t, mem: sourcetest.NewMemory(), now: t0}
	r.site = newWP(t, r.clock)
	r.attach(change...)
	return r
}

func (r *rig) clock() time.Time { return r.now }

// attach makes a new poller and adapter, as a restart of the daemon would.
func (r *rig) attach(change ...func(*wordpress.Options)) {
	r.Helper()
	f, err := source.NewFetcher(source.FetchOptions{Allow: []string{"127.0.0.1"}, About: "https://mail.example", MaxBytes: 4 << 20})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(f.Close)
	o := wordpress.Options{URL: r.site.URL, Fetcher: f, Clock: r.clock}
	for _, c := range change {
		c(&o)
	}
	w, err := wordpress.New(o)
	if err != nil {
		r.Fatal(err)
	}
	r.poller, err = source.New(source.Options{Store: r.mem, Ledger: r.mem, Holder: "me", Clock: r.clock},
		source.Config{Name: "blog", Kind: wordpress.Kind, Site: "blog", Source: w, Jump: -1})
	if err != nil {
		r.Fatal(err)
	}
}

func password(o *wordpress.Options) { o.Username, o.Password = "editor", "abcd efgh" }

func (r *rig) try(d time.Duration) error {
	r.now = r.now.Add(d)
	_, err := r.poller.PollNow(r.Context(), "blog")
	return err
}

func (r *rig) after(d time.Duration) map[string]*sourcetest.Told {
	r.Helper()
	if err := r.try(d); err != nil {
		r.Fatal(err)
	}
	return r.mem.Told(r)
}

func (r *rig) state() source.State {
	r.Helper()
	all, err := r.poller.States(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return all[0]
}

func id(e *entry) string { return strconv.FormatInt(e.id, 10) }

func TestANewCommentIsToldWithAllThatTheSiteSays(t *testing.T) {
	r := newRig(t, password)
	old := r.site.write(7, 0, "from before", "approve")
	r.after(time.Minute)
	r.now = r.now.Add(time.Minute)
	c := r.site.write(7, old.id, "1 < 2 & \"quoted\"", "approve")
	c.author = 42
	told := r.after(10 * time.Second)
	if got := told[id(old)]; got.Mailed != 0 || got.Silent != 1 {
		t.Errorf("the baseline: %v", got)
	}
	got := told[id(c)]
	if got == nil || got.Mailed != 1 {
		t.Fatalf("the new one: %v", got)
	}
	e := got.First
	if e.Thread.ID != "7" || e.Thread.URL != r.site.URL+"/7/" || e.Thread.Title != "Café “Olé” & more" {
		t.Errorf("thread %+v", e.Thread)
	}
	if *e.Author != (dispatcher.EventAuthor{ID: "42", Name: "Ann & Bob's", Email: c.email}) {
		t.Errorf("author %+v", e.Author)
	}
	if e.Comment.ParentID != id(old) || !e.Comment.WrittenAt.Equal(c.at) || !e.Time.Equal(c.at) ||
		e.Comment.URL != fmt.Sprintf("%s/7/comment-page-2/#comment-%d", r.site.URL, c.id) || got.Text != c.text {
		t.Errorf("comment %+v at %s, text %q", e.Comment, e.Time, got.Text)
	}
	if n := r.site.count("editor:"); n == 0 {
		t.Error("the password was never used")
	}
}

func TestAGuestHasNoAuthorIDAndAStrangerSeesNoAddress(t *testing.T) {
	r := newRig(t)
	r.after(0)
	c := r.site.write(7, 0, "hi", "approve")
	if got := r.after(time.Minute)[id(c)]; got.Author.ID != "" || got.Author.Email != "" {
		t.Fatalf("%+v", got.Author)
	}
}

func TestTheThreadsAddressIsKnownEvenWhereTheAPIHidesThePost(t *testing.T) {
	r := newRig(t)
	r.site.posts[8] = &page{title: "Product", status: "publish", collection: "product"}
	r.after(0)
	c := r.site.write(8, 0, "hi", "approve")
	if got := r.after(time.Minute)[id(c)]; got == nil || got.Thread.URL != r.site.URL+"/8/" || got.Thread.Title != "" {
		t.Fatalf("%+v", got)
	}
}

func TestALateApprovalIsFoundByTheSweepAndAtOnceWithAPassword(t *testing.T) {
	for name, opts := range map[string][]func(*wordpress.Options){"stranger": nil, "password": {password}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, opts...)
			for range 120 { // so that the head does not reach it
				r.site.write(7, 0, "x", "approve")
			}
			late := r.site.write(7, 0, "waits", "hold")
			r.after(time.Minute)
			for range 120 {
				r.now = r.now.Add(15 * time.Minute)
				r.site.write(7, 0, "y", "approve")
			}
			r.after(time.Minute)
			r.after(11 * time.Minute)
			late.status = "approve"
			told := r.after(15 * time.Second)
			if opts == nil {
				if told[id(late)] != nil {
					t.Fatal("found without a sweep: the test is too easy")
				}
				told = r.after(10 * time.Minute)
			}
			got := told[id(late)]
			if got == nil || got.Mailed != 1 || !got.First.Comment.WrittenAt.Equal(late.at) || !got.First.Time.Equal(r.now) {
				t.Fatalf("%v", got)
			}
		})
	}
}

func TestRemovalsAreFoundWithinTheHeadAndBeyond(t *testing.T) {
	r := newRig(t)
	first := r.site.write(7, 0, "first", "approve")
	for range 150 {
		r.site.write(7, 0, "x", "approve")
	}
	trashed, held := r.site.write(7, 0, "a", "approve"), r.site.write(7, 0, "b", "approve")
	gone := r.site.write(7, held.id, "c", "approve")
	child := r.site.write(7, gone.id, "d", "approve")
	r.after(time.Minute)
	r.after(time.Minute)

	trashed.status, held.status = "trash", "hold"
	r.site.remove(gone.id)
	r.site.remove(first.id)
	told := r.after(15 * time.Second)
	for _, e := range []*entry{trashed, held, gone} {
		if told[id(e)].Visible {
			t.Errorf("comment %d still stands", e.id)
		}
	}
	if got := told[id(child)]; !got.Visible || got.Parent != id(held) {
		t.Errorf("the answer did not move up: %+v", got)
	}
	if !told[id(first)].Visible {
		t.Error("found without a sweep: the test is too easy")
	}
	if told = r.after(10 * time.Minute); told[id(first)].Visible {
		t.Error("the sweep did not find the removal")
	}
	trashed.status = "approve"
	if got := r.after(10 * time.Minute)[id(trashed)]; !got.Visible || got.Gone != 1 {
		t.Errorf("what came back is not told of: %v", got)
	}
}

func TestARemovalIsStillFoundAfterAMonth(t *testing.T) {
	r := newRig(t)
	r.after(0)
	c := r.site.write(7, 0, "x", "approve")
	for range 60 {
		r.site.write(7, 0, "y", "approve")
	}
	r.after(time.Minute)
	r.after(30 * 24 * time.Hour)
	c.status = "trash"
	if r.after(6 * time.Hour)[id(c)].Visible {
		t.Fatal("it still stands")
	}
}

func TestAnEditIsNoticedThoughNoDateMoves(t *testing.T) {
	r := newRig(t)
	r.after(0)
	c := r.site.write(7, 0, "before", "approve")
	r.after(time.Minute)
	c.text = "after"
	if got := r.after(time.Minute)[id(c)]; got.Edits != 1 || got.Text != "after" || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
}

func TestAStickyCommentIsNotTakenForRemoved(t *testing.T) {
	r := newRig(t)
	r.after(0)
	c := r.site.write(7, 0, "x", "approve")
	private := r.site.write(7, 0, "y", "approve")
	r.after(time.Minute)
	c.kind, private.kind = "wpdiscuz_sticky", "private"
	for range 4 {
		r.after(time.Minute)
	}
	told := r.after(time.Hour)
	if !told[id(c)].Visible || told[id(c)].Gone != 0 {
		t.Errorf("sticky: %v", told[id(c)])
	}
	if told[id(private)].Visible {
		t.Error("a private comment still counts as visible")
	}
	if n := r.site.count("/comments/" + id(c)); n > 3 {
		t.Errorf("asked for the sticky one %d times in six rounds", n)
	}
	c.status = "trash"
	if r.after(time.Hour)[id(c)].Visible {
		t.Error("the sticky one was trashed and still stands")
	}
}

func TestWhatAStrangerMayNotReadIsNeverTold(t *testing.T) {
	r := newRig(t, password)
	for post, p := range map[int64]*page{
		10: {status: "private"}, 11: {status: "publish", password: "pst"}, 12: {status: "draft"}, 13: {status: "publish"},
	} {
		p.collection = "posts"
		r.site.posts[post] = p
	}
	r.after(0)
	for _, post := range []int64{10, 11, 12} {
		r.site.write(post, 0, "secret", "approve")
	}
	r.site.write(7, 0, "secret", "hold")
	r.site.write(7, 0, "secret", "spam")
	open := r.site.write(13, 0, "open", "approve")
	for range 3 {
		r.after(time.Hour)
	}
	if told := r.mem.Told(t); len(told) != 1 || told[id(open)].Mailed != 1 {
		t.Fatalf("%v", told)
	}
	// A post that becomes private takes its comments with it.
	r.site.posts[13].status = "private"
	if r.after(time.Hour)[id(open)].Visible {
		t.Fatal("a comment on a post that is private now still stands")
	}
	r.site.posts[13].status = "publish"
	if got := r.after(time.Hour)[id(open)]; !got.Visible {
		t.Fatalf("%v", got)
	}
}

func TestManyHiddenCommentsDoNotHideThoseBehindThem(t *testing.T) {
	r := newRig(t)
	r.site.posts[10] = &page{status: "private", collection: "posts"}
	r.after(0)
	c := r.site.write(7, 0, "open", "approve")
	for range 230 {
		r.site.write(10, 0, "secret", "approve")
	}
	if got := r.after(time.Minute)[id(c)]; got == nil || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
}

func TestAWrongPasswordIsSaidAndStrangersReadingGoesOn(t *testing.T) {
	r := newRig(t, func(o *wordpress.Options) { o.Username, o.Password = "editor", "wrong" })
	r.after(0)
	c := r.site.write(7, 0, "x", "approve")
	if got := r.after(time.Minute)[id(c)]; got == nil || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
	if w := r.state().Warning; !strings.Contains(w, "application password") || !strings.Contains(w, "401") {
		t.Fatalf("warning %q", w)
	}
	if n := r.site.count("users/me"); n != 1 {
		t.Fatalf("the password was tried %d times in a minute", n)
	}
	r.attach(password)
	r.site.editor = false
	r.after(time.Minute)
	if w := r.state().Warning; !strings.Contains(w, "moderation") {
		t.Fatalf("warning %q", w)
	}
	r.site.editor = true
	r.after(2 * time.Hour)
	if w := r.state().Warning; w != "" {
		t.Fatalf("warning %q", w)
	}
}

func TestASiteWithoutPrettyPermalinksIsRead(t *testing.T) {
	r := newRig(t, password)
	r.site.plain = true
	r.after(0)
	c := r.site.write(7, 0, "x", "approve")
	if got := r.after(time.Minute)[id(c)]; got == nil || got.Mailed != 1 || got.Thread.Title == "" {
		t.Fatalf("%v", got)
	}
	c.status = "trash"
	if r.after(time.Minute)[id(c)].Visible {
		t.Fatal("it still stands")
	}
	if n := r.site.count("/wp-json"); n > 1 {
		t.Fatalf("the wrong address was tried %d times", n)
	}
}

func TestTheRepeatedHourOfAutumnLosesNothing(t *testing.T) {
	r := newRig(t)
	r.now = time.Date(2026, 10, 24, 23, 30, 0, 0, time.UTC) // an hour and a half before the change in Berlin
	r.after(0)
	want := map[string]bool{}
	for range 30 {
		r.now = r.now.Add(10 * time.Minute)
		want[id(r.site.write(7, 0, "x", "approve"))] = true
		if rand.IntN(2) == 0 {
			r.attach()
		}
		r.after(0)
	}
	told := r.mem.Told(t)
	for c := range want {
		if told[c] == nil || told[c].Mailed != 1 || told[c].Gone != 0 {
			t.Errorf("comment %s: %v", c, told[c])
		}
	}
}

func TestAQuietSiteCostsOneRequestARound(t *testing.T) {
	r := newRig(t)
	for range 30 {
		r.site.write(7, 0, "x", "approve")
	}
	r.after(0)
	before := r.site.count("")
	for range 20 {
		r.after(10 * time.Second)
	}
	if n := r.site.count("") - before; n != 20 {
		t.Fatalf("%d requests in 20 rounds", n)
	}
}

func TestAnOldImportIsNotWalkedThrough(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.now = t0.Add(-400 * 24 * time.Hour)
	for range 2000 {
		r.site.write(7, 0, "old", "approve")
	}
	r.now = t0
	before := r.site.count("")
	c := r.site.write(7, 0, "new", "approve")
	r.after(time.Minute)
	if got := r.after(time.Hour)[id(c)]; got == nil || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
	for c, told := range r.mem.Told(t) {
		if told.Mailed > 0 && told.Text == "old" {
			t.Fatalf("comment %s of the import would be mailed", c)
		}
	}
	if n := r.site.count("") - before; n > 40 {
		t.Fatalf("%d requests", n)
	}
}

func TestMistakesInTheOptionsAreNamed(t *testing.T) {
	f, err := source.NewFetcher(source.FetchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for field, o := range map[string]wordpress.Options{
		"url":      {URL: "blog.example.org"},
		"password": {URL: "https://blog.example.org", Username: "ann"},
	} {
		o.Fetcher = f
		_, err := wordpress.New(o)
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Field != field || e.Mend == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, u := range []string{"https://ann:pw@blog.example.org", "http://blog.example.org", "ftp://x"} {
		if _, err := wordpress.New(wordpress.Options{URL: u, Username: "a", Password: "b", Fetcher: f}); err == nil {
			t.Errorf("%s was taken", u)
		}
	}
}

func TestLookTellsTheStatesApart(t *testing.T) {
	r := newRig(t)
	f, err := source.NewFetcher(source.FetchOptions{Allow: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	w, err := wordpress.New(wordpress.Options{URL: r.site.URL + "/wp-json/", Fetcher: f})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]dispatcher.Visibility{"999999": dispatcher.Removed}
	for status, state := range map[string]dispatcher.Visibility{"approve": dispatcher.Visible, "hold": dispatcher.Held, "trash": dispatcher.Held} {
		want[id(r.site.write(7, 0, status, status))] = state
	}
	got, err := w.Look(context.Background(), append(slices.Collect(maps.Keys(want)), "no number", "0", "-4"))
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, c := range got {
		if c.State != want[c.ID] {
			t.Errorf("%s is %s, want %s", c.ID, c.State, want[c.ID])
		}
	}
}
