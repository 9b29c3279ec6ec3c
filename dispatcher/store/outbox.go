package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Suppression is an address that gets no mail of a site.
type Suppression struct {
	Site    string    `json:"site"`
	Address string    `json:"address"` // normalised
	Reason  string    `json:"reason"`  // bounce, complaint, admin
	Detail  string    `json:"detail"`  // the server's words, or the admin's
	Message int64     `json:"message,omitempty"`
	Since   time.Time `json:"since"`
}

func (t *tx) suppress(ctx context.Context, p Suppression) error {
	_, err := t.exec(ctx, `INSERT INTO hearback_suppression (site, address, reason, detail, message, since) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (site, address) DO NOTHING`, p.Site, p.Address, p.Reason, clean(p.Detail), p.Message, t.now)
	return err
}

// clean makes any server's words storable.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
}

// PutSuppression suppresses an address; doing it again changes nothing.
func (s *Store) PutSuppression(ctx context.Context, p Suppression) error {
	return s.write(ctx, func(t *tx) error { return t.suppress(ctx, p) })
}

// DeleteSuppression lets mail go to the address again.
func (s *Store) DeleteSuppression(ctx context.Context, site, address string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM hearback_suppression WHERE site = ? AND address = ?`, site, address)
		if err == nil && n == 0 {
			return dispatcher.NotFound("suppression", address)
		}
		return err
	})
}

// SuppressionOf gives the suppression of a normalised address on a site, nil
// when it has none.
func (s *Store) SuppressionOf(ctx context.Context, site, address string) (*Suppression, error) {
	p := Suppression{Site: site, Address: address}
	var since int64
	err := s.read.QueryRowContext(ctx, s.read.Rebind(`SELECT reason, detail, message, since FROM hearback_suppression WHERE site = ? AND address = ?`), site, address).
		Scan(&p.Reason, &p.Detail, &p.Message, &since)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, ctxErr(ctx, err)
	}
	p.Since = fromMicros(since)
	return &p, nil
}

// Suppressions lists suppressed addresses of a site ("" for all) above an
// address.
func (s *Store) Suppressions(ctx context.Context, site, after string, limit int) ([]Suppression, error) {
	var out []Suppression
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT site, address, reason, detail, message, since FROM hearback_suppression
		WHERE (? = '' OR site = ?) AND address > ? ORDER BY address, site LIMIT ?`), site, site, after, limit)
	var p Suppression
	var since int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&p.Site, &p.Address, &p.Reason, &p.Detail, &p.Message, &since); err != nil {
			return err
		}
		p.Since = fromMicros(since)
		out = append(out, p)
		return nil
	})
	return out, ctxErr(ctx, err)
}

// Recipient is the reader of a message as they are now.
type Recipient struct {
	Subscriber dispatcher.Subscriber
	Suppressed string // why, "" when not
	// Items are the message's items that still hold, when the subscriber
	// changed since the message was selected; Judged says that they were asked.
	Items  []dispatcher.Item
	Judged bool
	Gone   bool // erased
	// Waiting says, of the reader of a confirm mail, that there is something
	// to say yes to.
	Waiting bool
}

// Recheck reads the readers of claimed messages as they are now. Where a
// reader changed since the selection, the message's items are judged again by
// the same rules; comments' own visibility is the caller's part.
func (s *Store) Recheck(ctx context.Context, ms []dispatcher.Message) (map[int64]Recipient, error) {
	out := make(map[int64]Recipient, len(ms))
	err := s.view(ctx, func(t *tx) error {
		var ids []int64
		for i := range ms {
			if ms[i].Subscriber != 0 {
				ids = append(ids, ms[i].Subscriber)
			}
		}
		rows := make([]subscriberRow, 0, len(ids))
		if err := t.all(ctx, &rows, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id IN `+ints(ids)); err != nil {
			return err
		}
		byID := make(map[int64]*subscriberRow, len(rows))
		for i := range rows {
			byID[rows[i].ID] = &rows[i]
		}
		suppressed, err := t.suppressedOf(ctx, ids)
		if err != nil {
			return err
		}
		waiting, err := t.waitingOf(ctx, ms)
		if err != nil {
			return err
		}
		var changed []dispatcher.Message
		for i := range ms {
			m := &ms[i]
			sub := byID[m.Subscriber]
			if sub == nil {
				out[m.ID] = Recipient{Gone: m.Subscriber != 0}
				continue
			}
			out[m.ID] = Recipient{Subscriber: sub.domain(), Suppressed: suppressed[sub.ID], Waiting: waiting[sub.ID]}
			if len(m.Items) > 0 && m.Revision != sub.Revision {
				changed = append(changed, *m)
			}
		}
		return t.judge(ctx, changed, out)
	})
	if err != nil {
		return nil, fmt.Errorf("recheck: %w", err)
	}
	return out, nil
}

func (t *tx) suppressedOf(ctx context.Context, ids []int64) (map[int64]string, error) {
	out := map[int64]string{}
	rows, err := t.rows(ctx, `SELECT s.id, p.reason FROM hearback_suppression p JOIN hearback_subscriber s ON s.site = p.site AND s.address = p.address WHERE s.id IN `+ints(ids))
	var id int64
	var reason string
	return out, each(rows, err, func() error {
		if err := rows.Scan(&id, &reason); err != nil {
			return err
		}
		out[id] = reason
		return nil
	})
}

// waitingOf says which readers of confirm mails have something that waits for
// their yes: a subscription, or a sign-up that has not lapsed.
func (t *tx) waitingOf(ctx context.Context, ms []dispatcher.Message) (map[int64]bool, error) {
	var ids []int64
	for i := range ms {
		if ms[i].Kind == dispatcher.KindConfirm {
			ids = append(ids, ms[i].Subscriber)
		}
	}
	out := map[int64]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	var found []int64
	err := t.all(ctx, &found, `SELECT subscriber FROM hearback_signup WHERE subscriber IN `+ints(ids)+` AND asked_at >= ?
		UNION SELECT subscriber FROM hearback_subscription WHERE subscriber IN `+ints(ids)+` AND ended_at = 0 AND confirmed_at = 0`, t.now-dispatcher.ConfirmWindow.Microseconds())
	for _, id := range found {
		out[id] = true
	}
	return out, err
}

// judge asks the rules again for messages whose reader changed.
func (t *tx) judge(ctx context.Context, ms []dispatcher.Message, out map[int64]Recipient) error {
	if len(ms) == 0 {
		return nil
	}
	var ids, positions []int64
	for i := range ms {
		ids = append(ids, ms[i].Subscriber)
		for _, it := range ms[i].Items {
			positions = append(positions, it.Position)
		}
	}
	set, err := t.loadReaders(ctx, ids, "", "", false)
	if err != nil {
		return err
	}
	win, err := t.windowOf(ctx, positions)
	if err != nil {
		return err
	}
	if err := t.markRetried(ctx, ms, set); err != nil {
		return err
	}
	byPosition := map[int64]*dispatcher.Entry{}
	for i := range win.Len() {
		byPosition[win.Entry(i).Position] = win.Entry(i)
	}
	for i := range ms {
		m := &ms[i]
		r := out[m.ID]
		r.Judged = true
		// A change of cadence moves nothing that was selected already: any live
		// subscription keeps the item.
		for _, it := range m.Items {
			if e := byPosition[it.Position]; e != nil {
				if _, why := dispatcher.Verdict(set.readers[m.Subscriber], win, e); why == dispatcher.WhyNone {
					r.Items = append(r.Items, it)
				}
			}
		}
		out[m.ID] = r
	}
	return nil
}

// markRetried finds what other mail to the reader carries meanwhile, for
// messages that an admin sends again: a cancelled one had given its items up.
// Of two that are sent again the older one keeps an item.
func (t *tx) markRetried(ctx context.Context, ms []dispatcher.Message, set *readerSet) error {
	for i := range ms {
		m := &ms[i]
		if m.Revision != retried {
			continue
		}
		low := m.Items[0].Position
		for _, it := range m.Items {
			low = min(low, it.Position)
		}
		var lists []string
		if err := t.all(ctx, &lists, `SELECT items FROM hearback_message WHERE subscriber = ? AND items_max >= ? AND state <> 'cancelled' AND id <> ? AND (revision <> ? OR id < ?)`,
			m.Subscriber, low, m.ID, retried, m.ID); err != nil {
			return err
		}
		if r := set.readers[m.Subscriber]; r != nil {
			for _, l := range lists {
				markDelivered(r, []byte(l))
			}
		}
	}
	return nil
}

// retried in place of a subscriber's revision says that the message is sent
// again and must be judged.
const retried = -1

// Content reads comments and threads by number.
func (s *Store) Content(ctx context.Context, comments []int64) (map[int64]dispatcher.Comment, map[int64]dispatcher.Thread, error) {
	cs, ts := map[int64]dispatcher.Comment{}, map[int64]dispatcher.Thread{}
	err := s.view(ctx, func(t *tx) error {
		want := comments
		for round := 0; round < 2 && len(want) > 0; round++ { // the comments, then their parents
			var rows []commentRow
			if err := t.all(ctx, &rows, `SELECT `+commentColumns+` FROM hearback_comment WHERE id IN `+ints(want)); err != nil {
				return err
			}
			want = nil
			for i := range rows {
				cs[rows[i].ID] = rows[i].domain()
				if p := rows[i].Parent; p != 0 && round == 0 {
					if _, ok := cs[p]; !ok {
						want = append(want, p)
					}
				}
			}
		}
		var threads []int64
		for _, c := range cs {
			threads = append(threads, c.Thread)
		}
		var rows []threadRow
		if err := t.all(ctx, &rows, `SELECT `+threadColumns+` FROM hearback_thread WHERE id IN `+ints(threads)); err != nil {
			return err
		}
		for i := range rows {
			ts[rows[i].ID] = rows[i].domain()
		}
		return nil
	})
	return cs, ts, err
}

// Changes are the comments and threads that changed after a change number.
type Changes struct {
	Comments, Threads []int64
	Upto              int64 // the number up to which they were looked for; the caller goes on from there
	All               bool  // they are more than the limit, and not listed
}

// Changed lists what changed after a change number, unless that is more than
// limit. Changes are numbered in commit order.
func (s *Store) Changed(ctx context.Context, after int64, limit int) (Changes, error) {
	var c Changes
	err := s.view(ctx, func(t *tx) error {
		c = Changes{}
		if err := t.get(ctx, &c.Upto, `SELECT change FROM hearback_head WHERE id = 1`); err != nil || c.Upto == after {
			return err
		}
		// A new comment takes two numbers. Far more of them need no counting.
		if c.All = c.Upto-after > 4*int64(limit); c.All {
			return nil
		}
		since := func(table string) (ids []int64, err error) { // one change may touch many rows
			err = t.all(ctx, &ids, `SELECT id FROM `+table+` WHERE changed > ? AND changed <= ? ORDER BY changed LIMIT ?`, after, c.Upto, limit+1)
			c.All = c.All || len(ids) > limit
			return ids, err
		}
		var err error
		if c.Comments, err = since("hearback_comment"); err == nil {
			c.Threads, err = since("hearback_thread")
		}
		return err
	})
	if c.All {
		c.Comments, c.Threads = nil, nil
	}
	return c, err
}

// Switch is the sending switch of all ("" scope), a site ("site:KEY") or a
// relay ("relay:NAME").
type Switch struct {
	Scope     string    `json:"scope"`
	Mode      string    `json:"mode"` // on, hold, redirect
	Redirect  string    `json:"redirect,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Switches lists all switches that were ever set.
func (s *Store) Switches(ctx context.Context) ([]Switch, error) {
	var out []Switch
	rows, err := s.read.QueryContext(ctx, `SELECT scope, mode, redirect, reason, updated_at FROM hearback_switch ORDER BY scope`)
	var w Switch
	var at int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&w.Scope, &w.Mode, &w.Redirect, &w.Reason, &at); err != nil {
			return err
		}
		w.UpdatedAt = fromMicros(at)
		out = append(out, w)
		return nil
	})
	return out, ctxErr(ctx, err)
}

// SetSwitch sets one switch.
func (s *Store) SetSwitch(ctx context.Context, w Switch) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO hearback_switch (scope, mode, redirect, reason, updated_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (scope) DO UPDATE SET mode = excluded.mode, redirect = excluded.redirect, reason = excluded.reason, updated_at = excluded.updated_at`,
			w.Scope, w.Mode, w.Redirect, w.Reason, t.now)
		return err
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return err
}

// AddMessage queues a mail that carries its own data: confirm, test, notice.
func (s *Store) AddMessage(ctx context.Context, m dispatcher.Message) (int64, error) {
	var id int64
	err := s.write(ctx, func(t *tx) error {
		var err error
		id, err = t.addMessage(ctx, &m)
		return err
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return id, err
}

func (t *tx) addMessage(ctx context.Context, m *dispatcher.Message) (int64, error) {
	var id int64
	err := t.get(ctx, &id, `INSERT INTO hearback_message (site, kind, bucket, subscriber, address, slot, schedule, thread, items, items_max, more, storm, since,
			revision, data, state, why, priority, due_at, attempts, resent, owner, created_at, done_at)
		VALUES (?, ?, ?, ?, ?, 0, '', 0, '', 0, 0, FALSE, 0, 0, ?, 'due', '', ?, ?, 0, FALSE, 0, ?, 0) RETURNING id`,
		m.Site, string(m.Kind), m.Bucket, m.Subscriber, m.Address, m.Data, m.Priority, t.now, t.now)
	return id, err
}
