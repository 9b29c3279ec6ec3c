package main

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// table is one table that is filled with multi-row INSERTs.
type table struct {
	head  string // up to VALUES
	tail  string // the columns that are the same in all rows
	width int    // parameters of a row
	args  []any
}

// perInsert is how many rows go into one statement: SQLite takes at most
// 32,766 parameters.
const perInsert = 1000

// builder fills a migrated, empty database with readers and what they follow,
// straight through the tables: it writes what the product's own doors would
// have written, only faster.
type builder struct {
	tx     *sql.Tx
	rebind func(string) string

	subscribers, ids, identities, subscriptions table
}

// build fills the database and gives how many subscriptions it made. The
// readers of pings come last and follow a thread each, on immediate.
func build(ctx context.Context, db *sql.DB, rebind func(string) string, w *world) (subscriptions int, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to do once it is committed
	b := newBuilder(tx, rebind, time.Now().UnixMicro())
	for i := range w.Readers + w.Few + w.Posts {
		bucket, err := b.reader(ctx, i)
		if err != nil {
			return 0, fmt.Errorf("build: %w", err)
		}
		schedule, threads := dispatcher.Immediate, []string{pingThread(i - w.Readers - w.Few)}
		if i < w.Readers+w.Few {
			schedule, threads = scheduleAll, w.follows(i)
			if i >= w.Readers {
				schedule = scheduleFew
			}
		}
		for _, t := range threads {
			subscriptions++
			if err := b.subscribe(ctx, subscriptions, i, bucket, schedule, t); err != nil {
				return 0, fmt.Errorf("build: %w", err)
			}
		}
	}
	if err := b.finish(ctx); err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	return subscriptions, nil
}

func newBuilder(tx *sql.Tx, rebind func(string) string, now int64) *builder {
	stamp := strconv.FormatInt(now, 10)
	return &builder{tx: tx, rebind: rebind,
		subscribers: table{width: 5, tail: `,'` + siteKey + `','','','','',0,` + stamp + `,0,1,1,0,'',` + stamp,
			head: `INSERT INTO hearback_subscriber (id, bucket, email, address, name, site, locale, zone, schedule, quiet, paused_until, confirmed_at,
				confirm_sent, revision, generation, ended_at, ended_by, created_at) VALUES `},
		ids:        table{width: 2, tail: `,'` + siteKey + `'`, head: `INSERT INTO hearback_subscriber_id (external_id, subscriber, site) VALUES `},
		identities: table{width: 2, tail: `,''`, head: `INSERT INTO hearback_identity (subscriber, key, author_id) VALUES `},
		subscriptions: table{width: 7, tail: `,'` + siteKey + `','thread','',TRUE,0,` + stamp + `,` + stamp + `,0,''`,
			head: `INSERT INTO hearback_subscription (id, bucket, subscriber, target_id, target_key, schedule, zone, site, target_type, depth, own_schedule,
				since, asked_at, confirmed_at, ended_at, ended_by) VALUES `}}
}

// reader writes a confirmed reader; rows are numbered from 1.
func (b *builder) reader(ctx context.Context, n int) (bucket int, err error) {
	addr := readerAddress(n)
	bucket = dispatcher.BucketOf(siteKey, addr)
	if err = b.add(ctx, &b.subscribers, n+1, bucket, addr, addr, "Reader "+strconv.Itoa(n)); err != nil {
		return 0, err
	}
	if err = b.add(ctx, &b.ids, readerID(n), n+1); err != nil {
		return 0, err
	}
	return bucket, b.add(ctx, &b.identities, n+1, int64(dispatcher.AddressKey(siteKey, addr)))
}

func (b *builder) subscribe(ctx context.Context, id, reader, bucket int, schedule, thread string) error {
	zone := "UTC"
	if schedule == dispatcher.Immediate {
		zone = ""
	}
	return b.add(ctx, &b.subscriptions, id, bucket, reader+1, thread, int64(dispatcher.ThreadKey(siteKey, thread)), schedule, zone)
}

func (b *builder) add(ctx context.Context, t *table, values ...any) error {
	if t.args = append(t.args, values...); len(t.args) < perInsert*t.width {
		return nil
	}
	return b.flush(ctx, t)
}

func (b *builder) flush(ctx context.Context, t *table) error {
	n := len(t.args) / t.width
	if n == 0 {
		return nil
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", t.width), ",") + t.tail + "),"
	_, err := b.tx.ExecContext(ctx, b.rebind(t.head+strings.TrimSuffix(strings.Repeat(row, n), ",")), t.args...)
	t.args = t.args[:0]
	return err
}

// finish writes what is left and the chains, and commits.
func (b *builder) finish(ctx context.Context) error {
	for _, t := range []*table{&b.subscribers, &b.ids, &b.identities, &b.subscriptions} {
		if err := b.flush(ctx, t); err != nil {
			return err
		}
	}
	now := time.Now().UnixMicro()
	for _, chain := range [][2]string{{scheduleAll, "UTC"}, {scheduleFew, "UTC"}, {dispatcher.Immediate, ""}} {
		if _, err := b.tx.ExecContext(ctx, b.rebind(`INSERT INTO hearback_chain (schedule, zone, last_at, last_upto, start_at) VALUES (?, ?, ?, 0, ?)`),
			chain[0], chain[1], now, now); err != nil {
			return err
		}
	}
	return b.tx.Commit()
}
