package outbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// check looks at claimed messages as their readers and comments are now. What
// has nothing left to say, or nobody to say it to, is completed here; the rest
// comes back as jobs.
func (s *Stage) check(ctx context.Context, ms []dispatcher.Message) ([]*job, error) {
	now := s.o.Clock.Now()
	to, err := s.o.Store.Recheck(ctx, ms)
	if err != nil {
		return nil, err
	}
	if err := s.content.refresh(ctx, now); err != nil {
		return nil, err
	}
	var want []int64
	for i := range ms {
		for _, it := range ms[i].Items {
			want = append(want, it.Comment)
		}
	}
	pieces, err := s.content.pieces(ctx, want)
	if err != nil {
		return nil, err
	}
	jobs := make([]*job, 0, len(ms))
	for i := range ms {
		j := &job{m: ms[i], to: to[ms[i].ID], items: ms[i].Items, pieces: pieces, checked: now}
		if c, over := s.judge(j, now); over {
			s.complete(c)
			continue
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// judge decides whether a message still goes out; over says that it does not.
func (s *Stage) judge(j *job, now time.Time) (c store.Completion, over bool) {
	c = store.Completion{Message: j.m.ID, Owner: j.m.Owner, State: dispatcher.StateCancelled}
	sub := &j.to.Subscriber
	if j.m.Subscriber == 0 { // test mails and notices go to a plain address
		return c, false
	}
	switch {
	case j.to.Gone:
		c.Why = "erased"
	case j.to.Suppressed != "":
		c.State, c.Why = dispatcher.StateSuppressed, j.to.Suppressed
		s.Suppressed.Add(1)
		return c, true
	case j.m.Kind == dispatcher.KindConfirm && !j.to.Waiting && sub.ConfirmedAt.IsZero():
		c.Why = "nothing_to_confirm" // what was asked for has ended meanwhile
	case j.m.Kind == dispatcher.KindConfirm && !j.to.Waiting:
		c.Why = "already_confirmed"
	case j.m.Kind == dispatcher.KindConfirm:
		return c, false
	case j.m.Kind == dispatcher.KindLink && !sub.ConfirmedAt.IsZero(): // asked for a moment ago: a pause does not hold it
		return c, false
	case sub.ConfirmedAt.IsZero():
		c.Why = "not_confirmed"
	case sub.PausedUntil.After(now):
		return store.Completion{Message: j.m.ID, Owner: j.m.Owner, State: dispatcher.StateDue, DueAt: sub.PausedUntil, Why: "paused"}, true
	}
	if c.Why != "" {
		s.Cancelled.Add(1)
		return c, true
	}
	if j.to.Judged {
		j.items = j.to.Items
	}
	if hidden := func(it dispatcher.Item) bool { return !j.pieces[it.Comment].visible() }; slices.ContainsFunc(j.items, hidden) {
		j.items = slices.DeleteFunc(slices.Clone(j.items), hidden)
	}
	j.dropped = len(j.items) < len(j.m.Items)
	if len(j.items) == 0 && len(j.m.Items) > 0 {
		c.Why = "nothing_left"
		s.Cancelled.Add(1)
		return c, true
	}
	return c, false
}

// switches is the sending switch as it was last read.
type switches struct {
	at       time.Time
	all      bool
	held     []string // sites on hold
	redirect map[string]string
}

// switchAge is how old the knowledge of the switch may be: short, since it is
// what an admin reaches for in an emergency.
const switchAge = 500 * time.Millisecond

func (s *Stage) readSwitches(ctx context.Context) (*switches, error) {
	now := s.o.Clock.Now()
	if sw := s.sw.Load(); sw != nil && now.Sub(sw.at) < switchAge {
		return sw, nil
	}
	list, err := s.o.Store.Switches(ctx)
	if err != nil {
		return nil, err
	}
	sw := &switches{at: now, redirect: map[string]string{}}
	for _, w := range list {
		site, isSite := strings.CutPrefix(w.Scope, "site:")
		switch {
		case w.Mode == "hold" && (w.Scope == "" || w.Scope == "relay:"+s.o.Relay.Name()):
			sw.all = true
		case w.Mode == "hold" && isSite:
			sw.held = append(sw.held, site)
		case w.Mode == "redirect" && (w.Scope == "" || w.Scope == "relay:"+s.o.Relay.Name()):
			sw.redirect[""] = w.Redirect
		case w.Mode == "redirect" && isSite:
			sw.redirect[site] = w.Redirect
		}
	}
	s.sw.Store(sw)
	return sw, nil
}

// stopped says whether a site's mail is on hold.
func (w *switches) stopped(site string) bool { return w.all || slices.Contains(w.held, site) }

// address gives where a site's mail goes instead, or "".
func (w *switches) address(site string) string {
	if a := w.redirect[site]; a != "" {
		return a
	}
	return w.redirect[""]
}
