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

// TemplateState is where a version of a template stands.
type TemplateState string

// The states of a version. There is at most one draft and one active version
// of a template.
const (
	TemplateDraft  TemplateState = "draft"
	TemplateActive TemplateState = "active"
	TemplateOld    TemplateState = "old"
)

// TemplateKey names one template: of a site or, with Site "", of all sites.
type TemplateKey struct {
	Site   string          `json:"site,omitempty"`
	Kind   dispatcher.Kind `json:"kind"`
	Locale string          `json:"locale"`
}

// Template is one version of a stored template.
type Template struct {
	ID int64 `json:"id"`
	TemplateKey
	Number int `json:"version"`
	dispatcher.Parts
	State       TemplateState `json:"state"`
	Author      string        `json:"author,omitempty"`
	CreatedAt   time.Time     `json:"created_at"`
	PublishedAt time.Time     `json:"published_at,omitzero"`
}

type templateRow struct {
	ID          int64  `db:"id"`
	Site        string `db:"site"`
	Kind        string `db:"kind"`
	Locale      string `db:"locale"`
	Number      int    `db:"number"`
	Subject     string `db:"subject"`
	Text        string `db:"text"`
	HTML        string `db:"html"`
	State       string `db:"state"`
	Author      string `db:"author"`
	CreatedAt   int64  `db:"created_at"`
	PublishedAt int64  `db:"published_at"`
}

const templateColumns = `id, site, kind, locale, number, subject, text, html, state, author, created_at, published_at`

func (r *templateRow) domain() Template {
	return Template{ID: r.ID, TemplateKey: TemplateKey{r.Site, dispatcher.Kind(r.Kind), r.Locale}, Number: r.Number,
		Parts: dispatcher.Parts{Subject: r.Subject, Text: r.Text, HTML: r.HTML}, State: TemplateState(r.State), Author: r.Author,
		CreatedAt: fromMicros(r.CreatedAt), PublishedAt: fromMicros(r.PublishedAt)}
}

// SaveDraft writes the draft of a template, which the caller has checked, as a
// new version or in place of the draft there is. Mails do not change.
func (s *Store) SaveDraft(ctx context.Context, key TemplateKey, parts dispatcher.Parts, author string) (Template, error) {
	if key.Site != "" {
		if _, err := s.Site(key.Site); err != nil {
			return Template{}, err
		}
	}
	var row templateRow
	err := s.write(ctx, func(t *tx) error {
		// A version's number and text belong together for ever, so a changed
		// draft is a new version and the earlier one goes. The number is taken
		// while the earlier one is there: else its number would be used again,
		// and who publishes what they saw would publish what they did not see.
		var last int
		if err := t.get(ctx, &last, `SELECT coalesce(max(number), 0) FROM hearback_template WHERE site = ? AND kind = ? AND locale = ?`,
			key.Site, string(key.Kind), key.Locale); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM hearback_template WHERE site = ? AND kind = ? AND locale = ? AND state = ?`,
			key.Site, string(key.Kind), key.Locale, string(TemplateDraft)); err != nil {
			return err
		}
		return t.get(ctx, &row, `INSERT INTO hearback_template (site, kind, locale, number, subject, text, html, state, author, created_at, published_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) RETURNING `+templateColumns,
			key.Site, string(key.Kind), key.Locale, last+1, parts.Subject, parts.Text, parts.HTML, string(TemplateDraft), author, t.now)
	})
	if err != nil {
		return Template{}, fmt.Errorf("save a template's draft: %w", err)
	}
	return row.domain(), nil
}

// DiscardDraft removes the draft of a template if it is still this version.
func (s *Store) DiscardDraft(ctx context.Context, key TemplateKey, number int) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM hearback_template WHERE site = ? AND kind = ? AND locale = ? AND state = ? AND number = ?`,
			key.Site, string(key.Kind), key.Locale, string(TemplateDraft), number)
		if err == nil && n == 0 {
			return dispatcher.NotFound("draft", strconv.Itoa(number))
		}
		return err
	})
}

// Publish makes a version, a draft or an old one, the active one. The one that
// was active becomes old.
func (s *Store) Publish(ctx context.Context, key TemplateKey, number int) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.retire(ctx, key, number); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE hearback_template SET state = ?, published_at = ? WHERE site = ? AND kind = ? AND locale = ? AND number = ?`,
			string(TemplateActive), t.now, key.Site, string(key.Kind), key.Locale, number)
		if err == nil && n == 0 {
			return dispatcher.NotFound("version", strconv.Itoa(number))
		}
		return err
	})
}

// retire makes the active version of a template old, unless it is the kept one.
func (t *tx) retire(ctx context.Context, key TemplateKey, keep int) error {
	_, err := t.exec(ctx, `UPDATE hearback_template SET state = ? WHERE site = ? AND kind = ? AND locale = ? AND state = ? AND number <> ?`,
		string(TemplateOld), key.Site, string(key.Kind), key.Locale, string(TemplateActive), keep)
	return err
}

// Rollback puts the version that was active before the active one back in its
// place and gives its number; 0 says that the built-in template counts again,
// as there was none before.
func (s *Store) Rollback(ctx context.Context, key TemplateKey) (int, error) {
	number := 0
	err := s.write(ctx, func(t *tx) error {
		number = 0
		var active templateRow
		if err := t.get(ctx, &active, `SELECT `+templateColumns+` FROM hearback_template WHERE site = ? AND kind = ? AND locale = ? AND state = ?`+t.d.forUpdate(),
			key.Site, string(key.Kind), key.Locale, string(TemplateActive)); err != nil {
			return notFound(err, "active template", string(key.Kind)+" "+key.Locale)
		}
		if err := t.retire(ctx, key, 0); err != nil {
			return err
		}
		err := t.get(ctx, &number, `SELECT number FROM hearback_template WHERE site = ? AND kind = ? AND locale = ? AND state = ? AND published_at < ? AND id <> ?
			ORDER BY published_at DESC, number DESC LIMIT 1`, key.Site, string(key.Kind), key.Locale, string(TemplateOld), active.PublishedAt, active.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		// published_at stays: rolling back twice goes two versions back.
		_, err = t.exec(ctx, `UPDATE hearback_template SET state = ? WHERE site = ? AND kind = ? AND locale = ? AND number = ?`,
			string(TemplateActive), key.Site, string(key.Kind), key.Locale, number)
		return err
	})
	return number, err
}

// Templates lists the versions of all templates of a site, those of all sites
// included ("" for these alone); the newest version of each first.
func (s *Store) Templates(ctx context.Context, site string) ([]Template, error) {
	return s.templates(ctx, `WHERE site = ? OR site = '' ORDER BY kind, locale, site, number DESC`, site)
}

// Template gives one version.
func (s *Store) Template(ctx context.Context, key TemplateKey, number int) (Template, error) {
	list, err := s.templates(ctx, `WHERE site = ? AND kind = ? AND locale = ? AND number = ?`, key.Site, string(key.Kind), key.Locale, number)
	if err == nil && len(list) == 0 {
		return Template{}, dispatcher.NotFound("version", strconv.Itoa(number))
	}
	if err != nil {
		return Template{}, err
	}
	return list[0], nil
}

func (s *Store) templates(ctx context.Context, where string, args ...any) ([]Template, error) {
	var rows []templateRow
	if err := s.all(ctx, &rows, `SELECT `+templateColumns+` FROM hearback_template `+where, args...); err != nil {
		return nil, err
	}
	out := make([]Template, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// Active gives the active version of a template. It implements
// the renderer's view of stored templates.
func (s *Store) Active(ctx context.Context, site string, kind dispatcher.Kind, locale string) (dispatcher.Override, bool, error) {
	list, err := s.templates(ctx, `WHERE site = ? AND kind = ? AND locale = ? AND state = ?`, site, string(kind), locale, string(TemplateActive))
	if err != nil || len(list) == 0 {
		return dispatcher.Override{}, false, err
	}
	return dispatcher.Override{ID: strconv.FormatInt(list[0].ID, 10), Parts: list[0].Parts}, true, nil
}
