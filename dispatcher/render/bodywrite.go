package render

import (
	"html"
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
)

// html writes the body for the HTML part. Every line it writes may be joined
// with its neighbours and lose its indentation without changing what is seen.
func (b body) html() string {
	var w strings.Builder
	pre := false
	type link struct {
		href string
		from int
	}
	var open link
	for i, n := range b.nodes {
		switch n.kind {
		case nBreak:
			w.WriteString("<br>\n")
		case nText:
			t := html.EscapeString(n.text)
			if pre {
				t = preText(t)
			}
			w.WriteString(t)
		case nOpen:
			switch n.tag {
			case atom.Pre:
				pre = true
			case atom.A:
				open = link{n.text, i}
			}
			w.WriteString(openTag(n))
		case nClose:
			switch n.tag {
			case atom.Pre:
				pre = false
			case atom.A:
				w.WriteString("</a>")
				if host := unseenHost(open.href, b.nodes[open.from+1:i]); host != "" {
					w.WriteString(" (<bdi>" + html.EscapeString(host) + "</bdi>)")
				}
				continue
			}
			w.WriteString(closeTag(n))
		}
	}
	return strings.TrimSpace(w.String())
}

// openTag writes the start of an element without styles of its own: they stand
// once, in the head of the layout, and where a program drops that the browser's
// own are good enough. Quotations get a class for the side of their bar.
func openTag(n node) string {
	switch n.tag {
	case atom.H3:
		return "<p><b>"
	case atom.Blockquote:
		if n.rtl {
			return "<blockquote class=r>"
		}
		return "<blockquote class=l>"
	case atom.Pre:
		return "<div class=code dir=ltr>"
	case atom.Ol:
		if n.num != 0 {
			return "<ol start=" + strconv.Itoa(n.num+1) + ">"
		}
	case atom.A:
		return `<a href="` + html.EscapeString(n.text) + `">`
	}
	return "<" + n.tag.String() + ">"
}

func closeTag(n node) string {
	switch n.tag {
	case atom.H3:
		return "</b></p>\n"
	case atom.Pre:
		return "</div>\n"
	}
	if block(n.tag) {
		return "</" + n.tag.String() + ">\n"
	}
	return "</" + n.tag.String() + ">"
}

// preText keeps lines and indentation without relying on white-space rules,
// which mail readers drop.
func preText(t string) string {
	t = strings.ReplaceAll(t, "\n ", "\n\u00a0")
	t = strings.ReplaceAll(t, "  ", " \u00a0")
	return strings.ReplaceAll(t, "\n", "<br>\n")
}

// unseenHost gives the host of a link when its text does not show it, so that
// a link cannot pretend to lead elsewhere.
func unseenHost(href string, inside []node) string {
	host := hostOf(href)
	if host == "" {
		return strings.TrimPrefix(href, "mailto:")
	}
	var text strings.Builder
	for _, n := range inside {
		if n.kind == nText {
			text.WriteString(n.text)
		}
	}
	shown := strings.ToLower(strings.TrimSpace(text.String()))
	shown = strings.TrimPrefix(strings.TrimPrefix(shown, "https://"), "http://")
	shown = strings.TrimPrefix(shown, "www.")
	if shown == host || strings.HasPrefix(shown, host+"/") {
		return ""
	}
	return host
}

// textWriter writes a body as lines of a letter: quotes with "> ", lists with
// bullets, links in full on lines of their own. Lines are wrapped later, when
// they are encoded.
type textWriter struct {
	lines  []string
	line   strings.Builder
	prefix []string // of the open quotes and lists
	bullet string   // stands in place of prefix[at] in the next line only
	at     int
	gap    bool     // a blank line is due before the next line
	depth  int      // of the prefix that the blank line repeats
	links  []string // to write when the paragraph ends
}

// text writes the body for the text part: lines without a line break at the
// end.
func (b body) text() string {
	w := &textWriter{}
	var href string
	from := 0
	for i, n := range b.nodes {
		switch n.kind {
		case nBreak:
			if w.line.Len() == 0 {
				w.gap, w.depth = true, len(w.prefix)
			}
			w.end()
		case nText:
			w.write(n.text)
		case nOpen:
			switch {
			case n.tag == atom.A:
				href, from = n.text, i
			case n.tag == atom.Blockquote:
				w.start("> ")
			case n.tag == atom.Ul || n.tag == atom.Ol:
				w.start("")
			case n.tag == atom.Li:
				w.item(n.num)
			case block(n.tag):
				w.start("")
			case n.tag == atom.B:
				w.line.WriteString("*")
			case n.tag == atom.Q:
				w.line.WriteString("“")
			}
		case nClose:
			switch {
			case n.tag == atom.A:
				w.link(href, b.nodes[from+1:i])
			case block(n.tag):
				w.stop(n.tag == atom.Li)
			case n.tag == atom.B:
				w.line.WriteString("*")
			case n.tag == atom.Q:
				w.line.WriteString("”")
			}
		}
	}
	w.end()
	return strings.Join(w.lines, "\n")
}

func (w *textWriter) write(s string) {
	for i, l := range strings.Split(s, "\n") { // line breaks stand in pre only
		if i > 0 {
			w.emit()
		}
		w.line.WriteString(l)
	}
}

func (w *textWriter) start(prefix string) {
	w.end()
	w.prefix = append(w.prefix, prefix)
}

func (w *textWriter) item(num int) {
	w.end()
	w.bullet = "- "
	if num > 0 {
		w.bullet = strconv.Itoa(num) + ". "
	}
	w.at = len(w.prefix)
	w.prefix = append(w.prefix, strings.Repeat(" ", len(w.bullet)))
}

func (w *textWriter) stop(item bool) {
	w.end()
	if len(w.prefix) > 0 {
		w.prefix = w.prefix[:len(w.prefix)-1]
	}
	if item {
		w.bullet = ""
		return
	}
	w.gap, w.depth = true, len(w.prefix)
}

func (w *textWriter) link(href string, inside []node) {
	var text strings.Builder
	for _, n := range inside {
		if n.kind == nText {
			text.WriteString(n.text)
		}
	}
	address := strings.TrimPrefix(href, "mailto:")
	if strings.TrimSpace(text.String()) != address {
		w.links = append(w.links, address)
	}
}

// end ends the present line and writes the links that stood in it.
func (w *textWriter) end() {
	if w.line.Len() > 0 {
		w.emit()
	}
	links := w.links
	w.links = nil
	for _, l := range links {
		w.line.WriteString(l)
		w.emit()
	}
}

func (w *textWriter) emit() {
	if w.gap && len(w.lines) > 0 {
		outer := w.prefix[:min(w.depth, len(w.prefix))]
		w.lines = append(w.lines, strings.TrimRight(strings.Join(outer, ""), " "))
	}
	w.gap = false
	prefix := strings.Join(w.prefix, "")
	if w.bullet != "" {
		prefix = strings.Join(w.prefix[:w.at], "") + w.bullet + strings.Join(w.prefix[w.at+1:], "")
		w.bullet = ""
	}
	w.lines = append(w.lines, strings.TrimRight(prefix+w.line.String(), " "))
	w.line.Reset()
}

// lead gives the first words of the body on one line: for preheaders and for
// quoting what is answered.
func (b body) lead(runes int) string {
	var t strings.Builder
	for _, n := range b.nodes {
		switch {
		case n.kind == nText:
			t.WriteString(n.text)
		case n.kind == nBreak, block(n.tag):
			t.WriteByte(' ')
		}
		if t.Len() > runes*4 {
			break
		}
	}
	s := clip(cleanLine(t.String()), runes)
	if b.cut && !strings.HasSuffix(s, "…") {
		s += "…"
	}
	return s
}
