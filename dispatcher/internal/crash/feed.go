package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// feeder says the comments of a plan through all doors: the site's table,
// which the source polls; the HTTP API, where a call is repeated under the
// same event ids until it is answered with 2xx; and on PostgreSQL plain
// INSERTs into the inbox. What it was told to feed it feeds, whoever dies.
type feeder struct {
	base   *base
	key    string
	client *http.Client
	addrs  []string // the daemons, asked in turn
	inbox  bool     // the database takes plain INSERTs
	posts  chan []dispatcher.Event
	open   atomic.Int64 // posts not yet answered

	visible int64 // comments that stand in the site's table

	mu      sync.Mutex
	failed  error // the first that no repeat would mend
	noises  int
	repeats int // calls made again
	turn    int
}

func newFeeder(b *base, key string, addrs []string) *feeder {
	return &feeder{base: b, key: key, client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}, addrs: addrs, inbox: b.path == "",
		posts: make(chan []dispatcher.Event, 1000)}
}

// prepare makes the site's table, with one comment from before the source was
// attached.
func (f *feeder) prepare(ctx context.Context) error {
	if _, err := f.base.site.ExecContext(ctx, `CREATE TABLE site_comment (id TEXT PRIMARY KEY, parent TEXT NOT NULL, thread TEXT NOT NULL,
		author TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, published BIGINT NOT NULL, updated BIGINT NOT NULL)`); err != nil {
		return err
	}
	if _, err := f.base.site.ExecContext(ctx, `CREATE INDEX site_comment_updated ON site_comment (updated, id)`); err != nil {
		return err
	}
	old := noise(0)
	return f.insert(ctx, []comment{old}, time.Now().Add(-time.Hour))
}

// run answers for the HTTP door until posts is closed and answered, or ctx ends.
func (f *feeder) run(ctx context.Context) {
	for events := range f.posts {
		err := f.post(ctx, events)
		f.mu.Lock()
		if f.failed == nil {
			f.failed = err
		}
		f.mu.Unlock()
		f.open.Add(-1)
	}
}

// post hands events in until the answer is 2xx.
func (f *feeder) post(ctx context.Context, events []dispatcher.Event) error {
	body, err := json.Marshal(map[string]any{"events": events})
	if err != nil {
		return err
	}
	for {
		final, err := f.try(ctx, body)
		if final {
			return err
		}
		f.mu.Lock()
		f.repeats++
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// try makes one call. It is final when it was answered well, or in a way that
// asking again would not change.
func (f *feeder) try(ctx context.Context, body []byte) (final bool, err error) {
	f.mu.Lock()
	f.turn++
	addr := f.addrs[f.turn%len(f.addrs)]
	f.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+f.key)
	res, err := f.client.Do(req)
	if err != nil {
		return false, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil || res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return false, nil
	case res.StatusCode/100 != 2:
		return true, fmt.Errorf("POST /v1/events: %s: %.300s", res.Status, text)
	}
	var receipt struct{ Rejected []json.RawMessage }
	if err := json.Unmarshal(text, &receipt); err != nil || len(receipt.Rejected) > 0 {
		return true, fmt.Errorf("POST /v1/events: some were rejected: %.300s", text)
	}
	return true, nil
}

// err is what went wrong for good.
func (f *feeder) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// say feeds comments through the door that is meant for a stage, with some
// noise so that the stage is at work for a while.
func (f *feeder) say(ctx context.Context, cs []comment, at stage) error {
	pad := func(n int) []comment {
		out := make([]comment, n)
		for i := range out {
			f.noises++
			out[i] = noise(f.noises)
		}
		return out
	}
	var table, events, rows []comment
	for i, c := range cs {
		switch {
		case c.fate == tombstone:
			events = append(events, c)
		case at == atSource, at != atIntake && i%3 == 0:
			table = append(table, c)
		case f.inbox && i%2 == 0:
			rows = append(rows, c)
		default:
			events = append(events, c)
		}
	}
	switch at {
	case atSource:
		table = append(table, pad(150)...)
	case atIntake, atDigest:
		events = append(events, pad(300)...)
	}
	if err := f.insert(ctx, table, time.Now()); err != nil {
		return err
	}
	if err := f.insertInbox(ctx, rows); err != nil {
		return err
	}
	f.hand(f.published(events))
	return f.remove(ctx, cs, table)
}

// remove tells that the comments which race are gone, by the door they came in.
func (f *feeder) remove(ctx context.Context, cs, table []comment) error {
	inTable := map[int]bool{}
	for _, c := range table {
		inTable[c.n] = true
	}
	var events []dispatcher.Event
	for _, c := range cs {
		switch {
		case c.fate != races:
		case inTable[c.n]:
			if err := again(ctx, func() error {
				_, err := f.base.site.ExecContext(ctx, f.base.site.Rebind(`UPDATE site_comment SET state = 'removed', updated = ? WHERE id = ?`), time.Now().UnixMicro(), c.id())
				return err
			}); err != nil {
				return fmt.Errorf("remove a comment from the site's table: %w", err)
			}
			f.visible--
		default:
			events = append(events, removal(&c, time.Now()))
		}
	}
	f.hand(events)
	return nil
}

// hand queues one call of the API.
func (f *feeder) hand(events []dispatcher.Event) {
	for len(events) > 0 {
		n := min(len(events), 200)
		f.open.Add(1)
		f.posts <- events[:n]
		events = events[n:]
	}
}

func (f *feeder) published(cs []comment) []dispatcher.Event {
	now := time.Now().UTC().Truncate(time.Microsecond)
	var out []dispatcher.Event
	for i := range cs {
		at := now
		if cs[i].fate == tombstone {
			out = append(out, removal(&cs[i], now))
			at = now.Add(-time.Minute) // the later time wins
		}
		out = append(out, publication(&cs[i], at))
	}
	return out
}

func publication(c *comment, at time.Time) dispatcher.Event {
	e := dispatcher.Event{ID: c.id() + "-published", Type: dispatcher.CommentPublished, Time: at,
		Thread:  &dispatcher.EventThread{ID: c.thread, URL: "https://blog.example/" + c.thread, Title: "On " + c.thread},
		Comment: &dispatcher.EventComment{ID: c.id(), Text: c.text()}, Author: &dispatcher.EventAuthor{ID: c.author, Name: c.author}}
	if c.parent != 0 {
		p := comment{n: c.parent}
		e.Comment.ParentID = p.id()
	}
	return e
}

func removal(c *comment, at time.Time) dispatcher.Event {
	return dispatcher.Event{ID: c.id() + "-removed", Type: dispatcher.CommentRemoved, Time: at.UTC().Truncate(time.Microsecond),
		Thread: &dispatcher.EventThread{ID: c.thread}, Comment: &dispatcher.EventComment{ID: c.id()}}
}

// again repeats a write that failed, as a site's back end would when its
// database was started anew. The writes are such that a repeat does no harm.
func again(ctx context.Context, f func() error) error {
	for try := 0; ; try++ {
		err := f()
		if err == nil || try == 50 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// insert writes comments into the site's table, as the site would.
func (f *feeder) insert(ctx context.Context, cs []comment, at time.Time) error {
	if len(cs) == 0 {
		return nil
	}
	err := again(ctx, func() error { return f.insertOnce(ctx, cs, at) })
	if err == nil {
		f.visible += int64(len(cs))
	}
	return err
}

func (f *feeder) insertOnce(ctx context.Context, cs []comment, at time.Time) error {
	tx, err := f.base.site.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write the site's table: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to do once it is committed
	for i := range cs {
		c := &cs[i]
		parent := ""
		if c.parent != 0 {
			p := comment{n: c.parent}
			parent = p.id()
		}
		if _, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO site_comment (id, parent, thread, author, body, state, published, updated) VALUES (?, ?, ?, ?, ?, 'visible', ?, ?) ON CONFLICT (id) DO NOTHING`),
			c.id(), parent, c.thread, c.author, c.text(), at.UnixMicro(), at.UnixMicro()); err != nil {
			return fmt.Errorf("write the site's table: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("write the site's table: %w", err)
	}
	return nil
}

// insertInbox writes events into the product's inbox, as a site's back end may
// do in a transaction of its own.
func (f *feeder) insertInbox(ctx context.Context, cs []comment) error {
	for _, e := range f.published(cs) {
		payload, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if err := again(ctx, func() error {
			_, err := f.base.site.ExecContext(ctx, f.base.site.Rebind(`INSERT INTO hearback_inbox (site, payload) VALUES ('blog', ?)`), string(payload))
			return err
		}); err != nil {
			return fmt.Errorf("insert into the inbox: %w", err)
		}
	}
	return nil
}

// leave ends everything that some readers follow.
func (f *feeder) leave(p *plan) (ids []string) {
	var events []dispatcher.Event
	for i := range p.readers {
		r := &p.readers[i]
		if !r.leaves {
			continue
		}
		ids = append(ids, r.id)
		for j, t := range r.targets() {
			events = append(events, dispatcher.Event{ID: fmt.Sprintf("%s-left-%d", r.id, j), Type: dispatcher.SubscriptionEnded, Time: time.Now().UTC().Truncate(time.Microsecond),
				Subscription: &dispatcher.EventSubscription{Subscriber: r.id, Target: t}})
		}
	}
	f.hand(events)
	return ids
}

func (r *reader) targets() []dispatcher.Target {
	out := []dispatcher.Target{{Type: dispatcher.TargetAuthor, ID: fmt.Sprintf("a%d", r.author)}}
	if r.thread != "" {
		out = append(out, dispatcher.Target{Type: dispatcher.TargetThread, ID: r.thread})
	}
	return out
}
