package render

import (
	"html/template"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// The views are all that a template sees. Fields tagged render:"hidden" serve
// the renderer and are refused in templates.

// MailView is the dot of a subject and of the `mail` block.
type MailView struct {
	Subject    string // the rendered subject; empty while the subject itself is made
	Site       SiteView
	Reader     ReaderView
	Schedule   string // what the reader calls the cadence, may be empty
	Since      string // start of the span, may be empty
	Sent       string // when the mail was made
	Count      int    // items in this mail
	Groups     []GroupView
	First      *ItemView  // the first item, nil when there is none
	Thread     ThreadView // of the first group
	Only       ThreadView // of the only group; empty when there are several
	More       int        // items that are not in this mail
	MoreURL    string
	Storm      bool
	Links      LinksView
	Data       map[string]string
	Paragraphs []string // Data.text, cut at its line breaks
}

// SiteView is the sending site.
type SiteView struct {
	Key, Name, URL string
}

// ReaderView is whom the mail is for. The `item` block has none, because its
// output is shared between readers.
type ReaderView struct {
	Name, Address string
}

// LinksView are the reader's own links; those that do not apply are empty.
type LinksView struct {
	Unsubscribe, Scope, Manage, View, Confirm string
}

// GroupView is one thread with its items.
type GroupView struct {
	Thread  ThreadView
	Count   int // items of this thread in this mail
	MuteURL string
	Items   []ItemView
}

// ThreadView is the page that was commented on.
type ThreadView struct {
	Title, URL string
}

// ItemView is the dot of the `item` block.
type ItemView struct {
	*ItemBody `render:"hidden"`
	slot      int // index among the items of the mail
}

// ItemBody is what everybody sees who gets a comment for the same reason.
type ItemBody struct {
	Comment CommentView
	Parent  *ParentView // nil when it answers nothing that can be shown
	Thread  ThreadView
	Reason  string // reply, subtree, thread, author or site
	Site    SiteView
}

// CommentView is one comment, safe to show.
type CommentView struct {
	Author    string
	HTML      template.HTML // sanitised and cut; for the HTML part
	Text      string        // the same as lines of text; for the text part
	Lead      string        // its first words on one line
	URL       string        // of the comment, or else of its thread; may be empty
	Published string        // such as "Mon 8 June, 10:15"
	Written   string        // the day it was written, such as "Sat 6 June"
	Late      bool          // published a day or more after it was written
	Edited    bool          // changed after it was published
	Cut       bool          // there is more at URL
}

// ParentView is what a comment answers.
type ParentView struct {
	Author  string
	Excerpt string // its first words
	URL     string
	Above   bool // it stands right above in this mail
}

// lateAfter is how long after it was written a comment counts as published
// late, which a mail then says.
const lateAfter = 12 * time.Hour

func siteView(s dispatcher.Site) SiteView {
	v := SiteView{Key: cleanLine(s.Key), Name: cleanLine(s.Name), URL: cleanURL(s.BaseURL)}
	if v.Name == "" {
		v.Name = v.Key
	}
	return v
}

func threadView(t *dispatcher.Thread) ThreadView {
	return ThreadView{Title: clip(cleanLine(t.Title), 200), URL: cleanURL(t.URL)}
}

// itemBody makes the shared view of one item. above says that the parent
// stands right above it in the mail.
func (r *Renderer) itemBody(p *plan, it *Item, thread ThreadView, above bool, zone *time.Location) *ItemBody {
	c := it.Comment
	parsed := makeBody(r.policy, c.HTML, c.Plain, maxCommentRunes)
	v := &ItemBody{Thread: thread, Reason: it.Reason.String(), Site: p.site}
	v.Comment = CommentView{
		Author:    p.author(c.AuthorName),
		HTML:      template.HTML(fold(parsed.html())), // sanitised and written by us
		Text:      parsed.text(),
		Lead:      parsed.lead(110),
		URL:       cleanURL(c.URL),
		Published: p.lang.moment(c.PublishedAt.In(zone)),
		Edited:    !c.EditedAt.IsZero(),
		Cut:       parsed.cut,
	}
	if v.Comment.URL == "" {
		v.Comment.URL = thread.URL
	}
	v.Comment.Cut = v.Comment.Cut && v.Comment.URL != ""
	if !c.WrittenAt.IsZero() {
		v.Comment.Written = p.lang.day(c.WrittenAt.In(zone))
		v.Comment.Late = c.PublishedAt.Sub(c.WrittenAt) >= lateAfter
	}
	// A removed or held parent is not quoted: nobody shall read in a mail what
	// the site no longer shows.
	if up := it.Parent; up != nil && up.State == dispatcher.Visible {
		v.Parent = &ParentView{Author: p.author(up.AuthorName), URL: cleanURL(up.URL), Above: above}
		if !above {
			quoted := makeBody(r.policy, up.HTML, up.Plain, parentRunes)
			v.Parent.Excerpt = quoted.lead(parentRunes)
		}
	}
	return v
}

func (p *plan) author(name string) string {
	if name = clip(cleanLine(name), 80); name != "" {
		return name
	}
	return p.lang.words["guest"]
}

// fill sets all of the reader's own fields of the view; the groups are set by
// assembly.
func (v *MailView) fill(p *plan, m *Mail, zone *time.Location) {
	v.Site = p.site
	v.Reader = ReaderView{Name: clip(cleanLine(m.ReaderName), 80), Address: cleanLine(m.To)}
	v.Schedule = cleanLine(m.Schedule)
	v.Since, v.Sent = "", ""
	if !m.Since.IsZero() {
		v.Since = p.lang.moment(m.Since.In(zone))
	}
	if len(m.Groups) == 0 { // only test mails tell it, so the others need not pay
		v.Sent = p.lang.moment(m.Date.In(zone))
	}
	v.MoreURL = cleanURL(m.MoreURL)
	v.Storm = m.Storm
	v.Links = LinksView{
		Unsubscribe: cleanURL(m.Links.Unsubscribe),
		Scope:       cleanLine(m.Links.Scope),
		Manage:      cleanURL(m.Links.Manage),
		View:        cleanURL(m.Links.View),
		Confirm:     cleanURL(m.Links.Confirm),
	}
	v.Data, v.Paragraphs = nil, nil
	if len(m.Data) == 0 {
		return
	}
	v.Data = make(map[string]string, len(m.Data))
	for key, val := range m.Data {
		v.Data[key] = clip(cleanLine(val), 2000)
	}
	for line := range strings.SplitSeq(cleanText(m.Data["text"]), "\n") {
		if line = clip(cleanLine(line), 4000); line != "" && len(v.Paragraphs) < 100 {
			v.Paragraphs = append(v.Paragraphs, line)
		}
	}
}
