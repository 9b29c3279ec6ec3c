package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

type subscriptionRow struct {
	ID          int64  `db:"id"`
	Site        string `db:"site"`
	Bucket      int    `db:"bucket"`
	Subscriber  int64  `db:"subscriber"`
	TargetType  string `db:"target_type"`
	TargetID    string `db:"target_id"`
	Depth       string `db:"depth"`
	TargetKey   int64  `db:"target_key"`
	Schedule    string `db:"schedule"`
	OwnSchedule bool   `db:"own_schedule"`
	Zone        string `db:"zone"`
	Since       int64  `db:"since"`
	AskedAt     int64  `db:"asked_at"`
	ConfirmedAt int64  `db:"confirmed_at"`
	EndedAt     int64  `db:"ended_at"`
	EndedBy     string `db:"ended_by"`
}

const subscriptionColumns = `id, site, bucket, subscriber, target_type, target_id, depth, target_key, schedule, own_schedule, zone, since, asked_at,
	confirmed_at, ended_at, ended_by`

func (r *subscriptionRow) domain() dispatcher.Subscription {
	return dispatcher.Subscription{
		ID: r.ID, Subscriber: r.Subscriber,
		Target: dispatcher.Target{Type: dispatcher.TargetType(r.TargetType), ID: r.TargetID, Depth: dispatcher.Depth(r.Depth)},
		Key:    dispatcher.Key(r.TargetKey), Schedule: r.Schedule, OwnSchedule: r.OwnSchedule, Since: r.Since, AskedAt: fromMicros(r.AskedAt),
		ConfirmedAt: fromMicros(r.ConfirmedAt), EndedAt: fromMicros(r.EndedAt), EndedBy: dispatcher.EndedBy(r.EndedBy),
	}
}

// SetSubscription makes a subscription (or a mute), or changes the one that
// exists; created is false then. vouch allows Confirmed for an address that is
// not confirmed yet.
func (s *Store) SetSubscription(ctx context.Context, site string, in dispatcher.EventSubscription, vouch bool) (sub dispatcher.Subscription, created bool, err error) {
	cfg, err := s.Site(site)
	if err != nil {
		return sub, false, err
	}
	if err := in.Target.Validate(); err != nil {
		return sub, false, err
	}
	err = s.write(ctx, func(t *tx) error {
		row, isNew, err := t.setSubscription(ctx, cfg, in, vouch)
		sub, created = row.domain(), isNew
		return err
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return sub, created, err
}

func (t *tx) setSubscription(ctx context.Context, site dispatcher.Site, in dispatcher.EventSubscription, vouch bool) (subscriptionRow, bool, error) {
	var none subscriptionRow
	if err := in.Target.Validate(); err != nil {
		return none, false, err
	}
	sub, err := t.subscriberByID(ctx, site.Key, in.Subscriber)
	if err != nil {
		return none, false, err
	}
	if err := t.lockBucket(ctx, sub.Bucket); err != nil {
		return none, false, err
	}
	if in.Mute {
		return none, true, t.mute(ctx, &sub, in.Target)
	}
	if in.Schedule != "" {
		if err := t.checkSchedule(ctx, in.Schedule); err != nil {
			return none, false, err
		}
	}
	if err := t.mayRenew(&sub, in.Consent); err != nil {
		return none, false, err
	}
	if in.Confirmed && sub.ConfirmedAt == 0 {
		if !vouch {
			return none, false, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "confirmed", Message: "this door may not confirm an address",
				Mend: "leave confirmed out, so that the reader is asked by mail, or use a key with the right subscribers:vouch"}
		}
		if err := t.confirm(ctx, site, &sub); err != nil {
			return none, false, err
		}
	}
	var row subscriptionRow
	err = t.get(ctx, &row, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? AND target_type = ? AND target_id = ?`,
		sub.ID, string(in.Target.Type), in.Target.ID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		row = subscriptionRow{}
	case err != nil:
		return none, false, err
	case row.EndedAt == 0 && row.ConfirmedAt == 0 && row.AskedAt < t.now-dispatcher.ConfirmWindow.Microseconds():
		// It has lapsed unseen; asked for again, it begins anew.
	case row.EndedAt == 0:
		return t.changeSubscription(ctx, site, &sub, row, in)
	default:
		if by := dispatcher.EndedBy(row.EndedBy); (by == dispatcher.EndedByReader || by == dispatcher.EndedByComplaint) && !t.consents(in.Consent, row.EndedAt) {
			return none, false, endedByReader(fromMicros(row.EndedAt))
		}
	}
	row, err = t.beginSubscription(ctx, site, &sub, row.ID, in)
	return row, true, err
}

// mayRenew refuses new subscriptions of a reader who ended everything, or who
// complained, unless a later consent of theirs is brought.
func (t *tx) mayRenew(sub *subscriberRow, c *dispatcher.Consent) error {
	if sub.EndedAt == 0 || t.consents(c, sub.EndedAt) {
		return nil
	}
	return endedByReader(fromMicros(sub.EndedAt))
}

// consents says whether a consent renews what ended. One from the future is
// none: dated years ahead, it would renew whatever the reader ends till then.
func (t *tx) consents(c *dispatcher.Consent, ended int64) bool {
	return c != nil && c.Source != "" && micros(c.Time) > ended && micros(c.Time) <= t.now+dispatcher.ConsentSlack.Microseconds()
}

func endedByReader(at time.Time) error {
	return &dispatcher.Error{Code: dispatcher.CodeEnded, Field: "subscription",
		Message: "the reader ended this on " + at.Format(time.RFC3339),
		Mend:    `only the reader renews it: bring {"consent": {"time": …, "source": …}} with a time after that`}
}

// beginSubscription writes a subscription that begins now; id names an ended
// row that begins anew.
func (t *tx) beginSubscription(ctx context.Context, site dispatcher.Site, sub *subscriberRow, id int64, in dispatcher.EventSubscription) (subscriptionRow, error) {
	head, err := t.headHeld(ctx) // after the bucket's lock: no slice can have passed by unseen
	if err != nil {
		return subscriptionRow{}, err
	}
	row := subscriptionRow{ID: id, Site: site.Key, Bucket: sub.Bucket, Subscriber: sub.ID, TargetType: string(in.Target.Type), TargetID: in.Target.ID,
		Depth: string(in.Target.Depth), TargetKey: int64(dispatcher.TargetKey(site.Key, in.Target)), Since: head, AskedAt: t.now}
	row.Schedule, row.OwnSchedule = effective(site, sub, in.Schedule)
	if row.Zone, err = t.chainZone(ctx, site, sub, row.Schedule); err != nil {
		return row, err
	}
	if sub.ConfirmedAt != 0 {
		row.ConfirmedAt = t.now
	}
	if err := t.get(ctx, &row.ID, `INSERT INTO hearback_subscription (site, bucket, subscriber, target_type, target_id, depth, target_key, schedule, own_schedule,
			zone, since, asked_at, confirmed_at, ended_at, ended_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')
		ON CONFLICT (subscriber, target_type, target_id) DO UPDATE SET depth = excluded.depth, schedule = excluded.schedule, own_schedule = excluded.own_schedule,
			zone = excluded.zone, since = excluded.since, asked_at = excluded.asked_at, confirmed_at = excluded.confirmed_at, ended_at = 0, ended_by = ''
		RETURNING id`,
		row.Site, row.Bucket, row.Subscriber, row.TargetType, row.TargetID, row.Depth, row.TargetKey, row.Schedule, row.OwnSchedule, row.Zone,
		row.Since, row.AskedAt, row.ConfirmedAt); err != nil {
		return row, err
	}
	if err := t.ensureChain(ctx, row.Schedule, row.Zone); err != nil {
		return row, err
	}
	if sub.EndedAt != 0 { // a consent came: the end of everything is over
		if err := t.returned(ctx, sub); err != nil {
			return row, err
		}
	}
	if sub.ConfirmedAt == 0 {
		if err := t.askToConfirm(ctx, sub); err != nil {
			return row, err
		}
	}
	return row, t.touch(ctx, sub.ID)
}

// effective gives the cadence that counts: the subscription's own, else the
// subscriber's, else the site's.
func effective(site dispatcher.Site, sub *subscriberRow, own string) (schedule string, isOwn bool) {
	switch {
	case own != "":
		return own, true
	case sub.Schedule != "":
		return sub.Schedule, false
	case site.Schedule != "":
		return site.Schedule, false
	}
	return dispatcher.Immediate, false
}

// changeSubscription sets cadence and depth of a live subscription.
func (t *tx) changeSubscription(ctx context.Context, site dispatcher.Site, sub *subscriberRow, row subscriptionRow, in dispatcher.EventSubscription) (subscriptionRow, bool, error) {
	if in.Target.Type == dispatcher.TargetReplies && row.Depth != string(in.Target.Depth) {
		row.Depth = string(in.Target.Depth)
		if _, err := t.exec(ctx, `UPDATE hearback_subscription SET depth = ? WHERE id = ?`, row.Depth, row.ID); err != nil {
			return row, false, err
		}
	}
	if in.Schedule != "" && (in.Schedule != row.Schedule || !row.OwnSchedule) {
		if err := t.moveSubscription(ctx, site, sub, &row, in.Schedule, true); err != nil {
			return row, false, err
		}
	}
	if row.ConfirmedAt == 0 {
		if err := t.askToConfirm(ctx, sub); err != nil {
			return row, false, err
		}
	}
	return row, false, t.touch(ctx, sub.ID)
}

// moveSubscription puts a subscription on another chain. What settled since
// the old chain's last finished slot is held for the new chain's next one.
func (t *tx) moveSubscription(ctx context.Context, site dispatcher.Site, sub *subscriberRow, row *subscriptionRow, schedule string, own bool) error {
	zone, err := t.chainZone(ctx, site, sub, schedule)
	if err != nil {
		return err
	}
	if schedule == row.Schedule && zone == row.Zone {
		row.OwnSchedule = own
		_, err := t.exec(ctx, `UPDATE hearback_subscription SET own_schedule = ? WHERE id = ?`, own, row.ID)
		return err
	}
	if err := t.ensureChain(ctx, schedule, zone); err != nil {
		return err
	}
	if row.ConfirmedAt != 0 {
		from, err := t.servedUpto(ctx, sub.ID, row)
		if err != nil {
			return err
		}
		if err := t.holdFrom(ctx, sub, schedule, zone, from, dispatcher.HoldChanged); err != nil {
			return err
		}
	}
	old := *row
	row.Schedule, row.Zone, row.OwnSchedule = schedule, zone, own
	if _, err := t.exec(ctx, `UPDATE hearback_subscription SET schedule = ?, zone = ?, own_schedule = ? WHERE id = ?`, schedule, zone, own, row.ID); err != nil {
		return err
	}
	if old.Schedule == schedule { // another zone: the holds go with the reader
		return nil
	}
	// A hold without a subscription left on its schedule has nobody to serve.
	_, err = t.exec(ctx, `DELETE FROM hearback_hold WHERE subscriber = ? AND schedule = ? AND NOT EXISTS (
		SELECT 1 FROM hearback_subscription s WHERE s.subscriber = hearback_hold.subscriber AND s.schedule = hearback_hold.schedule AND s.ended_at = 0)`, sub.ID, old.Schedule)
	return err
}

// servedUpto is the position up to which the chain of a subscription has
// served its reader for sure: before unfinished slots and open holds.
func (t *tx) servedUpto(ctx context.Context, subscriber int64, row *subscriptionRow) (int64, error) {
	var upto *int64
	if err := t.get(ctx, &upto, `SELECT min(p) FROM (
			SELECT last_upto AS p FROM hearback_chain WHERE schedule = ? AND zone = ?
			UNION ALL SELECT from_position FROM hearback_slot WHERE schedule = ? AND zone = ? AND done_at = 0
			UNION ALL SELECT from_position FROM hearback_hold WHERE schedule = ? AND subscriber = ?) AS served`,
		row.Schedule, row.Zone, row.Schedule, row.Zone, row.Schedule, subscriber); err != nil {
		return 0, err
	}
	if upto == nil {
		return row.Since, nil
	}
	return max(*upto, row.Since), nil
}

// rechain moves a subscriber's subscriptions after their zone or default
// cadence changed.
func (t *tx) rechain(ctx context.Context, site dispatcher.Site, sub *subscriberRow) error {
	var rows []subscriptionRow
	if err := t.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? AND ended_at = 0 ORDER BY id`, sub.ID); err != nil {
		return err
	}
	for i := range rows {
		schedule, own := rows[i].Schedule, rows[i].OwnSchedule
		if !own {
			schedule, _ = effective(site, sub, "")
		}
		if err := t.moveSubscription(ctx, site, sub, &rows[i], schedule, own); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) mute(ctx context.Context, sub *subscriberRow, target dispatcher.Target) error {
	if target.Type != dispatcher.TargetThread && target.Type != dispatcher.TargetAuthor {
		return dispatcher.Invalid("target.type", "use thread or author", "only a thread or an author can be muted")
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_mute (subscriber, target_key, target_type, target_id, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (subscriber, target_key) DO NOTHING`,
		sub.ID, int64(dispatcher.TargetKey(sub.Site, target)), string(target.Type), target.ID, t.now); err != nil {
		return err
	}
	return t.touch(ctx, sub.ID)
}

// Subscriptions lists a subscriber's subscriptions, live and ended.
func (s *Store) Subscriptions(ctx context.Context, subscriber int64) ([]dispatcher.Subscription, error) {
	var rows []subscriptionRow
	if err := s.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? ORDER BY id`, subscriber); err != nil {
		return nil, err
	}
	out := make([]dispatcher.Subscription, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// Mutes lists what a subscriber never hears of.
func (s *Store) Mutes(ctx context.Context, subscriber int64) ([]dispatcher.Mute, error) {
	var out []dispatcher.Mute
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT target_key, target_type, target_id FROM hearback_mute WHERE subscriber = ? ORDER BY created_at, target_key`), subscriber)
	m := dispatcher.Mute{Subscriber: subscriber}
	err = each(rows, err, func() error {
		if err := rows.Scan(&m.Key, &m.Target.Type, &m.Target.ID); err != nil {
			return err
		}
		out = append(out, m)
		return nil
	})
	return out, err
}
