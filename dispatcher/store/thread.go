package store

import "context"

// ThreadTitle gives the title of a thread by the site's own id, "" when the
// thread was never told of.
func (s *Store) ThreadTitle(ctx context.Context, site, id string) (string, error) {
	var titles []string
	if err := s.all(ctx, &titles, `SELECT title FROM hearback_thread WHERE site = ? AND external_id = ?`, site, id); err != nil || len(titles) == 0 {
		return "", err
	}
	return titles[0], nil
}

// ThreadNames gives the site's own ids of threads by number.
func (s *Store) ThreadNames(ctx context.Context, ids []int64) (map[int64]string, error) {
	out := map[int64]string{}
	rows, err := s.read.QueryContext(ctx, `SELECT id, external_id FROM hearback_thread WHERE id IN `+ints(ids))
	var id int64
	var name string
	return out, ctxErr(ctx, each(rows, err, func() error {
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		out[id] = name
		return nil
	}))
}
