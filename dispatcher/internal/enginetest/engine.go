// Package enginetest steps the real engine (store, intake, digest, outbox and
// an SMTP server) through the oracle's histories, on either database.
package enginetest

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/intake"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/internal/oracle"
	"github.com/hearback/hearback/dispatcher/outbox"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

// never is a cron spec that does not fire within a history: its slots are
// steps.
const never = "0 0 29 2 *"

// Tools are what all machines of a test share.
type Tools struct {
	Sink     *mailtest.Sink
	Renderer *render.Renderer
	Signer   *token.Signer
	Log      *slog.Logger
}

// Machine is the engine on one empty database. It implements [oracle.Machine].
type Machine struct {
	ctx   context.Context
	tools *Tools
	url   string
	h     *oracle.History
	step  int
	now   time.Time

	st     *store.Store
	intake *intake.Stage
	digest *digest.Stage
	sites  map[string]dispatcher.Site

	names map[int64]string // subscriber → the site's id
}

// New makes a machine for a history on the empty database at url.
func New(ctx context.Context, tools *Tools, url string, h *oracle.History) (*Machine, error) {
	m := &Machine{ctx: ctx, tools: tools, url: url, h: h, now: h.Config.Start, sites: map[string]dispatcher.Site{}, names: map[int64]string{}}
	for _, s := range h.Config.Sites {
		s.From, s.BaseURL, s.Name = "Site <replies@"+s.Key+".example>", "https://"+s.Key+".example", s.Key
		m.sites[s.Key] = s
	}
	if err := m.open(); err != nil {
		return nil, err
	}
	for i := range h.Config.Schedules {
		s := h.Config.Schedules[i]
		s.Misfire, s.CatchUp = dispatcher.MisfireMerge, time.Hour
		if s.Name != dispatcher.Immediate {
			s.Spec = never
		}
		if _, err := m.st.PutSchedule(ctx, s); err != nil {
			return nil, err
		}
	}
	for _, r := range h.Config.Readers {
		in := dispatcher.EventSubscriber{ID: r.ID, Email: &r.Email, Zone: &r.Zone, AuthorIDs: &r.AuthorIDs}
		if r.Confirmed {
			in.Confirmed = &r.Confirmed
		}
		sub, _, err := m.st.SetSubscriber(ctx, r.Site, in, true)
		if err != nil {
			return nil, err
		}
		m.names[sub.ID] = r.ID
	}
	return m, nil
}

// open starts the stages, first or again.
func (m *Machine) open() error {
	clock := dispatcher.Clock(func() time.Time { return m.now })
	sites := make([]dispatcher.Site, 0, len(m.sites))
	for _, s := range m.sites {
		sites = append(sites, s)
	}
	st, err := store.Open(m.ctx, store.Options{URL: m.url, Clock: clock, Sites: sites, Connections: 6})
	if err != nil {
		return err
	}
	if _, err := st.Migrate(m.ctx); err != nil {
		return err
	}
	c := m.h.Config
	m.st = st
	m.intake = intake.New(intake.Options{Store: st, Owner: "test", Clock: clock, Log: m.tools.Log, Rules: store.IntakeOptions{
		Settle: func(string, store.Door) time.Duration { return c.Settle },
		MaxAge: func(string, store.Door) time.Duration {
			if c.MaxAge == 0 {
				return 1 << 62
			}
			return c.MaxAge
		}}})
	m.digest = digest.New(digest.Options{Store: st, Owner: "test", Clock: clock, Log: m.tools.Log, Limits: c.Limits, Sites: m.sites, Slice: 3, Chunk: 4})
	return nil
}

// Close ends the machine.
func (m *Machine) Close() error { return m.st.Close() }

// Step implements [oracle.Machine].
func (m *Machine) Step(s oracle.Step) error {
	m.now = s.At
	if err := m.crank(); err != nil {
		return fmt.Errorf("before the step: %w", err)
	}
	if err := m.do(s); err != nil {
		return err
	}
	m.step++
	return m.crank()
}

// crank lets everything happen that is due.
func (m *Machine) crank() error {
	for {
		wait, err := m.intake.Round(m.ctx)
		if err != nil {
			return err
		}
		if wait > 0 {
			break
		}
	}
	for n := 0; ; n++ {
		if n > 100 {
			return fmt.Errorf("slots open without end")
		}
		opened := m.digest.Opened.Load()
		if _, err := m.digest.Tick(m.ctx); err != nil {
			return err
		}
		if err := m.work(); err != nil {
			return err
		}
		if m.digest.Opened.Load() == opened {
			break
		}
	}
	if m.h.Config.AtOnce {
		return m.send()
	}
	return nil
}

func (m *Machine) work() error {
	for {
		did, err := m.digest.WorkOnce(m.ctx, "test/0")
		if err != nil || !did {
			return err
		}
	}
}

func (m *Machine) do(s oracle.Step) error {
	switch a := s.Do.(type) {
	case oracle.Fire:
		return m.fire(a)
	case oracle.Send:
		return m.send()
	case oracle.Restart:
		if err := m.st.Close(); err != nil {
			return err
		}
		return m.open()
	case oracle.Pass:
		return nil
	case oracle.Confirm:
		for id, name := range m.names {
			if name == a.Reader {
				return m.st.Confirm(m.ctx, id)
			}
		}
		return nil
	case oracle.SetCadence:
		sub, err := m.subscription(a.Reader, a.Target)
		if err != nil || sub == nil {
			return err
		}
		a.Target.Depth = sub.Target.Depth // a cadence changes nothing else
		s.Do = a
	}
	e, ok := m.event(s)
	if !ok || e.Site == "" {
		return nil
	}
	r, err := m.st.Append(m.ctx, e.Site, "api+vouch", []dispatcher.Event{e})
	if err != nil {
		return err
	}
	if r.Accepted != 1 {
		return fmt.Errorf("the event was not accepted: %+v", r)
	}
	return nil
}

// event gives the event of a step; a history that lost steps still names each
// by its time.
func (m *Machine) event(s oracle.Step) (dispatcher.Event, bool) {
	one := *m.h
	one.Steps = []oracle.Step{s}
	e, ok := one.Event(0)
	e.ID = fmt.Sprintf("step-%d", s.At.UnixMicro())
	return e, ok
}

// subscription gives the reader's pending or live subscription for the target,
// or nil.
func (m *Machine) subscription(reader string, t dispatcher.Target) (*dispatcher.Subscription, error) {
	for id, name := range m.names {
		if name != reader {
			continue
		}
		subs, err := m.st.Subscriptions(m.ctx, id)
		if err != nil {
			return nil, err
		}
		for i := range subs {
			if s := &subs[i]; s.EndedAt.IsZero() && s.Target.Type == t.Type && s.Target.ID == t.ID {
				return s, nil
			}
		}
	}
	return nil, nil
}

// fire opens a regular slot. A chain that nobody ever followed has none.
func (m *Machine) fire(a oracle.Fire) error {
	chains, err := m.st.Chains(m.ctx)
	if err != nil {
		return err
	}
	for _, c := range chains {
		if c.Schedule.Name != a.Schedule || c.Zone != a.Zone {
			continue
		}
		opened, err := m.st.OpenSlot(m.ctx, c, m.now, 0)
		if err != nil {
			return err
		}
		if !opened {
			return fmt.Errorf("the slot of %s in %s was not opened", a.Schedule, a.Zone)
		}
	}
	return m.work()
}

// send sends what is due through a real connection.
func (m *Machine) send() error {
	next, err := m.st.NextDue(m.ctx)
	if err != nil || next.IsZero() || next.After(m.now) {
		return err
	}
	relay, err := smtp.New(smtp.Options{URL: "smtp://" + m.tools.Sink.Addr()})
	if err != nil {
		return err
	}
	ob := outbox.New(outbox.Options{Store: m.st, Renderer: m.tools.Renderer, Relay: relay, Connections: 1, Sites: m.sites,
		Clock: func() time.Time { return m.now }, Log: m.tools.Log, Host: "test",
		Letter: outbox.Letter{BaseURL: "https://hb.example", Signer: m.tools.Signer, Instance: "test", Zone: func(string, string) *time.Location { return time.UTC },
			Label: func(string, string) string { return "" }, Scope: func(dispatcher.Kind, *dispatcher.Site, string, string) string { return "mails" }}})
	return ob.Drain(m.ctx)
}

// Mails implements [oracle.Machine].
func (m *Machine) Mails() ([]oracle.Mail, error) {
	list, err := m.st.Messages(m.ctx, store.MessageFilter{Limit: 10000})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for i := range list {
		for _, it := range list[i].Items {
			ids = append(ids, it.Comment)
		}
	}
	comments, threads, err := m.st.Content(m.ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []oracle.Mail
	for i := range list {
		x := &list[i]
		if x.Kind != dispatcher.KindReply && x.Kind != dispatcher.KindDigest {
			continue
		}
		o := oracle.Mail{Reader: m.names[x.Subscriber], Schedule: x.Schedule, At: x.CreatedAt, Thread: threads[x.Thread].ExternalID, Storm: x.Storm, More: x.More,
			Sent: x.State == dispatcher.StateSent, Dropped: x.State == dispatcher.StateCancelled}
		for _, it := range x.Items {
			if !o.Dropped {
				o.Items = append(o.Items, oracle.Item{Comment: comments[it.Comment].ExternalID, Reason: it.Reason})
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// Holds implements [oracle.Machine].
func (m *Machine) Holds() ([]oracle.Hold, error) {
	list, err := m.st.Holds(m.ctx)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for i := range list {
		ids = append(ids, list[i].Thread)
	}
	names, err := m.st.ThreadNames(m.ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []oracle.Hold
	for _, h := range list {
		out = append(out, oracle.Hold{Reader: m.names[h.Subscriber], Schedule: h.Schedule, Thread: names[h.Thread], NotBefore: h.NotBefore, Reason: h.Reason})
	}
	return out, nil
}
