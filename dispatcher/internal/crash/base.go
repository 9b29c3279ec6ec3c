package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	_ "modernc.org/sqlite" // the driver of the database under proof
)

// base is the database under proof, looked at from outside. The product's own
// store is not used: what is proved must not vouch for itself.
type base struct {
	url  string
	path string // of a SQLite file, "" on PostgreSQL
	db   *sqlx.DB
	site *sqlx.DB // the site's own table of comments, which the source polls
}

func openBase(url, siteURL string) (*base, error) {
	b := &base{url: url}
	if p, ok := strings.CutPrefix(url, "sqlite://"); ok {
		b.path = p
	}
	var err error
	if b.site, err = open(siteURL, false); err != nil {
		return nil, err
	}
	if err := b.reopen(); err != nil {
		return nil, errors.Join(err, b.site.Close())
	}
	return b, nil
}

// open opens a database. Read-only on SQLite also means that closing it writes
// nothing: the daemon finds the file as the killed one left it.
func open(url string, readOnly bool) (*sqlx.DB, error) {
	if p, ok := strings.CutPrefix(url, "sqlite://"); ok {
		mode := "rwc&_pragma=journal_mode(WAL)"
		if readOnly {
			mode = "ro"
		}
		return sqlx.Open("sqlite", "file:"+p+"?_pragma=busy_timeout(10000)&_txlock=immediate&mode="+mode)
	}
	c, err := pq.NewConnector(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's URL: %w", err)
	}
	db := sqlx.NewDb(sql.OpenDB(c), "postgres")
	db.SetMaxOpenConns(3)
	return db, nil
}

func (b *base) reopen() error {
	var err error
	b.db, err = open(b.url, true)
	return err
}

// letGo closes what would keep a SQLite file's shared memory alive: the next
// daemon must recover it by itself.
func (b *base) letGo() error {
	if b.path == "" || b.db == nil {
		return nil
	}
	err := b.db.Close()
	b.db = nil
	return err
}

// forget drops idle connections: after the server was killed they are dead, and
// the next question must not be asked on one of them.
func (b *base) forget() {
	for _, db := range []*sqlx.DB{b.db, b.site} {
		db.SetMaxIdleConns(0)
		db.SetMaxIdleConns(2)
	}
}

func (b *base) close() error {
	err := b.site.Close()
	if b.db != nil {
		err = errors.Join(err, b.db.Close())
	}
	return err
}

// autopsy runs f on the database as a killed daemon left it: on SQLite on a
// copy, so that the next daemon's recovery is not done for it.
func (b *base) autopsy(f func(*sqlx.DB) error) (err error) {
	if b.path == "" {
		return f(b.db)
	}
	dir, err := os.MkdirTemp(filepath.Dir(b.path), "autopsy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	to := filepath.Join(dir, "copy.db")
	for _, part := range []string{"", "-wal"} {
		if err := copyFile(to+part, b.path+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	db, err := open("sqlite://"+to, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return f(db)
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// stage is one of the four that a kill is meant for.
type stage string

const (
	atSource stage = "source"
	atIntake stage = "intake"
	atDigest stage = "digest"
	atOutbox stage = "outbox"
)

// stages lists them in the order of the line.
func stages() []stage { return []stage{atSource, atIntake, atDigest, atOutbox} }

// owners gives who works at a stage now, as names of daemons' runs. Each owner
// has unfinished work: a round that has not committed its end, rows in the
// inbox, a slot that is not done, claimed messages without an outcome.
func owners(ctx context.Context, db *sqlx.DB, at stage) ([]string, error) {
	q := map[stage]string{
		atSource: `SELECT holder FROM hearback_source WHERE holder <> '' AND until > ?`,
		atIntake: `SELECT owner FROM hearback_lease WHERE name = 'intake' AND until > ? AND (EXISTS (SELECT 1 FROM hearback_inbox)
			OR EXISTS (SELECT 1 FROM hearback_comment WHERE settles_at IS NOT NULL))`,
		atDigest: `SELECT owner FROM hearback_slot WHERE done_at = 0 AND owner <> '' AND until > ?`,
		atOutbox: `SELECT host FROM hearback_worker AS w WHERE until > ? AND EXISTS (SELECT 1 FROM hearback_message WHERE owner = w.id AND state = 'sending')`,
	}[at]
	var out []string
	err := db.SelectContext(ctx, &out, db.Rebind(q), time.Now().UnixMicro())
	return out, err
}

// ownedBy says whether a run's name ("host/pid/time") is of the process.
func ownedBy(owner string, pid int) bool { return strings.Contains(owner, fmt.Sprintf("/%d/", pid)) }

// sending lists the messages that a process has claimed and not completed.
func sending(ctx context.Context, db *sqlx.DB, pid int) (map[int64]bool, error) {
	var ids []int64
	err := db.SelectContext(ctx, &ids, db.Rebind(`SELECT m.id FROM hearback_message AS m JOIN hearback_worker AS w ON w.id = m.owner
		WHERE m.state = 'sending' AND w.host LIKE ?`), fmt.Sprintf("%%/%d/%%", pid))
	out := make(map[int64]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// queue is what still waits in the product.
type queue struct {
	Inbox    int64 `db:"inbox"`
	Settling int64 `db:"settling"`
	Slots    int64 `db:"slots"`
	Active   int64 `db:"active"` // messages without a final state
	Head     int64 `db:"head"`
	Chained  int64 `db:"chained"` // how far the slowest chain with readers has come
	Seen     int64 `db:"seen"`    // comments that the source saw standing
	Done     int64 `db:"done"`
}

// line says the queue in words.
func (q queue) line() string {
	return fmt.Sprintf("inbox %d, settling %d, log %d of which in slots %d, open slots %d, messages waiting %d and done %d, comments that stand for the source %d",
		q.Inbox, q.Settling, q.Head, q.Chained, q.Slots, q.Active, q.Done, q.Seen)
}

func (b *base) queue(ctx context.Context) (queue, error) {
	var q queue
	err := b.db.GetContext(ctx, &q, `SELECT (SELECT count(*) FROM hearback_inbox) AS inbox,
		(SELECT count(*) FROM hearback_comment WHERE settles_at IS NOT NULL) AS settling,
		(SELECT count(*) FROM hearback_slot WHERE done_at = 0) AS slots,
		(SELECT count(*) FROM hearback_message WHERE state IN ('due', 'deferred', 'sending')) AS active,
		(SELECT count(*) FROM hearback_message WHERE state NOT IN ('due', 'deferred', 'sending')) AS done,
		(SELECT position FROM hearback_head) AS head,
		(SELECT coalesce(min(last_upto), 0) FROM hearback_chain) AS chained,
		(SELECT count(*) FROM hearback_source_seen WHERE state = 'visible') AS seen`)
	return q, err
}

// liveSubscriptions counts the subscriptions of some readers that stand.
func (b *base) liveSubscriptions(ctx context.Context, ids []string) (int, error) {
	q, args, err := sqlx.In(`SELECT count(*) FROM hearback_subscription AS s JOIN hearback_subscriber_id AS i ON i.subscriber = s.subscriber
		WHERE s.ended_at = 0 AND i.external_id IN (?)`, ids)
	if err != nil {
		return 0, err
	}
	var n int
	err = b.db.GetContext(ctx, &n, b.db.Rebind(q), args...)
	return n, err
}

// outcome is a message as the product sees it at the end.
type outcome struct {
	ID      int64  `db:"id"`
	State   string `db:"state"`
	Why     string `db:"why"`
	Address string `db:"email"`
}

func (b *base) outcomes(ctx context.Context) ([]outcome, error) {
	var out []outcome
	err := b.db.SelectContext(ctx, &out, `SELECT m.id, m.state, m.why, coalesce(s.email, '') AS email FROM hearback_message AS m
		LEFT JOIN hearback_subscriber AS s ON s.id = m.subscriber ORDER BY m.id`)
	return out, err
}

// facts are what must stand in the tables at the end.
type facts struct {
	rejected []string
	position map[string]int64 // by the site's comment id
}

func (b *base) facts(ctx context.Context) (facts, error) {
	f := facts{position: map[string]int64{}}
	if err := b.db.SelectContext(ctx, &f.rejected, `SELECT event_id || ': ' || reason FROM hearback_inbox_rejected ORDER BY id LIMIT 20`); err != nil {
		return f, err
	}
	var rows []struct {
		ID       string `db:"external_id"`
		Position int64  `db:"position"`
	}
	err := b.db.SelectContext(ctx, &rows, `SELECT external_id, position FROM hearback_comment`)
	for _, r := range rows {
		f.position[r.ID] = r.Position
	}
	return f, err
}
