package admin

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Relay is a mail server of the configuration.
type Relay struct {
	Name        string
	Host        string // with its port
	TLS         string // "" for the usual of its kind
	Connections int
	Rate        float64 // mails a second at most, 0 for no limit
}

// RelayNow is how the relay in use does, as this daemon sees it.
type RelayNow struct {
	Name     string
	AtHand   int64  // mails at hand
	OneByOne string // why commands go singly, "" when they go together
}

type relaysView struct {
	Catcher string // address of the built-in mail catcher, "" without it
	Table   table
	Figures []fact
	Said    table
}

// answersOf is how many of the newest attempts are looked at for what was
// refused.
const answersOf = 2000

func (d *Desk) relaysPage(v *visit) error {
	page := relaysView{}
	if d.o.Catcher != "" {
		page.Catcher = strings.TrimSuffix(d.root, "/admin") + d.o.Catcher
	}
	switches, err := d.store.Switches(v.ctx())
	if err != nil {
		return err
	}
	page.Table = table{Caption: "The relays", Columns: []string{"Relay", "State", "Connections", "Mails a second", ""},
		Empty: empty{What: "No relay is configured.", Do: "Mails stay here. Name your mail server under relays in config.yaml; `hearback check` tries it."}}
	hour, err := d.lastHour(v)
	if err != nil {
		return err
	}
	if page.Figures, err = d.relayFigures(v, &hour); err != nil {
		return err
	}
	for i := range d.o.Relays {
		page.Table.Rows = append(page.Table.Rows, d.relayRow(v, &d.o.Relays[i], switches, &hour))
	}
	if page.Said, err = d.answerTable(v); err != nil {
		return err
	}
	return v.show("relays", "Relays", page)
}

func (d *Desk) relayRow(v *visit, r *Relay, switches []store.Switch, hour *store.Tally) []cell {
	most := "no limit"
	if r.Rate > 0 {
		most = fmt.Sprintf("%g at most", r.Rate)
	}
	row := []cell{text(r.Name).soft(strings.TrimSuffix(r.Host+", "+tlsWords(r.TLS), ", ")), d.relayState(r, switches, hour), text(fmt.Sprintf("%d at most", r.Connections)), text(most)}
	if !v.me.Role.May(store.RoleEditor) {
		return append(row, cell{})
	}
	b := button{Action: "/sending", Label: "Hold", Of: r.Name, Sure: "Mail by this relay is made and waits, until the hold ends. Nothing is lost.",
		Hidden: []pair{{"scope", "relay:" + r.Name}, {"mode", modeHold}, {"to", "/relays"}}}
	if w := switchOf(switches, "relay:"+r.Name); w.Mode != modeOn {
		b.Label, b.Sure, b.Hidden[1].Value = "Let it go out", "", modeOn
	}
	return append(row, acts(b))
}

// tlsWords says how a connection is protected.
func tlsWords(mode string) string {
	switch mode {
	case "starttls":
		return "STARTTLS"
	case "implicit":
		return "TLS from the first byte"
	case "opportunistic":
		return "STARTTLS where offered"
	case "none":
		return "no TLS"
	}
	return ""
}

// switchOf gives the switch of a scope, on where it was never set.
func switchOf(list []store.Switch, scope string) store.Switch {
	for _, w := range list {
		if w.Scope == scope {
			return w
		}
	}
	return store.Switch{Scope: scope, Mode: modeOn}
}

func (d *Desk) relayState(r *Relay, switches []store.Switch, hour *store.Tally) cell {
	now := d.relayNow()
	if now.Name != "" && now.Name != r.Name {
		return tag("", "spare").soft("The first relay of the configuration takes all mail.")
	}
	w, trouble := switchOf(switches, "relay:"+r.Name), ""
	if d.o.RelayTrouble != nil {
		_, trouble = d.o.RelayTrouble()
	}
	switch {
	case trouble != "":
		return tag("bad", "cannot be used").soft(trouble)
	case w.Mode == modeHold:
		return tag("warn", "on hold").soft(w.Reason)
	case w.Mode == modeRedirect:
		return tag("warn", "redirected").soft("to " + w.Redirect)
	case hour.Sent+hour.Deferred+hour.Failed+hour.Unknown == 0:
		return tag("", "not used").soft("No mail was handed to it in the last hour. `hearback check` tries it.")
	case now.OneByOne != "":
		return tag("good", "well").soft("Commands go one by one: " + now.OneByOne)
	}
	return tag("good", "well")
}

func (d *Desk) relayNow() RelayNow {
	if d.o.RelayNow == nil {
		return RelayNow{}
	}
	return d.o.RelayNow()
}

// lastHour counts what became of mails in the last hour.
func (d *Desk) lastHour(v *visit) (sum store.Tally, err error) {
	l := lastSteps(v.now, time.Minute, 60)
	tallies, err := d.store.Tallies(v.ctx(), l.From, l.Step, l.N)
	if err != nil {
		return sum, err
	}
	for i := range tallies {
		sum.Sent += tallies[i].Sent
		sum.Deferred += tallies[i].Deferred
		sum.Failed += tallies[i].Failed
		sum.Unknown += tallies[i].Unknown
	}
	return sum, nil
}

func (d *Desk) relayFigures(v *visit, sum *store.Tally) ([]fact, error) {
	stats, err := d.store.Stats(v.ctx())
	if err != nil {
		return nil, err
	}
	return []fact{{"Taken by the relay", num(count(sum.Sent))}, {"Deferred", num(count(sum.Deferred))}, {"Failed", num(count(sum.Failed))}, {"Outcome unknown", num(count(sum.Unknown))},
		{"At hand now", num(count(d.relayNow().AtHand))}, {"Waiting now", num(count(stats.Waiting))}}, nil
}

// outcomeBadge says what became of an attempt.
func outcomeBadge(o dispatcher.Outcome) cell {
	switch o {
	case dispatcher.OutcomeDeferred:
		return tag("warn", "deferred").soft("tried again")
	case dispatcher.OutcomeFailed:
		return tag("bad", "failed").soft("for good")
	case dispatcher.OutcomeUnknown:
		return tag("bad", "unknown").soft("the connection broke at the end")
	}
	return tag("", string(o))
}

// answerTable gathers what the relays refused lately, in their own words.
func (d *Desk) answerTable(v *visit) (table, error) {
	t := table{Caption: "What was not taken lately", Columns: []string{"It said", "Then", "How often", "Last", "The newest"},
		Empty: empty{What: "Nothing was refused.", Do: fmt.Sprintf("The newest %s tries were looked at.", count(answersOf))}}
	list, err := d.store.Refusals(v.ctx(), answersOf)
	if err != nil {
		return t, err
	}
	many := map[string]bool{}
	for i := range list {
		many[list[i].Relay] = true
	}
	for i := range list {
		a := &list[i]
		status := strings.TrimSpace(a.Enhanced)
		if a.Code > 0 {
			status = strings.TrimSpace(fmt.Sprintf("%d %s", a.Code, a.Enhanced))
		}
		said := code(cmp.Or(status, "no reply")).soft(a.Text)
		if len(many) > 1 {
			said.Text += " by " + a.Relay
		}
		t.Rows = append(t.Rows, []cell{said, outcomeBadge(a.Outcome), num(count(a.Count)), v.at(a.Last), v.d.link("the mail", "/messages", fmt.Sprintf("/messages/%d", a.Message))})
	}
	return t, nil
}
