package store

import (
	"context"
	"fmt"

	"github.com/hearback/hearback/dispatcher"
)

// Rejected gives one rejected event.
func (s *Store) Rejected(ctx context.Context, id int64) (RejectedEvent, error) {
	list, err := s.RejectedEvents(ctx, "", id+1, 1)
	if err != nil {
		return RejectedEvent{}, fmt.Errorf("read a rejected event: %w", err)
	}
	if len(list) == 0 || list[0].ID != id {
		return RejectedEvent{}, dispatcher.NotFound("rejected event", fmt.Sprint(id))
	}
	return list[0], nil
}

// DiscardRejected forgets rejected events of a site ("" for any). It gives how
// many.
func (s *Store) DiscardRejected(ctx context.Context, site string, ids []int64) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	var n int64
	err := s.write(ctx, func(t *tx) error {
		var err error
		n, err = t.exec(ctx, `DELETE FROM hearback_inbox_rejected WHERE id IN `+ints(ids)+` AND (? = '' OR site = ?)`, site, site)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("discard rejected events: %w", err)
	}
	return int(n), nil
}
