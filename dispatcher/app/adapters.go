package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
	"github.com/hearback/hearback/dispatcher/store"
)

// sourceStore lets the poller keep its state in the store. The two do not know
// each other.
type sourceStore struct {
	store *store.Store
	sites map[string]string // source name → site
}

// SourceStore makes the store of a poller.
func SourceStore(s *store.Store, cfgs []source.Config) interface {
	source.Store
	source.Ledger
} {
	sites := map[string]string{}
	for _, c := range cfgs {
		sites[c.Name] = c.Site
	}
	return &sourceStore{s, sites}
}

// kept is a source's state as it stands in the database; the cursor has a
// column of its own.
type kept struct {
	Progress source.Progress
	Wish     source.Wish
}

func (k *sourceStore) state(r store.SourceRow) (source.State, error) {
	var v kept
	if err := json.Unmarshal(r.State, &v); err != nil {
		return source.State{}, err
	}
	v.Progress.Cursor = r.Cursor
	return source.State{Source: r.Name, Progress: v.Progress, Wish: v.Wish, Lease: source.Lease{Holder: r.Holder, Term: r.Term, Until: r.Until}}, nil
}

// States implements [source.Store].
func (k *sourceStore) States(ctx context.Context) ([]source.State, error) {
	rows, err := k.store.SourceRows(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]source.State, 0, len(rows))
	for _, r := range rows {
		st, err := k.state(r)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// Claim implements [source.Store].
func (k *sourceStore) Claim(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (source.State, error) {
	r, err := k.store.ClaimSource(ctx, name, holder, now, ttl)
	if errors.Is(err, store.ErrLeaseLost) {
		return source.State{}, source.ErrLeased
	}
	if err != nil {
		return source.State{}, err
	}
	return k.state(r)
}

// Renew implements [source.Store].
func (k *sourceStore) Renew(ctx context.Context, name string, term int64, until time.Time) (source.State, error) {
	r, err := k.store.RenewSource(ctx, name, term, until)
	if errors.Is(err, store.ErrLeaseLost) {
		return source.State{}, source.ErrLeaseLost
	}
	if err != nil {
		return source.State{}, err
	}
	return k.state(r)
}

// Commit implements [source.Store].
func (k *sourceStore) Commit(ctx context.Context, c source.Commit) error {
	payloads := make([][]byte, len(c.Rows))
	for i, r := range c.Rows {
		payloads[i] = r.Payload
	}
	events, err := store.DecodeEvents(payloads)
	if err != nil {
		return err
	}
	seen := make([]store.SeenRow, len(c.Seen))
	for i, r := range c.Seen {
		seen[i] = store.SeenRow{Comment: r.Comment, Thread: r.Thread, Parent: r.Parent, State: string(r.State), Hash: r.Hash, Change: r.Change, Time: r.Time, WrittenAt: r.WrittenAt, CheckedAt: r.CheckedAt}
	}
	progress := c.Progress
	progress.Cursor = nil
	err = k.store.CommitSource(ctx, store.SourceCommit{Name: c.Source, Term: c.Term, Cursor: c.Progress.Cursor, Site: k.sites[c.Source], Events: events, Seen: seen, Release: c.Release,
		Change: changeKept(func(v *kept) {
			v.Progress = progress
			if c.Pause != "" {
				v.Wish.Paused, v.Wish.PauseReason, v.Wish.PausedAt = true, c.Pause, c.Now
			}
		})})
	if errors.Is(err, store.ErrLeaseLost) {
		return source.ErrLeaseLost
	}
	return err
}

// Order implements [source.Store].
func (k *sourceStore) Order(ctx context.Context, o source.Order) error {
	return k.store.ChangeSource(ctx, o.Source, changeKept(func(v *kept) {
		switch o.Kind {
		case source.OrderPause:
			v.Wish.Paused, v.Wish.PauseReason, v.Wish.PausedAt = true, o.Reason, o.At
		case source.OrderResume:
			v.Wish.Paused, v.Wish.PauseReason = false, ""
			v.Wish.Admit, v.Wish.AdmitAt, v.Wish.PollAsked = o.Admit, o.At, o.At
		case source.OrderPoll:
			v.Wish.PollAsked = o.At
		}
	}))
}

func changeKept(f func(*kept)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		var v kept
		if err := json.Unmarshal(b, &v); err != nil {
			return nil, err
		}
		f(&v)
		return json.Marshal(v)
	}
}

// Seen implements [source.Ledger].
func (k *sourceStore) Seen(ctx context.Context, name string, ids []string) ([]source.Seen, error) {
	rows, err := k.store.Seen(ctx, name, ids)
	return seenOf(rows), err
}

// Recent implements [source.Ledger].
func (k *sourceStore) Recent(ctx context.Context, name string, from time.Time, after string, limit int) ([]source.Seen, error) {
	rows, err := k.store.RecentSeen(ctx, name, from, after, limit)
	return seenOf(rows), err
}

func seenOf(rows []store.SeenRow) []source.Seen {
	out := make([]source.Seen, len(rows))
	for i, r := range rows {
		out[i] = source.Seen{Comment: r.Comment, Thread: r.Thread, Parent: r.Parent, State: dispatcher.Visibility(r.State), Hash: r.Hash, Change: r.Change, Time: r.Time, WrittenAt: r.WrittenAt, CheckedAt: r.CheckedAt}
	}
	return out
}
