package render

import (
	"net/url"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/idna"
)

// sanitizer is what may stand in a comment. Layout elements pass so that their
// text does not run together; the writers turn them into breaks.
func sanitizer() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "div", "section", "article", "header", "footer", "figure", "figcaption",
		"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code", "kbd", "samp",
		"b", "strong", "i", "em", "u", "s", "del", "strike", "ins", "q", "cite", "sub", "sup",
		"table", "thead", "tbody", "tfoot", "tr", "td", "th", "details", "summary", "span")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	return p
}

// canonical folds the elements that may pass into the few that the writers
// know; zero drops the element and keeps its content.
func canonical(a atom.Atom) atom.Atom {
	switch a {
	case atom.B, atom.Strong, atom.Th, atom.Dt, atom.Summary:
		return atom.B
	case atom.I, atom.Em, atom.Cite:
		return atom.I
	case atom.S, atom.Del, atom.Strike:
		return atom.S
	case atom.Code, atom.Kbd, atom.Samp:
		return atom.Code
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return atom.H3
	case atom.P, atom.Div, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Figure, atom.Figcaption,
		atom.Tr, atom.Dd, atom.Details:
		return atom.P
	case atom.A, atom.Blockquote, atom.Pre, atom.Ul, atom.Ol, atom.Li, atom.U, atom.Ins, atom.Sub, atom.Sup, atom.Q:
		return a
	}
	return 0
}

// block says that an element stands on lines of its own.
func block(a atom.Atom) bool {
	switch a {
	case atom.P, atom.H3, atom.Blockquote, atom.Pre, atom.Ul, atom.Ol, atom.Li:
		return true
	}
	return false
}

// cleanHref gives a link's address when it may stand in a mail, or "".
func cleanHref(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxLinkLength {
		return ""
	}
	if rest, ok := strings.CutPrefix(s, "mailto:"); ok {
		if rest == "" || strings.ContainsAny(rest, "?&\"<> \\") || !plainASCII(rest) {
			return ""
		}
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	return cleanURL(s)
}

// hostOf gives the host that a link leads to, as a reader should see it: in
// its ASCII form, so that look-alike letters show.
func hostOf(href string) string {
	u, err := url.Parse(href)
	if err != nil || u.Host == "" {
		return ""
	}
	h, err := idna.Punycode.ToASCII(u.Hostname())
	if err != nil {
		h = u.Hostname()
	}
	return strings.TrimPrefix(strings.ToLower(h), "www.")
}
