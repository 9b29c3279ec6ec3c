package dispatcher

import "slices"

// Reader is one subscriber as selection sees them for one schedule.
type Reader struct {
	ID            int64
	Identity      []Key          // their author keys and the key of their address
	Subscriptions []Subscription // live and pending ones on the schedule
	Mutes         []Key
	Reads         map[Key]int64      // thread key → Unix microseconds up to which they read it on the site
	Delivered     map[int64]struct{} // comments in the item lists of their earlier messages
}

// Why says why an entry did not become an item. The empty Why means it does.
type Why string

// Why an entry is left out, in the order in which the rules are asked.
const (
	WhyNone       Why = ""
	WhyNoMatch    Why = "no_match"            // no live subscription of theirs on this schedule leads to it
	WhyPending    Why = "not_confirmed"       // only an unconfirmed subscription leads to it
	WhyEnded      Why = "ended"               // only ended subscriptions lead to it
	WhyBefore     Why = "before_subscription" // settled before the subscription was asked for
	WhyMuted      Why = "muted"
	WhyOwn        Why = "own_comment"
	WhyNotVisible Why = "not_visible"
	WhyDelivered  Why = "already_delivered"
	WhyRead       Why = "read_on_site"
)

// Selection is what one reader gets for one slot.
type Selection struct {
	Items []Item // strongest reason first, then newest
	More  int    // eligible entries beyond the cap; an estimate above scanLimit
}

// scanLimit bounds how many entries beyond the cap are judged one by one for
// the "and N more" of one reader. Beyond it the lists' lengths stand in.
const scanLimit = 100

// Select decides which entries of w in (from, upto] become items for the
// reader: the rules of "who gets what". It is a pure function; limit caps the
// items. Thread, when not zero, looks at that thread alone.
func Select(r *Reader, w *Window, from, upto int64, limit int, thread int64) Selection {
	var sel Selection
	var few [40]int64 // enough for most, and no garbage
	seen := met{few: few[:0]}
	scanned := 0
	for reason := ReasonReply; reason <= ReasonSite; reason++ {
		lists := r.lists(w, reason, from, upto)
		for {
			e, since := newest(w, lists)
			if e == nil {
				break
			}
			if thread != 0 && e.Thread != thread {
				continue
			}
			if seen.has(e.Comment) {
				continue
			}
			if len(sel.Items) >= limit {
				if scanned++; scanned > scanLimit {
					sel.More = r.estimate(w, lists, reason, from, upto, thread, len(sel.Items)+sel.More+1) - len(sel.Items)
					return sel
				}
			}
			if e.Position <= since || r.judge(e) != WhyNone {
				continue
			}
			seen.add(e.Comment)
			if len(sel.Items) < limit {
				if sel.Items == nil {
					sel.Items = make([]Item, 0, min(limit, cap(few)))
				}
				sel.Items = append(sel.Items, Item{Comment: e.Comment, Position: e.Position, Reason: reason})
			} else {
				sel.More++
			}
		}
	}
	return sel
}

// met is a set of comments. A reader's are mostly few, and looking through a
// short list costs less than a map does.
type met struct {
	few  []int64
	many map[int64]struct{}
}

const fewMet = 128

func (m *met) has(comment int64) bool {
	if m.many != nil {
		_, ok := m.many[comment]
		return ok
	}
	return slices.Contains(m.few, comment)
}

func (m *met) add(comment int64) {
	switch {
	case m.many != nil:
		m.many[comment] = struct{}{}
	case len(m.few) < fewMet:
		m.few = append(m.few, comment)
	default:
		m.many = make(map[int64]struct{}, 2*fewMet)
		for _, c := range m.few {
			m.many[c] = struct{}{}
		}
		m.many[comment] = struct{}{}
	}
}

// estimate says about how many entries there are in all when found of them were
// judged, without judging the rest. The ways to them overlap, so the longest
// stands for all.
func (r *Reader) estimate(w *Window, rest []list, reason Reason, from, upto, thread int64, found int) int {
	total := found + longest(w, rest, thread)
	for reason++; reason <= ReasonSite; reason++ {
		total = max(total, longest(w, r.lists(w, reason, from, upto), thread))
	}
	return total
}

func longest(w *Window, lists []list, thread int64) int {
	most := 0
	for _, l := range lists {
		n := 0
		for _, p := range l.run {
			if thread == 0 || w.entries[p.entry].Thread == thread {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// list is one subscription's way to entries: the postings not yet looked at,
// and the position after which they count.
type list struct {
	run   []posting
	since int64
}

// lists collects the ways by which the reader reaches entries for a reason.
func (r *Reader) lists(w *Window, reason Reason, from, upto int64) []list {
	var ls []list
	for i := range r.Subscriptions {
		s := &r.Subscriptions[i]
		if !s.Live() {
			continue
		}
		add := func(k Key) {
			if run := w.run(k, max(from, s.Since), upto); len(run) > 0 {
				ls = append(ls, list{run, s.Since})
			}
		}
		switch {
		case s.Target.Type == TargetReplies && reason == ReasonReply:
			for _, k := range r.Identity {
				add(k ^ relDirect)
			}
		case s.Target.Type == TargetReplies && s.Target.Depth == DepthAny && reason == ReasonSubtree:
			for _, k := range r.Identity {
				add(k ^ relBelow)
			}
		case reasonOf(s.Target.Type) == reason:
			add(s.Key)
		}
	}
	return ls
}

func reasonOf(t TargetType) Reason {
	switch t {
	case TargetComment:
		return ReasonSubtree
	case TargetThread:
		return ReasonThread
	case TargetAuthor:
		return ReasonAuthor
	case TargetSite:
		return ReasonSite
	}
	return 0
}

// newest takes the entry with the highest position off the lists; of several
// lists that hold it, the least since counts, as any of them delivers it.
func newest(w *Window, lists []list) (*Entry, int64) {
	best := int32(-1)
	for _, l := range lists {
		if n := len(l.run); n > 0 && l.run[n-1].entry > best {
			best = l.run[n-1].entry
		}
	}
	if best < 0 {
		return nil, 0
	}
	since := int64(1<<63 - 1)
	for i := range lists {
		l := &lists[i]
		if n := len(l.run); n > 0 && l.run[n-1].entry == best {
			l.run = l.run[:n-1]
			since = min(since, l.since)
		}
	}
	return &w.entries[best], since
}

// judge asks the rules that do not depend on how the entry was reached.
func (r *Reader) judge(e *Entry) Why {
	for _, m := range r.Mutes {
		if m == e.ThreadKey || (m == e.Author && m != 0) {
			return WhyMuted
		}
	}
	if (e.Author != 0 && slices.Contains(r.Identity, e.Author)) || (e.Address != 0 && slices.Contains(r.Identity, e.Address)) {
		return WhyOwn
	}
	if !e.Visible {
		return WhyNotVisible
	}
	if _, ok := r.Delivered[e.Comment]; ok {
		return WhyDelivered
	}
	if upto, ok := r.Reads[e.ThreadKey]; ok && e.VisibleAt <= upto {
		return WhyRead
	}
	return WhyNone
}

// Match tells for one entry which of the reader's live subscriptions lead to
// it and for what reason: the strongest one, and all that match.
func Match(r *Reader, w *Window, e *Entry) (Reason, []Subscription) {
	var strongest Reason
	var subs []Subscription
	for i := range r.Subscriptions {
		s := &r.Subscriptions[i]
		if !s.Live() || e.Position <= s.Since {
			continue
		}
		if reason := w.reach(r, s, e); reason != 0 {
			subs = append(subs, *s)
			if strongest == 0 || reason < strongest {
				strongest = reason
			}
		}
	}
	return strongest, subs
}

// reach says for what reason a subscription leads to the entry, or zero.
func (w *Window) reach(r *Reader, s *Subscription, e *Entry) Reason {
	has := func(k Key) bool {
		return len(w.run(k, e.Position-1, e.Position)) > 0
	}
	if s.Target.Type != TargetReplies {
		if has(s.Key) {
			return reasonOf(s.Target.Type)
		}
		return 0
	}
	for _, k := range r.Identity {
		if has(k ^ relDirect) {
			return ReasonReply
		}
	}
	if s.Target.Depth == DepthAny {
		for _, k := range r.Identity {
			if has(k ^ relBelow) {
				return ReasonSubtree
			}
		}
	}
	return 0
}

// Verdict is the answer for one reader and one entry: the strongest reason
// when it is an item, else why not. It asks the same rules as [Select], so
// that `explain` can never differ from what was sent.
func Verdict(r *Reader, w *Window, e *Entry) (Reason, Why) {
	reason, _ := Match(r, w, e)
	if reason != 0 {
		return reason, r.judge(e)
	}
	// Of several subscriptions the one that came nearest to leading there
	// gives the answer, in whatever order they are listed.
	var pending, before, ended bool
	for i := range r.Subscriptions {
		s := &r.Subscriptions[i]
		if w.reach(r, s, e) == 0 {
			continue
		}
		switch {
		case !s.EndedAt.IsZero():
			ended = true
		case e.Position <= s.Since:
			before = true
		default:
			pending = true
		}
	}
	switch {
	case pending:
		return 0, WhyPending
	case before:
		return 0, WhyBefore
	case ended:
		return 0, WhyEnded
	}
	return 0, WhyNoMatch
}
