//go:build unix

package pgtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("PGTEST_ROLE") == "victim" {
		victim()
	}
	os.Exit(pgtest.Run(m))
}

// victim starts a cluster, tells its URL and waits to be killed.
func victim() {
	c, err := pgtest.Start(context.Background(), pgtest.Config{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.URL())
	select {}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	c, err := pq.NewConnector(url)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec1(t *testing.T, db *sql.DB, stmt string) {
	t.Helper()
	if _, err := db.Exec(stmt); err != nil {
		t.Fatalf("%s: %v", stmt, err)
	}
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	a, b := open(t, pgtest.New(t)), open(t, pgtest.New(t))
	exec1(t, a, `CREATE TABLE mine (id int)`)
	if _, err := b.Exec(`SELECT id FROM mine`); err == nil {
		t.Fatal("the second database sees the first one's table")
	}
}

func TestADatabaseIsDroppedThoughSomethingIsConnected(t *testing.T) {
	var url string
	t.Run("leaky", func(t *testing.T) {
		url = pgtest.New(t)
		c, err := pq.NewConnector(url)
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(c)
		exec1(t, db, `SELECT 1`) // left open on purpose
	})
	err := open(t, url).Ping()
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Fatalf("the database is still there: %v", err)
	}
}

func TestATemplateIsBuiltOnceAndAgainAfterAFailure(t *testing.T) {
	var builds atomic.Int32
	fail := true
	build := func(url string) error {
		builds.Add(1)
		c, err := pq.NewConnector(url)
		if err != nil {
			return err
		}
		db := sql.OpenDB(c)
		defer db.Close()
		if _, err := db.Exec(`CREATE TABLE made (id int)`); err != nil {
			return err
		}
		if fail {
			return errors.New("half way")
		}
		return nil
	}
	key := strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_")) + fmt.Sprint(os.Getpid(), time.Now().UnixNano())
	key = strings.ReplaceAll(key, " ", "_")[len(key)-30:]
	rec := &recorder{TB: t}
	func() {
		defer func() { recover() }()
		pgtest.NewFrom(rec, key, build)
	}()
	if !rec.failed {
		t.Fatal("a failed build went unnoticed")
	}
	fail = false
	for range 3 {
		db := open(t, pgtest.NewFrom(t, key, build))
		exec1(t, db, `INSERT INTO made VALUES (1)`)
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM made`).Scan(&n); err != nil || n != 1 {
			t.Fatalf("%d rows, %v: the databases share their content", n, err)
		}
	}
	if builds.Load() != 2 {
		t.Fatalf("built %d times, want one failure and one success", builds.Load())
	}
}

// recorder notes a Fatalf and leaves the test running.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic("failed") }

func TestACrashedClusterKeepsWhatWasCommitted(t *testing.T) {
	c, err := pgtest.Start(t.Context(), pgtest.Config{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	db := open(t, c.URL())
	exec1(t, db, `CREATE TABLE kept (id int)`)
	exec1(t, db, `INSERT INTO kept VALUES (7)`)
	c.Crash()
	if db.Ping() == nil {
		t.Fatal("the server answers after the crash")
	}
	if err := c.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	var id int
	if err := open(t, c.URL()).QueryRow(`SELECT id FROM kept`).Scan(&id); err != nil || id != 7 {
		t.Fatalf("id %d, %v", id, err)
	}
}

func TestTheServerEndsWithAKilledTestBinary(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "PGTEST_ROLE=victim")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	_, scanErr := fmt.Fscanln(out, &url)
	if scanErr == nil {
		db := open(t, url)
		scanErr = db.Ping()
		var pid int
		if scanErr == nil {
			scanErr = db.QueryRow(`SELECT pg_backend_pid()`).Scan(&pid)
		}
	}
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	if scanErr != nil {
		t.Fatal(scanErr)
	}
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	db := open(t, url)
	for db.Ping() == nil {
		select {
		case <-deadline.C:
			t.Fatal("the server outlived the process that started it")
		case <-tick.C:
		}
	}
}
