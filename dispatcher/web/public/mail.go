package public

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/token"
)

// mailPage shows one mail as it can be seen now, and why each comment came.
type mailPage struct {
	Day    string
	Talks  []talk
	Gone   int
	More   int
	LinkTo string // the page for a fresh link
}

// talk is one thread of the mail.
type talk struct {
	Title, URL string
	Said       []said
}

// said is one comment.
type said struct {
	Author  string
	When    string
	Edited  bool
	Answers string // whom, "" when it answers nobody
	Text    []string
	Cut     bool
	URL     string
	Why     string
	Because []because
}

// because is one thing that the reader follows, or followed.
type because struct {
	Target  target
	Cadence string
	Ended   bool
}

// view shows the mail of a link. It only ever shows.
func (p *Pages) view(v *visit) error {
	if err := p.open(v, token.View); err != nil {
		return err
	}
	m, err := p.desk.Mailed(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	schedules, err := p.desk.Schedules(v.r.Context())
	if err != nil {
		return err
	}
	w, zone, plain := p.words[v.lang], zoneOf(v), render.Plain()
	mp := mailPage{Day: w.day(sentAt(&m.Message).In(zone)), Gone: m.Gone, More: m.Message.More, LinkTo: v.root() + "link?site=" + v.Site.Key}
	at := map[int64]int{}
	for i := range m.Items {
		it := &m.Items[i]
		k, ok := at[it.Thread.ID]
		if !ok {
			k = len(mp.Talks)
			at[it.Thread.ID] = k
			mp.Talks = append(mp.Talks, talk{Title: cmp.Or(it.Thread.Title, w.say("untitled")), URL: it.Thread.URL})
		}
		text, cut := plain(it.Comment.HTML, it.Comment.Plain)
		one := said{Author: cmp.Or(it.Comment.AuthorName, w.say("somebody")), When: w.day(it.Comment.WrittenAt.In(zone)) + " · " + it.Comment.WrittenAt.In(zone).Format("15:04"),
			Edited: !it.Comment.EditedAt.IsZero(), Text: strings.Split(text, "\n\n"), Cut: cut, URL: cmp.Or(it.Comment.URL, it.Thread.URL), Why: p.reason(w, &v.Site, it)}
		if it.Parent.ID != 0 {
			one.Answers = cmp.Or(it.Parent.AuthorName, w.say("somebody"))
		}
		for k := range it.Because {
			s := &it.Because[k]
			one.Because = append(one.Because, because{targetOf(w, s.Target, s.Comment, s.Thread), label(w, schedules, s.Schedule), !s.EndedAt.IsZero()})
		}
		mp.Talks[k].Said = append(mp.Talks[k].Said, one)
	}
	return p.show(v, http.StatusOK, "mail", view{Title: w.say("mail_title"), Page: mp})
}

// sentAt is when a mail went out, or was made while it has not.
func sentAt(m *dispatcher.Message) time.Time {
	if m.SentAt.IsZero() {
		return m.CreatedAt
	}
	return m.SentAt
}

// reason says why a comment came.
func (p *Pages) reason(w words, site *dispatcher.Site, it *subscribe.MailedItem) string {
	switch it.Reason {
	case dispatcher.ReasonReply:
		return w.say("why_reply")
	case dispatcher.ReasonSubtree:
		return w.say("why_subtree")
	case dispatcher.ReasonAuthor:
		return w.say("why_author", cmp.Or(it.Comment.AuthorName, w.say("somebody")))
	case dispatcher.ReasonSite:
		return w.say("why_site", site.Name)
	}
	return w.say("why_thread")
}
