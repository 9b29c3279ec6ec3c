package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// Mail is a message composed as it would go out now.
type Mail struct {
	Subject, Text, HTML string
	Source              []byte
}

// Mails composes messages for a look. What it gives holds their readers' links.
type Mails interface {
	Look(ctx context.Context, message int64) (Mail, error)
}

// states are all that a message can be in, as the list offers them.
func states() []dispatcher.State {
	return []dispatcher.State{dispatcher.StateDue, dispatcher.StateSending, dispatcher.StateSent, dispatcher.StateDeferred, dispatcher.StateFailed,
		dispatcher.StateUnknown, dispatcher.StateCancelled, dispatcher.StateSuppressed}
}

// stateBadge says a state with a tone.
func stateBadge(s dispatcher.State) *badge {
	tone := map[dispatcher.State]string{dispatcher.StateDue: "info", dispatcher.StateSending: "info", dispatcher.StateSent: "good", dispatcher.StateDeferred: "warn",
		dispatcher.StateFailed: "bad", dispatcher.StateUnknown: "bad"}[s]
	return &badge{tone, string(s)}
}

// whyWords says why a message is in its state; a word that is not known here
// is an error's own sentence.
func whyWords(why string) string {
	words := map[string]string{
		"already_confirmed":    "the reader had confirmed already",
		"erased":               "the reader was erased",
		"not_confirmed":        "the reader has not confirmed the address",
		"nothing_left":         "all that it told of was removed, read or muted before it went out",
		"paused":               "the reader paused all mail",
		"refused":              "refused by the server for good",
		"refused_for_48h":      "refused by the server for 48 hours",
		"refused_for_now":      "refused by the server for now; it is tried again",
		"resent_after_unknown": "the connection broke after the final dot; it is sent once more under the same Message-ID",
		"bounce":               "the address is suppressed: it bounced",
		"complaint":            "the address is suppressed: its owner complained",
		"admin":                "the address is suppressed by an admin",
	}
	return cmp.Or(words[why], why)
}

// kindWords say what kind of mail it is.
func kindWords(m *dispatcher.Message) string {
	switch m.Kind {
	case dispatcher.KindReply, dispatcher.KindDigest:
		s := things(len(m.Items), "comment", "comments")
		if m.More > 0 {
			s += fmt.Sprintf(" and %s more", count(m.More))
		}
		if m.Storm {
			s += ", after a storm"
		}
		return s
	}
	return string(m.Kind)
}

type messagesView struct {
	Tabs   []option
	Filter []field
	Only   []fact // what else the list is narrowed to
	State  string // goes along with the filter
	Table  table
	All    string // address of the list without filters, "" when none is set
}

// messagesPage lists mails, the newest first.
func (d *Desk) messagesPage(v *visit) error {
	f := store.MessageFilter{Site: v.query("site"), State: dispatcher.State(v.query("state")), Kind: dispatcher.Kind(v.query("kind")), Before: v.before(), Limit: pageRows + 1}
	f.Slot, _ = strconv.ParseInt(v.query("slot"), 10, 64) // a bent link shows all
	f.Subscriber, _ = strconv.ParseInt(v.query("subscriber"), 10, 64)
	page := messagesView{State: string(f.State)}
	if text := v.query("reader"); text != "" {
		found, err := d.findReaders(v.ctx(), f.Site, text, 2)
		if err != nil {
			return err
		}
		if len(found) != 1 {
			v.redirect("/subscribers?" + url.Values{"q": {text}}.Encode())
			return nil
		}
		f.Subscriber = found[0].ID
	}
	if f.Subscriber != 0 {
		name := "number " + strconv.FormatInt(f.Subscriber, 10)
		if sub, err := d.store.SubscriberByNumber(v.ctx(), f.Subscriber); err == nil {
			name = sub.Email
		}
		page.Only = append(page.Only, fact{"Reader", link(name, fmt.Sprintf("/subscribers/%d", f.Subscriber))})
	}
	if f.Slot != 0 {
		page.Only = append(page.Only, fact{"Slot", text(strconv.FormatInt(f.Slot, 10))})
	}
	list, err := d.store.Messages(v.ctx(), f)
	if err != nil {
		return err
	}
	at := func(state dispatcher.State, before int64) string { return messagesPath(f, state, before) }
	page.Tabs = []option{{Label: "All", Value: at("", 0), Chosen: f.State == ""}}
	for _, s := range states() {
		label := strings.ToUpper(string(s[:1])) + string(s[1:])
		page.Tabs = append(page.Tabs, option{Label: label, Value: at(s, 0), Chosen: f.State == s})
	}
	page.Filter = []field{{Name: "reader", Label: "Reader's address, name or id", Kind: "search", Value: v.query("reader")}, d.siteField(f.Site)}
	more := len(list) > pageRows
	if more {
		list = list[:pageRows]
	}
	if page.Table, err = d.messageTable(v, list, true); err != nil {
		return err
	}
	page.Table.Empty = empty{What: "No mail was made yet.", Do: "A mail is made when a comment has settled and somebody follows what it belongs to."}
	if f != (store.MessageFilter{Limit: f.Limit}) {
		page.All = "/messages"
		page.Table.Empty = empty{What: "No mail is like that.", Path: "/messages", Action: "Show all mails"}
	}
	if more {
		page.Table.Next = at(f.State, list[len(list)-1].ID)
	}
	if f.Before > 0 {
		page.Table.First = at(f.State, 0)
	}
	return v.show("messages", "Messages", page)
}

// messagesPath is the list with a filter.
func messagesPath(f store.MessageFilter, state dispatcher.State, before int64) string {
	q := url.Values{}
	for name, s := range map[string]string{"site": f.Site, "state": string(state), "kind": string(f.Kind)} {
		if s != "" {
			q.Set(name, s)
		}
	}
	for name, n := range map[string]int64{"subscriber": f.Subscriber, "slot": f.Slot, "before": before} {
		if n > 0 {
			q.Set(name, strconv.FormatInt(n, 10))
		}
	}
	if len(q) == 0 {
		return "/messages"
	}
	return "/messages?" + q.Encode()
}

// siteField chooses one of the sites or all of them.
func (d *Desk) siteField(chosen string) field {
	f := field{Name: "site", Label: "Site", Kind: "select", Options: []option{{Label: "all sites", Chosen: chosen == ""}}}
	for i := range d.o.Sites {
		f.Options = append(f.Options, option{Value: d.o.Sites[i].Key, Label: d.o.Sites[i].Name, Chosen: d.o.Sites[i].Key == chosen})
	}
	return f
}

// messageTable lists messages; to says whether their readers stand in it.
func (d *Desk) messageTable(v *visit, list []dispatcher.Message, to bool) (table, error) {
	t := table{Caption: "Mails", Columns: []string{"Made", "To", "What", "Cadence", "State", "Done"}}
	if !to {
		t.Columns = append(t.Columns[:1:1], t.Columns[2:]...)
	}
	readers := map[int64]cell{}
	for i := range list {
		m := &list[i]
		state := cell{Badge: stateBadge(m.State), Soft: whyWords(m.Why)}
		done := v.at(m.SentAt)
		if m.SentAt.IsZero() {
			done = v.at(m.DueAt).soft("due")
		}
		made := v.at(m.CreatedAt)
		row := []cell{made}
		if to {
			who, err := d.recipient(v.ctx(), m, readers)
			if err != nil {
				return t, err
			}
			row = append(row, who)
		}
		t.Rows = append(t.Rows, append(row, link(kindWords(m), fmt.Sprintf("/messages/%d", m.ID)), v.d.link(m.Schedule, "/schedules", "/schedules/"+url.PathEscape(m.Schedule)), state, done))
	}
	return t, nil
}

// recipient says to whom a message goes, each reader looked up once.
func (d *Desk) recipient(ctx context.Context, m *dispatcher.Message, known map[int64]cell) (cell, error) {
	if m.Subscriber == 0 {
		return text(m.Address).soft(m.Site), nil
	}
	if c, ok := known[m.Subscriber]; ok {
		return c, nil
	}
	sub, err := d.store.SubscriberByNumber(ctx, m.Subscriber)
	c := link(sub.Email, fmt.Sprintf("/subscribers/%d", m.Subscriber)).soft(m.Site)
	if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
		c, err = text("erased").soft(m.Site), nil
	}
	known[m.Subscriber] = c
	return c, err
}

type messageView struct {
	Message  *dispatcher.Message
	Facts    []fact
	Attempts table
	Items    table
	Retry    *button
	Look     string // address of the mail's view, "" without
}

func (d *Desk) messagePage(v *visit) error {
	id, err := v.number("id", "message")
	if err != nil {
		return err
	}
	m, tries, err := d.store.Message(v.ctx(), id)
	if err != nil {
		return err
	}
	who, err := d.recipient(v.ctx(), &m, map[int64]cell{})
	if err != nil {
		return err
	}
	page := messageView{Message: &m, Facts: []fact{
		{"State", cell{Badge: stateBadge(m.State), Text: whyWords(m.Why)}}, {"To", who}, {"What", text(string(m.Kind) + ", " + kindWords(&m))}, {"Made", v.at(m.CreatedAt)}, {"Due", v.at(m.DueAt)}, {"Done", v.at(m.SentAt)},
		{"Tries that count", num(count(m.Attempts))}}}
	why, err := d.waits(v, &m)
	if err != nil {
		return err
	}
	if why != "" {
		page.Facts = slices.Insert(page.Facts, 1, fact{"Why it waits", text(why)})
	}
	if m.Schedule != "" {
		page.Facts = append(page.Facts, fact{"Cadence", v.d.link(m.Schedule, "/schedules", "/schedules/"+url.PathEscape(m.Schedule))})
	}
	if m.Slot != 0 {
		page.Facts = append(page.Facts, fact{"Slot", link(strconv.FormatInt(m.Slot, 10), messagesPath(store.MessageFilter{Slot: m.Slot}, "", 0)).soft("all mails of this run")})
	}
	if m.Resent {
		page.Facts = append(page.Facts, fact{"Sent again", text("once, after the connection broke behind the final dot")})
	}
	page.Attempts = d.attemptTable(v, tries)
	if page.Items, err = d.itemTable(v, &m); err != nil {
		return err
	}
	page.Retry = retryButton(&m)
	if d.o.Mails != nil && v.me.Role.May(store.RoleEditor) {
		page.Look = fmt.Sprintf("/messages/%d/mail", m.ID)
	}
	return v.show("message", fmt.Sprintf("Message %d", m.ID), page)
}

// retryButton offers to send a message again, nil when its state forbids it.
func retryButton(m *dispatcher.Message) *button {
	sure := map[dispatcher.State]string{
		dispatcher.StateFailed:     "It is due now. Its reader and comments are looked at once more before it goes out.",
		dispatcher.StateDeferred:   "It is due now instead of later.",
		dispatcher.StateUnknown:    "The server may have taken it. It is sent again under the same Message-ID, and may come twice.",
		dispatcher.StateCancelled:  "It is due now, and cancelled again where the reason still holds.",
		dispatcher.StateSuppressed: "It is due now, and held back again while the address is suppressed: lift that first.",
	}[m.State]
	if sure == "" {
		return nil
	}
	return &button{Action: fmt.Sprintf("/messages/%d/retry", m.ID), Label: "Send again", Sure: sure, Of: fmt.Sprintf("message %d", m.ID)}
}

// attemptTable lists the tries with the server's own words, the newest first.
func (d *Desk) attemptTable(v *visit, tries []dispatcher.Attempt) table {
	t := table{Caption: "Tries", Columns: []string{"When", "Relay", "Outcome", "The server's words", "Took"},
		Empty: empty{What: "It was not handed to a relay yet."}}
	for i := len(tries) - 1; i >= 0; i-- {
		a := &tries[i]
		tone := map[dispatcher.Outcome]string{dispatcher.OutcomeSent: "good", dispatcher.OutcomeDeferred: "warn", dispatcher.OutcomeFailed: "bad", dispatcher.OutcomeUnknown: "bad"}[a.Outcome]
		words := a.Text
		if a.Code != 0 && !strings.HasPrefix(words, strconv.Itoa(a.Code)) {
			words = strings.TrimSpace(fmt.Sprintf("%d %s %s", a.Code, a.Enhanced, words))
		}
		t.Rows = append(t.Rows, []cell{v.at(a.At), text(a.Relay), tag(tone, string(a.Outcome)), code(words), text(span(a.Duration))})
	}
	return t
}

// itemTable lists the comments of a message, each with the way to why.
func (d *Desk) itemTable(v *visit, m *dispatcher.Message) (table, error) {
	t := table{Caption: "Comments in it", Columns: []string{"Comment", "Author", "Conversation", "Why it is in", "Now"}, Empty: empty{What: "It tells of no comments."}}
	ids := make([]int64, len(m.Items))
	for i, it := range m.Items {
		ids[i] = it.Comment
	}
	comments, threads, err := d.store.Content(v.ctx(), ids)
	if err != nil {
		return t, err
	}
	for _, it := range m.Items {
		c, ok := comments[it.Comment]
		if !ok {
			t.Rows = append(t.Rows, []cell{text("number " + strconv.FormatInt(it.Comment, 10)), {}, {}, text(reasonWords(it.Reason)), tag("", "forgotten")})
			continue
		}
		th := threads[c.Thread]
		id := code(c.ExternalID)
		if m.Subscriber != 0 {
			id = cell{Text: c.ExternalID, Mono: true, Path: explainPath(m.Subscriber, c.ExternalID)}
		}
		now := tag("", string(c.State))
		if c.State == dispatcher.Visible && th.RemovedAt.IsZero() {
			now = tag("good", "visible")
		}
		t.Rows = append(t.Rows, []cell{id, text(c.AuthorName), text(cmp.Or(th.Title, th.ExternalID)), text(reasonWords(it.Reason)), now})
	}
	return t, nil
}

func reasonWords(r dispatcher.Reason) string {
	switch r {
	case dispatcher.ReasonReply:
		return "answers the reader"
	case dispatcher.ReasonSubtree:
		return "below a comment that they follow"
	case dispatcher.ReasonThread:
		return "in a conversation that they follow"
	case dispatcher.ReasonAuthor:
		return "by an author whom they follow"
	case dispatcher.ReasonSite:
		return "they follow the site"
	}
	return r.String()
}

func (d *Desk) retryMessage(v *visit) error {
	id, err := v.number("id", "message")
	if err != nil {
		return err
	}
	m, _, err := d.store.Message(v.ctx(), id)
	if err != nil {
		return err
	}
	if err := v.as("message.retry", fmt.Sprint(id), string(m.State), "due").RetryMessage(v.ctx(), "", id); err != nil {
		return v.again(err, d.messagePage)
	}
	return v.done(fmt.Sprintf("/messages/%d", id), "Message %d is due now.", id)
}

type mailView struct {
	ID    int64
	Mail  Mail
	Frame string // address of the HTML part
	Wide  []option
	Phone bool
}

// mailPage shows a message as it would go out now.
func (d *Desk) mailPage(v *visit) error {
	id, m, err := d.look(v)
	if err != nil {
		return err
	}
	at := fmt.Sprintf("/messages/%d/mail", id)
	page := mailView{ID: id, Mail: m, Frame: at + "/html", Phone: v.query("width") == "phone"}
	page.Wide = []option{{Label: "Desktop", Value: at, Chosen: !page.Phone}, {Label: "Phone", Value: at + "?width=phone", Chosen: page.Phone}}
	return v.show("mail", m.Subject, page)
}

// mailHTML is the HTML part, a document of its own that may do nothing.
func (d *Desk) mailHTML(v *visit) error {
	_, m, err := d.look(v)
	if err != nil {
		return err
	}
	return v.frame(m.HTML, "auto")
}

// mailSource is the whole mail as it would go over the wire.
func (d *Desk) mailSource(v *visit) error {
	_, m, err := d.look(v)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.answered = true
	_, _ = v.w.Write(m.Source) // nobody is left to be told
	return nil
}

func (d *Desk) look(v *visit) (int64, Mail, error) {
	id, err := v.number("id", "message")
	if err != nil {
		return 0, Mail{}, err
	}
	if d.o.Mails == nil {
		return 0, Mail{}, dispatcher.NotFound("page", v.r.URL.Path)
	}
	m, err := d.o.Mails.Look(v.ctx(), id)
	return id, m, err
}

// frame writes a mail's HTML for a frame of the desk.
func (v *visit) frame(html, scheme string) error {
	v.w.Header().Set("Content-Security-Policy", web.FramePolicy)
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.answered = true
	_, _ = v.w.Write([]byte(web.Framed(html, scheme))) // nobody is left to be told
	return nil
}
