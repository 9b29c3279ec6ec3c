package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// SignUp is what somebody asked for with a form, before anybody has shown that
// the address is theirs.
type SignUp struct {
	Email    string // as typed
	Target   dispatcher.Target
	Schedule string // "" for the reader's or the site's
	Locale   string // of the page; counts for a reader who is new
}

// maxWaiting is how many sign-ups of one reader wait at most; the newest count.
const maxWaiting = 20

// signUpPrefix begins the ids of readers whom no site has told of.
const signUpPrefix = "signup:"

// SignUp records what was asked for and queues the confirm mail, at most one a
// day until the address is confirmed. Nothing else of a known reader is
// touched, and the same statements run for a known and an unknown address, so
// that neither the answer nor its time tells which it was.
func (s *Store) SignUp(ctx context.Context, site string, in SignUp) error {
	if _, err := s.Site(site); err != nil {
		return err
	}
	if err := in.Target.Validate(); err != nil {
		return err
	}
	sent, addr, err := address.Parse(in.Email)
	if err != nil {
		return err
	}
	id := signUpPrefix + rand.Text()
	err = s.write(ctx, func(t *tx) error {
		if in.Schedule != "" {
			if err := t.checkSchedule(ctx, in.Schedule); err != nil {
				return err
			}
		}
		row, err := t.findOrAdd(ctx, site, sent, addr, in.Locale, id)
		if err != nil {
			return err
		}
		if err := t.putSignUp(ctx, row.ID, in); err != nil {
			return err
		}
		return t.askToConfirm(ctx, &row)
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return err
}

// findOrAdd gives the subscriber of an address, made now if need be. Every
// statement runs in both cases.
func (t *tx) findOrAdd(ctx context.Context, site, email, addr, locale, id string) (subscriberRow, error) {
	var row subscriberRow
	bucket := dispatcher.BucketOf(site, addr)
	if err := t.lockBucket(ctx, bucket); err != nil {
		return row, err
	}
	left, by, err := t.leftAt(ctx, site, addr)
	if err != nil {
		return row, err
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_subscriber (site, bucket, email, address, name, locale, zone, schedule, quiet, paused_until,
			confirmed_at, confirm_sent, revision, generation, ended_at, ended_by, created_at)
		VALUES (?, ?, ?, ?, '', ?, '', '', '', 0, 0, 0, 1, 1, ?, ?, ?) ON CONFLICT (site, address) DO NOTHING`,
		site, bucket, email, addr, locale, left, by, t.now); err != nil {
		return row, err
	}
	if err := t.get(ctx, &row, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE site = ? AND address = ?`, site, addr); err != nil {
		return row, err
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_subscriber_id (site, external_id, subscriber) SELECT site, ?, id FROM hearback_subscriber
		WHERE id = ? AND NOT EXISTS (SELECT 1 FROM hearback_subscriber_id WHERE subscriber = ?)`, id, row.ID, row.ID); err != nil {
		return row, err
	}
	_, err = t.exec(ctx, `INSERT INTO hearback_identity (subscriber, key, author_id) VALUES (?, ?, '') ON CONFLICT (subscriber, key) DO NOTHING`,
		row.ID, int64(dispatcher.AddressKey(site, addr)))
	return row, err
}

// putSignUp writes what was asked for. Asked for twice, it counts from the
// first time on, unless that has lapsed.
func (t *tx) putSignUp(ctx context.Context, subscriber int64, in SignUp) error {
	head, err := t.head(ctx)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_signup (subscriber, target_type, target_id, depth, schedule, since, asked_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (subscriber, target_type, target_id) DO UPDATE SET depth = excluded.depth, schedule = excluded.schedule, asked_at = excluded.asked_at,
			since = CASE WHEN hearback_signup.asked_at < ? THEN excluded.since ELSE hearback_signup.since END`,
		subscriber, string(in.Target.Type), in.Target.ID, string(in.Target.Depth), in.Schedule, head, t.now, t.now-dispatcher.ConfirmWindow.Microseconds()); err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM hearback_signup WHERE subscriber = ? AND asked_at < (
		SELECT min(asked_at) FROM (SELECT asked_at FROM hearback_signup WHERE subscriber = ? ORDER BY asked_at DESC LIMIT ?) AS newest)`, subscriber, subscriber, maxWaiting)
	return err
}

type signUpRow struct {
	TargetType string `db:"target_type"`
	TargetID   string `db:"target_id"`
	Depth      string `db:"depth"`
	Schedule   string `db:"schedule"`
	Since      int64  `db:"since"`
	AskedAt    int64  `db:"asked_at"`
}

func (r *signUpRow) target() dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetType(r.TargetType), ID: r.TargetID, Depth: dispatcher.Depth(r.Depth)}
}

// waiting gives a reader's sign-ups that have not lapsed, oldest first.
func (t *tx) waiting(ctx context.Context, subscriber int64) ([]signUpRow, error) {
	var rows []signUpRow
	err := t.all(ctx, &rows, `SELECT target_type, target_id, depth, schedule, since, asked_at FROM hearback_signup WHERE subscriber = ? AND asked_at >= ?
		ORDER BY asked_at, target_type, target_id`, subscriber, t.now-dispatcher.ConfirmWindow.Microseconds())
	return rows, err
}

// SignUps lists what waits for a reader's yes, oldest first.
func (s *Store) SignUps(ctx context.Context, subscriber int64) ([]dispatcher.Subscription, error) {
	var out []dispatcher.Subscription
	err := s.view(ctx, func(t *tx) error {
		rows, err := t.waiting(ctx, subscriber)
		for i := range rows {
			r := &rows[i]
			out = append(out, dispatcher.Subscription{Subscriber: subscriber, Target: r.target(), Schedule: r.Schedule, OwnSchedule: r.Schedule != "",
				Since: r.Since, AskedAt: fromMicros(r.AskedAt)})
		}
		return err
	})
	return out, err
}

// applySignUps makes subscriptions of a reader's sign-ups: their click is the
// consent that renews even what they had ended. Each counts from when it was
// asked for; what settled since is held for its cadence's next slot.
func (t *tx) applySignUps(ctx context.Context, site dispatcher.Site, sub *subscriberRow) error {
	rows, err := t.waiting(ctx, sub.ID)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := t.applySignUp(ctx, site, sub, &rows[i]); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `DELETE FROM hearback_signup WHERE subscriber = ?`, sub.ID)
	return err
}

func (t *tx) applySignUp(ctx context.Context, site dispatcher.Site, sub *subscriberRow, r *signUpRow) error {
	in := dispatcher.EventSubscription{Target: r.target()}
	if r.Schedule != "" && t.checkSchedule(ctx, r.Schedule) == nil { // it may have gone meanwhile
		in.Schedule = r.Schedule
	}
	var have subscriptionRow
	err := t.get(ctx, &have, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE subscriber = ? AND target_type = ? AND target_id = ?`, sub.ID, r.TargetType, r.TargetID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && have.EndedAt == 0 {
		_, _, err := t.changeSubscription(ctx, site, sub, have, in)
		return err
	}
	made, err := t.beginSubscription(ctx, site, sub, have.ID, in)
	if err != nil {
		return err
	}
	sub.EndedAt = 0
	since := max(r.Since, have.Since)
	if _, err := t.exec(ctx, `UPDATE hearback_subscription SET since = ?, asked_at = ? WHERE id = ?`, since, r.AskedAt, made.ID); err != nil {
		return err
	}
	return t.holdFrom(ctx, sub, made.Schedule, made.Zone, since, dispatcher.HoldConfirmed)
}

// purgeSignUps forgets what lapsed.
func purgeSignUps(ctx context.Context, t *tx, before int64) (int64, error) {
	return t.exec(ctx, `DELETE FROM hearback_signup WHERE (subscriber, target_type, target_id) IN (
		SELECT subscriber, target_type, target_id FROM hearback_signup WHERE asked_at < ? ORDER BY asked_at LIMIT ?)`, before, purgeStep)
}

// purgeStrangers forgets addresses that were typed into a form and never
// confirmed, and whom no site has told of.
func purgeStrangers(ctx context.Context, t *tx, before int64) (int64, error) {
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT s.id FROM hearback_subscriber s WHERE s.confirmed_at = 0 AND s.created_at < ?
		AND NOT EXISTS (SELECT 1 FROM hearback_subscriber_id i WHERE i.subscriber = s.id AND i.external_id NOT LIKE '`+signUpPrefix+`%')
		AND NOT EXISTS (SELECT 1 FROM hearback_subscription u WHERE u.subscriber = s.id)
		AND NOT EXISTS (SELECT 1 FROM hearback_signup w WHERE w.subscriber = s.id)
		ORDER BY s.created_at LIMIT ?`, before, purgeStep); err != nil || len(ids) == 0 {
		return 0, err
	}
	for _, q := range []string{
		`DELETE FROM hearback_identity WHERE subscriber IN `, `DELETE FROM hearback_subscriber_id WHERE subscriber IN `,
		`UPDATE hearback_message SET address = '', data = '' WHERE subscriber IN `,
	} {
		if _, err := t.exec(ctx, q+ints(ids)); err != nil {
			return 0, err
		}
	}
	return t.exec(ctx, `DELETE FROM hearback_subscriber WHERE id IN `+ints(ids))
}
