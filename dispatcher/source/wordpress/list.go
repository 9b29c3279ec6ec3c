package wordpress

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// Sizes of what is asked for at once. WordPress gives at most 100.
const (
	headSize   = 50
	pageSize   = 100
	pagesAHead = 10 // then the sweep is quicker
	pagesASlip = 10 // of a sweep in one Poll
	slip       = 10 // comments that two pages share: removals shift what follows
	queueSize  = 500
	hiddenSize = 300
	checksAGo  = 200
	oddEvery   = 10 * time.Minute
)

// head reads the newest comments by id down to those it met before.
func (rd *reading) head(ctx context.Context) error {
	var list []comment
	lowest, end := int64(0), false
	reached := rd.cur.DeepAt.IsZero() // the first attach leaves the rest to the sweep
	for page, offset := 0, 0; page < pagesAHead; page, offset = page+1, offset+headSize-slip {
		got, total, err := rd.w.list(ctx, url.Values{
			"orderby": {"id"}, "order": {"desc"},
			"per_page": {strconv.Itoa(headSize)}, "offset": {strconv.Itoa(offset)},
		}, true)
		if err != nil {
			return err
		}
		list = append(list, got...)
		for _, c := range got {
			if lowest == 0 || int64(c.ID) < lowest {
				lowest = int64(c.ID)
			}
		}
		// A page may be short or empty with more behind it: what strangers may
		// not see is taken out after the page was cut.
		end = total >= 0 && offset+headSize >= total || total < 0 && len(got) == 0
		if reached = reached || end || lowest > 0 && lowest <= rd.cur.Top; reached {
			break
		}
	}
	if !reached {
		rd.cur.SweptAt = time.Time{} // sweep now
	}
	rd.see(list)
	for _, c := range list {
		rd.cur.Top = max(rd.cur.Top, int64(c.ID))
	}
	// The ledger is asked for no more than the head reaches, each few seconds.
	from := rd.round.Now.Add(-rd.w.LookBack)
	switch {
	case end:
		lowest = 1 // the head holds all there is
	case lowest == 0:
		return nil
	default:
		oldest := slices.MinFunc(list, func(a, b comment) int { return a.written().Compare(b.written()) })
		if at := oldest.written().Add(-overlap); at.After(from) {
			from = at
		}
	}
	return rd.missing(ctx, lowest-1, 0, true, from)
}

// sweep goes on with the sweep under way, or begins one that is due.
func (rd *reading) sweep(ctx context.Context) error {
	now := rd.round.Now
	if rd.cur.Sweep == nil {
		deep := now.Sub(rd.cur.DeepAt) >= rd.w.DeepEvery
		if !deep && now.Sub(rd.cur.SweptAt) < rd.w.SweepEvery {
			return nil
		}
		back := rd.w.LookBack
		if deep {
			back = rd.w.DeepBack
		}
		rd.cur.Sweep = &sweep{Began: now, From: now.Add(-back - overlap), Deep: deep}
	}
	s := *rd.cur.Sweep // written back as pages succeed
	for range pagesASlip {
		got, total, err := rd.w.list(ctx, url.Values{
			"orderby": {"id"}, "order": {"asc"}, "after": {s.From.Format("2006-01-02T15:04:05Z")},
			"per_page": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(s.Offset)},
		}, false)
		if err != nil {
			return err
		}
		rd.see(got)
		was := s.Last
		for _, c := range got {
			s.Last = max(s.Last, int64(c.ID))
		}
		s.Empty++
		if len(got) > 0 {
			s.Empty = 0
		}
		done := total >= 0 && s.Offset+pageSize >= total || total < 0 && s.Empty >= 3
		s.Offset += pageSize - slip
		if err := rd.missing(ctx, was, s.Last, done, s.From.Add(2*overlap)); err != nil {
			return err
		}
		if done {
			if s.Deep {
				rd.suspectHidden()
			}
			rd.cur.Sweep, rd.cur.SweptAt = nil, s.Began
			if s.Deep {
				rd.cur.DeepAt = s.Began
			}
			return nil
		}
		kept := s
		rd.cur.Sweep = &kept
	}
	return nil
}

// missing queues for a check what is visible in the ledger, was written since
// from, has an id above low and up to high (or any higher one), and was not met
// in this reading.
func (rd *reading) missing(ctx context.Context, low, high int64, open bool, from time.Time) error {
	if err := rd.loadKnown(ctx, from); err != nil {
		return err
	}
	queued := make(map[int64]bool, len(rd.cur.Check))
	for _, id := range rd.cur.Check {
		queued[id] = true
	}
	var suspects []int64
	for id, s := range rd.known {
		switch {
		case id <= low, !open && id > high, s.WrittenAt.Before(from), rd.met[id], queued[id]:
		case rd.round.Now.Sub(rd.w.odd[id]) < oddEvery:
		default:
			suspects = append(suspects, id)
		}
	}
	slices.Sort(suspects)
	rd.cur.Check = append(rd.cur.Check, suspects...)
	return nil
}

// suspectHidden queues for a check the newest of what was told of and is hidden
// now. Most of what comes back is met by a list; a sticky comment is on none.
func (rd *reading) suspectHidden() {
	ids := slices.DeleteFunc(slices.Clone(rd.hidden), func(id int64) bool {
		return rd.met[id] || slices.Contains(rd.cur.Check, id)
	})
	slices.Sort(ids)
	rd.cur.Check = append(rd.cur.Check, ids[max(0, len(ids)-hiddenSize):]...)
}

// loadKnown reads the ledger as far back as from, unless that was done.
func (rd *reading) loadKnown(ctx context.Context, from time.Time) error {
	if rd.known != nil && !from.Before(rd.knownFrom) {
		return nil
	}
	rows, err := rd.round.Known.Recent(ctx, from)
	if err != nil {
		return err
	}
	rd.known, rd.knownFrom, rd.hidden = make(map[int64]source.Seen, len(rows)), from, nil
	for _, s := range rows {
		id, err := strconv.ParseInt(s.Comment, 10, 64)
		switch {
		case err != nil:
		case s.State == dispatcher.Visible:
			rd.known[id] = s
		case s.Change > 0:
			rd.hidden = append(rd.hidden, id)
		}
	}
	return nil
}

// queue watches the moderation queue, where we may see it: what has left it
// since the last round may have been approved.
func (rd *reading) queue(ctx context.Context) error {
	if !rd.w.access.queue {
		return nil
	}
	held := make(map[int64]bool)
	for offset := 0; offset < queueSize; offset += pageSize {
		ids, total, err := rd.w.held(ctx, offset)
		if err != nil {
			return err
		}
		for _, id := range ids {
			held[id] = true
		}
		if total < 0 && len(ids) == 0 || total >= 0 && offset+pageSize >= total {
			break
		}
	}
	for _, id := range rd.cur.Queue {
		if !held[id] && !rd.met[id] && !slices.Contains(rd.cur.Check, id) {
			rd.cur.Check = append(rd.cur.Check, id)
		}
	}
	rd.cur.Queue = rd.cur.Queue[:0]
	for id := range held {
		rd.cur.Queue = append(rd.cur.Queue, id)
	}
	slices.Sort(rd.cur.Queue)
	return nil
}

// check asks for suspects by id.
func (rd *reading) check(ctx context.Context) error {
	n := min(len(rd.cur.Check), checksAGo)
	if n == 0 {
		return nil
	}
	got, err := rd.w.look(ctx, rd.cur.Check[:n])
	if err != nil {
		return err
	}
	for _, c := range got {
		id, _ := strconv.ParseInt(c.ID, 10, 64)
		if c.State == dispatcher.Visible {
			rd.w.odd[id] = rd.round.Now
		}
		rd.batch.Comments = append(rd.batch.Comments, c)
	}
	rd.cur.Check = slices.Clone(rd.cur.Check[n:])
	return nil
}
