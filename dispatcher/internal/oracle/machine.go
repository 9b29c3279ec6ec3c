package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Machine lives through a history and says what it did. A [World] is one.
type Machine interface {
	// Step does one step, wholly: see the package comment.
	Step(Step) error
	// Mails lists all mails made so far, in any order.
	Mails() ([]Mail, error)
	// Holds lists the holds that stand, in any order.
	Holds() ([]Hold, error)
}

// Mail is one message to one reader.
type Mail struct {
	Reader   string
	Schedule string
	At       time.Time // of the step whose slot made it
	Thread   string    // the one thread of an immediate mail, else ""
	Storm    bool
	Items    []Item // as selected; after sending, as sent
	More     int
	Sent     bool
	Dropped  bool // cancelled: nothing was left to say
}

// Item is one comment of a mail, by the site's id.
type Item struct {
	Comment string
	Reason  dispatcher.Reason
}

// Hold is one hold that stands.
type Hold struct {
	Reader, Schedule string
	Thread           string // of a storm, else ""
	NotBefore        time.Time
	Reason           dispatcher.HoldReason
}

func (m Mail) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s at %s", m.Reader, m.Schedule, clock(m.At))
	if m.Thread != "" {
		b.WriteString(" in " + m.Thread)
	}
	for _, it := range m.Items {
		fmt.Fprintf(&b, " %s(%s)", it.Comment, it.Reason)
	}
	if m.More > 0 {
		fmt.Fprintf(&b, " and %d more", m.More)
	}
	for _, w := range []struct {
		is   bool
		word string
	}{{m.Storm, "storm"}, {m.Sent, "sent"}, {m.Dropped, "dropped"}} {
		if w.is {
			b.WriteString(" " + w.word)
		}
	}
	return b.String()
}

func (h Hold) String() string {
	return fmt.Sprintf("%s on %s %s until %s: %s", h.Reader, h.Schedule, h.Thread, clock(h.NotBefore), h.Reason)
}

func sortMails(ms []Mail) {
	slices.SortFunc(ms, func(a, b Mail) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Schedule, b.Schedule), cmp.Compare(a.Thread, b.Thread),
			slices.CompareFunc(a.Items, b.Items, func(x, y Item) int { return cmp.Compare(x.Comment, y.Comment) }))
	})
}

func sortHolds(hs []Hold) {
	slices.SortFunc(hs, func(a, b Hold) int {
		return cmp.Or(cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Schedule, b.Schedule), cmp.Compare(a.Thread, b.Thread))
	})
}

func (m Mail) same(o Mail) bool {
	return m.Reader == o.Reader && m.Schedule == o.Schedule && m.At.Equal(o.At) && m.Thread == o.Thread && m.Storm == o.Storm &&
		slices.Equal(m.Items, o.Items) && m.More == o.More && m.Sent == o.Sent && m.Dropped == o.Dropped
}

func (h Hold) same(o Hold) bool {
	return h.Reader == o.Reader && h.Schedule == o.Schedule && h.Thread == o.Thread && h.Reason == o.Reason && h.NotBefore.Equal(o.NotBefore)
}

// Divergence is where a machine and the oracle disagree, or where the oracle
// itself breaks a promise.
type Divergence struct {
	Step int // index into the history's steps
	What string
}

func (d *Divergence) Error() string { return fmt.Sprintf("after step %d: %s", d.Step, d.What) }

// Check steps a machine through a history beside the oracle and compares all
// mails and standing holds after each step. It gives the oracle at its end, or
// a *Divergence, or an error of the machine's. Make is called once.
func Check(h History, make func(*History) (Machine, error)) (*World, error) {
	w := NewWorld(&h.Config)
	m, err := make(&h)
	if err != nil {
		return nil, fmt.Errorf("make the machine: %w", err)
	}
	for i, s := range h.Steps {
		if err := w.Step(s); err != nil {
			return nil, &Divergence{i, "the oracle: " + err.Error()}
		}
		if err := m.Step(s); err != nil {
			return nil, &Divergence{i, "the machine fails: " + err.Error()}
		}
		if err := compare(i, w, m); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func compare(step int, w *World, m Machine) error {
	wantMails, _ := w.Mails()
	mails, err := m.Mails()
	if err != nil {
		return fmt.Errorf("list the machine's mails: %w", err)
	}
	wantHolds, _ := w.Holds()
	holds, err := m.Holds()
	if err != nil {
		return fmt.Errorf("list the machine's holds: %w", err)
	}
	sortMails(wantMails)
	sortMails(mails)
	if !slices.EqualFunc(wantMails, mails, Mail.same) {
		return &Divergence{step, "mails differ\n" + diff(wantMails, mails)}
	}
	sortHolds(wantHolds)
	sortHolds(holds)
	if !slices.EqualFunc(wantHolds, holds, Hold.same) {
		return &Divergence{step, "holds differ\n" + diff(wantHolds, holds)}
	}
	return nil
}

// diff lists what only one side has.
func diff[T fmt.Stringer](want, got []T) string {
	count := map[string]int{}
	for _, v := range got {
		count[v.String()]++
	}
	var b strings.Builder
	for _, v := range want {
		if count[v.String()]--; count[v.String()] < 0 {
			fmt.Fprintf(&b, "  only the oracle:  %s\n", v)
		}
	}
	for _, v := range got {
		if s := v.String(); count[s] > 0 {
			count[s]--
			fmt.Fprintf(&b, "  only the machine: %s\n", s)
		}
	}
	return b.String()
}

// Minimize drops steps and readers for as long as fails still says that the
// history fails, and gives the shortest found. Fails is called some hundred
// times; it must not keep the history.
func Minimize(h History, fails func(History) bool) History {
	for size := max(1, len(h.Steps)/2); ; size /= 2 {
		for at := 0; at < len(h.Steps); {
			less := h
			less.Steps = slices.Concat(h.Steps[:at], h.Steps[min(at+size, len(h.Steps)):])
			if fails(less) {
				h = less
			} else {
				at += size
			}
		}
		if size <= 1 {
			break
		}
	}
	for at := 0; at < len(h.Config.Readers); {
		less := h
		less.Config.Readers = slices.Concat(h.Config.Readers[:at], h.Config.Readers[at+1:])
		if fails(less) {
			h = less
		} else {
			at++
		}
	}
	return h
}
