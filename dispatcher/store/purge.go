package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/ledger"
)

// LeastRetention is how long the log and the messages are kept at least: they
// are the ledger by which nothing is sent twice.
const LeastRetention = 35 * 24 * time.Hour

// Retention says how long things are kept. Zero fields take their defaults;
// those of the ledger are raised to [LeastRetention].
type Retention struct {
	Log      time.Duration // 35 days
	Messages time.Duration // 90 days
	Events   time.Duration // event ids, 30 days
	Rejected time.Duration // 90 days
	Notices  time.Duration // cleared ones, 90 days
}

const day = 24 * time.Hour

// How long the admin desk's own things are kept. No session lives as long as
// its row may.
const (
	keepSessions = 90 * day
	keepAudit    = 400 * day
	keepTally    = 35 * day
)

// keepStrangers is how long an address that was typed into a form and never
// confirmed is remembered, so that its reader is not asked again and again.
const keepStrangers = 30 * day

func (r Retention) filled() Retention {
	fill := func(d *time.Duration, def, least time.Duration) {
		if *d == 0 {
			*d = def
		}
		*d = max(*d, least)
	}
	fill(&r.Log, LeastRetention, LeastRetention)
	fill(&r.Messages, 90*day, max(LeastRetention, r.Log)) // a message outlives the log that it covers
	fill(&r.Events, 30*day, 0)
	fill(&r.Rejected, 90*day, 0)
	fill(&r.Notices, 90*day, 0)
	return r
}

// purgeStep is how many rows of one kind go in one transaction, so that
// nothing else waits for long.
const purgeStep = 500

// Purged counts what went, by kind.
type Purged map[string]int64

// Purge removes what is older than the retention, one small step of each kind,
// and says whether more is left. Nothing that waits to be sent, that a hold
// reaches back to or that an open slot reads is touched.
func (s *Store) Purge(ctx context.Context, r Retention) (Purged, bool, error) {
	r = r.filled()
	out, more := Purged{}, false
	for _, p := range purges(r) {
		var n int64
		err := s.write(ctx, func(t *tx) error {
			var err error
			n, err = p.step(ctx, t, t.now-p.age.Microseconds())
			return err
		})
		if err != nil {
			return out, true, fmt.Errorf("purge %s: %w", p.kind, err)
		}
		if n > 0 {
			out[p.kind] = n
		}
		more = more || n >= purgeStep
	}
	return out, more, nil
}

type purge struct {
	kind string
	age  time.Duration
	step func(ctx context.Context, t *tx, before int64) (int64, error)
}

func purges(r Retention) []purge {
	return []purge{
		{"log", r.Log, purgeLog},
		{"messages", r.Messages, purgeMessages},
		{"slots", r.Messages, purgeSlots},
		{"events", r.Events, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_event WHERE (site, event_id) IN (SELECT site, event_id FROM hearback_event WHERE seen_at < ? ORDER BY seen_at LIMIT ?)`, before, purgeStep)
		}},
		{"rejected", r.Rejected, byID("hearback_inbox_rejected", "rejected_at")},
		{"idempotency", IdempotencyWindow, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_idempotency WHERE (site, key) IN (SELECT site, key FROM hearback_idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?)`, before, purgeStep)
		}},
		{"ends", UndoWindow, byID("hearback_end", "at")},
		{"notices", r.Notices, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_notice WHERE cleared_at > 0 AND cleared_at < ?`, before)
		}},
		{"sessions", keepSessions, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_session WHERE seen_at < ?`, before)
		}},
		{"links", keepSessions, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_admin_link WHERE until < ?`, before)
		}},
		{"audit", keepAudit, byID("hearback_audit", "at")},
		{"tally", keepTally, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_tally WHERE at IN (SELECT at FROM hearback_tally WHERE at < ? ORDER BY at LIMIT ?)`, before, purgeStep)
		}},
		{"signups", dispatcher.ConfirmWindow, purgeSignUps},
		{"strangers", keepStrangers, purgeStrangers},
		{"asked", day, purgeLinks},
		{"seen", ledger.KeepSeen, func(ctx context.Context, t *tx, before int64) (int64, error) {
			return t.exec(ctx, `DELETE FROM hearback_source_seen WHERE (source, comment_id) IN (SELECT source, comment_id FROM hearback_source_seen WHERE checked_at < ? ORDER BY checked_at LIMIT ?)`, before, purgeStep)
		}},
	}
}

// byID removes the oldest rows of a table whose numbers and times grow
// together: it looks at no more than one step of them.
func byID(table, at string) func(context.Context, *tx, int64) (int64, error) {
	return func(ctx context.Context, t *tx, before int64) (int64, error) {
		return t.exec(ctx, `DELETE FROM `+table+` WHERE id IN (SELECT id FROM (SELECT id, `+at+` AS at FROM `+table+` ORDER BY id LIMIT ?) AS oldest WHERE at < ?)`, purgeStep, before)
	}
}

// purgeLog keeps what a hold, a chain or an open slot still asks for.
func purgeLog(ctx context.Context, t *tx, before int64) (int64, error) {
	var low *int64
	if err := t.get(ctx, &low, `SELECT min(p) FROM (
			SELECT min(from_position) AS p FROM hearback_hold
			UNION ALL SELECT min(from_position) FROM hearback_slot WHERE done_at = 0) AS needed`); err != nil {
		return 0, err
	}
	limit := ``
	args := []any{purgeStep, before}
	if low != nil {
		limit = ` AND position <= ?`
		args = append(args, *low)
	}
	return t.exec(ctx, `DELETE FROM hearback_log WHERE position IN (SELECT position FROM (SELECT position, settled_at FROM hearback_log ORDER BY position LIMIT ?) AS oldest
		WHERE settled_at < ?`+limit+`)`, args...)
}

// purgeMessages removes finished messages with their attempts.
func purgeMessages(ctx context.Context, t *tx, before int64) (int64, error) {
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT id FROM (SELECT id, created_at, done_at, state FROM hearback_message ORDER BY id LIMIT ?) AS oldest
		WHERE created_at < ? AND done_at < ? AND state NOT IN ('due', 'deferred', 'sending')`, purgeStep, before, before); err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := t.exec(ctx, `DELETE FROM hearback_attempt WHERE message IN `+ints(ids)); err != nil {
		return 0, err
	}
	return t.exec(ctx, `DELETE FROM hearback_message WHERE id IN `+ints(ids))
}

func purgeSlots(ctx context.Context, t *tx, before int64) (int64, error) {
	return t.exec(ctx, `DELETE FROM hearback_slot WHERE id IN (SELECT id FROM (SELECT id, done_at FROM hearback_slot ORDER BY id LIMIT ?) AS oldest WHERE done_at > 0 AND done_at < ?)`, purgeStep, before)
}
