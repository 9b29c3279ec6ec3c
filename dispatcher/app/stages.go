package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/intake"
	"github.com/hearback/hearback/dispatcher/outbox"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/source"
	sqlsource "github.com/hearback/hearback/dispatcher/source/sql"
	"github.com/hearback/hearback/dispatcher/source/wordpress"
	"github.com/hearback/hearback/dispatcher/store"
)

// makeStages makes the five stages' workers, outbox first: the order of
// starting is the reverse of a comment's way, so that each stage finds the
// next one at work, and stopping lets each drain into the next.
func (a *App) makeStages(ctx context.Context) error {
	c := a.o.Config
	a.clock = newSkewWatch(a.Store, a.o.Log)
	a.clock.look(ctx) // before anything is opened by a wrong clock
	if err := a.makeOutbox(ctx); err != nil {
		return err
	}
	a.Digest = digest.New(digest.Options{Store: a.Store, Owner: a.owner, Clock: a.o.Clock, Log: a.o.Log.With("component", "digest"), Sites: a.sites,
		Limits: dispatcher.Limits{StormMails: c.Sending.Storm.Mails, StormWithin: c.Sending.Storm.Within, DailyCap: c.Sending.DailyCap},
		Closed: a.clock.wrong, Ready: a.caughtUp, Lease: c.Sending.Lease})
	a.floors = append(a.floors, floor{"digest", []worker{{"digest", a.Digest.Run}}})
	settle, maxAge := map[string]time.Duration{}, map[string]time.Duration{}
	for _, s := range c.Sources {
		settle[s.Name], maxAge[s.Name] = s.Settle, s.MaxAge
	}
	a.Intake = intake.New(intake.Options{Store: a.Store, Owner: a.owner, Lease: min(c.Sending.Lease, intakeLease), Clock: a.o.Clock, Log: a.o.Log.With("component", "intake"), Closed: a.clock.wrong,
		Rules: store.IntakeOptions{Settle: perSource(settle, c.Settle), MaxAge: perSource(maxAge, c.MaxAge)}})
	a.floors = append(a.floors, floor{"intake", []worker{{"intake", a.Intake.Run}}})
	if err := a.makeSources(); err != nil {
		return err
	}
	a.floors = append(a.floors, floor{"upkeep", []worker{{"clock", a.clock.run}, {"hints", a.Store.Spread}, {"upkeep", a.upkeep}}})
	a.floors = slices.Insert(a.floors, 0, floor{"tally", []worker{{"tally", a.tally}}}) // stops last, when all is counted
	return nil
}

// intakeLease bounds how long a dead daemon holds up the intake. It is taken
// for all that comes in, so it is shorter than the others.
const intakeLease = 5 * time.Second

func perSource(own map[string]time.Duration, else_ time.Duration) func(string, store.Door) time.Duration {
	return func(_ string, door store.Door) time.Duration {
		if d, ok := own[door.Source()]; ok && door.Source() != "" {
			return d
		}
		return else_
	}
}

// caughtUp says that missed slots may be made up: every source was polled once
// and the inbox found at the start is in the log, or a minute went by.
func (a *App) caughtUp() bool {
	if a.o.Clock.Now().Sub(a.started) > source.PolledOnceLimit {
		return true
	}
	for _, c := range []<-chan struct{}{a.Intake.Drained(), a.polledOnce()} {
		select {
		case <-c:
		default:
			return false
		}
	}
	return true
}

func (a *App) polledOnce() <-chan struct{} {
	if a.Sources != nil {
		return a.Sources.PolledOnce()
	}
	done := make(chan struct{})
	close(done)
	return done
}

func (a *App) makeOutbox(ctx context.Context) error {
	c := a.o.Config
	var err error
	a.Renderer, err = render.New(render.Options{Stored: a.Store, Clock: a.o.Clock, Report: func(b render.Broken) {
		a.o.Log.Error("a stored template is broken; the built-in one is used", "site", b.Site, "kind", string(b.Kind), "locale", b.Locale, "version", b.Version, "error", b.Err)
		a.alarm(ctx, "template:"+b.Site+":"+string(b.Kind)+":"+b.Locale, fmt.Sprintf("The template %s (%s) is broken: %v. The built-in one is used.", b.Kind, b.Locale, b.Err), "Publish a corrected version, or roll back.")
	}})
	if err != nil {
		return fmt.Errorf("read the built-in templates: %w", err)
	}
	o := outbox.Options{Store: a.Store, Renderer: a.Renderer, Sites: a.sites, Clock: a.o.Clock, Log: a.o.Log.With("component", "outbox"), Host: a.owner,
		Closed: a.clock.wrong, Lease: c.Sending.Lease, Retry: cmp.Or(a.o.Retry, c.Sending.Retry), HoldUnknown: c.Sending.Unknown == config.UnknownHold}
	var ro smtp.Options
	if len(c.Relays) == 0 {
		if ro, err = a.openCatcher(); err != nil {
			return err
		}
		o.Connections = 4
	} else {
		r := c.Relays[0]
		ro = relayOptions(r)
		o.Connections, o.Rate = r.Connections, r.Rate
	}
	ro.Clock = a.o.Clock
	ro.PipeliningChanged = func(relay, why string) {
		a.o.Log.Warn("the relay's replies were out of step; pipelining is off for it", "relay", relay, "why", why)
	}
	if a.Relay, err = smtp.New(ro); err != nil {
		return err
	}
	o.Relay = a.Relay
	id, err := a.Store.Instance(ctx)
	if err != nil {
		return err
	}
	o.Letter = outbox.Letter{BaseURL: c.HTTP.BaseURL, Signer: a.Signer, Instance: strings.ToLower(id[:min(len(id), 10)]), Zone: a.words.zone(a.sites), Label: a.words.label, Scope: a.words.scope, Data: a.words.data}
	a.Outbox = outbox.New(o)
	a.floors = append(a.floors, floor{"outbox", []worker{{"outbox", a.Outbox.Run}}})
	return nil
}

func relayOptions(r config.Relay) smtp.Options {
	return smtp.Options{Name: r.Name, URL: r.URL, TLS: smtp.TLSMode(r.TLS), Password: r.Password.Reveal(), Pipelining: smtp.Pipelining(r.Pipelining), Hello: r.Hello}
}

// Relays makes the configured relays, for checks.
func Relays(c *config.Config) ([]*smtp.Relay, error) {
	var out []*smtp.Relay
	for _, r := range c.Relays {
		relay, err := smtp.New(relayOptions(r))
		if err != nil {
			return nil, err
		}
		out = append(out, relay)
	}
	return out, nil
}

// openCatcher starts the built-in mailbox that stands in for a relay.
func (a *App) openCatcher() (smtp.Options, error) {
	c := a.o.Config.Catcher
	ct, err := catcher.New(catcher.Options{Listen: c.Listen, Store: a.Store.Caught(), Clock: a.o.Clock, Log: a.o.Log.With("component", "catcher")})
	if err != nil {
		return smtp.Options{}, err
	}
	a.Catcher = ct
	a.floors = append(a.floors, floor{"catcher", []worker{{"catcher", ct.Run}}})
	return smtp.Options{Name: "catcher", URL: "smtp://" + ct.Addr(), TLS: smtp.TLSNone}, nil
}

// SourceConfigs makes the configured sources.
func SourceConfigs(c *config.Config, clock dispatcher.Clock, closers *[]func() error) ([]source.Config, error) {
	var out []source.Config
	for _, s := range c.Sources {
		cfg := source.Config{Name: s.Name, Kind: s.Type, Site: s.Site, MinInterval: s.IntervalMin, MaxInterval: s.IntervalMax, MaxAge: s.MaxAge, Jump: s.Jump}
		if s.Jump == 0 {
			cfg.Jump = -1
		}
		switch s.Type {
		case config.SourceWordPress:
			f, err := source.NewFetcher(source.FetchOptions{About: c.HTTP.BaseURL, Allow: slices.Concat(c.Fetch.Allow, s.AllowPrivate)})
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
			*closers = append(*closers, func() error { f.Close(); return nil })
			if cfg.Source, err = wordpress.New(wordpress.Options{URL: s.URL, Username: s.Username, Password: s.Password.Reveal(), LookBack: s.LookBack, Fetcher: f, Clock: clock}); err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
		case config.SourceSQL:
			zone, err := schedule.LoadZone(s.Zone)
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
			q, err := sqlsource.New(sqlsource.Options{URL: s.DatabaseURL.Reveal(), Query: s.Query, Lookup: s.Lookup, Since: s.Since, Zone: zone,
				Absent: s.Absent, Window: s.Window, LookBack: s.LookBack})
			if err != nil {
				return nil, fmt.Errorf("source %s: %w", s.Name, err)
			}
			*closers = append(*closers, q.Close)
			cfg.Source = q
		}
		out = append(out, cfg)
	}
	return out, nil
}

func (a *App) makeSources() error {
	if len(a.o.Config.Sources) == 0 {
		return nil
	}
	var closers []func() error
	cfgs, err := SourceConfigs(a.o.Config, a.o.Clock, &closers)
	for _, f := range closers {
		a.onStop("source", f)
	}
	if err != nil {
		return err
	}
	kept := a.Store.Sources()
	a.Sources, err = source.New(source.Options{Store: kept, Ledger: kept, Holder: a.owner, Clock: a.o.Clock, Lease: a.o.Config.Sending.Lease, Closed: a.clock.wrong,
		Log: a.o.Log.With("component", "source"), Hint: func() { a.Store.Hints().Hint(store.TopicInbox) },
		Alarm: func(ctx context.Context, name, reason, mend string) {
			a.alarm(ctx, store.SourceTopic(name), "The source "+name+": "+reason, mend)
		}}, cfgs...)
	if err != nil {
		return err
	}
	a.floors = append(a.floors, floor{"sources", []worker{{"sources", a.Sources.Run}}})
	return nil
}
