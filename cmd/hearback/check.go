package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// The statuses of a finding.
const (
	statusOK   = "ok"
	statusWarn = "warn" // it runs, and somebody should know
	statusFail = "fail" // it does not run, or not as it was meant
)

// finding is one thing that the check saw.
type finding struct {
	Area   string `json:"area"` // config, database, secret, site, web, schedule, relay, source, retention, sending, notice or event
	Status string `json:"status"`
	Says   string `json:"says"`
	Mend   string `json:"mend,omitempty"`
}

type checkJSON struct {
	OK       bool      `json:"ok"` // nothing failed
	Findings []finding `json:"findings"`
}

func newCheck(r *root) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use: "check", Short: "Look for what is wrong and say how to mend it", Example: "  hearback check\n  hearback check --offline --json", Args: asUsed,
		Long: `Look at the configuration, the database, the schedules, the relays, the sources, the links in
mails and what waits for a person. Nothing is sent, and nothing is written but the time of the check,
which shows that the database can be written. The exit code is 1 when something fails; warnings do
not count.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := &checker{root: r, findings: []finding{}}
			c.run(cmd.Context(), offline)
			return c.answer()
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "leave out relays and sources")
	return cmd
}

// checker collects findings, in the order in which a person would look.
type checker struct {
	*root
	cfg      *config.Config
	findings []finding
}

func (c *checker) add(area, status, mend, format string, args ...any) {
	c.findings = append(c.findings, finding{area, status, fmt.Sprintf(format, args...), mend})
}

func (c *checker) ok(area, format string, args ...any)  { c.add(area, statusOK, "", format, args...) }
func (c *checker) bad(area string, err error)           { c.told(area, statusFail, err) }
func (c *checker) doubt(area, mend, f string, a ...any) { c.add(area, statusWarn, mend, f, a...) }

// told files an error with the mend that it brings.
func (c *checker) told(area, status string, err error) {
	var ps config.Problems
	if errors.As(err, &ps) {
		for _, p := range ps {
			mend := p.Mend
			p.Mend = ""
			c.add(area, status, mend, "%s", p.String())
		}
		return
	}
	var e *dispatcher.Error
	if errors.As(err, &e) {
		// What was being done stands around the error of the domain.
		c.add(area, status, e.Mend, "%s", strings.Replace(err.Error(), " ("+e.Mend+")", "", 1))
		return
	}
	c.add(area, status, "", "%s", err.Error())
}

func (c *checker) run(ctx context.Context, offline bool) {
	if !c.checkConfig() {
		return // nothing else can be judged
	}
	st := c.checkDatabase(ctx)
	if st != nil {
		defer func() {
			if err := st.Close(); err != nil {
				c.bad("database", err)
			}
		}()
	}
	c.checkSecret()
	c.checkSites()
	c.checkWeb()
	c.checkSchedules(ctx, st)
	if !offline {
		c.checkRelays(ctx)
		c.checkSources(ctx)
	}
	if st != nil {
		c.checkSending(ctx, st)
		c.checkWaiting(ctx, st)
	}
}

func (c *checker) checkConfig() bool {
	cfg, err := c.config()
	if err != nil {
		c.bad("config", err)
		return false
	}
	c.cfg = cfg
	if path := c.configFile(); path != "" {
		c.ok("config", "%s: %s, %s, %s, %s", path, count(len(cfg.Sites), "site", "sites"), count(len(cfg.Relays), "relay", "relays"),
			count(len(cfg.Schedules), "schedule", "schedules"), count(len(cfg.Sources), "source", "sources"))
	} else {
		c.doubt("config", "write one with: hearback init", "there is no %s; defaults and the environment are used", defaultConfig)
	}
	for _, w := range cfg.Warnings {
		c.doubt("config", "", "%s", w)
	}
	return true
}

// answer prints the findings; one that failed makes the exit code 1.
func (c *checker) answer() error {
	out := checkJSON{OK: true, Findings: c.findings}
	counts := map[string]int{}
	for _, f := range c.findings {
		counts[f.Status]++
		out.OK = out.OK && f.Status != statusFail
	}
	colours := map[string]string{statusOK: "\x1b[32m", statusWarn: "\x1b[33m", statusFail: "\x1b[31m"}
	tint := c.colour()
	err := c.print(out, func(p *page) {
		for _, f := range c.findings {
			status := fmt.Sprintf("%-4s", f.Status)
			if tint {
				status = colours[f.Status] + status + "\x1b[0m"
			}
			// The colour is ours, so it does not go through visible.
			p.write(status + "  " + fmt.Sprintf("%-9s", f.Area) + "  " + visible(f.Says) + "\n")
			if f.Mend != "" {
				p.write(strings.Repeat(" ", 17) + "mend: " + visible(f.Mend) + "\n")
			}
		}
		p.line("%d ok, %s, %d failed", counts[statusOK], count(counts[statusWarn], "warning", "warnings"), counts[statusFail])
	})
	if err == nil && !out.OK {
		return answeredNo{}
	}
	return err
}

func (c *checker) checkSending(ctx context.Context, st *store.Store) {
	list, err := st.Switches(ctx)
	if err != nil {
		c.bad("sending", err)
		return
	}
	on := true
	for _, w := range list {
		if w.Mode == modeOn {
			continue
		}
		on = false
		what, release := "all mail", "hearback sending on"
		if kind, name, ok := strings.Cut(w.Scope, ":"); ok {
			what, release = "mail of the "+kind+" "+name, "hearback sending on --"+kind+" "+name
		}
		text := what + " is on hold"
		if w.Mode == modeRedirect {
			text = what + " goes to " + w.Redirect
		}
		if w.Reason != "" {
			text += ": " + w.Reason
		}
		c.doubt("sending", "when it shall go out again: "+release, "%s", text)
	}
	if on {
		c.ok("sending", "on")
	}
}

// checkWaiting tells of what waits for a person.
func (c *checker) checkWaiting(ctx context.Context, st *store.Store) {
	notices, err := st.Notices(ctx)
	if err != nil {
		c.bad("notice", err)
	}
	for _, n := range notices {
		c.doubt("notice", n.Mend, "%s (since %s, %s)", n.Text, when(n.RaisedAt), count(int(n.Count), "time", "times"))
	}
	stats, err := st.Stats(ctx)
	if err != nil {
		c.bad("event", err)
		return
	}
	if stats.Rejected > 0 {
		c.doubt("event", "see: hearback event list", "%s rejected", count(int(stats.Rejected), "event was", "events were"))
	}
	if stats.Inbox > 0 && stats.InboxAge > maxInboxAge {
		c.doubt("event", "start the daemon: hearback serve", "%s in the inbox, the oldest for %s", count(int(stats.Inbox), "event waits", "events wait"), schedule.FormatSpan(stats.InboxAge.Truncate(maxInboxAge)))
	}
	waiting := count(int(stats.Waiting), "message waits to be sent", "messages wait to be sent")
	if stats.Workers == 0 {
		c.doubt("sending", "start it: hearback serve", "no daemon is running on this database; %s", waiting)
		return
	}
	c.ok("sending", "%s at work; %s", count(int(stats.Workers), "daemon is", "daemons are"), waiting)
}
