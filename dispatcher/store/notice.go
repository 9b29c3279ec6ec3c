package store

import (
	"context"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Notice is something that the admin must know. There is one per topic,
// however often it is raised.
type Notice struct {
	Topic    string    `json:"topic"` // names the trouble, such as "source:wp paused"
	Text     string    `json:"text"`
	Mend     string    `json:"mend,omitempty"`
	Count    int64     `json:"count"`
	RaisedAt time.Time `json:"raised_at"` // first
	SeenAt   time.Time `json:"seen_at"`   // last
	MailedAt time.Time `json:"mailed_at,omitzero"`
}

type noticeRow struct {
	Topic    string `db:"topic"`
	Text     string `db:"text"`
	Mend     string `db:"mend"`
	Count    int64  `db:"count"`
	RaisedAt int64  `db:"raised_at"`
	SeenAt   int64  `db:"seen_at"`
	MailedAt int64  `db:"mailed_at"`
}

const noticeColumns = `topic, text, mend, count, raised_at, seen_at, mailed_at`

func (r *noticeRow) domain() Notice {
	return Notice{Topic: r.Topic, Text: r.Text, Mend: r.Mend, Count: r.Count, RaisedAt: fromMicros(r.RaisedAt), SeenAt: fromMicros(r.SeenAt), MailedAt: fromMicros(r.MailedAt)}
}

// Raise notes that something is wrong; again counts it and takes the newer
// words. One that was cleared begins anew and is mailed anew.
func (s *Store) Raise(ctx context.Context, topic, text, mend string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO hearback_notice (topic, text, mend, count, raised_at, seen_at, cleared_at, mailed_at) VALUES (?, ?, ?, 1, ?, ?, 0, 0)
			ON CONFLICT (topic) DO UPDATE SET text = excluded.text, mend = excluded.mend, seen_at = excluded.seen_at, cleared_at = 0,
				count = CASE WHEN hearback_notice.cleared_at = 0 THEN hearback_notice.count + 1 ELSE 1 END,
				raised_at = CASE WHEN hearback_notice.cleared_at = 0 THEN hearback_notice.raised_at ELSE excluded.raised_at END,
				mailed_at = CASE WHEN hearback_notice.cleared_at = 0 THEN hearback_notice.mailed_at ELSE 0 END`,
			storable(topic), storable(text), storable(mend), t.now, t.now)
		return err
	})
}

// Clear notes that it is well again. A topic that is not open is no error, and
// costs no write.
func (s *Store) Clear(ctx context.Context, topic string) error {
	var open int64
	if err := s.get(ctx, &open, `SELECT count(*) FROM hearback_notice WHERE topic = ? AND cleared_at = 0`, storable(topic)); err != nil || open == 0 {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_notice SET cleared_at = ? WHERE topic = ? AND cleared_at = 0`, t.now, storable(topic))
		return err
	})
}

// Notices lists what is wrong now, the newest first.
func (s *Store) Notices(ctx context.Context) ([]Notice, error) {
	return s.notices(ctx, `SELECT `+noticeColumns+` FROM hearback_notice WHERE cleared_at = 0 ORDER BY raised_at DESC, topic`)
}

func (s *Store) notices(ctx context.Context, q string, args ...any) ([]Notice, error) {
	var rows []noticeRow
	if err := s.all(ctx, &rows, q, args...); err != nil {
		return nil, err
	}
	out := make([]Notice, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// MailNotices gives make the open notices that were not mailed yet and queues
// the mails that it makes of them, both in one transaction: a notice is mailed
// once, whichever daemon comes first. Without any, make is not called.
func (s *Store) MailNotices(ctx context.Context, make func([]Notice) ([]dispatcher.Message, error)) (int, error) {
	n := 0
	err := s.write(ctx, func(t *tx) error {
		n = 0
		var rows []noticeRow
		if err := t.all(ctx, &rows, `UPDATE hearback_notice SET mailed_at = ? WHERE cleared_at = 0 AND mailed_at = 0 RETURNING `+noticeColumns, t.now); err != nil || len(rows) == 0 {
			return err
		}
		var list []Notice
		for i := range rows {
			list = append(list, rows[i].domain())
		}
		mails, err := make(list)
		if err != nil {
			return err
		}
		for i := range mails {
			if _, err := t.addMessage(ctx, &mails[i]); err != nil {
				return err
			}
		}
		n = len(list)
		return nil
	})
	if err == nil && n > 0 {
		s.hints.Hint(TopicMessage)
	}
	return n, err
}
