package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Rehearsed is what a slot would do for one reader.
type Rehearsed struct {
	Subscriber dispatcher.Subscriber
	dispatcher.Decision
}

// Rehearse judges the next readers of a slot that was not opened, after the
// cursor of w, as [Store.Slice] would, and writes nothing. Readers for whom
// nothing would happen are left out; visited counts them too, and fewer than
// o.Limit of them mean that there are no more.
func (s *Store) Rehearse(ctx context.Context, w *Work, o SliceOptions, win *dispatcher.Window, zone func(site, zone string) *time.Location) (out []Rehearsed, visited int, err error) {
	err = s.view(ctx, func(t *tx) error {
		sl := &slice{t: t, s: s, w: w, o: o, win: win, zone: zone, cursor: w.Slot.Cursor}
		if _, err := sl.readers(ctx); err != nil || len(sl.ids) == 0 {
			return err
		}
		visited, w.Slot.Cursor = len(sl.ids), sl.cursor
		if err := sl.load(ctx); err != nil {
			return err
		}
		for _, id := range sl.ids {
			turn, sub := sl.turns[id], sl.subs[id]
			if turn == nil || !sl.inChain[id] || sub.ConfirmedAt == 0 {
				continue
			}
			d := dispatcher.Decide(turn, win)
			if len(d.Drafts) > 0 || len(d.Holds) > 0 {
				out = append(out, Rehearsed{sub.domain(), d})
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("rehearse a slot of %s: %w", w.Slot.Schedule, err)
	}
	return out, visited, nil
}
