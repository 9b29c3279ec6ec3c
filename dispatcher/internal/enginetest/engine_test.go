package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/enginetest"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/internal/oracle"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestOnSQLiteTheEngineDoesWhatTheNaiveOracleSays(t *testing.T) {
	n := atomic.Int64{}
	dir := memoryDir(t)
	step(t, func(*testing.T) string { return fmt.Sprintf("sqlite://%s/%d.db", dir, n.Add(1)) })
}

func TestOnPostgreSQLTheEngineDoesWhatTheNaiveOracleSays(t *testing.T) {
	step(t, func(t *testing.T) string {
		return pgtest.NewFrom(t, "enginetest", func(url string) error {
			s, err := store.Open(context.Background(), store.Options{URL: url})
			if err != nil {
				return err
			}
			_, err = s.Migrate(context.Background())
			return errors.Join(err, s.Close())
		})
	})
}

// memoryDir gives a folder in memory where there is one: each commit of ours
// is synced to the disk, which is not what this test is about.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "hearback-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func step(t *testing.T, database func(*testing.T) string) {
	tools := newTools(t)
	var next, mails atomic.Int64
	var wg sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for !t.Failed() {
				seed := next.Add(1)
				if seed > histories {
					return
				}
				h := oracle.Generate(uint64(seed), 10+int(seed%25))
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					n, err := live(t, tools, database, h)
					if err != nil {
						report(t, tools, database, h, err)
					}
					mails.Add(int64(n))
				})
			}
		})
	}
	wg.Wait()
	if !t.Failed() && mails.Load() < histories {
		t.Errorf("only %d mails in %d histories: the generator proves nothing", mails.Load(), histories)
	}
}

func newTools(t *testing.T) *enginetest.Tools {
	sink, err := mailtest.New(mailtest.Options{Keep: mailtest.KeepNothing})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	rd, err := render.New(render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeys(token.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	return &enginetest.Tools{Sink: sink, Renderer: rd, Signer: token.NewSigner(keys), Log: slog.New(slog.DiscardHandler)}
}

func live(t *testing.T, tools *enginetest.Tools, database func(*testing.T) string, h oracle.History) (mails int, err error) {
	h = h.Drained()
	var m *enginetest.Machine
	w, err := oracle.Check(h, func(h *oracle.History) (oracle.Machine, error) {
		var err error
		m, err = enginetest.New(t.Context(), tools, database(t), h)
		return m, err
	})
	if m != nil {
		err = errors.Join(err, m.Close())
	}
	if err != nil {
		return 0, err
	}
	if err := w.Audit(); err != nil {
		return 0, &oracle.Divergence{Step: len(h.Steps), What: err.Error()}
	}
	all, err := w.Mails()
	return len(all), err
}

func report(t *testing.T, tools *enginetest.Tools, database func(*testing.T) string, h oracle.History, err error) {
	t.Helper()
	tries := 0
	var d *oracle.Divergence
	least := oracle.Minimize(h, func(h oracle.History) bool {
		if tries++; tries > 150 {
			return false
		}
		_, err := live(t, tools, database, h)
		return errors.As(err, &d)
	})
	_, last := live(t, tools, database, least)
	t.Errorf("seed %d: %v\n\nleast history:\n%s\n%v", h.Seed, err, least.Drained(), last)
}
