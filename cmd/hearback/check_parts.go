package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/source"
	"github.com/hearback/hearback/dispatcher/store"
)

// Bounds of the check.
const (
	maxInboxAge  = time.Minute      // an inbox that waits longer has nobody who empties it
	maxSkew      = 2 * time.Second  // as the daemon has it
	checkTimeout = 30 * time.Second // for one relay or source
)

// checkDatabase opens the database, and makes none: the caller closes what it
// gives, which is nil when there is nothing to look into yet.
func (c *checker) checkDatabase(ctx context.Context) *store.Store {
	shown := c.cfg.Database.URL.String()
	if path, ok := config.DatabasePath(c.cfg.Database.URL.Reveal()); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(filepath.Dir(path)); err != nil {
				c.add("database", statusFail, "make the folder, or correct database.url", "%s: the folder %s does not exist", shown, filepath.Dir(path))
				return nil
			}
			c.doubt("database", "nothing is to be done: the first start makes it", "%s is not there yet", shown)
			return nil
		}
	}
	st, err := c.openPlain(ctx, c.cfg)
	if err != nil {
		c.bad("database", err)
		return nil
	}
	if !c.checkShape(ctx, st, shown) {
		if err := st.Close(); err != nil {
			c.bad("database", err)
		}
		return nil
	}
	return st
}

// checkShape says whether the tables can be used.
func (c *checker) checkShape(ctx context.Context, st *store.Store, shown string) bool {
	pending, err := st.Pending(ctx)
	if err != nil {
		c.bad("database", err)
		return false
	}
	if pending {
		c.doubt("database", "run: hearback migrate (the daemon's start does it too)", "%s: migrations wait", shown)
		return false
	}
	// A value that nobody reads: only a write shows that writing is possible.
	if err := st.SetMeta(ctx, "checked_at", c.clock.Now().Format(time.RFC3339)); err != nil {
		c.bad("database", err)
		return true
	}
	c.ok("database", "%s: up to date, can be written", shown)
	skew, err := st.Skew(ctx)
	switch {
	case err != nil:
		c.bad("database", err)
	case skew.Abs() > maxSkew:
		c.add("database", statusFail, "set both clocks by NTP; until then the daemon sends nothing", "this machine's clock is %s off the database's", skew.Round(time.Millisecond))
	}
	return true
}

func (c *checker) checkSecret() {
	sec := c.cfg.Security
	if path, ok := config.DatabasePath(c.cfg.Database.URL.Reveal()); ok && sec.Secret == "" && sec.SecretFile == "" {
		if _, err := os.Stat(filepath.Clean(path) + ".secret"); errors.Is(err, fs.ErrNotExist) {
			c.ok("secret", "is made beside the database at the first start")
			return
		}
	}
	keys, err := app.Keys(c.cfg)
	if err != nil {
		c.bad("secret", err)
		return
	}
	c.ok("secret", "%s the links in mails", count(len(keys), "secret signs", "secrets verify and the first signs"))
}

func (c *checker) checkSites() {
	for i, site := range c.cfg.Sites {
		from, err := mail.ParseAddress(site.From)
		if err != nil {
			c.told("site", statusFail, config.Problems{c.cfg.Problem(fmt.Sprintf("sites[%d].from", i), "is no sender: "+err.Error(), `write "Name <address>"`)})
			continue
		}
		domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
		if len(c.cfg.Relays) > 0 && !strings.Contains(domain, ".") {
			c.doubt("site", "set from to an address whose domain is yours", "%s: mail from %s will be refused by most servers", site.Key, from.Address)
			continue
		}
		c.ok("site", "%s: mail comes from %s", site.Key, from.Address)
	}
}

// checkWeb says whether readers will reach the links in their mails.
func (c *checker) checkWeb() {
	u, err := url.Parse(c.cfg.HTTP.BaseURL)
	if err != nil || u.Host == "" {
		c.add("web", statusFail, "write it as https://mail.example.org", "http.base_url %q is no web address", c.cfg.HTTP.BaseURL)
		return
	}
	switch {
	case isLocal(u.Hostname()) && c.mailsLeave():
		c.add("web", statusFail, "set http.base_url to what readers can open, such as https://mail.example.org", "links in mails lead to %s, which only this machine can open", u)
	case isLocal(u.Hostname()):
		c.ok("web", "links in mails lead to %s: good for trying out, on this machine only", u)
	case u.Scheme != "https":
		c.doubt("web", "put a proxy with TLS in front and begin http.base_url with https://", "%s is not encrypted, so mail programs show no button for unsubscribing", u)
	default:
		c.ok("web", "links in mails lead to %s", u)
	}
}

// mailsLeave says whether a relay may carry mail away from this machine.
func (c *checker) mailsLeave() bool {
	for _, r := range c.cfg.Relays {
		if u, err := url.Parse(r.URL); err == nil && !isLocal(u.Hostname()) {
			return true
		}
	}
	return false
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

// checkSchedules looks at those of the configuration and those of the database.
func (c *checker) checkSchedules(ctx context.Context, st *store.Store) {
	var list []dispatcher.Schedule
	inFile := map[string]bool{dispatcher.Immediate: true}
	for i, s := range c.cfg.Schedules {
		sc := s.Domain()
		inFile[sc.Name] = true
		if err := schedule.Validate(sc); err != nil {
			var e *dispatcher.Error
			if errors.As(err, &e) {
				path := fmt.Sprintf("schedules[%d].%s", i, e.Field)
				err = config.Problems{c.cfg.Problem(path, e.Message, e.Mend)}
			}
			c.bad("schedule", err)
			continue
		}
		list = append(list, sc)
	}
	if st != nil {
		stored, err := st.Schedules(ctx)
		if err != nil {
			c.bad("schedule", err)
		}
		for _, sc := range stored {
			if sc.Paused {
				c.doubt("schedule", "run: hearback schedule resume "+sc.Name, "%s is paused", sc.Name)
			}
			if !inFile[sc.Name] {
				inFile[sc.Name] = true
				list = append(list, sc)
			}
		}
	}
	for _, sc := range list {
		c.checkRuns(&sc)
	}
	for i, site := range c.cfg.Sites {
		if site.Schedule != "" && !inFile[site.Schedule] {
			path := fmt.Sprintf("sites[%d].schedule", i)
			c.bad("schedule", config.Problems{c.cfg.Problem(path, fmt.Sprintf("there is no schedule %q", site.Schedule), "name it under schedules, or use immediate")})
		}
	}
	c.checkRetention(list)
}

func (c *checker) checkRuns(sc *dispatcher.Schedule) {
	spec, err := schedule.Parse(sc.Spec)
	if err != nil {
		c.bad("schedule", err)
		return
	}
	s := session{root: c.root, cfg: c.cfg}
	zone, err := s.zoneOf(sc, "")
	if err != nil {
		c.bad("schedule", err)
		return
	}
	var next []string
	for _, o := range spec.Upcoming(c.clock.Now(), zone, 2) {
		next = append(next, strings.TrimSpace(o.Local+" "+parenthesised(o.Note)))
	}
	c.ok("schedule", "%s: %s (%s), next %s", sc.Name, spec.Words("en"), sc.Zone, strings.Join(next, ", then "))
}

// checkRetention holds what is kept against the longest way of a comment: the
// longest gap of a schedule with its catch-up, and the longest hold.
func (c *checker) checkRetention(list []dispatcher.Schedule) {
	longest := app.LongestWay(list)
	if err := c.cfg.CheckRetention(longest); err != nil {
		c.bad("retention", err)
		return
	}
	c.ok("retention", "the log is kept for %s, mails for %s; the longest way of a comment is %s", schedule.FormatSpan(max(c.cfg.Retention.Log, longest)), schedule.FormatSpan(max(c.cfg.Retention.Messages, longest)), schedule.FormatSpan(longest))
}

// checkRelays opens a session with each relay and sends nothing.
func (c *checker) checkRelays(ctx context.Context) {
	relays, err := app.Relays(c.cfg)
	if err != nil {
		c.bad("relay", err)
		return
	}
	if len(relays) == 0 {
		c.doubt("relay", "name one under relays when readers shall get mail", "none is configured: mail stays in the built-in catcher")
	}
	for _, r := range relays {
		one, cancel := context.WithTimeout(ctx, checkTimeout)
		for _, f := range r.Check(one) {
			status := statusOK
			switch {
			case !f.OK:
				status = statusFail
			case f.Mend != "":
				status = statusWarn
			}
			c.add("relay", status, f.Mend, "%s: %s", r.Name(), f.Says)
		}
		cancel()
	}
}

// checkSources reads a little of each source and keeps none of it.
func (c *checker) checkSources(ctx context.Context) {
	var closers []func() error
	defer func() {
		for _, stop := range closers {
			if err := stop(); err != nil {
				c.bad("source", err)
			}
		}
	}()
	cfgs, err := app.SourceConfigs(c.cfg, c.clock, &closers)
	if err != nil {
		c.bad("source", err)
		return
	}
	for _, s := range cfgs {
		one, cancel := context.WithTimeout(ctx, checkTimeout)
		batch, err := s.Source.Poll(one, source.Round{Now: c.clock.Now(), Known: nothingKnown{}})
		cancel()
		switch {
		case err != nil:
			c.told("source", statusFail, fmt.Errorf("%s: %w", s.Name, err))
		case batch.Warning != "":
			c.doubt("source", "", "%s answers with %s, but: %s", s.Name, count(len(batch.Comments), "comment", "comments"), batch.Warning)
		default:
			c.ok("source", "%s answers with %s", s.Name, count(len(batch.Comments), "comment", "comments"))
		}
	}
}

// nothingKnown is the ledger of a source that is only looked at.
type nothingKnown struct{}

// Recent implements [source.Known].
func (nothingKnown) Recent(context.Context, time.Time) ([]source.Seen, error) { return nil, nil }
