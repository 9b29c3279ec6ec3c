package dispatcher_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/internal/oracle"
)

// clerk is the least that the pure functions need around them to be a whole
// product: it keeps in maps what the store keeps in tables, asks [Decide] and
// [Verdict], and does what they say.
type clerk struct {
	cfg     *oracle.Config
	now     time.Time
	ledger  *oracle.Ledger
	log     []logged
	chains  map[chainName]int64
	readers []*patron
	mails   []*letter
	threads map[string]int64
	zones   map[string]*time.Location
	err     error
}

type chainName struct{ schedule, zone string }

// patron is one reader's rows.
type patron struct {
	dispatcher.Subscriber
	id    string
	subs  []dispatcher.Subscription
	mutes map[dispatcher.Key]bool
	reads map[dispatcher.Key]int64
	holds []dispatcher.Hold
}

// letter is one message row.
type letter struct {
	dispatcher.Message
	reader *patron
}

func newClerk(h *oracle.History) (oracle.Machine, error) {
	c := &clerk{cfg: &h.Config, now: h.Config.Start, ledger: oracle.NewLedger(&h.Config), chains: map[chainName]int64{},
		threads: map[string]int64{}, zones: map[string]*time.Location{}}
	for i, r := range h.Config.Readers {
		p := &patron{id: r.ID, mutes: map[dispatcher.Key]bool{}, reads: map[dispatcher.Key]int64{}}
		p.Subscriber = dispatcher.Subscriber{ID: int64(i + 1), Site: r.Site, Address: address.Normalize(r.Email), Zone: r.Zone, AuthorIDs: r.AuthorIDs}
		if r.Confirmed {
			p.ConfirmedAt = h.Config.Start
		}
		c.readers = append(c.readers, p)
	}
	return c, nil
}

func (c *clerk) Step(s oracle.Step) error {
	c.now = s.At
	c.crank()
	c.do(s.Do)
	c.crank()
	return c.err
}

func (c *clerk) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *clerk) crank() {
	c.ledger.Settle(c.now)
	for i := range c.cfg.Schedules {
		s := &c.cfg.Schedules[i]
		zones := map[string]bool{}
		for _, p := range c.readers {
			for j := range p.holds {
				if h := &p.holds[j]; h.Schedule == s.Name && h.Wakes() && !h.NotBefore.After(c.now) {
					zones[c.cfg.Chain(s, p.Site, p.Zone)] = true
				}
			}
		}
		if s.Name == dispatcher.Immediate {
			if from := c.chains[chainName{s.Name, ""}]; len(zones) > 0 || c.ledger.Head() > from {
				c.open(s, dispatcher.Slot{From: from, Holds: c.ledger.Head() == from})
			}
			continue
		}
		for zone := range zones {
			c.open(s, dispatcher.Slot{Zone: zone, From: c.ledger.Head(), Holds: true})
		}
	}
	c.checkNothingIsDue()
	if c.cfg.AtOnce {
		c.send()
	}
}

// checkNothingIsDue: a hold that is still due after its slot would open slots
// for ever.
func (c *clerk) checkNothingIsDue() {
	for _, p := range c.readers {
		for i := range p.holds {
			if h := &p.holds[i]; h.Wakes() && !h.NotBefore.After(c.now) {
				c.fail("busy loop: %s is still held on %s until %s (%s)", p.id, h.Schedule, h.NotBefore, h.Reason)
			}
		}
	}
}

// open runs one slot to its end.
func (c *clerk) open(s *dispatcher.Schedule, slot dispatcher.Slot) {
	slot.Schedule, slot.At, slot.OpenedAt, slot.Upto = s.Name, c.now, c.now, c.ledger.Head()
	if !slot.Holds {
		c.chains[chainName{s.Name, slot.Zone}] = slot.Upto
	}
	moved := map[dispatcher.Key]bool{}
	own := c.window(slot.From, slot.Upto)
	own.Keys(func(k dispatcher.Key) bool { moved[k] = true; return true })
	all := c.window(0, slot.Upto)
	for _, p := range c.readers {
		if c.cfg.Chain(s, p.Site, p.Zone) != slot.Zone {
			continue
		}
		t := c.turn(p, s, &slot)
		c.checkOneRule(&t, all)
		d := dispatcher.Decide(&t, all)
		c.checkOwners(&t, own, moved)
		if !concerned(&t, moved) && len(d.Drafts)+len(d.Holds)+len(d.Ended) > 0 {
			c.fail("%s has no hold that is ready and nothing they follow moved, and still: %+v", p.id, d)
		}
		c.keep(p, &slot, d)
	}
}

// concerned says whether a slot would look at the reader at all.
func concerned(t *dispatcher.Turn, moved map[dispatcher.Key]bool) bool {
	for i := range t.Holds {
		if t.Holds[i].Ready(t.Slot, t.Now) {
			return true
		}
	}
	for i := range t.Reader.Subscriptions {
		if s := &t.Reader.Subscriptions[i]; s.Live() {
			for _, k := range dispatcher.FollowKeys(nil, s, t.Reader.Identity) {
				if moved[k] {
					return true
				}
			}
		}
	}
	return false
}

// checkOwners: whoever is reached as the writer of a comment above is among
// the owners that the window names.
func (c *clerk) checkOwners(t *dispatcher.Turn, w *dispatcher.Window, moved map[dispatcher.Key]bool) {
	owners, all := w.Owners()
	for i := range t.Reader.Subscriptions {
		s := &t.Reader.Subscriptions[i]
		if s.Target.Type != dispatcher.TargetReplies || !all {
			continue
		}
		for _, id := range t.Reader.Identity {
			for _, k := range dispatcher.FollowKeys(nil, s, []dispatcher.Key{id}) {
				if _, named := slices.BinarySearch(owners, id); moved[k] && !named {
					c.fail("reader %d is reached by key %d, but the window's owners do not name %d", t.Reader.ID, k, id)
				}
			}
		}
	}
}

// logged is one row of the log: keys are cut once, as the store does.
type logged struct {
	entry dispatcher.Entry
	site  dispatcher.Key
	above []dispatcher.Ancestor
}

func (c *clerk) window(from, upto int64) *dispatcher.Window {
	log := c.ledger.Log()
	for _, pub := range log[len(c.log):] {
		m := pub.Comment
		l := logged{site: dispatcher.SiteKey(m.Site)}
		l.entry = dispatcher.Entry{Position: pub.Position, First: pub.First, Comment: m.Number, Thread: c.thread(m.Site, m.Thread),
			ThreadKey: dispatcher.ThreadKey(m.Site, m.Thread), Author: dispatcher.AuthorKey(m.Site, m.AuthorID),
			Address: dispatcher.AddressKey(m.Site, m.Address), VisibleAt: pub.VisibleAt.UnixMicro()}
		for _, a := range pub.Above {
			l.above = append(l.above, dispatcher.Ancestor{Comment: dispatcher.CommentKey(a.Site, a.ID),
				Author: dispatcher.AuthorKey(a.Site, a.AuthorID), Address: dispatcher.AddressKey(a.Site, a.Address)})
		}
		c.log = append(c.log, l)
	}
	w := &dispatcher.Window{}
	for i, l := range c.log[from:upto] {
		l.entry.Visible = log[from+int64(i)].Comment.Visible
		w.Add(l.entry, l.site, l.above)
	}
	w.Seal()
	return w
}

func (c *clerk) thread(site, id string) int64 {
	key := site + "/" + id
	if c.threads[key] == 0 {
		c.threads[key] = int64(len(c.threads) + 1)
	}
	return c.threads[key]
}

func (c *clerk) turn(p *patron, s *dispatcher.Schedule, slot *dispatcher.Slot) dispatcher.Turn {
	zone := p.Zone
	if zone == "" {
		zone = c.cfg.SiteZone(p.Site)
	}
	if c.zones[zone] == nil {
		l, err := time.LoadLocation(zone)
		if err != nil {
			c.fail("zone: %w", err)
		}
		c.zones[zone] = l
	}
	t := dispatcher.Turn{Reader: c.reader(p), Schedule: s, Slot: slot, Zone: c.zones[zone], Quiet: p.Quiet, PausedUntil: p.PausedUntil,
		Recent: c.recent(p), Limits: c.cfg.Limits, Now: c.now}
	t.Reader.Subscriptions = slices.DeleteFunc(t.Reader.Subscriptions, func(sub dispatcher.Subscription) bool { return sub.Schedule != s.Name })
	for _, h := range p.holds {
		if h.Schedule == s.Name {
			t.Holds = append(t.Holds, h)
		}
	}
	return t
}

// reader gives what selection sees of a reader over all schedules.
func (c *clerk) reader(p *patron) dispatcher.Reader {
	r := dispatcher.Reader{ID: p.ID, Identity: []dispatcher.Key{dispatcher.AddressKey(p.Site, p.Address)}, Subscriptions: slices.Clone(p.subs),
		Reads: p.reads, Delivered: map[int64]struct{}{}}
	for _, id := range p.AuthorIDs {
		r.Identity = append(r.Identity, dispatcher.AuthorKey(p.Site, id))
	}
	for k, on := range p.mutes {
		if on {
			r.Mutes = append(r.Mutes, k)
		}
	}
	for _, m := range c.mails {
		if m.reader == p {
			for _, it := range m.Items {
				r.Delivered[it.Comment] = struct{}{}
			}
		}
	}
	return r
}

func (c *clerk) recent(p *patron) dispatcher.Recent {
	r := dispatcher.Recent{Threads: map[int64]dispatcher.Burst{}}
	for _, m := range c.mails {
		if m.reader != p || m.Schedule != dispatcher.Immediate || m.State == dispatcher.StateCancelled {
			continue
		}
		if m.CreatedAt.After(c.now.Add(-24 * time.Hour)) {
			r.Day++
		}
		if m.Thread != 0 && m.CreatedAt.After(c.now.Add(-c.cfg.Limits.StormWithin)) {
			b := r.Threads[m.Thread]
			r.Threads[m.Thread] = dispatcher.Burst{Count: b.Count + 1, Last: m.CreatedAt}
		}
	}
	return r
}

// keep commits a decision.
func (c *clerk) keep(p *patron, slot *dispatcher.Slot, d dispatcher.Decision) {
	same := func(a dispatcher.Hold) func(dispatcher.Hold) bool {
		return func(b dispatcher.Hold) bool { return a.Schedule == b.Schedule && a.Thread == b.Thread }
	}
	for _, h := range d.Ended {
		if !slices.ContainsFunc(p.holds, same(h)) {
			c.fail("%s: a hold ends that does not stand: %+v", p.id, h)
		}
		if slices.ContainsFunc(d.Holds, same(h)) {
			c.fail("%s: a hold is both ended and written: %+v", p.id, h)
		}
		p.holds = slices.DeleteFunc(p.holds, same(h))
	}
	for _, h := range d.Holds {
		if h.Subscriber != p.ID || h.Schedule != slot.Schedule || h.Since.After(c.now) || h.Since.IsZero() {
			c.fail("%s: a hold of somebody else or of no time: %+v", p.id, h)
		}
		p.holds = append(slices.DeleteFunc(p.holds, same(h)), h)
	}
	for _, x := range d.Drafts {
		c.mails = append(c.mails, &letter{reader: p, Message: dispatcher.Message{Kind: x.Kind, Schedule: slot.Schedule, Thread: x.Thread,
			Items: x.Items, More: x.More, Storm: x.Storm, Since: x.Since, State: dispatcher.StateDue, CreatedAt: c.now}})
	}
}

// send checks what waits once more and sends it.
func (c *clerk) send() {
	var all *dispatcher.Window
	for _, m := range c.mails {
		if m.State != dispatcher.StateDue || m.reader.PausedUntil.After(c.now) {
			continue
		}
		if all == nil {
			all = c.window(0, c.ledger.Head())
		}
		r := c.reader(m.reader)
		r.Delivered = nil // it is this very message that would say so
		m.Items = slices.DeleteFunc(slices.Clone(m.Items), func(it dispatcher.Item) bool {
			_, why := dispatcher.Verdict(&r, all, all.Entry(int(it.Position-1)))
			return why != dispatcher.WhyNone
		})
		if m.State = dispatcher.StateSent; len(m.Items) == 0 {
			m.State = dispatcher.StateCancelled
		}
	}
}

func (c *clerk) Mails() ([]oracle.Mail, error) {
	var out []oracle.Mail
	for _, m := range c.mails {
		o := oracle.Mail{Reader: m.reader.id, Schedule: m.Schedule, At: m.CreatedAt, Thread: c.threadName(m.Thread), Storm: m.Storm, More: m.More,
			Sent: m.State == dispatcher.StateSent, Dropped: m.State == dispatcher.StateCancelled}
		for _, it := range m.Items {
			o.Items = append(o.Items, oracle.Item{Comment: c.ledger.Log()[it.Position-1].Comment.ID, Reason: it.Reason})
		}
		out = append(out, o)
	}
	return out, nil
}

func (c *clerk) Holds() ([]oracle.Hold, error) {
	var out []oracle.Hold
	for _, p := range c.readers {
		for _, h := range p.holds {
			out = append(out, oracle.Hold{Reader: p.id, Schedule: h.Schedule, Thread: c.threadName(h.Thread), NotBefore: h.NotBefore, Reason: h.Reason})
		}
	}
	return out, nil
}

func (c *clerk) threadName(number int64) string {
	for name, n := range c.threads {
		if n == number {
			_, id, _ := cutSite(name)
			return id
		}
	}
	return ""
}
