package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/source"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/web/api"
	webcatcher "github.com/hearback/hearback/dispatcher/web/catcher"
	"github.com/hearback/hearback/dispatcher/web/public"
	"github.com/hearback/hearback/dispatcher/wire"
)

// root is the pattern of the server's first page.
const root = "GET /{$}"

// makeWeb makes the doors that are reached by HTTP and opens their port, so
// that a port that is taken ends the start and not the daemon.
func (a *App) makeWeb(context.Context) error {
	c := a.o.Config
	log := a.o.Log.With("component", "web")
	desk := subscribe.New(subscribe.Options{Store: a.Store, Lookup: a.Store, Signer: a.Signer, Clock: a.o.Clock})
	pages, err := public.New(public.Options{Desk: desk, Proxies: proxies(c.HTTP.TrustedProxies), Limits: public.Limits(c.SignUp), Log: log})
	if err != nil {
		return err
	}
	ao := api.Options{Store: a.Store, Desk: desk, Lookup: a.Store, Renderer: a.Renderer, Sites: siteList(c), Origins: c.HTTP.CORSOrigins, Clock: a.o.Clock, Log: log}
	if a.Sources != nil {
		ao.Sources = newSourcesDoor(a.Sources, c.Sources)
	}
	if a.Desk, err = a.makeDesk(log); err != nil {
		return err
	}
	mounts := slices.Concat(api.New(ao).Mounts(), pages.Mounts(), a.Desk.Mounts())
	done := make(chan struct{})
	if a.Catcher != nil {
		h, err := webcatcher.New(webcatcher.Options{Catcher: a.Catcher, Prefix: "/catcher", Local: isLocal(c.HTTP.BaseURL), Authorise: a.mayReadMail, Clock: a.o.Clock, Done: done, Log: log})
		if err != nil {
			return err
		}
		mounts = append(mounts, web.Mount{Pattern: "/catcher/", Handler: h},
			web.Mount{Pattern: root, Handler: http.RedirectHandler("/catcher/", http.StatusFound)})
	}
	if _, taken := a.o.Extra[root]; !taken && a.Catcher == nil {
		mounts = append(mounts, web.Mount{Pattern: root, Handler: http.RedirectHandler(a.Desk.Path(), http.StatusFound)})
	}
	for pattern, h := range a.o.Extra {
		mounts = append(mounts, web.Mount{Pattern: pattern, Handler: h})
	}
	server, err := web.New(web.Options{Listen: c.HTTP.Listen, BaseURL: c.HTTP.BaseURL, Mounts: mounts, Ready: a.unready, Registry: a.registry(), Clock: a.o.Clock, Log: log})
	if err != nil {
		return err
	}
	if a.listener = a.o.Listener; a.listener == nil {
		if a.listener, err = net.Listen("tcp", c.HTTP.Listen); err != nil {
			return &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "http.listen", Message: "cannot listen on " + c.HTTP.Listen, Err: err,
				Mend: "end the program that has the port, or set another with HEARBACK_HTTP_LISTEN"}
		}
	}
	a.onStop("listener", func() error { _ = a.listener.Close(); return nil }) // closed already where the server ran
	a.floors = append(a.floors, floor{"web", []worker{{"web", func(ctx context.Context) error {
		context.AfterFunc(ctx, func() { close(done) })
		return server.Serve(ctx, a.listener)
	}}}})
	return nil
}

// Addr is where the web server listens.
func (a *App) Addr() string { return a.listener.Addr().String() }

// isLocal says that the pages are reached on this machine only.
func isLocal(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || (ip != nil && ip.IsLoopback())
}

// unready says why the daemon cannot do its work now.
func (a *App) unready(ctx context.Context) []string {
	var why []string
	if err := a.Store.Ping(ctx); err != nil {
		say := "the database does not answer"
		if e := (*dispatcher.Error)(nil); errors.As(err, &e) {
			say = e.Message + ": " + e.Mend
		}
		why = append(why, say)
	}
	if a.clock.wrong() {
		why = append(why, "this machine's clock differs from the database's by more than 2 seconds")
	}
	return why
}

// registry gathers the metrics of all stages.
func (a *App) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), web.NewStatsCollector(a.Store.Stats, a.o.Log))
	counter := func(name, help string, labels prometheus.Labels, f func() int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "hearback", Name: name, Help: help, ConstLabels: labels}, func() float64 { return float64(f()) }))
	}
	counter("events_taken_total", "Events that intake took from the inbox.", nil, a.Intake.Taken.Load)
	counter("events_rejected_total", "Events that went to the rejected ones.", nil, a.Intake.Rejected.Load)
	counter("events_duplicate_total", "Events that were seen before.", nil, a.Intake.Duplicates.Load)
	counter("events_too_old_total", "Publications recorded and not mailed, being older than max_age.", nil, a.Intake.TooOld.Load)
	counter("publications_settled_total", "Publications that got their position in the log.", nil, a.Intake.Settled.Load)
	counter("slots_opened_total", "Slots that this daemon opened.", nil, a.Digest.Opened.Load)
	counter("slots_skipped_total", "Firings that were missed and not made up.", nil, a.Digest.Skipped.Load)
	counter("messages_made_total", "Messages that digests made.", nil, a.Digest.Messages.Load)
	counter("readers_held_total", "Readers whom a slot passed over.", nil, a.Digest.Held.Load)
	for outcome, f := range map[string]func() int64{"sent": a.Outbox.Sent.Load, "deferred": a.Outbox.Deferred.Load, "failed": a.Outbox.Failed.Load, "unknown": a.Outbox.Unknown.Load} {
		counter("attempts_total", "Mails handed to the relay, by what became of them.", prometheus.Labels{"outcome": outcome, "relay": a.Relay.Name()}, f)
	}
	counter("messages_cancelled_total", "Messages that had nothing left to say when they were due.", nil, a.Outbox.Cancelled.Load)
	counter("messages_suppressed_total", "Messages to suppressed addresses.", nil, a.Outbox.Suppressed.Load)
	counter("messages_reclaimed_total", "Messages of dead daemons that are due again.", nil, a.Outbox.Lost.Load)
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "hearback", Name: "in_flight", Help: "Mails handed to a connection whose outcome is not recorded yet."},
		func() float64 { return float64(a.Outbox.InFlight()) }))
	return r
}

// sourcesDoor lets the API see and steer the poller.
type sourcesDoor struct {
	poller *source.Poller
	known  map[string]config.Source
}

func newSourcesDoor(p *source.Poller, list []config.Source) *sourcesDoor {
	d := &sourcesDoor{poller: p, known: map[string]config.Source{}}
	for _, s := range list {
		d.known[s.Name] = s
	}
	return d
}

// List implements [api.Sources].
func (d *sourcesDoor) List(ctx context.Context, site string) ([]wire.Source, error) {
	states, err := d.poller.States(ctx)
	if err != nil {
		return nil, err
	}
	var out []wire.Source
	for _, s := range states {
		if d.known[s.Source].Site != site {
			continue
		}
		out = append(out, wire.Source{Name: s.Source, Site: site, Type: d.known[s.Source].Type, Paused: s.Paused, PauseReason: s.PauseReason, Baseline: s.Baseline,
			LastPoll: s.LastPoll, LastOK: s.LastOK, NextPoll: s.NextPoll, Errors: s.Errors, LastError: s.LastError, Warning: s.Warning, PerHour: s.Rate})
	}
	return out, nil
}

// Poll implements [api.Sources].
func (d *sourcesDoor) Poll(ctx context.Context, name string) error {
	_, err := d.poll(ctx, name)
	return err
}

// poll reads a source now. What kept it from being read is no fault of the
// daemon, and is for the caller to see in its own words.
func (d *sourcesDoor) poll(ctx context.Context, name string) (source.Result, error) {
	res, err := d.poller.PollNow(ctx, name)
	switch code := dispatcher.CodeOf(err); {
	case err == nil:
		return res, nil
	case errors.Is(err, source.ErrLeased):
		return res, &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "another daemon reads the source " + name + " this moment", Mend: "it reads it once more right after; look again soon"}
	case ctx.Err() != nil, code == dispatcher.CodeNotFound, code == dispatcher.CodeConflict:
		return res, err
	}
	return res, &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the source " + name + " could not be read: " + err.Error(), Mend: "mend that at the source, or in its configuration, and read it again"}
}

// Pause implements [api.Sources].
func (d *sourcesDoor) Pause(ctx context.Context, name, reason string) error {
	return d.poller.Pause(ctx, name, reason)
}

// Resume implements [api.Sources].
func (d *sourcesDoor) Resume(ctx context.Context, name, admit string) error {
	return d.poller.Resume(ctx, name, source.Admit(admit))
}
