package api

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/wire"
)

// getSending tells what counts for the site now, and the switches behind it.
func (a *API) getSending(c *call, _ none) (wire.Sending, error) { return a.sending(c) }

// sending gives the strictest of the switches that concern the site.
func (a *API) sending(c *call) (wire.Sending, error) {
	now := wire.Sending{Mode: wire.ModeOn, Switches: []wire.Switch{}}
	all, err := a.o.Store.Switches(c.context())
	if err != nil {
		return now, err
	}
	for _, w := range all {
		other := strings.HasPrefix(w.Scope, "site:") && w.Scope != "site:"+c.site
		if other {
			continue
		}
		mode := wire.Mode(w.Mode)
		now.Switches = append(now.Switches, wire.Switch{Scope: w.Scope, Mode: mode, Redirect: w.Redirect, Reason: w.Reason, UpdatedAt: w.UpdatedAt})
		if strings.HasPrefix(w.Scope, "relay:") {
			continue // one relay's; mail may go by another
		}
		if mode == wire.ModeHold && now.Mode != wire.ModeHold || mode == wire.ModeRedirect && now.Mode == wire.ModeOn {
			now.Mode, now.Redirect, now.Reason = mode, w.Redirect, w.Reason
		}
	}
	return now, nil
}

func (a *API) putSending(c *call, _ none, in wire.SwitchInput) (int, wire.Sending, error) {
	w, err := switchFrom(&in, c.site)
	if err != nil {
		return 0, wire.Sending{}, err
	}
	if w.Scope != "site:"+c.site && !a.everySite(c.key) {
		return 0, wire.Sending{}, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "scope", Message: "this concerns all sites, and the key is for some", Mend: `use scope "site", or a key for all sites`}
	}
	act := store.Act{By: "key " + c.key.Name, What: "sending.set", Subject: cmp.Or(w.Scope, "all mail"), After: strings.TrimSpace(w.Mode + " " + w.Redirect + " " + w.Reason)}
	if err := a.o.Store.As(act).SetSwitch(c.context(), w); err != nil {
		return 0, wire.Sending{}, err
	}
	now, err := a.sending(c)
	return http.StatusOK, now, err
}

func switchFrom(in *wire.SwitchInput, site string) (store.Switch, error) {
	w := store.Switch{Mode: string(in.Mode), Reason: in.Reason}
	switch {
	case in.Scope == "" || in.Scope == "site":
		w.Scope = "site:" + site
	case in.Scope == "all":
	case strings.HasPrefix(in.Scope, "relay:") && len(in.Scope) > len("relay:"):
		w.Scope = in.Scope
	default:
		return w, dispatcher.Invalid("scope", `use "site", "all" or "relay:NAME"`, "unknown scope %q", in.Scope)
	}
	if len(in.Reason) > dispatcher.MaxTitle || strings.ContainsRune(in.Reason, 0) {
		return w, dispatcher.Invalid("reason", "shorten it", "is too long")
	}
	switch in.Mode {
	case wire.ModeOn, wire.ModeHold:
		if in.Redirect != "" {
			return w, dispatcher.Invalid("redirect", `leave it out, or use mode "redirect"`, "stands beside mode %q", in.Mode)
		}
		return w, nil
	case wire.ModeRedirect:
		sent, _, err := address.Parse(in.Redirect)
		if err != nil {
			return w, dispatcher.Invalid("redirect", "give the address that gets all mail", "%q is no mail address", in.Redirect)
		}
		w.Redirect = sent
		return w, nil
	}
	return w, dispatcher.Invalid("mode", dispatcher.Choose(string(in.Mode), "on", "hold", "redirect"), "unknown mode %q", in.Mode)
}
