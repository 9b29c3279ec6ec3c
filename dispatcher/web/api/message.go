package api

import (
	"context"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/wire"
)

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

func (a *API) messagesOf(ctx context.Context, ms []dispatcher.Message) ([]wire.Message, error) {
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
	out := make([]wire.Message, len(ms))
	for i := range ms {
		m := &ms[i]
		who, err := n.subscriber(ctx, m.Subscriber)
		if err != nil {
			return nil, err
		}
		out[i] = wire.Message{ID: m.ID, Kind: m.Kind, Subscriber: who, Address: m.Address, State: m.State, Why: m.Why, Schedule: m.Schedule, Items: []wire.MessageItem{},
			More: m.More, Storm: m.Storm, Attempts: m.Attempts, CreatedAt: m.CreatedAt, DueAt: m.DueAt, DoneAt: m.SentAt}
		for _, it := range m.Items {
			out[i].Items = append(out[i].Items, wire.MessageItem{Comment: comments[it.Comment].ExternalID, Number: it.Comment, Reason: it.Reason.String()})
		}
	}
	return out, nil
}

// messageQuery chooses mails.
type messageQuery struct {
	Subscriber string           `query:"subscriber" doc:"the site's own id of whom they are to"`
	State      dispatcher.State `query:"state" doc:"only those in this state"`
	paging
}

func (a *API) listMessages(c *call, q messageQuery) (wire.Page[wire.Message], error) {
	var none wire.Page[wire.Message]
	after, err := q.number()
	if err != nil {
		return none, err
	}
	f := store.MessageFilter{Site: c.site, State: q.State, Before: after, Limit: q.Limit + 1}
	if q.Subscriber != "" {
		sub, err := a.o.Store.Subscriber(c.context(), c.site, q.Subscriber)
		if err != nil {
			return none, err
		}
		f.Subscriber = sub.ID
	}
	ms, err := a.o.Store.Messages(c.context(), f)
	if err != nil {
		return none, err
	}
	rows, err := a.messagesOf(c.context(), ms)
	return pageOf(rows, q.paging, func(m *wire.Message) string { return strconv.FormatInt(m.ID, 10) }), err
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

func (a *API) getMessage(c *call, _ none) (wire.Message, error) {
	m, tries, err := a.oneMessage(c)
	if err != nil {
		return wire.Message{}, err
	}
	rows, err := a.messagesOf(c.context(), []dispatcher.Message{m})
	if err != nil {
		return wire.Message{}, err
	}
	for i := range tries {
		t := &tries[i]
		rows[0].History = append(rows[0].History, wire.Attempt{Number: t.Number, At: t.At, Relay: t.Relay, Outcome: t.Outcome, Code: t.Code, Enhanced: t.Enhanced, Text: t.Text,
			Milliseconds: t.Duration.Milliseconds(), TemplateVersion: t.TemplateVersion, ContentHash: t.ContentHash})
	}
	return rows[0], nil
}

// retryMessage makes a message due now that failed, was cancelled or waits.
func (a *API) retryMessage(c *call, _ none) (wire.MessageRetried, error) {
	m, _, err := a.oneMessage(c)
	if err != nil {
		return wire.MessageRetried{}, err
	}
	return wire.MessageRetried{ID: m.ID, State: dispatcher.StateDue}, a.o.Store.RetryMessage(c.context(), c.site, m.ID)
}
