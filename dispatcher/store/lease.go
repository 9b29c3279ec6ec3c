package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Lease is the right to do a thing that only one daemon should do at a time.
// It saves contention; what must not happen twice is guarded by the row locks
// and unique keys of the transaction itself, which checks the term.
type Lease struct {
	Name  string
	Owner string
	Term  int64
	Until time.Time
}

// ErrLeaseLost says that another owner holds the lease now.
var ErrLeaseLost = errors.New("the lease is held by another daemon")

// TakeLease takes or renews a named lease for the owner. It gives
// [ErrLeaseLost] while another owner's lease runs.
func (s *Store) TakeLease(ctx context.Context, name, owner string, ttl time.Duration) (Lease, error) {
	l := Lease{Name: name, Owner: owner}
	err := s.write(ctx, func(t *tx) error {
		until := t.now + ttl.Microseconds()
		// The same owner keeps its term; a new one gets the next.
		err := t.get(ctx, &l.Term, `
			INSERT INTO hearback_lease (name, owner, term, until) VALUES (?, ?, 1, ?)
			ON CONFLICT (name) DO UPDATE SET
				term = CASE WHEN hearback_lease.owner = excluded.owner THEN hearback_lease.term ELSE hearback_lease.term + 1 END,
				owner = excluded.owner, until = excluded.until
			WHERE hearback_lease.owner = excluded.owner OR hearback_lease.until <= ?
			RETURNING term`, name, owner, until, t.now)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLeaseLost
		}
		l.Until = fromMicros(until)
		return err
	})
	if err != nil {
		return Lease{}, fmt.Errorf("take the lease %s: %w", name, err)
	}
	return l, nil
}

// ReleaseLease gives the lease up, if it is still the owner's.
func (s *Store) ReleaseLease(ctx context.Context, l Lease) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_lease SET until = 0 WHERE name = ? AND owner = ? AND term = ?`, l.Name, l.Owner, l.Term)
		return err
	})
}

// hold checks in a transaction that the lease is still the caller's.
func (t *tx) hold(ctx context.Context, l Lease) error {
	var term int64
	err := t.get(ctx, &term, `SELECT term FROM hearback_lease WHERE name = ? AND owner = ? AND term = ?`+t.d.forUpdate(), l.Name, l.Owner, l.Term)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrLeaseLost
	}
	return err
}

// Skew compares this machine's clock with the database's: positive when ours
// is ahead. On SQLite there is only one clock.
func (s *Store) Skew(ctx context.Context) (time.Duration, error) {
	if s.d.name() == "sqlite" {
		return 0, nil
	}
	before := s.clock.Now()
	var db int64
	// Differs from all other statements: this one asks the database for its time.
	if err := s.get(ctx, &db, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`); err != nil {
		return 0, err
	}
	mid := before.Add(s.clock.Now().Sub(before) / 2)
	return mid.Sub(time.UnixMicro(db)), nil
}

// Meta reads a named value of the database, "" when it was never set.
func (s *Store) Meta(ctx context.Context, name string) (string, error) {
	var v string
	err := s.get(ctx, &v, `SELECT value FROM hearback_meta WHERE name = ?`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetMeta writes a named value.
func (s *Store) SetMeta(ctx context.Context, name, value string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO hearback_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
}
