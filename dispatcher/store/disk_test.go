package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func openFile(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{URL: "sqlite://" + path, Sites: []dispatcher.Site{{Key: "blog"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func event(i int) dispatcher.Event {
	return dispatcher.Event{ID: fmt.Sprint("e", i), Type: dispatcher.CommentPublished, Time: time.Now(), Thread: &dispatcher.EventThread{ID: "t"},
		Comment: &dispatcher.EventComment{ID: fmt.Sprint("c", i), Text: strings.Repeat("word ", 2000)}}
}

func wantMend(t *testing.T, err error) {
	t.Helper()
	var e *dispatcher.Error
	if !errors.As(err, &e) || e.Code != dispatcher.CodeUnavailable || e.Mend == "" {
		t.Fatalf("error %v, want one that says unavailable and the mend", err)
	}
}

func TestAFullDiskIsToldWithItsMendAndNothingAcceptedIsLost(t *testing.T) {
	s := openFile(t, filepath.Join(t.TempDir(), "hb.db"))
	ctx := t.Context()
	if _, err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := s.db.GetContext(ctx, &pages, "PRAGMA page_count"); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := s.db.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 40)
	accepted, failed := 0, error(nil)
	for i := 0; failed == nil; i++ {
		if i > 1000 {
			t.Fatal("the disk never got full")
		}
		var r Receipt
		r, failed = s.Append(ctx, "blog", "api", []dispatcher.Event{event(i)})
		accepted += r.Accepted
	}
	wantMend(t, failed)
	wantMend(t, s.Ping(ctx))
	limit(pages + 100000)
	r, err := s.Append(ctx, "blog", "api", []dispatcher.Event{event(accepted)})
	if err != nil || r.Accepted != 1 {
		t.Fatalf("after space was freed: %+v, %v", r, err)
	}
	if err := s.Ping(ctx); err != nil {
		t.Errorf("after space was freed: %v", err)
	}
	n, _, err := s.InboxDepth(ctx)
	if err != nil || n != int64(accepted+1) {
		t.Errorf("%d events in the inbox, want the %d that were accepted; %v", n, accepted+1, err)
	}
}

func TestAReadOnlyDatabaseIsToldWithItsMend(t *testing.T) {
	s := openFile(t, filepath.Join(t.TempDir(), "hb.db"))
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Not by file rights: root may write all files.
	if _, err := s.db.ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Append(t.Context(), "blog", "api", []dispatcher.Event{event(1)})
	wantMend(t, err)
}

func TestAFileThatIsNoDatabaseIsToldWithItsMend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hb.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database at all\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{URL: "sqlite://" + path})
	wantMend(t, err)
}
