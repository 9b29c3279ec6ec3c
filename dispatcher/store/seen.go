package store

import (
	"context"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Seen is how far a reader has read a thread on the site.
type Seen struct {
	Thread dispatcher.Key
	Upto   time.Time
}

// Seen lists how far a reader has read which threads.
func (s *Store) Seen(ctx context.Context, subscriber int64) ([]Seen, error) {
	var rows []struct {
		Thread int64 `db:"thread_key"`
		Upto   int64 `db:"upto"`
	}
	if err := s.all(ctx, &rows, `SELECT thread_key, upto FROM hearback_read WHERE subscriber = ? ORDER BY upto, thread_key`, subscriber); err != nil {
		return nil, err
	}
	out := make([]Seen, len(rows))
	for i, r := range rows {
		out[i] = Seen{dispatcher.Key(r.Thread), fromMicros(r.Upto)}
	}
	return out, nil
}
