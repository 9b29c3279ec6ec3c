package subscribe

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// SetSubscribers is [Desk.SetSubscriber] for many, committed at once. What is
// wrong with one keeps none of the others back.
func (d *Desk) SetSubscribers(ctx context.Context, site string, c Caller, in []dispatcher.EventSubscriber) ([]store.Upserted, error) {
	return checked(d, in, func(s *dispatcher.EventSubscriber) *dispatcher.Consent { return s.Consent },
		func(good []dispatcher.EventSubscriber) ([]store.Upserted, error) {
			return d.store.SetSubscribers(ctx, site, good, c.Vouch)
		})
}

// SubscribeMany is [Desk.Subscribe] for many, committed at once. What is wrong
// with one keeps none of the others back.
func (d *Desk) SubscribeMany(ctx context.Context, site string, c Caller, in []dispatcher.EventSubscription) ([]store.Upserted, error) {
	return checked(d, in, func(s *dispatcher.EventSubscription) *dispatcher.Consent { return s.Consent },
		func(good []dispatcher.EventSubscription) ([]store.Upserted, error) {
			return d.store.SetSubscriptions(ctx, site, good, c.Vouch)
		})
}

// checked puts those whose consent can be one, and gives the outcomes of all in
// their order.
func checked[T any](d *Desk, in []T, consent func(*T) *dispatcher.Consent, put func([]T) ([]store.Upserted, error)) ([]store.Upserted, error) {
	out := make([]store.Upserted, len(in))
	good, at := make([]T, 0, len(in)), make([]int, 0, len(in))
	for i := range in {
		if out[i].Err = d.checkConsent(consent(&in[i])); out[i].Err == nil {
			good, at = append(good, in[i]), append(at, i)
		}
	}
	if len(good) == 0 {
		return out, nil
	}
	done, err := put(good)
	for i := range done {
		out[at[i]] = done[i]
	}
	return out, err
}
