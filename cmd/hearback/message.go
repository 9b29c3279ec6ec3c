package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

type messageJSON struct {
	ID         int64            `json:"id"`
	Site       string           `json:"site"`
	Kind       dispatcher.Kind  `json:"kind"`
	Subscriber string           `json:"subscriber,omitempty"` // the site's own id; none for test mails and notices
	Address    string           `json:"address,omitempty"`    // "" once the reader is erased
	State      dispatcher.State `json:"state"`
	Why        string           `json:"why,omitempty"`
	Schedule   string           `json:"schedule,omitempty"`
	Items      []itemJSON       `json:"items"`
	More       int              `json:"more,omitempty"` // beyond the cap
	Storm      bool             `json:"storm,omitempty"`
	Attempts   int              `json:"attempts"`
	CreatedAt  time.Time        `json:"created_at"`
	DueAt      time.Time        `json:"due_at"`
	DoneAt     time.Time        `json:"done_at,omitzero"`
	History    []attemptJSON    `json:"history,omitempty"` // of show
}

type itemJSON struct {
	Comment string `json:"comment,omitempty"` // the site's own id
	Number  int64  `json:"number"`
	Reason  string `json:"reason"`
}

type attemptJSON struct {
	Number          int                `json:"number"`
	At              time.Time          `json:"at"`
	Relay           string             `json:"relay"`
	Outcome         dispatcher.Outcome `json:"outcome"`
	Code            int                `json:"code,omitempty"`
	Enhanced        string             `json:"enhanced,omitempty"`
	Text            string             `json:"text"` // the relay's words
	Milliseconds    int64              `json:"milliseconds"`
	TemplateVersion string             `json:"template_version,omitempty"`
	ContentHash     string             `json:"content_hash,omitempty"`
}

// messagesOf describes messages with the site's own ids.
func (s *session) messagesOf(ctx context.Context, list []dispatcher.Message) ([]messageJSON, error) {
	var ids []int64
	for i := range list {
		for _, it := range list[i].Items {
			ids = append(ids, it.Comment)
		}
	}
	comments, _, err := s.store.Content(ctx, ids)
	if err != nil {
		return nil, err
	}
	readers := map[int64]dispatcher.Subscriber{}
	out := make([]messageJSON, len(list))
	for i := range list {
		m := &list[i]
		sub, err := s.reader(ctx, m.Subscriber, readers)
		if err != nil {
			return nil, err
		}
		out[i] = messageJSON{ID: m.ID, Site: m.Site, Kind: m.Kind, Address: m.Address, State: m.State, Why: m.Why, Schedule: m.Schedule, Items: []itemJSON{},
			More: m.More, Storm: m.Storm, Attempts: m.Attempts, CreatedAt: m.CreatedAt, DueAt: m.DueAt, DoneAt: m.SentAt}
		if m.Subscriber != 0 {
			out[i].Address, out[i].Subscriber = sub.Email, subscriberOf(&sub).ID
		}
		for _, it := range m.Items {
			out[i].Items = append(out[i].Items, itemJSON{comments[it.Comment].ExternalID, it.Comment, it.Reason.String()})
		}
	}
	return out, nil
}

// reader looks a subscriber up, each once; one that was erased is empty.
func (s *session) reader(ctx context.Context, number int64, known map[int64]dispatcher.Subscriber) (dispatcher.Subscriber, error) {
	if sub, ok := known[number]; ok || number == 0 {
		return sub, nil
	}
	sub, err := s.store.SubscriberByNumber(ctx, number)
	if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
		sub, err = dispatcher.Subscriber{}, nil
	}
	known[number] = sub
	return sub, err
}

func newMessage(r *root) *cobra.Command {
	return group("message", "See mails and what became of them, and send them again",
		"  hearback message list --state failed\n  hearback message show 42", newMessageList(r), newMessageShow(r), newMessageRetry(r))
}

func newMessageList(r *root) *cobra.Command {
	var site, subscriber, state string
	var paging pageFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List mails, newest first", Example: "  hearback message list --subscriber u-9\n  hearback message list --state failed --json", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			f, err := s.messageFilter(ctx, site, subscriber, state)
			if err != nil {
				return err
			}
			if f.Before, err = paging.number(); err != nil {
				return err
			}
			f.Limit = paging.limit + 1
			list, err := s.store.Messages(ctx, f)
			if err != nil {
				return err
			}
			return s.listMessages(ctx, list, paging.limit)
		}),
	}
	siteFlag(cmd, &site)
	paging.register(cmd)
	cmd.Flags().StringVar(&subscriber, "subscriber", "", "only this reader's, by the site's own id")
	cmd.Flags().StringVar(&state, "state", "", "only those that are due, sending, sent, deferred, failed, unknown, cancelled or suppressed")
	return cmd
}

func (s *session) messageFilter(ctx context.Context, site, subscriber, state string) (store.MessageFilter, error) {
	var f store.MessageFilter
	var err error
	if f.Site, err = s.anySite(site); err != nil {
		return f, err
	}
	if state != "" {
		if f.State, err = oneOf("--state", state, dispatcher.StateDue, dispatcher.StateSending, dispatcher.StateSent, dispatcher.StateDeferred,
			dispatcher.StateFailed, dispatcher.StateUnknown, dispatcher.StateCancelled, dispatcher.StateSuppressed); err != nil {
			return f, err
		}
	}
	if subscriber != "" {
		of, err := s.site(site)
		if err != nil {
			return f, err
		}
		sub, err := s.store.Subscriber(ctx, of.Key, subscriber)
		if err != nil {
			return f, err
		}
		f.Subscriber = sub.ID
	}
	return f, nil
}

func (s *session) listMessages(ctx context.Context, list []dispatcher.Message, limit int) error {
	rows, err := s.messagesOf(ctx, list)
	if err != nil {
		return err
	}
	out := listed(rows, limit, func(m *messageJSON) string { return strconv.FormatInt(m.ID, 10) })
	return s.print(out, func(p *page) {
		if len(out.Items) == 0 {
			p.line("no messages")
			return
		}
		p.row("NUMBER", "KIND", "TO", "STATE", "ITEMS", "DUE", "DONE", "WHY")
		for _, m := range out.Items {
			p.row(m.ID, string(m.Kind), m.Address, string(m.State), len(m.Items), m.DueAt, m.DoneAt, m.Why)
		}
		p.next(out.Next)
	})
}

func newMessageShow(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show a mail with every try and the relay's words", Example: "  hearback message show 42", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			id, err := number("NUMBER", args[0])
			if err != nil {
				return err
			}
			out, err := s.messageInFull(ctx, id)
			if err != nil {
				return err
			}
			return s.print(out, func(p *page) { showMessage(p, &out) })
		}),
	}
}

func (s *session) messageInFull(ctx context.Context, id int64) (messageJSON, error) {
	m, attempts, err := s.store.Message(ctx, id)
	if err != nil {
		return messageJSON{}, err
	}
	all, err := s.messagesOf(ctx, []dispatcher.Message{m})
	if err != nil {
		return messageJSON{}, err
	}
	for _, a := range attempts {
		all[0].History = append(all[0].History, attemptJSON{a.Number, a.At, a.Relay, a.Outcome, a.Code, a.Enhanced, a.Text, a.Duration.Milliseconds(), a.TemplateVersion, a.ContentHash})
	}
	return all[0], nil
}

func showMessage(p *page, m *messageJSON) {
	p.row("number", m.ID)
	p.row("site", m.Site)
	p.row("kind", string(m.Kind))
	p.row("to", m.Address)
	p.row("subscriber", m.Subscriber)
	p.row("schedule", m.Schedule)
	p.row("state", string(m.State))
	if m.Why != "" {
		p.row("why", m.Why)
	}
	p.row("made", m.CreatedAt)
	p.row("due", m.DueAt)
	p.row("done", m.DoneAt)
	for _, c := range m.Items {
		p.row("comment", c.Comment+" ("+c.Reason+")")
	}
	if len(m.History) > 0 {
		p.line("")
		p.row("TRY", "AT", "RELAY", "OUTCOME", "CODE", "ITS WORDS")
	}
	for _, a := range m.History {
		p.row(a.Number, a.At, a.Relay, string(a.Outcome), a.Code, a.Text)
	}
}

func newMessageRetry(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "retry NUMBER", Short: "Send a mail again that failed, is unknown, deferred, cancelled or suppressed", Example: "  hearback message retry 42", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.anySite(site)
			if err != nil {
				return err
			}
			id, err := number("NUMBER", args[0])
			if err != nil {
				return err
			}
			if err := s.did("message.retry", args[0], "", "").RetryMessage(ctx, site, id); err != nil {
				return err
			}
			return s.print(map[string]int64{"retried": id}, func(p *page) { p.line("message %d is due now", id) })
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}
