package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Outcome is who got what, and why; and for some why not.
type Outcome struct {
	Mails   int        `json:"mails"`
	Twice   int        `json:"twice"` // comments that reached somebody twice; never but 0
	Readers []Got      `json:"readers"`
	WhyNot  []Answered `json:"why_not"`
}

// Got is what one reader got.
type Got struct {
	Reader string   `json:"reader"`
	Email  string   `json:"email"`
	Wants  string   `json:"wants"`
	Mails  []Letter `json:"mails"`
	Unsent []Letter `json:"unsent,omitempty"`
}

// Letter is one message of a reader.
type Letter struct {
	At    time.Time        `json:"at"`
	Kind  dispatcher.Kind  `json:"kind"`
	State dispatcher.State `json:"state"`
	Why   string           `json:"why,omitempty"`
	Storm bool             `json:"storm,omitempty"`
	Items []Carried        `json:"items,omitempty"`
}

// Carried is one comment in a mail.
type Carried struct {
	Comment string `json:"comment"` // the site's own id
	Author  string `json:"author"`
	Reason  string `json:"reason"`
	Edited  bool   `json:"edited,omitempty"`

	strength dispatcher.Reason
}

// Answered is the answer to why somebody did not get a comment.
type Answered struct {
	Reader  string `json:"reader"`
	Comment string `json:"comment"`
	About   string `json:"about"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`
	Words   string `json:"words"`
}

// asked are the questions that the story leaves.
func asked() []Answered {
	return []Answered{
		{Reader: "walter", Comment: "t-spam", About: "removed within a minute, before it had settled"},
		{Reader: "walter", Comment: "b-rude", About: "removed after his digest was made, before it went out"},
		{Reader: "noor", Comment: "b-rude", About: "the only comment of her digest, removed before it went out"},
		{Reader: "mia", Comment: "t1", About: "she muted the tram thread"},
		{Reader: "ines", Comment: "t1", About: "she had read it on the site"},
		{Reader: "roswitha", Comment: "t20", About: "her own comment, below her own comment"},
		{Reader: "paul", Comment: "t1", About: "he pauses until tomorrow"},
		{Reader: "leo", Comment: "t1", About: "he has not pressed the button of the confirm mail"},
		{Reader: "bo", Comment: "t51", About: "the mailbox is gone, and the address suppressed since"},
		{Reader: "priya", Comment: "t5", About: "it was not Gretel who wrote it"},
	}
}

// Tell asks the store who got what.
func Tell(ctx context.Context, s *store.Store) (*Outcome, error) {
	o := &Outcome{}
	subs, err := s.Subscribers(ctx, SiteKey, "", 0, 1000)
	if err != nil {
		return nil, fmt.Errorf("list the readers: %w", err)
	}
	wants := map[string]string{}
	for _, r := range readers() {
		wants[r.id] = r.wants
	}
	for i := range subs {
		g, err := gotOf(ctx, s, &subs[i])
		if err != nil {
			return nil, err
		}
		g.Wants = cmp.Or(wants[g.Reader], "came by the page")
		o.Mails += len(g.Mails)
		o.Twice += g.twice()
		o.Readers = append(o.Readers, g)
	}
	for _, q := range asked() {
		e, err := s.Explain(ctx, SiteKey, q.Reader, q.Comment)
		if err != nil {
			return nil, err
		}
		if e.Verdict == store.AnswerSent || e.Verdict == store.AnswerWillBe {
			continue // a visitor changed the story, as by Leo's button
		}
		q.Verdict, q.Why, q.Words = string(e.Verdict), e.Why, e.Sentence
		o.WhyNot = append(o.WhyNot, q)
	}
	return o, nil
}

func gotOf(ctx context.Context, s *store.Store, sub *dispatcher.Subscriber) (Got, error) {
	g := Got{Email: sub.Email, Mails: []Letter{}}
	if len(sub.ExternalIDs) > 0 {
		g.Reader = sub.ExternalIDs[0]
	}
	list, err := s.Messages(ctx, store.MessageFilter{Site: SiteKey, Subscriber: sub.ID, Limit: 1000})
	if err != nil {
		return g, fmt.Errorf("list the mails of %s: %w", g.Reader, err)
	}
	for _, m := range slices.Backward(list) {
		l := Letter{At: m.SentAt, Kind: m.Kind, State: m.State, Why: m.Why, Storm: m.Storm}
		if l.Items, err = carried(ctx, s, &m); err != nil {
			return g, err
		}
		if m.State == dispatcher.StateSent {
			g.Mails = append(g.Mails, l)
		} else {
			g.Unsent = append(g.Unsent, l)
		}
	}
	return g, nil
}

func carried(ctx context.Context, s *store.Store, m *dispatcher.Message) ([]Carried, error) {
	ids := make([]int64, len(m.Items))
	for i, it := range m.Items {
		ids[i] = it.Comment
	}
	comments, _, err := s.Content(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look up what was mailed: %w", err)
	}
	out := make([]Carried, len(m.Items))
	for i, it := range m.Items {
		c := comments[it.Comment]
		out[i] = Carried{Comment: c.ExternalID, Author: c.AuthorName, Reason: it.Reason.String(), Edited: !c.EditedAt.IsZero() && c.EditedAt.Before(m.SentAt), strength: it.Reason}
	}
	slices.Reverse(out) // oldest first, within a reason
	slices.SortStableFunc(out, func(a, b Carried) int { return cmp.Compare(a.strength, b.strength) })
	return out, nil
}

// twice counts the comments that are in more than one of the mails.
func (g *Got) twice() int {
	seen, n := map[string]bool{}, 0
	for _, m := range g.Mails {
		for _, it := range m.Items {
			if seen[it.Comment] {
				n++
			}
			seen[it.Comment] = true
		}
	}
	return n
}

// Print writes the outcome for people.
func (o *Outcome) Print(s *Screen) {
	s.Say("")
	s.Say(" Who got what, and why")
	for _, g := range o.Readers {
		s.Say("")
		s.Say(fmt.Sprintf(" %s %s %s", pad(g.Email, 24), pad(plural(len(g.Mails), "mail"), 9), g.Wants))
		for _, m := range g.Mails {
			s.hang(fmt.Sprintf("   %s  %s ", m.At.In(s.zone).Format("15:04"), pad(string(m.Kind), 8)), m.inWords())
		}
		for _, line := range g.unsent() {
			s.Say("   -      " + line)
		}
	}
	s.Say("")
	s.Say(" Who did not get what, and why not")
	s.Say("")
	for _, a := range o.WhyNot {
		s.Say(fmt.Sprintf(" %s %s %s", pad(a.Reader, 9), pad(a.Comment, 7), a.About))
		s.hang(pad("", 19), a.Words)
	}
	s.Say("")
	never := "no comment reached anybody twice"
	if o.Twice > 0 {
		never = plural(o.Twice, "comment") + " reached somebody twice, which is a defect"
	}
	s.Say(fmt.Sprintf(" %s in all; %s.", plural(o.Mails, "mail"), never))
}

// unsent says in as few lines as can be what was not sent.
func (g *Got) unsent() []string {
	var lines []string
	count := map[string]int{}
	for _, m := range g.Unsent {
		text := inWords(m.State, m.Why)
		if m.State == dispatcher.StateFailed {
			text = "refused for good by the server"
		}
		if count[text]++; count[text] == 1 {
			lines = append(lines, text)
		}
	}
	for i, l := range lines {
		if n := count[l]; n > 1 {
			lines[i] = fmt.Sprintf("%s (%d times)", l, n)
		}
	}
	return lines
}

// inWords says what a mail carries: who wrote, and for what reason it came.
func (l *Letter) inWords() string {
	if len(l.Items) == 0 {
		return "asks for a click"
	}
	var reasons []string
	by := map[string][]string{}
	for _, it := range l.Items {
		if by[it.Reason] == nil {
			reasons = append(reasons, it.Reason)
		}
		id := it.Comment
		if it.Edited {
			id += " (edited)"
		}
		by[it.Reason] = append(by[it.Reason], id)
	}
	parts := make([]string, len(reasons))
	for i, r := range reasons {
		parts[i] = reasonWords(r) + ": " + strings.Join(by[r], " ")
	}
	text := strings.Join(parts, "; ")
	if l.Storm {
		text = fmt.Sprintf("storm over, %d in one mail; %s", len(l.Items), text)
	}
	return text
}

func reasonWords(reason string) string {
	switch reason {
	case "reply":
		return "answers to them"
	case "subtree":
		return "below what they follow"
	case "thread":
		return "their thread"
	case "author":
		return "their author"
	}
	return "the site"
}
