package main

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/store"
)

// The modes of the sending switch.
const (
	modeOn       = "on"
	modeHold     = "hold"
	modeRedirect = "redirect"
)

type sendingJSON struct {
	Mode     string         `json:"mode"` // of all mail
	Redirect string         `json:"redirect,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Switches []store.Switch `json:"switches"` // all that were ever set; scope "", site:KEY or relay:NAME
}

// scopeFlags say whose switch is meant.
type scopeFlags struct{ site, relay string }

func newSending(r *root) *cobra.Command {
	g := group("sending", "See and set the switch for all mail: on, hold or redirect",
		"  hearback sending\n  hearback sending hold --reason \"moving servers\"\n  hearback sending redirect me@example.org --site blog",
		newSendingMode(r, modeOn, "on", "Let mail go out"), newSendingMode(r, modeHold, "hold", "Keep all mail back; it waits"),
		newSendingMode(r, modeRedirect, "redirect ADDRESS", "Send all mail to one address instead"))
	g.RunE = r.work(func(ctx context.Context, s *session, _ []string) error { return s.showSending(ctx) })
	return g
}

func newSendingMode(r *root, mode, use, short string) *cobra.Command {
	var scope scopeFlags
	var reason string
	example := map[string]string{modeOn: "on", modeHold: "hold --site blog", modeRedirect: "redirect me@example.org"}[mode]
	cmd := &cobra.Command{
		Use: use, Short: short, Example: "  hearback sending " + example, Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			name, err := s.scope(scope)
			if err != nil {
				return err
			}
			w := store.Switch{Scope: name, Mode: mode, Reason: reason}
			if mode == modeRedirect {
				if w.Redirect, _, err = address.Parse(args[0]); err != nil {
					return err
				}
			}
			before, err := s.switchBefore(ctx, name)
			if err != nil {
				return err
			}
			if err := s.did("sending.set", cmp.Or(name, "all mail"), before, switchWords(w)).SetSwitch(ctx, w); err != nil {
				return err
			}
			return s.showSending(ctx)
		}),
	}
	cmd.Flags().StringVar(&scope.site, "site", "", "only this site's mail")
	cmd.Flags().StringVar(&scope.relay, "relay", "", "only mail by this relay")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who ask later")
	return cmd
}

// scope names the switch: of all mail, a site or a relay.
func (s *session) scope(f scopeFlags) (string, error) {
	switch {
	case f.site != "" && f.relay != "":
		return "", dispatcher.Invalid("--relay", "give one of them, or none for all mail", "stands beside --site")
	case f.site != "":
		site, err := s.store.Site(f.site)
		return "site:" + site.Key, err
	case f.relay == "":
		return "", nil
	}
	var names []string
	for _, r := range s.cfg.Relays {
		names = append(names, r.Name)
	}
	name, err := oneOf("--relay", f.relay, names...)
	return "relay:" + name, err
}

// switches gives the switch of all mail and all switches that were ever set.
func (s *session) switches(ctx context.Context) (sendingJSON, error) {
	list, err := s.store.Switches(ctx)
	out := sendingJSON{Mode: modeOn, Switches: append([]store.Switch{}, list...)}
	for _, w := range list {
		if w.Scope == "" {
			out.Mode, out.Redirect, out.Reason = w.Mode, w.Redirect, w.Reason
		}
	}
	return out, err
}

// switchBefore says for the audit log how a switch stands.
func (s *session) switchBefore(ctx context.Context, scope string) (string, error) {
	list, err := s.store.Switches(ctx)
	for _, w := range list {
		if w.Scope == scope {
			return switchWords(w), err
		}
	}
	return modeOn, err
}

func switchWords(w store.Switch) string {
	text := w.Mode
	if w.Redirect != "" {
		text += " to " + w.Redirect
	}
	if w.Reason != "" {
		text += ": " + w.Reason
	}
	return text
}

func (s *session) showSending(ctx context.Context) error {
	out, err := s.switches(ctx)
	if err != nil {
		return err
	}
	return s.print(out, func(p *page) {
		p.row("SCOPE", "MODE", "SINCE", "REASON")
		all := false
		for _, w := range out.Switches {
			all = all || w.Scope == ""
			scope, mode := w.Scope, w.Mode
			if scope == "" {
				scope = "all mail"
			}
			if w.Redirect != "" {
				mode += " to " + w.Redirect
			}
			p.row(scope, mode, w.UpdatedAt, w.Reason)
		}
		if !all {
			p.row("all mail", modeOn)
		}
		if mode, _, err := config.Mode(s.cfg.Sending.Mode); err == nil && mode != modeOn && mode != out.Mode {
			p.line("the configuration says sending.mode: %s; the daemon's next start sets it again", mode)
		}
	})
}
