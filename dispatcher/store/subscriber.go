package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

type subscriberRow struct {
	ID          int64  `db:"id"`
	Site        string `db:"site"`
	Bucket      int    `db:"bucket"`
	Email       string `db:"email"`
	Address     string `db:"address"`
	Name        string `db:"name"`
	Locale      string `db:"locale"`
	Zone        string `db:"zone"`
	Schedule    string `db:"schedule"`
	Quiet       string `db:"quiet"`
	PausedUntil int64  `db:"paused_until"`
	ConfirmedAt int64  `db:"confirmed_at"`
	ConfirmSent int64  `db:"confirm_sent"`
	Revision    int64  `db:"revision"`
	Generation  int64  `db:"generation"`
	EndedAt     int64  `db:"ended_at"`
	EndedBy     string `db:"ended_by"`
	CreatedAt   int64  `db:"created_at"`
}

const subscriberColumns = `id, site, bucket, email, address, name, locale, zone, schedule, quiet, paused_until, confirmed_at, confirm_sent,
	revision, generation, ended_at, ended_by, created_at`

func (r *subscriberRow) domain() dispatcher.Subscriber {
	q, _ := dispatcher.ParseQuiet(r.Quiet) // was checked when it was written
	return dispatcher.Subscriber{
		ID: r.ID, Site: r.Site, Bucket: r.Bucket, Email: r.Email, Address: r.Address, Name: r.Name, Locale: r.Locale, Zone: r.Zone,
		Schedule: r.Schedule, Quiet: q, PausedUntil: fromMicros(r.PausedUntil), ConfirmedAt: fromMicros(r.ConfirmedAt),
		Revision: r.Revision, Generation: r.Generation, EndedAt: fromMicros(r.EndedAt), CreatedAt: fromMicros(r.CreatedAt),
	}
}

// subscriberByID gives a site's subscriber by the site's own id.
func (t *tx) subscriberByID(ctx context.Context, site, id string) (subscriberRow, error) {
	var r subscriberRow
	err := t.get(ctx, &r, `SELECT `+subscriberColumns+` FROM hearback_subscriber
		WHERE id = (SELECT subscriber FROM hearback_subscriber_id WHERE site = ? AND external_id = ?)`, site, id)
	return r, notFound(err, "subscriber", id)
}

// lockBucket takes the lock that digest slices of the bucket take: what is
// written after it is seen by every slice that comes later, and no slice is
// between. It is taken before the log's head is read.
func (t *tx) lockBucket(ctx context.Context, bucket int) error {
	if t.held[int64(bucket)] {
		return nil
	}
	t.position = nil // slices may have passed while we waited
	var b int
	return t.get(ctx, &b, `SELECT bucket FROM hearback_bucket WHERE bucket = ?`+t.d.forUpdate(), bucket)
}

// touch marks that something changed that selection sees; messages selected
// before are judged again before they go out.
func (t *tx) touch(ctx context.Context, subscriber int64) error {
	_, err := t.exec(ctx, `UPDATE hearback_subscriber SET revision = revision + 1 WHERE id = ?`, subscriber)
	return err
}

// SetSubscriber makes or changes the subscriber with the site's own id; nil
// fields stay. vouch allows Confirmed. created says that the address is new.
func (s *Store) SetSubscriber(ctx context.Context, site string, in dispatcher.EventSubscriber, vouch bool) (sub dispatcher.Subscriber, created bool, err error) {
	cfg, err := s.Site(site)
	if err != nil {
		return sub, false, err
	}
	err = s.write(ctx, func(t *tx) error {
		row, isNew, err := t.setSubscriber(ctx, cfg, in, vouch)
		if err != nil {
			return err
		}
		created = isNew
		sub, err = t.subscriber(ctx, row)
		return err
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return sub, created, err
}

// Subscriber gives a subscriber by the site's own id.
func (s *Store) Subscriber(ctx context.Context, site, id string) (dispatcher.Subscriber, error) {
	var sub dispatcher.Subscriber
	err := s.view(ctx, func(t *tx) error {
		r, err := t.subscriberByID(ctx, site, id)
		if err != nil {
			return err
		}
		sub, err = t.subscriber(ctx, r)
		return err
	})
	return sub, err
}

// SubscriberByNumber gives a subscriber by Hearback's own number, as tokens
// carry it.
func (s *Store) SubscriberByNumber(ctx context.Context, id int64) (dispatcher.Subscriber, error) {
	var sub dispatcher.Subscriber
	err := s.view(ctx, func(t *tx) error {
		var r subscriberRow
		if err := t.get(ctx, &r, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, id); err != nil {
			return notFound(err, "subscriber", fmt.Sprint(id))
		}
		var err error
		sub, err = t.subscriber(ctx, r)
		return err
	})
	return sub, err
}

// view runs reads in one snapshot-like transaction that is never committed.
func (s *Store) view(ctx context.Context, f func(*tx) error) error {
	raw, err := s.read.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", s.d.explain(ctxErr(ctx, err)))
	}
	defer func() { _ = raw.Rollback() }() // nothing was written
	return ctxErr(ctx, f(&tx{Tx: raw, d: s.d, now: micros(s.clock.Now())}))
}

func (t *tx) subscriber(ctx context.Context, r subscriberRow) (dispatcher.Subscriber, error) {
	sub := r.domain()
	if err := t.all(ctx, &sub.ExternalIDs, `SELECT external_id FROM hearback_subscriber_id WHERE subscriber = ? ORDER BY external_id`, r.ID); err != nil {
		return sub, err
	}
	err := t.all(ctx, &sub.AuthorIDs, `SELECT author_id FROM hearback_identity WHERE subscriber = ? AND author_id <> '' ORDER BY author_id`, r.ID)
	return sub, err
}

func (t *tx) setSubscriber(ctx context.Context, site dispatcher.Site, in dispatcher.EventSubscriber, vouch bool) (subscriberRow, bool, error) {
	if in.ID == "" {
		return subscriberRow{}, false, dispatcher.Invalid("id", "give the site's own id of the subscriber", "is missing")
	}
	if err := t.checkSubscriber(ctx, in); err != nil {
		return subscriberRow{}, false, err
	}
	if in.Confirmed != nil && *in.Confirmed && !vouch {
		return subscriberRow{}, false, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "confirmed",
			Message: "this door may not confirm an address", Mend: "leave confirmed out, so that the reader is asked by mail, or use a key with the right subscribers:vouch"}
	}
	row, err := t.subscriberByID(ctx, site.Key, in.ID)
	switch {
	case err == nil:
		return t.changeSubscriber(ctx, site, row, in)
	case dispatcher.CodeOf(err) != dispatcher.CodeNotFound:
		return row, false, err
	}
	return t.addSubscriber(ctx, site, in)
}

func (t *tx) checkSubscriber(ctx context.Context, in dispatcher.EventSubscriber) error {
	if in.Email != nil {
		if _, _, err := address.Parse(*in.Email); err != nil {
			return err
		}
	}
	if in.Name != nil && len([]rune(*in.Name)) > dispatcher.MaxName {
		return dispatcher.Invalid("name", fmt.Sprintf("shorten it to %d characters", dispatcher.MaxName), "is too long")
	}
	if in.Zone != nil && *in.Zone != "" {
		if _, err := time.LoadLocation(*in.Zone); err != nil || *in.Zone == "Local" {
			return dispatcher.Invalid("time_zone", "use an IANA name such as Europe/Berlin", "%q is no time zone", *in.Zone)
		}
	}
	if in.Locale != nil && len(*in.Locale) > 35 {
		return dispatcher.Invalid("locale", "use a BCP 47 tag such as de or pt-BR", "is no language tag")
	}
	if in.QuietHours != nil {
		if _, err := dispatcher.ParseQuiet(*in.QuietHours); err != nil {
			return err
		}
	}
	if in.PausedTill != nil && *in.PausedTill != "" {
		if _, err := time.Parse(time.RFC3339, *in.PausedTill); err != nil {
			return dispatcher.Invalid("paused_until", "give an RFC 3339 time such as 2026-05-03T00:00:00Z", "%q is no time", *in.PausedTill)
		}
	}
	if in.AuthorIDs != nil && len(*in.AuthorIDs) > 50 {
		return dispatcher.Invalid("author_ids", "give at most 50", "are %d", len(*in.AuthorIDs))
	}
	if in.Schedule != nil && *in.Schedule != "" {
		return t.checkSchedule(ctx, *in.Schedule)
	}
	return nil
}

// addSubscriber makes the subscriber, or links the id to the one that has the
// address already.
func (t *tx) addSubscriber(ctx context.Context, site dispatcher.Site, in dispatcher.EventSubscriber) (subscriberRow, bool, error) {
	if in.Email == nil {
		return subscriberRow{}, false, dispatcher.Invalid("email", "give the subscriber's mail address", "is missing")
	}
	sent, addr, err := address.Parse(*in.Email)
	if err != nil {
		return subscriberRow{}, false, err
	}
	bucket := dispatcher.BucketOf(site.Key, addr)
	if err := t.lockBucket(ctx, bucket); err != nil {
		return subscriberRow{}, false, err
	}
	var row subscriberRow
	err = t.get(ctx, &row, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE site = ? AND address = ?`, site.Key, addr)
	if err == nil { // a second id of one person
		if err := t.linkID(ctx, site.Key, in.ID, row.ID); err != nil {
			return row, false, err
		}
		return t.changeSubscriber(ctx, site, row, in)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return row, false, err
	}
	row = subscriberRow{Site: site.Key, Bucket: bucket, Email: sent, Address: addr, Generation: 1, CreatedAt: t.now}
	if row.EndedAt, row.EndedBy, err = t.leftAt(ctx, site.Key, addr); err != nil {
		return row, false, err
	}
	if in.Confirmed != nil && *in.Confirmed {
		row.ConfirmedAt = t.now
	}
	fillSubscriber(&row, in)
	if err := t.get(ctx, &row.ID, `INSERT INTO hearback_subscriber (site, bucket, email, address, name, locale, zone, schedule, quiet, paused_until,
			confirmed_at, confirm_sent, revision, generation, ended_at, ended_by, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, 1, ?, ?, ?) RETURNING id`,
		row.Site, row.Bucket, row.Email, row.Address, row.Name, row.Locale, row.Zone, row.Schedule, row.Quiet, row.PausedUntil, row.ConfirmedAt, row.EndedAt, row.EndedBy, t.now); err != nil {
		return row, false, err
	}
	if err := t.linkID(ctx, site.Key, in.ID, row.ID); err != nil {
		return row, false, err
	}
	return row, true, t.addIdentity(ctx, &row, in.AuthorIDs)
}

// linkID gives an id that was free a moment ago to a subscriber. Whoever loses
// a race for it gets a unique violation, begins anew and finds it.
func (t *tx) linkID(ctx context.Context, site, id string, subscriber int64) error {
	_, err := t.exec(ctx, `INSERT INTO hearback_subscriber_id (site, external_id, subscriber) VALUES (?, ?, ?)`, site, id, subscriber)
	return err
}

func fillSubscriber(row *subscriberRow, in dispatcher.EventSubscriber) {
	set := func(dst *string, v *string) {
		if v != nil {
			*dst = *v
		}
	}
	set(&row.Name, in.Name)
	set(&row.Locale, in.Locale)
	set(&row.Zone, in.Zone)
	set(&row.Schedule, in.Schedule)
	set(&row.Quiet, in.QuietHours)
	if in.PausedTill != nil {
		at, _ := time.Parse(time.RFC3339, *in.PausedTill) // was checked; "" is zero
		row.PausedUntil = micros(at)
	}
}

// setIdentity replaces the author ids, unless they are nil; the address always
// counts.
func (t *tx) setIdentity(ctx context.Context, row *subscriberRow, ids *[]string) error {
	old := `DELETE FROM hearback_identity WHERE subscriber = ?`
	if ids == nil {
		old += ` AND author_id = ''`
	}
	if _, err := t.exec(ctx, old, row.ID); err != nil {
		return err
	}
	return t.addIdentity(ctx, row, ids)
}

func (t *tx) addIdentity(ctx context.Context, row *subscriberRow, ids *[]string) error {
	if ids != nil {
		for _, id := range *ids {
			if id == "" {
				continue
			}
			if _, err := t.exec(ctx, `INSERT INTO hearback_identity (subscriber, key, author_id) VALUES (?, ?, ?) ON CONFLICT (subscriber, key) DO NOTHING`,
				row.ID, int64(dispatcher.AuthorKey(row.Site, id)), id); err != nil {
				return err
			}
		}
	}
	_, err := t.exec(ctx, `INSERT INTO hearback_identity (subscriber, key, author_id) VALUES (?, ?, '')`, row.ID, int64(dispatcher.AddressKey(row.Site, row.Address)))
	return err
}

func (t *tx) changeSubscriber(ctx context.Context, site dispatcher.Site, row subscriberRow, in dispatcher.EventSubscriber) (subscriberRow, bool, error) {
	if err := t.lockBucket(ctx, row.Bucket); err != nil {
		return row, false, err
	}
	old := row
	if in.Email != nil {
		if err := t.changeAddress(ctx, &row, *in.Email); err != nil {
			return row, false, err
		}
	}
	moved := row.Address != old.Address
	fillSubscriber(&row, in)
	confirm := in.Confirmed != nil && *in.Confirmed && row.ConfirmedAt == 0
	if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET email = ?, address = ?, name = ?, locale = ?, zone = ?, schedule = ?, quiet = ?, paused_until = ?,
			confirmed_at = ?, confirm_sent = ?, generation = ?, revision = revision + 1 WHERE id = ?`,
		row.Email, row.Address, row.Name, row.Locale, row.Zone, row.Schedule, row.Quiet, row.PausedUntil, row.ConfirmedAt, row.ConfirmSent, row.Generation, row.ID); err != nil {
		return row, false, err
	}
	if in.AuthorIDs != nil || moved {
		if err := t.setIdentity(ctx, &row, in.AuthorIDs); err != nil {
			return row, false, err
		}
	}
	if row.PausedUntil < old.PausedUntil {
		if err := t.releaseHolds(ctx, row.ID, dispatcher.HoldPause, max(row.PausedUntil, t.now)); err != nil {
			return row, false, err
		}
	}
	if row.Quiet != old.Quiet {
		if err := t.releaseHolds(ctx, row.ID, dispatcher.HoldQuiet, t.now); err != nil {
			return row, false, err
		}
	}
	if row.Zone != old.Zone || row.Schedule != old.Schedule {
		if err := t.rechain(ctx, site, &row); err != nil {
			return row, false, err
		}
	}
	if moved {
		if err := t.suspend(ctx, &row, !confirm); err != nil {
			return row, false, err
		}
	}
	if confirm {
		if err := t.confirm(ctx, site, &row); err != nil {
			return row, false, err
		}
	}
	row.Revision++
	return row, false, nil
}

// releaseHolds makes the reader's holds of a reason due at a time if they were
// due later, and with a pause the mails that waited for its end.
func (t *tx) releaseHolds(ctx context.Context, subscriber int64, reason dispatcher.HoldReason, at int64) error {
	if reason == dispatcher.HoldPause {
		if _, err := t.exec(ctx, `UPDATE hearback_message SET due_at = ? WHERE subscriber = ? AND items_max > 0 AND state = 'due' AND why = 'paused' AND due_at > ?`, at, subscriber, at); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE hearback_hold SET not_before = ? WHERE subscriber = ? AND reason = ? AND not_before > ?`, at, subscriber, string(reason), at)
	return err
}

// read records that a reader saw a thread up to a time.
func (t *tx) read(ctx context.Context, site, id string, thread dispatcher.Key, upto int64) error {
	row, err := t.subscriberByID(ctx, site, id)
	if err != nil {
		return err
	}
	if err := t.lockBucket(ctx, row.Bucket); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_read (subscriber, thread_key, upto) VALUES (?, ?, ?)
		ON CONFLICT (subscriber, thread_key) DO UPDATE SET upto = CASE WHEN hearback_read.upto > excluded.upto THEN hearback_read.upto ELSE excluded.upto END`,
		row.ID, int64(thread), upto); err != nil {
		return err
	}
	return t.touch(ctx, row.ID)
}

// Subscribers lists a site's subscribers ("" for all sites) by Hearback's number
// above after, optionally those whose address or name contains the text.
func (s *Store) Subscribers(ctx context.Context, site, text string, after int64, limit int) ([]dispatcher.Subscriber, error) {
	return s.subscribers(ctx, site, text, `id > ?`, `id`, after, limit)
}

// NewestSubscribers lists the same, the newest first, below a number; 0 begins
// with the newest of all.
func (s *Store) NewestSubscribers(ctx context.Context, site, text string, before int64, limit int) ([]dispatcher.Subscriber, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return s.subscribers(ctx, site, text, `id < ?`, `id DESC`, before, limit)
}

func (s *Store) subscribers(ctx context.Context, site, text, beyond, order string, number int64, limit int) ([]dispatcher.Subscriber, error) {
	var out []dispatcher.Subscriber
	err := s.view(ctx, func(t *tx) error {
		var rows []subscriberRow
		like := "%" + likeEscape(text) + "%"
		if err := t.all(ctx, &rows, `SELECT `+subscriberColumns+` FROM hearback_subscriber
			WHERE (? = '' OR site = ?) AND `+beyond+` AND (? = '' OR address LIKE ? ESCAPE '\' OR lower(name) LIKE ? ESCAPE '\')
			ORDER BY `+order+` LIMIT ?`, site, site, number, text, like, like, limit); err != nil {
			return err
		}
		out = make([]dispatcher.Subscriber, 0, len(rows))
		for _, r := range rows {
			sub, err := t.subscriber(ctx, r)
			if err != nil {
				return err
			}
			out = append(out, sub)
		}
		return nil
	})
	return slices.Clip(out), err
}

// Erase forgets a subscriber: all rows that name them or what they did, and
// what waits to be sent. Messages and attempts keep no address.
// That somebody had left is remembered by a key that names nobody.
func (s *Store) Erase(ctx context.Context, site, id string) error {
	return s.write(ctx, func(t *tx) error {
		row, err := t.subscriberByID(ctx, site, id)
		if err != nil {
			return err
		}
		return t.erase(ctx, row, false)
	})
}

// EraseNumber forgets a subscriber, as [Store.Erase] does, by Hearback's own
// number: who signed up at a page has no id of the site.
func (s *Store) EraseNumber(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error {
		var row subscriberRow
		if err := t.get(ctx, &row, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, id); err != nil {
			return notFound(err, "subscriber", fmt.Sprint(id))
		}
		return t.erase(ctx, row, false)
	})
}

func (t *tx) erase(ctx context.Context, row subscriberRow, byReader bool) error {
	if err := t.lockBucket(ctx, row.Bucket); err != nil {
		return err
	}
	if err := t.rememberLeft(ctx, &row, byReader); err != nil {
		return err
	}
	for _, q := range []string{
		`UPDATE hearback_attempt SET text = '' WHERE message IN (SELECT id FROM hearback_message WHERE subscriber = ?)`, // servers repeat the address
		`DELETE FROM hearback_subscription WHERE subscriber = ?`, `DELETE FROM hearback_mute WHERE subscriber = ?`,
		`DELETE FROM hearback_read WHERE subscriber = ?`, `DELETE FROM hearback_hold WHERE subscriber = ?`,
		`DELETE FROM hearback_identity WHERE subscriber = ?`, `DELETE FROM hearback_end WHERE subscriber = ?`,
		`DELETE FROM hearback_subscriber_id WHERE subscriber = ?`, `DELETE FROM hearback_signup WHERE subscriber = ?`,
		`UPDATE hearback_message SET address = '', data = '' WHERE subscriber = ?`,
		`DELETE FROM hearback_subscriber WHERE id = ?`,
	} {
		if _, err := t.exec(ctx, q, row.ID); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE hearback_message SET state = ?, why = 'erased', done_at = ? WHERE subscriber = ? AND state IN ('due', 'deferred')`,
		string(dispatcher.StateCancelled), t.now, row.ID)
	return err
}
