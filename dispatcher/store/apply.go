package store

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// apply brings one event to the state in memory, or for readers' events to
// their rows.
func (b *batch) apply(ctx context.Context, a *arrival) error {
	e := &a.event
	switch e.Type {
	case dispatcher.CommentPublished, dispatcher.CommentEdited, dispatcher.CommentRemoved:
		return b.applyComment(a)
	case dispatcher.ThreadUpdated, dispatcher.ThreadRemoved:
		b.applyThread(e)
		return nil
	case dispatcher.AuthorErased:
		return b.eraseAuthor(ctx, e)
	case dispatcher.ThreadRead, dispatcher.SubscriberSet, dispatcher.SubscriptionSet, dispatcher.SubscriptionEnded:
		return b.t.aside(ctx, func() error { return b.applyReader(ctx, e, Door(a.row.Door).Vouches()) })
	}
	return dispatcher.Invalid("type", "see the documentation for the known types", "unknown event type %q", e.Type)
}

func (b *batch) applyThread(e *dispatcher.Event) *threadRow {
	th := b.threads[siteID{e.Site, e.Thread.ID}]
	if th.ID == 0 {
		b.change++
		th.ID, th.Site, th.ExternalID, th.Revision, th.dirty = b.change, e.Site, e.Thread.ID, 1, true
	}
	at := micros(e.Time)
	if at < th.ToldAt {
		return th
	}
	url, title := th.URL, th.Title
	if e.Thread.URL != "" {
		url = e.Thread.URL
	}
	if e.Thread.Title != "" {
		title = e.Thread.Title
	}
	removed := th.RemovedAt
	switch {
	case e.Type == dispatcher.ThreadRemoved:
		removed = at
	case e.Type == dispatcher.ThreadUpdated && at > th.RemovedAt:
		removed = 0
	}
	if url != th.URL || title != th.Title || removed != th.RemovedAt {
		th.URL, th.Title, th.RemovedAt = url, title, removed
		th.Revision++
		th.dirty = true
	}
	if th.dirty {
		th.ToldAt = at
	}
	return th
}

func (b *batch) applyComment(a *arrival) error {
	e := &a.event
	c := b.comments[siteID{e.Site, e.Comment.ID}]
	if c.ID == 0 {
		b.change++
		c.ID, c.Site, c.ExternalID = b.change, e.Site, e.Comment.ID
		c.Key = int64(dispatcher.CommentKey(e.Site, e.Comment.ID))
		c.ArrivedAt = a.row.ReceivedAt
		c.dirty = true
	}
	d := c.domain()
	before := d
	ch := d.Apply(e)
	c.fill(&d)
	if e.Thread != nil && e.Thread.ID != "" {
		th := b.applyThread(e)
		c.Thread = th.ID
	}
	if au := e.Author; au != nil && b.erased[siteID{e.Site, au.ID}] {
		c.AuthorName = ""
		c.AuthorKey = int64(dispatcher.AuthorKey(e.Site, au.ID))
	} else if au != nil && c.AuthorKey == 0 && c.AddressKey == 0 {
		c.AuthorKey = int64(dispatcher.AuthorKey(e.Site, au.ID))
		c.AddressKey = int64(dispatcher.AddressKey(e.Site, address.Normalize(au.Email)))
	}
	if e.Comment.ParentID != "" && c.ParentID != e.Comment.ParentID {
		c.ParentID, c.Parent = e.Comment.ParentID, 0
	}
	if d != before || ch != 0 {
		c.dirty = true
	}
	b.schedule(a, c, ch)
	return nil
}

// schedule decides when a publication settles, or that it never will.
func (b *batch) schedule(a *arrival, c *commentRow, ch dispatcher.Change) {
	switch {
	case ch&dispatcher.ChangePublished != 0:
		arrival, at := fromMicros(a.row.ReceivedAt), a.event.Time
		door := Door(a.row.Door)
		switch {
		case !a.event.Notifies():
			c.Unmailed = string(dispatcher.UnmailedNotify)
		case arrival.Sub(fromMicros(c.WrittenAt)) > b.o.MaxAge(c.Site, door):
			c.Unmailed = string(dispatcher.UnmailedOld)
			b.res.TooOld++
		default:
			c.Unmailed = ""
			settles := micros(dispatcher.SettleAt(arrival, at, b.o.Settle(c.Site, door)))
			c.SettlesAt = &settles
			c.waits = true
		}
	case ch&dispatcher.ChangeRemoved != 0:
		c.SettlesAt = nil
	}
}

// eraseAuthor takes a person's name and address off all their comments.
func (b *batch) eraseAuthor(ctx context.Context, e *dispatcher.Event) error {
	key := int64(dispatcher.AuthorKey(e.Site, e.Author.ID))
	for _, c := range b.comments { // those of this batch are in memory
		if c.AuthorKey == key {
			c.AuthorName, c.AddressKey = "", 0
			c.Revision++
			c.dirty = true
		}
	}
	b.change++
	if b.erased == nil {
		b.erased = map[siteID]bool{}
	}
	b.erased[siteID{e.Site, e.Author.ID}] = true
	if _, err := b.t.exec(ctx, `UPDATE hearback_comment SET author_name = '', address_key = 0, revision = revision + 1, changed = ? WHERE author_key = ? AND site = ?`, b.change, key, e.Site); err != nil {
		return err
	}
	_, err := b.t.exec(ctx, `INSERT INTO hearback_author (site, external_id, name, erased_at) VALUES (?, ?, '', ?)
		ON CONFLICT (site, external_id) DO UPDATE SET name = '', erased_at = excluded.erased_at`, e.Site, e.Author.ID, b.t.now)
	return err
}
