package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Stats is what the metrics and `hearback check` show of the database.
type Stats struct {
	Inbox      int64         `json:"inbox"`     // events that wait for intake
	InboxAge   time.Duration `json:"inbox_age"` // of the oldest of them
	Rejected   int64         `json:"rejected"`
	Settling   int64         `json:"settling"` // publications that wait for their position
	Head       int64         `json:"head"`
	OpenSlots  int64         `json:"open_slots"`
	SlotAge    time.Duration `json:"slot_age"` // of the oldest open one
	Holds      int64         `json:"holds"`
	Waiting    int64         `json:"waiting"`   // messages due now or later
	InFlight   int64         `json:"in_flight"` // claimed by a worker
	OverdueAge time.Duration `json:"overdue_age"`
	Workers    int64         `json:"workers"`
	Notices    int64         `json:"notices"`
	Suppressed int64         `json:"suppressed"`
}

// Stats reads them in one statement of small counts. Finished messages are not
// counted, as there may be millions: see [Store.CountStates].
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	now := micros(s.clock.Now())
	var r struct {
		Inbox      int64  `db:"inbox"`
		InboxAt    *int64 `db:"inbox_at"`
		Rejected   int64  `db:"rejected"`
		Settling   int64  `db:"settling"`
		Head       int64  `db:"head"`
		OpenSlots  int64  `db:"open_slots"`
		SlotAt     *int64 `db:"slot_at"`
		Holds      int64  `db:"holds"`
		Waiting    int64  `db:"waiting"`
		InFlight   int64  `db:"in_flight"`
		DueAt      *int64 `db:"due_at"`
		Workers    int64  `db:"workers"`
		Notices    int64  `db:"notices"`
		Suppressed int64  `db:"suppressed"`
	}
	if err := s.get(ctx, &r, `SELECT
			(SELECT count(*) FROM hearback_inbox) AS inbox,
			(SELECT min(received_at) FROM hearback_inbox) AS inbox_at,
			(SELECT count(*) FROM hearback_inbox_rejected) AS rejected,
			(SELECT count(*) FROM hearback_comment WHERE settles_at IS NOT NULL) AS settling,
			(SELECT position FROM hearback_head WHERE id = 1) AS head,
			(SELECT count(*) FROM hearback_slot WHERE done_at = 0) AS open_slots,
			(SELECT min(opened_at) FROM hearback_slot WHERE done_at = 0) AS slot_at,
			(SELECT count(*) FROM hearback_hold) AS holds,
			(SELECT count(*) FROM hearback_message WHERE state IN ('due', 'deferred')) AS waiting,
			(SELECT count(*) FROM hearback_message WHERE state = 'sending') AS in_flight,
			(SELECT min(due_at) FROM hearback_message WHERE state IN ('due', 'deferred')) AS due_at,
			(SELECT count(*) FROM hearback_worker WHERE until > ?) AS workers,
			(SELECT count(*) FROM hearback_notice WHERE cleared_at = 0) AS notices,
			(SELECT count(*) FROM hearback_suppression) AS suppressed`, now); err != nil {
		return Stats{}, fmt.Errorf("read the numbers: %w", err)
	}
	age := func(at *int64) time.Duration {
		if at == nil || *at > now {
			return 0
		}
		return time.Duration(now-*at) * time.Microsecond
	}
	return Stats{Inbox: r.Inbox, InboxAge: age(r.InboxAt), Rejected: r.Rejected, Settling: r.Settling, Head: r.Head, OpenSlots: r.OpenSlots, SlotAge: age(r.SlotAt),
		Holds: r.Holds, Waiting: r.Waiting, InFlight: r.InFlight, OverdueAge: age(r.DueAt), Workers: r.Workers, Notices: r.Notices, Suppressed: r.Suppressed}, nil
}

// FinishedSince counts the messages that were finished since a time, by state;
// it reads those alone that were written lately, by number, newest first, and
// at most limit of them.
func (s *Store) FinishedSince(ctx context.Context, since time.Time, limit int) (map[dispatcher.State]int64, error) {
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT state, count(*) FROM (SELECT state, done_at FROM hearback_message ORDER BY id DESC LIMIT ?) AS newest
		WHERE done_at >= ? GROUP BY state`), limit, micros(since))
	out := map[dispatcher.State]int64{}
	var st dispatcher.State
	var n int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&st, &n); err != nil {
			return err
		}
		out[st] = n
		return nil
	})
	return out, ctxErr(ctx, err)
}
