// Package sourcetest holds what the tests of sources share: a [Memory] that is
// store, ledger and inbox in one, and [Conform], which says what any Store must
// do.
package sourcetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// Memory is a [source.Store] and [source.Ledger] in memory, with the inbox that
// Commit writes. It is the reference for what those promise. It is safe for
// concurrent use. Fail, when set, is asked before each write: an error from it
// is what a broken database would give.
type Memory struct {
	Fail func(op string) error

	mu     sync.Mutex
	states map[string]*source.State
	seen   map[string]map[string]source.Seen // by source and comment
	inbox  []source.Row
	ids    map[string]bool // site and event id
}

// NewMemory gives an empty Memory.
func NewMemory() *Memory {
	return &Memory{states: map[string]*source.State{}, seen: map[string]map[string]source.Seen{}, ids: map[string]bool{}}
}

func (m *Memory) lock(op string) (unlock func(), err error) {
	m.mu.Lock()
	if m.Fail != nil {
		if err := m.Fail(op); err != nil {
			m.mu.Unlock()
			return nil, err
		}
	}
	return m.mu.Unlock, nil
}

func (m *Memory) state(name string) *source.State {
	if m.states[name] == nil {
		m.states[name] = &source.State{Source: name}
	}
	return m.states[name]
}

// States implements [source.Store].
func (m *Memory) States(context.Context) ([]source.State, error) {
	unlock, err := m.lock("states")
	if err != nil {
		return nil, err
	}
	defer unlock()
	var all []source.State
	for _, s := range m.states {
		all = append(all, *s)
	}
	return all, nil
}

// Claim implements [source.Store].
func (m *Memory) Claim(_ context.Context, name, holder string, now time.Time, ttl time.Duration) (source.State, error) {
	unlock, err := m.lock("claim")
	if err != nil {
		return source.State{}, err
	}
	defer unlock()
	s := m.state(name)
	if s.Holder != "" && s.Holder != holder && now.Before(s.Until) {
		return source.State{}, source.ErrLeased
	}
	s.Holder, s.Until = holder, now.Add(ttl)
	s.Term++
	return *s, nil
}

// Renew implements [source.Store].
func (m *Memory) Renew(_ context.Context, name string, term int64, until time.Time) (source.State, error) {
	unlock, err := m.lock("renew")
	if err != nil {
		return source.State{}, err
	}
	defer unlock()
	s := m.state(name)
	if s.Term != term || s.Holder == "" {
		return source.State{}, source.ErrLeaseLost
	}
	s.Until = until
	return *s, nil
}

// Commit implements [source.Store].
func (m *Memory) Commit(_ context.Context, c source.Commit) error {
	unlock, err := m.lock("commit")
	if err != nil {
		return err
	}
	defer unlock()
	s := m.state(c.Source)
	if s.Term != c.Term {
		return source.ErrLeaseLost
	}
	for _, r := range c.Rows {
		if key := r.Site + "\x00" + r.EventID; !m.ids[key] {
			m.ids[key] = true
			m.inbox = append(m.inbox, r)
		}
	}
	if m.seen[c.Source] == nil {
		m.seen[c.Source] = map[string]source.Seen{}
	}
	for _, row := range c.Seen {
		m.seen[c.Source][row.Comment] = row
	}
	s.Progress = c.Progress
	if c.Pause != "" {
		s.Paused, s.PauseReason, s.PausedAt = true, c.Pause, c.Now
	}
	if c.Release {
		s.Holder, s.Until = "", time.Time{}
	}
	return nil
}

// Order implements [source.Store].
func (m *Memory) Order(_ context.Context, o source.Order) error {
	unlock, err := m.lock("order")
	if err != nil {
		return err
	}
	defer unlock()
	s := m.state(o.Source)
	switch o.Kind {
	case source.OrderPause:
		s.Paused, s.PauseReason, s.PausedAt = true, o.Reason, o.At
	case source.OrderResume:
		s.Paused, s.PauseReason = false, ""
		s.Admit, s.AdmitAt, s.PollAsked = o.Admit, o.At, o.At
	case source.OrderPoll:
		s.PollAsked = o.At
	default:
		return errors.New("unknown order")
	}
	return nil
}

// Seen implements [source.Ledger].
func (m *Memory) Seen(_ context.Context, name string, ids []string) ([]source.Seen, error) {
	unlock, err := m.lock("seen")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if len(ids) > 500 {
		return nil, errors.New("more than 500 ids")
	}
	var rows []source.Seen
	for _, id := range ids {
		if row, ok := m.seen[name][id]; ok {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// Recent implements [source.Ledger].
func (m *Memory) Recent(_ context.Context, name string, from time.Time, after string, limit int) ([]source.Seen, error) {
	unlock, err := m.lock("recent")
	if err != nil {
		return nil, err
	}
	defer unlock()
	var rows []source.Seen
	for id, row := range m.seen[name] {
		if id > after && !row.WrittenAt.Before(from) && row.State != dispatcher.Removed {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b source.Seen) int { return strings.Compare(a.Comment, b.Comment) })
	return rows[:min(limit, len(rows))], nil
}

// Events gives all events that are in the inbox, in order. It fails the test
// if one is not what a door would accept.
func (m *Memory) Events(tb testing.TB) []dispatcher.Event {
	tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []dispatcher.Event
	for _, r := range m.inbox {
		var e dispatcher.Event
		if err := json.Unmarshal(r.Payload, &e); err != nil {
			tb.Fatalf("%s: %v", r.Payload, err)
		}
		if err := e.Validate(); err != nil {
			tb.Fatalf("%s: %v", r.Payload, err)
		}
		if e.ID != r.EventID || e.Site != r.Site {
			tb.Fatalf("the row says %s of %s, the event %s of %s", r.EventID, r.Site, e.ID, e.Site)
		}
		all = append(all, e)
	}
	return all
}

// Told is what a reader of the inbox knows of one comment.
type Told struct {
	Visible bool
	Text    string // of the latest event that had one
	Thread  dispatcher.EventThread
	Parent  string
	Author  dispatcher.EventAuthor
	Mailed  int // publications that may mail readers
	Silent  int // publications that may not
	Edits   int
	Gone    int
	Time    time.Time // of the last event
	First   dispatcher.Event
}

// Told replays the inbox by the rules of one state per comment. It fails the
// test where an event's time does not lie after the one before it, since then
// intake would ignore it.
func (m *Memory) Told(tb testing.TB) map[string]*Told {
	tb.Helper()
	all := map[string]*Told{}
	for _, e := range m.Events(tb) {
		id := e.Comment.ID
		t := all[id]
		if t == nil {
			t = &Told{First: e}
			all[id] = t
		} else if !e.Time.After(t.Time) {
			tb.Fatalf("event %s at %s comes after one of %s", e.ID, e.Time, t.Time)
		}
		t.Time = e.Time
		switch e.Type {
		case dispatcher.CommentRemoved:
			t.Visible = false
			t.Gone++
			continue
		case dispatcher.CommentEdited:
			t.Edits++
		case dispatcher.CommentPublished:
			switch {
			case t.Visible: // moved below another parent
			case e.Notifies():
				t.Mailed++
			default:
				t.Silent++
			}
		}
		t.Visible = true
		t.Text = source.PlainText(e.Comment.HTML) + e.Comment.Text
		t.Thread, t.Parent = *e.Thread, e.Comment.ParentID
		if e.Author != nil {
			t.Author = *e.Author
		}
	}
	return all
}

// String tells what was told, for a test's message.
func (t *Told) String() string {
	if t == nil {
		return "never told of"
	}
	return fmt.Sprintf("visible %v, mailed %d, silent %d, edits %d, gone %d, %q", t.Visible, t.Mailed, t.Silent, t.Edits, t.Gone, t.Text)
}

// IDs gives the event ids in the inbox, in order.
func (m *Memory) IDs() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, r := range m.inbox {
		ids = append(ids, r.EventID)
	}
	return ids
}
