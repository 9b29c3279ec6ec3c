package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

// Letter knows what makes a mail one of this installation: its links, its
// identity, its words for schedules.
type Letter struct {
	BaseURL  string // of Hearback's own pages
	Signer   *token.Signer
	Instance string // of the database; part of Message-IDs
	Zone     func(site, zone string) *time.Location
	Label    func(schedule, locale string) string
	Scope    func(kind dispatcher.Kind, site *dispatcher.Site, label, locale string) string
	Data     func(ctx context.Context, m *dispatcher.Message, sub *dispatcher.Subscriber) (map[string]string, error)
}

// MessageID gives the Message-ID of a message's row: the same for every
// attempt, another in every database.
func (l *Letter) MessageID(site *dispatcher.Site, id int64) string {
	return "hb.m" + strconv.FormatInt(id, 36) + "." + l.Instance + "@" + domainOf(site)
}

// domainOf is the sender's domain.
func domainOf(site *dispatcher.Site) string {
	if a, err := mail.ParseAddress(site.From); err == nil {
		if i := strings.LastIndexByte(a.Address, '@'); i >= 0 {
			return a.Address[i+1:]
		}
	}
	return "hearback.invalid"
}

// returnPath is the envelope's sender.
func returnPath(site *dispatcher.Site) string {
	a, err := mail.ParseAddress(site.From)
	if err != nil {
		return ""
	}
	return a.Address
}

// mail builds what the renderer needs for a job.
func (s *Stage) mail(ctx context.Context, j *job, redirect string) (*render.Mail, error) {
	site, ok := s.o.Sites[j.m.Site]
	if !ok {
		return nil, dispatcher.NotFound("site", j.m.Site)
	}
	l := &s.o.Letter
	sub := &j.to.Subscriber
	now := s.o.Clock.Now()
	m := &render.Mail{Kind: j.m.Kind, Site: site, Locale: sub.Locale, Zone: l.Zone(j.m.Site, sub.Zone), To: sub.Email, ReaderName: sub.Name,
		Since: j.m.Since, More: j.m.More, Storm: j.m.Storm, MessageID: l.MessageID(&site, j.m.ID), Date: now,
		ListID:     listID(&site),
		FeedbackID: fmt.Sprintf("%s:%s:hearback", feedbackWord(string(j.m.Kind)), feedbackWord(site.Key))}
	if j.m.Subscriber == 0 {
		m.To = j.m.Address
	}
	if redirect != "" {
		m.To, m.ToName = redirect, ""
	}
	if err := s.data(ctx, j, m); err != nil {
		return nil, err
	}
	if j.m.Subscriber == 0 {
		return s.sample(ctx, j, m)
	}
	locale := cmp.Or(sub.Locale, site.Locale, "en")
	if j.m.Kind == dispatcher.KindDigest {
		m.Schedule = l.Label(j.m.Schedule, locale)
	}
	s.links(j, &site, m, locale, now)
	if j.m.Kind == dispatcher.KindConfirm || j.m.Kind == dispatcher.KindLink {
		return m, nil
	}
	m.MoreURL = site.BaseURL
	s.groups(j, m)
	if j.m.Kind == dispatcher.KindReply {
		root := "hb.t" + strconv.FormatInt(m.Groups[0].Thread.ID, 36) + "." + l.Instance + "@" + domainOf(&site)
		m.References = []string{root}
		m.MoreURL = cmp.Or(m.Groups[0].Thread.URL, site.BaseURL)
	} else {
		m.References = []string{"hb.s" + strconv.FormatInt(sub.ID, 36) + "." + feedbackWord(j.m.Schedule) + "." + l.Instance + "@" + domainOf(&site)}
	}
	return m, nil
}

// sample fills a mail to a plain address, which has no reader: a test of a
// template tells of made-up comments.
func (s *Stage) sample(ctx context.Context, j *job, m *render.Mail) (*render.Mail, error) {
	if j.m.Kind == dispatcher.KindTest || j.m.Kind == dispatcher.KindNotice {
		return m, nil
	}
	m.Locale = cmp.Or(m.Data[dispatcher.TestLocale], m.Locale)
	like := render.Sample(j.m.Kind, m.Locale, 5)
	m.Groups, m.More, m.MoreURL, m.References = like.Groups, like.More, like.MoreURL, like.References
	m.ReaderName, m.Schedule, m.Since, m.Links = like.ReaderName, like.Schedule, like.Since, like.Links
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	maps.Copy(m.Data, like.Data)
	if n, err := strconv.Atoi(m.Data[dispatcher.TestVersion]); err == nil && n > 0 {
		key := store.TemplateKey{Site: j.m.Site, Kind: j.m.Kind, Locale: m.Locale}
		if m.Data[dispatcher.TestScope] == "all" {
			key.Site = ""
		}
		t, err := s.o.Store.Template(ctx, key, n)
		if err != nil {
			return nil, err
		}
		m.Draft = &t.Parts
	}
	return m, nil
}

func (s *Stage) data(ctx context.Context, j *job, m *render.Mail) error {
	if j.m.Data != "" {
		if err := json.Unmarshal([]byte(j.m.Data), &m.Data); err != nil {
			return dispatcher.Invalid("data", "this is a defect; please report it", "the message's data is no JSON: %v", err)
		}
	}
	if s.o.Letter.Data != nil && (j.m.Kind == dispatcher.KindConfirm || j.m.Kind == dispatcher.KindTest) {
		extra, err := s.o.Letter.Data(ctx, &j.m, &j.to.Subscriber)
		if err != nil {
			return err
		}
		if m.Data == nil {
			m.Data = extra
		} else {
			for k, v := range extra {
				m.Data[k] = v
			}
		}
	}
	return nil
}

// links writes this reader's own links.
func (s *Stage) links(j *job, site *dispatcher.Site, m *render.Mail, locale string, now time.Time) {
	l := &s.o.Letter
	sub := &j.to.Subscriber
	link := func(path string, scope token.Scope, ref int64) string {
		b := make([]byte, 0, len(l.BaseURL)+96)
		b = append(b, l.BaseURL...)
		b = append(b, path...)
		return string(l.Signer.AppendSign(b, token.New(scope, sub, ref, now)))
	}
	switch j.m.Kind {
	case dispatcher.KindConfirm:
		m.Links.Confirm = link("/confirm/", token.Confirm, j.m.ID)
		return
	case dispatcher.KindLink:
		m.Links.Manage = link("/manage/", token.Fresh, 0)
		return
	}
	m.Links.Unsubscribe = link("/unsubscribe/", token.Unsubscribe, j.m.ID)
	m.Links.OneClick = m.Links.Unsubscribe
	m.Links.Manage = link("/manage/", token.Manage, 0)
	m.Links.View = link("/view/", token.View, j.m.ID)
	m.Links.Scope = l.Scope(j.m.Kind, site, m.Schedule, locale)
}

// groups puts the items into threads: threads by their strongest reason, then
// oldest first; items in reply order.
func (s *Stage) groups(j *job, m *render.Mail) {
	l := &s.o.Letter
	now := s.o.Clock.Now()
	items := make([]placed, len(j.items))
	threads := make([]talk, 0, len(j.items))
	for i, it := range j.items {
		p := j.pieces[it.Comment]
		k := slices.IndexFunc(threads, func(t talk) bool { return t.thread.ID == p.thread.ID })
		if k < 0 {
			k = len(threads)
			threads = append(threads, talk{thread: p.thread, best: it.Reason, first: it.Position})
		}
		t := &threads[k]
		t.best, t.first = min(t.best, it.Reason), min(t.first, it.Position)
		items[i] = placed{p.comment, p.parent, it.Reason, it.Position}
	}
	slices.SortFunc(threads, func(a, b talk) int { return cmp.Or(cmp.Compare(a.best, b.best), cmp.Compare(a.first, b.first)) })
	slices.SortFunc(items, func(a, b placed) int { return cmp.Compare(a.position, b.position) })
	m.Groups = make([]render.Group, len(threads))
	said := make([]render.Item, 0, len(items)) // of all threads: groups keep slices of it
	own := make([]placed, 0, len(items))
	for i, t := range threads {
		own = own[:0]
		for _, p := range items {
			if p.comment.Thread == t.thread.ID {
				own = append(own, p)
			}
		}
		b := append(make([]byte, 0, len(l.BaseURL)+96), l.BaseURL...)
		b = append(b, "/mute/"...)
		from := len(said)
		said = replyOrder(said, own)
		m.Groups[i] = render.Group{Thread: *t.thread, Items: said[from:],
			MuteURL: string(l.Signer.AppendSign(b, token.New(token.MuteThread, &j.to.Subscriber, t.thread.ID, now)))}
	}
}

// talk is a thread on its way into a mail.
type talk struct {
	thread *dispatcher.Thread
	best   dispatcher.Reason
	first  int64
}

// placed is an item on its way into a mail.
type placed struct {
	comment, parent *dispatcher.Comment
	reason          dispatcher.Reason
	position        int64
}

func (p *placed) item() render.Item {
	return render.Item{Comment: p.comment, Parent: p.parent, Reason: p.reason}
}

// replyOrder appends items, which come oldest first, with answers below what
// they answer, each level oldest first.
func replyOrder(out []render.Item, items []placed) []render.Item {
	if len(items) == 1 {
		return append(out, items[0].item())
	}
	// The items of one thread are few: lists of numbers, first child and next
	// sibling, do what maps would.
	n := len(items)
	numbers := make([]int, 4*n)
	child, next, last, roots := numbers[:n], numbers[n:2*n], numbers[2*n:3*n], numbers[3*n:3*n]
	for i := range items {
		k := slices.IndexFunc(items[:i], func(p placed) bool { return p.comment.ID == items[i].comment.Parent })
		switch { // a parent that came later would be a circle
		case k < 0:
			roots = append(roots, i)
		case child[k] == 0:
			child[k], last[k] = i, i
		default:
			next[last[k]], last[k] = i, i
		}
	}
	var walk func(i int)
	walk = func(i int) {
		out = append(out, items[i].item())
		for k := child[i]; k != 0; k = next[k] { // the first item is nobody's child
			walk(k)
		}
	}
	for _, i := range roots {
		walk(i)
	}
	return out
}

// listID names the stream of a site's replies, RFC 2919.
func listID(site *dispatcher.Site) string {
	return "replies." + feedbackWord(site.Key) + "." + domainOf(site)
}

// feedbackWord keeps what may stand in a List-Id, a Message-ID or between
// colons.
func feedbackWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, s)
}
