package sourcetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// Conform checks what a [source.Store] and its [source.Ledger] promise. fresh
// gives a pair over an empty database; inbox gives the event ids that are in
// its inbox, in order.
func Conform(t *testing.T, fresh func(testing.TB) (source.Store, source.Ledger, func() []string)) {
	t0 := time.Date(2026, 6, 8, 10, 0, 0, 123456000, time.UTC)
	claim := func(t *testing.T, s source.Store, holder string, at time.Time) source.State {
		t.Helper()
		st, err := s.Claim(t.Context(), "blog", holder, at, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}

	t.Run("a claim makes the state and its term grows with each", func(t *testing.T) {
		s, _, _ := fresh(t)
		a := claim(t, s, "one", t0)
		b := claim(t, s, "one", t0.Add(time.Second))
		if a.Source != "blog" || a.Holder != "one" || b.Term != a.Term+1 || !b.Until.Equal(t0.Add(31*time.Second)) {
			t.Fatalf("%+v then %+v", a, b)
		}
		if a.Baseline || a.Cursor != nil || !a.LastPoll.IsZero() || !a.AdmitAt.IsZero() {
			t.Fatalf("a new state is not empty: %+v", a)
		}
	})

	t.Run("a lease keeps others out until it ends or is released", func(t *testing.T) {
		s, _, _ := fresh(t)
		a := claim(t, s, "one", t0)
		if _, err := s.Claim(t.Context(), "blog", "two", t0.Add(29*time.Second), time.Minute); !errors.Is(err, source.ErrLeased) {
			t.Fatalf("err = %v, want ErrLeased", err)
		}
		b := claim(t, s, "two", t0.Add(30*time.Second))
		if b.Term <= a.Term {
			t.Fatalf("term %d after %d", b.Term, a.Term)
		}
		if err := s.Commit(t.Context(), source.Commit{Source: "blog", Term: b.Term, Now: t0, Release: true}); err != nil {
			t.Fatal(err)
		}
		claim(t, s, "three", t0.Add(31*time.Second))
	})

	t.Run("a lost term commits nothing and renews nothing", func(t *testing.T) {
		s, ledger, inbox := fresh(t)
		old := claim(t, s, "one", t0)
		claim(t, s, "two", t0.Add(time.Minute))
		err := s.Commit(t.Context(), source.Commit{
			Source: "blog", Term: old.Term, Now: t0, Rows: rows("e1"), Seen: []source.Seen{seen("1", t0)},
			Progress: source.Progress{Cursor: []byte("x")}, Pause: "why", Release: true,
		})
		if !errors.Is(err, source.ErrLeaseLost) {
			t.Fatalf("err = %v, want ErrLeaseLost", err)
		}
		if _, err := s.Renew(t.Context(), "blog", old.Term, t0.Add(time.Hour)); !errors.Is(err, source.ErrLeaseLost) {
			t.Fatalf("renewing: err = %v, want ErrLeaseLost", err)
		}
		known, err := ledger.Seen(t.Context(), "blog", []string{"1"})
		st := only(t, s)
		if err != nil || len(known) != 0 || len(inbox()) != 0 || st.Cursor != nil || st.Paused || st.Holder != "two" {
			t.Fatalf("%v %v %v %+v", err, known, inbox(), st)
		}
	})

	t.Run("renewing moves the end and sees a pause; a released lease cannot be renewed", func(t *testing.T) {
		s, _, _ := fresh(t)
		st := claim(t, s, "one", t0)
		if err := s.Order(t.Context(), source.Order{Source: "blog", Kind: source.OrderPause, At: t0, Reason: "look"}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Renew(t.Context(), "blog", st.Term, t0.Add(time.Minute))
		if err != nil || !got.Paused || got.PauseReason != "look" || !got.Until.Equal(t0.Add(time.Minute)) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := s.Commit(t.Context(), source.Commit{Source: "blog", Term: st.Term, Now: t0, Release: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Renew(t.Context(), "blog", st.Term, t0.Add(time.Hour)); !errors.Is(err, source.ErrLeaseLost) {
			t.Fatalf("err = %v, want ErrLeaseLost", err)
		}
	})

	t.Run("a commit keeps every field and leaves orders alone", func(t *testing.T) {
		s, ledger, inbox := fresh(t)
		st := claim(t, s, "one", t0)
		order(t, s, source.Order{Source: "blog", Kind: source.OrderResume, At: t0.Add(time.Second), Admit: source.AdmitRecord})
		p := source.Progress{
			Cursor: []byte{0, 1, 255}, Baseline: true, AttachedAt: t0, NextPoll: t0.Add(time.Minute), Interval: 22 * time.Second,
			LastPoll: t0.Add(2), LastOK: t0.Add(3 * time.Microsecond), Errors: 3, LastError: "it „broke“", Warning: "w", Rate: 1.25, Admitted: t0.Add(-time.Hour),
		}
		p.LastPoll = p.LastPoll.Truncate(time.Microsecond)
		row := seen("1", t0)
		row.Thread, row.Parent, row.Hash, row.Change, row.Time, row.CheckedAt = "7", "0", "abc", 4, t0, t0.Add(time.Hour)
		if err := s.Commit(t.Context(), source.Commit{Source: "blog", Term: st.Term, Now: t0, Rows: rows("a", "b", "c"), Seen: []source.Seen{row}, Progress: p}); err != nil {
			t.Fatal(err)
		}
		got := only(t, s)
		if fmt.Sprintf("%+v", got.Progress) != fmt.Sprintf("%+v", p) {
			t.Errorf("progress\n got %+v\nwant %+v", got.Progress, p)
		}
		if got.Admit != source.AdmitRecord || !got.AdmitAt.Equal(t0.Add(time.Second)) || !got.PollAsked.Equal(t0.Add(time.Second)) || got.Holder != "one" {
			t.Errorf("wish and lease: %+v", got)
		}
		known, err := ledger.Seen(t.Context(), "blog", []string{"1", "none"})
		if err != nil || len(known) != 1 || fmt.Sprintf("%+v", known[0]) != fmt.Sprintf("%+v", row) {
			t.Errorf("ledger\n got %+v (%v)\nwant %+v", known, err, row)
		}
		if !slices.Equal(inbox(), []string{"a", "b", "c"}) {
			t.Errorf("inbox %v", inbox())
		}
	})

	t.Run("an event that is in the inbox already is left as it is", func(t *testing.T) {
		s, _, inbox := fresh(t)
		st := claim(t, s, "one", t0)
		for _, ids := range [][]string{{"a", "b"}, {"b", "c"}} {
			if err := s.Commit(t.Context(), source.Commit{Source: "blog", Term: st.Term, Now: t0, Rows: rows(ids...)}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(inbox(), []string{"a", "b", "c"}) {
			t.Fatalf("inbox %v", inbox())
		}
	})

	t.Run("orders pause, resume and ask, also of a source that nobody claimed", func(t *testing.T) {
		s, _, _ := fresh(t)
		order(t, s, source.Order{Source: "blog", Kind: source.OrderPause, At: t0, Reason: "why"})
		if st := only(t, s); !st.Paused || st.PauseReason != "why" || !st.PausedAt.Equal(t0) {
			t.Fatalf("%+v", st)
		}
		order(t, s, source.Order{Source: "blog", Kind: source.OrderResume, At: t0.Add(time.Minute), Admit: source.AdmitNotify})
		if st := only(t, s); st.Paused || st.PauseReason != "" || st.Admit != source.AdmitNotify || !st.AdmitAt.Equal(t0.Add(time.Minute)) || !st.PollAsked.Equal(t0.Add(time.Minute)) {
			t.Fatalf("%+v", st)
		}
		order(t, s, source.Order{Source: "blog", Kind: source.OrderPoll, At: t0.Add(2 * time.Minute)})
		if st := only(t, s); !st.PollAsked.Equal(t0.Add(2*time.Minute)) || !st.AdmitAt.Equal(t0.Add(time.Minute)) {
			t.Fatalf("%+v", st)
		}
		st := claim(t, s, "one", t0)
		if err := s.Commit(t.Context(), source.Commit{Source: "blog", Term: st.Term, Now: t0.Add(time.Hour), Pause: "a jump"}); err != nil {
			t.Fatal(err)
		}
		if st := only(t, s); !st.Paused || st.PauseReason != "a jump" || !st.PausedAt.Equal(t0.Add(time.Hour)) {
			t.Fatalf("%+v", st)
		}
	})

	t.Run("the recent part of the ledger comes in pages, per source, without what was removed", func(t *testing.T) {
		s, ledger, _ := fresh(t)
		st := claim(t, s, "one", t0)
		all := []source.Seen{seen("10", t0), seen("9", t0.Add(time.Hour)), seen("old", t0.Add(-time.Microsecond)), seen("gone", t0), seen("Z", t0), seen("held", t0)}
		all[3].State, all[5].State = dispatcher.Removed, dispatcher.Held
		if err := s.Commit(t.Context(), source.Commit{Source: "blog", Term: st.Term, Now: t0, Seen: all}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for after := ""; ; {
			page, err := ledger.Recent(t.Context(), "blog", t0, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				got = append(got, r.Comment)
				after = r.Comment
			}
			if len(page) < 2 {
				break
			}
		}
		if want := []string{"10", "9", "Z", "held"}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v: the order is that of bytes", got, want)
		}
		other, err := ledger.Recent(t.Context(), "news", t0, "", 10)
		if err != nil || len(other) != 0 {
			t.Fatalf("another source's rows: %v, %v", other, err)
		}
	})
}

func order(t *testing.T, s source.Store, o source.Order) {
	t.Helper()
	if err := s.Order(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func only(t *testing.T, s source.Store) source.State {
	t.Helper()
	all, err := s.States(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("states: %v, %v", all, err)
	}
	return all[0]
}

func rows(ids ...string) []source.Row {
	var all []source.Row
	for _, id := range ids {
		all = append(all, source.Row{Site: "blog", EventID: id, Payload: []byte(`{"id":"` + id + `"}`)})
	}
	return all
}

func seen(id string, written time.Time) source.Seen {
	return source.Seen{Comment: id, State: dispatcher.Visible, WrittenAt: written, CheckedAt: written}
}
