package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

type subscribersView struct {
	Filter []field
	Table  table
	All    string // address of the list without filters, "" when none is set
}

// subscribersPage finds readers, the newest first.
func (d *Desk) subscribersPage(v *visit) error {
	q, site := v.query("q"), v.query("site")
	list, err := d.store.NewestSubscribers(v.ctx(), site, q, v.before(), pageRows+1)
	if err != nil {
		return err
	}
	if v.before() == 0 {
		byID, err := d.readersByID(v.ctx(), site, q)
		if err != nil {
			return err
		}
		list = joinReaders(byID, list)
	}
	page := subscribersView{Table: table{Caption: "Subscribers", Columns: []string{"Address", "Name", "Site", "Id", "Cadence", "State", "Since"},
		Empty: empty{What: "There are no subscribers yet.", Do: "Readers come by a form on the site, by its back end, or by hearback subscriber add."}}}
	page.Filter = []field{{Name: "q", Label: "Address, name or the site's id", Kind: "search", Value: q}, d.siteField(site)}
	at := func(before int64) string {
		u := url.Values{"q": {q}, "site": {site}}
		if before > 0 {
			u.Set("before", strconv.FormatInt(before, 10))
		}
		return "/subscribers?" + u.Encode()
	}
	if q != "" || site != "" {
		page.All = "/subscribers"
		page.Table.Empty = empty{What: "Nobody is like that.", Do: "Part of an address or name is enough; an id must be whole.", Path: "/subscribers", Action: "Show all"}
	}
	if len(list) > pageRows {
		list = list[:pageRows]
		page.Table.Next = at(list[pageRows-1].ID)
	}
	if v.before() > 0 {
		page.Table.First = at(0)
	}
	for i := range list {
		s := &list[i]
		id := ""
		if len(s.ExternalIDs) > 0 {
			id = s.ExternalIDs[0]
		}
		page.Table.Rows = append(page.Table.Rows, []cell{link(s.Email, fmt.Sprintf("/subscribers/%d", s.ID)), text(s.Name), text(s.Site), code(id),
			text(cmp.Or(s.Schedule, "the site's")), readerState(v, s), v.at(s.CreatedAt)})
	}
	return v.show("subscribers", "Subscribers", page)
}

// joinReaders puts those found by id before the others, each once.
func joinReaders(first, rest []dispatcher.Subscriber) []dispatcher.Subscriber {
	out := first
	for _, s := range rest {
		known := false
		for i := range first {
			known = known || first[i].ID == s.ID
		}
		if !known {
			out = append(out, s)
		}
	}
	return out
}

// readersByID finds who has this id on a site, or on any.
func (d *Desk) readersByID(ctx context.Context, site, id string) ([]dispatcher.Subscriber, error) {
	var out []dispatcher.Subscriber
	for i := range d.o.Sites {
		if key := d.o.Sites[i].Key; id != "" && (site == "" || site == key) {
			sub, err := d.store.Subscriber(ctx, key, id)
			switch {
			case err == nil:
				out = append(out, sub)
			case dispatcher.CodeOf(err) != dispatcher.CodeNotFound:
				return nil, err
			}
		}
	}
	return out, nil
}

// findReaders finds readers by id, or by part of an address or name.
func (d *Desk) findReaders(ctx context.Context, site, text string, limit int) ([]dispatcher.Subscriber, error) {
	byID, err := d.readersByID(ctx, site, text)
	if err != nil {
		return nil, err
	}
	list, err := d.store.NewestSubscribers(ctx, site, text, 0, limit)
	return joinReaders(byID, list), err
}

// readerState says in a word whether mail goes to a reader.
func readerState(v *visit, s *dispatcher.Subscriber) cell {
	switch {
	case !s.EndedAt.IsZero():
		return tag("", "left")
	case s.ConfirmedAt.IsZero():
		return tag("warn", "not confirmed")
	case s.PausedUntil.After(v.now):
		return tag("info", "paused")
	}
	return tag("good", "active")
}

type subscriberView struct {
	Reader        *dispatcher.Subscriber
	Facts         []fact
	Suppressed    *store.Suppression
	Lift          button
	Suppress      form
	Explain       []field // what is asked for
	Comment       string
	Why           *whyView
	Subscriptions table
	Mutes         table
	Holds         table
	Messages      table
	AllMessages   string
	Erase         button
}

func (d *Desk) subscriberPage(v *visit) error {
	id, err := v.number("id", "subscriber")
	if err != nil {
		return err
	}
	s, err := d.store.SubscriberByNumber(v.ctx(), id)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/subscribers/%d", id)
	page := subscriberView{Reader: &s, Facts: d.readerFacts(v, &s), Comment: v.query("comment"), AllMessages: messagesPath(store.MessageFilter{Subscriber: id}, "", 0)}
	page.Explain = []field{{Name: "comment", Label: "The site's id of a comment", Kind: "search", Value: page.Comment, Mono: true, Required: true}}
	if page.Suppressed, err = d.store.SuppressionOf(v.ctx(), s.Site, s.Address); err != nil {
		return err
	}
	page.Lift = button{Action: path + "/lift", Label: "Let mail go there again", Of: s.Email, Sure: "Do this when the reason has passed. An address that bounces again is suppressed again."}
	page.Suppress = v.form(form{Action: path + "/suppress", Submit: "Suppress the address", Quiet: true, Fields: []field{{Name: "detail", Label: "Why, for those who ask later", Required: true}}})
	page.Erase = button{Action: path + "/erase", Label: "Erase this reader", Danger: true, Of: s.Email,
		Sure: "Their subscriptions, mutes, ids and what they read go, and mail that waits is cancelled. Messages stay, without an address. This cannot be undone."}
	if page.Comment != "" {
		if page.Why, err = d.explain(v, &s, page.Comment); err != nil {
			return err
		}
	}
	if page.Subscriptions, err = d.subscriptionTable(v, &s, path); err != nil {
		return err
	}
	if page.Mutes, err = d.muteTable(v, &s); err != nil {
		return err
	}
	if page.Holds, err = d.holdTable(v, &s); err != nil {
		return err
	}
	list, err := d.store.Messages(v.ctx(), store.MessageFilter{Subscriber: id, Limit: 20})
	if err != nil {
		return err
	}
	if page.Messages, err = d.messageTable(v, list, false); err != nil {
		return err
	}
	page.Messages.Empty = empty{What: "No mail was made for them yet.", Do: "Give the id of a comment above to learn why."}
	return v.show("subscriber", s.Email, page)
}

func (d *Desk) readerFacts(v *visit, s *dispatcher.Subscriber) []fact {
	confirmed := v.at(s.ConfirmedAt)
	if s.ConfirmedAt.IsZero() {
		confirmed = tag("warn", "not confirmed")
		confirmed.Soft = "no mail goes there but the one that asks"
	}
	out := []fact{{"State", readerState(v, s)}, {"Name", text(s.Name)}, {"Site", text(s.Site)}, {"The site's ids", code(strings.Join(s.ExternalIDs, ", "))},
		{"Writes as", code(strings.Join(s.AuthorIDs, ", "))}, {"Confirmed", confirmed}, {"Cadence", text(cmp.Or(s.Schedule, "the site's"))},
		{"Time zone", text(cmp.Or(s.Zone, "the site's"))}, {"Language", text(cmp.Or(s.Locale, "the site's"))}, {"Quiet hours", text(cmp.Or(s.Quiet.String(), "none"))}}
	if s.PausedUntil.After(v.now) {
		out = append(out, fact{"Paused until", v.at(s.PausedUntil)})
	}
	out = append(out, fact{"Here since", v.at(s.CreatedAt)})
	if !s.EndedAt.IsZero() {
		out = append(out, fact{"Left everything", v.at(s.EndedAt)})
	}
	return out
}

// targetCell says what a subscription or mute is about.
func (d *Desk) targetCell(ctx context.Context, site string, t dispatcher.Target) (cell, error) {
	switch t.Type {
	case dispatcher.TargetThread:
		title, err := d.store.ThreadTitle(ctx, site, t.ID)
		if err != nil {
			return cell{}, err
		}
		return text(cmp.Or(title, "a conversation nobody told of yet")).soft("conversation " + t.ID), nil
	case dispatcher.TargetComment:
		return text("all below a comment").soft("comment " + t.ID), nil
	case dispatcher.TargetAuthor:
		return text("all that an author writes").soft("author " + t.ID), nil
	case dispatcher.TargetReplies:
		if t.Depth == dispatcher.DepthAny {
			return text("everything below their own comments"), nil
		}
		return text("answers to their own comments"), nil
	}
	return text("everything on the site"), nil
}

func (d *Desk) subscriptionTable(v *visit, s *dispatcher.Subscriber, path string) (table, error) {
	t := table{Caption: "Subscriptions", Columns: []string{"To", "Cadence", "State", "Since", ""}, Empty: empty{What: "They follow nothing."}}
	list, err := d.store.Subscriptions(v.ctx(), s.ID)
	if err != nil {
		return t, err
	}
	for i := len(list) - 1; i >= 0; i-- {
		sub := &list[i]
		to, err := d.targetCell(v.ctx(), s.Site, sub.Target)
		if err != nil {
			return t, err
		}
		state, end := tag("good", "live"), acts()
		switch {
		case !sub.EndedAt.IsZero():
			m := v.when(sub.EndedAt)
			state = cell{Badge: &badge{"", "ended"}, Soft: endedWords(sub.EndedBy), Time: &m}
		case sub.ConfirmedAt.IsZero():
			state = tag("warn", "not confirmed")
		}
		if sub.EndedAt.IsZero() && v.me.Role.May(store.RoleEditor) {
			end = acts(button{Action: path + "/end", Label: "End", Of: to.Text, Hidden: []pair{{"subscription", strconv.FormatInt(sub.ID, 10)}},
				Sure: "They hear no more of it. The site's back end may renew it."})
		}
		cadence := v.d.link(sub.Schedule, "/schedules", "/schedules/"+url.PathEscape(sub.Schedule))
		if !sub.OwnSchedule {
			cadence.Soft = "their default"
		}
		t.Rows = append(t.Rows, []cell{to, cadence, state, v.at(sub.AskedAt), end})
	}
	return t, nil
}

func endedWords(by dispatcher.EndedBy) string {
	switch by {
	case dispatcher.EndedByReader:
		return "by the reader"
	case dispatcher.EndedByComplaint:
		return "after a complaint"
	case dispatcher.EndedBySite:
		return "by the site or an admin"
	case dispatcher.EndedByLapse:
		return "it was never confirmed"
	}
	return string(by)
}

func (d *Desk) muteTable(v *visit, s *dispatcher.Subscriber) (table, error) {
	t := table{Caption: "Mutes", Columns: []string{"Never hears of"}}
	list, err := d.store.Mutes(v.ctx(), s.ID)
	if err != nil {
		return t, err
	}
	for _, m := range list {
		c, err := d.targetCell(v.ctx(), s.Site, m.Target)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, []cell{c})
	}
	return t, nil
}

func (d *Desk) holdTable(v *visit, s *dispatcher.Subscriber) (table, error) {
	t := table{Caption: "What is held back", Columns: []string{"Cadence", "Why", "Until", "Since"}}
	list, err := d.store.HoldsOf(v.ctx(), s.ID)
	if err != nil {
		return t, err
	}
	for i := range list {
		h := &list[i]
		t.Rows = append(t.Rows, []cell{text(h.Schedule), text(holdWords(h.Reason)), v.at(h.NotBefore), v.at(h.Since)})
	}
	return t, nil
}

func holdWords(r dispatcher.HoldReason) string {
	words := map[dispatcher.HoldReason]string{
		dispatcher.HoldPause: "they paused all mail", dispatcher.HoldQuiet: "their quiet hours", dispatcher.HoldMinimum: "fewer comments than the schedule's minimum",
		dispatcher.HoldStorm: "too many mails of one conversation", dispatcher.HoldCap: "the daily cap", dispatcher.HoldChanged: "cadence or time zone just changed",
		dispatcher.HoldConfirmed: "they confirmed later than they asked",
	}
	return cmp.Or(words[r], string(r))
}

// reader gives the subscriber of the path.
func (d *Desk) reader(v *visit) (dispatcher.Subscriber, string, error) {
	id, err := v.number("id", "subscriber")
	if err != nil {
		return dispatcher.Subscriber{}, "", err
	}
	s, err := d.store.SubscriberByNumber(v.ctx(), id)
	return s, fmt.Sprintf("/subscribers/%d", id), err
}

// readerName is how the audit log calls a reader: by the site's id where there
// is one, so that an erased reader's address does not stay in the log.
func readerName(s *dispatcher.Subscriber) string {
	if len(s.ExternalIDs) > 0 {
		return s.Site + "/" + s.ExternalIDs[0]
	}
	return s.Site + "/number " + strconv.FormatInt(s.ID, 10)
}

func (d *Desk) suppressReader(v *visit) error {
	s, path, err := d.reader(v)
	if err != nil {
		return err
	}
	why := v.field("detail")
	if why == "" {
		return v.again(dispatcher.Invalid("detail", "say it in a few words", "is missing"), d.subscriberPage)
	}
	if err := v.as("suppression.add", readerName(&s), "", why).PutSuppression(v.ctx(), store.Suppression{Site: s.Site, Address: s.Address, Reason: "admin", Detail: why}); err != nil {
		return v.again(err, d.subscriberPage)
	}
	return v.done(path, "%s gets no mail of %s any more.", s.Email, s.Site)
}

func (d *Desk) liftReader(v *visit) error {
	s, path, err := d.reader(v)
	if err != nil {
		return err
	}
	if err := v.as("suppression.remove", readerName(&s), "suppressed", "").DeleteSuppression(v.ctx(), s.Site, s.Address); err != nil {
		return v.again(err, d.subscriberPage)
	}
	return v.done(path, "Mail goes to %s again.", s.Email)
}

func (d *Desk) endSubscription(v *visit) error {
	s, path, err := d.reader(v)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(v.field("subscription"), 10, 64)
	if err != nil {
		return dispatcher.NotFound("subscription", v.field("subscription"))
	}
	list, err := d.store.Subscriptions(v.ctx(), s.ID)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].ID != id {
			continue
		}
		what := strings.TrimSuffix(string(list[i].Target.Type)+" "+list[i].Target.ID, " ")
		if _, err := v.as("subscription.end", readerName(&s), what, "ended").End(v.ctx(), s.ID, []int64{id}, false, what, dispatcher.EndedBySite); err != nil {
			return v.again(err, d.subscriberPage)
		}
		return v.done(path, "The subscription has ended.")
	}
	return dispatcher.NotFound("subscription", v.field("subscription"))
}

func (d *Desk) eraseReader(v *visit) error {
	s, _, err := d.reader(v)
	if err != nil {
		return err
	}
	if err := v.as("subscriber.erase", readerName(&s), "", "erased").EraseNumber(v.ctx(), s.ID); err != nil {
		return err
	}
	return v.done("/subscribers", "The reader is erased.")
}
