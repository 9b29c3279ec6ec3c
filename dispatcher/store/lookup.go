package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// ThreadByNumber gives a thread by Hearback's own number, as links carry it.
func (s *Store) ThreadByNumber(ctx context.Context, id int64) (dispatcher.Thread, error) {
	var r threadRow
	err := s.get(ctx, &r, `SELECT `+threadColumns+` FROM hearback_thread WHERE id = ?`, id)
	return r.domain(), notFound(err, "thread", strconv.FormatInt(id, 10))
}

// Describe gives what is known about a target: its thread; its comment and the
// thread of that; or for an author the newest comment that carries their name.
// What was never told of comes back zero.
func (s *Store) Describe(ctx context.Context, site string, t dispatcher.Target) (dispatcher.Comment, dispatcher.Thread, error) {
	var c commentRow
	var th threadRow
	var err error
	switch t.Type {
	case dispatcher.TargetThread:
		err = s.get(ctx, &th, `SELECT `+threadColumns+` FROM hearback_thread WHERE site = ? AND external_id = ?`, site, t.ID)
	case dispatcher.TargetComment:
		if err = s.get(ctx, &c, `SELECT `+commentColumns+` FROM hearback_comment WHERE site = ? AND external_id = ?`, site, t.ID); err == nil {
			err = s.get(ctx, &th, `SELECT `+threadColumns+` FROM hearback_thread WHERE id = ?`, c.Thread)
		}
	case dispatcher.TargetAuthor:
		err = s.get(ctx, &c, `SELECT `+commentColumns+` FROM hearback_comment WHERE author_key = ? ORDER BY id DESC LIMIT 1`, int64(dispatcher.AuthorKey(site, t.ID)))
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return dispatcher.Comment{}, dispatcher.Thread{}, fmt.Errorf("describe a %s: %w", t.Type, err)
	}
	return c.domain(), th.domain(), nil
}

// LastEnd gives a reader's newest act of ending after a time that was not
// undone; act 0 says that there is none.
func (s *Store) LastEnd(ctx context.Context, subscriber int64, after time.Time) (act int64, at time.Time, err error) {
	var r struct {
		ID int64 `db:"id"`
		At int64 `db:"at"`
	}
	err = s.get(ctx, &r, `SELECT id, at FROM hearback_end WHERE subscriber = ? AND undone_at = 0 AND at > ? ORDER BY id DESC LIMIT 1`, subscriber, micros(after))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	return r.ID, fromMicros(r.At), err
}

// SubscriptionByNumber gives one subscription of a site, live or ended.
func (s *Store) SubscriptionByNumber(ctx context.Context, site string, id int64) (dispatcher.Subscription, error) {
	var r subscriptionRow
	err := s.get(ctx, &r, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE site = ? AND id = ?`, site, id)
	return r.domain(), notFound(err, "subscription", strconv.FormatInt(id, 10))
}

// Remembered says which event ids of a site were seen before.
func (s *Store) Remembered(ctx context.Context, site string, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	if len(ids) == 0 {
		return known, nil
	}
	args := []any{site}
	for _, id := range ids {
		args = append(args, id)
	}
	var found []string
	if err := s.all(ctx, &found, `SELECT event_id FROM hearback_event WHERE site = ? AND event_id IN `+marks(1, len(ids)), args...); err != nil {
		return nil, err
	}
	for _, id := range found {
		known[id] = true
	}
	return known, nil
}
