package store

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Act is one change as the audit log keeps it.
type Act struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`      // an admin's name, or [ByCommand]
	What    string    `json:"what"`    // such as "sending.set"
	Subject string    `json:"subject"` // what was changed, such as "site:blog"
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
}

// ByCommand is who changes things from the command line: whoever may run it
// there. It is no name that an admin can have.
const ByCommand = "(command line)"

// maxAudited is how much of a value the audit log keeps, in bytes.
const maxAudited = 2000

// pendingAct is an act that waits for the change that it tells of.
type pendingAct struct {
	Act
	done atomic.Bool
}

// As gives the store as it works for somebody. The first transaction that a
// method of it commits puts the act into the audit log, so the log has it if
// and only if the change happened. It is for one change; the store itself is
// left as it is.
func (s *Store) As(a Act) *Store {
	c := *s
	c.act = &pendingAct{Act: a}
	return &c
}

// Record puts an act into the audit log by itself, for a change that was made
// elsewhere.
func (s *Store) Record(ctx context.Context, a Act) error {
	if err := s.write(ctx, func(t *tx) error { return t.record(ctx, a) }); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

func (t *tx) record(ctx context.Context, a Act) error {
	_, err := t.exec(ctx, `INSERT INTO hearback_audit (at, who, what, subject, before_value, after_value) VALUES (?, ?, ?, ?, ?, ?)`,
		t.now, storable(a.By), storable(a.What), audited(a.Subject), audited(a.Before), audited(a.After))
	return err
}

// audited cuts a value to what the log keeps.
func audited(s string) string {
	if len(s) > maxAudited {
		s = strings.ToValidUTF8(s[:maxAudited-len("…")], "") + "…"
	}
	return storable(s)
}

// Acts lists the audit log, the newest first, below a number (0 for all). by
// and what, when not empty, must match; what also matches all that begin with
// it and a dot.
func (s *Store) Acts(ctx context.Context, by, what string, before int64, limit int) ([]Act, error) {
	var out []Act
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT id, at, who, what, subject, before_value, after_value FROM hearback_audit
		WHERE (? = CAST(0 AS BIGINT) OR id < ?) AND (? = '' OR who = ?) AND (? = '' OR what = ? OR what LIKE ? ESCAPE '\') ORDER BY id DESC LIMIT ?`),
		before, before, by, by, what, what, likeEscape(what)+".%", limit)
	var a Act
	var at int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&a.ID, &at, &a.By, &a.What, &a.Subject, &a.Before, &a.After); err != nil {
			return err
		}
		a.At = fromMicros(at)
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", ctxErr(ctx, err))
	}
	return out, nil
}
