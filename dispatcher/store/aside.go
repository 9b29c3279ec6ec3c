package store

import (
	"context"
	"slices"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// applyReader brings an event that tells of a reader to their rows.
func (b *batch) applyReader(ctx context.Context, e *dispatcher.Event, vouch bool) error {
	if e.Type == dispatcher.ThreadRead {
		err := b.t.read(ctx, e.Site, e.Reader, dispatcher.ThreadKey(e.Site, e.Thread.ID), micros(e.Time))
		if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
			return nil // somebody without a subscription read it: nothing would be mailed to them anyway
		}
		return err
	}
	site, err := b.s.Site(e.Site)
	if err != nil {
		return err
	}
	switch e.Type {
	case dispatcher.SubscriberSet:
		_, _, err = b.t.setSubscriber(ctx, site, *e.Subscriber, vouch)
	case dispatcher.SubscriptionSet:
		_, _, err = b.t.setSubscription(ctx, site, *e.Subscription, vouch)
	default:
		err = b.t.endByID(ctx, e.Site, *e.Subscription, dispatcher.EndedBySite)
	}
	return err
}

// aside runs f so that a refusal of the domain leaves nothing of it behind,
// while the transaction goes on.
func (t *tx) aside(ctx context.Context, f func() error) error {
	if _, err := t.ExecContext(ctx, `SAVEPOINT aside`); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = t.ExecContext(ctx, `RELEASE SAVEPOINT aside`)
		return err
	}
	if dispatcher.CodeOf(err) == dispatcher.CodeInternal {
		return err // all of the transaction goes
	}
	if _, rerr := t.ExecContext(ctx, `ROLLBACK TO SAVEPOINT aside`); rerr != nil {
		return rerr
	}
	return err
}

// lockReaders locks the buckets of all readers that a batch tells of, in
// order, as digest slices do: two who lock one by one would wait for each
// other.
func (b *batch) lockReaders(ctx context.Context, arrivals []arrival) error {
	var buckets []int64
	ids := map[string][]any{}
	for i := range arrivals {
		e := &arrivals[i].event
		switch e.Type {
		case dispatcher.ThreadRead:
			ids[e.Site] = append(ids[e.Site], e.Reader)
		case dispatcher.SubscriptionSet, dispatcher.SubscriptionEnded:
			ids[e.Site] = append(ids[e.Site], e.Subscription.Subscriber)
		case dispatcher.SubscriberSet:
			ids[e.Site] = append(ids[e.Site], e.Subscriber.ID)
			if m := e.Subscriber.Email; m != nil {
				if a := address.Normalize(*m); a != "" {
					buckets = append(buckets, int64(dispatcher.BucketOf(e.Site, a)))
				}
			}
		}
	}
	for site, list := range ids {
		for part := range slices.Chunk(list, 500) {
			var some []int64
			if err := b.t.all(ctx, &some, `SELECT DISTINCT s.bucket FROM hearback_subscriber_id i JOIN hearback_subscriber s ON s.id = i.subscriber
				WHERE i.site = ? AND i.external_id IN `+marks(1, len(part)), append([]any{site}, part...)...); err != nil {
				return err
			}
			buckets = append(buckets, some...)
		}
	}
	if len(buckets) == 0 {
		return nil
	}
	return b.t.lockBuckets(ctx, buckets)
}

// lockBuckets takes the locks of several buckets in order.
func (t *tx) lockBuckets(ctx context.Context, buckets []int64) error {
	var locked []int64
	return t.all(ctx, &locked, `SELECT bucket FROM hearback_bucket WHERE bucket IN `+ints(buckets)+` ORDER BY bucket`+t.d.forUpdate())
}

// forget lets an event id be used again; "" is none.
func (t *tx) forget(ctx context.Context, site, eventID string) error {
	if eventID == "" {
		return nil
	}
	_, err := t.exec(ctx, `DELETE FROM hearback_event WHERE site = ? AND event_id = ?`, site, eventID)
	return err
}

// loadErased reads which authors of the arrivals were erased: their names
// never come back with a later event.
func (b *batch) loadErased(ctx context.Context, authors map[string][]any) error {
	for site, ids := range authors {
		for part := range slices.Chunk(ids, 500) {
			var erased []string
			if err := b.t.all(ctx, &erased, `SELECT external_id FROM hearback_author WHERE site = ? AND erased_at > 0 AND external_id IN `+marks(1, len(part)),
				append([]any{site}, part...)...); err != nil {
				return err
			}
			for _, id := range erased {
				if b.erased == nil {
					b.erased = map[siteID]bool{}
				}
				b.erased[siteID{site, id}] = true
			}
		}
	}
	return nil
}
