package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
)

// The modes of the sending switch.
const (
	modeOn       = "on"
	modeHold     = "hold"
	modeRedirect = "redirect"
)

// sendingNow is what the switches say, for every page.
type sendingNow struct {
	All  store.Switch
	Word string // of the badge: the state of all mail, or that some is held
	Tone string
	Off  []switchOff
}

// switchOff is a switch that is not on.
type switchOff struct {
	Scope    string
	Sentence string
	Reason   string
	Since    time.Time
}

func sendingOf(v *visit, list []store.Switch) sendingNow {
	now := sendingNow{All: store.Switch{Mode: modeOn}, Word: modeOn, Tone: "good"}
	for _, w := range list {
		if w.Scope == "" {
			now.All = w
		}
		if w.Mode == modeOn {
			continue
		}
		off := switchOff{Scope: w.Scope, Reason: w.Reason, Since: w.UpdatedAt, Sentence: v.d.scopeWords(w.Scope) + " is on hold."}
		if w.Mode == modeRedirect {
			off.Sentence = fmt.Sprintf("%s goes to %s instead of its readers.", v.d.scopeWords(w.Scope), w.Redirect)
		}
		now.Off = append(now.Off, off)
	}
	switch {
	case now.All.Mode != modeOn:
		now.Word, now.Tone = now.All.Mode, "warn"
	case len(now.Off) > 0:
		now.Word, now.Tone = "on, but not all", "warn"
	}
	return now
}

// scopeWords says whose mail a switch is for.
func (d *Desk) scopeWords(scope string) string {
	if key, ok := strings.CutPrefix(scope, "site:"); ok {
		for i := range d.o.Sites {
			if d.o.Sites[i].Key == key {
				return "Mail of " + d.o.Sites[i].Name
			}
		}
		return "Mail of the site " + key
	}
	if name, ok := strings.CutPrefix(scope, "relay:"); ok {
		return "Mail by the relay " + name
	}
	return "All mail"
}

// scopes lists all switches that there are.
func (d *Desk) scopes() []string {
	out := []string{""}
	for i := range d.o.Sites {
		out = append(out, "site:"+d.o.Sites[i].Key)
	}
	for i := range d.o.Relays {
		out = append(out, "relay:"+d.o.Relays[i].Name)
	}
	return out
}

type sendingView struct {
	Table table
	Form  form
}

func (d *Desk) sendingPage(v *visit) error {
	list, err := d.store.Switches(v.ctx())
	if err != nil {
		return err
	}
	byScope := map[string]store.Switch{}
	for _, w := range list {
		byScope[w.Scope] = w
	}
	page := sendingView{Table: table{Caption: "The switches", Columns: []string{"Whose mail", "State", "Since", "Reason"}}}
	scope := field{Name: "scope", Label: "Whose mail", Kind: "select"}
	all := d.scopes()
	for _, w := range list { // of a site that left the configuration, for example
		if !slices.Contains(all, w.Scope) {
			all = append(all, w.Scope)
		}
	}
	for _, s := range all {
		w := byScope[s]
		state := tag("good", modeOn)
		switch w.Mode {
		case modeHold:
			state = tag("warn", modeHold)
		case modeRedirect:
			state = tag("warn", modeRedirect).soft("to " + w.Redirect)
		}
		since := cell{}
		if !w.UpdatedAt.IsZero() {
			since = v.at(w.UpdatedAt)
		}
		page.Table.Rows = append(page.Table.Rows, []cell{text(d.scopeWords(s)), state, since, text(w.Reason)})
		scope.Options = append(scope.Options, option{Value: s, Label: d.scopeWords(s), Chosen: s == v.query("scope")})
	}
	page.Form = v.form(form{Action: "/sending", Submit: "Set the switch", Fields: []field{scope,
		{Name: "mode", Label: "From now on", Kind: "radio", Options: []option{
			{Value: modeOn, Label: "On", Hint: "Mail goes to its readers. What waited goes out now.", Chosen: true},
			{Value: modeHold, Label: "Hold", Hint: "Mail is made and waits. Nothing is lost."},
			{Value: modeRedirect, Label: "Redirect", Hint: "All goes to one address, as in a rehearsal. Its readers do not get it later."}}},
		{Name: "redirect", Label: "Redirect to", Kind: "email", Hint: "Only for Redirect."},
		{Name: "reason", Label: "Why", Hint: "For those who ask later; it stands on every page."}}})
	return v.show("sending", "Sending", page)
}

func (d *Desk) setSending(v *visit) error {
	w := store.Switch{Scope: v.field("scope"), Mode: v.field("mode"), Reason: v.field("reason")}
	if err := d.checkSwitch(v, &w); err != nil {
		return v.again(err, d.sendingPage)
	}
	list, err := d.store.Switches(v.ctx())
	if err != nil {
		return err
	}
	before := modeOn
	for _, old := range list {
		if old.Scope == w.Scope {
			before = switchWords(old)
		}
	}
	if err := v.as("sending.set", scopeName(w.Scope), before, switchWords(w)).SetSwitch(v.ctx(), w); err != nil {
		return err
	}
	to := "/sending"
	if v.field("to") != "" {
		to = inside(v.field("to"))
	}
	switch w.Mode {
	case modeHold:
		return v.done(to, "%s is on hold. It is made and waits.", d.scopeWords(w.Scope))
	case modeRedirect:
		return v.done(to, "%s goes to %s.", d.scopeWords(w.Scope), w.Redirect)
	}
	return v.done(to, "%s goes out.", d.scopeWords(w.Scope))
}

// scopeName is how the audit log calls a switch.
func scopeName(scope string) string {
	if scope == "" {
		return "all mail"
	}
	return scope
}

func switchWords(w store.Switch) string {
	s := w.Mode
	if w.Redirect != "" {
		s += " to " + w.Redirect
	}
	if w.Reason != "" {
		s += ": " + w.Reason
	}
	return s
}

func (d *Desk) checkSwitch(v *visit, w *store.Switch) error {
	list, err := d.store.Switches(v.ctx())
	if err != nil {
		return err
	}
	known := slices.Contains(d.scopes(), w.Scope) || slices.ContainsFunc(list, func(o store.Switch) bool { return o.Scope == w.Scope })
	if !known {
		return dispatcher.Invalid("scope", "choose one of the list", "there is no site or relay %q", w.Scope)
	}
	if len(w.Reason) > dispatcher.MaxTitle {
		return dispatcher.Invalid("reason", "shorten it", "is too long")
	}
	switch w.Mode {
	case modeOn, modeHold:
		return nil
	case modeRedirect:
		sent, _, err := address.Parse(v.field("redirect"))
		if err != nil {
			return dispatcher.Invalid("redirect", "give the address that gets all mail", "%q is no mail address", v.field("redirect"))
		}
		w.Redirect = sent
		return nil
	}
	return dispatcher.Invalid("mode", "choose on, hold or redirect", "is missing")
}
