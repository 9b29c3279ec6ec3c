package subscribe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Mailed is one mail as it can be seen now.
type Mailed struct {
	Message dispatcher.Message
	Items   []MailedItem // in the order of the log
	Gone    int          // items that can no longer be seen
}

// MailedItem is one comment of a mail, and why its reader got it.
type MailedItem struct {
	Comment dispatcher.Comment
	Parent  dispatcher.Comment // zero when none is known, or when it cannot be seen
	Thread  dispatcher.Thread
	Reason  dispatcher.Reason
	Because []Listed // what they followed that leads to it, as far as it is known still
}

// Mailed gives the mail of the visit's link. One that was purged is not found.
func (d *Desk) Mailed(ctx context.Context, v Visit) (Mailed, error) {
	m, err := d.mailOf(ctx, v)
	if err != nil {
		return Mailed{}, err
	}
	if m == nil || len(m.Items) == 0 {
		return Mailed{}, dispatcher.NotFound("mail", "")
	}
	out := Mailed{Message: *m}
	ids := make([]int64, len(m.Items))
	for i, it := range m.Items {
		ids[i] = it.Comment
	}
	comments, threads, err := d.store.Content(ctx, ids)
	if err != nil {
		return out, fmt.Errorf("look up the comments of a mail: %w", err)
	}
	subs, err := d.store.Subscriptions(ctx, v.Reader.ID)
	if err != nil {
		return out, fmt.Errorf("list subscriptions: %w", err)
	}
	items := slices.Clone(m.Items)
	slices.SortFunc(items, func(a, b dispatcher.Item) int { return cmp.Compare(a.Position, b.Position) })
	for _, it := range items {
		c, ok := comments[it.Comment]
		th := threads[c.Thread]
		if !ok || c.State != dispatcher.Visible || !th.RemovedAt.IsZero() {
			out.Gone++
			continue
		}
		because, err := d.because(ctx, v, subs, it)
		if err != nil {
			return out, err
		}
		one := MailedItem{Comment: c, Thread: th, Reason: it.Reason, Because: because}
		if p := comments[c.Parent]; p.State == dispatcher.Visible {
			one.Parent = p
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

// because gives the subscriptions that lead to an item, by the rule of
// selection, whether they live still or not.
func (d *Desk) because(ctx context.Context, v Visit, subs []dispatcher.Subscription, it dispatcher.Item) ([]Listed, error) {
	w, err := d.store.Window(ctx, it.Position-1, it.Position)
	if err != nil {
		return nil, fmt.Errorf("look up an item of a mail: %w", err)
	}
	if w.Len() == 0 {
		return nil, nil
	}
	reader := dispatcher.Reader{ID: v.Reader.ID, Identity: identity(&v.Reader)}
	for _, s := range subs {
		if s.ConfirmedAt.IsZero() {
			continue
		}
		s.Since, s.EndedAt = -1, time.Time{} // what has ended since led to it then
		reader.Subscriptions = append(reader.Subscriptions, s)
	}
	_, matched := dispatcher.Match(&reader, w, w.Entry(0))
	return d.Describe(ctx, v, matched)
}
