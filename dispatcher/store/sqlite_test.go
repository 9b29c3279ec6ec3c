package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
)

func textFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notes.db")
	if err := os.WriteFile(path, []byte("these are notes, and by no means a database, however long they may be"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOneDaemonServesASQLiteFile(t *testing.T) {
	url := sqliteURL(t)
	a, b := open(t, url, dispatcher.SystemClock, nil), open(t, url, dispatcher.SystemClock, nil)
	release, err := a.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Lock(); dispatcher.CodeOf(err) != dispatcher.CodeConflict {
		t.Fatalf("a second daemon: got %v, want a conflict", err)
	}
	if err := b.SetMeta(t.Context(), "x", "y"); err != nil {
		t.Errorf("a command beside the daemon: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, err = b.Lock()
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func TestAnyNumberOfDaemonsServePostgreSQL(t *testing.T) {
	url := postgresURL(t)
	for range 2 {
		release, err := open(t, url, dispatcher.SystemClock, nil).Lock()
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
}

func TestSpreadingHintsOnSQLiteOnlyWaits(t *testing.T) {
	s := open(t, sqliteURL(t), dispatcher.SystemClock, storetest.Sites())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Spread(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
