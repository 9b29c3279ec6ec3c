package digest

import (
	"context"
	"errors"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Rehearsal says who would get what if a schedule fired now.
type Rehearsal struct {
	Mails   int // those that would be made
	Readers int // those who were looked at
	Held    map[dispatcher.HoldReason]int
	First   []store.Rehearsed // the first who would get a mail
	Partly  bool              // there are more readers than were looked at
}

// maxRehearsed is how many readers a rehearsal looks at: enough for most
// installations, and seconds in the largest.
const maxRehearsed = 20_000

// Rehearse asks the rules who would get what if a schedule fired now, in each
// of its zones, and writes nothing. First holds at most limit readers. A
// schedule that is paused or that nobody follows gives an empty rehearsal.
func (s *Stage) Rehearse(ctx context.Context, schedule string, limit int) (*Rehearsal, error) {
	out := &Rehearsal{Held: map[dispatcher.HoldReason]int{}}
	chains, err := s.o.Store.Chains(ctx)
	if err != nil {
		return nil, err
	}
	head, err := s.o.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range chains {
		if c.Schedule.Name != schedule {
			continue
		}
		w := &store.Work{Schedule: c.Schedule, Slot: dispatcher.Slot{Schedule: schedule, Zone: c.Zone, At: s.o.Clock.Now(), Start: c.LastAt, From: c.LastUpto, Upto: head,
			Cursor: dispatcher.SlotCursor{Bucket: -1}}}
		if err := s.rehearse(ctx, w, out, limit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Stage) rehearse(ctx context.Context, w *store.Work, out *Rehearsal, limit int) error {
	for range 3 { // a hold that came in between makes the window too short
		low, err := s.o.Store.LowestHold(ctx, &w.Slot)
		if err != nil {
			return err
		}
		win, err := s.o.Store.Window(ctx, low, w.Slot.Upto)
		if err != nil {
			return err
		}
		o := store.SliceOptions{Limit: s.o.Slice, Limits: s.o.Limits, Low: low}
		o.Keys, o.Owners = moved(win)
		err = s.rehearseSlices(ctx, w, o, win, out, limit)
		if !errors.Is(err, store.ErrWindowShort) {
			return err
		}
	}
	return store.ErrWindowShort
}

func (s *Stage) rehearseSlices(ctx context.Context, w *store.Work, o store.SliceOptions, win *dispatcher.Window, out *Rehearsal, limit int) error {
	for {
		if out.Readers >= maxRehearsed {
			out.Partly = true
			return nil
		}
		list, visited, err := s.o.Store.Rehearse(ctx, w, o, win, s.zones.of)
		if err != nil {
			return err
		}
		out.Readers += visited
		for _, r := range list {
			out.Mails += len(r.Drafts)
			for i := range r.Holds {
				out.Held[r.Holds[i].Reason]++
			}
			if len(r.Drafts) > 0 && len(out.First) < limit {
				out.First = append(out.First, r)
			}
		}
		if visited < o.Limit {
			return nil
		}
	}
}
