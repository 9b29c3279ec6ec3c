package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Door says by which way an event came. Doors that end in "+vouch" may confirm
// addresses; "source:NAME" names a source.
type Door string

// DoorSQL is the door of rows that a site inserted itself.
const DoorSQL Door = "sql"

// Vouches says whether events of this door may confirm an address.
func (d Door) Vouches() bool { return strings.HasSuffix(string(d), "+vouch") }

// Source gives the source's name of a source door, or "".
func (d Door) Source() string {
	name, ok := strings.CutPrefix(string(d), "source:")
	if !ok {
		return ""
	}
	return name
}

// Receipt is the answer to events handed in.
type Receipt struct {
	Accepted   int        `json:"accepted"`
	Duplicates int        `json:"duplicates"`
	Rejected   []Rejected `json:"rejected"`
}

// Rejected is one event that was not taken, by its index in the hand-in.
type Rejected struct {
	Index int   `json:"index"`
	Err   error `json:"-"` // the door writes it as its own errors
}

// Append puts valid events into the inbox in one transaction: accepted ones
// survive a crash once it returned. An id seen before is a duplicate when the
// content is the same, else rejected as id_reused. The caller has validated
// the events; their Site is set here.
func (s *Store) Append(ctx context.Context, site string, door Door, events []dispatcher.Event) (Receipt, error) {
	if _, err := s.Site(site); err != nil {
		return Receipt{}, err
	}
	var r Receipt
	err := s.write(ctx, func(t *tx) error {
		var err error
		r, err = t.append(ctx, site, door, events)
		return err
	})
	if err != nil {
		return Receipt{}, fmt.Errorf("append %d events: %w", len(events), err)
	}
	if r.Accepted > 0 {
		s.hints.Hint(TopicInbox)
	}
	return r, nil
}

func (t *tx) append(ctx context.Context, site string, door Door, events []dispatcher.Event) (Receipt, error) {
	r := Receipt{Rejected: []Rejected{}}
	hashes := make([]string, len(events))
	for i := range events {
		events[i].Site = site
		hashes[i] = events[i].Hash()
	}
	fresh, err := t.remember(ctx, site, events, hashes, &r)
	if err != nil {
		return r, err
	}
	const chunk = 500
	for part := range slices.Chunk(fresh, chunk) {
		args := make([]any, 0, len(part)*5)
		for _, i := range part {
			payload, err := json.Marshal(&events[i])
			if err != nil {
				return r, err
			}
			args = append(args, site, string(payload), string(door), events[i].ID, t.now)
		}
		if _, err := t.exec(ctx, `INSERT INTO hearback_inbox (site, payload, door, event_id, received_at) VALUES `+marks(len(part), 5), args...); err != nil {
			return r, err
		}
	}
	r.Accepted = len(fresh)
	return r, nil
}

// remember writes the ids of the events and gives the indexes of the new ones.
// Ids go in sorted, so that two writers never wait for each other in a circle.
func (t *tx) remember(ctx context.Context, site string, events []dispatcher.Event, hashes []string, r *Receipt) ([]int, error) {
	order := make([]int, 0, len(events))
	first := map[string]int{}
	var later []int // ids that stand twice in this hand-in
	for i := range events {
		if _, dup := first[events[i].ID]; dup {
			later = append(later, i)
			continue
		}
		first[events[i].ID] = i
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(events[a].ID, events[b].ID) })
	isNew := map[string]bool{}
	const chunk = 500
	for part := range slices.Chunk(order, chunk) {
		args := make([]any, 0, len(part)*6)
		for _, i := range part {
			args = append(args, site, events[i].ID, hashes[i], string(events[i].Type), "", t.now)
		}
		rows, err := t.rows(ctx, `INSERT INTO hearback_event (site, event_id, hash, type, note, seen_at) VALUES `+marks(len(part), 6)+
			` ON CONFLICT (site, event_id) DO NOTHING RETURNING event_id`, args...)
		var id string
		if err := each(rows, err, func() error {
			if err := rows.Scan(&id); err != nil {
				return err
			}
			isNew[id] = true
			return nil
		}); err != nil {
			return nil, err
		}
	}
	known, err := t.knownHashes(ctx, site, events, order, isNew)
	if err != nil {
		return nil, err
	}
	var fresh []int
	for i := range events {
		id := events[i].ID
		switch {
		case isNew[id] && first[id] == i:
			fresh = append(fresh, i)
		case isNew[id] && hashes[first[id]] == hashes[i], !isNew[id] && known[id] == hashes[i]:
			r.Duplicates++
		default:
			r.Rejected = append(r.Rejected, Rejected{Index: i, Err: idReused(id)})
		}
	}
	return fresh, nil
}

func idReused(id string) error {
	return &dispatcher.Error{Code: dispatcher.CodeIDReused, Field: "id",
		Message: fmt.Sprintf("the event id %q was used before with other content", id),
		Mend:    "give each event an id of its own; the id names the event, not the comment"}
}

func (t *tx) knownHashes(ctx context.Context, site string, events []dispatcher.Event, order []int, isNew map[string]bool) (map[string]string, error) {
	known := map[string]string{}
	var ids []any
	for _, i := range order {
		if !isNew[events[i].ID] {
			ids = append(ids, events[i].ID)
		}
	}
	for part := range slices.Chunk(ids, 500) {
		rows, err := t.rows(ctx, `SELECT event_id, hash FROM hearback_event WHERE site = ? AND event_id IN `+marks(1, len(part)), append([]any{site}, part...)...)
		var id, hash string
		if err := each(rows, err, func() error {
			if err := rows.Scan(&id, &hash); err != nil {
				return err
			}
			known[id] = hash
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// Enqueue puts one row into the inbox unread, as a site's own INSERT does on
// PostgreSQL: whatever is wrong with it, intake rejects it and says why.
// Payloads over [dispatcher.MaxPayload] are refused.
func (s *Store) Enqueue(ctx context.Context, site string, payload []byte) error {
	if len(payload) > dispatcher.MaxPayload {
		return &dispatcher.Error{Code: dispatcher.CodeTooLarge, Field: "payload", Message: fmt.Sprintf("has %d bytes", len(payload)),
			Mend: fmt.Sprintf("send at most %d bytes", dispatcher.MaxPayload)}
	}
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO hearback_inbox (site, payload, received_at) VALUES (?, ?, ?)`, site, string(payload), t.now)
		return err
	})
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	s.hints.Hint(TopicInbox)
	return nil
}

// RejectedEvent is an event that could not be taken in, with its reason.
type RejectedEvent struct {
	ID         int64     `json:"id"`
	Site       string    `json:"site"`
	EventID    string    `json:"event_id"`
	Payload    string    `json:"payload"`
	Door       Door      `json:"door"`
	Code       string    `json:"code"`
	Reason     string    `json:"reason"`
	ReceivedAt time.Time `json:"received_at"`
	RejectedAt time.Time `json:"rejected_at"`
}

type inboxRow struct {
	ID         int64  `db:"id"`
	Site       string `db:"site"`
	Payload    string `db:"payload"`
	Door       string `db:"door"`
	EventID    string `db:"event_id"`
	ReceivedAt int64  `db:"received_at"`
}

func (t *tx) reject(ctx context.Context, row inboxRow, eventID string, cause error) error {
	_, err := t.exec(ctx, `INSERT INTO hearback_inbox_rejected (site, event_id, payload, door, code, reason, received_at, rejected_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		storable(row.Site), storable(eventID), storable(row.Payload), row.Door, string(dispatcher.CodeOf(cause)), storable(cause.Error()), row.ReceivedAt, t.now)
	return err
}

// storable shows the bytes that a database cannot keep as replacement
// characters.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "�"), "�")
}

// RecordRejected keeps events that a door refused, so that an admin can list
// them. It forgets none of the reasons and takes any bytes.
func (s *Store) RecordRejected(ctx context.Context, site string, door Door, payload []byte, eventID string, cause error) error {
	if len(payload) > dispatcher.MaxPayload {
		payload = payload[:dispatcher.MaxPayload]
	}
	return s.write(ctx, func(t *tx) error {
		return t.reject(ctx, inboxRow{Site: site, Payload: string(payload), Door: string(door), ReceivedAt: t.now}, eventID, cause)
	})
}

// RejectedEvents lists a site's rejected events, newest first, below the id
// before (0 for the newest). Site "" lists all.
func (s *Store) RejectedEvents(ctx context.Context, site string, before int64, limit int) ([]RejectedEvent, error) {
	var out []RejectedEvent
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`
		SELECT id, site, event_id, payload, door, code, reason, received_at, rejected_at FROM hearback_inbox_rejected
		WHERE (? = '' OR site = ?) AND (? = CAST(0 AS BIGINT) OR id < ?) ORDER BY id DESC LIMIT ?`), site, site, before, before, limit)
	var e RejectedEvent
	var received, rejected int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&e.ID, &e.Site, &e.EventID, &e.Payload, &e.Door, &e.Code, &e.Reason, &received, &rejected); err != nil {
			return err
		}
		e.ReceivedAt, e.RejectedAt = fromMicros(received), fromMicros(rejected)
		out = append(out, e)
		return nil
	})
	return out, err
}

// RetryRejected puts rejected events back into the inbox, as they came. It
// gives how many.
func (s *Store) RetryRejected(ctx context.Context, site string, ids []int64) (int, error) {
	n := 0
	err := s.write(ctx, func(t *tx) error {
		n = 0
		var rows []inboxRow
		if err := t.all(ctx, &rows, `SELECT id, site, payload, door, '' AS event_id, received_at FROM hearback_inbox_rejected WHERE id IN `+ints(ids)+` AND (? = '' OR site = ?) ORDER BY id`, site, site); err != nil {
			return err
		}
		for _, r := range rows {
			if _, err := t.exec(ctx, `INSERT INTO hearback_inbox (site, payload, door, event_id, received_at) VALUES (?, ?, ?, '', ?)`, r.Site, r.Payload, r.Door, t.now); err != nil {
				return err
			}
			if _, err := t.exec(ctx, `DELETE FROM hearback_inbox_rejected WHERE id = ?`, r.ID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err == nil && n > 0 {
		s.hints.Hint(TopicInbox)
	}
	return n, err
}

// InboxDepth counts waiting events and gives the age of the oldest.
func (s *Store) InboxDepth(ctx context.Context) (int64, time.Duration, error) {
	var r struct {
		N      int64  `db:"n"`
		Oldest *int64 `db:"oldest"`
	}
	if err := s.get(ctx, &r, `SELECT count(*) AS n, min(received_at) AS oldest FROM hearback_inbox`); err != nil {
		return 0, 0, err
	}
	if r.Oldest == nil {
		return r.N, 0, nil
	}
	return r.N, s.clock.Now().Sub(fromMicros(*r.Oldest)), nil
}
