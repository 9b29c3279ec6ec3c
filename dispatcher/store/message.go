package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

type messageRow struct {
	ID         int64  `db:"id"`
	Site       string `db:"site"`
	Kind       string `db:"kind"`
	Bucket     int    `db:"bucket"`
	Subscriber int64  `db:"subscriber"`
	Address    string `db:"address"`
	Slot       int64  `db:"slot"`
	Schedule   string `db:"schedule"`
	Thread     int64  `db:"thread"`
	Items      string `db:"items"`
	More       int    `db:"more"`
	Storm      bool   `db:"storm"`
	Since      int64  `db:"since"`
	Revision   int64  `db:"revision"`
	Data       string `db:"data"`
	State      string `db:"state"`
	Why        string `db:"why"`
	Priority   int    `db:"priority"`
	DueAt      int64  `db:"due_at"`
	Attempts   int    `db:"attempts"`
	Resent     bool   `db:"resent"`
	Owner      int64  `db:"owner"`
	CreatedAt  int64  `db:"created_at"`
	DoneAt     int64  `db:"done_at"`
}

const messageColumns = `id, site, kind, bucket, subscriber, address, slot, schedule, thread, items, more, storm, since, revision, data, state, why,
	priority, due_at, attempts, resent, owner, created_at, done_at`

func (r *messageRow) domain() dispatcher.Message {
	return dispatcher.Message{ID: r.ID, Site: r.Site, Kind: dispatcher.Kind(r.Kind), Bucket: r.Bucket, Subscriber: r.Subscriber, Address: r.Address, Slot: r.Slot,
		Schedule: r.Schedule, Thread: r.Thread, Items: parseItems([]byte(r.Items)), More: r.More, Storm: r.Storm, Since: fromMicros(r.Since), Revision: r.Revision,
		Data: r.Data, State: dispatcher.State(r.State), Why: r.Why, Priority: r.Priority, DueAt: fromMicros(r.DueAt), Attempts: r.Attempts, Resent: r.Resent,
		Owner: r.Owner, CreatedAt: fromMicros(r.CreatedAt), SentAt: fromMicros(r.DoneAt)}
}

// RegisterWorker makes a new owner of messages with a lease. Its number only
// ever grows, so it is the term too: a message claimed by a dead owner can
// never be completed by it afterwards.
func (s *Store) RegisterWorker(ctx context.Context, host string, ttl time.Duration) (int64, error) {
	var id int64
	err := s.write(ctx, func(t *tx) error {
		return t.get(ctx, &id, `INSERT INTO hearback_worker (host, started_at, until) VALUES (?, ?, ?) RETURNING id`, host, t.now, t.now+ttl.Microseconds())
	})
	return id, err
}

// RenewWorker prolongs an owner's lease and gives its new end. An owner whose
// lease ran out starts no mail until it is renewed, which works for as long as
// nobody has reclaimed its messages: then it is lost ([ErrLeaseLost]).
func (s *Store) RenewWorker(ctx context.Context, worker int64, ttl time.Duration) (time.Time, error) {
	var until int64
	err := s.write(ctx, func(t *tx) error {
		until = t.now + ttl.Microseconds()
		n, err := t.exec(ctx, `UPDATE hearback_worker SET until = ? WHERE id = ?`, until, worker)
		if err == nil && n == 0 {
			return ErrLeaseLost
		}
		return err
	})
	return fromMicros(until), err
}

// RetireWorker ends an owner that stopped in order: what it still has claimed
// is due again at once.
func (s *Store) RetireWorker(ctx context.Context, worker int64) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, `UPDATE hearback_message SET state = 'due', owner = 0 WHERE owner = ? AND state = 'sending'`, worker); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM hearback_worker WHERE id = ?`, worker)
		return err
	})
}

// Reclaim makes the messages of owners whose lease ran out due again, under
// the same Message-ID and without charging an attempt. It gives how many.
func (s *Store) Reclaim(ctx context.Context) (int64, error) {
	var n int64
	err := s.write(ctx, func(t *tx) error {
		n = 0
		var dead []int64
		if err := t.all(ctx, &dead, `SELECT id FROM hearback_worker WHERE until <= ?`+t.d.forUpdate(), t.now); err != nil || len(dead) == 0 {
			return err
		}
		var err error
		if n, err = t.exec(ctx, `UPDATE hearback_message SET state = 'due', owner = 0 WHERE state = 'sending' AND owner IN `+ints(dead)); err != nil {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM hearback_worker WHERE id IN `+ints(dead))
		return err
	})
	if err == nil && n > 0 {
		s.hints.Hint(TopicMessage)
	}
	return n, err
}

// Claim takes up to limit due messages for a worker whose lease runs, the most
// urgent first. held names sites that are on hold. The outer WHERE asks for
// the state again: of two claims at once one gets the row.
func (s *Store) Claim(ctx context.Context, worker int64, limit int, held []string) ([]dispatcher.Message, error) {
	var out []dispatcher.Message
	notHeld, heldArgs := "", []any{}
	if len(held) > 0 {
		notHeld = ` AND site NOT IN ` + marks(1, len(held))
		for _, h := range held {
			heldArgs = append(heldArgs, h)
		}
	}
	err := s.write(ctx, func(t *tx) error {
		out = out[:0]
		var until int64 // FOR UPDATE: whoever reclaims waits, or we see that it did
		if err := t.get(ctx, &until, `SELECT until FROM hearback_worker WHERE id = ?`+t.d.forUpdate(), worker); err != nil || until <= t.now {
			if err == nil || errors.Is(err, sql.ErrNoRows) {
				return ErrLeaseLost
			}
			return err
		}
		for priority := dispatcher.PriorityConfirm; priority <= dispatcher.PriorityDigest && len(out) < limit; priority++ {
			ids := make([]int64, 0, limit)
			args := append([]any{priority, t.now}, heldArgs...)
			if err := t.all(ctx, &ids, `SELECT id FROM hearback_message WHERE state IN ('due', 'deferred') AND priority = ? AND due_at <= ?`+notHeld+`
					ORDER BY due_at, id LIMIT ?`+t.d.skipLocked(), append(args, limit-len(out))...); err != nil {
				return err
			}
			if len(ids) == 0 {
				continue
			}
			// The added '' keeps PostgreSQL from going by the index of due messages:
			// it holds that for empty when its statistics are older than the slot,
			// and reads all of it for each claim.
			rows := make([]messageRow, 0, len(ids))
			if err := t.all(ctx, &rows, `UPDATE hearback_message SET state = 'sending', owner = ? WHERE id IN `+ints(ids)+` AND state || '' IN ('due', 'deferred')
				RETURNING `+messageColumns, worker); err != nil {
				return err
			}
			slices.SortFunc(rows, func(a, b messageRow) int { return int(a.ID - b.ID) })
			for i := range rows {
				out = append(out, rows[i].domain())
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return out, nil
}

// NextDue gives when the next waiting message is due; zero when none waits.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	var next *int64
	// Each priority by itself is one step into the index; all at once would
	// read every waiting message.
	const one = `SELECT min(due_at) AS at FROM hearback_message WHERE state IN ('due', 'deferred') AND priority = ?`
	if err := s.get(ctx, &next, `SELECT min(at) FROM (`+one+` UNION ALL `+one+` UNION ALL `+one+`) AS urgency`,
		dispatcher.PriorityConfirm, dispatcher.PriorityImmediate, dispatcher.PriorityDigest); err != nil || next == nil {
		return time.Time{}, err
	}
	return fromMicros(*next), nil
}

// Completion is what became of a claimed message.
type Completion struct {
	Message  int64
	Owner    int64 // the worker that claimed it
	State    dispatcher.State
	Why      string
	DueAt    time.Time // for deferred and due
	Charge   int       // attempts to charge, 0 or 1
	Resent   bool
	Items    []dispatcher.Item // what was really sent, when NewItems
	NewItems bool
	Attempt  *dispatcher.Attempt // nil when nothing was handed to a relay
	Suppress *Suppression        // the address refused for good
}

// Complete records outcomes in one transaction: the messages' states, the
// attempts and the suppressions. Rows that their worker no longer owns are left
// as they are; it gives how many were recorded.
func (s *Store) Complete(ctx context.Context, cs []Completion) (int, error) {
	n := 0
	err := s.write(ctx, func(t *tx) error {
		n = 0
		for i := range cs {
			if c := &cs[i]; c.NewItems {
				if _, err := t.exec(ctx, `UPDATE hearback_message SET items = ? WHERE id = ? AND owner = ? AND state = 'sending'`, string(appendItems(nil, c.Items)), c.Message, c.Owner); err != nil {
					return err
				}
			}
		}
		for part := range slices.Chunk(cs, 1000) {
			m, err := t.complete(ctx, part)
			if err != nil {
				return err
			}
			n += m
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("complete %d messages: %w", len(cs), err)
	}
	return n, nil
}

// outcome is what many completions have in common.
type outcome struct {
	owner  int64
	state  dispatcher.State
	why    string
	charge int
	resent bool
}

// complete records the states, one statement for all messages with the same
// outcome. Numbers stand in the statement itself, as in writeMessages.
func (t *tx) complete(ctx context.Context, cs []Completion) (int, error) {
	alike := map[outcome][]*Completion{}
	for i := range cs {
		c := &cs[i]
		o := outcome{c.Owner, c.State, c.Why, c.Charge, c.Resent}
		alike[o] = append(alike[o], c)
	}
	mine := make(map[int64]bool, len(cs))
	for o, some := range alike {
		ids := make([]int64, len(some))
		due := []byte("due_at")
		for i, c := range some {
			ids[i] = c.Message
			if !c.DueAt.IsZero() {
				due = append(appendInt(append(due, " WHEN "...), c.Message), " THEN "...)
				due = appendInt(due, micros(c.DueAt))
			}
		}
		if rest := due[len("due_at"):]; len(rest) > 0 {
			due = []byte("CASE id" + string(rest) + " ELSE due_at END")
		}
		done := t.now
		if o.state == dispatcher.StateDeferred || o.state == dispatcher.StateDue {
			done = 0
		}
		var recorded []int64
		if err := t.all(ctx, &recorded, `UPDATE hearback_message SET state = ?, why = ?, owner = 0, attempts = attempts + ?, due_at = `+string(due)+`, done_at = ?, resent = (resent OR ?)
			WHERE id IN `+ints(ids)+` AND owner = ? AND state = 'sending' RETURNING id`, string(o.state), o.why, o.charge, done, o.resent, o.owner); err != nil {
			return 0, err
		}
		for _, id := range recorded {
			mine[id] = true
		}
	}
	if err := t.recordAttempts(ctx, cs); err != nil {
		return 0, err
	}
	for i := range cs {
		if c := &cs[i]; c.Suppress != nil && mine[c.Message] {
			if err := t.suppress(ctx, *c.Suppress); err != nil {
				return 0, err
			}
		}
	}
	return len(mine), nil
}

// answer is what many attempts have in common.
type answer struct {
	relay, outcome, enhanced, template string
	code                               int
}

// recordAttempts numbers and writes the attempts. Even those whose message was
// reclaimed meanwhile are kept: they happened.
func (t *tx) recordAttempts(ctx context.Context, cs []Completion) error {
	alike := map[answer][]*Completion{}
	for i := range cs {
		if a := cs[i].Attempt; a != nil {
			k := answer{a.Relay, string(a.Outcome), a.Enhanced, a.TemplateVersion, a.Code}
			alike[k] = append(alike[k], &cs[i])
		}
	}
	for k, some := range alike {
		var values []byte
		args := make([]any, 0, 2*len(some)+5)
		for i, c := range some {
			if i > 0 {
				values = append(values, ',')
			}
			values = append(values, '(')
			a := c.Attempt
			for _, n := range [...]int64{c.Message, micros(a.At), a.Duration.Microseconds()} {
				values = append(appendInt(values, n), ',')
			}
			values = append(values, "?,?)"...)
			args = append(args, clean(a.Text), a.ContentHash)
		}
		args = append(args, k.relay, k.outcome, k.code, k.enhanced, k.template)
		if _, err := t.exec(ctx, `WITH v (message, at, duration, text, content_hash) AS (VALUES `+string(values)+`)
			INSERT INTO hearback_attempt (message, number, at, relay, outcome, code, enhanced, text, duration, template_version, content_hash)
			SELECT v.message, 1 + COALESCE((SELECT max(a.number) FROM hearback_attempt AS a WHERE a.message = v.message), 0), v.at, ?, ?, ?, ?, v.text, v.duration, ?, v.content_hash
			FROM v WHERE TRUE ON CONFLICT (message, number) DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}

// MessageFilter says which messages to list; zero fields do not filter.
type MessageFilter struct {
	Site       string
	Subscriber int64
	State      dispatcher.State
	Slot       int64
	Kind       dispatcher.Kind
	Before     int64 // keyset: below this number
	Limit      int
}

// Messages lists messages, newest first.
func (s *Store) Messages(ctx context.Context, f MessageFilter) ([]dispatcher.Message, error) {
	var rows []messageRow
	if err := s.all(ctx, &rows, `SELECT `+messageColumns+` FROM hearback_message
		WHERE (? = '' OR site = ?) AND (? = CAST(0 AS BIGINT) OR subscriber = ?) AND (? = '' OR state = ?) AND (? = CAST(0 AS BIGINT) OR slot = ?) AND (? = '' OR kind = ?) AND (? = CAST(0 AS BIGINT) OR id < ?)
		ORDER BY id DESC LIMIT ?`, f.Site, f.Site, f.Subscriber, f.Subscriber, string(f.State), string(f.State), f.Slot, f.Slot, string(f.Kind), string(f.Kind), f.Before, f.Before, f.Limit); err != nil {
		return nil, err
	}
	out := make([]dispatcher.Message, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// Message gives one message with its attempts, oldest first.
func (s *Store) Message(ctx context.Context, id int64) (dispatcher.Message, []dispatcher.Attempt, error) {
	var r messageRow
	if err := s.get(ctx, &r, `SELECT `+messageColumns+` FROM hearback_message WHERE id = ?`, id); err != nil {
		return dispatcher.Message{}, nil, notFound(err, "message", fmt.Sprint(id))
	}
	var attempts []dispatcher.Attempt
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT message, number, at, relay, outcome, code, enhanced, text, duration, template_version, content_hash
		FROM hearback_attempt WHERE message = ? ORDER BY number`), id)
	var a dispatcher.Attempt
	var at, dur int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&a.Message, &a.Number, &at, &a.Relay, &a.Outcome, &a.Code, &a.Enhanced, &a.Text, &dur, &a.TemplateVersion, &a.ContentHash); err != nil {
			return err
		}
		a.At, a.Duration = fromMicros(at), time.Duration(dur)*time.Microsecond
		attempts = append(attempts, a)
		return nil
	})
	return r.domain(), attempts, err
}

// RetryMessage makes a failed, unknown, deferred, cancelled or suppressed
// message due now. Selection judges it again before it goes out.
func (s *Store) RetryMessage(ctx context.Context, site string, id int64) error {
	err := s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE hearback_message SET state = 'due', why = '', due_at = ?, owner = 0, done_at = 0, revision = ?
			WHERE id = ? AND (? = '' OR site = ?) AND state IN ('failed', 'unknown', 'deferred', 'cancelled', 'suppressed')`, t.now, retried, id, site, site)
		if err != nil || n == 1 {
			return err
		}
		var state string
		if err := t.get(ctx, &state, `SELECT state FROM hearback_message WHERE id = ? AND (? = '' OR site = ?)`, id, site, site); err != nil {
			return notFound(err, "message", fmt.Sprint(id))
		}
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the message is " + state, Mend: "only what failed, is unknown, deferred, cancelled or suppressed can be sent again"}
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return err
}

// CountStates counts messages by state.
func (s *Store) CountStates(ctx context.Context) (map[dispatcher.State]int64, error) {
	out := map[dispatcher.State]int64{}
	rows, err := s.read.QueryContext(ctx, `SELECT state, count(*) FROM hearback_message GROUP BY state`)
	var st string
	var n int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&st, &n); err != nil {
			return err
		}
		out[dispatcher.State(st)] = n
		return nil
	})
	return out, ctxErr(ctx, err)
}
