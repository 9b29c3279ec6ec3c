package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
)

// Names of the values by which a database knows its daemon.
const (
	metaBaseURL  = "base_url"
	metaInstance = "instance"
)

// Guard compares the daemon's base URL with the one that the database
// remembers; the first daemon's is taken down. With another one (a staging
// copy, a restored backup) sending is set to hold, with words on how to
// release it, and the new URL is remembered: whoever releases has decided.
func (s *Store) Guard(ctx context.Context, baseURL string) (changed bool, was string, err error) {
	baseURL = strings.TrimRight(baseURL, "/")
	err = s.write(ctx, func(t *tx) error {
		changed, was = false, ""
		// Only who inserts the first instance id is the first daemon.
		first, err := t.exec(ctx, `INSERT INTO hearback_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, metaInstance, rand.Text())
		if err != nil {
			return err
		}
		if err := t.get(ctx, &was, `INSERT INTO hearback_meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = hearback_meta.value RETURNING value`, metaBaseURL, baseURL); err != nil {
			return err
		}
		if first == 1 || was == baseURL {
			return nil
		}
		changed = true
		reason := fmt.Sprintf("this database belonged to %s and is now served at %s; if it is a copy, leave it so, else release with `hearback sending on`", was, baseURL)
		if _, err := t.exec(ctx, `INSERT INTO hearback_switch (scope, mode, redirect, reason, updated_at) VALUES ('', 'hold', '', ?, ?)
			ON CONFLICT (scope) DO UPDATE SET mode = 'hold', redirect = '', reason = excluded.reason, updated_at = excluded.updated_at`, reason, t.now); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE hearback_meta SET value = ? WHERE name = ?`, baseURL, metaBaseURL)
		return err
	})
	if err != nil {
		return false, "", fmt.Errorf("guard the instance: %w", err)
	}
	return changed, was, nil
}

// Instance gives the database's own id, "" before the first [Store.Guard].
func (s *Store) Instance(ctx context.Context) (string, error) { return s.Meta(ctx, metaInstance) }
