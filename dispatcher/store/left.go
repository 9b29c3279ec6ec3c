package store

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
)

// EraseByReader is [Store.Erase] by the reader's own wish: they have left, and
// nobody but they themselves brings them back.
func (s *Store) EraseByReader(ctx context.Context, site, id string) error {
	return s.write(ctx, func(t *tx) error {
		row, err := t.subscriberByID(ctx, site, id)
		if err != nil {
			return err
		}
		return t.erase(ctx, row, true)
	})
}

// rememberLeft keeps that somebody left when all else of them is erased: the
// key of their address, which names nobody.
func (t *tx) rememberLeft(ctx context.Context, row *subscriberRow, byReader bool) error {
	at := row.EndedAt
	if byReader {
		at = t.now
	}
	if at == 0 {
		return nil
	}
	_, err := t.exec(ctx, `INSERT INTO hearback_left (site, address_key, left_at) VALUES (?, ?, ?)
		ON CONFLICT (site, address_key) DO UPDATE SET left_at = excluded.left_at`, row.Site, int64(dispatcher.AddressKey(row.Site, row.Address)), at)
	return err
}

// leftAt gives when the reader of an address left a site and was erased, and
// who ended it; 0 and "" if they did not.
func (t *tx) leftAt(ctx context.Context, site, address string) (at int64, by string, err error) {
	err = t.get(ctx, &at, `SELECT COALESCE(max(left_at), 0) FROM hearback_left WHERE site = ? AND address_key = ?`, site, int64(dispatcher.AddressKey(site, address)))
	if at != 0 {
		by = string(dispatcher.EndedByReader)
	}
	return at, by, err
}

// returned forgets that a reader left: they came back by themselves.
func (t *tx) returned(ctx context.Context, sub *subscriberRow) error {
	if _, err := t.exec(ctx, `UPDATE hearback_subscriber SET ended_at = 0, ended_by = '' WHERE id = ?`, sub.ID); err != nil {
		return err
	}
	_, err := t.exec(ctx, `DELETE FROM hearback_left WHERE site = ? AND address_key = ?`, sub.Site, int64(dispatcher.AddressKey(sub.Site, sub.Address)))
	return err
}
