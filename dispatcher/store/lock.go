//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/hearback/hearback/dispatcher"
)

// Lock keeps a second daemon off a SQLite file, until release is called or the
// process ends, however it ends. The commands of the command line need no lock:
// they work beside the daemon. On PostgreSQL any number of daemons may serve.
func (s *Store) Lock() (release func() error, err error) {
	if s.d.name() != "sqlite" {
		return func() error { return nil }, nil
	}
	path, err := sqlitePath(s.url)
	if err != nil {
		return nil, err
	}
	path += ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "database.url", Message: "another daemon serves this database file",
				Mend: "end it first, or use PostgreSQL, which several daemons may share"}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The file stays: who removes a lock file takes the lock from under others.
	return f.Close, nil
}

// TakeOver ends all leases of a daemon that died on a SQLite file, so that the
// one that holds its lock goes on at once. On PostgreSQL the others may be
// alive; their leases run out by themselves.
func (s *Store) TakeOver(ctx context.Context) error {
	if s.d.name() != "sqlite" {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		for _, q := range []string{
			`UPDATE hearback_lease SET until = 0`, `UPDATE hearback_worker SET until = 0`,
			`UPDATE hearback_slot SET until = 0 WHERE done_at = 0`, `UPDATE hearback_source SET holder = '', until = 0`,
		} {
			if _, err := t.exec(ctx, q); err != nil {
				return fmt.Errorf("end the leases of the daemon before: %w", err)
			}
		}
		return nil
	})
}
