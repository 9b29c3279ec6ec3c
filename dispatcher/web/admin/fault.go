package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher/store"
)

// fault is something that is wrong now and is seen by looking, beside the
// notices, which somebody raised.
type fault struct {
	Text, Mend   string
	Since        time.Time // zero when it is not known
	Path, Action string    // where to mend it, "" for not at this desk
}

// How long something may wait before it is called wrong.
const (
	lateMail   = 5 * time.Minute
	lateEvents = time.Minute
	lateSlot   = 15 * time.Minute
	failedPoll = 3 // rounds in a row
)

// faults looks for what is wrong now, the worst first.
func (d *Desk) faults(v *visit, s *store.Stats) ([]fault, error) {
	var out []fault
	if d.o.Unready != nil {
		for _, why := range d.o.Unready(v.ctx()) {
			out = append(out, fault{Text: "This daemon does no work: " + why, Mend: "It goes on by itself when that is mended. `hearback check` says more."})
		}
	}
	if d.o.RelayTrouble != nil {
		if since, why := d.o.RelayTrouble(); why != "" {
			out = append(out, fault{Text: "The relay cannot be used: " + why, Since: since, Mend: "Mails wait and are tried again; nothing is lost. `hearback check` tries the relay's address, TLS and password"})
		}
	}
	switches, err := d.store.Switches(v.ctx())
	if err != nil {
		return nil, err
	}
	allOn := !slices.ContainsFunc(switches, func(w store.Switch) bool { return w.Mode != modeOn })
	switch {
	case s.Workers == 0 && s.Waiting > 0:
		out = append(out, fault{Text: "No daemon sends mail, and " + things(s.Waiting, "mail waits", "mails wait"), Mend: "start one: hearback serve"})
	case s.OverdueAge > lateMail && allOn:
		out = append(out, fault{Text: fmt.Sprintf("The oldest mail is %s late", span(s.OverdueAge)), Since: v.now.Add(-s.OverdueAge), Mend: "see whether the relay is slow, or raise relays.connections"})
	}
	if s.InboxAge > lateEvents {
		out = append(out, fault{Text: fmt.Sprintf("%s for %s to be taken in", things(s.Inbox, "event waits", "events wait"), span(s.InboxAge)), Since: v.now.Add(-s.InboxAge),
			Mend: "the daemon's log says what holds intake up"})
	}
	if s.SlotAge > lateSlot {
		out = append(out, fault{Text: fmt.Sprintf("A digest run has been going on for %s", span(s.SlotAge)), Since: v.now.Add(-s.SlotAge), Mend: "the daemon's log says what it is at"})
	}
	if s.Rejected > 0 {
		f := fault{Text: things(s.Rejected, "event was rejected", "events were rejected"), Mend: "`hearback event list --rejected` says why; mend it where it comes from, then retry"}
		if d.has("/events") {
			f.Mend, f.Path, f.Action = "See why, mend it where it comes from, then retry", "/events", "Rejected events"
		}
		out = append(out, f)
	}
	more, err := d.sourceFaults(v)
	if err != nil {
		return nil, err
	}
	return append(out, more...), nil
}

// About gives the page of what a notice is about, "" where the desk has none.
func (t *view) About(topic string) string {
	kind, name, _ := strings.Cut(topic, ":")
	list := map[string]string{"source": "/sources", "template": "/templates", "schedule": "/schedules", "relay": "/relays"}[kind]
	switch {
	case list == "" || !t.v.d.has(list) || t.v.here() == list:
		return ""
	case kind == "source":
		return sourcePath(name)
	}
	return list
}

// sourceFaults tells of sources that are paused or fail.
func (d *Desk) sourceFaults(v *visit) ([]fault, error) {
	if d.o.Sources == nil {
		return nil, nil
	}
	list, err := d.o.Sources.List(v.ctx())
	if err != nil {
		return nil, err
	}
	notices, err := d.store.Notices(v.ctx())
	if err != nil {
		return nil, err
	}
	var out []fault
	for _, s := range list {
		told := slices.ContainsFunc(notices, func(n store.Notice) bool { return n.Topic == store.SourceTopic(s.Name) })
		f := fault{}
		switch {
		case s.Paused && !told:
			f.Text, f.Mend = fmt.Sprintf("The source %s is paused", s.Name), "say what becomes of the comments that came meanwhile"
			if s.PauseReason != "" {
				f.Text += ": " + strings.TrimSuffix(s.PauseReason, ".")
			}
		case !s.Paused && s.Errors >= failedPoll:
			f.Text, f.Since, f.Mend = fmt.Sprintf("The source %s failed %d times in a row: %s", s.Name, s.Errors, s.LastError), s.LastOK, "it is tried again; nothing is lost when it comes back"
		default:
			continue
		}
		if d.has("/sources") {
			f.Path, f.Action = sourcePath(s.Name), "The source"
		}
		out = append(out, f)
	}
	return out, nil
}
