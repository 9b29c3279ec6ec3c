package subscribetest

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/hearback/hearback/dispatcher"
)

// Lookup answers the doors' questions from the same file as the store, by a
// connection of its own.
type Lookup struct{ db *sql.DB }

func openLookup(tb testing.TB, path string) *Lookup {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return &Lookup{db}
}

func at(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// ThreadByNumber implements subscribe.Lookup.
func (l *Lookup) ThreadByNumber(ctx context.Context, id int64) (dispatcher.Thread, error) {
	t := dispatcher.Thread{ID: id}
	err := l.db.QueryRowContext(ctx, `SELECT site, external_id, url, title FROM hearback_thread WHERE id = ?`, id).Scan(&t.Site, &t.ExternalID, &t.URL, &t.Title)
	if errors.Is(err, sql.ErrNoRows) {
		return t, dispatcher.NotFound("thread", "")
	}
	return t, err
}

// Describe implements subscribe.Lookup.
func (l *Lookup) Describe(ctx context.Context, site string, target dispatcher.Target) (c dispatcher.Comment, t dispatcher.Thread, err error) {
	const cols = `SELECT c.id, c.external_id, c.author_id, c.author_name, c.url, t.id, t.external_id, t.url, t.title FROM hearback_comment c JOIN hearback_thread t ON t.id = c.thread`
	switch target.Type {
	case dispatcher.TargetThread:
		err = l.db.QueryRowContext(ctx, `SELECT id, external_id, url, title FROM hearback_thread WHERE site = ? AND external_id = ?`, site, target.ID).Scan(&t.ID, &t.ExternalID, &t.URL, &t.Title)
	case dispatcher.TargetComment:
		err = l.db.QueryRowContext(ctx, cols+` WHERE c.site = ? AND c.external_id = ?`, site, target.ID).
			Scan(&c.ID, &c.ExternalID, &c.AuthorID, &c.AuthorName, &c.URL, &t.ID, &t.ExternalID, &t.URL, &t.Title)
	case dispatcher.TargetAuthor:
		err = l.db.QueryRowContext(ctx, cols+` WHERE c.author_key = ? ORDER BY c.id DESC LIMIT 1`, int64(dispatcher.AuthorKey(site, target.ID))).
			Scan(&c.ID, &c.ExternalID, &c.AuthorID, &c.AuthorName, &c.URL, &t.ID, &t.ExternalID, &t.URL, &t.Title)
		t = dispatcher.Thread{}
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return c, t, err
}

// LastEnd implements subscribe.Lookup.
func (l *Lookup) LastEnd(ctx context.Context, subscriber int64, after time.Time) (int64, time.Time, error) {
	var act, when int64
	err := l.db.QueryRowContext(ctx, `SELECT id, at FROM hearback_end WHERE subscriber = ? AND undone_at = 0 AND at > ? ORDER BY id DESC LIMIT 1`, subscriber, after.UnixMicro()).Scan(&act, &when)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return act, at(when), err
}

// SubscriptionByNumber implements api.Lookup.
func (l *Lookup) SubscriptionByNumber(ctx context.Context, site string, id int64) (dispatcher.Subscription, error) {
	s := dispatcher.Subscription{ID: id}
	var asked, confirmed, ended int64
	err := l.db.QueryRowContext(ctx, `SELECT subscriber, target_type, target_id, depth, target_key, schedule, own_schedule, since, asked_at, confirmed_at, ended_at, ended_by
		FROM hearback_subscription WHERE site = ? AND id = ?`, site, id).
		Scan(&s.Subscriber, &s.Target.Type, &s.Target.ID, &s.Target.Depth, &s.Key, &s.Schedule, &s.OwnSchedule, &s.Since, &asked, &confirmed, &ended, &s.EndedBy)
	if errors.Is(err, sql.ErrNoRows) {
		return s, dispatcher.NotFound("subscription", "")
	}
	s.AskedAt, s.ConfirmedAt, s.EndedAt = at(asked), at(confirmed), at(ended)
	return s, err
}

// Remembered implements api.Lookup.
func (l *Lookup) Remembered(ctx context.Context, site string, ids []string) (map[string]bool, error) {
	args := []any{site}
	for _, id := range ids {
		args = append(args, id)
	}
	rows, err := l.db.QueryContext(ctx, `SELECT event_id FROM hearback_event WHERE site = ? AND event_id IN (?`+strings.Repeat(",?", len(ids)-1)+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		known[id] = true
	}
	return known, rows.Err()
}
