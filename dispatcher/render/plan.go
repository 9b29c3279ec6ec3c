package render

import (
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"strings"
	"sync/atomic"
	texttemplate "text/template"
	"text/template/parse"

	"github.com/hearback/hearback/dispatcher"
)

// Parts are the sources of one template.
type Parts = dispatcher.Parts

// executor is what text/template and html/template have in common.
type executor interface {
	ExecuteTemplate(w io.Writer, name string, data any) error
}

// part is one compiled part of a mail in two forms that give the same bytes.
type part struct {
	plain executor // the reference: the whole template
	quick *program // nil when there is only the reference
}

// plan is one template, ready for one site in one language. It never changes;
// its address stands for it in the item cache.
type plan struct {
	kind    dispatcher.Kind
	site    SiteView
	lang    *language
	version string
	stored  bool        // an override, which may be replaced by the built-in one
	failed  atomic.Bool // its failing for some mail was reported
	passing bool        // made for a check or a preview: its items are not worth keeping
	from    string      // the whole From header
	subject part
	text    part
	html    part
}

// sources are the complete texts of a template: the part itself and the layout
// it builds on, both with the words put in.
type sources struct {
	subject, text, textLayout, html, htmlLayout string
}

// needsItems says whether mails of the kind carry items.
func needsItems(k dispatcher.Kind) bool {
	return k == dispatcher.KindReply || k == dispatcher.KindDigest
}

// functions that a template may call, beside and, or, not, eq, ne, lt, le, gt,
// ge and len. What could make much out of little (printf) is not among them.
func (l *language) functions() map[string]any {
	return map[string]any{
		"cut":         cut,
		"plural":      l.plural,
		"conditional": markup, // Outlook's comments; written by the inliner only
	}
}

// compile makes a plan. Its errors are the template author's.
func compile(kind dispatcher.Kind, site dispatcher.Site, lang *language, version string, src sources) (*plan, error) {
	from, err := fromHeader(site)
	if err != nil {
		return nil, err
	}
	p := &plan{kind: kind, site: siteView(site), lang: lang, version: version, from: from}
	if err := p.compileSubject(src.subject); err != nil {
		return nil, err
	}
	if err := p.compileText(src.text, src.textLayout); err != nil {
		return nil, err
	}
	if err := p.compileHTML(src.html, src.htmlLayout); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *plan) compileSubject(source string) error {
	set, err := parseBlocks("subject", strings.TrimSpace(source))
	if err != nil {
		return err
	}
	tree := set["subject"]
	if tree == nil {
		return dispatcher.Invalid("subject", "write one line of text", "the subject is empty")
	}
	if err := checkBlocks(partSubject, p.kind, set).first(); err != nil {
		return err
	}
	t := texttemplate.New("subject").Funcs(p.lang.functions()).Option("missingkey=zero")
	for name, tree := range set {
		if _, err := t.AddParseTree(name, tree); err != nil {
			return dispatcher.Invalid("subject", "see docs/templates.md", "%v", err)
		}
	}
	p.subject = part{plain: t, quick: p.lang.translate("subject", set, false)}
	return nil
}

func (p *plan) compileText(source, layout string) error {
	set, err := parsePart("text", source, layout)
	if err != nil {
		return err
	}
	if err := checkBlocks(partText, p.kind, set).first(); err != nil {
		return err
	}
	t := texttemplate.New("text").Funcs(p.lang.functions()).Option("missingkey=zero")
	for _, name := range sortedNames(set) {
		if _, err := t.AddParseTree(name, set[name]); err != nil {
			return dispatcher.Invalid("text", "see docs/templates.md", "%v", err)
		}
	}
	p.text = part{plain: t, quick: p.lang.translate("mail", set, false)}
	return nil
}

func (p *plan) compileHTML(source, layout string) error {
	set, err := parsePart("html", source, layout)
	if err != nil {
		return err
	}
	if err := checkBlocks(partHTML, p.kind, set).first(); err != nil {
		return err
	}
	texts, err := inline(set)
	if err != nil {
		return dispatcher.Invalid("html", "write complete elements, with <tbody> in tables", "%v", err)
	}
	t, err := p.lang.escaped(texts)
	if err != nil {
		return err
	}
	trees := map[string]*parse.Tree{}
	for _, t := range t.Templates() {
		if t.Tree != nil {
			trees[t.Name()] = t.Tree
		}
	}
	p.html = part{plain: t, quick: p.lang.translate("mail", trees, true)}
	return nil
}

// escaped parses the blocks of an HTML part and lets html/template add its
// escapers at once rather than with the first mail.
func (l *language) escaped(texts map[string]string) (*htmltemplate.Template, error) {
	t := htmltemplate.New("html").Funcs(l.functions()).Option("missingkey=zero")
	for _, name := range sortedNames(texts) {
		if _, err := t.New(name).Parse(texts[name]); err != nil {
			return nil, dispatcher.Invalid("html", "see docs/templates.md", "%v", err)
		}
	}
	// Executing with a view that has nothing shows errors of escaping; other
	// errors are the samples' to find.
	err := t.ExecuteTemplate(io.Discard, "mail", &MailView{})
	if e, ok := err.(*htmltemplate.Error); ok {
		return nil, dispatcher.Invalid("html", "quote attribute values and close elements where they open", "line %d: %s", e.Line, e.Description)
	}
	return t, nil
}

// parsePart parses a part and the layout below it; the part's blocks win.
func parsePart(name, source, layout string) (blocks, error) {
	set, err := parseBlocks(name+" layout", layout)
	if err != nil {
		return nil, err
	}
	own, err := parseBlocks(name, source)
	if err != nil {
		return nil, err
	}
	maps.Copy(set, own)
	delete(set, name+" layout")
	if stray := set[name]; stray != nil {
		if !parse.IsEmptyTree(stray.Root) {
			return nil, dispatcher.Invalid(name, `put it into {{define "mail"}}…{{end}}`, "line %d: text stands outside of the blocks", lineOf(stray, stray.Root.Nodes[0]))
		}
		delete(set, name)
	}
	if set["mail"] == nil {
		return nil, dispatcher.Invalid(name, `write {{define "mail"}}…{{end}}`, "there is no block \"mail\"")
	}
	return set, nil
}

// parseBlocks parses without looking at functions; checkBlocks does that, with
// better words.
func parseBlocks(name, source string) (blocks, error) {
	if strings.IndexByte(source, 0) >= 0 {
		return nil, dispatcher.Invalid(name, "remove it", "there is a NUL character")
	}
	set := map[string]*parse.Tree{}
	t := parse.New(name)
	t.Mode = parse.SkipFuncCheck
	if _, err := t.Parse(source, "{{", "}}", set); err != nil {
		line, text := parseMessage(name, err)
		return nil, dispatcher.Invalid(name, "see docs/templates.md for what a template may hold", "line %d: %s", line, text)
	}
	return set, nil
}

// parseMessage takes "template: html:12: unexpected …" apart.
func parseMessage(name string, err error) (int, string) {
	text := strings.TrimPrefix(err.Error(), "template: ")
	rest := strings.TrimPrefix(text, name+":")
	var line int
	if n, _ := fmt.Sscanf(rest, "%d:", &line); n == 1 {
		_, text, _ = strings.Cut(rest, ":")
	}
	return line, strings.TrimSpace(text)
}

// lineOf gives the line of a node in its source, or 0.
func lineOf(t *parse.Tree, n parse.Node) int {
	at, _ := t.ErrorContext(n)
	var line int
	if i := strings.IndexByte(at, ':'); i >= 0 {
		if _, err := fmt.Sscanf(at[i+1:], "%d", &line); err != nil {
			return 0
		}
	}
	return line
}
