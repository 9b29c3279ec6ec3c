package render

import (
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of what one comment may take in a mail. A longer comment is cut and
// offers to be read on at the site.
const (
	maxCommentInput = 32 << 10 // bytes of HTML that are looked at at all
	maxCommentRunes = 1500     // visible characters
	maxCommentMarks = 400      // elements
	maxCommentDepth = 8        // nested quotes and lists; deeper ones are flattened
	maxCommentLinks = 40       // links; later ones are text
	maxLinkLength   = 1000     // bytes of a link's address; longer ones are text
	parentRunes     = 160      // visible characters of what is answered
)

// kind of a node in a body.
type nodeKind uint8

const (
	nText  nodeKind = iota
	nBreak          // a line break inside a block
	nOpen
	nClose
)

// node is one step through a comment: text, or the start or end of an element.
type node struct {
	kind nodeKind
	tag  atom.Atom
	text string // of nText; of an opened link its address
	num  int    // of an opened item of a numbered list its number
	rtl  bool   // of an opened quotation: it is written from right to left
}

// body is a comment after sanitising and cutting: balanced, bounded and free
// of anything that the two writers do not know.
type body struct {
	nodes []node
	cut   bool // there was more
}

// bodyBuilder makes a body from sanitised tokens. It keeps the stack of open
// elements itself, because sanitised HTML need not be balanced.
type bodyBuilder struct {
	body
	stack []node // open elements
	left  int    // runes that may still be placed
	marks int
	links int
	space bool // white space waits for a next word
	begun bool // text stands in the present block
}

// makeBody reads a comment. Plain text keeps its lines; web addresses in it
// become links.
func makeBody(policy *bluemonday.Policy, source string, plain bool, runes int) body {
	b := &bodyBuilder{left: runes}
	if len(source) > maxCommentInput {
		source = strings.ToValidUTF8(source[:maxCommentInput], "")
		if open := strings.LastIndexByte(source, '<'); !plain && open > strings.LastIndexByte(source, '>') {
			source = source[:open] // half a tag would show
		}
		b.cut = true
	}
	source = cleanText(strings.ToValidUTF8(source, "\uFFFD"))
	if plain {
		b.plain(source)
	} else {
		b.html(policy.Sanitize(source))
	}
	b.closeTo(0)
	b.mirrored()
	return b.body
}

func (b *bodyBuilder) plain(s string) {
	for para := range strings.SplitSeq(s, "\n\n") {
		para = strings.Trim(para, "\n")
		if para == "" {
			continue
		}
		b.open(atom.P, "")
		for i, line := range strings.Split(para, "\n") {
			if i > 0 {
				b.lineBreak()
			}
			b.linkify(line)
		}
		b.close(atom.P)
		if b.left <= 0 {
			return
		}
	}
}

// linkify places plain text and makes links of the web addresses in it.
func (b *bodyBuilder) linkify(line string) {
	for line != "" && b.left > 0 {
		at := strings.Index(line, "https://")
		if h := strings.Index(line, "http://"); h >= 0 && (at < 0 || h < at) {
			at = h
		}
		if at < 0 {
			break
		}
		end := at + strings.IndexFunc(line[at:]+" ", func(r rune) bool { return strings.ContainsRune(" \t<>\"'`", r) })
		link := strings.TrimRight(line[at:end], ".,;:!?)]}")
		b.text(line[:at])
		if b.open(atom.A, link) {
			b.text(link)
			b.close(atom.A)
		} else {
			b.text(link)
		}
		line = line[at+len(link):]
	}
	b.text(line)
}

func (b *bodyBuilder) html(s string) {
	z := html.NewTokenizer(strings.NewReader(s))
	for b.left > 0 {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			b.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, attrs := z.TagName()
			b.start(atom.Lookup(name), z, attrs)
		case html.EndTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			if a == atom.Td || a == atom.Th {
				b.space = true
			}
			b.close(canonical(a))
		}
	}
	// Only text that follows makes it a cut; closing tags do not.
	for z.Next() != html.ErrorToken {
		if z.Token().Type == html.TextToken {
			b.cut = true
			return
		}
	}
}

func (b *bodyBuilder) start(a atom.Atom, z *html.Tokenizer, attrs bool) {
	arg := ""
	for attrs {
		var key, val []byte
		key, val, attrs = z.TagAttr()
		if k := string(key); k == "href" || k == "start" {
			arg = string(val)
		}
	}
	if b.marks >= maxCommentMarks { // from here on only the text counts
		b.space = true
		return
	}
	switch a {
	case atom.Br:
		b.lineBreak()
		return
	case atom.Hr:
		b.closeInline()
		return
	case atom.Td, atom.Th:
		b.space = true
	}
	if c := canonical(a); c != 0 {
		b.open(c, arg)
	}
}

// open starts an element, closing what cannot hold it. It says whether it did.
func (b *bodyBuilder) open(a atom.Atom, arg string) bool {
	b.marks++
	if !block(a) {
		b.begin()
		b.gap()
	}
	depth := 0
	for _, n := range b.stack {
		if n.tag == atom.Blockquote || n.tag == atom.Ul || n.tag == atom.Ol {
			depth++
		}
	}
	n := node{kind: nOpen, tag: a}
	switch {
	case a == atom.A:
		if b.has(atom.A) || b.links >= maxCommentLinks {
			return false
		}
		if n.text = cleanHref(arg); n.text == "" {
			return false
		}
		b.links++
	case a == atom.Li:
		b.closeItem()
		list := b.innerList()
		if list < 0 { // an item without its list is a paragraph
			b.closeInline()
			n.tag = atom.P
			break
		}
		if b.stack[list].tag == atom.Ol {
			b.stack[list].num++
			n.num = b.stack[list].num
		}
	case (a == atom.Blockquote || a == atom.Ul || a == atom.Ol) && depth >= maxCommentDepth:
		return false
	case block(a):
		b.closeInline()
		if a == atom.Ol {
			n.num = listStart(arg) - 1
		}
	case b.has(a): // bold in bold says nothing new
		return false
	}
	b.stack = append(b.stack, n)
	b.nodes = append(b.nodes, n)
	if block(n.tag) {
		b.begun, b.space = false, false
	}
	return true
}

// begin opens a paragraph for what stands in no block.
func (b *bodyBuilder) begin() {
	if len(b.stack) == 0 {
		p := node{kind: nOpen, tag: atom.P}
		b.stack = append(b.stack, p)
		b.nodes = append(b.nodes, p)
	}
}

// gap places waiting white space before an inline element, so that it stands
// outside of it.
func (b *bodyBuilder) gap() {
	if b.space && b.begun && !b.afterBreak() {
		b.nodes = append(b.nodes, node{kind: nText, text: " "})
	}
	b.space = false
}

func listStart(arg string) int {
	n := 0
	for _, c := range arg {
		if c < '0' || c > '9' || n > 99999 {
			return 1
		}
		n = n*10 + int(c-'0')
	}
	if arg == "" {
		return 1
	}
	return n
}

func (b *bodyBuilder) has(a atom.Atom) bool {
	for _, n := range b.stack {
		if n.tag == a {
			return true
		}
	}
	return false
}

// innerList gives the index of the innermost open list that no quote closes
// off, or -1.
func (b *bodyBuilder) innerList() int {
	for i := len(b.stack) - 1; i >= 0; i-- {
		switch b.stack[i].tag {
		case atom.Ul, atom.Ol:
			return i
		case atom.Blockquote:
			return -1
		}
	}
	return -1
}

// closeItem ends the open item of the innermost list.
func (b *bodyBuilder) closeItem() {
	if list := b.innerList(); list >= 0 {
		b.closeTo(list + 1)
	}
}

// closeInline ends the open paragraph and what is open inside it, so that a
// block may follow.
func (b *bodyBuilder) closeInline() {
	for i, n := range b.stack {
		if !block(n.tag) || n.tag == atom.P || n.tag == atom.H3 || n.tag == atom.Pre {
			b.closeTo(i)
			break
		}
	}
	b.begun, b.space = false, false
}

// close ends the innermost open element of the kind, and what is open in it.
func (b *bodyBuilder) close(a atom.Atom) {
	if a == 0 {
		return
	}
	for i := len(b.stack) - 1; i >= 0; i-- {
		if b.stack[i].tag == a {
			b.closeTo(i)
			return
		}
		if block(b.stack[i].tag) && !block(a) {
			return // an inline end tag does not reach through a block
		}
	}
}

func (b *bodyBuilder) closeTo(depth int) {
	for len(b.stack) > depth {
		n := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		if last := len(b.nodes) - 1; b.nodes[last].kind == nOpen {
			b.nodes = b.nodes[:last] // it stayed empty
		} else {
			b.nodes = append(b.nodes, node{kind: nClose, tag: n.tag})
		}
		if block(n.tag) {
			b.begun, b.space = false, false
		}
	}
}

func (b *bodyBuilder) lineBreak() {
	if !b.begun {
		return
	}
	// Two breaks in a row are how many sites end a paragraph; more say no more.
	if k := len(b.nodes); k >= 2 && b.nodes[k-1].kind == nBreak && b.nodes[k-2].kind == nBreak {
		return
	}
	b.marks++
	b.nodes = append(b.nodes, node{kind: nBreak})
	b.space = false
}

// text places visible text, white space folded except in pre, until the
// allowance is used up; it then cuts at a word's end.
func (b *bodyBuilder) text(s string) {
	if b.left <= 0 {
		if strings.TrimSpace(s) != "" {
			b.cut = true
		}
		return
	}
	if b.has(atom.Pre) {
		b.verbatim(s)
		return
	}
	lead := strings.TrimLeft(s, " \t\n\u00a0") != s
	words := strings.Fields(s)
	if len(words) == 0 {
		b.space = b.space || lead
		return
	}
	t := strings.Join(words, " ")
	if b.begun && (lead || b.space) && !b.afterBreak() {
		t = " " + t
	}
	b.space = strings.TrimRight(s, " \t\n\u00a0") != s
	b.place(t)
}

func (b *bodyBuilder) afterBreak() bool {
	return len(b.nodes) > 0 && b.nodes[len(b.nodes)-1].kind == nBreak
}

func (b *bodyBuilder) verbatim(s string) {
	if !b.begun {
		s = strings.TrimPrefix(s, "\n")
	}
	b.place(strings.ReplaceAll(s, "\t", "    "))
}

func (b *bodyBuilder) place(t string) {
	n := utf8.RuneCountInString(t)
	if n > b.left {
		b.cut = true
		t = clip(t, b.left)
		b.left = 0
	} else {
		b.left -= n
	}
	if t != "" {
		b.begin()
		b.nodes = append(b.nodes, node{kind: nText, text: t})
		b.begun = true
	}
}
