package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestSQLiteKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, c dispatcher.Clock, sites []dispatcher.Site) *store.Store {
		return open(tb, sqliteURL(tb), c, sites)
	})
}

func TestPostgreSQLKeepsTheContract(t *testing.T) {
	url := postgresURL(t) // one for all: emptying it is much quicker than making one
	db := connect(t, url)
	storetest.Run(t, func(tb testing.TB, c dispatcher.Clock, sites []dispatcher.Site) *store.Store {
		reset(tb, db)
		return open(tb, url, c, sites)
	})
}

// open opens a migrated database and closes it when the test ends.
func open(tb testing.TB, url string, c dispatcher.Clock, sites []dispatcher.Site) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), store.Options{URL: url, Clock: c, Sites: sites, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("closing the store: %v", err)
		}
	})
	return s
}

// migrate makes an empty database ready, once for a template.
func migrate(tb testing.TB, url string) error {
	s, err := store.Open(tb.Context(), store.Options{URL: url})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Migrate(tb.Context())
	return err
}

// postgresURL makes a migrated database.
func postgresURL(tb testing.TB) string {
	tb.Helper()
	return pgtest.NewFrom(tb, migrationKey(tb), func(url string) error { return migrate(tb, url) })
}

func migrationKey(tb testing.TB) string {
	tb.Helper()
	h := sha256.New()
	fsys, err := migrations.FS("postgres")
	if err != nil {
		tb.Fatal(err)
	}
	if err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(fsys, path)
		h.Write(b)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// empty is a migrated SQLite file, made once: migrating costs more than
// copying.
type empty struct {
	once sync.Once
	file []byte
	err  error
}

func (m *empty) bytes(tb testing.TB) []byte {
	m.once.Do(func() {
		path := filepath.Join(tb.TempDir(), "empty.db")
		if m.err = migrate(tb, "sqlite://"+path); m.err == nil {
			m.file, m.err = os.ReadFile(path)
		}
	})
	if m.err != nil {
		tb.Fatal(m.err)
	}
	return m.file
}

// sqliteURL makes a migrated file.
func sqliteURL(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "hearback.db")
	if err := os.WriteFile(path, emptyFile.bytes(tb), 0o600); err != nil {
		tb.Fatal(err)
	}
	return "sqlite://" + path
}

var emptyFile = new(empty)
