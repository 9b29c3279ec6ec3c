//go:build unix

package store

import (
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
