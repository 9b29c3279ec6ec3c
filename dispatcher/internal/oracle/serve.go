package oracle

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// slot is one firing as one reader meets it. It looks at the log from a
// position to its head.
type slot struct {
	s       *dispatcher.Schedule
	from    int64
	between bool // opened for holds between regular firings
}

// wakes: which holds open a slot by themselves. A hold on a regular schedule
// that follows a change or a confirmation waits for the next regular slot.
func (h *hold) wakes() bool {
	return h.schedule == dispatcher.Immediate || (h.reason != dispatcher.HoldChanged && h.reason != dispatcher.HoldConfirmed)
}

func (r *reader) hold(schedule, thread string) *hold {
	for _, h := range r.holds {
		if h.schedule == schedule && h.thread == thread {
			return h
		}
	}
	return nil
}

func (r *reader) drop(schedule, thread string) {
	r.holds = slices.DeleteFunc(r.holds, func(h *hold) bool { return h.schedule == schedule && h.thread == thread })
}

// keep writes a hold over the one that stands; a held reader stays held since
// the first time.
func (r *reader) keep(h hold) {
	if old := r.hold(h.schedule, h.thread); old != nil {
		h.since = old.since
		*old = h
		return
	}
	r.holds = append(r.holds, &h)
}

// swallow ends the holds of single threads in favour of one of the whole
// reader that reaches back as far, and gives that position.
func (r *reader) swallow(schedule string, from int64) int64 {
	for _, h := range r.holds {
		if h.schedule == schedule {
			from = min(from, h.from)
		}
	}
	r.holds = slices.DeleteFunc(r.holds, func(h *hold) bool { return h.schedule == schedule && h.thread != "" })
	return from
}

// turn is one reader's turn in a slot.
func (w *World) turn(r *reader, s *slot) {
	name := s.s.Name
	wide := r.hold(name, "")
	from := s.from
	if wide != nil {
		due := !wide.notBefore.After(w.now)
		regular := !s.between && name != dispatcher.Immediate
		if !due && !(regular && wide.reason == dispatcher.HoldMinimum) {
			wide.from = r.swallow(name, wide.from)
			return
		}
		from = min(from, wide.from)
	}
	if reason, until := w.blocked(r, s); reason != "" {
		if wide == nil && !r.stormEnds(name, w.now) && len(w.pick(r, name, from, "")) == 0 {
			w.note(r, name, from, "", nil)
			return // there is nothing to pass over
		}
		if wide != nil && wide.reason == dispatcher.HoldCap && reason == dispatcher.HoldQuiet {
			reason = dispatcher.HoldCap // its morning mail only waits for the end of the quiet hours
		}
		from = r.swallow(name, from)
		if picks := w.pick(r, name, from, ""); len(picks) > 0 {
			r.keep(hold{schedule: name, from: from, notBefore: until, reason: reason, since: w.now})
		} else {
			w.note(r, name, from, "", picks)
			r.drop(name, "")
		}
		return
	}
	if name == dispatcher.Immediate {
		w.immediate(r, s, wide, from)
		return
	}
	picks := w.pick(r, name, from, "")
	since := w.now
	if wide != nil {
		since = wide.since
	}
	if lastDay := since.Add(7 * 24 * time.Hour); len(picks) > 0 && len(picks) < s.s.MinItems && w.now.Before(lastDay) {
		r.keep(hold{schedule: name, from: from, notBefore: lastDay, reason: dispatcher.HoldMinimum, since: since})
		return
	}
	w.note(r, name, from, "", picks)
	r.drop(name, "")
	w.mail(r, s, "", picks, false)
}

// stormEnds says whether a thread's hold came due.
func (r *reader) stormEnds(schedule string, now time.Time) bool {
	return slices.ContainsFunc(r.holds, func(h *hold) bool {
		return h.schedule == schedule && h.thread != "" && !h.notBefore.After(now)
	})
}

func (w *World) blocked(r *reader, s *slot) (dispatcher.HoldReason, time.Time) {
	if r.pausedUntil.After(w.now) {
		return dispatcher.HoldPause, r.pausedUntil
	}
	for _, q := range []dispatcher.Quiet{r.quiet, s.s.Quiet} {
		if quietAt(q, w.now, w.zone(r)) {
			return dispatcher.HoldQuiet, firstQuarter(w.now, func(t time.Time) bool { return !quietAt(q, t, w.zone(r)) })
		}
	}
	return "", time.Time{}
}

func (w *World) immediate(r *reader, s *slot, wide *hold, from int64) {
	name := s.s.Name
	if wide != nil {
		from = r.swallow(name, from)
		picks := w.pick(r, name, from, "")
		if len(picks) > 0 && wide.reason != dispatcher.HoldCap && w.today(r) >= w.cfg.Limits.DailyCap {
			r.keep(hold{schedule: name, from: from, notBefore: w.morning(r), reason: dispatcher.HoldCap, since: w.now})
			return
		}
		w.note(r, name, from, "", picks)
		r.drop(name, "")
		thread := ""
		if len(picks) > 0 {
			thread = picks[0].row.pub.Comment.Thread
			for _, p := range picks[:min(len(picks), maxItems(s.s))] {
				if p.row.pub.Comment.Thread != thread {
					thread = ""
				}
			}
		}
		w.mail(r, s, thread, picks, false)
		return
	}
	for _, thread := range w.threads(r) {
		if !w.immediateThread(r, s, thread) {
			from = r.swallow(name, from)
			r.keep(hold{schedule: name, from: from, notBefore: w.morning(r), reason: dispatcher.HoldCap, since: w.now})
			return
		}
	}
}

// immediateThread serves one thread and says whether the day's mails allow it.
func (w *World) immediateThread(r *reader, s *slot, thread string) bool {
	name, from := s.s.Name, s.from
	storm := r.hold(name, thread)
	if storm != nil {
		if storm.notBefore.After(w.now) {
			return true
		}
		from = min(from, storm.from)
	}
	picks := w.pick(r, name, from, thread)
	if len(picks) > 0 {
		if w.today(r) >= w.cfg.Limits.DailyCap {
			return false
		}
		if last, n := w.lately(r, thread); storm == nil && n >= w.cfg.Limits.StormMails {
			r.keep(hold{schedule: name, thread: thread, from: from, notBefore: last.Add(w.cfg.Limits.StormWithin), reason: dispatcher.HoldStorm, since: w.now})
			return true
		}
	}
	w.note(r, name, from, thread, picks)
	r.drop(name, thread)
	w.mail(r, s, thread, picks, storm != nil)
	return true
}

// threads lists the threads that the reader's rows are in, in log order.
func (w *World) threads(r *reader) []string {
	var names []string
	for _, row := range r.rows {
		if t := row.pub.Comment.Thread; !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}

// pick is a comment that the reader may be told of, and why.
type pick struct {
	row    *row
	reason dispatcher.Reason
}

// pick goes through the reader's rows one by one.
func (w *World) pick(r *reader, schedule string, from int64, thread string) []pick {
	var picks []pick
	for _, row := range r.rows {
		if !r.inView(row, schedule, from, thread) || r.refuses(row.pub) != "" || r.had(row.pub.Comment) {
			continue
		}
		reason := r.reason(row)
		if reason == 0 {
			continue
		}
		i := slices.IndexFunc(picks, func(p pick) bool { return p.row.pub.Comment == row.pub.Comment })
		switch {
		case i < 0:
			picks = append(picks, pick{row, reason})
		case reason < picks[i].reason, reason == picks[i].reason && row.pub.Position > picks[i].row.pub.Position:
			picks[i] = pick{row, reason}
		}
	}
	slices.SortFunc(picks, func(a, b pick) int {
		return cmp.Or(cmp.Compare(a.reason, b.reason), cmp.Compare(b.row.pub.Position, a.row.pub.Position))
	})
	return picks
}

func (r *reader) inView(row *row, schedule string, from int64, thread string) bool {
	return row.pub.Position > from && row.sub.live && !row.sub.ended && row.sub.schedule == schedule && (thread == "" || row.pub.Comment.Thread == thread)
}

// reason says why a row's subscription leads to its comment; zero: it doesn't.
func (r *reader) reason(row *row) dispatcher.Reason {
	c, t := row.pub.Comment, row.sub.target
	switch t.Type {
	case dispatcher.TargetSite:
		return dispatcher.ReasonSite
	case dispatcher.TargetThread:
		if c.Thread == t.ID {
			return dispatcher.ReasonThread
		}
	case dispatcher.TargetAuthor:
		if c.AuthorID == t.ID {
			return dispatcher.ReasonAuthor
		}
	case dispatcher.TargetComment:
		for _, a := range row.pub.Above {
			if a.ID == t.ID {
				return dispatcher.ReasonSubtree
			}
		}
	case dispatcher.TargetReplies:
		for i, a := range row.pub.Above {
			if r.wrote(a) && i == 0 {
				return dispatcher.ReasonReply
			}
			if r.wrote(a) && t.Depth == dispatcher.DepthAny {
				return dispatcher.ReasonSubtree
			}
		}
	}
	return 0
}

func (r *reader) wrote(c *Comment) bool {
	return c.AuthorID != "" && slices.Contains(r.AuthorIDs, c.AuthorID) || c.Address != "" && c.Address == strings.ToLower(r.Email)
}

// refuses says why the reader may not be told of a comment, "" if they may.
func (r *reader) refuses(pub *Publication) string {
	c := pub.Comment
	switch {
	case r.mutes[dispatcher.Target{Type: dispatcher.TargetThread, ID: c.Thread}]:
		return "muted thread"
	case c.AuthorID != "" && r.mutes[dispatcher.Target{Type: dispatcher.TargetAuthor, ID: c.AuthorID}]:
		return "muted author"
	case r.wrote(c):
		return "own"
	case !c.Visible:
		return "not visible"
	case !pub.VisibleAt.After(r.reads[c.Thread]):
		return "read"
	}
	return ""
}

// had says whether a mail that was not cancelled tells the reader of a comment.
func (r *reader) had(c *Comment) bool {
	for _, m := range r.mails {
		for _, pub := range m.pubs {
			if pub.Comment == c {
				return true
			}
		}
	}
	return false
}

// note writes into the rows of a served view what became of them.
func (w *World) note(r *reader, schedule string, from int64, thread string, picks []pick) {
	for _, row := range r.rows {
		if r.inView(row, schedule, from, thread) {
			if row.fate = r.refuses(row.pub); row.fate == "" {
				row.fate = "no match, had before or over the cap"
			}
		}
	}
	for _, p := range picks {
		p.row.fate = "picked"
	}
}

func maxItems(s *dispatcher.Schedule) int {
	if s.MaxItems > 0 {
		return s.MaxItems
	}
	return 50
}

// mail writes a message with as many picks as it may carry; none, no message.
func (w *World) mail(r *reader, s *slot, thread string, picks []pick, storm bool) {
	if len(picks) == 0 {
		return
	}
	m := &mail{Mail: Mail{Reader: r.ID, Schedule: s.s.Name, At: w.now, Thread: thread, Storm: storm}}
	for i, p := range picks {
		if i >= maxItems(s.s) {
			m.More++
			continue
		}
		m.Items = append(m.Items, Item{Comment: p.row.pub.Comment.ID, Reason: p.reason})
		m.pubs = append(m.pubs, p.row.pub)
	}
	w.mails = append(w.mails, m)
	r.mails = append(r.mails, m)
}

// today counts the reader's immediate mails of the last 24 hours.
func (w *World) today(r *reader) int {
	n := 0
	for _, m := range r.mails {
		if m.Schedule == dispatcher.Immediate && !m.Dropped && w.now.Sub(m.At) < 24*time.Hour {
			n++
		}
	}
	return n
}

// lately counts those of one thread within the storm span.
func (w *World) lately(r *reader, thread string) (last time.Time, n int) {
	for _, m := range r.mails {
		if m.Schedule == dispatcher.Immediate && m.Thread == thread && !m.Dropped && w.now.Sub(m.At) < w.cfg.Limits.StormWithin {
			n++
			last = m.At
		}
	}
	return last, n
}
