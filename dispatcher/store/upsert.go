package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// Upserted is what became of one of many that were put at once.
type Upserted struct {
	ID      string // a subscriber's own id, a subscription's number
	Created bool
	Err     error // why this one was not taken; the others were
}

// SetSubscribers is [Store.SetSubscriber] for many in one transaction. What is
// wrong with one of them keeps none of the others back.
func (s *Store) SetSubscribers(ctx context.Context, site string, in []dispatcher.EventSubscriber, vouch bool) ([]Upserted, error) {
	cfg, err := s.Site(site)
	if err != nil {
		return nil, err
	}
	ids, addresses := make([]string, 0, len(in)), []string{}
	for i := range in {
		ids = append(ids, in[i].ID)
		if in[i].Email != nil {
			addresses = append(addresses, *in[i].Email)
		}
	}
	addNew := func(t *tx) ([]bool, error) { return t.addNew(ctx, cfg, in, vouch) }
	return s.many(ctx, false, site, ids, addresses, addNew, func(t *tx, i int) (Upserted, error) {
		_, created, err := t.setSubscriber(ctx, cfg, in[i], vouch)
		return Upserted{ID: in[i].ID, Created: created}, err
	})
}

// SetSubscriptions is [Store.SetSubscription] for many in one transaction. What
// is wrong with one of them keeps none of the others back.
func (s *Store) SetSubscriptions(ctx context.Context, site string, in []dispatcher.EventSubscription, vouch bool) ([]Upserted, error) {
	cfg, err := s.Site(site)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in))
	for i := range in {
		ids[i] = in[i].Subscriber
	}
	return s.many(ctx, false, site, ids, nil, nil, func(t *tx, i int) (Upserted, error) {
		if in[i].Mute {
			return t.setMute(ctx, cfg, in[i], vouch)
		}
		row, created, err := t.setSubscription(ctx, cfg, in[i], vouch)
		return Upserted{ID: strconv.FormatInt(row.ID, 10), Created: created}, err
	})
}

// setMute makes a mute and says whether it is new.
func (t *tx) setMute(ctx context.Context, site dispatcher.Site, in dispatcher.EventSubscription, vouch bool) (Upserted, error) {
	var before, after int
	const count = `SELECT count(*) FROM hearback_mute WHERE subscriber = (SELECT subscriber FROM hearback_subscriber_id WHERE site = ? AND external_id = ?)`
	if err := t.get(ctx, &before, count, site.Key, in.Subscriber); err != nil {
		return Upserted{}, err
	}
	if _, _, err := t.setSubscription(ctx, site, in, vouch); err != nil {
		return Upserted{}, err
	}
	err := t.get(ctx, &after, count, site.Key, in.Subscriber)
	return Upserted{Created: after > before}, err
}

// errDry ends a dry run.
var errDry = errors.New("a dry run")

// oneFailed ends a try at many at once in which one was at fault.
type oneFailed struct{ error }

// many puts a batch in one transaction. It is tried as if nothing were wrong
// with any; only when something is, each gets a savepoint of its own. ids and
// addresses name the subscribers that are concerned: their buckets are locked
// first and in order, as digests lock them. addNew, which may be nil, makes
// those that are new at once and says which. A dry run takes all of it back.
func (s *Store) many(ctx context.Context, dry bool, site string, ids, addresses []string, addNew func(*tx) ([]bool, error), put func(t *tx, i int) (Upserted, error)) ([]Upserted, error) {
	out := make([]Upserted, len(ids))
	together := addNew != nil
	run := func(each func(t *tx, i int) error) error {
		return s.write(ctx, func(t *tx) error {
			if err := t.lockOwners(ctx, site, ids, addresses); err != nil {
				return err
			}
			done := make([]bool, len(ids))
			if together {
				var err error
				if done, err = addNew(t); err != nil {
					if s.atFault(err) {
						together = false
						return oneFailed{err}
					}
					return err
				}
			}
			for i := range ids {
				if done[i] {
					out[i] = Upserted{ID: ids[i], Created: true}
				} else if err := each(t, i); err != nil {
					return err
				}
			}
			if dry {
				return errDry
			}
			return nil
		})
	}
	err := run(func(t *tx, i int) (err error) {
		if out[i], err = put(t, i); err != nil && s.atFault(err) {
			return oneFailed{err}
		}
		return err
	})
	var one oneFailed
	if errors.As(err, &one) {
		err = run(func(t *tx, i int) error {
			return t.apart(ctx, s, &out[i], func() (Upserted, error) { return put(t, i) })
		})
	}
	if errors.Is(err, errDry) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("put %d at once: %w", len(ids), err)
	}
	s.hints.Hint(TopicMessage)
	return out, nil
}

// atFault says that the error is the input's, and not the database's or the
// moment's.
func (s *Store) atFault(err error) bool {
	switch dispatcher.CodeOf(err) {
	case dispatcher.CodeUnavailable:
		return false
	case dispatcher.CodeInternal:
		return s.d.refused(err)
	}
	return true
}

// apart puts one in a savepoint. What is wrong with it is its outcome.
func (t *tx) apart(ctx context.Context, s *Store, out *Upserted, put func() (Upserted, error)) error {
	if _, err := t.exec(ctx, "SAVEPOINT one"); err != nil {
		return err
	}
	var err error
	if *out, err = put(); err == nil {
		_, err = t.exec(ctx, "RELEASE SAVEPOINT one")
		return err
	}
	if !s.atFault(err) {
		return err
	}
	if s.d.refused(err) {
		err = &dispatcher.Error{Code: dispatcher.CodeInvalid, Message: "the database cannot keep this", Mend: "look for unusual characters"}
	}
	*out = Upserted{ID: out.ID, Err: err}
	clear(t.chains) // one that it began goes with it
	_, err = t.exec(ctx, "ROLLBACK TO SAVEPOINT one")
	return err
}

// lockOwners locks the buckets of subscribers in order. What cannot be an
// address is told where it is looked at.
func (t *tx) lockOwners(ctx context.Context, site string, ids, addresses []string) error {
	var buckets []int64
	for _, a := range addresses {
		if _, normal, err := address.Parse(a); err == nil {
			buckets = append(buckets, int64(dispatcher.BucketOf(site, normal)))
		}
	}
	args := []any{site}
	for _, id := range ids {
		args = append(args, id)
	}
	var known []int64
	if err := t.all(ctx, &known, `SELECT DISTINCT bucket FROM hearback_subscriber WHERE id IN
		(SELECT subscriber FROM hearback_subscriber_id WHERE site = ? AND external_id IN `+marks(1, len(ids))+`)`, args...); err != nil {
		return err
	}
	buckets = append(buckets, known...)
	if err := t.lockBuckets(ctx, buckets); err != nil {
		return err
	}
	t.chains = map[[2]string]bool{}
	t.held = make(map[int64]bool, len(buckets)) // not those of a savepoint, which may be rolled back with it
	for _, b := range buckets {
		t.held[b] = true
	}
	return nil
}
