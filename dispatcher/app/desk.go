package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/hearback/hearback/dispatcher/outbox"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
	"github.com/hearback/hearback/dispatcher/password"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web/admin"
)

// makeDesk makes the admins' pages.
func (a *App) makeDesk(log *slog.Logger) (*admin.Desk, error) {
	c := a.o.Config
	o := admin.Options{Store: a.Store, Renderer: a.Renderer, Passwords: password.NewKeeper(password.Cost{}), Sites: siteList(c), BaseURL: c.HTTP.BaseURL, Proxies: proxies(c.HTTP.TrustedProxies),
		Unready: a.unready, RelayTrouble: a.Outbox.Trouble, Clock: a.o.Clock, Log: log}
	if a.o.SignedIn > 0 {
		o.Lifetimes = store.Lifetimes{Idle: a.o.SignedIn, Whole: a.o.SignedIn}
	}
	for _, r := range c.Relays {
		known := admin.Relay{Name: r.Name, TLS: r.TLS, Connections: r.Connections, Rate: r.Rate}
		if u, err := url.Parse(r.URL); err == nil {
			known.Host = u.Host
		}
		o.Relays = append(o.Relays, known)
	}
	o.RelayNow = func() admin.RelayNow {
		now := admin.RelayNow{Name: a.Relay.Name(), AtHand: a.Outbox.InFlight()}
		_, now.OneByOne = a.Relay.Pipelining()
		return now
	}
	if a.Outbox != nil {
		o.Mails = deskMails{a.Outbox}
	}
	if a.Digest != nil {
		o.Rehearse = func(ctx context.Context, schedule string, limit int) (admin.Rehearsal, error) {
			r, err := a.Digest.Rehearse(ctx, schedule, limit)
			if err != nil {
				return admin.Rehearsal{}, err
			}
			return admin.Rehearsal(*r), nil
		}
	}
	if a.Sources != nil {
		o.Sources = deskSources{newSourcesDoor(a.Sources, c.Sources)}
	}
	if a.Catcher != nil {
		o.Catcher = "/catcher/"
	}
	return admin.New(o)
}

// proxies reads addresses and networks; the configuration was checked.
func proxies(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p)
		} else if ip, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(ip, ip.BitLen()))
		}
	}
	return out
}

// mayReadMail says whether somebody may see the mails that were caught. They
// hold links by which their reader is let in, so looking is as good as changing.
func (a *App) mayReadMail(r *http.Request) bool { return a.Desk.Allows(r, store.RoleEditor) }

// FirstLink makes a link for the first admin, valid for an hour, and gives its
// address; "" when there is an admin already.
func (a *App) FirstLink(ctx context.Context) (string, error) {
	any, err := a.Store.AnyAdmin(ctx)
	if err != nil || any {
		return "", err
	}
	secret, err := a.Store.MakeLink(ctx, 0, store.LinkLife)
	if err != nil {
		return "", err
	}
	return admin.LinkURL(a.o.Config.HTTP.BaseURL, secret), nil
}

// deskMails composes messages for the desk.
type deskMails struct{ outbox *outbox.Stage }

// Look implements [admin.Mails].
func (d deskMails) Look(ctx context.Context, message int64) (admin.Mail, error) {
	raw, info, err := d.outbox.Look(ctx, message)
	if err != nil {
		return admin.Mail{}, err
	}
	p := catcher.Parse(raw)
	return admin.Mail{Subject: info.Subject, Text: p.Text, HTML: p.HTML, Source: raw}, nil
}

// deskSources is the sources' door with the sources of all sites.
type deskSources struct{ *sourcesDoor }

// List implements [admin.Sources].
func (d deskSources) List(ctx context.Context) ([]admin.Source, error) {
	states, err := d.poller.States(ctx)
	if err != nil {
		return nil, err
	}
	var out []admin.Source
	for _, s := range states {
		known, ok := d.known[s.Source]
		if !ok {
			continue // it left the configuration
		}
		out = append(out, admin.Source{Name: s.Source, Site: known.Site, Type: known.Type, Paused: s.Paused, PauseReason: s.PauseReason, PausedAt: s.PausedAt, Baseline: s.Baseline,
			LastPoll: s.LastPoll, LastOK: s.LastOK, NextPoll: s.NextPoll, Errors: s.Errors, LastError: s.LastError, Warning: s.Warning, PerHour: s.Rate})
	}
	return out, nil
}

// Poll implements [admin.Sources].
func (d deskSources) Poll(ctx context.Context, name string) (admin.Polled, error) {
	res, err := d.poll(ctx, name)
	return admin.Polled(res), err
}

// tallyEvery is how often a daemon tells what it did. It writes nothing when
// it did nothing.
const tallyEvery = 5 * time.Second

// tally tells the database what this daemon did, for the desk's overview. A
// daemon that is killed leaves out a few seconds.
func (a *App) tally(ctx context.Context) error {
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	var told store.Tally
	for {
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), tallyEvery)
			defer cancel()
			a.tell(end, &told)
			return nil
		case <-tick.C:
			a.tell(ctx, &told)
		}
	}
}

// tell writes what was done since told. What could not be written is told the
// next time.
func (a *App) tell(ctx context.Context, told *store.Tally) {
	all := store.Tally{Events: a.Intake.Taken.Load(), Rejected: a.Intake.Rejected.Load(), Settled: a.Intake.Settled.Load(), Made: a.Digest.Messages.Load(), Held: a.Digest.Held.Load(),
		Sent: a.Outbox.Sent.Load(), Deferred: a.Outbox.Deferred.Load(), Failed: a.Outbox.Failed.Load(), Unknown: a.Outbox.Unknown.Load(),
		Cancelled: a.Outbox.Cancelled.Load(), Suppressed: a.Outbox.Suppressed.Load()}
	for i := range all.Lags {
		all.Lags[i] = a.Outbox.Lags[i].Load()
	}
	since := all.Minus(*told)
	if since == (store.Tally{}) {
		return
	}
	since.At = a.o.Clock.Now()
	if err := a.Store.AddTally(ctx, since); err != nil {
		a.o.Log.Warn("what was done could not be noted; it is tried again", "error", err)
		return
	}
	*told = all
}
