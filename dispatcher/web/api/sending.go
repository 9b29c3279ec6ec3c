package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// The modes of the sending switch.
const (
	modeOn       = "on"
	modeHold     = "hold"
	modeRedirect = "redirect"
)

// switchInput is a switch as it is put.
type switchInput struct {
	Mode     string `json:"mode"`
	Redirect string `json:"redirect"`
	Reason   string `json:"reason"`
	Scope    string `json:"scope"` // "site" (default), "all" or "relay:NAME"
}

// getSending tells what counts for the site now, and the switches behind it.
func (a *API) getSending(c *call) error {
	now, err := a.sending(c)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, now)
	return nil
}

// sendingNow is the strictest of the switches that concern the site.
type sendingNow struct {
	Mode     string         `json:"mode"`
	Redirect string         `json:"redirect,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Switches []store.Switch `json:"switches"`
}

func (a *API) sending(c *call) (sendingNow, error) {
	now := sendingNow{Mode: modeOn, Switches: []store.Switch{}}
	all, err := a.o.Store.Switches(c.context())
	if err != nil {
		return now, err
	}
	for _, w := range all {
		other := strings.HasPrefix(w.Scope, "site:") && w.Scope != "site:"+c.site
		if other {
			continue
		}
		now.Switches = append(now.Switches, w)
		if strings.HasPrefix(w.Scope, "relay:") {
			continue // one relay's; mail may go by another
		}
		if w.Mode == modeHold && now.Mode != modeHold || w.Mode == modeRedirect && now.Mode == modeOn {
			now.Mode, now.Redirect, now.Reason = w.Mode, w.Redirect, w.Reason
		}
	}
	return now, nil
}

func (a *API) putSending(c *call) error {
	var in switchInput
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return err
	}
	w, err := in.check(c.site)
	if err != nil {
		return err
	}
	if w.Scope != "site:"+c.site && !a.everySite(c.key) {
		return &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "scope", Message: "this concerns all sites, and the key is for some", Mend: `use scope "site", or a key for all sites`}
	}
	if err := a.o.Store.SetSwitch(c.context(), w); err != nil {
		return err
	}
	return a.getSending(c)
}

func (in *switchInput) check(site string) (store.Switch, error) {
	w := store.Switch{Mode: in.Mode, Reason: in.Reason}
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
	case modeOn, modeHold:
		if in.Redirect != "" {
			return w, dispatcher.Invalid("redirect", `leave it out, or use mode "redirect"`, "stands beside mode %q", in.Mode)
		}
		return w, nil
	case modeRedirect:
		sent, _, err := address.Parse(in.Redirect)
		if err != nil {
			return w, dispatcher.Invalid("redirect", "give the address that gets all mail", "%q is no mail address", in.Redirect)
		}
		w.Redirect = sent
		return w, nil
	}
	return w, dispatcher.Invalid("mode", `use "on", "hold" or "redirect"`, "unknown mode %q", in.Mode)
}

func (a *API) listSuppressions(c *call) error {
	if err := c.checkQuery("after", "limit"); err != nil {
		return err
	}
	p, err := c.textPage()
	if err != nil {
		return err
	}
	rows, err := a.o.Store.Suppressions(c.context(), c.site, p.text, p.limit+1)
	if err != nil {
		return err
	}
	return writePage(c, rows, p, func(s *store.Suppression) string { return s.Address })
}

// suppressed gives the address of the path as addresses compare.
func (c *call) suppressed() (string, error) {
	_, normal, err := address.Parse(c.r.PathValue("address"))
	if err != nil {
		return "", dispatcher.Invalid("address", "give one address such as ann@example.org", "%q is no mail address", c.r.PathValue("address"))
	}
	return normal, nil
}

// findSuppression gives the suppression of the path. The list is in the order
// of addresses, so it is the first after all that sort before it.
func (a *API) findSuppression(c *call) (store.Suppression, error) {
	addr, err := c.suppressed()
	if err != nil {
		return store.Suppression{}, err
	}
	before := addr[:len(addr)-1]
	for {
		rows, err := a.o.Store.Suppressions(c.context(), c.site, before, MaxPage)
		if err != nil {
			return store.Suppression{}, err
		}
		for _, r := range rows {
			if r.Address == addr {
				return r, nil
			}
		}
		if len(rows) < MaxPage || rows[len(rows)-1].Address > addr {
			return store.Suppression{}, dispatcher.NotFound("suppression", addr)
		}
		before = rows[len(rows)-1].Address
	}
}

func (a *API) getSuppression(c *call) error {
	s, err := a.findSuppression(c)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, s)
	return nil
}

// putSuppression keeps all mail of the site from an address. One that is there
// stays as it is.
func (a *API) putSuppression(c *call) error {
	addr, err := c.suppressed()
	if err != nil {
		return err
	}
	in := struct {
		Detail string `json:"detail"`
	}{}
	if c.r.ContentLength != 0 {
		if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
			return err
		}
	}
	if in.Detail == "" {
		in.Detail = fmt.Sprintf("by the key %q", c.key.Name)
	}
	if err := a.o.Store.PutSuppression(c.context(), store.Suppression{Site: c.site, Address: addr, Reason: "admin", Detail: in.Detail}); err != nil {
		return err
	}
	return a.getSuppression(c)
}

func (a *API) deleteSuppression(c *call) error {
	addr, err := c.suppressed()
	if err != nil {
		return err
	}
	if err := a.o.Store.DeleteSuppression(c.context(), c.site, addr); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
