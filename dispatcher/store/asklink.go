package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// linkPause is the least time between two mails with a link to one address.
const linkPause = 10 * time.Minute

// AskLink queues a mail with a fresh link to the reader of an address, at most
// one in ten minutes: on the site that is named, where they have something
// there, else on the one they came to first. The same statements run for an
// address that nobody has.
func (s *Store) AskLink(ctx context.Context, site, email string) error {
	_, addr, err := address.Parse(email)
	if err != nil {
		return err
	}
	where, sites := s.inSites()
	err = s.write(ctx, func(t *tx) error {
		fresh, err := t.noteLink(ctx, addr)
		if err != nil {
			return err
		}
		args := append([]any{string(dispatcher.KindLink), dispatcher.PriorityConfirm, t.now, t.now, addr, fresh}, sites...)
		_, err = t.exec(ctx, `INSERT INTO hearback_message (site, kind, bucket, subscriber, address, slot, schedule, thread, items, items_max, more, storm, since,
				revision, data, state, why, priority, due_at, attempts, resent, owner, created_at, done_at)
			SELECT site, ?, bucket, id, '', 0, '', 0, '', 0, 0, FALSE, 0, 0, '', 'due', '', ?, ?, 0, FALSE, 0, ?, 0 FROM hearback_subscriber
			WHERE address = ? AND confirmed_at > 0 AND ? AND `+where+` ORDER BY CASE WHEN site = ? THEN 0 ELSE 1 END, id LIMIT 1`,
			append(args, site)...)
		return err
	})
	if err == nil {
		s.hints.Hint(TopicMessage)
	}
	return err
}

// noteLink says whether a link may be mailed to an address, and notes that it
// was asked for.
func (t *tx) noteLink(ctx context.Context, addr string) (bool, error) {
	n, err := t.exec(ctx, `INSERT INTO hearback_link_asked (address_key, asked_at) VALUES (?, ?)
		ON CONFLICT (address_key) DO UPDATE SET asked_at = excluded.asked_at WHERE hearback_link_asked.asked_at <= ?`,
		int64(dispatcher.AddressKey("", addr)), t.now, t.now-linkPause.Microseconds())
	return n > 0, err
}

// SiteKeys lists the keys of the configured sites.
func (s *Store) SiteKeys() []string { return s.siteKeys() }

// inSites gives the condition that a row is of a configured site, with its
// arguments.
func (s *Store) inSites() (string, []any) {
	var args []any
	for _, key := range s.siteKeys() {
		args = append(args, key)
	}
	if len(args) == 0 {
		return `site IN ('')`, nil
	}
	return `site IN ` + marks(1, len(args)), args
}

// SameAddress lists the subscribers of all configured sites who have an
// address, confirmed ones only, in the order in which they came.
func (s *Store) SameAddress(ctx context.Context, addr string) ([]dispatcher.Subscriber, error) {
	var out []dispatcher.Subscriber
	where, args := s.inSites()
	err := s.view(ctx, func(t *tx) error {
		var rows []subscriberRow
		if err := t.all(ctx, &rows, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE address = ? AND confirmed_at > 0 AND `+where+` ORDER BY id`,
			append([]any{addr}, args...)...); err != nil {
			return err
		}
		for _, r := range rows {
			sub, err := t.subscriber(ctx, r)
			if err != nil {
				return err
			}
			out = append(out, sub)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for an address: %w", err)
	}
	return out, nil
}

func purgeLinks(ctx context.Context, t *tx, before int64) (int64, error) {
	return t.exec(ctx, `DELETE FROM hearback_link_asked WHERE address_key IN (SELECT address_key FROM hearback_link_asked WHERE asked_at < ? ORDER BY asked_at LIMIT ?)`, before, purgeStep)
}
