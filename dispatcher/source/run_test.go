package source_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/sourcetest"
	"github.com/hearback/hearback/dispatcher/source"
)

func TestRunPollsAtOnceThenByTheStoredTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{comments: map[string]source.Comment{}}
		mem := sourcetest.NewMemory()
		p := start(t, mem, "one", s)
		synctest.Wait()
		if s.count() != 1 {
			t.Fatalf("%d polls at the start", s.count())
		}
		time.Sleep(2 * time.Second)
		select {
		case <-p.PolledOnce():
		default:
			t.Fatal("PolledOnce is open though the source was polled")
		}
		time.Sleep(10 * time.Minute)
		if s.count() < 4 || s.count() > 12 {
			t.Fatalf("%d polls in ten quiet minutes", s.count())
		}
		n := s.count()
		if err := p.Pause(t.Context(), "blog", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if s.count() != n {
			t.Fatal("a paused source was polled")
		}
		if err := p.Resume(t.Context(), "blog", source.AdmitNone); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if s.count() != n+1 {
			t.Fatalf("%d polls after the resume", s.count()-n)
		}
	})
}

func TestADaemonWhoseClockIsWrongBeginsNoRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{comments: map[string]source.Comment{}}
		var wrong atomic.Bool
		wrong.Store(true)
		start(t, sourcetest.NewMemory(), "one", s, func(o *source.Options) { o.Closed = wrong.Load })
		time.Sleep(time.Hour)
		if s.count() != 0 {
			t.Errorf("%d polls by a wrong clock", s.count())
		}
		wrong.Store(false)
		time.Sleep(2 * time.Second)
		if s.count() != 1 {
			t.Errorf("%d polls once it is right", s.count())
		}
	})
}

func TestTwoDaemonsShareTheRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{comments: map[string]source.Comment{}}
		mem := sourcetest.NewMemory()
		busy := 0
		s.hook = func() {
			s.mu.Lock()
			busy++
			if busy > 1 {
				t.Error("two daemons poll at once")
			}
			s.mu.Unlock()
			time.Sleep(45 * time.Second) // longer than the lease: it is renewed meanwhile
			s.mu.Lock()
			busy--
			s.mu.Unlock()
		}
		start(t, mem, "one", s)
		start(t, mem, "two", s)
		time.Sleep(20 * time.Minute)
		if s.count() < 3 || s.count() > 14 {
			t.Fatalf("%d polls", s.count())
		}
	})
}

func TestAPauseEndsTheRoundThatIsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{comments: map[string]source.Comment{}, hang: make(chan struct{})}
		mem := sourcetest.NewMemory()
		p := start(t, mem, "one", s)
		time.Sleep(5 * time.Second)
		if err := p.Pause(t.Context(), "blog", "stop"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		states, err := mem.States(t.Context())
		if err != nil || states[0].Holder != "" || states[0].Errors != 0 {
			t.Fatalf("%+v, %v", states, err)
		}
	})
}

func TestPolledOnceDoesNotWaitForASiteThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{comments: map[string]source.Comment{}, hang: make(chan struct{})}
		p := start(t, sourcetest.NewMemory(), "one", s)
		began := time.Now()
		<-p.PolledOnce()
		if d := time.Since(began); d != source.PolledOnceLimit {
			t.Fatalf("after %s", d)
		}
	})
}

func TestABrokenDatabaseDoesNotMakeUsHammerTheSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{comments: map[string]source.Comment{}}
		mem := sourcetest.NewMemory()
		mem.Fail = func(op string) error {
			if op == "commit" {
				return errors.New("read-only file system")
			}
			return nil
		}
		start(t, mem, "one", s)
		time.Sleep(5 * time.Minute)
		if s.count() < 5 || s.count() > 20 {
			t.Fatalf("%d polls in five minutes", s.count())
		}
	})
}

// start runs a poller until the test ends.
func start(t *testing.T, mem *sourcetest.Memory, holder string, s source.Source, change ...func(*source.Options)) *source.Poller {
	t.Helper()
	o := source.Options{Store: mem, Ledger: mem, Holder: holder}
	for _, f := range change {
		f(&o)
	}
	p, err := source.New(o,
		source.Config{Name: "blog", Kind: "test", Site: "blog", Source: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}
