package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Session is an admin who is signed in, in one browser.
type Session struct {
	Admin     Admin
	ByLink    bool   // they came by a link, and may set a password without the old one
	Agent     string // the browser, as it calls itself
	Flash     string // what the next page tells, "" for nothing
	CreatedAt time.Time
	SeenAt    time.Time // to the minute

	hash string
}

// Lifetimes bound a session: it ends when it was not used for Idle, and Whole
// after it began.
type Lifetimes struct{ Idle, Whole time.Duration }

// newSecret makes what a session or a link is known by: 130 random bits and
// more, and their hash.
func newSecret() (plain, hash string) {
	plain = rand.Text()
	return plain, hashKey(plain)
}

var errNoSession = &dispatcher.Error{Code: dispatcher.CodeUnauthorized, Message: "nobody is signed in", Mend: "sign in"}

// StartSession signs an admin in and gives, this once, what the browser keeps.
func (s *Store) StartSession(ctx context.Context, admin int64, byLink bool, agent string) (string, error) {
	plain, hash := newSecret()
	err := s.write(ctx, func(t *tx) error {
		return t.startSession(ctx, admin, hash, byLink, agent)
	})
	if err != nil {
		return "", fmt.Errorf("start a session: %w", err)
	}
	return plain, nil
}

func (t *tx) startSession(ctx context.Context, admin int64, hash string, byLink bool, agent string) error {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_session (hash, admin, by_link, agent, flash, created_at, seen_at) VALUES (?, ?, ?, ?, '', ?, ?)`,
		hash, admin, byLink, clean(agent), t.now, t.now); err != nil {
		return err
	}
	return t.updateAdmin(ctx, `UPDATE hearback_admin SET seen_at = ? WHERE id = ?`, t.now, admin)
}

// maxAgent is how much of a browser's name is kept, in bytes.
const maxAgent = 300

type sessionRow struct {
	adminRow
	Hash      string `db:"hash"`
	ByLink    bool   `db:"by_link"`
	Agent     string `db:"agent"`
	Flash     string `db:"flash"`
	StartedAt int64  `db:"started_at"`
	UsedAt    int64  `db:"used_at"`
}

func (r *sessionRow) domain() Session {
	return Session{Admin: r.adminRow.domain(), ByLink: r.ByLink, Agent: r.Agent, Flash: r.Flash, CreatedAt: fromMicros(r.StartedAt), SeenAt: fromMicros(r.UsedAt), hash: r.Hash}
}

const sessionSelect = `SELECT a.id, a.name, a.role, a.password, a.zone, a.disabled_at, a.created_at, a.seen_at, s.hash, s.by_link, s.agent, s.flash, s.created_at AS started_at, s.seen_at AS used_at
	FROM hearback_session s JOIN hearback_admin a ON a.id = s.admin`

// FindSession gives the session that a browser brings, with its admin as they
// are now, and notes its use at most once a minute. One that is unknown or has
// expired is an unauthorized error.
func (s *Store) FindSession(ctx context.Context, plain string, l Lifetimes) (Session, error) {
	if plain == "" || len(plain) > 100 {
		return Session{}, errNoSession
	}
	var r sessionRow
	now := micros(s.clock.Now())
	err := s.get(ctx, &r, sessionSelect+` WHERE s.hash = ? AND s.seen_at > ? AND s.created_at > ? AND a.disabled_at = 0`, hashKey(plain), now-l.Idle.Microseconds(), now-l.Whole.Microseconds())
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, errNoSession
	}
	if err != nil {
		return Session{}, fmt.Errorf("find a session: %w", err)
	}
	if now-r.UsedAt >= time.Minute.Microseconds() {
		if err := s.write(ctx, func(t *tx) error {
			if _, err := t.exec(ctx, `UPDATE hearback_session SET seen_at = ? WHERE hash = ? AND seen_at < ?`, now, r.Hash, now); err != nil {
				return err
			}
			_, err := t.exec(ctx, `UPDATE hearback_admin SET seen_at = ? WHERE id = ? AND seen_at < ?`, now, r.ID, now)
			return err
		}); err != nil {
			return Session{}, fmt.Errorf("note a session's use: %w", err)
		}
		r.UsedAt = now
	}
	return r.domain(), nil
}

// SetFlash keeps what the session's next page tells; "" takes it back.
func (s *Store) SetFlash(ctx context.Context, x Session, text string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_session SET flash = ? WHERE hash = ?`, audited(text), x.hash)
		return err
	})
}

// SessionsOf lists where an admin is signed in, the newest first.
func (s *Store) SessionsOf(ctx context.Context, admin int64, l Lifetimes) ([]Session, error) {
	var rows []sessionRow
	now := micros(s.clock.Now())
	if err := s.all(ctx, &rows, sessionSelect+` WHERE s.admin = ? AND s.seen_at > ? AND s.created_at > ? ORDER BY s.created_at DESC`,
		admin, now-l.Idle.Microseconds(), now-l.Whole.Microseconds()); err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	out := make([]Session, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// Same says whether two are one session.
func (x *Session) Same(y Session) bool { return x.hash == y.hash }

// EndSession signs a session out.
func (s *Store) EndSession(ctx context.Context, x Session) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM hearback_session WHERE hash = ?`, x.hash)
		return err
	})
}

// EndOtherSessions signs the session's admin out everywhere else.
func (s *Store) EndOtherSessions(ctx context.Context, x Session) (int64, error) {
	var n int64
	err := s.write(ctx, func(t *tx) error {
		var err error
		n, err = t.exec(ctx, `DELETE FROM hearback_session WHERE admin = ? AND hash <> ?`, x.Admin.ID, x.hash)
		return err
	})
	return n, err
}
