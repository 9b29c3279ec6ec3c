package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// endByID ends one subscription (or lifts a mute) that a site names.
func (t *tx) endByID(ctx context.Context, site string, in dispatcher.EventSubscription, by dispatcher.EndedBy) error {
	sub, err := t.subscriberByID(ctx, site, in.Subscriber)
	if err != nil {
		return err
	}
	if err := t.lockBucket(ctx, sub.Bucket); err != nil {
		return err
	}
	if in.Mute {
		_, err = t.exec(ctx, `DELETE FROM hearback_mute WHERE subscriber = ? AND target_key = ?`, sub.ID, int64(dispatcher.TargetKey(site, in.Target)))
	} else {
		_, err = t.exec(ctx, `UPDATE hearback_subscription SET ended_at = ?, ended_by = ? WHERE subscriber = ? AND target_type = ? AND target_id = ? AND ended_at = 0`,
			t.now, string(by), sub.ID, string(in.Target.Type), in.Target.ID)
	}
	if err != nil {
		return err
	}
	return t.touch(ctx, sub.ID)
}

// EndSubscription ends one subscription, or lifts a mute, by the site's own
// ids. Ending what has ended or never was is no error.
func (s *Store) EndSubscription(ctx context.Context, site string, in dispatcher.EventSubscription, by dispatcher.EndedBy) error {
	if err := in.Target.Validate(); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error { return t.endByID(ctx, site, in, by) })
}

// End ends the named subscriptions of a reader in one act that can be undone;
// everything also ends what a back end might add later. It gives the act's
// number, or 0 when nothing was left to end.
func (s *Store) End(ctx context.Context, subscriber int64, ids []int64, everything bool, scope string, by dispatcher.EndedBy) (int64, error) {
	var act int64
	err := s.write(ctx, func(t *tx) error {
		act = 0
		var row subscriberRow
		if err := t.get(ctx, &row, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, subscriber); err != nil {
			return notFound(err, "subscriber", fmt.Sprint(subscriber))
		}
		if err := t.lockBucket(ctx, row.Bucket); err != nil {
			return err
		}
		var live []int64
		q := `SELECT id FROM hearback_subscription WHERE subscriber = ? AND ended_at = 0`
		if !everything {
			q += ` AND id IN ` + ints(ids)
		}
		if err := t.all(ctx, &live, q+` ORDER BY id`, subscriber); err != nil {
			return err
		}
		if len(live) == 0 && !everything {
			return nil
		}
		if _, err := t.exec(ctx, `UPDATE hearback_subscription SET ended_at = ?, ended_by = ? WHERE id IN `+ints(live), t.now, string(by)); err != nil {
			return err
		}
		if everything {
			if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET ended_at = ?, ended_by = ? WHERE id = ?`, t.now, string(by), subscriber); err != nil {
				return err
			}
		}
		list := strings.Trim(ints(live), "()")
		if len(live) == 0 {
			list = ""
		}
		if err := t.get(ctx, &act, `INSERT INTO hearback_end (subscriber, at, scope, subscriptions, undone_at) VALUES (?, ?, ?, ?, 0) RETURNING id`, subscriber, t.now, scope, list); err != nil {
			return err
		}
		return t.touch(ctx, subscriber)
	})
	return act, err
}

// UndoWindow is how long an end can be undone.
const UndoWindow = 30 * 24 * time.Hour

// Undo renews what an act of [Store.End] ended: the subscriptions go on from
// now. An act that is too old, unknown or undone already is a not-found error.
func (s *Store) Undo(ctx context.Context, subscriber, act int64) error {
	return s.write(ctx, func(t *tx) error {
		var list string
		err := t.get(ctx, &list, `SELECT subscriptions FROM hearback_end WHERE id = ? AND subscriber = ? AND undone_at = 0 AND at > ?`, act, subscriber, t.now-UndoWindow.Microseconds())
		if err != nil {
			return notFound(err, "end to undo", fmt.Sprint(act))
		}
		var row subscriberRow
		if err := t.get(ctx, &row, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, subscriber); err != nil {
			return notFound(err, "subscriber", fmt.Sprint(subscriber))
		}
		if err := t.lockBucket(ctx, row.Bucket); err != nil {
			return err
		}
		head, err := t.head(ctx)
		if err != nil {
			return err
		}
		site, err := s.Site(row.Site)
		if err != nil {
			return err
		}
		if err := t.renew(ctx, site, &row, list, head); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET ended_at = 0, ended_by = '' WHERE id = ?`, subscriber); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE hearback_end SET undone_at = ? WHERE id = ?`, t.now, act); err != nil {
			return err
		}
		return t.touch(ctx, subscriber)
	})
}

// renew makes ended subscriptions live again from head on. Their cadence may
// have gone and their reader's zone changed meanwhile. The list was written by
// End: digits and commas only.
func (t *tx) renew(ctx context.Context, site dispatcher.Site, sub *subscriberRow, list string, head int64) error {
	if list == "" {
		return nil
	}
	var rows []subscriptionRow
	if err := t.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? AND ended_at > 0 AND id IN (`+list+`) ORDER BY id`, sub.ID); err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		if r.OwnSchedule && dispatcher.CodeOf(t.checkSchedule(ctx, r.Schedule)) == dispatcher.CodeInvalid {
			r.OwnSchedule = false
		}
		if !r.OwnSchedule {
			r.Schedule, _ = effective(site, sub, "")
		}
		zone, err := t.chainZone(ctx, site, sub, r.Schedule)
		if err != nil {
			return err
		}
		if err := t.ensureChain(ctx, r.Schedule, zone); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE hearback_subscription SET ended_at = 0, ended_by = '', since = ?, schedule = ?, own_schedule = ?, zone = ? WHERE id = ?`,
			head, r.Schedule, r.OwnSchedule, zone, r.ID); err != nil {
			return err
		}
	}
	return nil
}
