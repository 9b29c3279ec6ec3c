package source_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/sourcetest"
	"github.com/hearback/hearback/dispatcher/source"
)

func TestAJumpPausesTheSourceAndAnAdminDecides(t *testing.T) {
	for _, admit := range []source.Admit{source.AdmitNotify, source.AdmitRecord, source.AdmitNone} {
		t.Run("admit "+string(admit), func(t *testing.T) {
			r := newRig(t, func(c *source.Config) { c.Jump = 50 })
			r.site.page = 20
			r.after(0)
			for i := range 51 {
				r.site.put(fmt.Sprintf("%03d", i), "flood", t0.Add(time.Minute))
			}
			if res := r.after(2 * time.Minute); !res.Paused {
				t.Fatalf("%+v", res)
			}
			st := r.state()
			if !st.Paused || st.PauseReason == "" || len(r.alarms) != 1 || len(r.mem.Events(t)) != 0 || st.Holder != "" {
				t.Fatalf("%+v, alarms %q, %d events", st, r.alarms, len(r.mem.Events(t)))
			}
			if _, err := r.try(time.Minute); dispatcher.CodeOf(err) != dispatcher.CodeConflict {
				t.Fatalf("polling a paused source: %v", err)
			}
			r.now = r.now.Add(time.Minute)
			if err := r.poller.Resume(t.Context(), "blog", admit); err != nil {
				t.Fatal(err)
			}
			r.site.put("later", "after the resume", r.now.Add(time.Second))
			res := r.after(2 * time.Second)
			switch admit {
			case source.AdmitNotify:
				if res.Published != 52 || res.Recorded != 0 {
					t.Fatalf("%+v", res)
				}
			case source.AdmitRecord:
				if res.Published != 1 || res.Recorded != 51 {
					t.Fatalf("%+v", res)
				}
				r.want("later", func(c *sourcetest.Told) bool { return c.Mailed == 1 })
			case source.AdmitNone:
				if !res.Paused || len(r.alarms) != 2 {
					t.Fatalf("%+v, alarms %q", res, r.alarms)
				}
				return
			}
			// The choice was for what was held back: the next jump is one again,
			// and a comment approved late is mailed.
			r.site.put("approved", "written before the resume", t0.Add(time.Second))
			if res := r.after(time.Minute); res.Published != 1 {
				t.Fatalf("%+v", res)
			}
			for i := range 600 {
				r.site.put(fmt.Sprintf("n%03d", i), "flood", r.now)
			}
			if res := r.after(time.Minute); !res.Paused {
				t.Fatalf("%+v", res)
			}
		})
	}
}

func TestABusySiteMayBringMuchAfterANightOff(t *testing.T) {
	r := newRig(t, func(c *source.Config) { c.Jump = 50 })
	for i := range 3360 { // ten an hour
		r.site.put(fmt.Sprintf("b%04d", i), "x", t0.Add(-time.Duration(i)*6*time.Minute))
	}
	r.after(0)
	for i := range 300 {
		r.site.put(fmt.Sprintf("c%04d", i), "x", t0.Add(time.Hour))
	}
	if res := r.after(8 * time.Hour); res.Paused || res.Published != 300 {
		t.Fatalf("%+v", res)
	}
	for i := range 300 {
		r.site.put(fmt.Sprintf("d%04d", i), "x", r.now)
	}
	if res := r.after(10 * time.Second); !res.Paused {
		t.Fatalf("the same number within seconds: %+v", res)
	}
}

func TestAFailedRoundBacksOffAndLosesNothing(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "x", t0)
	r.site.err = errors.New("down")
	last := time.Duration(0)
	for i := range 20 {
		if _, err := r.try(time.Hour); err == nil {
			t.Fatal("no error")
		}
		st := r.state()
		wait := st.NextPoll.Sub(r.now)
		if st.Errors != i+1 || st.LastError != "down" || wait < last || wait > time.Hour {
			t.Fatalf("after %d failures: wait %s after %s, %+v", i+1, wait, last, st)
		}
		last = wait
	}
	if last != time.Hour || len(r.alarms) != 1 {
		t.Fatalf("wait %s, alarms %q", last, r.alarms)
	}
	r.site.err = nil
	r.after(time.Minute)
	r.want("1", func(c *sourcetest.Told) bool { return c.Mailed == 1 })
	if st := r.state(); st.Errors != 0 || st.LastError != "" {
		t.Fatalf("%+v", st)
	}
}

func TestWhatCameBeforeAnErrorIsKept(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.put("1", "x", t0)
	r.site.err, r.site.with = errors.New("the second half failed"), true
	if _, err := r.try(time.Minute); err == nil {
		t.Fatal("no error")
	}
	r.want("1", func(c *sourcetest.Told) bool { return c.Mailed == 1 })
	if st := r.state(); st.Errors != 1 || string(st.Cursor) != "end" {
		t.Fatalf("%+v", st)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	r := newRig(t)
	r.site.err = fmt.Errorf("listing: %w", &source.StatusError{Status: 429, After: 7 * time.Minute})
	r.try(0)
	if wait := r.state().NextPoll.Sub(r.now); wait != 7*time.Minute {
		t.Fatalf("wait %s", wait)
	}
	r.site.err = &source.StatusError{Status: 503, After: 1000 * time.Hour}
	r.try(time.Hour)
	if wait := r.state().NextPoll.Sub(r.now); wait != 24*time.Hour {
		t.Fatalf("wait %s", wait)
	}
}

func TestTheIntervalFollowsTheTraffic(t *testing.T) {
	r := newRig(t, func(c *source.Config) { c.MinInterval, c.MaxInterval = 10*time.Second, time.Minute })
	r.after(0)
	var got []time.Duration
	for i := range 8 {
		if i == 6 {
			r.site.put("1", "x", r.now)
		}
		r.after(time.Minute)
		got = append(got, r.state().NextPoll.Sub(r.now))
	}
	want := []float64{15, 22.5, 33.75, 50.625, 60, 60, 10, 15}
	for i, d := range got {
		if d.Seconds() != want[i] {
			t.Fatalf("intervals %v, want %v", got, want)
		}
	}
}
