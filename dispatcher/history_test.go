package dispatcher_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/oracle"
)

func TestInTenThousandRandomHistoriesReadersGetWhatTheNaiveOracleSays(t *testing.T) {
	var next, mails, storms, more, dropped atomic.Int64
	var reasons [6]atomic.Int64
	var held sync.Map
	var wg sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for !t.Failed() {
				seed := next.Add(1)
				if seed > histories {
					return
				}
				h := oracle.Generate(uint64(seed), 20+int(seed%60))
				m, err := live(h, func(holds []oracle.Hold) {
					for _, x := range holds {
						held.Store(x.Reason, true)
					}
				})
				if err != nil {
					report(t, h, err)
					return
				}
				for _, x := range m {
					mails.Add(1)
					for _, it := range x.Items {
						reasons[it.Reason].Add(1)
					}
					for is, n := range map[*atomic.Int64]bool{&storms: x.Storm, &more: x.More > 0, &dropped: x.Dropped} {
						if n {
							is.Add(1)
						}
					}
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	// A generator that stopped meeting a rule would prove nothing about it.
	for _, h := range []dispatcher.HoldReason{dispatcher.HoldPause, dispatcher.HoldQuiet, dispatcher.HoldMinimum, dispatcher.HoldStorm,
		dispatcher.HoldCap, dispatcher.HoldChanged, dispatcher.HoldConfirmed} {
		if _, met := held.Load(h); !met {
			t.Errorf("no history held anybody for the reason %q", h)
		}
	}
	for r := dispatcher.ReasonReply; r <= dispatcher.ReasonSite; r++ {
		if reasons[r].Load() < histories/10 {
			t.Errorf("only %d items had the reason %s", reasons[r].Load(), r)
		}
	}
	if storms.Load() < histories/100 || more.Load() < histories/100 || dropped.Load() < histories/100 {
		t.Errorf("of %d mails only %d carried a storm, %d said how many more there are and %d were dropped at the last check",
			mails.Load(), storms.Load(), more.Load(), dropped.Load())
	}
	t.Logf("%d mails in %d histories, %d storms, %d with more, %d dropped", mails.Load(), histories, storms.Load(), more.Load(), dropped.Load())
}

// live steps the clerk beside the oracle through a drained history and audits
// the end.
func live(h oracle.History, see func([]oracle.Hold)) ([]oracle.Mail, error) {
	h = h.Drained()
	var c *watched
	w, err := oracle.Check(h, func(h *oracle.History) (oracle.Machine, error) {
		m, err := newClerk(h)
		c = &watched{m, see}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	if err := w.Audit(); err != nil {
		return nil, &oracle.Divergence{Step: len(h.Steps), What: err.Error()}
	}
	return c.Mails()
}

// watched shows the standing holds to a test.
type watched struct {
	oracle.Machine
	see func([]oracle.Hold)
}

func (w *watched) Holds() ([]oracle.Hold, error) {
	h, err := w.Machine.Holds()
	w.see(h)
	return h, err
}

func report(t *testing.T, h oracle.History, err error) {
	t.Helper()
	var d *oracle.Divergence
	nobody := func([]oracle.Hold) {}
	least := oracle.Minimize(h, func(h oracle.History) bool {
		_, err := live(h, nobody)
		return errors.As(err, &d)
	})
	_, last := live(least, nobody)
	t.Errorf("seed %d: %v\n\nleast history:\n%s\n%v", h.Seed, err, least, last)
}

func cutSite(name string) (site, id string, ok bool) { return strings.Cut(name, "/") }

// checkOneRule proves for one turn that Verdict and Match say of each entry
// what Select does.
func (c *clerk) checkOneRule(t *dispatcher.Turn, w *dispatcher.Window) {
	best := map[int64]dispatcher.Reason{}
	for i := range w.Len() {
		e := w.Entry(i)
		reason, why := dispatcher.Verdict(&t.Reader, w, e)
		strongest, subs := dispatcher.Match(&t.Reader, w, e)
		if reason != strongest || (reason == 0) != (len(subs) == 0) {
			c.fail("verdict says %s for position %d, match says %s by %d subscriptions", reason, e.Position, strongest, len(subs))
		}
		if why == dispatcher.WhyNone && (best[e.Comment] == 0 || reason < best[e.Comment]) {
			best[e.Comment] = reason
		}
	}
	sel := dispatcher.Select(&t.Reader, w, 0, c.ledger.Head(), w.Len(), 0)
	for _, it := range sel.Items {
		if best[it.Comment] != it.Reason {
			c.fail("select takes comment %d as %s, verdict says %s", it.Comment, it.Reason, best[it.Comment])
		}
	}
	if len(sel.Items) != len(best) || sel.More != 0 {
		c.fail("select takes %d comments and %d more, verdict %d", len(sel.Items), sel.More, len(best))
	}
}

// do is the clerk's subscriber desk: what the store does for each door.
func (c *clerk) do(do oracle.Action) {
	switch a := do.(type) {
	case oracle.Publish, oracle.Edit, oracle.Remove:
		c.ledger.Tell(c.now, a)
	case oracle.Fire:
		s := c.cfg.Schedule(a.Schedule)
		c.open(s, dispatcher.Slot{Zone: a.Zone, From: c.chains[chainName{a.Schedule, a.Zone}]})
	case oracle.Send:
		c.send()
	case oracle.Subscribe:
		c.with(a.Reader, func(p *patron) { c.subscribe(p, a) })
	case oracle.Confirm:
		c.with(a.Reader, c.confirm)
	case oracle.End:
		c.with(a.Reader, func(p *patron) {
			if s := p.open(a.Target); s != nil {
				s.EndedAt, s.EndedBy = c.now, dispatcher.EndedBySite
			}
		})
	case oracle.SetMute:
		c.with(a.Reader, func(p *patron) { p.mutes[dispatcher.TargetKey(p.Site, a.Target)] = !a.Off })
	case oracle.SetCadence:
		c.with(a.Reader, func(p *patron) {
			if s := p.open(a.Target); s != nil {
				c.move(p, s, a.Schedule, p.Zone)
			}
		})
	case oracle.Read:
		c.with(a.Reader, func(p *patron) {
			k := dispatcher.ThreadKey(p.Site, a.Thread)
			p.reads[k] = max(p.reads[k], a.Time.UnixMicro())
		})
	default:
		c.changeReader(do)
	}
}

func (c *clerk) changeReader(do oracle.Action) {
	switch a := do.(type) {
	case oracle.Link:
		c.with(a.Reader, func(p *patron) { p.AuthorIDs = a.AuthorIDs })
	case oracle.SetZone:
		c.with(a.Reader, func(p *patron) {
			old := p.Zone
			p.Zone = a.Zone
			for i := range p.subs {
				c.move(p, &p.subs[i], p.subs[i].Schedule, old)
			}
		})
	case oracle.SetPause:
		c.with(a.Reader, func(p *patron) {
			if !a.Until.Equal(p.PausedUntil) && !a.Until.After(c.now) {
				c.release(p, dispatcher.HoldPause)
			}
			p.PausedUntil = a.Until
		})
	case oracle.SetQuiet:
		c.with(a.Reader, func(p *patron) {
			if a.Quiet != p.Quiet {
				c.release(p, dispatcher.HoldQuiet)
			}
			p.Quiet = a.Quiet
		})
	}
}

func (c *clerk) with(id string, do func(*patron)) {
	for _, p := range c.readers {
		if p.id == id {
			do(p)
		}
	}
}

func (p *patron) open(t dispatcher.Target) *dispatcher.Subscription {
	for i := range p.subs {
		if s := &p.subs[i]; s.EndedAt.IsZero() && s.Target.Type == t.Type && s.Target.ID == t.ID {
			return s
		}
	}
	return nil
}

func (c *clerk) subscribe(p *patron, a oracle.Subscribe) {
	if s := p.open(a.Target); s != nil {
		s.Target.Depth = a.Target.Depth
		c.move(p, s, a.Schedule, p.Zone)
		return
	}
	s := dispatcher.Subscription{ID: int64(len(p.subs) + 1), Subscriber: p.ID, Target: a.Target, Key: dispatcher.TargetKey(p.Site, a.Target),
		Schedule: a.Schedule, Since: c.ledger.Head(), AskedAt: c.now}
	if !p.ConfirmedAt.IsZero() {
		s.ConfirmedAt = c.now
	}
	p.subs = append(p.subs, s)
}

func (c *clerk) confirm(p *patron) {
	p.ConfirmedAt = c.now
	for i := range p.subs {
		switch s := &p.subs[i]; {
		case !s.ConfirmedAt.IsZero() || !s.EndedAt.IsZero():
		case c.now.Sub(s.AskedAt) > dispatcher.ConfirmWindow:
			s.EndedAt, s.EndedBy = c.now, dispatcher.EndedByLapse
		default:
			s.ConfirmedAt = c.now
			c.holdFrom(p, s.Schedule, s.Since, dispatcher.HoldConfirmed)
		}
	}
}

// move puts a subscription on another chain; zone is the reader's old one.
func (c *clerk) move(p *patron, s *dispatcher.Subscription, schedule, zone string) {
	was := chainName{s.Schedule, c.cfg.Chain(c.cfg.Schedule(s.Schedule), p.Site, zone)}
	if is := (chainName{schedule, c.cfg.Chain(c.cfg.Schedule(schedule), p.Site, p.Zone)}); is == was || !s.EndedAt.IsZero() {
		return
	}
	if s.Live() {
		from := c.chains[was]
		for i := range p.holds {
			if p.holds[i].Schedule == was.schedule {
				from = min(from, p.holds[i].From)
			}
		}
		c.holdFrom(p, schedule, max(from, s.Since), dispatcher.HoldChanged)
	}
	s.Schedule = schedule
	if !slices.ContainsFunc(p.subs, func(s dispatcher.Subscription) bool { return s.EndedAt.IsZero() && s.Schedule == was.schedule }) {
		p.holds = slices.DeleteFunc(p.holds, func(h dispatcher.Hold) bool { return h.Schedule == was.schedule })
	}
}

func (c *clerk) holdFrom(p *patron, schedule string, from int64, reason dispatcher.HoldReason) {
	for i := range p.holds {
		if h := &p.holds[i]; h.Schedule == schedule && h.Thread == 0 {
			h.From = min(h.From, from)
			return
		}
	}
	p.holds = append(p.holds, dispatcher.Hold{Subscriber: p.ID, Schedule: schedule, From: from, NotBefore: c.now, Reason: reason, Since: c.now})
}

func (c *clerk) release(p *patron, reason dispatcher.HoldReason) {
	for i := range p.holds {
		if h := &p.holds[i]; h.Reason == reason && h.NotBefore.After(c.now) {
			h.NotBefore = c.now
		}
	}
}
