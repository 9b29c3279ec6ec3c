package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/source"
)

type sourceJSON struct {
	Name        string    `json:"name"`
	Site        string    `json:"site"`
	Type        string    `json:"type"`
	Paused      bool      `json:"paused"`
	PauseReason string    `json:"pause_reason,omitempty"`
	Baseline    bool      `json:"baseline"` // the first attach is complete
	LastPoll    time.Time `json:"last_poll,omitzero"`
	LastOK      time.Time `json:"last_ok,omitzero"`
	NextPoll    time.Time `json:"next_poll,omitzero"`
	Errors      int       `json:"errors"` // failed rounds since the last good one
	LastError   string    `json:"last_error,omitempty"`
	Warning     string    `json:"warning,omitempty"`
	PerHour     float64   `json:"per_hour"` // new comments, a moving average
}

func newSource(r *root) *cobra.Command {
	return group("source", "See, poll, pause and resume where comments are read from",
		"  hearback source list\n  hearback source poll blog", newSourceList(r), newSourcePoll(r), newSourcePause(r), newSourceResume(r))
}

// poll makes a command's body of a function that needs the configured sources.
func (r *root) poll(f func(ctx context.Context, s *session, p *source.Poller, args []string) error) func(*cobra.Command, []string) error {
	return r.work(func(ctx context.Context, s *session, args []string) (err error) {
		if len(s.cfg.Sources) == 0 {
			return &dispatcher.Error{Code: dispatcher.CodeNotFound, Field: "sources", Message: "none are configured", Mend: "name one under sources in the configuration"}
		}
		var closers []func() error
		defer func() {
			for _, stop := range closers {
				err = errors.Join(err, stop())
			}
		}()
		cfgs, err := app.SourceConfigs(s.cfg, r.clock, &closers)
		if err != nil {
			return err
		}
		kept := s.store.Sources()
		holder := fmt.Sprintf("command/%d/%d", os.Getpid(), r.clock.Now().UnixMicro())
		p, err := source.New(source.Options{Store: kept, Ledger: kept, Holder: holder, Clock: r.clock,
			Alarm: func(ctx context.Context, name, reason, mend string) {
				if err := s.store.Raise(ctx, "source:"+name, reason, mend); err != nil {
					fmt.Fprintln(r.errs, "hearback: the notice was not kept: "+err.Error())
				}
			}}, cfgs...)
		if err != nil {
			return err
		}
		return f(ctx, s, p, args)
	})
}

// sources describes the configured sources as they stand.
func (s *session) sources(ctx context.Context, p *source.Poller) ([]sourceJSON, error) {
	states, err := p.States(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]source.State{}
	for _, st := range states {
		known[st.Source] = st
	}
	out := []sourceJSON{}
	for _, c := range s.cfg.Sources {
		st := known[c.Name]
		out = append(out, sourceJSON{Name: c.Name, Site: c.Site, Type: c.Type, Paused: st.Paused, PauseReason: st.PauseReason, Baseline: st.Baseline,
			LastPoll: st.LastPoll, LastOK: st.LastOK, NextPoll: st.NextPoll, Errors: st.Errors, LastError: st.LastError, Warning: st.Warning, PerHour: st.Rate})
	}
	return out, nil
}

// showSource prints one source as it stands now.
func (s *session) showSource(ctx context.Context, p *source.Poller, name string) error {
	all, err := s.sources(ctx, p)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Name == name {
			return s.print(all[i], func(p *page) { showSources(p, all[i:i+1]) })
		}
	}
	return dispatcher.NotFound("source", name)
}

func showSources(p *page, list []sourceJSON) {
	p.row("NAME", "SITE", "TYPE", "STATE", "LAST POLL", "NEXT POLL", "SAYS")
	for i := range list {
		st := &list[i]
		state, says := "ready", st.Warning
		switch {
		case st.Paused:
			state, says = "paused", st.PauseReason
		case st.Errors > 0:
			state, says = fmt.Sprintf("failed %d times", st.Errors), st.LastError
		case !st.Baseline:
			state = "not attached yet"
		}
		p.row(st.Name, st.Site, st.Type, state, st.LastPoll, st.NextPoll, says)
	}
}

func newSourceList(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the configured sources and how they are", Example: "  hearback source list", Args: asUsed,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := r.poll(func(ctx context.Context, s *session, p *source.Poller, _ []string) error {
				all, err := s.sources(ctx, p)
				if err != nil {
					return err
				}
				return s.print(listJSON[sourceJSON]{Items: all}, func(p *page) { showSources(p, all) })
			})(cmd, args)
			if dispatcher.CodeOf(err) == dispatcher.CodeNotFound { // none is an answer here
				return r.print(listJSON[sourceJSON]{Items: []sourceJSON{}}, func(p *page) { p.line("no sources are configured") })
			}
			return err
		},
	}
}

func newSourcePoll(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "poll NAME", Short: "Read a source once, now", Example: "  hearback source poll blog", Args: asUsed,
		Long: "Read a source once, now, and say what was found. The first time nothing is mailed: it sets the\nbaseline from which comments count as new.",
		RunE: r.poll(func(ctx context.Context, s *session, p *source.Poller, args []string) error {
			res, err := p.PollNow(ctx, args[0])
			if errors.Is(err, source.ErrLeased) {
				return &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "NAME", Message: "a daemon is reading it this moment", Mend: "nothing is to be done: it reads once more after that"}
			}
			if err != nil {
				return err
			}
			return s.print(res, func(p *page) {
				p.line("%s: %d new, %d recorded only, %d edited, %d removed", args[0], res.Published, res.Recorded, res.Edited, res.Removed)
				if res.Paused {
					p.line("far more than usual came at once, so the source is paused; look at the site, then run: hearback source resume %s --admit notify|record", args[0])
				}
			})
		}),
	}
}

func newSourcePause(r *root) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "pause NAME", Short: "Stop reading a source", Example: "  hearback source pause blog --reason \"the site moves\"", Args: asUsed,
		RunE: r.poll(func(ctx context.Context, s *session, p *source.Poller, args []string) error {
			if err := p.Pause(ctx, args[0], reason); err != nil {
				return err
			}
			if err := s.record(ctx, "source.pause", args[0], reason); err != nil {
				return err
			}
			return s.showSource(ctx, p, args[0])
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who ask later")
	return cmd
}

func newSourceResume(r *root) *cobra.Command {
	var admit string
	cmd := &cobra.Command{
		Use: "resume NAME", Short: "Read a paused source again", Example: "  hearback source resume blog --admit record", Args: asUsed,
		Long: "Read a paused source again. What came meanwhile passes the guards anew; --admit notify mails all\nof it, --admit record mails none of it.",
		RunE: r.poll(func(ctx context.Context, s *session, p *source.Poller, args []string) error {
			if err := p.Resume(ctx, args[0], source.Admit(admit)); err != nil {
				return err
			}
			if err := s.record(ctx, "source.resume", args[0], admit); err != nil {
				return err
			}
			return s.showSource(ctx, p, args[0])
		}),
	}
	cmd.Flags().StringVar(&admit, "admit", "", "what becomes of the comments that the pause held back: notify or record")
	return cmd
}
