package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	_ "modernc.org/sqlite" // the driver of the database under measurement

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
	"github.com/hearback/hearback/dispatcher/store"
)

// base is the database under measurement: the product's own store, for what a
// command beside the daemon may do, and plain SQL, for looking.
type base struct {
	name    string
	url     string
	db      *sqlx.DB
	store   *store.Store
	cluster *pgtest.Cluster // nil on SQLite
}

// openBase makes an empty, migrated database of the named kind in dir. busiest
// lets PostgreSQL keep book of its statements.
func openBase(ctx context.Context, name, dir string, busiest bool) (b *base, err error) {
	b = &base{name: name}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
			b = nil
		}
	}()
	switch name {
	case "postgres":
		cfg := pgtest.Config{Durable: true}
		if busiest {
			cfg.Settings = []string{"shared_preload_libraries=pg_stat_statements", "track_io_timing=on"}
		}
		if b.cluster, err = pgtest.Start(ctx, cfg); err != nil {
			return b, err
		}
		b.url = b.cluster.URL()
		c, err := pq.NewConnector(b.url)
		if err != nil {
			return b, fmt.Errorf("read the database's URL: %w", err)
		}
		b.db = sqlx.NewDb(sql.OpenDB(c), "postgres")
		b.db.SetMaxIdleConns(32)
	case "sqlite":
		path := filepath.Join(dir, "bench.db")
		b.url = "sqlite://" + path
		if b.db, err = sqlx.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_txlock=immediate"); err != nil {
			return b, err
		}
	default:
		return b, fmt.Errorf("-db: %q is neither postgres nor sqlite", name)
	}
	site := dispatcher.Site{Key: siteKey, Name: "Blog", BaseURL: "https://blog.example", From: "Blog <replies@blog.example>"}
	if b.store, err = store.Open(ctx, store.Options{URL: b.url, Sites: []dispatcher.Site{site}}); err != nil {
		return b, err
	}
	_, err = b.store.Migrate(ctx)
	return b, err
}

func (b *base) close() error {
	var err error
	if b.store != nil {
		err = b.store.Close()
	}
	if b.db != nil {
		err = errors.Join(err, b.db.Close())
	}
	if b.cluster != nil {
		b.cluster.Stop()
	}
	return err
}

// rebind writes parameters the database's way.
func (b *base) rebind(q string) string {
	if b.cluster == nil {
		return q
	}
	return sqlx.Rebind(sqlx.DOLLAR, q)
}

func (b *base) number(ctx context.Context, q string, args ...any) (int64, error) {
	var n int64
	err := b.db.GetContext(ctx, &n, b.rebind(q), args...)
	return n, err
}

// settle lets the planner know the tables, as autovacuum would in time, and
// takes the checkpoint of the building out of the measurement.
func (b *base) settle(ctx context.Context) error {
	steps := []string{"VACUUM ANALYZE", "CHECKPOINT"}
	if b.cluster == nil {
		steps = []string{"ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"}
	}
	for _, q := range steps {
		if _, err := b.db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// written is what was written up to now.
type written struct {
	rows  int64 // inserted, changed and deleted; on SQLite what was inserted into the tables of mails
	bytes int64 // of write-ahead log; -1 where only the daemon's own counter tells
}

// stillFor is how long the counts must stand still, and stillAtMost how long
// that is waited for.
const (
	stillFor    = 2 * time.Second
	stillAtMost = 12 * time.Second
)

// written counts. PostgreSQL's sessions tell their counts late, so it waits
// until those stand still. Leases, which are renewed all the time whatever is
// sent, do not count.
func (b *base) written(ctx context.Context) (written, error) {
	if b.cluster == nil {
		n, err := b.number(ctx, `SELECT (SELECT count(*) FROM hearback_message) + (SELECT count(*) FROM hearback_attempt) + (SELECT count(*) FROM hearback_hold) + (SELECT count(*) FROM hearback_slot)`)
		return written{n, -1}, err
	}
	var last written
	began := time.Now()
	for moved := began; time.Since(moved) < stillFor && time.Since(began) < stillAtMost; {
		var w written
		if err := b.db.QueryRowxContext(ctx, `SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables
			WHERE relname NOT IN ('hearback_lease', 'hearback_worker'))::bigint, (SELECT wal_bytes FROM pg_stat_wal)::bigint`).Scan(&w.rows, &w.bytes); err != nil {
			return w, err
		}
		if w.rows != last.rows {
			moved = time.Now()
		}
		last = w
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return w, err
		}
	}
	return last, nil
}

// server gives the process id of the database server, 0 where there is none.
func (b *base) server(ctx context.Context) (int, error) {
	if b.cluster == nil {
		return 0, nil
	}
	var pid int
	err := b.db.GetContext(ctx, &pid, `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int`)
	return pid, err
}

// renumber lets new rows be numbered after those that were built.
func (b *base) renumber(ctx context.Context) error {
	if b.cluster == nil {
		return nil // SQLite counts from the highest
	}
	for _, table := range []string{"hearback_subscriber", "hearback_subscription"} {
		if _, err := b.db.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence('`+table+`', 'id'), (SELECT max(id) FROM `+table+`))`); err != nil {
			return err
		}
	}
	return nil
}

// aim lets the next slot of a schedule begin at the log's present head, so
// that each run has a window of its own events.
func (b *base) aim(ctx context.Context, schedule string) error {
	_, err := b.db.ExecContext(ctx, b.rebind(`UPDATE hearback_chain SET last_upto = (SELECT position FROM hearback_head) WHERE schedule = ?`), schedule)
	return err
}

// inLog waits until the log has so many positions and nothing waits before it.
func (b *base) inLog(ctx context.Context, position int64, d *daemon) error {
	for {
		head, err := b.store.Head(ctx)
		if err != nil || head >= position {
			return err
		}
		if err := d.alive(); err != nil {
			return err
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("the log has %d of %d events: %w", head, position, err)
		}
	}
}

// insert puts an event into the inbox as a site's back end does.
func (b *base) insert(ctx context.Context, payload string) error {
	_, err := b.db.ExecContext(ctx, `INSERT INTO hearback_inbox (site, payload) VALUES ($1, $2)`, siteKey, payload)
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
