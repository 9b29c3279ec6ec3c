package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Chain is the row of slots of one schedule in one zone.
type Chain struct {
	Schedule dispatcher.Schedule
	Zone     string    // IANA name; "" for immediate
	LastAt   time.Time // the instant of its last regular slot, opened or skipped
	LastUpto int64     // up to where the log was given to its slots
	HoldsDue bool      // holds that wake have come due
}

// Chains lists all chains of schedules that are not paused.
func (s *Store) Chains(ctx context.Context) ([]Chain, error) {
	now := micros(s.clock.Now())
	schedules, err := s.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]dispatcher.Schedule{}
	for _, sc := range schedules {
		byName[sc.Name] = sc
	}
	due := map[[2]string]bool{}
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT DISTINCT schedule, zone FROM hearback_hold WHERE wakes AND not_before <= ?`), now)
	var key [2]string
	if err := each(rows, err, func() error {
		if err := rows.Scan(&key[0], &key[1]); err != nil {
			return err
		}
		due[key] = true
		return nil
	}); err != nil {
		return nil, ctxErr(ctx, err)
	}
	var out []Chain
	rows, err = s.read.QueryContext(ctx, `SELECT schedule, zone, last_at, last_upto FROM hearback_chain ORDER BY schedule, zone`)
	var name, zone string
	var at, upto int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&name, &zone, &at, &upto); err != nil {
			return err
		}
		if sc, ok := byName[name]; ok && !sc.Paused {
			out = append(out, Chain{Schedule: sc, Zone: zone, LastAt: fromMicros(at), LastUpto: upto, HoldsDue: due[[2]string{name, zone}]})
		}
		return nil
	})
	return out, ctxErr(ctx, err)
}

// OpenSlot opens the slot of a chain at an instant. Its window goes from the
// slot before to the log's head, or at most chunk positions on (0 for all).
// Whoever inserts the row opened it; opened is false when another daemon did,
// or when an immediate chain has nothing new.
func (s *Store) OpenSlot(ctx context.Context, c Chain, at time.Time, chunk int64) (opened bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		opened = false
		head, err := t.head(ctx)
		if err != nil {
			return err
		}
		if chunk > 0 {
			head = min(head, c.LastUpto+chunk)
		}
		if head <= c.LastUpto && c.Schedule.Name == dispatcher.Immediate {
			return nil
		}
		n, err := t.exec(ctx, `UPDATE hearback_chain SET last_at = ?, last_upto = ? WHERE schedule = ? AND zone = ? AND last_at = ? AND last_upto = ?`,
			micros(at), head, c.Schedule.Name, c.Zone, micros(c.LastAt), c.LastUpto)
		if err != nil || n == 0 {
			return err
		}
		opened = true
		return t.insertSlot(ctx, c, at, c.LastUpto, head, false)
	})
	return opened && err == nil, err
}

// RunNow is what [Store.RunNow] did for one zone of a schedule.
type RunNow struct {
	Zone   string
	Opened bool // false when nothing is new, or a daemon was faster
}

// RunNow opens a slot of each of a schedule's chains now, between its regular
// ones, which stay where they are: the next carries only what comes after. A
// paused schedule is a conflict; one that nobody follows has no chain.
func (s *Store) RunNow(ctx context.Context, name string) ([]RunNow, error) {
	sc, err := s.Schedule(ctx, name)
	if err != nil {
		return nil, err
	}
	if sc.Paused {
		return nil, &dispatcher.Error{Code: dispatcher.CodeConflict, Message: fmt.Sprintf("the schedule %q is paused", name), Mend: "resume it first"}
	}
	chains, err := s.Chains(ctx)
	if err != nil {
		return nil, err
	}
	out := []RunNow{}
	for _, c := range chains {
		if c.Schedule.Name != name {
			continue
		}
		opened, err := s.OpenSlot(ctx, c, s.clock.Now(), 0)
		if err != nil {
			return out, err
		}
		out = append(out, RunNow{c.Zone, opened})
	}
	s.hints.Hint(TopicLog) // what the digest stage listens to
	return out, nil
}

// OpenHoldSlot opens a slot that only serves holds that came due.
func (s *Store) OpenHoldSlot(ctx context.Context, c Chain) (opened bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		opened = false
		// Who was held hears of everything up to now in the one mail; the
		// chain itself does not move, and its next slot finds it delivered.
		upto, err := t.head(ctx)
		if err != nil {
			return err
		}
		var busy int64 // one at a time: a second would find the holds still there
		if err := t.get(ctx, &busy, `SELECT count(*) FROM hearback_slot WHERE schedule = ? AND zone = ? AND done_at = 0 AND for_holds`, c.Schedule.Name, c.Zone); err != nil || busy > 0 {
			return err
		}
		opened = true
		return t.insertSlot(ctx, c, fromMicros(t.now), upto, upto, true)
	})
	return opened && err == nil, err
}

// insertSlot writes the slot. Where the instant is taken, as when two slots of
// the immediate schedule open within one microsecond, it moves on by a
// microsecond: the chain has given the window away, so the slot must be there.
func (t *tx) insertSlot(ctx context.Context, c Chain, at time.Time, from, upto int64, holds bool) error {
	for i := range int64(1000) {
		n, err := t.exec(ctx, `INSERT INTO hearback_slot (schedule, zone, at, start_at, from_position, upto_position, for_holds, opened_at, done_at,
				cursor_bucket, cursor_subscriber, owner, term, until, messages, readers, held)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, -1, 0, '', 0, 0, 0, 0, 0)
			ON CONFLICT (schedule, zone, at, for_holds) DO NOTHING`,
			c.Schedule.Name, c.Zone, micros(at)+i, micros(c.LastAt), from, upto, holds, t.now)
		if err != nil || n == 1 {
			return err
		}
	}
	return fmt.Errorf("no free instant for a slot of %s after %s", c.Schedule.Name, at)
}

// SkipTo records that a chain's firings up to at were not made up. Its events
// stay for the next slot.
func (s *Store) SkipTo(ctx context.Context, c Chain, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_chain SET last_at = ? WHERE schedule = ? AND zone = ? AND last_at = ?`, micros(at), c.Schedule.Name, c.Zone, micros(c.LastAt))
		return err
	})
}

// Work is a slot that this owner works on, under a term.
type Work struct {
	Slot     dispatcher.Slot
	Schedule dispatcher.Schedule
	Owner    string
	Term     int64
}

type slotRow struct {
	ID               int64  `db:"id"`
	Schedule         string `db:"schedule"`
	Zone             string `db:"zone"`
	At               int64  `db:"at"`
	StartAt          int64  `db:"start_at"`
	From             int64  `db:"from_position"`
	Upto             int64  `db:"upto_position"`
	Holds            bool   `db:"for_holds"`
	OpenedAt         int64  `db:"opened_at"`
	DoneAt           int64  `db:"done_at"`
	CursorBucket     int    `db:"cursor_bucket"`
	CursorSubscriber int64  `db:"cursor_subscriber"`
	Term             int64  `db:"term"`
	Messages         int    `db:"messages"`
	Readers          int    `db:"readers"`
	Held             int    `db:"held"`
}

const slotColumns = `id, schedule, zone, at, start_at, from_position, upto_position, for_holds, opened_at, done_at, cursor_bucket, cursor_subscriber,
	term, messages, readers, held`

func (r *slotRow) domain() dispatcher.Slot {
	return dispatcher.Slot{ID: r.ID, Schedule: r.Schedule, Zone: r.Zone, At: fromMicros(r.At), Start: fromMicros(r.StartAt), From: r.From, Upto: r.Upto,
		Holds: r.Holds, OpenedAt: fromMicros(r.OpenedAt), DoneAt: fromMicros(r.DoneAt),
		Cursor:   dispatcher.SlotCursor{Bucket: r.CursorBucket, Subscriber: r.CursorSubscriber},
		Messages: r.Messages, Readers: r.Readers, Held: r.Held}
}

// ClaimSlot gives the oldest open slot that no living owner works on, or nil.
// The slots of one chain are worked on one after the other: a later one that
// overtook would find a reader's hold as the earlier one has not left it yet,
// and one of the two windows would be nobody's.
func (s *Store) ClaimSlot(ctx context.Context, owner string, ttl time.Duration) (*Work, error) {
	var w *Work
	err := s.write(ctx, func(t *tx) error {
		w = nil
		var r slotRow
		err := t.get(ctx, &r, `UPDATE hearback_slot SET owner = ?, term = term + 1, until = ?
			WHERE id = (SELECT id FROM hearback_slot AS s WHERE done_at = 0 AND until <= ? AND NOT EXISTS (
					SELECT 1 FROM hearback_slot AS earlier WHERE earlier.schedule = s.schedule AND earlier.zone = s.zone AND earlier.done_at = 0 AND earlier.id < s.id)
				ORDER BY id LIMIT 1`+t.d.skipLocked()+`) AND done_at = 0 AND until <= ?
			RETURNING `+slotColumns, owner, t.now+ttl.Microseconds(), t.now, t.now)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		var sc scheduleRow
		if err := t.get(ctx, &sc, `SELECT `+scheduleColumns+` FROM hearback_schedule WHERE name = ?`, r.Schedule); err != nil {
			return notFound(err, "schedule", r.Schedule)
		}
		w = &Work{Slot: r.domain(), Schedule: sc.domain(), Owner: owner, Term: r.Term}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim a slot: %w", err)
	}
	return w, nil
}

// ReleaseSlot gives a slot back, so that another may go on at once.
func (s *Store) ReleaseSlot(ctx context.Context, w *Work) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_slot SET until = 0 WHERE id = ? AND owner = ? AND term = ? AND done_at = 0`, w.Slot.ID, w.Owner, w.Term)
		return err
	})
}

// Slots lists slots, newest first, below the id before; schedule "" lists all.
func (s *Store) Slots(ctx context.Context, schedule string, before int64, limit int) ([]dispatcher.Slot, error) {
	var rows []slotRow
	if err := s.all(ctx, &rows, `SELECT `+slotColumns+` FROM hearback_slot WHERE (? = '' OR schedule = ?) AND (? = CAST(0 AS BIGINT) OR id < ?) ORDER BY id DESC LIMIT ?`, schedule, schedule, before, before, limit); err != nil {
		return nil, err
	}
	out := make([]dispatcher.Slot, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// LowestHold gives the position that a window must begin at: the slot's own
// beginning, or further back for holds that the slot may serve. Those are the
// due ones, those below a minimum, which each slot asks again, and those of
// single threads, which a hold of the whole reader may swallow.
func (s *Store) LowestHold(ctx context.Context, slot *dispatcher.Slot) (int64, error) {
	var low *int64
	err := s.get(ctx, &low, `SELECT min(from_position) FROM hearback_hold WHERE schedule = ? AND zone = ? AND (not_before <= ? OR reason = ? OR thread <> 0)`,
		slot.Schedule, slot.Zone, micros(s.clock.Now()), string(dispatcher.HoldMinimum))
	if err != nil || low == nil {
		return slot.From, err
	}
	return min(*low, slot.From), nil
}
