package sql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// Columns are the result columns that a query may name. Needed are comment_id,
// thread_id, html or text, and written_at or published_at. Rows must come in
// ascending order of updated_at if there is one, else of published_at, else of
// written_at: the same time that :since is compared with.
var Columns = [...]string{
	"comment_id", "parent_id", "thread_id", "thread_url", "thread_title",
	"author_id", "author_name", "author_email", "html", "text", "url",
	"published_at", "written_at", "updated_at", "state",
}

// result is what a query brought.
type result struct {
	comments  []source.Comment
	ids       []string  // of all rows, also those that could not be read
	read      int       // rows, the passed-over ones aside
	last      time.Time // the ordering time of the last row
	orderedBy string    // the ordering column
	sample    any       // its value in the first row, as the driver gave it
	faults    []string  // rows that could not be read
}

// warning tells of rows that were left out.
func (r *result) warning() string {
	n := len(r.faults)
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d rows were left out, such as %s", n, r.faults[0])
}

// read reads the page.
func (s *Source) read(ctx context.Context, p page) (*result, error) {
	ok, err := s.findForm(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &result{}, nil // an empty table
	}
	return s.run(ctx, s.query, map[string]any{
		"since": s.form.value(p.Since), "limit": int64(p.Skip + s.Limit),
	}, p.Skip)
}

// collect reads the rows. One row that makes no sense does not stop the others.
func (s *Source) collect(st statement, rows *sqlx.Rows, skip int) (*result, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	res := &result{}
	if res.orderedBy, err = checkColumns(st, columns); err != nil {
		return nil, err
	}
	for rows.Next() {
		if skip > 0 {
			skip--
			continue
		}
		values, err := rows.SliceScan()
		if err != nil {
			return nil, err
		}
		res.read++
		if err := s.add(res, row{columns, values}); err != nil {
			return nil, err
		}
	}
	return res, rows.Err()
}

// checkColumns says which needed column is missing, and gives the one that
// orders the rows.
func checkColumns(st statement, columns []string) (string, error) {
	has := func(name string) bool { return slices.Contains(columns, name) }
	missing := ""
	switch {
	case !has("comment_id"):
		missing = "comment_id"
	case !has("thread_id"):
		missing = "thread_id"
	case !has("html") && !has("text"):
		missing = "html or text"
	case !has("written_at") && !has("published_at"):
		missing = "written_at or published_at"
	}
	if missing != "" {
		return "", dispatcher.Invalid(st.field, "name the result columns with AS; they may be "+strings.Join(Columns[:], ", "),
			"has no column %s; its columns are %s", missing, strings.Join(columns, ", "))
	}
	for _, c := range columns {
		if !slices.Contains(Columns[:], c) {
			return "", dispatcher.Invalid(st.field, "leave it out, or name it as one of "+strings.Join(Columns[:], ", "), "has an unknown column %s", c)
		}
	}
	for _, c := range []string{"updated_at", "published_at"} {
		if has(c) {
			return c, nil
		}
	}
	return "written_at", nil
}

// row is one row by column name.
type row struct {
	columns []string
	values  []any
}

func (r row) get(name string) any {
	if i := slices.Index(r.columns, name); i >= 0 {
		return r.values[i]
	}
	return nil
}

// text gives a value as text, "" for NULL.
func (r row) text(name string) string {
	switch v := r.get(name).(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// id gives a value as an id. Tables say "none" as NULL, "" and 0.
func (r row) id(name string) string {
	if s := r.text(name); s != "0" {
		return s
	}
	return ""
}

func (s *Source) add(res *result, r row) error {
	res.ids = append(res.ids, r.id("comment_id"))
	if res.sample == nil {
		res.sample = r.get(res.orderedBy)
	}
	at, err := s.parseTime(r.get(res.orderedBy))
	if err != nil {
		res.faults = append(res.faults, fmt.Sprintf("comment %s: %s: %v", r.text("comment_id"), res.orderedBy, err))
		return nil
	}
	// Text and times in odd zones sort otherwise than they compare; a second's
	// grace for tables that round.
	if at.Before(res.last.Add(-time.Second)) {
		return dispatcher.Invalid("query", "add ORDER BY for the time that :since is compared with, then for the id",
			"gives rows out of order: comment %s, %s %s, comes after %s", r.text("comment_id"), res.orderedBy, at.Format(time.RFC3339), res.last.Format(time.RFC3339))
	}
	res.last = at
	c, err := s.comment(r)
	if err != nil {
		res.faults = append(res.faults, fmt.Sprintf("comment %s: %v", r.text("comment_id"), err))
		return nil
	}
	res.comments = append(res.comments, c)
	return nil
}

func (s *Source) comment(r row) (source.Comment, error) {
	c := source.Comment{
		ID: r.id("comment_id"), ParentID: r.id("parent_id"), URL: r.text("url"),
		HTML: r.text("html"), Text: r.text("text"),
		Thread: dispatcher.EventThread{ID: r.text("thread_id"), URL: r.text("thread_url"), Title: r.text("thread_title")},
		Author: dispatcher.EventAuthor{ID: r.id("author_id"), Name: r.text("author_name"), Email: r.text("author_email")},
	}
	if c.ID == "" {
		return c, fmt.Errorf("comment_id is empty")
	}
	if c.HTML != "" {
		c.Text = ""
	}
	var err error
	if c.State, err = state(r); err != nil {
		return c, err
	}
	if c.State == dispatcher.Visible && c.Thread.ID == "" {
		return c, fmt.Errorf("thread_id is empty")
	}
	for name, t := range map[string]*time.Time{"published_at": &c.PublishedAt, "written_at": &c.WrittenAt, "updated_at": &c.UpdatedAt} {
		if v := r.get(name); v != nil {
			if *t, err = s.parseTime(v); err != nil {
				return c, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if c.WrittenAt.IsZero() {
		c.WrittenAt = c.PublishedAt
	}
	if c.WrittenAt.IsZero() && c.State == dispatcher.Visible {
		return c, fmt.Errorf("it has neither written_at nor published_at")
	}
	return c, nil
}

// states are the words for a comment's state, as tables have them.
var states = [...]struct {
	state dispatcher.Visibility
	words []string
}{
	{dispatcher.Visible, []string{"visible", "approved", "published", "public", "1", "t", "true"}},
	{dispatcher.Held, []string{"held", "hold", "pending", "unapproved", "spam", "0", "f", "false"}},
	{dispatcher.Removed, []string{"removed", "deleted", "trash", "trashed"}},
}

func state(r row) (dispatcher.Visibility, error) {
	if !slices.Contains(r.columns, "state") {
		return dispatcher.Visible, nil
	}
	word := strings.ToLower(strings.TrimSpace(r.text("state")))
	for _, s := range states {
		if slices.Contains(s.words, word) {
			return s.state, nil
		}
	}
	return "", fmt.Errorf("state %q is none of visible, held and removed", clip(word))
}
