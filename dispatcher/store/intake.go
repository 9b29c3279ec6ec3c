package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// IntakeOptions are the rules that intake asks for.
type IntakeOptions struct {
	Settle func(site string, door Door) time.Duration
	MaxAge func(site string, door Door) time.Duration
}

// Intake is what one round did.
type Intake struct {
	Taken      int       // inbox rows that are gone now
	Rejected   int       // of them, to inbox_rejected
	Duplicates int       // of them, seen before
	Settled    int       // positions given
	TooOld     int       // recorded, not mailed: the backfill guard
	Head       int64     // the log's head afterwards
	Next       time.Time // when the next publication settles; zero when none waits
}

// Intake moves up to limit inbox rows, oldest first, into the state of their
// comments, and gives positions to up to limit publications that have settled.
// One transaction, serialised by the head row's lock, so position order is
// commit order.
func (s *Store) Intake(ctx context.Context, o IntakeOptions, limit int) (Intake, error) {
	var res Intake
	err := s.write(ctx, func(t *tx) error {
		res = Intake{}
		b := &batch{t: t, s: s, o: o, res: &res}
		return b.run(ctx, limit)
	})
	if err != nil {
		return Intake{}, fmt.Errorf("intake: %w", err)
	}
	if res.Settled > 0 {
		s.hints.Hint(TopicLog)
	}
	if res.Taken > 0 {
		s.hints.Hint(TopicMessage) // confirm mails may have been written
	}
	return res, nil
}

// rowError names the inbox row that a batch of one failed on.
type rowError struct {
	id  int64
	err error
}

func (e *rowError) Error() string { return fmt.Sprintf("inbox row %d: %v", e.id, e.err) }
func (e *rowError) Unwrap() error { return e.err }

// Refused says that the database will never take one of the rows of the
// failed call; the caller halves its batch until it stands alone.
func (s *Store) Refused(err error) bool { return s.d.refused(err) }

// RejectOldest moves an inbox row to inbox_rejected: the one that the cause,
// an error of a batch of one, names. One that has gone meanwhile is no error.
func (s *Store) RejectOldest(ctx context.Context, cause error) error {
	var bad *rowError
	if !errors.As(cause, &bad) {
		return fmt.Errorf("no inbox row is named by: %w", cause)
	}
	return s.write(ctx, func(t *tx) error {
		var rows []inboxRow
		if err := t.all(ctx, &rows, `SELECT id, site, payload, door, event_id, received_at FROM hearback_inbox WHERE id = ?`+t.d.forUpdate(), bad.id); err != nil {
			return err
		}
		for _, r := range rows {
			e := dispatcher.Invalid("payload", "correct the event and send it again", "the database refuses it: %v", bad.err)
			if err := t.reject(ctx, r, r.EventID, e); err != nil {
				return err
			}
			if err := t.forget(ctx, r.Site, r.EventID); err != nil {
				return err
			}
			if _, err := t.exec(ctx, `DELETE FROM hearback_inbox WHERE id = ?`, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// batch is one intake transaction at work.
type batch struct {
	t   *tx
	s   *Store
	o   IntakeOptions
	res *Intake

	position, change int64
	threads          map[siteID]*threadRow
	comments         map[siteID]*commentRow
	erased           map[siteID]bool // authors who were erased
}

type siteID struct{ site, id string }

type arrival struct {
	row   inboxRow
	event dispatcher.Event
}

func (b *batch) run(ctx context.Context, limit int) error {
	if err := b.t.QueryRowxContext(ctx, `SELECT position, change FROM hearback_head WHERE id = 1`+b.t.d.forUpdate()).Scan(&b.position, &b.change); err != nil {
		return err
	}
	var rows []inboxRow
	if err := b.t.all(ctx, &rows, `SELECT id, site, payload, door, event_id, received_at FROM hearback_inbox ORDER BY id LIMIT ?`, limit); err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := b.take(ctx, rows); err != nil {
			if len(rows) == 1 {
				err = &rowError{rows[0].ID, err}
			}
			return err
		}
	}
	if err := b.settle(ctx, limit); err != nil {
		return err
	}
	if b.res.Taken == 0 && b.res.Settled == 0 {
		b.res.Head = b.position
		return b.next(ctx)
	}
	b.res.Head = b.position
	if _, err := b.t.exec(ctx, `UPDATE hearback_head SET position = ?, change = ? WHERE id = 1`, b.position, b.change); err != nil {
		return err
	}
	return b.next(ctx)
}

func (b *batch) next(ctx context.Context) error {
	var next *int64
	if err := b.t.get(ctx, &next, `SELECT min(settles_at) FROM hearback_comment WHERE settles_at IS NOT NULL`); err != nil {
		return err
	}
	if next != nil {
		b.res.Next = fromMicros(*next)
	}
	return nil
}

// take applies the inbox rows in their order.
func (b *batch) take(ctx context.Context, rows []inboxRow) error {
	arrivals, err := b.sift(ctx, rows)
	if err != nil {
		return err
	}
	if err := b.load(ctx, arrivals); err != nil {
		return err
	}
	if err := b.lockReaders(ctx, arrivals); err != nil {
		return err
	}
	for i := range arrivals {
		a := &arrivals[i]
		err := b.apply(ctx, a)
		if err == nil {
			continue
		}
		if dispatcher.CodeOf(err) == dispatcher.CodeInternal {
			return err
		}
		if err := b.refuse(ctx, a.row, a.event.ID, err); err != nil {
			return err
		}
		// What was rejected was not seen: mended outside, it may come again.
		if err := b.t.forget(ctx, a.event.Site, a.event.ID); err != nil {
			return err
		}
	}
	if err := b.save(ctx); err != nil {
		return err
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	b.res.Taken = len(rows)
	_, err = b.t.exec(ctx, `DELETE FROM hearback_inbox WHERE id IN `+ints(ids))
	return err
}

func (b *batch) refuse(ctx context.Context, row inboxRow, eventID string, cause error) error {
	b.res.Rejected++
	return b.t.reject(ctx, row, eventID, cause)
}

// sift reads the payloads, refuses bad ones and drops repeats. Rows whose door
// remembered their id already (event_id is set) are not asked again.
func (b *batch) sift(ctx context.Context, rows []inboxRow) ([]arrival, error) {
	var good []arrival
	bySite := map[string][]int{}
	for _, row := range rows {
		a := arrival{row: row}
		err := decodeEvent(row, &a.event)
		if err == nil {
			_, err = b.s.Site(row.Site)
		}
		if err != nil {
			if err := b.refuse(ctx, row, a.event.ID, err); err != nil {
				return nil, err
			}
			if err := b.t.forget(ctx, row.Site, row.EventID); err != nil {
				return nil, err
			}
			continue
		}
		if row.EventID == "" {
			bySite[row.Site] = append(bySite[row.Site], len(good))
		}
		good = append(good, a)
	}
	drop := map[int]bool{}
	for site, idx := range bySite {
		events := make([]dispatcher.Event, len(idx))
		hashes := make([]string, len(idx))
		for i, g := range idx {
			events[i] = good[g].event
			hashes[i] = events[i].Hash()
		}
		var r Receipt
		fresh, err := b.t.remember(ctx, site, events, hashes, &r)
		if err != nil {
			return nil, err
		}
		isFresh := make([]bool, len(idx))
		for _, i := range fresh {
			isFresh[i] = true
		}
		rejected := map[int]error{}
		for _, x := range r.Rejected {
			rejected[x.Index] = x.Err
		}
		for i, g := range idx {
			if isFresh[i] {
				continue
			}
			drop[g] = true
			if err := rejected[i]; err != nil {
				if err := b.refuse(ctx, good[g].row, events[i].ID, err); err != nil {
					return nil, err
				}
				continue
			}
			b.res.Duplicates++
		}
	}
	out := good[:0]
	for i := range good {
		if !drop[i] {
			out = append(out, good[i])
		}
	}
	return out, nil
}

func decodeEvent(row inboxRow, e *dispatcher.Event) error {
	if err := json.Unmarshal([]byte(row.Payload), e); err != nil {
		return dispatcher.Invalid("payload", "send one event as a JSON object", "is no event: %v", err)
	}
	if e.Site != "" && e.Site != row.Site {
		return &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "site", Message: fmt.Sprintf("the event names site %q but came for %q", e.Site, row.Site), Mend: "leave site out, or use the right key or role"}
	}
	e.Site = row.Site
	if err := e.Validate(); err != nil {
		return err
	}
	return noNUL(row.Payload)
}

// noNUL refuses what PostgreSQL cannot keep. JSON writes it as an escape, so
// only the decoded text shows it.
func noNUL(payload string) error {
	for i := 0; i+6 <= len(payload); i++ {
		if payload[i] != '\\' {
			continue
		}
		if payload[i+1] == '\\' {
			i++
			continue
		}
		if payload[i:i+6] == `\u0000` {
			return dispatcher.Invalid("payload", "remove the NUL character", `has a NUL character (\u0000)`)
		}
	}
	return nil
}
