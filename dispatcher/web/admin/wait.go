package admin

import (
	"fmt"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// waits says why a mail that is not out yet waits; "" for one that is.
func (d *Desk) waits(v *visit, m *dispatcher.Message) (string, error) {
	if m.State != dispatcher.StateDue && m.State != dispatcher.StateDeferred {
		return "", nil
	}
	switches, err := d.store.Switches(v.ctx())
	if err != nil {
		return "", err
	}
	scopes := []string{"", "site:" + m.Site}
	if name := d.relayNow().Name; name != "" {
		scopes = append(scopes, "relay:"+name)
	}
	for _, scope := range scopes {
		if w := switchOf(switches, scope); w.Mode == modeHold {
			return sentence(d.scopeWords(scope)+" is on hold") + " " + sentence(w.Reason), nil
		}
	}
	if d.o.RelayTrouble != nil {
		if _, why := d.o.RelayTrouble(); why != "" {
			return "The relay cannot be used: " + sentence(why), nil
		}
	}
	if left := m.DueAt.Sub(v.now); left > 0 {
		return fmt.Sprintf("It is tried %s.", ago(-left)), nil
	}
	stats, err := d.store.Stats(v.ctx())
	if err != nil {
		return "", err
	}
	return lateWords(&stats), nil
}

// lateWords says why a mail that is due is not at the relay yet.
func lateWords(s *store.Stats) string {
	if s.Workers == 0 {
		return "No daemon sends mail: start one with hearback serve."
	}
	return "It is among " + things(s.Waiting, "mail", "mails") + " that a daemon takes in turn."
}
