package store

import (
	"context"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Record is one thing of a site that moves here from elsewhere. One of its
// pointers is set.
type Record struct {
	Subscriber   *dispatcher.EventSubscriber
	Subscription *dispatcher.EventSubscription // or a mute
	Suppression  *Suppression
	// EndedAt is when the subscription ended, or when the subscriber ended
	// everything; zero when they did not. EndedBy says who ended the
	// subscription.
	EndedAt time.Time
	EndedBy dispatcher.EndedBy
}

// Import takes records in, a batch in one transaction, and mails nobody: who
// has not confirmed an address is not asked, and a subscription begins now.
// What ended stays ended, and what a reader ended here is not renewed. What is
// wrong with one record keeps none of the others back. A dry run says what
// would become of them and changes nothing.
func (s *Store) Import(ctx context.Context, site string, in []Record, dry bool) ([]Upserted, error) {
	cfg, err := s.Site(site)
	if err != nil {
		return nil, err
	}
	ids, addresses := make([]string, len(in)), []string{}
	for i, r := range in {
		switch {
		case r.Subscription != nil:
			ids[i] = r.Subscription.Subscriber
		case r.Subscriber != nil:
			ids[i] = r.Subscriber.ID
			if r.Subscriber.Email != nil {
				addresses = append(addresses, *r.Subscriber.Email)
			}
		}
	}
	return s.many(ctx, dry, site, ids, addresses, nil, func(t *tx, i int) (Upserted, error) { return t.take(ctx, cfg, &in[i]) })
}

func (t *tx) take(ctx context.Context, site dispatcher.Site, r *Record) (Upserted, error) {
	switch {
	case r.Suppression != nil:
		p := *r.Suppression
		p.Site = site.Key
		var known int
		if err := t.get(ctx, &known, `SELECT count(*) FROM hearback_suppression WHERE site = ? AND address = ?`, p.Site, p.Address); err != nil {
			return Upserted{}, err
		}
		return Upserted{ID: p.Address, Created: known == 0}, t.suppress(ctx, p)
	case r.Subscription != nil && r.Subscription.Mute:
		return t.setMute(ctx, site, *r.Subscription, true)
	case r.Subscription != nil:
		return t.takeSubscription(ctx, site, r)
	}
	row, created, err := t.setSubscriber(ctx, site, *r.Subscriber, true)
	if err == nil && !r.EndedAt.IsZero() && row.CreatedAt >= t.now { // one that was here before has a life of its own
		_, err = t.exec(ctx, `UPDATE hearback_subscriber SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at = 0`, micros(r.EndedAt), string(dispatcher.EndedByReader), row.ID)
	}
	return Upserted{ID: r.Subscriber.ID, Created: created}, err
}

func (t *tx) takeSubscription(ctx context.Context, site dispatcher.Site, r *Record) (Upserted, error) {
	// Whoever was asked a moment ago is not asked again; so nobody is.
	if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET confirm_sent = ? WHERE confirmed_at = 0 AND id = (SELECT subscriber FROM hearback_subscriber_id WHERE site = ? AND external_id = ?)`,
		t.now, site.Key, r.Subscription.Subscriber); err != nil {
		return Upserted{}, err
	}
	if !r.EndedAt.IsZero() {
		return t.takeEnded(ctx, site, r)
	}
	row, created, err := t.setSubscription(ctx, site, *r.Subscription, true)
	return Upserted{ID: strconv.FormatInt(row.ID, 10), Created: created}, err
}

// takeEnded keeps that a reader left. Where they follow the target here, they
// came back, and that stays.
func (t *tx) takeEnded(ctx context.Context, site dispatcher.Site, r *Record) (Upserted, error) {
	in := *r.Subscription
	if err := in.Target.Validate(); err != nil {
		return Upserted{}, err
	}
	sub, err := t.subscriberByID(ctx, site.Key, in.Subscriber)
	if err != nil {
		return Upserted{}, err
	}
	schedule, own := effective(site, &sub, in.Schedule)
	if in.Schedule != "" {
		if err := t.checkSchedule(ctx, in.Schedule); err != nil {
			return Upserted{}, err
		}
	}
	zone, err := t.chainZone(ctx, site, &sub, schedule)
	if err != nil {
		return Upserted{}, err
	}
	head, err := t.head(ctx)
	if err != nil {
		return Upserted{}, err
	}
	n, err := t.exec(ctx, `INSERT INTO hearback_subscription (site, bucket, subscriber, target_type, target_id, depth, target_key, schedule, own_schedule,
			zone, since, asked_at, confirmed_at, ended_at, ended_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subscriber, target_type, target_id) DO NOTHING`,
		site.Key, sub.Bucket, sub.ID, string(in.Target.Type), in.Target.ID, string(in.Target.Depth), int64(dispatcher.TargetKey(site.Key, in.Target)), schedule, own,
		zone, head, t.now, sub.ConfirmedAt, micros(r.EndedAt), string(r.EndedBy))
	return Upserted{Created: n > 0}, err
}
