package render

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/hearback/hearback/dispatcher"
)

// Limits that a template must keep to be saved.
const (
	maxSource     = 100 << 10       // bytes of one part
	maxRendered   = 1 << 20         // bytes of one rendered sample part
	maxRenderTime = 2 * time.Second // for one sample
	roomForItems  = 40 << 10        // bytes of an encoded HTML part that a mail without items may take
)

// Report says what is wrong with a template: errors forbid saving it, warnings
// do not.
type Report struct {
	Errors   []Problem `json:"errors"`
	Warnings []Problem `json:"warnings"`
}

// OK says that the template may be saved.
func (r Report) OK() bool { return len(r.Errors) == 0 }

func (r *Report) fail(part string, line int, mend, format string, args ...any) {
	r.Errors = append(r.Errors, Problem{part, line, fmt.Sprintf(format, args...), mend})
}

func (r *Report) warn(part string, line int, mend, format string, args ...any) {
	r.Warnings = append(r.Warnings, Problem{part, line, fmt.Sprintf(format, args...), mend})
}

// Check looks at a template as it would be saved: it parses, follows every
// call and field, and renders samples with no, one and fifty items, from right
// to left, and with hostile texts, all in bounded time and size. The error is
// the first of the report's errors, a [dispatcher.Error] whose field is the
// part; the report has them all.
func (r *Renderer) Check(kind dispatcher.Kind, locale string, parts Parts) (Report, error) {
	var rep Report
	tag := cleanTag(locale)
	if tag == "" {
		return rep, dispatcher.Invalid("locale", `give a language such as "en" or "de-AT"`, "%q is no language", locale)
	}
	lang := r.language(tag)
	r.checkSources(&rep, kind, lang, parts)
	if rep.OK() {
		checkMarkup(&rep, parts)
	}
	if rep.OK() {
		r.checkSamples(&rep, kind, lang, parts)
	}
	if !rep.OK() {
		return rep, problems(rep.Errors).first()
	}
	return rep, nil
}

// checkSources finds what can be found without rendering.
func (r *Renderer) checkSources(rep *Report, kind dispatcher.Kind, lang *language, parts Parts) {
	for part, text := range map[string]string{partSubject: parts.Subject, partText: parts.Text, partHTML: parts.HTML} {
		if len(text) > maxSource {
			rep.fail(part, 0, "make it smaller", "the source has %d bytes, %d are allowed", len(text), maxSource)
		}
	}
	if !rep.OK() {
		return
	}
	src, err := r.sources(kind, lang, parts)
	if err != nil {
		rep.add(err)
		return
	}
	if set, err := parseBlocks(partSubject, strings.TrimSpace(src.subject)); err != nil {
		rep.add(err)
	} else {
		rep.Errors = append(rep.Errors, checkBlocks(partSubject, kind, set)...)
	}
	for _, p := range []struct{ name, source, layout string }{{partText, src.text, src.textLayout}, {partHTML, src.html, src.htmlLayout}} {
		set, err := parsePart(p.name, p.source, p.layout)
		if err != nil {
			rep.add(err)
			continue
		}
		rep.Errors = append(rep.Errors, checkBlocks(p.name, kind, set)...)
	}
	if rep.OK() {
		checkEscaping(rep, lang, src)
	}
}

// checkEscaping lets html/template look at the source as it was written, for
// its line numbers; compiling looks at it again after the style sheet was
// inlined.
func checkEscaping(rep *Report, lang *language, src sources) {
	t, err := htmltemplate.New("layout").Funcs(lang.functions()).Parse(src.htmlLayout)
	if err == nil {
		_, err = t.New("html").Parse(src.html)
	}
	if err != nil {
		rep.fail(partHTML, 0, "see docs/templates.md", "%v", err)
		return
	}
	err = t.ExecuteTemplate(&limited{}, "mail", &MailView{})
	var bad *htmltemplate.Error
	if errors.As(err, &bad) {
		rep.fail(partHTML, bad.Line, "quote attribute values and close elements where they open", "%s", bad.Description)
	}
}

// add takes an error of parsing or compiling into the report.
func (r *Report) add(err error) {
	var e *dispatcher.Error
	if !errors.As(err, &e) {
		r.fail("", 0, "", "%v", err)
		return
	}
	p := Problem{Part: e.Field, Message: e.Message, Mend: e.Mend}
	if n, _ := fmt.Sscanf(p.Message, "line %d:", &p.Line); n == 1 {
		_, p.Message, _ = strings.Cut(p.Message, ": ")
	}
	if e.Err != nil {
		p.Message += ": " + e.Err.Error()
	}
	r.Errors = append(r.Errors, p)
}

// forbidden gives the markup that a mail must not have, by the start of its
// tag: why, and the mend.
func forbidden() [][3]string {
	return [][3]string{
		{"<script", "mail readers remove scripts and distrust the mail", "remove it"},
		{"<img", "pictures track the reader and are blocked by many", "say it in words"},
		{"<form", "forms do not work in mails", "link to a page"},
		{"<iframe", "frames do not work in mails", "link to a page"},
		{"<link", "style sheets from elsewhere are not loaded", "write the rules into <style>"},
		{"<base", "it changes where links lead", "write links in full"},
		{"<object", "it does not work in mails", "link to a page"},
	}
}

func checkMarkup(rep *Report, parts Parts) {
	lower := strings.ToLower(parts.HTML)
	for _, f := range forbidden() {
		if i := strings.Index(lower, f[0]); i >= 0 {
			rep.fail(partHTML, 1+strings.Count(lower[:i], "\n"), f[2], "there is a %s>: %s", f[0], f[1])
		}
	}
	for _, word := range []string{"url(", "@import", "@font-face"} {
		if i := strings.Index(lower, word); i >= 0 {
			rep.fail(partHTML, 1+strings.Count(lower[:i], "\n"), "remove it", "%s loads something from elsewhere, which tells when the mail is read", word)
		}
	}
	if i := strings.Index(parts.Text, ".Comment.HTML"); i >= 0 {
		rep.warn(partText, 1+strings.Count(parts.Text[:i], "\n"), "use .Comment.Text", "HTML stands in the text part")
	}
}

// checkSamples renders, and looks at what came out.
func (r *Renderer) checkSamples(rep *Report, kind dispatcher.Kind, lang *language, parts Parts) {
	src, err := r.sources(kind, lang, parts)
	if err != nil {
		rep.add(err)
		return
	}
	base := Sample(kind, lang.tag, 4)
	p, err := passing(compile(kind, base.Site, lang, "check", src))
	if err != nil {
		rep.add(err)
		return
	}
	samples := []struct {
		name string
		mail *Mail
	}{
		{"no items", Sample(kind, lang.tag, 0)},
		{"one item", Sample(kind, lang.tag, 1)},
		{"four items", base},
		{"fifty items", Sample(kind, lang.tag, 50)},
		{"text from right to left", Sample(kind, "he", 5)},
		{"hostile texts", hostile(kind, lang.tag)},
		{"nothing but what must be", &Mail{Kind: kind, Site: base.Site, To: base.To, MessageID: base.MessageID, Date: base.Date, Groups: sampleGroups(englishTalks(), 1, 0)}},
	}
	for _, s := range samples {
		out, err := r.bounded(p, s.mail)
		if err != nil {
			rep.fail(err.part, 0, err.mend, "with %s: %s", s.name, err.message)
			continue
		}
		switch s.name {
		case "four items":
			checkLinks(rep, kind, s.mail, out)
		case "no items":
			if n := len(out.encoded); n > roomForItems {
				rep.fail(partHTML, 0, "make styles and texts shorter", "without any comment the HTML part takes %d KB, %d are allowed: mail programs cut what is longer than about 100 KB", n>>10, roomForItems>>10)
			}
		case "hostile texts":
			if strings.Contains(out.HTML, "<script>alert") {
				rep.fail(partHTML, 0, "let the text stand where html/template can escape it", "a script that a reader wrote would get into the mail")
			}
		}
	}
}

// Rendered is a mail as its reader's program shows it.
type Rendered struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	encoded []byte // the HTML part
}

// sampleError says what went wrong with a sample.
type sampleError struct{ part, message, mend string }

// bounded renders a mail within limits of time and size.
func (r *Renderer) bounded(p *plan, m *Mail) (Rendered, *sampleError) {
	var out Rendered
	s := r.getScratch()
	defer r.putScratch(s)
	zone := m.Zone
	if zone == nil {
		zone = time.UTC
	}
	for g := range m.Groups {
		for i := range m.Groups[g].Items {
			s.flat = append(s.flat, flatItem{item: &m.Groups[g].Items[i], group: g})
		}
	}
	s.view.fill(p, m, zone)
	if err := r.assemble(s, m, p, zone); err != nil {
		return out, failed("", err)
	}
	until := time.Now().Add(maxRenderTime)
	w := &limited{until: until}
	if err := p.subject.plain.ExecuteTemplate(w, "subject", &s.view); err != nil {
		return out, failed(partSubject, err)
	}
	out.Subject = clip(cleanLine(w.String()), maxSubject)
	s.view.Subject = out.Subject
	w = &limited{until: until}
	if err := p.text.plain.ExecuteTemplate(w, "mail", &s.view); err != nil {
		return out, failed(partText, err)
	}
	out.Text = normalize(w.String(), false)
	w = &limited{until: until}
	if err := p.html.plain.ExecuteTemplate(w, "mail", &s.view); err != nil {
		return out, failed(partHTML, err)
	}
	out.HTML = normalize(w.String(), true)
	piece := makePiece([]byte(out.HTML), true)
	out.encoded = piece.lines
	return out, nil
}

func failed(part string, err error) *sampleError {
	var e *dispatcher.Error
	if errors.As(err, &e) {
		part = e.Field
	}
	if errors.Is(err, errTooMuch) {
		return &sampleError{part, errTooMuch.Error(), "place each thing once"}
	}
	text := err.Error()
	if _, rest, ok := strings.Cut(text, ": executing "); ok {
		text = "executing " + rest
	}
	return &sampleError{part, text, "see docs/templates.md"}
}

var errTooMuch = errors.New("it takes too long or makes too much text")

// limited collects output up to a size and a time.
type limited struct {
	strings.Builder
	until time.Time
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxRendered || !l.until.IsZero() && time.Now().After(l.until) {
		return 0, errTooMuch
	}
	return l.Builder.Write(p)
}

// checkLinks looks for what every mail must offer.
func checkLinks(rep *Report, kind dispatcher.Kind, m *Mail, out Rendered) {
	if out.Subject == "" {
		rep.fail(partSubject, 0, "write one line of text", "the subject is empty")
	}
	must := map[string]string{}
	switch kind {
	case dispatcher.KindReply, dispatcher.KindDigest:
		must[".Links.Unsubscribe"] = m.Links.Unsubscribe
	case dispatcher.KindConfirm:
		must[".Links.Confirm"] = m.Links.Confirm
	case dispatcher.KindLink:
		must[".Links.Manage"] = m.Links.Manage
	}
	shown := visibleLinks(out.HTML)
	for field, link := range must {
		if !strings.Contains(out.Text, "\n"+link+"\n") {
			rep.fail(partText, 0, "place {{"+field+"}} on a line of its own", "the text part does not show %s", field)
		}
		if !shown[link] {
			rep.fail(partHTML, 0, `write a visible <a href="{{`+field+`}}">…</a>`, "the HTML part shows no link to %s", field)
		}
	}
	if !needsItems(kind) {
		return
	}
	if !shown[m.Links.Manage] {
		rep.warn(partHTML, 0, `add <a href="{{.Links.Manage}}">…</a>`, "readers find no way to change what they get")
	}
	for _, it := range m.Groups[0].Items {
		if !shown[it.Comment.URL] {
			rep.warn(partHTML, 0, `add <a href="{{.Comment.URL}}">…</a> to the block "item"`, "comments have no link to answer them")
			break
		}
	}
	if !strings.Contains(out.HTML, "prefers-color-scheme") {
		rep.warn(partHTML, 0, "start from the built-in template, or add @media (prefers-color-scheme:dark)", "there is no dark mode")
	}
}

// hiding finds styles that keep text from being seen.
const hiding = `display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(\D|$)|font-size\s*:\s*[01](px|pt|em)?\s*(;|$)|mso-hide\s*:\s*all`

// visibleLinks gives the addresses of links that have text and are not hidden.
func visibleLinks(page string) map[string]bool {
	out := map[string]bool{}
	hides := regexp.MustCompile(hiding)
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return out
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.DataAtom != atom.A || !hasText(n) || hidden(n, hides) {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "href" {
				out[a.Val] = true
			}
		}
	}
	return out
}

func hasText(n *html.Node) bool {
	for d := range n.Descendants() {
		if d.Type == html.TextNode && strings.TrimSpace(d.Data) != "" {
			return true
		}
	}
	return false
}

func hidden(n *html.Node, hides *regexp.Regexp) bool {
	for ; n != nil; n = n.Parent {
		for _, a := range n.Attr {
			if a.Key == "hidden" || a.Key == "style" && hides.MatchString(strings.ToLower(a.Val)) {
				return true
			}
		}
	}
	return false
}
