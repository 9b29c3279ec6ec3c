package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Explanation says why a reader got a comment or did not, from the same rules
// that select it.
type Explanation struct {
	Site       string `json:"site"`
	Subscriber string `json:"subscriber"`
	Comment    string `json:"comment"`

	Verdict  Answer            `json:"verdict"`
	Why      string            `json:"why,omitempty"` // a stable code
	Reason   string            `json:"reason,omitempty"`
	Sentence string            `json:"sentence"`
	State    *ExplainedComment `json:"state,omitempty"` // nil when nobody told of the comment

	Subscriptions []ExplainedSubscription `json:"subscriptions"` // those that lead to the comment
	Mutes         []dispatcher.Target     `json:"mutes,omitempty"`
	ReadUpTo      time.Time               `json:"read_up_to,omitzero"` // of the thread, on the site
	Messages      []ExplainedMessage      `json:"messages,omitempty"`
	Holds         []ExplainedHold         `json:"holds,omitempty"`
}

// Answer is the short answer of an [Explanation].
type Answer string

// The answers.
const (
	AnswerSent     Answer = "sent"
	AnswerWillBe   Answer = "will_be_sent"
	AnswerHeld     Answer = "held"
	AnswerNot      Answer = "not_sent"
	AnswerUnknown  Answer = "unknown_comment"
	AnswerNoReader Answer = "unknown_subscriber"
)

// Codes of [Explanation.Why] beside those of [dispatcher.Why],
// [dispatcher.Unmailed] and [dispatcher.HoldReason].
const (
	WhySettling   = "settling"    // readers have time to mend or remove it
	WhyQueued     = "queued"      // a message carries it and waits
	WhySlot       = "next_slot"   // the next slot of its schedule selects it
	WhyPassed     = "passed_over" // a slot passed: beyond the cap of its mail, as a rule
	WhyRemoved    = "removed"     // removed before it settled
	WhyCancelled  = "cancelled"   // the message that carried it was
	WhyFailed     = "failed"
	WhySuppressed = "suppressed"
)

// ExplainedComment is the state of the comment.
type ExplainedComment struct {
	Visibility  dispatcher.Visibility `json:"visibility"`
	Unmailed    dispatcher.Unmailed   `json:"unmailed,omitempty"`
	PublishedAt time.Time             `json:"published_at,omitzero"`
	SettlesAt   time.Time             `json:"settles_at,omitzero"`
	Position    int64                 `json:"position,omitempty"` // in the log
	Own         bool                  `json:"own,omitempty"`      // the reader wrote it
}

// ExplainedSubscription is a subscription that leads to the comment.
type ExplainedSubscription struct {
	ID       int64             `json:"id"`
	Target   dispatcher.Target `json:"target"`
	Schedule string            `json:"schedule"`
	Why      dispatcher.Why    `json:"why,omitempty"` // why it does not count; empty when it does
	Reason   string            `json:"reason,omitempty"`
	Ended    time.Time         `json:"ended_at,omitzero"`
}

// ExplainedMessage is a message that carries the comment.
type ExplainedMessage struct {
	ID        int64            `json:"id"`
	Kind      dispatcher.Kind  `json:"kind"`
	Schedule  string           `json:"schedule"`
	State     dispatcher.State `json:"state"`
	Why       string           `json:"why,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
	DueAt     time.Time        `json:"due_at,omitzero"`
	DoneAt    time.Time        `json:"done_at,omitzero"`
	Attempts  int              `json:"attempts"`
	LastWords string           `json:"last_words,omitempty"` // of the server
}

// ExplainedHold is a hold that reaches back to the comment.
type ExplainedHold struct {
	Schedule  string                `json:"schedule"`
	Reason    dispatcher.HoldReason `json:"reason"`
	NotBefore time.Time             `json:"not_before"`
}

// Explain answers why a reader got a comment or did not, both named by the
// site's own ids. Readers and comments that nobody told of are answers, not
// errors.
func (s *Store) Explain(ctx context.Context, site, subscriber, comment string) (Explanation, error) {
	if _, err := s.Site(site); err != nil {
		return Explanation{}, err
	}
	return s.explain(ctx, Explanation{Site: site, Subscriber: subscriber, Comment: comment}, func(t *tx) (subscriberRow, error) {
		return t.subscriberByID(ctx, site, subscriber)
	})
}

// ExplainNumber answers the same for a reader named by Hearback's own number:
// who signed up at a page has no id of the site.
func (s *Store) ExplainNumber(ctx context.Context, subscriber int64, comment string) (Explanation, error) {
	sub, err := s.SubscriberByNumber(ctx, subscriber)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{Site: sub.Site, Comment: comment}
	if len(sub.ExternalIDs) > 0 {
		out.Subscriber = sub.ExternalIDs[0]
	}
	return s.explain(ctx, out, func(t *tx) (subscriberRow, error) {
		var r subscriberRow
		err := t.get(ctx, &r, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, subscriber)
		return r, notFound(err, "subscriber", fmt.Sprint(subscriber))
	})
}

func (s *Store) explain(ctx context.Context, out Explanation, find func(*tx) (subscriberRow, error)) (Explanation, error) {
	out.Subscriptions = []ExplainedSubscription{}
	x := &explainer{out: out}
	if err := s.view(ctx, func(t *tx) error {
		x.t = t
		return x.run(ctx, find)
	}); err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	x.out.Sentence = x.sentence()
	return x.out, nil
}

type explainer struct {
	t     *tx
	out   Explanation
	sub   subscriberRow
	c     commentRow
	entry dispatcher.Entry
	win   *dispatcher.Window
	r     *dispatcher.Reader
	// suppressed is why the reader's address gets no mail, "" when it does.
	suppressed string
	rule       dispatcher.Why // by which a message was cancelled
}

func (x *explainer) run(ctx context.Context, find func(*tx) (subscriberRow, error)) error {
	var err error
	if x.sub, err = find(x.t); err != nil {
		if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
			x.out.Verdict = AnswerNoReader
			return nil
		}
		return err
	}
	err = x.t.get(ctx, &x.c, `SELECT `+commentColumns+` FROM hearback_comment WHERE site = ? AND external_id = ?`, x.out.Site, x.out.Comment)
	if errors.Is(err, sql.ErrNoRows) {
		x.out.Verdict = AnswerUnknown
		return nil
	}
	if err != nil {
		return err
	}
	if err := x.load(ctx); err != nil {
		return err
	}
	if err := x.messages(ctx); err != nil {
		return err
	}
	return x.judge(ctx)
}

// load reads the reader with all subscriptions, and the comment's entry: that
// of the log or, while it settles, the one that it would become.
func (x *explainer) load(ctx context.Context) error {
	set, err := x.t.loadReaders(ctx, []int64{x.sub.ID}, "", "", true)
	if err != nil {
		return err
	}
	x.r = set.readers[x.sub.ID]
	suppressed, err := x.t.suppressedOf(ctx, []int64{x.sub.ID})
	if err != nil {
		return err
	}
	x.suppressed = suppressed[x.sub.ID]
	if x.c.Position != 0 {
		if x.win, err = x.t.windowOf(ctx, []int64{x.c.Position}); err != nil {
			return err
		}
	}
	if x.win == nil || x.win.Len() == 0 { // it has none, or it was purged
		if x.win, err = x.futureWindow(ctx); err != nil {
			return err
		}
	}
	x.entry = *x.win.Entry(0)
	st := &ExplainedComment{Visibility: dispatcher.Visibility(x.c.State), Unmailed: dispatcher.Unmailed(x.c.Unmailed), PublishedAt: fromMicros(x.c.PublishedAt), Position: x.c.Position}
	if x.c.SettlesAt != nil {
		st.SettlesAt = fromMicros(*x.c.SettlesAt)
	}
	for _, k := range x.r.Identity {
		st.Own = st.Own || k != 0 && (k == x.entry.Author || k == x.entry.Address)
	}
	x.out.State = st
	if upto, ok := x.r.Reads[x.entry.ThreadKey]; ok {
		x.out.ReadUpTo = fromMicros(upto)
	}
	if err := x.mutes(ctx); err != nil {
		return err
	}
	for _, sub := range x.r.Subscriptions {
		alone := dispatcher.Reader{ID: x.r.ID, Identity: x.r.Identity, Subscriptions: []dispatcher.Subscription{sub}}
		reason, _ := dispatcher.Match(&alone, x.win, &x.entry)
		why := dispatcher.WhyNone
		if reason == 0 {
			_, why = dispatcher.Verdict(&alone, x.win, &x.entry)
		}
		if why == dispatcher.WhyNoMatch {
			continue
		}
		e := ExplainedSubscription{ID: sub.ID, Target: sub.Target, Schedule: sub.Schedule, Why: why, Ended: sub.EndedAt}
		if reason != 0 {
			e.Reason = reason.String()
		}
		x.out.Subscriptions = append(x.out.Subscriptions, e)
	}
	return nil
}

func (x *explainer) mutes(ctx context.Context) error {
	rows, err := x.t.rows(ctx, `SELECT target_key, target_type, target_id FROM hearback_mute WHERE subscriber = ?`, x.sub.ID)
	var key dispatcher.Key
	return each(rows, err, func() error {
		var m dispatcher.Target
		if err := rows.Scan(&key, &m.Type, &m.ID); err != nil {
			return err
		}
		if key == x.entry.ThreadKey || key == x.entry.Author {
			x.out.Mutes = append(x.out.Mutes, m)
		}
		return nil
	})
}

// futureWindow holds the entry that the comment would become if it settled
// now.
func (x *explainer) futureWindow(ctx context.Context) (*dispatcher.Window, error) {
	head, err := x.t.head(ctx)
	if err != nil {
		return nil, err
	}
	var thread threadRow
	if err := x.t.get(ctx, &thread, `SELECT `+threadColumns+` FROM hearback_thread WHERE id = ?`, x.c.Thread); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	paths, err := x.t.paths(ctx, []int64{x.c.ID})
	if err != nil {
		return nil, err
	}
	e := dispatcher.Entry{Position: head + 1, First: head + 1, Comment: x.c.ID, Thread: x.c.Thread, Author: dispatcher.Key(x.c.AuthorKey), Address: dispatcher.Key(x.c.AddressKey),
		VisibleAt: x.c.PublishedAt, Visible: x.c.State == string(dispatcher.Visible) && thread.RemovedAt == 0}
	if thread.ID != 0 {
		e.ThreadKey = dispatcher.ThreadKey(x.c.Site, thread.ExternalID)
	}
	w := &dispatcher.Window{}
	w.Add(e, dispatcher.SiteKey(x.c.Site), unpackPath(nil, paths[x.c.ID]))
	w.Seal()
	return w, nil
}

// messages finds the reader's messages that carry the comment, the oldest
// first, with what the server said last.
func (x *explainer) messages(ctx context.Context) error {
	var rows []messageRow
	if err := x.t.all(ctx, &rows, `SELECT `+messageColumns+` FROM hearback_message WHERE subscriber = ? AND items_max >= ? AND items_max > 0 ORDER BY id`, x.sub.ID, x.c.FirstPosition); err != nil {
		return err
	}
	for i := range rows {
		m := rows[i].domain()
		carries := false
		for _, it := range m.Items {
			carries = carries || it.Comment == x.c.ID
		}
		if !carries {
			continue
		}
		e := ExplainedMessage{ID: m.ID, Kind: m.Kind, Schedule: m.Schedule, State: m.State, Why: m.Why, CreatedAt: m.CreatedAt, DueAt: m.DueAt, DoneAt: m.SentAt, Attempts: m.Attempts}
		err := x.t.get(ctx, &e.LastWords, `SELECT text FROM hearback_attempt WHERE message = ? ORDER BY number DESC LIMIT 1`, m.ID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		x.out.Messages = append(x.out.Messages, e)
	}
	return nil
}
