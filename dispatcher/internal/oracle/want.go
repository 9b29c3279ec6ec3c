package oracle

import (
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// do lets an action happen.
func (w *World) do(do Action) {
	switch a := do.(type) {
	case Publish, Edit, Remove:
		w.ledger.Tell(w.now, a)
	case Fire:
		w.fire(a)
	case Send:
		w.send()
	case Subscribe:
		w.on(a.Reader, func(r *reader) { w.subscribe(r, a) })
	case Confirm:
		w.on(a.Reader, w.confirm)
	case End:
		w.on(a.Reader, func(r *reader) {
			if s := r.standing(a.Target); s != nil {
				s.ended = true
			}
		})
	case SetMute:
		w.on(a.Reader, func(r *reader) { r.mutes[a.Target] = !a.Off })
	case SetCadence:
		w.on(a.Reader, func(r *reader) {
			if s := r.standing(a.Target); s != nil {
				w.move(r, s, a.Schedule)
			}
		})
	case SetZone:
		w.on(a.Reader, func(r *reader) { w.setZone(r, a.Zone) })
	case SetPause:
		w.on(a.Reader, func(r *reader) { w.setPause(r, a.Until) })
	case SetQuiet:
		w.on(a.Reader, func(r *reader) {
			if r.quiet != a.Quiet {
				r.release(dispatcher.HoldQuiet, w.now)
			}
			r.quiet = a.Quiet
		})
	case Read:
		w.on(a.Reader, func(r *reader) {
			if a.Time.After(r.reads[a.Thread]) {
				r.reads[a.Thread] = a.Time
			}
		})
	case Link:
		w.on(a.Reader, func(r *reader) { r.AuthorIDs = a.AuthorIDs })
	}
}

func (w *World) on(id string, do func(*reader)) {
	if r := w.reader(id); r != nil {
		do(r)
	}
}

// standing gives the pending or live subscription for a target.
func (r *reader) standing(t dispatcher.Target) *subscription {
	for _, s := range r.subs {
		if !s.ended && s.target.Type == t.Type && s.target.ID == t.ID {
			return s
		}
	}
	return nil
}

func (w *World) subscribe(r *reader, a Subscribe) {
	if s := r.standing(a.Target); s != nil {
		s.target.Depth = a.Target.Depth
		w.move(r, s, a.Schedule)
		return
	}
	r.subs = append(r.subs, &subscription{target: a.Target, schedule: a.Schedule, since: w.ledger.Head(), askedAt: w.now, live: r.Confirmed})
}

func (w *World) confirm(r *reader) {
	r.Confirmed = true
	for _, s := range r.subs {
		switch {
		case s.live || s.ended:
		case w.now.Sub(s.askedAt) > 7*24*time.Hour:
			s.ended = true
		default:
			s.live = true
			r.reachBack(s.schedule, s.since, dispatcher.HoldConfirmed, w.now)
		}
	}
}

// move puts a subscription on another schedule. What its old one did not serve
// yet goes with it.
func (w *World) move(r *reader, s *subscription, schedule string) {
	old := s.schedule
	if old == schedule {
		return
	}
	from := w.served(r, s, r.Zone)
	s.schedule = schedule
	if s.live {
		r.reachBack(schedule, from, dispatcher.HoldChanged, w.now)
	}
	for _, other := range r.subs {
		if !other.ended && other.schedule == old {
			return
		}
	}
	r.holds = slices.DeleteFunc(r.holds, func(h *hold) bool { return h.schedule == old })
}

// served is the position up to which the reader was surely served.
func (w *World) served(r *reader, s *subscription, zone string) int64 {
	from := w.chains[chain{s.schedule, w.cfg.Chain(w.cfg.Schedule(s.schedule), r.Site, zone)}]
	for _, h := range r.holds {
		if h.schedule == s.schedule {
			from = min(from, h.from)
		}
	}
	return max(from, s.since)
}

func (w *World) setZone(r *reader, zone string) {
	old := r.Zone
	r.Zone = zone
	for _, s := range r.subs {
		sched := w.cfg.Schedule(s.schedule)
		if s.ended || !s.live || w.cfg.Chain(sched, r.Site, old) == w.cfg.Chain(sched, r.Site, zone) {
			continue
		}
		r.reachBack(s.schedule, w.served(r, s, old), dispatcher.HoldChanged, w.now)
	}
}

func (w *World) setPause(r *reader, until time.Time) {
	if !until.Equal(r.pausedUntil) && !until.After(w.now) {
		r.release(dispatcher.HoldPause, w.now)
	}
	r.pausedUntil = until
}

// release makes the reader's holds of a reason due now.
func (r *reader) release(reason dispatcher.HoldReason, now time.Time) {
	for _, h := range r.holds {
		if h.reason == reason && h.notBefore.After(now) {
			h.notBefore = now
		}
	}
}

// reachBack holds the whole reader on a schedule from a position, due at once;
// a hold that stands is only widened.
func (r *reader) reachBack(schedule string, from int64, reason dispatcher.HoldReason, now time.Time) {
	if h := r.hold(schedule, ""); h != nil {
		h.from = min(h.from, from)
		return
	}
	r.holds = append(r.holds, &hold{schedule: schedule, from: from, notBefore: now, reason: reason, since: now})
}
