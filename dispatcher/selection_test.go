package dispatcher_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

const blog = "blog"

var (
	me    = dispatcher.AuthorKey(blog, "u-me")
	alias = dispatcher.AuthorKey(blog, "v-me")
	mail  = dispatcher.AddressKey(blog, "me@example.org")
	other = dispatcher.AuthorKey(blog, "u-other")
)

// said is one comment of a hand-made window; its position is its place.
type said struct {
	comment  int64 // zero: its position
	thread   int64 // zero: 1
	author   dispatcher.Key
	address  dispatcher.Key
	at       int64 // became visible
	gone     bool
	site     string
	above    []dispatcher.Ancestor
	position int64 // zero: the next
}

func windowOf(all ...said) *dispatcher.Window {
	w := &dispatcher.Window{}
	last := int64(0)
	for _, s := range all {
		if s.position == 0 {
			s.position = last + 1
		}
		last = s.position
		if s.comment == 0 {
			s.comment = s.position
		}
		if s.thread == 0 {
			s.thread = 1
		}
		if s.site == "" {
			s.site = blog
		}
		w.Add(dispatcher.Entry{Position: s.position, First: s.position, Comment: s.comment, Thread: s.thread, ThreadKey: threadKey(s.site, s.thread),
			Author: s.author, Address: s.address, VisibleAt: s.at, Visible: !s.gone}, dispatcher.SiteKey(s.site), s.above)
	}
	w.Seal()
	return w
}

func threadKey(site string, n int64) dispatcher.Key {
	return dispatcher.ThreadKey(site, fmt.Sprint("t", n))
}

var begun = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// follows makes a live subscription asked for at position since.
func follows(typ dispatcher.TargetType, id string, since int64) dispatcher.Subscription {
	t := dispatcher.Target{Type: typ, ID: id}
	if typ == dispatcher.TargetReplies {
		t = dispatcher.Target{Type: typ, Depth: dispatcher.Depth(id)}
	}
	return dispatcher.Subscription{Target: t, Key: dispatcher.TargetKey(blog, t), Since: since, AskedAt: begun, ConfirmedAt: begun}
}

func pending(s dispatcher.Subscription) dispatcher.Subscription {
	s.ConfirmedAt = time.Time{}
	return s
}

func ended(s dispatcher.Subscription) dispatcher.Subscription {
	s.EndedAt = begun.Add(time.Hour)
	return s
}

func reader(subs ...dispatcher.Subscription) dispatcher.Reader {
	return dispatcher.Reader{ID: 7, Identity: []dispatcher.Key{me, alias, mail}, Subscriptions: subs}
}

func answerTo(a dispatcher.Key) []dispatcher.Ancestor {
	return []dispatcher.Ancestor{{Comment: dispatcher.CommentKey(blog, "p"), Author: a}}
}

func below(parent, grandparent dispatcher.Key) []dispatcher.Ancestor {
	return []dispatcher.Ancestor{{Comment: dispatcher.CommentKey(blog, "p"), Author: parent}, {Comment: dispatcher.CommentKey(blog, "g"), Author: grandparent}}
}

func TestEachTargetLeadsToItsCommentsForItsReasonAndToNoOthers(t *testing.T) {
	guest := []dispatcher.Ancestor{{Comment: dispatcher.CommentKey(blog, "p"), Address: mail}}
	for _, c := range []struct {
		name string
		sub  dispatcher.Subscription
		said said
		want dispatcher.Reason
	}{
		{"site", follows(dispatcher.TargetSite, "", 0), said{}, dispatcher.ReasonSite},
		{"another site", follows(dispatcher.TargetSite, "", 0), said{site: "shop"}, 0},
		{"thread", follows(dispatcher.TargetThread, "t1", 0), said{}, dispatcher.ReasonThread},
		{"another thread", follows(dispatcher.TargetThread, "t1", 0), said{thread: 2}, 0},
		{"thread of the same id on another site", follows(dispatcher.TargetThread, "t1", 0), said{site: "shop"}, 0},
		{"author", follows(dispatcher.TargetAuthor, "u-other", 0), said{author: other}, dispatcher.ReasonAuthor},
		{"another author", follows(dispatcher.TargetAuthor, "u-third", 0), said{author: other}, 0},
		{"an author above does not count", follows(dispatcher.TargetAuthor, "u-other", 0), said{above: answerTo(other)}, 0},
		{"comment, its answer", follows(dispatcher.TargetComment, "p", 0), said{above: answerTo(other)}, dispatcher.ReasonSubtree},
		{"comment, deep below", follows(dispatcher.TargetComment, "g", 0), said{above: below(other, other)}, dispatcher.ReasonSubtree},
		{"another comment", follows(dispatcher.TargetComment, "x", 0), said{above: below(other, other)}, 0},
		{"replies, direct", follows(dispatcher.TargetReplies, "direct", 0), said{above: answerTo(me)}, dispatcher.ReasonReply},
		{"replies, to another name of mine", follows(dispatcher.TargetReplies, "direct", 0), said{above: answerTo(alias)}, dispatcher.ReasonReply},
		{"replies, to me as a guest", follows(dispatcher.TargetReplies, "direct", 0), said{above: guest}, dispatcher.ReasonReply},
		{"replies, direct does not reach deeper", follows(dispatcher.TargetReplies, "direct", 0), said{above: below(other, me)}, 0},
		{"replies, any reaches deeper", follows(dispatcher.TargetReplies, "any", 0), said{above: below(other, me)}, dispatcher.ReasonSubtree},
		{"replies, any of a direct answer", follows(dispatcher.TargetReplies, "any", 0), said{above: below(me, me)}, dispatcher.ReasonReply},
		{"replies, to somebody else", follows(dispatcher.TargetReplies, "any", 0), said{above: answerTo(other)}, 0},
		{"replies, below a guest whom nobody knows", follows(dispatcher.TargetReplies, "any", 0), said{above: answerTo(0)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, w := reader(c.sub), windowOf(c.said)
			got := dispatcher.Select(&r, w, 0, 9, 50, 0)
			reason, why := dispatcher.Verdict(&r, w, w.Entry(0))
			if c.want == 0 {
				if len(got.Items) != 0 || why != dispatcher.WhyNoMatch {
					t.Errorf("selected %v, verdict %q", got.Items, why)
				}
				return
			}
			want := []dispatcher.Item{{Comment: 1, Position: 1, Reason: c.want}}
			if !slices.Equal(got.Items, want) || reason != c.want || why != dispatcher.WhyNone {
				t.Errorf("selected %v, want %v; verdict %s %q", got.Items, want, reason, why)
			}
		})
	}
}

func TestEachRuleKeepsACommentOutAndSaysWhy(t *testing.T) {
	site := follows(dispatcher.TargetSite, "", 0)
	for _, c := range []struct {
		name string
		r    dispatcher.Reader
		said said
		want dispatcher.Why
	}{
		{"no subscription", reader(), said{}, dispatcher.WhyNoMatch},
		{"pending", reader(pending(site)), said{}, dispatcher.WhyPending},
		{"ended", reader(ended(site)), said{}, dispatcher.WhyEnded},
		{"ended before it was confirmed", reader(ended(pending(site))), said{}, dispatcher.WhyEnded},
		{"settled before", reader(follows(dispatcher.TargetSite, "", 1)), said{}, dispatcher.WhyBefore},
		{"pending and settled before", reader(pending(follows(dispatcher.TargetSite, "", 1))), said{}, dispatcher.WhyBefore},
		{"pending counts more than ended", reader(ended(site), pending(site)), said{}, dispatcher.WhyPending},
		{"and in the other order", reader(pending(site), ended(site)), said{}, dispatcher.WhyPending},
		{"before counts more than ended", reader(follows(dispatcher.TargetSite, "", 1), ended(site)), said{}, dispatcher.WhyBefore},
		{"and in the other order", reader(ended(site), follows(dispatcher.TargetSite, "", 1)), said{}, dispatcher.WhyBefore},
		{"pending counts more than before", reader(follows(dispatcher.TargetSite, "", 1), pending(follows(dispatcher.TargetThread, "t1", 0))), said{}, dispatcher.WhyPending},
		{"a live one counts more than all", reader(ended(site), pending(site), site), said{}, dispatcher.WhyNone},
		{"muted thread", with(reader(site), func(r *dispatcher.Reader) { r.Mutes = []dispatcher.Key{threadKey(blog, 1)} }), said{}, dispatcher.WhyMuted},
		{"muted author", with(reader(site), func(r *dispatcher.Reader) { r.Mutes = []dispatcher.Key{other} }), said{author: other}, dispatcher.WhyMuted},
		{"another author muted", with(reader(site), func(r *dispatcher.Reader) { r.Mutes = []dispatcher.Key{other} }), said{author: 5}, dispatcher.WhyNone},
		{"own", reader(site), said{author: me}, dispatcher.WhyOwn},
		{"own, by another name", reader(site), said{author: alias}, dispatcher.WhyOwn},
		{"own, as a guest", reader(site), said{address: mail}, dispatcher.WhyOwn},
		{"a guest whom nobody knows", reader(site), said{}, dispatcher.WhyNone},
		{"not visible", reader(site), said{gone: true}, dispatcher.WhyNotVisible},
		{"delivered", with(reader(site), func(r *dispatcher.Reader) { r.Delivered = map[int64]struct{}{1: {}} }), said{}, dispatcher.WhyDelivered},
		{"another delivered", with(reader(site), func(r *dispatcher.Reader) { r.Delivered = map[int64]struct{}{2: {}} }), said{}, dispatcher.WhyNone},
		{"read at that very time", with(reader(site), func(r *dispatcher.Reader) { r.Reads = map[dispatcher.Key]int64{threadKey(blog, 1): 100} }), said{at: 100}, dispatcher.WhyRead},
		{"became visible after the reading", with(reader(site), func(r *dispatcher.Reader) { r.Reads = map[dispatcher.Key]int64{threadKey(blog, 1): 100} }), said{at: 101}, dispatcher.WhyNone},
		{"another thread read", with(reader(site), func(r *dispatcher.Reader) { r.Reads = map[dispatcher.Key]int64{threadKey(blog, 2): 100} }), said{at: 100}, dispatcher.WhyNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := windowOf(c.said)
			if _, why := dispatcher.Verdict(&c.r, w, w.Entry(0)); why != c.want {
				t.Errorf("verdict %q, want %q", why, c.want)
			}
			if n := len(dispatcher.Select(&c.r, w, 0, 9, 50, 0).Items); (n == 1) != (c.want == dispatcher.WhyNone) {
				t.Errorf("%d items although the verdict is %q", n, c.want)
			}
		})
	}
}

func with(r dispatcher.Reader, do func(*dispatcher.Reader)) dispatcher.Reader {
	do(&r)
	return r
}

func TestTheStrongestReasonIsShownAndItemsComeStrongestThenNewest(t *testing.T) {
	r := reader(follows(dispatcher.TargetSite, "", 0), follows(dispatcher.TargetThread, "t1", 0), follows(dispatcher.TargetReplies, "any", 0),
		follows(dispatcher.TargetAuthor, "u-other", 0))
	w := windowOf(
		said{thread: 2},                          // 1 site
		said{thread: 2, author: other},           // 2 author
		said{above: answerTo(me), author: other}, // 3 reply
		said{},                                   // 4 thread
		said{above: below(other, me)},            // 5 subtree
		said{thread: 2, author: other},           // 6 author
		said{above: answerTo(alias)},             // 7 reply
	)
	var got []string
	for _, it := range dispatcher.Select(&r, w, 0, 9, 50, 0).Items {
		got = append(got, fmt.Sprint(it.Position, it.Reason))
	}
	want := []string{"7 reply", "3 reply", "5 subtree", "4 thread", "6 author", "2 author", "1 site"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestASlotSeesOnlyItsWindowAndOneThreadIfAsked(t *testing.T) {
	r := reader(follows(dispatcher.TargetSite, "", 0), follows(dispatcher.TargetThread, "t1", 3))
	w := windowOf(said{}, said{}, said{thread: 2}, said{}, said{thread: 2}, said{})
	for _, c := range []struct {
		from, upto, thread int64
		want               []int64
	}{
		{0, 6, 0, []int64{6, 4, 5, 3, 2, 1}},
		{2, 5, 0, []int64{4, 5, 3}},
		{2, 5, 2, []int64{5, 3}},
		{2, 5, 1, []int64{4}},
		{5, 5, 0, nil},
		{6, 2, 0, nil},
		{0, 99, 3, nil},
	} {
		var got []int64
		for _, it := range dispatcher.Select(&r, w, c.from, c.upto, 50, c.thread).Items {
			got = append(got, it.Position)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("(%d, %d] thread %d: got %v, want %v", c.from, c.upto, c.thread, got, c.want)
		}
	}
}

func TestACommentPublishedAgainIsOneItemByItsNewestPosition(t *testing.T) {
	w := windowOf(said{comment: 1}, said{comment: 2}, said{comment: 1})
	r := reader(follows(dispatcher.TargetSite, "", 0))
	want := []dispatcher.Item{{Comment: 1, Position: 3, Reason: dispatcher.ReasonSite}, {Comment: 2, Position: 2, Reason: dispatcher.ReasonSite}}
	if got := dispatcher.Select(&r, w, 0, 3, 50, 0); !slices.Equal(got.Items, want) || got.More != 0 {
		t.Errorf("got %+v, want %v", got, want)
	}
	r.Delivered = map[int64]struct{}{1: {}}
	if got := dispatcher.Select(&r, w, 0, 3, 50, 0); !slices.Equal(got.Items, want[1:]) {
		t.Errorf("one who had it gets %v", got.Items)
	}
	late := reader(follows(dispatcher.TargetSite, "", 2))
	if got := dispatcher.Select(&late, w, 0, 3, 50, 0); !slices.Equal(got.Items, want[:1]) {
		t.Errorf("one who asked between gets %v", got.Items)
	}
	if low := w.FirstRepublished(math.MaxInt64); low != math.MaxInt64 {
		t.Errorf("no entry says that it was published before, and still %d", low)
	}
}

func TestFirstRepublishedIsTheOldestPositionThatCameAgain(t *testing.T) {
	w := &dispatcher.Window{}
	for _, e := range []dispatcher.Entry{{Position: 10, First: 10}, {Position: 11, First: 7}, {Position: 12, First: 3}, {Position: 13, First: 9}} {
		w.Add(e, 1, nil)
	}
	w.Seal()
	if got := w.FirstRepublished(99); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
}

func TestWhatIsBeyondTheCapIsCountedOnceHoweverManySubscriptionsMatch(t *testing.T) {
	var all []said
	for i := range 120 {
		s := said{author: other, thread: 1 + int64(i%2)}
		if i%3 == 0 {
			s.author = me
		}
		all = append(all, s)
	}
	w := windowOf(all...)
	r := reader(follows(dispatcher.TargetThread, "t1", 0), follows(dispatcher.TargetAuthor, "u-other", 0), follows(dispatcher.TargetSite, "", 0))
	got := dispatcher.Select(&r, w, 0, 120, 50, 0)
	if len(got.Items) != 50 || got.More != 30 {
		t.Fatalf("%d items and %d more, want 50 and 30", len(got.Items), got.More)
	}
	for i, it := range got.Items {
		if want := dispatcher.ReasonThread; i < 40 && it.Reason != want || i >= 40 && it.Reason != dispatcher.ReasonAuthor {
			t.Errorf("item %d is there for %s", i, it.Reason)
		}
	}
}

func TestFarBeyondTheCapMoreIsAnEstimateThatNeverExceedsWhatThereIs(t *testing.T) {
	all := make([]said, 5000)
	for i := range all {
		all[i] = said{author: other, thread: 1 + int64(i%2)}
	}
	w := windowOf(all...)
	r := reader(follows(dispatcher.TargetThread, "t1", 0), follows(dispatcher.TargetAuthor, "u-other", 0), follows(dispatcher.TargetSite, "", 0))
	for _, c := range []struct{ thread, there int64 }{{0, 5000}, {1, 2500}, {2, 2500}} {
		got := dispatcher.Select(&r, w, 0, 5000, 50, c.thread)
		if total := int64(len(got.Items) + got.More); total > c.there || total < c.there*9/10 {
			t.Errorf("thread %d: 50 items and %d more, but there are %d", c.thread, got.More, c.there)
		}
	}
}

func TestMatchListsAllLiveSubscriptionsThatLeadThere(t *testing.T) {
	w := windowOf(said{}, said{author: other, above: below(other, me)})
	r := reader(follows(dispatcher.TargetSite, "", 0), follows(dispatcher.TargetThread, "t2", 0), ended(follows(dispatcher.TargetThread, "t1", 0)),
		follows(dispatcher.TargetAuthor, "u-other", 2), follows(dispatcher.TargetReplies, "any", 1), pending(follows(dispatcher.TargetComment, "p", 0)))
	reason, subs := dispatcher.Match(&r, w, w.Entry(1))
	if reason != dispatcher.ReasonSubtree || len(subs) != 2 || subs[0].Target.Type != dispatcher.TargetSite || subs[1].Target.Type != dispatcher.TargetReplies {
		t.Errorf("%s by %+v", reason, subs)
	}
}

func TestTheKeysOfAWindowAreEachGivenOnceAndCountingStopsAtTheLimit(t *testing.T) {
	w := windowOf(said{author: other, above: below(me, me)}, said{thread: 2, author: other, above: answerTo(me)})
	seen := map[dispatcher.Key]int{}
	w.Keys(func(k dispatcher.Key) bool { seen[k]++; return true })
	for k, n := range seen {
		if n != 1 {
			t.Errorf("key %d is given %d times", k, n)
		}
	}
	// site, two threads, author, comments p and g, answers to me, all below me
	if len(seen) != 8 || w.DistinctKeys(100) != 8 || w.DistinctKeys(3) != 3 {
		t.Errorf("%d keys; counted %d, and %d up to 3", len(seen), w.DistinctKeys(100), w.DistinctKeys(3))
	}
}

func TestASealedWindowIsReadByManyAtOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([]said, 300)
	for i := range all {
		all[i] = said{author: other, thread: 1 + rng.Int64N(5)}
	}
	w := windowOf(all...)
	want := dispatcher.Select(ptr(reader(follows(dispatcher.TargetThread, "t1", 0))), w, 0, 300, 500, 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := reader(follows(dispatcher.TargetThread, "t1", 0))
			if got := dispatcher.Select(&r, w, 0, 300, 500, 0); !slices.Equal(got.Items, want.Items) {
				t.Errorf("%d items, want %d", len(got.Items), len(want.Items))
			}
		})
	}
	wg.Wait()
}

func ptr[T any](v T) *T { return &v }
