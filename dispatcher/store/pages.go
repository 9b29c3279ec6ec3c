package store

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
)

// SubscriptionFilter chooses subscriptions of a site. Zero values choose all.
type SubscriptionFilter struct {
	Site       string
	Subscriber int64
	State      string // live, pending or ended
	After      int64  // only those with a higher number
	Limit      int
}

// OwnedSubscription is a subscription with the site's own id of its
// subscriber.
type OwnedSubscription struct {
	dispatcher.Subscription
	Owner string
}

// SubscriptionPage lists subscriptions by their numbers.
func (s *Store) SubscriptionPage(ctx context.Context, f SubscriptionFilter) ([]OwnedSubscription, error) {
	var rows []struct {
		subscriptionRow
		Owner string `db:"owner"`
	}
	if err := s.all(ctx, &rows, `SELECT `+subscriptionColumns+`, coalesce((SELECT min(external_id) FROM hearback_subscriber_id i WHERE i.subscriber = hearback_subscription.subscriber), '') AS owner
		FROM hearback_subscription
		WHERE site = ? AND (? = CAST(0 AS BIGINT) OR subscriber = ?) AND id > ?
			AND (? = '' OR ? = CASE WHEN ended_at > 0 THEN 'ended' WHEN confirmed_at = 0 THEN 'pending' ELSE 'live' END)
		ORDER BY id LIMIT ?`, f.Site, f.Subscriber, f.Subscriber, f.After, f.State, f.State, f.Limit); err != nil {
		return nil, err
	}
	out := make([]OwnedSubscription, len(rows))
	for i := range rows {
		out[i] = OwnedSubscription{rows[i].domain(), rows[i].Owner}
	}
	return out, nil
}
