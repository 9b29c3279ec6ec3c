package store

import (
	"context"
	"fmt"
	"time"
)

// SuppressionFilter chooses suppressions, all of them when it is zero.
type SuppressionFilter struct {
	Site, Reason string
	Text         string // the address contains it
	Before       SuppressionMark
	Limit        int
}

// SuppressionMark is a place in the list of suppressions; the zero one is its
// begin.
type SuppressionMark struct {
	Since         time.Time
	Site, Address string
}

// NewestSuppressions lists suppressions, the newest first, after a mark. It
// looks at all of them: a list for people, not for the line.
func (s *Store) NewestSuppressions(ctx context.Context, f SuppressionFilter) ([]Suppression, error) {
	mark := micros(f.Before.Since)
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT site, address, reason, detail, message, since FROM hearback_suppression
		WHERE (? = '' OR site = ?) AND (? = '' OR reason = ?) AND (? = '' OR address LIKE ? ESCAPE '\')
			AND (? = CAST(0 AS BIGINT) OR since < ? OR since = ? AND (site > ? OR site = ? AND address > ?))
		ORDER BY since DESC, site, address LIMIT ?`),
		f.Site, f.Site, f.Reason, f.Reason, f.Text, "%"+likeEscape(f.Text)+"%", mark, mark, mark, f.Before.Site, f.Before.Site, f.Before.Address, f.Limit)
	var out []Suppression
	var p Suppression
	var since int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&p.Site, &p.Address, &p.Reason, &p.Detail, &p.Message, &since); err != nil {
			return err
		}
		p.Since = fromMicros(since)
		out = append(out, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the suppressions: %w", ctxErr(ctx, err))
	}
	return out, nil
}
