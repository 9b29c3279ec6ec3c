// Package store keeps Hearback's rows in PostgreSQL or SQLite: one SQL text
// for both, a small dialect for what must differ. SQL stands in the method
// that scans it. Each hand-over of the line is one method, one transaction and
// one unique key.
//
// All times that enter or leave are UTC, cut to microseconds; all methods are
// safe for concurrent use.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/hearback/hearback/dispatcher"
)

// Options say which database to open.
type Options struct {
	URL   string // sqlite:///path/file.db or postgres://…
	Clock dispatcher.Clock
	Log   *slog.Logger
	Sites []dispatcher.Site
	// Connections caps the pool on PostgreSQL; 0 means 16.
	Connections int
}

// Store is an open database.
type Store struct {
	db    *sqlx.DB // on SQLite the one writer
	read  *sqlx.DB // on SQLite many readers; else db
	d     dialect
	clock dispatcher.Clock
	log   *slog.Logger
	sites map[string]dispatcher.Site
	hints *Hints
	url   string
	dsn   string      // of PostgreSQL, for the listener
	lock  *os.File    // of the SQLite file, while a daemon holds it
	act   *pendingAct // what the next commit tells the audit log, see [Store.As]
	// ailing is why the last write failed that the database itself prevented; nil
	// since one succeeded. Copies share it.
	ailing *atomic.Pointer[dispatcher.Error]
}

// Open connects and checks the connection; it does not migrate. The error is a
// [dispatcher.Error] with the mend where the user can mend it.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{clock: o.Clock, log: o.Log, url: o.URL, sites: map[string]dispatcher.Site{}, hints: newHints(), ailing: new(atomic.Pointer[dispatcher.Error])}
	if s.clock == nil {
		s.clock = dispatcher.SystemClock
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, site := range o.Sites {
		s.sites[site.Key] = site
	}
	var err error
	switch {
	case strings.HasPrefix(o.URL, "sqlite:"):
		err = s.openSQLite(ctx, o)
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		err = s.openPostgres(ctx, o)
	default:
		err = dispatcher.Invalid("database.url", "use sqlite:///path/file.db or postgres://user@host/name", "%q names no known database", redact(o.URL))
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error {
	s.hints.close()
	err := s.db.Close()
	if s.read != s.db {
		err = errors.Join(err, s.read.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// Ping checks that the database answers and that it took the last write: a full
// disk still reads well.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.read.GetContext(ctx, &one, "SELECT 1"); err != nil {
		return s.d.explain(err)
	}
	if e := s.ailing.Load(); e != nil {
		return e
	}
	return nil
}

// Dialect is "postgres" or "sqlite".
func (s *Store) Dialect() string { return s.d.name() }

// Site gives a configured site, or a not-found error that lists the known
// ones.
func (s *Store) Site(key string) (dispatcher.Site, error) {
	if site, ok := s.sites[key]; ok {
		return site, nil
	}
	e := dispatcher.NotFound("site", key)
	e.Field = "site"
	e.Mend = "use one of: " + strings.Join(s.siteKeys(), ", ")
	return dispatcher.Site{}, e
}

func (s *Store) siteKeys() []string {
	keys := make([]string, 0, len(s.sites))
	for k := range s.sites {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Now is the store's clock, as it stamps rows.
func (s *Store) Now() time.Time { return s.clock.Now() }

// tx is one transaction with one instant.
type tx struct {
	*sqlx.Tx
	d    dialect
	now  int64          // Unix microseconds
	held map[int64]bool // buckets that are locked until the end, see [Store.many]
	// What many subscriptions of one transaction need to ask for but once; nil
	// where nothing is held.
	chains   map[[2]string]bool // that are there
	position *int64             // the log's head after the last bucket was locked
}

const maxTries = 8

// write runs f in one transaction and commits. A transaction that the database
// asks to repeat (serialization, deadlock, a busy file) is repeated with
// jitter, at most maxTries times, and so is one that lost a race for a unique
// key: it finds the other's row next time. f must therefore not keep state
// between runs.
func (s *Store) write(ctx context.Context, f func(*tx) error) error {
	for try := 1; ; try++ {
		err := s.writeOnce(ctx, f)
		if err == nil || try == maxTries || !(s.d.retry(err) || s.d.unique(err)) {
			s.feel(err)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try*try) * time.Duration(1+rand.IntN(4)) * time.Millisecond):
		}
	}
}

// feel notes for [Store.Ping] how a write went.
func (s *Store) feel(err error) {
	var e *dispatcher.Error
	switch {
	case err == nil:
		if s.ailing.Load() != nil {
			s.ailing.Store(nil)
		}
	case errors.As(err, &e) && e.Code == dispatcher.CodeUnavailable && e.Field == "database":
		s.ailing.Store(e)
	}
}

func (s *Store) writeOnce(ctx context.Context, f func(*tx) error) (err error) {
	raw, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", s.d.explain(ctxErr(ctx, err)))
	}
	defer func() {
		if err != nil {
			_ = raw.Rollback() // the error that matters is err
			err = ctxErr(ctx, err)
		}
	}()
	t := &tx{Tx: raw, d: s.d, now: micros(s.clock.Now())}
	if err = f(t); err != nil {
		return s.d.explain(err)
	}
	told := s.act != nil && !s.act.done.Load()
	if told {
		if err = t.record(ctx, s.act.Act); err != nil {
			return fmt.Errorf("write the audit log: %w", s.d.explain(err))
		}
	}
	if err = raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", s.d.explain(err))
	}
	if told {
		s.act.done.Store(true)
	}
	return nil
}

// ctxErr gives the context's error in place of a driver's own words for it.
func ctxErr(ctx context.Context, err error) error {
	if c := ctx.Err(); c != nil && err != nil {
		return c
	}
	return err
}

func (t *tx) get(ctx context.Context, dst any, q string, args ...any) error {
	return t.GetContext(ctx, dst, t.Rebind(q), args...)
}

func (t *tx) all(ctx context.Context, dst any, q string, args ...any) error {
	return t.SelectContext(ctx, dst, t.Rebind(q), args...)
}

func (t *tx) exec(ctx context.Context, q string, args ...any) (int64, error) {
	r, err := t.ExecContext(ctx, t.Rebind(q), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *tx) rows(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	return t.QueryContext(ctx, t.Rebind(q), args...)
}

func (s *Store) get(ctx context.Context, dst any, q string, args ...any) error {
	return s.d.explain(ctxErr(ctx, s.read.GetContext(ctx, dst, s.read.Rebind(q), args...)))
}

func (s *Store) all(ctx context.Context, dst any, q string, args ...any) error {
	return s.d.explain(ctxErr(ctx, s.read.SelectContext(ctx, dst, s.read.Rebind(q), args...)))
}

// notFound turns "no rows" into the domain's error.
func notFound(err error, what, name string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return dispatcher.NotFound(what, name)
	}
	return err
}

// each calls f for every row and closes rows.
func each(rows *sql.Rows, err error, f func() error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// micros and fromMicros map times to columns; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m).UTC()
}

// ints writes ids as an SQL list. They are numbers, so nothing can be injected,
// and a thousand of them need no parameters.
func ints[T ~int64](ids []T) string {
	b := make([]byte, 0, len(ids)*8+2)
	b = append(b, '(')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(b, int64(id))
	}
	if len(ids) == 0 {
		b = append(b, "NULL"...)
	}
	return string(append(b, ')'))
}

// marks writes n groups of k question marks: (?,?),(?,?).
func marks(n, k int) string {
	group := "(" + strings.TrimSuffix(strings.Repeat("?,", k), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(group+",", n), ",")
}

// redact hides the password of a database URL.
func redact(u string) string {
	p, err := url.Parse(u)
	if err != nil {
		return "(unreadable URL)"
	}
	return p.Redacted()
}

// likeEscape makes text match itself in LIKE … ESCAPE '\', without case.
func likeEscape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(text))
}
