package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// ErrWindowShort says that a hold of the slice reaches further back than the
// window that was loaded.
var ErrWindowShort = errors.New("the window is too short for a hold")

// SliceOptions say how to go through a slot's readers.
type SliceOptions struct {
	Limit  int // readers per slice
	TTL    time.Duration
	Limits dispatcher.Limits
	// Keys and Owners, when not nil, are the targets and the authors that
	// moved: only readers who follow them are visited. Nil visits every reader
	// of the chain.
	Keys   []dispatcher.Key
	Owners []dispatcher.Key
	Low    int64 // where the window begins
}

// SliceResult is what one slice did.
type SliceResult struct {
	Readers  int
	Messages int
	Held     int
	Done     bool // the slot is finished
}

// Slice serves the next readers of a slot in one transaction: it locks their
// buckets, reads what selection asks for, lets decide judge each, and commits
// messages, holds and the slot's progress. A slot whose lease was lost gives
// [ErrLeaseLost].
func (s *Store) Slice(ctx context.Context, w *Work, o SliceOptions, win *dispatcher.Window, zone func(site, zone string) *time.Location) (SliceResult, error) {
	var res SliceResult
	err := s.write(ctx, func(t *tx) error {
		res = SliceResult{}
		sl := &slice{t: t, s: s, w: w, o: o, win: win, zone: zone, res: &res}
		return sl.run(ctx)
	})
	if err != nil {
		return SliceResult{}, fmt.Errorf("slice of slot %d: %w", w.Slot.ID, err)
	}
	if res.Messages > 0 {
		s.hints.Hint(TopicMessage)
	}
	return res, nil
}

type slice struct {
	t    *tx
	s    *Store
	w    *Work
	o    SliceOptions
	win  *dispatcher.Window
	zone func(site, zone string) *time.Location
	res  *SliceResult

	cursor dispatcher.SlotCursor
	ids    []int64
	turns  map[int64]*dispatcher.Turn
	subs   map[int64]*subscriberRow
	// inChain names the readers whom the slot's chain serves now that their
	// buckets are locked.
	inChain map[int64]bool
}

func (sl *slice) run(ctx context.Context) error {
	err := sl.t.QueryRowxContext(ctx, sl.t.Rebind(`SELECT cursor_bucket, cursor_subscriber FROM hearback_slot WHERE id = ? AND owner = ? AND term = ? AND done_at = 0`+sl.t.d.forUpdate()),
		sl.w.Slot.ID, sl.w.Owner, sl.w.Term).Scan(&sl.cursor.Bucket, &sl.cursor.Subscriber)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrLeaseLost
	}
	if err != nil {
		return err
	}
	buckets, err := sl.readers(ctx)
	if err != nil {
		return err
	}
	if len(sl.ids) > 0 {
		if err := sl.serve(ctx, buckets); err != nil {
			return err
		}
	}
	return sl.progress(ctx)
}

// readers finds the next readers after the cursor, in (bucket, id) order.
func (sl *slice) readers(ctx context.Context) ([]int64, error) {
	slot := &sl.w.Slot
	// A reader below the minimum is asked again by every regular slot.
	hold := `SELECT bucket, subscriber FROM hearback_hold WHERE schedule = ? AND zone = ? AND (not_before <= ? OR reason = 'below_minimum') AND (bucket, subscriber) > (?, ?)`
	holdArgs := []any{slot.Schedule, slot.Zone, sl.t.now, sl.cursor.Bucket, sl.cursor.Subscriber}
	const live = ` AND ended_at = 0 AND confirmed_at > 0`
	var q string
	var args []any
	switch {
	case slot.Holds:
		q, args = strings.Replace(hold, "SELECT", "SELECT DISTINCT", 1), holdArgs
	case sl.o.Keys != nil:
		q = `SELECT bucket, subscriber FROM (SELECT bucket, subscriber FROM hearback_subscription WHERE target_key IN ` + ints(sl.o.Keys) + ` AND schedule = ? AND zone = ? AND (bucket, subscriber) > (?, ?)` + live +
			` UNION SELECT s.bucket, s.subscriber FROM hearback_identity i JOIN hearback_subscription s ON s.subscriber = i.subscriber AND s.target_type = 'replies'
				WHERE i.key IN ` + ints(sl.o.Owners) + ` AND s.schedule = ? AND s.zone = ? AND (s.bucket, s.subscriber) > (?, ?) AND s.ended_at = 0 AND s.confirmed_at > 0` +
			` UNION ` + hold + `) AS r`
		some := []any{slot.Schedule, slot.Zone, sl.cursor.Bucket, sl.cursor.Subscriber}
		args = slices.Concat(some, some, holdArgs)
	default:
		q = `SELECT DISTINCT bucket, subscriber FROM hearback_subscription WHERE schedule = ? AND zone = ? AND (bucket, subscriber) > (?, ?)` + live
		args = []any{slot.Schedule, slot.Zone, sl.cursor.Bucket, sl.cursor.Subscriber}
	}
	var buckets []int64
	// A chain is read along its index as far as the limit: no SELECT around it,
	// for which SQLite would read all of the rest.
	rows, err := sl.t.rows(ctx, q+` ORDER BY bucket, subscriber LIMIT ?`, append(args, sl.o.Limit)...)
	var bucket, id int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&bucket, &id); err != nil {
			return err
		}
		sl.ids = append(sl.ids, id)
		if len(buckets) == 0 || buckets[len(buckets)-1] != bucket {
			buckets = append(buckets, bucket)
		}
		return nil
	})
	if len(sl.ids) > 0 {
		sl.cursor = dispatcher.SlotCursor{Bucket: int(bucket), Subscriber: id}
	}
	return buckets, err
}

func (sl *slice) serve(ctx context.Context, buckets []int64) error {
	if err := sl.t.lockBuckets(ctx, buckets); err != nil {
		return err
	}
	if err := sl.load(ctx); err != nil {
		return err
	}
	var drafts []draftRow
	var holds, ended []dispatcher.Hold
	for _, id := range sl.ids {
		turn, sub := sl.turns[id], sl.subs[id]
		if turn == nil || !sl.inChain[id] {
			continue // erased, or moved to another chain since the readers were listed
		}
		if sub.ConfirmedAt == 0 { // nobody to serve: a hold that stayed would come due for ever
			ended = append(ended, turn.Holds...)
			continue
		}
		d := dispatcher.Decide(turn, sl.win)
		for _, x := range d.Drafts {
			drafts = append(drafts, draftRow{sub, x})
		}
		holds = append(holds, d.Holds...)
		ended = append(ended, d.Ended...)
	}
	if err := sl.writeHolds(ctx, holds, ended); err != nil {
		return err
	}
	return sl.writeMessages(ctx, drafts)
}

// load reads all that selection asks for of the slice's readers.
func (sl *slice) load(ctx context.Context) error {
	l, err := sl.t.loadReaders(ctx, sl.ids, sl.w.Slot.Schedule, sl.w.Slot.Zone, false)
	if err != nil {
		return err
	}
	sl.subs, sl.inChain = l.subs, l.inChain
	sl.turns = make(map[int64]*dispatcher.Turn, len(sl.ids))
	for id, r := range l.readers {
		sub := l.subs[id]
		sl.turns[id] = &dispatcher.Turn{Reader: *r, Schedule: &sl.w.Schedule, Slot: &sl.w.Slot, Zone: sl.zone(sub.Site, sub.Zone), Quiet: quietOf(sub.Quiet),
			PausedUntil: fromMicros(sub.PausedUntil), Limits: sl.o.Limits, Now: fromMicros(sl.t.now)}
	}
	low, err := sl.loadHolds(ctx)
	if err != nil {
		return err
	}
	if low < sl.o.Low {
		return ErrWindowShort
	}
	low = min(low, sl.w.Slot.From, sl.win.FirstRepublished(math.MaxInt64)-1)
	if err := sl.loadDelivered(ctx, low); err != nil {
		return err
	}
	if sl.w.Slot.Schedule == dispatcher.Immediate {
		return sl.loadRecent(ctx)
	}
	return nil
}

func quietOf(s string) dispatcher.Quiet {
	q, _ := dispatcher.ParseQuiet(s) // was checked when it was written
	return q
}

func (sl *slice) loadHolds(ctx context.Context) (int64, error) {
	low := int64(math.MaxInt64)
	rows, err := sl.t.rows(ctx, `SELECT subscriber, thread, from_position, not_before, reason, since, zone FROM hearback_hold WHERE schedule = ? AND subscriber IN `+ints(sl.ids), sl.w.Slot.Schedule)
	var notBefore, since int64
	var zone string
	h := dispatcher.Hold{Schedule: sl.w.Slot.Schedule}
	err = each(rows, err, func() error {
		if err := rows.Scan(&h.Subscriber, &h.Thread, &h.From, &notBefore, &h.Reason, &since, &zone); err != nil {
			return err
		}
		h.NotBefore, h.Since = fromMicros(notBefore), fromMicros(since)
		if turn := sl.turns[h.Subscriber]; turn != nil {
			turn.Holds = append(turn.Holds, h)
			if zone == sl.w.Slot.Zone {
				sl.inChain[h.Subscriber] = true
			}
		}
		return nil
	})
	for _, turn := range sl.turns {
		low = min(low, lowestOf(turn))
	}
	return low, err
}

// lowestOf gives the position that the turn's holds make selection look back
// to; none at all while the whole reader is held.
func lowestOf(turn *dispatcher.Turn) int64 {
	low := int64(math.MaxInt64)
	for i := range turn.Holds {
		h := &turn.Holds[i]
		if h.Thread == 0 && !h.Ready(turn.Slot, turn.Now) {
			return math.MaxInt64
		}
		low = min(low, h.From)
	}
	return low
}

func (sl *slice) loadDelivered(ctx context.Context, low int64) error {
	rows, err := sl.t.rows(ctx, `SELECT subscriber, items FROM hearback_message WHERE subscriber IN `+ints(sl.ids)+` AND items_max > ? AND state <> 'cancelled'`, low)
	var id int64
	var items sql.RawBytes
	return each(rows, err, func() error {
		if err := rows.Scan(&id, &items); err != nil {
			return err
		}
		if turn := sl.turns[id]; turn != nil {
			markDelivered(&turn.Reader, items)
		}
		return nil
	})
}

func markDelivered(r *dispatcher.Reader, items []byte) {
	for _, it := range parseItems(items) {
		if r.Delivered == nil {
			r.Delivered = map[int64]struct{}{}
		}
		r.Delivered[it.Comment] = struct{}{}
	}
}

// loadRecent counts what the readers got on the immediate schedule lately.
func (sl *slice) loadRecent(ctx context.Context) error {
	hour := sl.t.now - sl.o.Limits.StormWithin.Microseconds()
	rows, err := sl.t.rows(ctx, `SELECT subscriber, thread, created_at FROM hearback_message
		WHERE subscriber IN `+ints(sl.ids)+` AND items_max > 0 AND schedule = ? AND created_at > ? AND state <> 'cancelled'`,
		dispatcher.Immediate, sl.t.now-(24*time.Hour).Microseconds())
	var id, thread, at int64
	return each(rows, err, func() error {
		if err := rows.Scan(&id, &thread, &at); err != nil {
			return err
		}
		turn := sl.turns[id]
		if turn == nil {
			return nil
		}
		turn.Recent.Day++
		if at > hour && thread != 0 {
			if turn.Recent.Threads == nil {
				turn.Recent.Threads = map[int64]dispatcher.Burst{}
			}
			b := turn.Recent.Threads[thread]
			b.Count++
			if last := fromMicros(at); last.After(b.Last) {
				b.Last = last
			}
			turn.Recent.Threads[thread] = b
		}
		return nil
	})
}

func (sl *slice) writeHolds(ctx context.Context, holds, ended []dispatcher.Hold) error {
	byThread := map[int64][]int64{}
	for _, h := range ended {
		byThread[h.Thread] = append(byThread[h.Thread], h.Subscriber)
	}
	for thread, ids := range byThread {
		if _, err := sl.t.exec(ctx, `DELETE FROM hearback_hold WHERE schedule = ? AND thread = ? AND subscriber IN `+ints(ids), sl.w.Slot.Schedule, thread); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(holds, 500) {
		args := make([]any, 0, len(part)*10)
		for i := range part {
			h := &part[i]
			args = append(args, h.Subscriber, h.Schedule, h.Thread, sl.subs[h.Subscriber].Bucket, sl.w.Slot.Zone, h.From, micros(h.NotBefore), h.Wakes(), string(h.Reason), micros(h.Since))
		}
		if _, err := sl.t.exec(ctx, `INSERT INTO hearback_hold (subscriber, schedule, thread, bucket, zone, from_position, not_before, wakes, reason, since) VALUES `+marks(len(part), 10)+`
			ON CONFLICT (subscriber, schedule, thread) DO UPDATE SET zone = excluded.zone, from_position = excluded.from_position, not_before = excluded.not_before,
				wakes = excluded.wakes, reason = excluded.reason, since = excluded.since`, args...); err != nil {
			return err
		}
	}
	sl.res.Held = len(holds)
	return nil
}

type draftRow struct {
	sub *subscriberRow
	dispatcher.Draft
}

// writeMessages writes the drafts, those of one site together. What is a number
// or made of numbers stands in the statement itself: a thousand rows of
// parameters take the database several times as long as writing the rows.
func (sl *slice) writeMessages(ctx context.Context, drafts []draftRow) error {
	slices.SortStableFunc(drafts, func(a, b draftRow) int { return strings.Compare(a.sub.Site, b.sub.Site) })
	priority := dispatcher.PriorityDigest
	if sl.w.Slot.Schedule == dispatcher.Immediate {
		priority = dispatcher.PriorityImmediate
	}
	var values []byte
	for len(drafts) > 0 {
		site := drafts[0].sub.Site
		n := 0
		for values = values[:0]; n < len(drafts) && n < 1000 && drafts[n].sub.Site == site; n++ {
			if n > 0 {
				values = append(values, ',')
			}
			values = drafts[n].appendTo(values)
		}
		drafts = drafts[n:]
		written, err := sl.t.exec(ctx, `WITH d (digest, bucket, subscriber, thread, items, items_max, more, storm, since, revision) AS (VALUES `+string(values)+`)
			INSERT INTO hearback_message (site, kind, bucket, subscriber, address, slot, schedule, thread, items, items_max, more, storm, since, revision,
				data, state, why, priority, due_at, attempts, resent, owner, created_at, done_at)
			SELECT ?, CASE d.digest WHEN 1 THEN ? ELSE ? END, d.bucket, d.subscriber, '', ?, ?, d.thread, d.items, d.items_max, d.more, d.storm = 1, d.since, d.revision,
				'', ?, '', ?, ?, 0, FALSE, 0, ?, 0 FROM d WHERE TRUE
			ON CONFLICT (slot, subscriber, thread) WHERE slot > 0 DO NOTHING`,
			site, string(dispatcher.KindDigest), string(dispatcher.KindReply), sl.w.Slot.ID, sl.w.Slot.Schedule, string(dispatcher.StateDue), priority, sl.t.now, sl.t.now)
		if err != nil {
			return err
		}
		sl.res.Messages += int(written)
	}
	return nil
}

// appendTo writes the draft as a row of numbers; the items are digits, slashes
// and blanks.
func (d *draftRow) appendTo(b []byte) []byte {
	last := int64(0)
	for _, it := range d.Items {
		last = max(last, it.Position)
	}
	number := func(n int64) {
		b = appendInt(b, n)
		b = append(b, ',')
	}
	flag := func(set bool) int64 {
		if set {
			return 1
		}
		return 0
	}
	b = append(b, '(')
	number(flag(d.Kind == dispatcher.KindDigest))
	number(int64(d.sub.Bucket))
	number(d.sub.ID)
	number(d.Thread)
	b = append(b, '\'')
	b = appendItems(b, d.Items)
	b = append(b, "',"...)
	number(last)
	number(int64(d.More))
	number(flag(d.Storm))
	number(micros(d.Since))
	return append(appendInt(b, d.sub.Revision), ')')
}

func (sl *slice) progress(ctx context.Context) error {
	sl.res.Readers = len(sl.ids)
	sl.res.Done = len(sl.ids) < sl.o.Limit
	done := int64(0)
	if sl.res.Done {
		done = sl.t.now
	}
	_, err := sl.t.exec(ctx, `UPDATE hearback_slot SET cursor_bucket = ?, cursor_subscriber = ?, until = ?, done_at = ?, messages = messages + ?, readers = readers + ?, held = held + ? WHERE id = ?`,
		sl.cursor.Bucket, sl.cursor.Subscriber, sl.t.now+sl.o.TTL.Microseconds(), done, sl.res.Messages, sl.res.Readers, sl.res.Held, sl.w.Slot.ID)
	return err
}
