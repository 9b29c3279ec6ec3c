package catcher

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
	"github.com/hearback/hearback/dispatcher/web"
)

// listView is the list of mails.
type listView struct {
	Base  string
	To    string // what recipients are searched for
	Rows  []row
	Count int    // all mails, whatever is searched for
	Older string // link to the next page, "" at the end
	Newer string // link to the first page, "" on it
}

type row struct {
	catcher.Summary
	Link     string
	Selected bool
	When     string
	Chip     string
}

// pageView is the whole page.
type pageView struct {
	listView
	Title string
	SMTP  string
	Mail  *mailView
}

// mailView is the one mail that is shown.
type mailView struct {
	catcher.Summary
	*catcher.Parsed
	Sender   string // the From header as it stands
	When     string
	Why      string
	View     string
	Letter   []piece // the text part
	Source   string
	Frame    string
	Eml      string
	Phone    bool
	NoDark   bool // dark was asked for and the mail has no dark look
	Views    []choice
	Widths   []choice
	Schemes  []choice
	ListLink string
}

// choice is one of several links of which one is in force.
type choice struct {
	Label, Hint, Link, Icon string
	On                      bool
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	selected, _ := strconv.ParseInt(r.FormValue("selected"), 10, 64)
	v, err := h.listView(r, selected)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.render(w, r, "list", v)
}

func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	v := pageView{Title: "Mail catcher", SMTP: h.catcher.Addr()}
	if r.PathValue("id") != "" {
		m, ok := h.get(w, r)
		if !ok {
			return
		}
		v.Mail = h.mailView(r, m)
		v.Title = m.Subject
	}
	var selected int64
	if v.Mail != nil {
		selected = v.Mail.ID
	}
	list, err := h.listView(r, selected)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	v.listView = list
	h.render(w, r, "page", v)
}

func (h *Handler) render(w http.ResponseWriter, r *http.Request, name string, view any) {
	var b bytes.Buffer // so that an error does not come behind half a page
	if err := h.pages.ExecuteTemplate(&b, name, view); err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

func (h *Handler) listView(r *http.Request, selected int64) (listView, error) {
	to := strings.TrimSpace(r.FormValue("to"))
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64)
	v := listView{Base: h.prefix, To: to}
	mails, err := h.catcher.Store().ListCaught(r.Context(), to, before, listed+1)
	if err != nil {
		return v, fmt.Errorf("list caught mails: %w", err)
	}
	if v.Count, err = h.catcher.Store().CountCaught(r.Context()); err != nil {
		return v, fmt.Errorf("count caught mails: %w", err)
	}
	if len(mails) > listed {
		mails = mails[:listed]
		v.Older = h.prefix + "/" + carried(r, listKeys(), "before", strconv.FormatInt(mails[listed-1].ID, 10))
	}
	if before > 0 {
		v.Newer = h.prefix + "/" + carried(r, listKeys(), "before", "")
	}
	keep, now := carried(r, allKeys()), h.clock.Now()
	for _, m := range mails {
		v.Rows = append(v.Rows, row{
			Summary: m, Selected: m.ID == selected, When: h.when(m.ReceivedAt, now), Chip: chip(m),
			Link: fmt.Sprintf("%s/mail/%d%s", h.prefix, m.ID, keep),
		})
	}
	return v, nil
}

func (h *Handler) mailView(r *http.Request, m catcher.Mail) *mailView {
	p := catcher.Parse(m.Raw)
	v := &mailView{Summary: m.Summary, Parsed: p, When: m.ReceivedAt.In(h.zone).Format("Mon 2 Jan 2006, 15:04:05"), Why: why(m.Summary)}
	v.Sender = m.EnvelopeFrom
	for _, header := range p.Headers {
		if strings.EqualFold(header.Name, "From") {
			v.Sender = header.Value
		}
	}
	first := "html"
	if p.HTML == "" {
		first = "text"
	}
	v.View = oneOf(r.FormValue("view"), first, "html", "text", "headers", "source")
	width, scheme := oneOf(r.FormValue("width"), "desktop", "phone"), schemeOf(r)
	v.Phone = width == "phone"
	v.NoDark = scheme == "dark" && !web.KnowsDark(p.HTML)
	at := fmt.Sprintf("%s/mail/%d", h.prefix, m.ID)
	v.Frame, v.Eml = at+"/body"+carried(r, []string{"scheme"}), at+"/mail.eml"
	v.ListLink = h.prefix + "/" + carried(r, listKeys())
	if v.View == "text" {
		v.Letter = pieces(p.Text)
	}
	if v.View == "source" {
		v.Source = strings.ToValidUTF8(string(m.Raw), "\ufffd")
	}
	link := func(key, value string) string { return at + carried(r, allKeys(), key, value) }
	for _, c := range []struct{ value, label string }{{"html", "HTML"}, {"text", "Text"}, {"headers", "Headers"}, {"source", "Source"}} {
		v.Views = append(v.Views, choice{Label: c.label, Link: link("view", c.value), On: v.View == c.value})
	}
	for _, c := range []struct{ value, label, hint string }{{"desktop", "Desktop", "as wide as the window"}, {"phone", "Phone", "375 pixels wide"}} {
		v.Widths = append(v.Widths, choice{Label: c.label, Hint: c.hint, Icon: c.value, Link: link("width", c.value), On: width == c.value})
	}
	for _, c := range []struct{ value, label, hint string }{{"auto", "Auto", "as this browser is set"}, {"light", "Light", "as a reader with a light screen sees it"}, {"dark", "Dark", "as a reader with a dark screen sees it"}} {
		v.Schemes = append(v.Schemes, choice{Label: c.label, Hint: c.hint, Icon: c.value, Link: link("scheme", c.value), On: scheme == c.value})
	}
	return v
}

// piece is a stretch of a text part, a link or not.
type piece struct{ Text, Link string }

// pieces finds the web addresses in a text, as mail programs do.
func pieces(text string) []piece {
	var ps []piece
	last := 0
	for _, at := range regexp.MustCompile(`https?://[^\s<>"]+`).FindAllStringIndex(text, -1) {
		url := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]}'”’»")
		ps = append(ps, piece{Text: text[last:at[0]]}, piece{Text: url, Link: url})
		last = at[0] + len(url)
	}
	return append(ps, piece{Text: text[last:]})
}

// when gives the time of day, with the date if it was another day.
func (h *Handler) when(at, now time.Time) string {
	at, now = at.In(h.zone), now.In(h.zone)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	return at.Format("2 Jan 15:04")
}

// chip says in a word why the mail was sent.
func chip(m catcher.Summary) string {
	switch {
	case m.Kind != "" && m.Kind != string(dispatcher.KindReply):
		return m.Kind
	case m.Reason == dispatcher.ReasonSubtree.String():
		return "conversation"
	}
	return m.Reason
}

// why says in words what the mail is for and the strongest reason in it.
func why(m catcher.Summary) string {
	words := m.Kind
	if m.Kind == string(dispatcher.KindReply) {
		words = ""
	}
	reason := ""
	switch m.Reason {
	case dispatcher.ReasonReply.String():
		reason = "it answers them"
	case dispatcher.ReasonSubtree.String():
		reason = "in a conversation they follow"
	case dispatcher.ReasonThread.String():
		reason = "in a thread they follow"
	case dispatcher.ReasonAuthor.String():
		reason = "by an author they follow"
	case dispatcher.ReasonSite.String():
		reason = "on a site they follow"
	}
	if words != "" && reason != "" {
		words += ", "
	}
	return words + reason
}
