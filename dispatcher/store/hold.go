package store

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
)

// Holds lists all readers who are held now, by number of subscriber.
func (s *Store) Holds(ctx context.Context) ([]dispatcher.Hold, error) {
	var out []dispatcher.Hold
	rows, err := s.read.QueryContext(ctx, `SELECT subscriber, schedule, thread, from_position, not_before, reason, since FROM hearback_hold ORDER BY subscriber, schedule, thread`)
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
