package oracle

import (
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// World is the naive model. It is not safe for concurrent use.
type World struct {
	cfg     *Config
	now     time.Time
	ledger  *Ledger
	readers []*reader
	mails   []*mail
	zones   zones
	chains  map[chain]int64 // position up to which the regular slots of a chain looked
}

type chain struct{ schedule, zone string }

type reader struct {
	Reader
	quiet       dispatcher.Quiet
	pausedUntil time.Time
	mutes       map[dispatcher.Target]bool
	reads       map[string]time.Time
	subs        []*subscription
	rows        []*row
	holds       []*hold
	mails       []*mail
}

type subscription struct {
	target   dispatcher.Target
	schedule string
	since    int64
	askedAt  time.Time
	live     bool
	ended    bool
}

// row is one (subscription, publication): what a naive product would store.
type row struct {
	sub  *subscription
	pub  *Publication
	fate string // what the last slot that served it found; "" while none did
}

type hold struct {
	schedule, thread string
	from             int64
	notBefore        time.Time
	reason           dispatcher.HoldReason
	since            time.Time
}

type mail struct {
	Mail
	pubs []*Publication // of the items, in their order
}

// NewWorld makes a world before the first step.
func NewWorld(cfg *Config) *World {
	w := &World{cfg: cfg, now: cfg.Start, ledger: NewLedger(cfg), chains: map[chain]int64{}, zones: zones{}}
	for _, r := range cfg.Readers {
		w.readers = append(w.readers, &reader{Reader: r, mutes: map[dispatcher.Target]bool{}, reads: map[string]time.Time{}})
	}
	return w
}

// Step lives through one step.
func (w *World) Step(s Step) error {
	if !s.At.After(w.now) {
		return errors.New("time must move on with each step")
	}
	w.now = s.At
	if err := w.crank(); err != nil {
		return err
	}
	w.do(s.Do)
	return w.crank()
}

// crank does all that is due by now.
func (w *World) crank() error {
	for _, pub := range w.ledger.Settle(w.now) {
		w.fanOut(pub)
	}
	for i := range w.cfg.Schedules {
		w.due(&w.cfg.Schedules[i])
	}
	for _, r := range w.readers {
		for _, h := range r.holds {
			if h.wakes() && !h.notBefore.After(w.now) {
				return fmt.Errorf("a hold of %s on %s (%s) is still due after a slot served it", r.ID, h.schedule, h.reason)
			}
		}
	}
	if w.cfg.AtOnce {
		w.send()
	}
	return nil
}

// fanOut writes one row per subscription of the site, whatever its target is:
// whether it matches is asked when it is served.
func (w *World) fanOut(pub *Publication) {
	for _, r := range w.readers {
		if r.Site != pub.Comment.Site {
			continue
		}
		for _, s := range r.subs {
			if !s.ended {
				r.rows = append(r.rows, &row{sub: s, pub: pub})
			}
		}
	}
}

// due opens the slots of a schedule that open by themselves.
func (w *World) due(s *dispatcher.Schedule) {
	if s.Name == dispatcher.Immediate {
		c := chain{schedule: s.Name}
		woken := false
		for _, r := range w.readers {
			for _, h := range r.holds {
				woken = woken || h.schedule == s.Name && !h.notBefore.After(w.now)
			}
		}
		if head := w.ledger.Head(); head > w.chains[c] || woken {
			from := w.chains[c]
			w.chains[c] = head
			for _, r := range w.readers {
				w.turn(r, &slot{s: s, from: from})
			}
		}
		return
	}
	for _, r := range w.readers {
		if h := r.hold(s.Name, ""); h != nil && h.wakes() && !h.notBefore.After(w.now) {
			w.turn(r, &slot{s: s, from: w.ledger.Head(), between: true})
		}
	}
}

func (w *World) fire(a Fire) {
	s := w.cfg.Schedule(a.Schedule)
	if s == nil || s.Name == dispatcher.Immediate {
		return
	}
	c := chain{a.Schedule, a.Zone}
	from := w.chains[c]
	w.chains[c] = w.ledger.Head()
	for _, r := range w.readers {
		if w.cfg.Chain(s, r.Site, r.Zone) == a.Zone {
			w.turn(r, &slot{s: s, from: from})
		}
	}
}

// send sends all mail that waits. What may not be told any more is left out.
func (w *World) send() {
	for _, m := range w.mails {
		if m.Sent || m.Dropped {
			continue
		}
		r := w.reader(m.Reader)
		if r.pausedUntil.After(w.now) {
			continue // what is made already waits for the end of the pause too
		}
		var items []Item
		var pubs []*Publication
		for i, pub := range m.pubs {
			if w.stillTells(r, pub) {
				items, pubs = append(items, m.Items[i]), append(pubs, pub)
			}
		}
		m.Items, m.pubs = items, pubs
		m.Sent, m.Dropped = len(items) > 0, len(items) == 0
	}
}

func (w *World) stillTells(r *reader, pub *Publication) bool {
	for _, row := range r.rows {
		if row.pub == pub && row.sub.live && !row.sub.ended && r.reason(row) != 0 && r.refuses(pub) == "" {
			return true
		}
	}
	return false
}

// Mails lists all mails made so far.
func (w *World) Mails() ([]Mail, error) {
	mails := make([]Mail, len(w.mails))
	for i, m := range w.mails {
		mails[i] = m.Mail
	}
	return mails, nil
}

// Holds lists the holds that stand.
func (w *World) Holds() ([]Hold, error) {
	var holds []Hold
	for _, r := range w.readers {
		for _, h := range r.holds {
			holds = append(holds, Hold{Reader: r.ID, Schedule: h.schedule, Thread: h.thread, NotBefore: h.notBefore, Reason: h.reason})
		}
	}
	return holds, nil
}

// Audit checks the promises that need no model of slots: nobody got a comment
// twice, and no row of a live subscription is still owed. The second only
// holds for a history that was [History.Drained].
func (w *World) Audit() error {
	for _, r := range w.readers {
		had := map[*Comment]bool{}
		for _, m := range r.mails {
			for _, pub := range m.pubs {
				if had[pub.Comment] {
					return fmt.Errorf("%s got %s twice", r.ID, pub.Comment.ID)
				}
				had[pub.Comment] = true
			}
		}
		for _, row := range r.rows {
			if row.sub.live && !row.sub.ended && row.fate == "" {
				return fmt.Errorf("%s is still owed %s (asked for at %s, on %s)", r.ID, row.pub.Comment.ID, clock(row.sub.askedAt), row.sub.schedule)
			}
		}
		if len(r.holds) > 0 {
			h := r.holds[0]
			return fmt.Errorf("%s is still held on %s: %s until %s", r.ID, h.schedule, h.reason, clock(h.notBefore))
		}
	}
	return nil
}

func (w *World) reader(id string) *reader {
	for _, r := range w.readers {
		if r.ID == id {
			return r
		}
	}
	return nil
}
