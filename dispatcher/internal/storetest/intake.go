package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func intakeTests() []test {
	return []test{
		{"a publication becomes a comment with all that was told", func(e *env) {
			e.take(e.published("a", "t", "", author("u1")))
			c := e.known("a")
			equal(e, "state", c.State, dispatcher.Visible)
			equal(e, "author", c.AuthorName, "Name of u1")
			equal(e, "author key", c.AuthorKey, dispatcher.AuthorKey("blog", "u1"))
			equal(e, "text", c.HTML, "<p>the words of a</p>")
			equal(e, "published", c.PublishedAt, e.clock.Now())
			_, ts, err := e.s.Content(e.ctx, []int64{c.ID})
			e.ok(err)
			equal(e, "title", ts[c.Thread].Title, "Thread t")
		}},
		{"an edit changes the text and the later one wins", func(e *env) {
			t0 := e.clock.Now()
			e.take(e.published("a", "t", ""))
			e.take(e.event(dispatcher.CommentEdited, comment("a", "t", ""), html("third"), at(t0.Add(3*time.Second))))
			e.take(e.event(dispatcher.CommentEdited, comment("a", "t", ""), html("second"), at(t0.Add(2*time.Second))))
			c := e.known("a")
			equal(e, "text", c.HTML, "third")
			equal(e, "edited", c.EditedAt, t0.Add(3*time.Second))
		}},
		{"publishing a visible comment again is an edit or nothing", func(e *env) {
			e.settled(e.published("a", "t", ""))
			before := e.known("a")
			e.clock.Advance(time.Minute)
			e.settled(e.published("a", "t", ""))
			equal(e, "revision for the same text", e.known("a").Revision, before.Revision)
			e.settled(e.published("a", "t", "", html("other")))
			equal(e, "text", e.known("a").HTML, "other")
			same(e, "log", e.log(), []string{"a"})
		}},
		{"an edit of an unknown comment publishes it", func(e *env) {
			e.settled(e.event(dispatcher.CommentEdited, comment("a", "t", "")))
			same(e, "log", e.log(), []string{"a"})
		}},
		{"the removal of an unknown comment leaves a tombstone", func(e *env) {
			t0 := e.clock.Now()
			e.take(e.event(dispatcher.CommentRemoved, comment("a", "", ""), at(t0)))
			e.settled(e.published("a", "t", "", at(t0.Add(-time.Second))))
			equal(e, "state", e.known("a").State, dispatcher.Removed)
			equal(e, "entries", len(e.log()), 0)
			e.settled(e.published("a", "t", "", at(t0.Add(time.Second))))
			equal(e, "state after a later publication", e.known("a").State, dispatcher.Visible)
			same(e, "log", e.log(), []string{"a"})
		}},
		{"a comment published again has a new position and remembers the first", func(e *env) {
			e.settled(e.published("a", "t", ""), e.published("b", "t", ""))
			first := e.entry("a").Position
			e.take(e.event(dispatcher.CommentRemoved, comment("a", "", "")))
			equal(e, "visible in the log", e.entry("a").Visible, false)
			e.clock.Advance(time.Second)
			e.settled(e.published("a", "t", ""))
			en := e.entry("a")
			equal(e, "position", en.Position, 3)
			equal(e, "first position", en.First, first)
			equal(e, "visible again", en.Visible, true)
		}},
		{"an older removal than the publication changes nothing", func(e *env) {
			t0 := e.clock.Now()
			e.take(e.published("a", "t", "", at(t0)))
			e.take(e.event(dispatcher.CommentRemoved, comment("a", "", ""), at(t0.Add(-time.Second))))
			equal(e, "state", e.known("a").State, dispatcher.Visible)
		}},
		{"all of one comment may come in one batch", func(e *env) {
			t0 := e.clock.Now()
			e.take(
				e.published("a", "t", "", at(t0)),
				e.event(dispatcher.CommentEdited, comment("a", "t", ""), html("edited"), at(t0.Add(time.Second))),
				e.event(dispatcher.CommentRemoved, comment("a", "", ""), at(t0.Add(2*time.Second))),
				e.published("a", "t", "", html("again"), at(t0.Add(3*time.Second))),
			)
			c := e.known("a")
			equal(e, "state", c.State, dispatcher.Visible)
			equal(e, "text", c.HTML, "again")
		}},
		{"a thread is updated, removed and told of again", threadEvents},
		{"an erased author's name goes and never comes back", erasedAuthor},
		{"a reader's events in a batch apply whole or not at all", partialReader},
		{"somebody who has no subscription may read a thread", func(e *env) {
			r := e.take(e.event(dispatcher.ThreadRead, func(ev *dispatcher.Event) {
				ev.Reader, ev.Thread = "nobody", &dispatcher.EventThread{ID: "t"}
			}))
			equal(e, "taken", r.Taken, 1)
			equal(e, "rejected", r.Rejected, 0)
		}},
		{"a repeat in the inbox is dropped, one with other content rejected", func(e *env) {
			one := `{"id":"s1","type":"comment.published","time":"2026-06-08T12:00:00Z","thread":{"id":"t"},"comment":{"id":"a","text":"one"}}`
			two := `{"id":"s1","type":"comment.published","time":"2026-06-08T12:00:00Z","thread":{"id":"t"},"comment":{"id":"a","text":"two"}}`
			for _, p := range []string{one, one, two} {
				e.ok(e.s.Enqueue(e.ctx, "blog", []byte(p)))
			}
			r := e.intake()
			equal(e, "duplicates", r.Duplicates, 1)
			equal(e, "rejected", r.Rejected, 1)
			equal(e, "text", e.known("a").HTML, "one")
		}},
		{"several daemons at once take each row once, and positions have no gap", concurrentIntake},
		{"what changed is told in pages, and nothing is left out", changedFeed},
	}
}

func threadEvents(e *env) {
	t0 := e.clock.Now()
	e.settled(e.published("a", "t", "", at(t0)))
	thread := func(title string) func(*dispatcher.Event) {
		return func(ev *dispatcher.Event) { ev.Thread = &dispatcher.EventThread{ID: "t", Title: title} }
	}
	title := func() dispatcher.Thread {
		c := e.known("a")
		_, ts, err := e.s.Content(e.ctx, []int64{c.ID})
		e.ok(err)
		return ts[c.Thread]
	}
	e.take(e.event(dispatcher.ThreadUpdated, thread("Later"), at(t0.Add(time.Minute))))
	e.take(e.event(dispatcher.ThreadUpdated, thread("Earlier"), at(t0.Add(time.Second))))
	equal(e, "title", title().Title, "Later")
	equal(e, "URL that nobody changed", title().URL, "https://blog.example/t")
	e.take(e.event(dispatcher.ThreadRemoved, thread(""), at(t0.Add(2*time.Minute))))
	equal(e, "visible", e.entry("a").Visible, false)
	equal(e, "removed", title().RemovedAt, t0.Add(2*time.Minute))
	e.take(e.event(dispatcher.ThreadUpdated, thread("Back"), at(t0.Add(3*time.Minute))))
	equal(e, "visible again", e.entry("a").Visible, true)
}

func erasedAuthor(e *env) {
	e.take(e.published("a", "t", "", author("u1")), e.published("b", "t", "", author("u2")))
	e.take(
		e.published("c", "t", "", author("u1")), // in the batch that erases
		e.event(dispatcher.AuthorErased, author("u1")),
		e.published("d", "t", "", author("u1")),
	)
	e.clock.Advance(time.Minute)
	e.take(e.event(dispatcher.CommentEdited, comment("a", "t", ""), html("edited"), author("u1")))
	for _, id := range []string{"a", "c", "d"} {
		equal(e, "name on "+id, e.known(id).AuthorName, "")
	}
	equal(e, "text of the edited one", e.known("a").HTML, "edited")
	equal(e, "name of another", e.known("b").AuthorName, "Name of u2")
	equal(e, "whose it is, still", e.known("a").AuthorKey, dispatcher.AuthorKey("blog", "u1"))
}

// partialReader brings a subscriber whose address another one has: the refusal
// must not leave half a change, and the batch's other events go on.
func partialReader(e *env) {
	e.reader("ann")
	e.reader("bob")
	set := e.event(dispatcher.SubscriberSet, func(ev *dispatcher.Event) {
		ev.Subscriber = &dispatcher.EventSubscriber{ID: "bob", Name: ptr("Bobby"), Email: ptr("ann@readers.example")}
	})
	r := e.take(e.published("a", "t", ""), set, e.published("b", "t", ""))
	equal(e, "rejected", r.Rejected, 1)
	bob, err := e.s.Subscriber(e.ctx, "blog", "bob")
	e.ok(err)
	equal(e, "name", bob.Name, "")
	equal(e, "address", bob.Address, "bob@readers.example")
	equal(e, "the event after it", e.known("b").State, dispatcher.Visible)
}

func concurrentIntake(e *env) {
	const events = 60
	for i := range events {
		e.append(e.published(fmt.Sprint("c", i), fmt.Sprint("t", i%3), ""))
	}
	var mu sync.Mutex
	taken, settled := 0, 0
	round := func() {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for {
					r, err := e.s.Intake(e.ctx, rules(), 7)
					if err != nil {
						e.Errorf("intake: %v", err)
						return
					}
					mu.Lock()
					taken += r.Taken
					settled += r.Settled
					mu.Unlock()
					if r.Taken == 0 && r.Settled == 0 {
						return
					}
				}
			})
		}
		wg.Wait()
	}
	round()
	e.clock.Advance(settle)
	round()
	equal(e, "taken", taken, events)
	equal(e, "settled", settled, events)
	equal(e, "entries", len(e.log()), events) // log checks that positions have no gap
}

func changedFeed(e *env) {
	for i := range 10 {
		e.append(e.published(fmt.Sprint("c", i), fmt.Sprint("t", i%4), "", author("u1")))
	}
	e.intake()
	var upto int64
	look := func(limit int) (comments, threads int, all bool) {
		ch, err := e.s.Changed(e.ctx, upto, limit)
		e.ok(err)
		upto = ch.Upto
		return len(ch.Comments), len(ch.Threads), ch.All
	}
	c, th, all := look(10)
	equal(e, "comments", c, 10)
	equal(e, "threads", th, 4)
	equal(e, "within the limit", all, false)
	c, th, all = look(10)
	equal(e, "a second look", [3]any{c, th, all}, [3]any{0, 0, false})
	e.take(e.event(dispatcher.AuthorErased, author("u1"))) // one change of many comments
	was := upto
	c, th, all = look(10)
	equal(e, "comments after the erasure", c, 10)
	equal(e, "threads after the erasure", th, 0)
	equal(e, "the erasure is within the limit", all, false)
	upto = was
	c, _, all = look(9)
	equal(e, "beyond the limit nothing is listed", c, 0)
	equal(e, "beyond the limit", all, true)
	e.take(e.published("child", "t0", "parent"))
	look(10)
	e.take(e.published("parent", "t0", ""))
	c, _, _ = look(10)
	equal(e, "the parent and the child that found it", c, 2)
}
