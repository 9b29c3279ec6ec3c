package store

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
)

// Holds lists all readers who are held now, by number of subscriber.
func (s *Store) Holds(ctx context.Context) ([]dispatcher.Hold, error) { return s.holds(ctx, "") }

// HoldsOf lists the holds of one subscriber.
func (s *Store) HoldsOf(ctx context.Context, subscriber int64) ([]dispatcher.Hold, error) {
	return s.holds(ctx, ` WHERE subscriber = ?`, subscriber)
}

func (s *Store) holds(ctx context.Context, where string, args ...any) ([]dispatcher.Hold, error) {
	var out []dispatcher.Hold
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT subscriber, schedule, thread, from_position, not_before, reason, since FROM hearback_hold`+where+` ORDER BY subscriber, schedule, thread`), args...)
	var h dispatcher.Hold
	var notBefore, since int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&h.Subscriber, &h.Schedule, &h.Thread, &h.From, &notBefore, &h.Reason, &since); err != nil {
			return err
		}
		h.NotBefore, h.Since = fromMicros(notBefore), fromMicros(since)
		out = append(out, h)
		return nil
	})
	return out, ctxErr(ctx, err)
}
