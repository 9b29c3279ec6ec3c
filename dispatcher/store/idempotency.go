package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// IdempotencyWindow is how long the answer to an Idempotency-Key is kept.
const IdempotencyWindow = 24 * time.Hour

// unfinished is how long a request may run before its key is free again: its
// daemon died.
const unfinished = time.Minute

// Replay is the answer that a request with the same Idempotency-Key got.
type Replay struct {
	Status   int
	Response string
}

// BeginRequest notes that a request with an Idempotency-Key begins; hash is of
// its method, path and body. A nil Replay says go on and call FinishRequest or
// AbandonRequest. One that is still running is a conflict (409), one with
// other content invalid (422).
func (s *Store) BeginRequest(ctx context.Context, site, key, hash string) (*Replay, error) {
	if key == "" || len(key) > 255 {
		return nil, dispatcher.Invalid("Idempotency-Key", "use 1 to 255 characters, for example a UUID", "has %d bytes", len(key))
	}
	var replay *Replay
	err := s.write(ctx, func(t *tx) error {
		replay = nil
		if _, err := t.exec(ctx, `DELETE FROM hearback_idempotency WHERE site = ? AND key = ? AND (created_at <= ? OR (status = 0 AND created_at <= ?))`,
			site, key, t.now-IdempotencyWindow.Microseconds(), t.now-unfinished.Microseconds()); err != nil {
			return err
		}
		n, err := t.exec(ctx, `INSERT INTO hearback_idempotency (site, key, hash, status, response, created_at) VALUES (?, ?, ?, 0, '', ?) ON CONFLICT (site, key) DO NOTHING`, site, key, hash, t.now)
		if err != nil || n == 1 {
			return err
		}
		var r struct {
			Hash     string `db:"hash"`
			Status   int    `db:"status"`
			Response string `db:"response"`
		}
		err = t.get(ctx, &r, `SELECT hash, status, response FROM hearback_idempotency WHERE site = ? AND key = ?`, site, key)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && r.Hash != hash:
			return dispatcher.Invalid("Idempotency-Key", "use a key of its own for each request", "was used for another request")
		case err != nil || r.Status == 0:
			return &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "Idempotency-Key", Message: "the first request with this key is still running", Mend: "try again in a moment"}
		}
		replay = &Replay{r.Status, r.Response}
		return nil
	})
	return replay, err
}

// FinishRequest keeps the answer for repeats.
func (s *Store) FinishRequest(ctx context.Context, site, key string, answer Replay) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_idempotency SET status = ?, response = ? WHERE site = ? AND key = ? AND status = 0`, answer.Status, storable(answer.Response), site, key)
		return err
	})
}

// AbandonRequest frees the key of a request that did nothing, so that it can
// be tried again.
func (s *Store) AbandonRequest(ctx context.Context, site, key string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM hearback_idempotency WHERE site = ? AND key = ? AND status = 0`, site, key)
		return err
	})
}
