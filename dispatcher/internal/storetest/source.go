package storetest

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/ledger"
	"github.com/hearback/hearback/dispatcher/store"
)

func sourceTests() []test {
	return []test{
		{"a source's lease is one holder's, and its term grows", func(e *env) {
			x, now := e.s.Sources(), e.clock.Now()
			a, err := x.Claim(e.ctx, "wp", "a", now, time.Minute)
			e.ok(err)
			equal(e, "cursor of a new one", a.Cursor == nil, true)
			_, err = x.Claim(e.ctx, "wp", "b", now.Add(time.Second), time.Minute)
			is(e, err, ledger.ErrLeased)
			_, err = x.Renew(e.ctx, "wp", a.Term, now.Add(2*time.Minute))
			e.ok(err)
			_, err = x.Claim(e.ctx, "wp", "b", now.Add(time.Minute), time.Minute)
			is(e, err, ledger.ErrLeased)
			b, err := x.Claim(e.ctx, "wp", "b", now.Add(2*time.Minute), time.Minute)
			e.ok(err)
			equal(e, "term", b.Term, a.Term+1)
			_, err = x.Renew(e.ctx, "wp", a.Term, now.Add(time.Hour))
			is(e, err, ledger.ErrLeaseLost)
			is(e, x.Commit(e.ctx, ledger.Commit{Source: "wp", Term: a.Term, Now: now}), ledger.ErrLeaseLost)
			e.ok(x.Commit(e.ctx, ledger.Commit{Source: "wp", Term: b.Term, Now: now, Release: true}))
			is(e, x.Commit(e.ctx, ledger.Commit{Source: "wp", Term: b.Term, Now: now}), ledger.ErrLeaseLost)
			_, err = x.Renew(e.ctx, "wp", b.Term, now.Add(time.Hour))
			is(e, err, ledger.ErrLeaseLost)
			c, err := x.Claim(e.ctx, "wp", "c", now, time.Minute)
			e.ok(err)
			equal(e, "term after a release", c.Term, b.Term+1)
		}},
		{"a round is committed whole and comes back as it was", commitRound},
		{"a round whose term has passed leaves nothing", func(e *env) {
			x, now := e.s.Sources(), e.clock.Now()
			a, err := x.Claim(e.ctx, "wp", "a", now, time.Minute)
			e.ok(err)
			_, err = x.Claim(e.ctx, "wp", "a", now, time.Minute)
			e.ok(err)
			is(e, x.Commit(e.ctx, ledger.Commit{Source: "wp", Term: a.Term, Now: now, Rows: []ledger.Row{e.row("a")}, Seen: []ledger.Seen{{Comment: "a"}}}), ledger.ErrLeaseLost)
			equal(e, "taken", e.intake().Taken, 0)
			seen, err := x.Seen(e.ctx, "wp", []string{"a"})
			e.ok(err)
			equal(e, "seen", len(seen), 0)
		}},
		{"what was told of a source is closed when it is read again", func(e *env) {
			x, now := e.s.Sources(), e.clock.Now()
			open := func() int {
				list, err := e.s.Notices(e.ctx)
				e.ok(err)
				return len(list)
			}
			round := func(c ledger.Commit) {
				s, err := x.Claim(e.ctx, "wp", "a", now, time.Minute)
				e.ok(err)
				c.Source, c.Term, c.Now, c.Release = "wp", s.Term, now, true
				e.ok(x.Commit(e.ctx, c))
			}
			e.ok(e.s.Raise(e.ctx, store.SourceTopic("wp"), "it failed", "look"))
			e.ok(e.s.Raise(e.ctx, store.SourceTopic("other"), "it failed too", "look"))
			round(ledger.Commit{Progress: ledger.Progress{Errors: 11}})
			equal(e, "open while it fails", open(), 2)
			round(ledger.Commit{})
			equal(e, "open after a good round", open(), 1)
			round(ledger.Commit{Pause: "too many"})
			e.ok(e.s.Raise(e.ctx, store.SourceTopic("wp"), "too many", "look"))
			round(ledger.Commit{}) // of one who looks a comment up
			equal(e, "open while it is paused", open(), 2)
			e.ok(x.Order(e.ctx, ledger.Order{Source: "wp", Kind: ledger.OrderResume, At: now}))
			equal(e, "open when it is resumed", open(), 1)
		}},
		{"an admin's orders are kept, whoever holds the lease", func(e *env) {
			x, now := e.s.Sources(), e.clock.Now()
			e.ok(x.Order(e.ctx, ledger.Order{Source: "wp", Kind: ledger.OrderPause, At: now, Reason: "too many"}))
			states, err := x.States(e.ctx)
			e.ok(err)
			equal(e, "paused", states[0].Wish, ledger.Wish{Paused: true, PauseReason: "too many", PausedAt: now})
			a, err := x.Claim(e.ctx, "wp", "a", now, time.Minute)
			e.ok(err)
			equal(e, "paused for who claims", a.Paused, true)
			e.ok(x.Order(e.ctx, ledger.Order{Source: "wp", Kind: ledger.OrderResume, At: now.Add(1e9), Admit: ledger.AdmitRecord}))
			e.ok(x.Order(e.ctx, ledger.Order{Source: "wp", Kind: ledger.OrderPoll, At: now.Add(2e9)}))
			b, err := x.Renew(e.ctx, "wp", a.Term, now.Add(time.Minute))
			e.ok(err)
			equal(e, "wish", b.Wish, ledger.Wish{PausedAt: now, Admit: ledger.AdmitRecord, AdmitAt: now.Add(1e9), PollAsked: now.Add(2e9)})
			e.ok(x.Commit(e.ctx, ledger.Commit{Source: "wp", Term: a.Term, Now: now.Add(3e9), Pause: "a jump"}))
			states, err = x.States(e.ctx)
			e.ok(err)
			equal(e, "pause of a commit", states[0].PauseReason, "a jump")
			equal(e, "since", states[0].PausedAt, now.Add(3e9))
		}},
		{"recent comments come by id as bytes, removed and old ones left out", func(e *env) {
			x, now := e.s.Sources(), e.clock.Now()
			a, err := x.Claim(e.ctx, "wp", "a", now, time.Minute)
			e.ok(err)
			var seen []ledger.Seen
			for _, id := range []string{"b", "B", "10", "9", "ä", "a_"} {
				seen = append(seen, ledger.Seen{Comment: id, State: dispatcher.Visible, WrittenAt: now})
			}
			seen = append(seen,
				ledger.Seen{Comment: "held", State: dispatcher.Held, WrittenAt: now},
				ledger.Seen{Comment: "gone", State: dispatcher.Removed, WrittenAt: now},
				ledger.Seen{Comment: "old", State: dispatcher.Visible, WrittenAt: now.Add(-1)})
			seen[len(seen)-1].WrittenAt = now.Add(-time.Second)
			e.ok(x.Commit(e.ctx, ledger.Commit{Source: "wp", Term: a.Term, Now: now, Seen: seen}))
			var got []string
			for after := ""; ; {
				page, err := x.Recent(e.ctx, "wp", now, after, 2)
				e.ok(err)
				if len(page) == 0 {
					break
				}
				for _, s := range page {
					got = append(got, s.Comment)
				}
				after = page[len(page)-1].Comment
			}
			same(e, "recent", got, []string{"10", "9", "B", "a_", "b", "held", "ä"})
			other, err := x.Recent(e.ctx, "other", now, "", 10)
			e.ok(err)
			equal(e, "of another source", len(other), 0)
		}},
	}
}

func is(e *env, err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Fatalf("got error %v, want %v", err, want)
	}
}

// row is a source's event that publishes a comment.
func (e *env) row(id string) ledger.Row {
	ev := e.published(id, "t", "")
	ev.ID, ev.Site = "wp-"+id, "blog"
	b, err := json.Marshal(ev)
	e.ok(err)
	return ledger.Row{Site: "blog", EventID: ev.ID, Payload: b}
}

func commitRound(e *env) {
	x, now := e.s.Sources(), e.clock.Now()
	a, err := x.Claim(e.ctx, "wp", "a", now, time.Minute)
	e.ok(err)
	p := ledger.Progress{Cursor: []byte{0, 1, 255}, Baseline: true, AttachedAt: now, NextPoll: now.Add(1e9), Interval: 90 * time.Second, LastPoll: now, LastOK: now,
		Errors: 2, LastError: "lost", Warning: "odd", Rate: 1.5, Admitted: now}
	seen := []ledger.Seen{
		{Comment: "a", Thread: "t", State: dispatcher.Held, Hash: "old", WrittenAt: now, CheckedAt: now},
		{Comment: "a", Thread: "t", Parent: "p", State: dispatcher.Visible, Hash: "h", Change: 3, Time: now, WrittenAt: now, CheckedAt: now},
	}
	c := ledger.Commit{Source: "wp", Term: a.Term, Now: now, Rows: []ledger.Row{e.row("a"), e.row("b")}, Seen: seen, Progress: p}
	e.ok(x.Commit(e.ctx, c))
	e.ok(x.Commit(e.ctx, c)) // a repeat after an answer that was lost
	equal(e, "taken", e.intake().Taken, 2)
	e.ok(x.Commit(e.ctx, c))
	equal(e, "taken after a repeat", e.intake().Taken, 0)
	got, err := x.Seen(e.ctx, "wp", []string{"a", "b", "unknown"})
	e.ok(err)
	same(e, "seen", got, seen[1:])
	states, err := x.States(e.ctx)
	e.ok(err)
	equal(e, "cursor", string(states[0].Cursor), string(p.Cursor))
	states[0].Cursor, p.Cursor = nil, nil
	if states[0].Progress.Errors != p.Errors || states[0].Interval != p.Interval || !states[0].NextPoll.Equal(p.NextPoll) ||
		states[0].Rate != p.Rate || states[0].Warning != p.Warning || !states[0].Admitted.Equal(p.Admitted) || !states[0].Baseline || states[0].LastError != p.LastError {
		e.Errorf("got %+v, want %+v", states[0].Progress, p)
	}
	equal(e, "holder", states[0].Holder, "a")
}
