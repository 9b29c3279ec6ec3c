package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// changeAddress sets another address: it must be confirmed anew, and older
// links end.
func (t *tx) changeAddress(ctx context.Context, row *subscriberRow, email string) error {
	sent, addr, err := address.Parse(email)
	if err != nil {
		return err
	}
	if addr == row.Address {
		row.Email = sent
		return nil
	}
	var other int64
	err = t.get(ctx, &other, `SELECT id FROM hearback_subscriber WHERE site = ? AND address = ?`, row.Site, addr)
	if err == nil {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "email", Message: "another subscriber of this site has the address",
			Mend: "use that subscriber's id, or erase one of the two"}
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	row.Email, row.Address = sent, addr
	row.ConfirmedAt, row.ConfirmSent = 0, 0
	row.Generation++
	return nil
}

// suspend puts the subscriptions of a reader whose address changed back to
// waiting: they go on, without a gap, once the new address is confirmed. Mail
// that waits for the old address is cancelled, as nobody knows whose it is.
func (t *tx) suspend(ctx context.Context, sub *subscriberRow, ask bool) error {
	var rows []subscriptionRow
	if err := t.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? AND ended_at = 0 ORDER BY id`, sub.ID); err != nil {
		return err
	}
	for i := range rows {
		if rows[i].ConfirmedAt == 0 {
			continue
		}
		since, err := t.servedUpto(ctx, sub.ID, &rows[i])
		if err != nil {
			return err
		}
		queued, err := t.queuedFrom(ctx, sub.ID, rows[i].Schedule)
		if err != nil {
			return err
		}
		if queued != 0 {
			since = max(min(since, queued-1), rows[i].Since)
		}
		if _, err := t.exec(ctx, `UPDATE hearback_subscription SET confirmed_at = 0, asked_at = ?, since = ? WHERE id = ?`, t.now, since, rows[i].ID); err != nil {
			return err
		}
	}
	for _, q := range []string{
		`DELETE FROM hearback_hold WHERE subscriber = ?`, // since reaches back as far
		`UPDATE hearback_message SET state = 'cancelled', why = 'address_changed', done_at = ` + string(appendInt(nil, t.now)) + ` WHERE subscriber = ? AND state IN ('due', 'deferred')`,
	} {
		if _, err := t.exec(ctx, q, sub.ID); err != nil {
			return err
		}
	}
	if !ask || len(rows) == 0 {
		return nil
	}
	return t.askToConfirm(ctx, sub)
}

// queuedFrom gives the lowest position that mail of a schedule, which waits to
// be sent to a reader, carries; 0 when none waits.
func (t *tx) queuedFrom(ctx context.Context, subscriber int64, schedule string) (int64, error) {
	var lists []string
	if err := t.all(ctx, &lists, `SELECT items FROM hearback_message WHERE subscriber = ? AND schedule = ? AND items_max > 0 AND state IN ('due', 'deferred')`, subscriber, schedule); err != nil {
		return 0, err
	}
	low := int64(0)
	for _, l := range lists {
		for _, it := range parseItems([]byte(l)) {
			if low == 0 || it.Position < low {
				low = it.Position
			}
		}
	}
	return low, nil
}

// Confirm confirms a subscriber's address, the subscriptions that waited for
// it and what was asked for with a form, as the reader's own click does.
func (s *Store) Confirm(ctx context.Context, subscriber int64) error {
	return s.write(ctx, func(t *tx) error {
		var row subscriberRow
		if err := t.get(ctx, &row, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, subscriber); err != nil {
			return notFound(err, "subscriber", fmt.Sprint(subscriber))
		}
		site, err := s.Site(row.Site)
		if err != nil {
			return err
		}
		if err := t.lockBucket(ctx, row.Bucket); err != nil {
			return err
		}
		if err := t.confirm(ctx, site, &row); err != nil {
			return err
		}
		return t.applySignUps(ctx, site, &row)
	})
}

// confirm makes the address confirmed. Subscriptions asked for at most
// ConfirmWindow ago begin, with a hold from when they were asked for; older
// ones lapse.
func (t *tx) confirm(ctx context.Context, site dispatcher.Site, row *subscriberRow) error {
	if row.ConfirmedAt == 0 {
		row.ConfirmedAt = t.now
	}
	if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET confirmed_at = ?, confirm_sent = 0, revision = revision + 1 WHERE id = ?`, row.ConfirmedAt, row.ID); err != nil {
		return err
	}
	var pending []subscriptionRow
	if err := t.all(ctx, &pending, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? AND ended_at = 0 AND confirmed_at = 0 ORDER BY id`, row.ID); err != nil {
		return err
	}
	oldest := t.now - dispatcher.ConfirmWindow.Microseconds()
	for i := range pending {
		p := &pending[i]
		if p.AskedAt < oldest {
			if _, err := t.exec(ctx, `UPDATE hearback_subscription SET ended_at = ?, ended_by = ? WHERE id = ?`, t.now, string(dispatcher.EndedByLapse), p.ID); err != nil {
				return err
			}
			continue
		}
		if _, err := t.exec(ctx, `UPDATE hearback_subscription SET confirmed_at = ? WHERE id = ?`, t.now, p.ID); err != nil {
			return err
		}
		if err := t.ensureChain(ctx, p.Schedule, p.Zone); err != nil {
			return err
		}
		if err := t.holdFrom(ctx, row, p.Schedule, p.Zone, p.Since, dispatcher.HoldConfirmed); err != nil {
			return err
		}
	}
	return nil
}

// holdFrom writes a hold of the whole reader that is due now and reaches back
// to from, or widens the one there is.
func (t *tx) holdFrom(ctx context.Context, row *subscriberRow, schedule, zone string, from int64, reason dispatcher.HoldReason) error {
	h := dispatcher.Hold{Schedule: schedule, Reason: reason}
	_, err := t.exec(ctx, `INSERT INTO hearback_hold (subscriber, schedule, thread, bucket, zone, from_position, not_before, wakes, reason, since)
		VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (subscriber, schedule, thread) DO UPDATE SET zone = excluded.zone,
			from_position = CASE WHEN hearback_hold.from_position < excluded.from_position THEN hearback_hold.from_position ELSE excluded.from_position END`,
		row.ID, schedule, row.Bucket, zone, from, t.now, h.Wakes(), string(reason), t.now)
	return err
}

// confirmPause is the least time between two confirm mails to one address.
const confirmPause = 24 * time.Hour

// askToConfirm queues the confirm mail, at most one a day until it was
// answered.
func (t *tx) askToConfirm(ctx context.Context, sub *subscriberRow) error {
	if sub.ConfirmSent != 0 && t.now-sub.ConfirmSent < confirmPause.Microseconds() {
		return nil
	}
	if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET confirm_sent = ? WHERE id = ?`, t.now, sub.ID); err != nil {
		return err
	}
	_, err := t.addMessage(ctx, &dispatcher.Message{Site: sub.Site, Kind: dispatcher.KindConfirm, Bucket: sub.Bucket, Subscriber: sub.ID, Priority: dispatcher.PriorityConfirm})
	return err
}
