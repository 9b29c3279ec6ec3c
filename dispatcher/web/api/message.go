package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// message is a mail as the API tells of it.
type message struct {
	ID         int64            `json:"id"`
	Kind       dispatcher.Kind  `json:"kind"`
	Subscriber string           `json:"subscriber,omitempty"`
	Address    string           `json:"address,omitempty"` // of mails that have no subscriber
	State      dispatcher.State `json:"state"`
	Why        string           `json:"why,omitempty"`
	Schedule   string           `json:"schedule,omitempty"`
	Items      []messageItem    `json:"items"`
	More       int              `json:"more,omitempty"`
	Storm      bool             `json:"storm,omitempty"`
	Attempts   int              `json:"attempts"`
	CreatedAt  *string          `json:"created_at,omitempty"`
	DueAt      *string          `json:"due_at,omitempty"`
	DoneAt     *string          `json:"done_at,omitempty"`
	History    []attempt        `json:"history,omitempty"`
}

// messageItem is one comment in a mail, by the site's own id.
type messageItem struct {
	Comment string `json:"comment,omitempty"`
	Number  int64  `json:"number"`
	Reason  string `json:"reason"`
}

// attempt is one try to hand a mail to a relay.
type attempt struct {
	Number          int                `json:"number"`
	At              *string            `json:"at"`
	Relay           string             `json:"relay"`
	Outcome         dispatcher.Outcome `json:"outcome"`
	Code            int                `json:"code,omitempty"`
	Enhanced        string             `json:"enhanced,omitempty"`
	Text            string             `json:"text"`
	Milliseconds    int64              `json:"milliseconds"`
	TemplateVersion string             `json:"template_version,omitempty"`
	ContentHash     string             `json:"content_hash,omitempty"`
}

// names finds the site's own ids behind numbers, each once a call.
type names struct {
	a           *API
	subscribers map[int64]string
}

func (n *names) subscriber(ctx context.Context, number int64) (string, error) {
	if id, ok := n.subscribers[number]; ok || number == 0 {
		return id, nil
	}
	sub, err := n.a.o.Store.SubscriberByNumber(ctx, number)
	if err != nil && dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		return "", err
	}
	id := "" // erased
	if len(sub.ExternalIDs) > 0 {
		id = sub.ExternalIDs[0]
	}
	n.subscribers[number] = id
	return id, nil
}

func (a *API) messagesOf(ctx context.Context, ms []dispatcher.Message) ([]message, error) {
	n := names{a, map[int64]string{}}
	var ids []int64
	for i := range ms {
		for _, it := range ms[i].Items {
			ids = append(ids, it.Comment)
		}
	}
	comments, _, err := a.o.Store.Content(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]message, len(ms))
	for i := range ms {
		m := &ms[i]
		who, err := n.subscriber(ctx, m.Subscriber)
		if err != nil {
			return nil, err
		}
		out[i] = message{ID: m.ID, Kind: m.Kind, Subscriber: who, Address: m.Address, State: m.State, Why: m.Why, Schedule: m.Schedule, Items: []messageItem{},
			More: m.More, Storm: m.Storm, Attempts: m.Attempts, CreatedAt: moment(m.CreatedAt), DueAt: moment(m.DueAt), DoneAt: moment(m.SentAt)}
		for _, it := range m.Items {
			out[i].Items = append(out[i].Items, messageItem{comments[it.Comment].ExternalID, it.Comment, it.Reason.String()})
		}
	}
	return out, nil
}

func (a *API) listMessages(c *call) error {
	if err := c.checkQuery("subscriber", "state", "after", "limit"); err != nil {
		return err
	}
	p, err := c.page()
	if err != nil {
		return err
	}
	f := store.MessageFilter{Site: c.site, State: dispatcher.State(c.query("state")), Before: p.after, Limit: p.limit + 1}
	if err := checkState(f.State); err != nil {
		return err
	}
	if id := c.query("subscriber"); id != "" {
		sub, err := a.o.Store.Subscriber(c.context(), c.site, id)
		if err != nil {
			return err
		}
		f.Subscriber = sub.ID
	}
	ms, err := a.o.Store.Messages(c.context(), f)
	if err != nil {
		return err
	}
	rows, err := a.messagesOf(c.context(), ms)
	if err != nil {
		return err
	}
	return writePage(c, rows, p, func(m *message) string { return strconv.FormatInt(m.ID, 10) })
}

func checkState(s dispatcher.State) error {
	switch s {
	case "", dispatcher.StateDue, dispatcher.StateSending, dispatcher.StateSent, dispatcher.StateDeferred, dispatcher.StateFailed,
		dispatcher.StateUnknown, dispatcher.StateCancelled, dispatcher.StateSuppressed:
		return nil
	}
	return dispatcher.Invalid("state", "use due, sending, sent, deferred, failed, unknown, cancelled or suppressed", "unknown state %q", s)
}

// oneMessage gives the message of the path, of the call's site only.
func (a *API) oneMessage(c *call) (dispatcher.Message, []dispatcher.Attempt, error) {
	n, err := c.number("id", "message")
	if err != nil {
		return dispatcher.Message{}, nil, err
	}
	m, tries, err := a.o.Store.Message(c.context(), n)
	if err == nil && m.Site != c.site {
		err = dispatcher.NotFound("message", c.r.PathValue("id"))
	}
	return m, tries, err
}

func (a *API) getMessage(c *call) error {
	m, tries, err := a.oneMessage(c)
	if err != nil {
		return err
	}
	rows, err := a.messagesOf(c.context(), []dispatcher.Message{m})
	if err != nil {
		return err
	}
	for i := range tries {
		t := &tries[i]
		rows[0].History = append(rows[0].History, attempt{t.Number, moment(t.At), t.Relay, t.Outcome, t.Code, t.Enhanced, t.Text, t.Duration.Milliseconds(), t.TemplateVersion, t.ContentHash})
	}
	web.WriteJSON(c.w, http.StatusOK, rows[0])
	return nil
}

// retryMessage makes a message due now that failed, was cancelled or waits.
func (a *API) retryMessage(c *call) error {
	m, _, err := a.oneMessage(c)
	if err != nil {
		return err
	}
	if err := a.o.Store.RetryMessage(c.context(), c.site, m.ID); err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusAccepted, map[string]any{"id": m.ID, "state": dispatcher.StateDue})
	return nil
}

// explain says why a reader did or did not hear of a comment.
func (a *API) explain(c *call) error {
	if err := c.checkQuery("subscriber", "comment"); err != nil {
		return err
	}
	reader, comment := c.query("subscriber"), c.query("comment")
	if reader == "" {
		return dispatcher.Invalid("subscriber", "add ?subscriber= with the site's own id", "is missing")
	}
	if comment == "" {
		return dispatcher.Invalid("comment", "add ?comment= with the site's own id", "is missing")
	}
	answer, err := a.o.Store.Explain(c.context(), c.site, reader, comment)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, answer)
	return nil
}
