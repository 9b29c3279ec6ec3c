package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// Flow watches what the daemon does with what the paper tells it, and says it
// on the screen. It reads what the daemon has committed, as an admin's page
// does. It is used by one goroutine at a time, but for [Flow.Heard].
type Flow struct {
	store  *store.Store
	clock  dispatcher.Clock
	screen *Screen

	head     int64
	slots    map[int64]bool
	held     int
	messages map[int64]string
	names    map[int64]string
	silent   map[int64]bool // suppressed readers that were named
	mails    int
}

// NewFlow makes the watcher.
func NewFlow(s *store.Store, clock dispatcher.Clock, screen *Screen) *Flow {
	return &Flow{store: s, clock: clock, screen: screen, slots: map[int64]bool{}, messages: map[int64]string{}, names: map[int64]string{}, silent: map[int64]bool{}}
}

// Heard says what the paper told Hearback. Safe for concurrent use.
func (f *Flow) Heard(h Happening) {
	kind, text := "comment", h.ID+": "+h.Text
	switch h.Type {
	case dispatcher.CommentEdited:
		kind, text = "edit", h.ID+" reads now: "+h.Text
	case dispatcher.CommentRemoved:
		kind, text = "removal", h.ID+" was removed by the editors"
	case dispatcher.SubscriptionSet:
		kind, text = "follow", "wants to hear of “"+h.Thread+"”, "+h.Note
		h.Note = ""
	case dispatcher.ThreadRead:
		kind, text = "read", "has read all of “"+h.Thread+"” on the site"
	}
	if h.Note != "" {
		text = "(" + h.Note + ") " + text
	}
	f.screen.Line(h.At, kind, h.Who, text)
}

// Admin says what the admin did. Safe for concurrent use.
func (f *Flow) Admin(text string) { f.screen.Line(f.clock.Now(), "admin", "Signe", text) }

// Watch looks again and again until ctx ends.
func (f *Flow) Watch(ctx context.Context) error {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := f.Look(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// Look says what is new since the last look.
func (f *Flow) Look(ctx context.Context) error {
	for _, step := range []func(context.Context) error{f.settled, f.opened, f.sent, f.standing} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("watch the daemon: %w", err)
		}
	}
	return nil
}

// settled names the comments that got their position.
func (f *Flow) settled(ctx context.Context) error {
	head, err := f.store.Head(ctx)
	if err != nil || head == f.head {
		return err
	}
	w, err := f.store.Window(ctx, f.head, head)
	if err != nil {
		return err
	}
	ids := make([]int64, w.Len())
	for i := range ids {
		ids[i] = w.Entry(i).Comment
	}
	comments, _, err := f.store.Content(ctx, ids)
	if err != nil {
		return err
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = comments[id].ExternalID
	}
	f.head = head
	if len(names) > 0 {
		f.screen.Line(f.clock.Now(), "settled", strings.Join(names, " "), "may be mailed now")
	}
	return nil
}

// opened names the slots of the digests, and of the immediate ones those that
// held somebody more or less than before.
func (f *Flow) opened(ctx context.Context) error {
	list, err := f.store.Slots(ctx, "", 0, 60)
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(list) {
		if s.DoneAt.IsZero() || f.slots[s.ID] {
			continue
		}
		f.slots[s.ID] = true
		if s.Schedule == dispatcher.Immediate {
			if s.Held > f.held {
				f.screen.Line(s.DoneAt, "held", dispatcher.Immediate, plural(s.Held, "reader")+" held back: pause, or too many mails of one thread")
			}
			f.held = max(f.held, s.Held)
			continue
		}
		if s.Messages+s.Held == 0 {
			continue
		}
		text := plural(s.Messages, "mail")
		if s.Held > 0 {
			text += ", " + plural(s.Held, "reader") + " held back"
		}
		f.screen.Line(s.DoneAt, "slot", s.Schedule+" "+s.At.In(f.screen.zone).Format("15:04"), text)
	}
	return nil
}

// sent says what became of messages.
func (f *Flow) sent(ctx context.Context) error {
	list, err := f.store.Messages(ctx, store.MessageFilter{Site: SiteKey, Limit: 200})
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(list) {
		state := fmt.Sprint(m.State, m.Attempts)
		if f.messages[m.ID] == state || m.State == dispatcher.StateDue || m.State == dispatcher.StateSending {
			continue
		}
		f.messages[m.ID] = state
		who, err := f.name(ctx, m)
		if err != nil {
			return err
		}
		switch m.State {
		case dispatcher.StateSent:
			f.mails++
			text, err := f.about(ctx, &m)
			if err != nil {
				return err
			}
			f.screen.Line(m.SentAt, "mail", who, text)
		case dispatcher.StateDeferred:
			words, err := f.words(ctx, m.ID)
			if err != nil {
				return err
			}
			f.screen.Line(f.clock.Now(), "waits", who, "the server said: "+words)
		default:
			if m.State == dispatcher.StateSuppressed && f.silent[m.Subscriber] {
				continue // said once
			}
			f.silent[m.Subscriber] = m.State == dispatcher.StateSuppressed
			text := inWords(m.State, m.Why)
			if m.State == dispatcher.StateFailed {
				words, err := f.words(ctx, m.ID)
				if err != nil {
					return err
				}
				text = "the server said: " + words
			}
			f.screen.Line(f.clock.Now(), "no mail", who, text)
		}
	}
	return nil
}

// inWords says why a message did not go out.
func inWords(state dispatcher.State, why string) string {
	switch {
	case state == dispatcher.StateSuppressed:
		return "the address is suppressed since it bounced"
	case why == "nothing_left":
		return "nothing was left to say: what it carried has been removed"
	}
	return strings.ReplaceAll(string(state)+": "+why, "_", " ")
}

// about says in a few words what a mail carries.
func (f *Flow) about(ctx context.Context, m *dispatcher.Message) (string, error) {
	if len(m.Items) == 0 {
		return string(m.Kind), nil
	}
	ids := make([]int64, len(m.Items))
	for i, it := range m.Items {
		ids[i] = it.Comment
	}
	comments, _, err := f.store.Content(ctx, ids)
	if err != nil {
		return "", err
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = comments[id].ExternalID
	}
	text := fmt.Sprintf("%s with %s", m.Kind, plural(len(ids), "comment"))
	if m.Storm {
		text += ", held back till now as the thread was hot"
	}
	return text + ": " + strings.Join(names, ", "), nil
}

func (f *Flow) words(ctx context.Context, id int64) (string, error) {
	_, attempts, err := f.store.Message(ctx, id)
	if err != nil || len(attempts) == 0 {
		return "", err
	}
	a := attempts[len(attempts)-1]
	return fmt.Sprintf("%d %s", a.Code, a.Text), nil
}

func (f *Flow) name(ctx context.Context, m dispatcher.Message) (string, error) {
	if m.Subscriber == 0 {
		return m.Address, nil
	}
	if name, ok := f.names[m.Subscriber]; ok {
		return name, nil
	}
	sub, err := f.store.SubscriberByNumber(ctx, m.Subscriber)
	if err != nil {
		if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
			return "erased", nil
		}
		return "", err
	}
	f.names[m.Subscriber] = sub.Email
	return sub.Email, nil
}

// standing sets the line at the bottom.
func (f *Flow) standing(ctx context.Context) error {
	if !f.screen.live {
		return nil
	}
	st, err := f.store.Stats(ctx)
	if err != nil {
		return err
	}
	chains, err := f.store.Chains(ctx)
	if err != nil {
		return err
	}
	now := f.clock.Now()
	text := fmt.Sprintf(" %s   %d settled, %d settling   %s, %d waiting   %d held", now.In(f.screen.zone).Format("15:04"),
		st.Head, st.Settling, plural(f.mails, "mail"), st.Waiting, st.Holds)
	if next := upcoming(chains, now, f.screen.zone); next != "" {
		text += "   next: " + next
	}
	f.screen.Status(text + " ")
	return nil
}

// upcoming names the next firing of each chain, the first one first.
func upcoming(chains []store.Chain, now time.Time, zone *time.Location) string {
	type firing struct {
		name string
		at   time.Time
	}
	var next []firing
	for _, c := range chains {
		spec, err := schedule.Parse(c.Schedule.Spec)
		if c.Schedule.Name == dispatcher.Immediate || err != nil {
			continue
		}
		if l, err := schedule.LoadZone(c.Zone); err == nil {
			next = append(next, firing{c.Schedule.Name, spec.Next(now, l)})
		}
	}
	slices.SortFunc(next, func(a, b firing) int { return a.at.Compare(b.at) })
	parts := make([]string, len(next))
	for i, n := range next {
		parts[i] = n.name + " " + n.at.In(zone).Format("15:04")
	}
	return strings.Join(parts, ", ")
}
