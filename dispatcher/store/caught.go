package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher/caught"
)

// Caught keeps the mails that the built-in mailbox took. It implements
// the store of the catcher; its bounds are the catcher's defaults.
type Caught struct{ s *Store }

// Caught gives the store of caught mails.
func (s *Store) Caught() *Caught { return &Caught{s} }

type caughtRow struct {
	ID           int64  `db:"id"`
	ReceivedAt   int64  `db:"received_at"`
	EnvelopeFrom string `db:"envelope_from"`
	EnvelopeTo   string `db:"envelope_to"`
	FromName     string `db:"from_name"`
	ToAddress    string `db:"to_address"`
	Subject      string `db:"subject"`
	Kind         string `db:"kind"`
	Reason       string `db:"reason"`
	Thread       string `db:"thread"`
	Snippet      string `db:"snippet"`
	Size         int    `db:"size"`
}

const caughtColumns = `id, received_at, envelope_from, envelope_to, from_name, to_address, subject, kind, reason, thread, snippet, size`

func (r *caughtRow) domain() caught.Summary {
	c := caught.Summary{ID: r.ID, ReceivedAt: fromMicros(r.ReceivedAt), EnvelopeFrom: r.EnvelopeFrom, From: r.FromName, To: r.ToAddress,
		Subject: r.Subject, Kind: r.Kind, Reason: r.Reason, Thread: r.Thread, Snippet: r.Snippet, Size: r.Size}
	if r.EnvelopeTo != "" {
		c.EnvelopeTo = strings.Split(r.EnvelopeTo, "\n")
	}
	return c
}

// AddCaught keeps a mail and drops the oldest ones beyond the bounds.
func (c *Caught) AddCaught(ctx context.Context, m caught.Mail) (int64, error) {
	var id int64
	to := storable(strings.Join(m.EnvelopeTo, "\n"))
	raw := m.Raw
	if raw == nil {
		raw = []byte{}
	}
	err := c.s.write(ctx, func(t *tx) error {
		if err := t.get(ctx, &id, `INSERT INTO hearback_caught (received_at, envelope_from, envelope_to, from_name, to_address, addressees, subject, kind, reason, thread, snippet, size, raw)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			micros(m.ReceivedAt), storable(m.EnvelopeFrom), to, storable(m.From), storable(m.To), strings.ToLower(to+"\n"+storable(m.To)),
			storable(m.Subject), storable(m.Kind), storable(m.Reason), storable(m.Thread), storable(m.Snippet), len(raw), raw); err != nil {
			return err
		}
		return t.boundCaught(ctx, id)
	})
	if err != nil {
		return 0, fmt.Errorf("keep a caught mail: %w", err)
	}
	return id, nil
}

// boundCaught drops the oldest mails beyond the bounds, never the one that
// came last. Ids are not looked at beyond the newest ones, so it stays cheap.
func (t *tx) boundCaught(ctx context.Context, last int64) error {
	rows, err := t.rows(ctx, `SELECT id, size FROM hearback_caught ORDER BY id DESC LIMIT ?`, caught.DefaultMails+1)
	var id, size, bytes, oldest int64
	n := 0
	if err := each(rows, err, func() error {
		if err := rows.Scan(&id, &size); err != nil {
			return err
		}
		n++
		if bytes += size; oldest == 0 && (n > caught.DefaultMails || bytes > caught.DefaultBytes) && id < last {
			oldest = id
		}
		return nil
	}); err != nil || oldest == 0 {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM hearback_caught WHERE id <= ?`, oldest)
	return err
}

// ListCaught lists mails, the newest first, below an id and to an addressee.
func (c *Caught) ListCaught(ctx context.Context, to string, before int64, limit int) ([]caught.Summary, error) {
	var rows []caughtRow
	if err := c.s.all(ctx, &rows, `SELECT `+caughtColumns+` FROM hearback_caught WHERE (? = CAST(0 AS BIGINT) OR id < ?) AND (? = '' OR addressees LIKE ? ESCAPE '\') ORDER BY id DESC LIMIT ?`,
		before, before, to, "%"+likeEscape(to)+"%", limit); err != nil {
		return nil, err
	}
	var out []caught.Summary
	for i := range rows {
		out = append(out, rows[i].domain())
	}
	return out, nil
}

// GetCaught gives one mail.
func (c *Caught) GetCaught(ctx context.Context, id int64) (caught.Mail, error) {
	var r struct {
		caughtRow
		Raw []byte `db:"raw"`
	}
	if err := c.s.get(ctx, &r, `SELECT `+caughtColumns+`, raw FROM hearback_caught WHERE id = ?`, id); err != nil {
		return caught.Mail{}, notFound(err, "caught mail", strconv.FormatInt(id, 10))
	}
	return caught.Mail{Summary: r.domain(), Raw: r.Raw}, nil
}

// CountCaught counts the mails.
func (c *Caught) CountCaught(ctx context.Context) (int, error) {
	var n int
	err := c.s.get(ctx, &n, `SELECT count(*) FROM hearback_caught`)
	return n, err
}

// ClearCaught drops all mails. Ids go on.
func (c *Caught) ClearCaught(ctx context.Context) error {
	return c.s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM hearback_caught`)
		return err
	})
}
