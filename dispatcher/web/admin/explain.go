package admin

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// whyView is the answer to why a reader got a comment or did not.
type whyView struct {
	Verdict  badge
	Sentence string
	Facts    []fact
	Leads    table // the subscriptions that lead to it
	Messages table
}

// explainPath asks why a reader got a comment.
func explainPath(subscriber int64, comment string) string {
	return fmt.Sprintf("/subscribers/%d?", subscriber) + url.Values{"comment": {comment}}.Encode()
}

// explain asks the rules that select why a reader got a comment, or did not.
func (d *Desk) explain(v *visit, s *dispatcher.Subscriber, comment string) (*whyView, error) {
	x, err := d.store.ExplainNumber(v.ctx(), s.ID, comment)
	if err != nil {
		return nil, err
	}
	tone := map[store.Answer]string{store.AnswerSent: "good", store.AnswerWillBe: "info", store.AnswerHeld: "warn"}[x.Verdict]
	out := &whyView{Verdict: badge{tone, strings.ReplaceAll(string(x.Verdict), "_", " ")}, Sentence: x.Sentence,
		Leads:    table{Caption: "Subscriptions that lead to it", Columns: []string{"To", "Cadence", "Does it count"}, Empty: empty{What: "None of their subscriptions leads to it."}},
		Messages: table{Caption: "Mails that carry it", Columns: []string{"Mail", "Made", "State", "The server's last words"}}}
	if st := x.State; st != nil {
		out.Facts = append(out.Facts, fact{"The comment is", text(string(st.Visibility))}, fact{"Published", v.at(st.PublishedAt)})
		if !st.SettlesAt.IsZero() {
			out.Facts = append(out.Facts, fact{"Settles", v.at(st.SettlesAt)})
		}
		if st.Unmailed != "" {
			out.Facts = append(out.Facts, fact{"Not mailed to anybody", text(strings.ReplaceAll(string(st.Unmailed), "_", " "))})
		}
	}
	for _, m := range x.Mutes {
		c, err := d.targetCell(v.ctx(), s.Site, m)
		if err != nil {
			return nil, err
		}
		out.Facts = append(out.Facts, fact{"Muted", c})
	}
	if !x.ReadUpTo.IsZero() {
		out.Facts = append(out.Facts, fact{"Read on the site up to", v.at(x.ReadUpTo)})
	}
	for _, h := range x.Holds {
		m := v.when(h.NotBefore)
		out.Facts = append(out.Facts, fact{"Held until", cell{Text: holdWords(h.Reason), Time: &m}})
	}
	for _, sub := range x.Subscriptions {
		to, err := d.targetCell(v.ctx(), s.Site, sub.Target)
		if err != nil {
			return nil, err
		}
		counts := tag("good", "yes").soft(strings.ReplaceAll(sub.Reason, "_", " "))
		if sub.Why != "" {
			counts = tag("", "no").soft(strings.ReplaceAll(string(sub.Why), "_", " "))
		}
		out.Leads.Rows = append(out.Leads.Rows, []cell{to, text(sub.Schedule), counts})
	}
	for _, m := range x.Messages {
		out.Messages.Rows = append(out.Messages.Rows, []cell{link(fmt.Sprintf("%s %d", m.Kind, m.ID), fmt.Sprintf("/messages/%d", m.ID)), v.at(m.CreatedAt),
			{Badge: stateBadge(m.State), Soft: whyWords(m.Why)}, code(m.LastWords)})
	}
	return out, nil
}
