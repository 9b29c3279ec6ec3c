// Package sql reads comments from any table in PostgreSQL or SQLite by one
// query that the admin writes.
//
// The query names its result columns as [Columns] lists them and takes two
// parameters: rows changed at or after :since, oldest change first, at most
// :limit of them. A transaction that commits late shows rows behind the newest
// one read, so each round begins some minutes before it; the ledger tells what
// is really new. Every quarter of an hour all rows of the last two weeks are
// read again: that finds changes which move no time, such as an approval where
// the table keeps only the time of writing, and, if the option says so, rows
// that have gone.
//
// The connection only reads, and each statement has a time limit.
package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// Kind names this adapter in the configuration and in event ids.
const Kind = "sql"

// Options say what to read. URL and Query are needed; zero values of the
// others mean the defaults.
type Options struct {
	URL   string // postgres://… or sqlite:///path/to/file.db
	Query string // with :since and :limit

	// Lookup is the same query for one comment, by :id. With it, parents that
	// are older than what was read can be found.
	Lookup string
	// Since is how :since is given: "timestamp", "text", "epoch" (seconds),
	// "epoch_ms" or "epoch_us". "" finds it out from the first row.
	Since string
	// Zone is what times without a zone mean. UTC
	Zone *time.Location
	// Absent says what a row that has gone means: "" nothing, "removed" that
	// the comment was removed. The query must then give all rows, visible or not.
	Absent string

	Window     time.Duration // how far each round reads back for late commits. 10 min
	LookBack   time.Duration // how far the first round and the sweep read back. 14 days
	SweepEvery time.Duration // 15 min; negative for never
	Limit      int           // rows read at once. 500
	Timeout    time.Duration // of one statement. 30 s
}

// Source reads one table. It implements [source.Source].
type Source struct {
	Options
	db    *sqlx.DB
	lite  bool // SQLite
	query statement
	byID  *statement
	form  form // how :since is given; found out at the first row
	walk  walk // the one under way
}

// walk is what a reading from some time to the end has met so far.
type walk struct {
	id  int64
	met map[string]bool
}

// New opens the database, without asking it anything yet. The caller closes
// the Source.
func New(o Options) (*Source, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	s := &Source{Options: o, form: form{kind: o.Since}}
	var err error
	if s.query, err = parseStatement("query", o.Query, "since", "limit"); err != nil {
		return nil, err
	}
	if o.Lookup != "" {
		q, err := parseStatement("lookup", o.Lookup, "id")
		if err != nil {
			return nil, err
		}
		s.byID = &q
	}
	if s.db, s.lite, err = open(o.URL); err != nil {
		return nil, err
	}
	if s.lite && o.Since == formTimestamp {
		s.db.Close()
		return nil, dispatcher.Invalid("since", `use "text" or "epoch", or leave it out`, "SQLite has no timestamps")
	}
	return s, nil
}

// Close closes the database.
func (s *Source) Close() error { return s.db.Close() }

func (o *Options) defaults() error {
	switch o.Since {
	case "", formTimestamp, formText, formEpoch, formMilli, formMicro:
	default:
		return dispatcher.Invalid("since", `use "timestamp", "text", "epoch", "epoch_ms", "epoch_us" or leave it out`, "unknown form %q", o.Since)
	}
	if o.Absent != "" && o.Absent != "removed" {
		return dispatcher.Invalid("absent", `use "removed" or leave it out`, "unknown meaning %q", o.Absent)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	for d, v := range map[*time.Duration]time.Duration{
		&o.Window: 10 * time.Minute, &o.LookBack: 14 * 24 * time.Hour, &o.Timeout: 30 * time.Second,
	} {
		if *d <= 0 {
			*d = v
		}
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = 15 * time.Minute
	}
	if o.Limit <= 0 {
		o.Limit = 500
	}
	return nil
}

// cursor is how far the table has been read.
type cursor struct {
	Mark    time.Time `json:"mark"`     // the newest change read, never later than the round that read it
	SweptAt time.Time `json:"swept_at"` // begin of the last complete sweep
	Page    *page     `json:"page,omitempty"`
}

// page is a walk that is under way.
type page struct {
	Began time.Time `json:"began"`
	From  time.Time `json:"from"`           // where the walk began
	Since time.Time `json:"since"`          // where it goes on
	Skip  int       `json:"skip,omitempty"` // rows at Since that were read before
	Sweep bool      `json:"sweep,omitempty"`
	ID    int64     `json:"id"`
}

// tieSlip is how many rows are read twice within one instant, in case some of
// those before have moved on.
const tieSlip = 20

// Poll implements [source.Source]: it reads one page.
func (s *Source) Poll(ctx context.Context, r source.Round) (source.Batch, error) {
	var cur cursor
	if len(r.Cursor) > 0 {
		if err := json.Unmarshal(r.Cursor, &cur); err != nil {
			return source.Batch{}, fmt.Errorf("reading the cursor: %w", err)
		}
	}
	p := s.page(&cur, r.Now)
	rows, err := s.read(ctx, p)
	if err != nil {
		return source.Batch{}, err
	}
	b := source.Batch{Comments: rows.comments, Warning: rows.warning()}
	for _, id := range rows.ids {
		s.walk.met[id] = true
	}
	if mark := rows.last; mark.After(cur.Mark) {
		cur.Mark = mark
	}
	if cur.Mark.After(r.Now) {
		cur.Mark = r.Now // a row from the future must not hide those before it
	}
	if rows.read >= s.Limit {
		s.turn(&p, rows)
		cur.Page, b.More = &p, true
	} else {
		if err := s.absent(ctx, r, p, &b); err != nil {
			return source.Batch{}, err
		}
		cur.Page = nil
		if p.Sweep {
			cur.SweptAt = p.Began
		}
		if cur.Mark.IsZero() {
			cur.Mark = p.From // an empty table: begin there again
		}
	}
	if b.Cursor, err = json.Marshal(cur); err != nil {
		return source.Batch{}, fmt.Errorf("writing the cursor: %w", err)
	}
	return b, nil
}

// page gives where to read: on in the walk under way, or at the beginning of
// a new one.
func (s *Source) page(cur *cursor, now time.Time) page {
	// What a walk has met is needed at its end, so another process begins anew.
	if p := cur.Page; p != nil && s.walk.id == p.ID {
		return *p
	}
	p := page{Began: now, ID: now.UnixNano()}
	switch {
	case cur.Mark.IsZero():
		p.From, p.Sweep = now.Add(-s.LookBack), true
	case s.SweepEvery > 0 && now.Sub(cur.SweptAt) >= s.SweepEvery:
		p.From, p.Sweep = now.Add(-s.LookBack), true
		if from := cur.Mark.Add(-s.Window); from.Before(p.From) {
			p.From = from // nothing between is left out after a long stop
		}
	default:
		p.From = cur.Mark.Add(-s.Window)
	}
	p.Since = p.From
	s.walk = walk{id: p.ID, met: make(map[string]bool)}
	return p
}

// turn moves a walk to its next page. Rows of one instant may fill more than a
// page: then the page begins at the same instant and passes over those read.
func (s *Source) turn(p *page, r *result) {
	next := r.last.Add(-s.form.step())
	if next.After(p.Since) {
		p.Since, p.Skip = next, 0
		return
	}
	p.Skip += max(1, r.read-tieSlip)
}

// absent tells of comments that the ledger has and the walk, which has come to
// its end, has not met.
func (s *Source) absent(ctx context.Context, r source.Round, p page, b *source.Batch) error {
	if s.Absent != "removed" {
		return nil
	}
	known, err := r.Known.Recent(ctx, p.From)
	if err != nil {
		return err
	}
	for _, k := range known {
		if !s.walk.met[k.Comment] {
			b.Comments = append(b.Comments, source.Comment{ID: k.Comment, State: dispatcher.Removed})
		}
	}
	return nil
}

// Look implements [source.Source] by the Lookup query; without one it finds
// nothing.
func (s *Source) Look(ctx context.Context, ids []string) ([]source.Comment, error) {
	if s.byID == nil {
		return nil, nil
	}
	var comments []source.Comment
	for _, id := range ids {
		rows, err := s.run(ctx, *s.byID, map[string]any{"id": id}, 0)
		if err != nil {
			return nil, err
		}
		if len(rows.comments) == 0 && len(rows.faults) == 0 {
			comments = append(comments, source.Comment{ID: id, State: dispatcher.Removed})
		}
		comments = append(comments, rows.comments...)
	}
	return comments, nil
}

// Fill implements [source.Source]: a row says all there is.
func (s *Source) Fill(context.Context, []*source.Comment) error { return nil }
