package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/ledger"
)

// Sources keeps the states of the sources and what they have seen. It
// implements the poller's store and ledger.
type Sources struct{ s *Store }

// Sources gives the sources' store.
func (s *Store) Sources() *Sources { return &Sources{s} }

type sourceRow struct {
	Name        string  `db:"name"`
	Cursor      []byte  `db:"cursor"`
	Baseline    bool    `db:"baseline"`
	AttachedAt  int64   `db:"attached_at"`
	NextPoll    int64   `db:"next_poll"`
	Distance    int64   `db:"distance"`
	LastPoll    int64   `db:"last_poll"`
	LastOK      int64   `db:"last_ok"`
	Errors      int     `db:"errors"`
	LastError   string  `db:"last_error"`
	Warning     string  `db:"warning"`
	Rate        float64 `db:"rate"`
	Admitted    int64   `db:"admitted"`
	Paused      bool    `db:"paused"`
	PauseReason string  `db:"pause_reason"`
	PausedAt    int64   `db:"paused_at"`
	Admit       string  `db:"admit"`
	AdmitAt     int64   `db:"admit_at"`
	PollAsked   int64   `db:"poll_asked"`
	Holder      string  `db:"holder"`
	Term        int64   `db:"term"`
	Until       int64   `db:"until"`
}

const sourceColumns = `name, cursor, baseline, attached_at, next_poll, distance, last_poll, last_ok, errors, last_error, warning, rate, admitted,
	paused, pause_reason, paused_at, admit, admit_at, poll_asked, holder, term, until`

func (r *sourceRow) domain() ledger.State {
	return ledger.State{
		Source: r.Name,
		Progress: ledger.Progress{Cursor: r.Cursor, Baseline: r.Baseline, AttachedAt: fromMicros(r.AttachedAt), NextPoll: fromMicros(r.NextPoll),
			Interval: time.Duration(r.Distance) * time.Microsecond, LastPoll: fromMicros(r.LastPoll), LastOK: fromMicros(r.LastOK), Errors: r.Errors,
			LastError: r.LastError, Warning: r.Warning, Rate: r.Rate, Admitted: fromMicros(r.Admitted)},
		Wish: ledger.Wish{Paused: r.Paused, PauseReason: r.PauseReason, PausedAt: fromMicros(r.PausedAt), Admit: ledger.Admit(r.Admit),
			AdmitAt: fromMicros(r.AdmitAt), PollAsked: fromMicros(r.PollAsked)},
		Lease: ledger.Lease{Holder: r.Holder, Term: r.Term, Until: fromMicros(r.Until)},
	}
}

// States gives the state of every source that was ever claimed or ordered.
func (x *Sources) States(ctx context.Context) ([]ledger.State, error) {
	var rows []sourceRow
	if err := x.s.all(ctx, &rows, `SELECT `+sourceColumns+` FROM hearback_source ORDER BY name`); err != nil {
		return nil, fmt.Errorf("read the sources' states: %w", err)
	}
	out := make([]ledger.State, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// ensureSource makes the row of a source that has none.
func (t *tx) ensureSource(ctx context.Context, name string) error {
	_, err := t.exec(ctx, `INSERT INTO hearback_source (name, baseline, attached_at, next_poll, distance, last_poll, last_ok, errors, last_error, warning, rate, admitted,
			paused, pause_reason, paused_at, admit, admit_at, poll_asked, holder, term, until)
		VALUES (?, FALSE, 0, 0, 0, 0, 0, 0, '', '', 0, 0, FALSE, '', 0, '', 0, 0, '', 0, 0) ON CONFLICT (name) DO NOTHING`, name)
	return err
}

// Claim takes the source's lease under the next term. While another holder's
// lease runs the error is [ledger.ErrLeased].
func (x *Sources) Claim(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (ledger.State, error) {
	var r sourceRow
	err := x.s.write(ctx, func(t *tx) error {
		if err := t.ensureSource(ctx, name); err != nil {
			return err
		}
		err := t.get(ctx, &r, `UPDATE hearback_source SET holder = ?, term = term + 1, until = ? WHERE name = ? AND (holder = '' OR holder = ? OR until <= ?)
			RETURNING `+sourceColumns, holder, micros(now.Add(ttl)), name, holder, micros(now))
		if errors.Is(err, sql.ErrNoRows) {
			return ledger.ErrLeased
		}
		return err
	})
	if err != nil {
		return ledger.State{}, err
	}
	return r.domain(), nil
}

// Renew moves the end of a lease that is held under a term.
func (x *Sources) Renew(ctx context.Context, name string, term int64, until time.Time) (ledger.State, error) {
	var r sourceRow
	err := x.s.write(ctx, func(t *tx) error {
		err := t.get(ctx, &r, `UPDATE hearback_source SET until = ? WHERE name = ? AND term = ? AND holder <> '' RETURNING `+sourceColumns, micros(until), name, term)
		if errors.Is(err, sql.ErrNoRows) {
			return ledger.ErrLeaseLost
		}
		return err
	})
	if err != nil {
		return ledger.State{}, err
	}
	return r.domain(), nil
}

// Commit writes a round's finding: its events in the inbox, the ledger and the
// progress, all or nothing, under the term.
func (x *Sources) Commit(ctx context.Context, c ledger.Commit) error {
	accepted := 0
	err := x.s.write(ctx, func(t *tx) error {
		accepted = 0
		var held string
		err := t.get(ctx, &held, `SELECT holder FROM hearback_source WHERE name = ? AND term = ?`+t.d.forUpdate(), c.Source, c.Term)
		if errors.Is(err, sql.ErrNoRows) || err == nil && held == "" {
			return ledger.ErrLeaseLost
		}
		if err != nil {
			return err
		}
		if accepted, err = t.takeRows(ctx, c); err != nil {
			return err
		}
		if err := t.recordSeen(ctx, c.Source, c.Seen); err != nil {
			return err
		}
		return t.progressSource(ctx, &c)
	})
	if err != nil {
		if errors.Is(err, ledger.ErrLeaseLost) {
			return ledger.ErrLeaseLost
		}
		return fmt.Errorf("commit a round of source %s: %w", c.Source, err)
	}
	if accepted > 0 {
		x.s.hints.Hint(TopicInbox)
	}
	return nil
}

func (t *tx) progressSource(ctx context.Context, c *ledger.Commit) error {
	p := &c.Progress
	if _, err := t.exec(ctx, `UPDATE hearback_source SET cursor = ?, baseline = ?, attached_at = ?, next_poll = ?, distance = ?, last_poll = ?, last_ok = ?,
			errors = ?, last_error = ?, warning = ?, rate = ?, admitted = ? WHERE name = ?`,
		p.Cursor, p.Baseline, micros(p.AttachedAt), micros(p.NextPoll), p.Interval.Microseconds(), micros(p.LastPoll), micros(p.LastOK),
		p.Errors, storable(p.LastError), storable(p.Warning), p.Rate, micros(p.Admitted), c.Source); err != nil {
		return err
	}
	if c.Pause != "" {
		if _, err := t.exec(ctx, `UPDATE hearback_source SET paused = TRUE, pause_reason = ?, paused_at = ? WHERE name = ?`, storable(c.Pause), micros(c.Now), c.Source); err != nil {
			return err
		}
	}
	if c.Pause == "" && p.Errors == 0 {
		if err := t.sourceWell(ctx, c.Source); err != nil {
			return err
		}
	}
	if !c.Release {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE hearback_source SET holder = '', until = 0 WHERE name = ?`, c.Source)
	return err
}

// sourceWell closes what was told of a source that is read again.
func (t *tx) sourceWell(ctx context.Context, name string) error {
	_, err := t.exec(ctx, `UPDATE hearback_notice SET cleared_at = ? WHERE topic = ? AND cleared_at = 0
		AND EXISTS (SELECT 1 FROM hearback_source WHERE name = ? AND NOT paused)`, t.now, SourceTopic(name), name)
	return err
}

// SourceTopic is the topic of the notices about a source.
func SourceTopic(name string) string { return "source:" + name }

// takeRows puts the events that are not known yet into the inbox, in order.
func (t *tx) takeRows(ctx context.Context, c ledger.Commit) (int, error) {
	bySite := map[string][]dispatcher.Event{}
	var sites []string
	for i := range c.Rows {
		var e dispatcher.Event
		if err := json.Unmarshal(c.Rows[i].Payload, &e); err != nil {
			return 0, fmt.Errorf("event %s: %w", c.Rows[i].EventID, err)
		}
		e.ID = c.Rows[i].EventID
		site := c.Rows[i].Site
		if bySite[site] == nil {
			sites = append(sites, site)
		}
		bySite[site] = append(bySite[site], e)
	}
	slices.Sort(sites)
	accepted := 0
	for _, site := range sites {
		// What is refused as reused is an event that was told before: left as it is.
		r, err := t.append(ctx, site, Door("source:"+c.Source), bySite[site])
		if err != nil {
			return 0, err
		}
		accepted += r.Accepted
	}
	return accepted, nil
}

// Order writes an admin's wish, whoever holds the lease.
func (x *Sources) Order(ctx context.Context, o ledger.Order) error {
	err := x.s.write(ctx, func(t *tx) error {
		if err := t.ensureSource(ctx, o.Source); err != nil {
			return err
		}
		var err error
		switch at := micros(o.At); o.Kind {
		case ledger.OrderPause:
			_, err = t.exec(ctx, `UPDATE hearback_source SET paused = TRUE, pause_reason = ?, paused_at = ? WHERE name = ?`, storable(o.Reason), at, o.Source)
		case ledger.OrderResume:
			_, err = t.exec(ctx, `UPDATE hearback_source SET paused = FALSE, pause_reason = '', admit = ?, admit_at = ?, poll_asked = ? WHERE name = ?`, string(o.Admit), at, at, o.Source)
			if err == nil {
				err = t.sourceWell(ctx, o.Source)
			}
		case ledger.OrderPoll:
			_, err = t.exec(ctx, `UPDATE hearback_source SET poll_asked = ? WHERE name = ?`, at, o.Source)
		default:
			err = dispatcher.Invalid("order", "use pause, resume or poll", "there is no order %q", o.Kind)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("order for source %s: %w", o.Source, err)
	}
	return nil
}

const seenColumns = `comment_id, thread_id, parent_id, state, hash, change, told_at, written_at, checked_at`

func (t *tx) recordSeen(ctx context.Context, name string, seen []ledger.Seen) error {
	// Of several rows of one comment the last counts, and one statement must
	// not meet a row twice.
	last := make(map[string]int, len(seen))
	for i := range seen {
		last[seen[i].Comment] = i
	}
	unique := make([]*ledger.Seen, 0, len(last))
	for i := range seen {
		if last[seen[i].Comment] == i {
			unique = append(unique, &seen[i])
		}
	}
	slices.SortFunc(unique, func(a, b *ledger.Seen) int { return strings.Compare(a.Comment, b.Comment) })
	for part := range slices.Chunk(unique, 500) {
		args := make([]any, 0, len(part)*10)
		for _, r := range part {
			args = append(args, name, r.Comment, r.Thread, r.Parent, string(r.State), r.Hash, r.Change, micros(r.Time), micros(r.WrittenAt), micros(r.CheckedAt))
		}
		if _, err := t.exec(ctx, `INSERT INTO hearback_source_seen (source, `+seenColumns+`) VALUES `+marks(len(part), 10)+`
			ON CONFLICT (source, comment_id) DO UPDATE SET thread_id = excluded.thread_id, parent_id = excluded.parent_id, state = excluded.state, hash = excluded.hash,
				change = excluded.change, told_at = excluded.told_at, written_at = excluded.written_at, checked_at = excluded.checked_at`, args...); err != nil {
			return err
		}
	}
	return nil
}

// Seen gives those of the ids that were seen before.
func (x *Sources) Seen(ctx context.Context, name string, ids []string) ([]ledger.Seen, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	args := []any{name}
	for _, id := range ids {
		args = append(args, id)
	}
	return x.s.seen(ctx, `source = ? AND comment_id IN `+marks(1, len(ids))+` ORDER BY comment_id`, args...)
}

// Recent gives comments that were written since a time and not removed, by id
// above after.
func (x *Sources) Recent(ctx context.Context, name string, from time.Time, after string, limit int) ([]ledger.Seen, error) {
	return x.s.seen(ctx, `source = ? AND comment_id > ? AND written_at >= ? AND state IN ('visible', 'held') ORDER BY comment_id LIMIT ?`, name, after, micros(from), limit)
}

func (s *Store) seen(ctx context.Context, where string, args ...any) ([]ledger.Seen, error) {
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT `+seenColumns+` FROM hearback_source_seen WHERE `+where), args...)
	var out []ledger.Seen
	var told, written, checked int64
	err = each(rows, err, func() error {
		var x ledger.Seen
		if err := rows.Scan(&x.Comment, &x.Thread, &x.Parent, &x.State, &x.Hash, &x.Change, &told, &written, &checked); err != nil {
			return err
		}
		x.Time, x.WrittenAt, x.CheckedAt = fromMicros(told), fromMicros(written), fromMicros(checked)
		out = append(out, x)
		return nil
	})
	return out, ctxErr(ctx, err)
}
