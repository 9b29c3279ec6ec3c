package subscribe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Leaving is what the unsubscribe link of one mail ends.
type Leaving struct {
	// Kind is the mail's: a reply ends what matched its comments, a digest what
	// is on its schedule. It is "" when the mail is no longer known, and then
	// everything of the site ends: a link must always let its reader go.
	Kind     dispatcher.Kind
	Schedule string                    // of a digest
	Ends     []dispatcher.Subscription // live ones that the link ends, in their order
	Stays    []dispatcher.Subscription // live ones that it leaves
	Thread   dispatcher.Thread         // the one thread of the mail, zero when it had several
	Author   dispatcher.Comment        // a comment of the one author of the mail, zero when it had several
	Undo     Act                       // the newest act that can be undone; its number is 0 when there is none
}

// Act is one act of ending.
type Act struct {
	Number int64
	At     time.Time
}

// Leaving names what the visit's unsubscribe link ends now.
func (d *Desk) Leaving(ctx context.Context, v Visit) (Leaving, error) {
	var l Leaving
	all, err := d.store.Subscriptions(ctx, v.Reader.ID)
	if err != nil {
		return l, fmt.Errorf("list subscriptions: %w", err)
	}
	live := slices.DeleteFunc(slices.Clone(all), func(s dispatcher.Subscription) bool { return !s.EndedAt.IsZero() })
	m, err := d.mailOf(ctx, v)
	if err != nil {
		return l, err
	}
	ends := func(*dispatcher.Subscription) bool { return true }
	if m != nil {
		l.Kind = m.Kind
		if ends, err = d.scope(ctx, v, m, all, live); err != nil {
			return l, err
		}
		if err := d.about(ctx, m, &l); err != nil {
			return l, err
		}
	}
	if l.Kind == dispatcher.KindDigest {
		l.Schedule = m.Schedule
	}
	for i := range live {
		if ends(&live[i]) {
			l.Ends = append(l.Ends, live[i])
		} else {
			l.Stays = append(l.Stays, live[i])
		}
	}
	l.Undo, err = d.undoable(ctx, v)
	return l, err
}

func (d *Desk) undoable(ctx context.Context, v Visit) (Act, error) {
	act, at, err := d.lookup.LastEnd(ctx, v.Reader.ID, d.clock.Now().Add(-store.UndoWindow))
	if err != nil {
		return Act{}, fmt.Errorf("look for an end to undo: %w", err)
	}
	return Act{act, at}, nil
}

// mailOf gives the message that the visit's link stood in, nil when it was
// purged, or when it is not this reader's, as after a restored backup.
func (d *Desk) mailOf(ctx context.Context, v Visit) (*dispatcher.Message, error) {
	if v.Claims.Ref == 0 {
		return nil, nil
	}
	m, _, err := d.store.Message(ctx, v.Claims.Ref)
	if dispatcher.CodeOf(err) == dispatcher.CodeNotFound || (err == nil && m.Subscriber != v.Reader.ID) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the mail of a link: %w", err)
	}
	return &m, nil
}

// scope says which subscriptions the mail's link ends.
func (d *Desk) scope(ctx context.Context, v Visit, m *dispatcher.Message, all, live []dispatcher.Subscription) (func(*dispatcher.Subscription) bool, error) {
	onSchedule := func(s *dispatcher.Subscription) bool { return s.Schedule == m.Schedule }
	// A reader who has moved every subscription off the digest's schedule since
	// still wants what made this mail to stop. One who ended them there has had
	// that already, and a second click must not end more.
	if m.Kind == dispatcher.KindDigest && slices.ContainsFunc(all, func(s dispatcher.Subscription) bool { return onSchedule(&s) }) {
		return onSchedule, nil
	}
	matched, known, err := d.matching(ctx, v, m.Items, live)
	if err != nil {
		return nil, err
	}
	if !known {
		return func(*dispatcher.Subscription) bool { return true }, nil
	}
	return func(s *dispatcher.Subscription) bool { return matched[s.ID] }, nil
}

// matching gives the subscriptions that lead to any of the items, by the rule
// of selection. known is false when nothing is left of the items in the log.
func (d *Desk) matching(ctx context.Context, v Visit, items []dispatcher.Item, live []dispatcher.Subscription) (matched map[int64]bool, known bool, err error) {
	reader := dispatcher.Reader{ID: v.Reader.ID, Identity: identity(&v.Reader), Subscriptions: slices.Clone(live)}
	for i := range reader.Subscriptions {
		// Renewed since the mail went out (an undo, a new sign-up), it would
		// count from later on. The reader means what the mail was about.
		reader.Subscriptions[i].Since = -1
	}
	matched = map[int64]bool{}
	for _, it := range items {
		w, err := d.store.Window(ctx, it.Position-1, it.Position)
		if err != nil {
			return nil, false, fmt.Errorf("look up an item of a mail: %w", err)
		}
		if w.Len() == 0 {
			continue
		}
		known = true
		_, subs := dispatcher.Match(&reader, w, w.Entry(0))
		for i := range subs {
			matched[subs[i].ID] = true
		}
	}
	return matched, known, nil
}

// identity gives the keys of what counts as the reader's own.
func identity(r *dispatcher.Subscriber) []dispatcher.Key {
	keys := []dispatcher.Key{dispatcher.AddressKey(r.Site, r.Address)}
	for _, id := range r.AuthorIDs {
		keys = append(keys, dispatcher.AuthorKey(r.Site, id))
	}
	return keys
}

// about names the mail's one thread and its one author, where it has one.
func (d *Desk) about(ctx context.Context, m *dispatcher.Message, l *Leaving) error {
	ids := make([]int64, len(m.Items))
	for i, it := range m.Items {
		ids[i] = it.Comment
	}
	comments, threads, err := d.store.Content(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up the comments of a mail: %w", err)
	}
	thread, author, guests := map[int64]bool{}, map[string]dispatcher.Comment{}, false
	for _, id := range ids {
		c, ok := comments[id]
		if !ok {
			continue
		}
		thread[c.Thread] = true
		author[c.AuthorID] = c
		guests = guests || c.AuthorID == ""
	}
	if len(thread) == 1 {
		for id := range thread {
			l.Thread = threads[id]
		}
	}
	if len(author) == 1 && !guests {
		for _, c := range author {
			l.Author = c
		}
	}
	return nil
}

// Leave ends what the visit's unsubscribe link ends, and what of it waits to
// be mailed. The act's number is 0 when nothing was left to end.
func (d *Desk) Leave(ctx context.Context, v Visit) (Act, error) {
	l, err := d.Leaving(ctx, v)
	if err != nil {
		return Act{}, err
	}
	ids := make([]int64, len(l.Ends))
	for i := range l.Ends {
		ids[i] = l.Ends[i].ID
	}
	return d.End(ctx, v, ids)
}

// End ends single subscriptions of the visit's reader. Numbers of others are
// passed over.
func (d *Desk) End(ctx context.Context, v Visit, ids []int64) (Act, error) {
	if len(ids) == 0 {
		return Act{}, nil
	}
	return d.end(ctx, v, ids, false, "chosen")
}

// LeaveAll ends everything of the site, and what its back end might add later.
func (d *Desk) LeaveAll(ctx context.Context, v Visit) (Act, error) {
	if !v.Reader.EndedAt.IsZero() {
		all, err := d.store.Subscriptions(ctx, v.Reader.ID)
		if err != nil {
			return Act{}, fmt.Errorf("list subscriptions: %w", err)
		}
		if !slices.ContainsFunc(all, func(s dispatcher.Subscription) bool { return s.EndedAt.IsZero() }) {
			return Act{}, nil
		}
	}
	return d.end(ctx, v, nil, true, "everything")
}

func (d *Desk) end(ctx context.Context, v Visit, ids []int64, everything bool, scope string) (Act, error) {
	act, err := d.store.End(ctx, v.Reader.ID, ids, everything, scope, dispatcher.EndedByReader)
	if err != nil {
		return Act{}, fmt.Errorf("end subscriptions: %w", err)
	}
	return Act{act, d.clock.Now()}, nil
}

// Undo takes back an act of ending, up to thirty days later. One that cannot
// be undone any more is a conflict.
func (d *Desk) Undo(ctx context.Context, v Visit, act int64) error {
	err := d.store.Undo(ctx, v.Reader.ID, act)
	var e *dispatcher.Error
	if errors.As(err, &e) && e.Code == dispatcher.CodeNotFound {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "this can no longer be undone", Mend: "subscribe on the site again", Err: err}
	}
	if err != nil {
		return fmt.Errorf("undo an end: %w", err)
	}
	return nil
}
