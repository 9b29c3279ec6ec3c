package store

import (
	"context"
	"time"
)

// tryPause parts two series of attempts: no wait between two of one series is
// as long, and what an admin sends again begins another.
const tryPause = 12 * time.Hour

// TryingSince gives when the message's present series of attempts began, zero
// when it was never tried.
func (s *Store) TryingSince(ctx context.Context, message int64) (time.Time, error) {
	var at []int64
	if err := s.all(ctx, &at, `SELECT at FROM hearback_attempt WHERE message = ? ORDER BY at DESC`, message); err != nil || len(at) == 0 {
		return time.Time{}, err
	}
	began := at[0]
	if s.clock.Now().Sub(fromMicros(began)) >= tryPause {
		return time.Time{}, nil
	}
	for _, a := range at[1:] {
		if began-a >= tryPause.Microseconds() {
			break
		}
		began = a
	}
	return fromMicros(began), nil
}
