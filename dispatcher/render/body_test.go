package render

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestCommentsAreReadableInBothParts(t *testing.T) {
	policy := sanitizer()
	long := strings.Repeat("word ", 400)
	for _, c := range []struct{ name, source, html, text string }{
		{"a paragraph", "<p>Hello <b>you</b>, there</p>", `<p>Hello <b>you</b>, there</p>`, "Hello *you*, there"},
		{"bare text", "Hello<br>you", `<p>Hello<br>` + "\n" + `you</p>`, "Hello\nyou"},
		{"two breaks", "one<br><br>two", `<p>one<br>` + "\n<br>\n" + `two</p>`, "one\n\ntwo"},
		{"a quote and an answer", "<blockquote><p>so?</p><p>really</p></blockquote><p>yes</p>", `<blockquote class=l><p>so?</p>` + "\n" + `<p>really</p>` + "\n</blockquote>\n" + `<p>yes</p>`, "> so?\n>\n> really\n\nyes"},
		{"a quote from right to left", "<blockquote><blockquote>12: שלום</blockquote></blockquote>yes", "<blockquote class=r><blockquote class=r>12: שלום</blockquote>\n</blockquote>\n<p>yes</p>", "> > 12: שלום\n\nyes"},
		{"an empty quote and a full one", "<blockquote>…</blockquote><blockquote>שלום</blockquote>", "<blockquote class=l>…</blockquote>\n<blockquote class=r>שלום</blockquote>", ""},
		{"a list", "<ul><li>one</li><li><p>two</p><ul><li>deep</li></ul></li></ul>end", "", "- one\n- two\n\n  - deep\n\nend"},
		{"a numbered list", "<ol start=3><li>c<li>d</ol>", "", "3. c\n4. d"},
		{"a quote in a list", "<ul><li><blockquote>q</blockquote></li></ul>", "", "- > q"},
		{"code", "<pre><code>if x {\n\ty()\n}</code></pre>", `<div class=code dir=ltr><code>if x {<br>` + "\n\u00a0 \u00a0 y()<br>\n" + `}</code></div>`, "if x {\n    y()\n}"},
		{"a link", `see <a href="https://www.example.org/a?b=1&amp;c=2">this</a> now`, `<p>see <a href="https://www.example.org/a?b=1&amp;c=2">this</a> (<bdi>example.org</bdi>) now</p>`, "see this now\nhttps://www.example.org/a?b=1&c=2"},
		{"a link that shows itself", `<a href="https://example.org/x">https://example.org/x</a>`, `<p><a href="https://example.org/x">https://example.org/x</a></p>`, "https://example.org/x"},
		{"a link that lies", `<a href="https://evil.example/">https://bank.example/</a>`, `<p><a href="https://evil.example/">https://bank.example/</a> (<bdi>evil.example</bdi>)</p>`, "https://bank.example/\nhttps://evil.example/"},
		{"a link with look-alike letters", `<a href="https://exаmple.org/">example.org</a>`, `(<bdi>xn--exmple-4nf.org</bdi>)`, ""},
		{"a script link", `<a href="javascript:alert(1)">x</a>`, `<p>x</p>`, "x"},
		{"a picture", `a<img src="https://x.example/t.gif" alt="cat">b`, `<p>ab</p>`, "ab"},
		{"a script", `a<script>alert(1)</script>b<style>c</style>`, `<p>ab</p>`, "ab"},
		{"a table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", `<p>a b</p>` + "\n" + `<p>c</p>`, "a b\n\nc"},
		{"broken nesting", "</p></div><b>x<p>y</b>z", "", "*x*\n\nyz"},
		{"white space", "<p>  a \n  b&nbsp; </p>\n\n", `<p>a b</p>`, "a b"},
		{"entities", "<p>a &lt;b&gt; &amp; c</p>", `<p>a &lt;b&gt; &amp; c</p>`, "a <b> & c"},
		{"controls", "<p>a\u202eb\x00c</p>", `<p>abc</p>`, "abc"},
		{"a long one", "<p>" + long + "</p>", "", ""},
	} {
		b := makeBody(policy, c.source, false, maxCommentRunes)
		page := b.html()
		if c.html != "" && page != c.html && !(strings.HasPrefix(c.html, "(") && strings.Contains(page, c.html)) {
			t.Errorf("%s, HTML:\ngot  %q\nwant %q", c.name, page, c.html)
		}
		if c.text != "" && b.text() != c.text {
			t.Errorf("%s, text:\ngot  %q\nwant %q", c.name, b.text(), c.text)
		}
		if b.cut != (c.name == "a long one") {
			t.Errorf("%s: cut is %v", c.name, b.cut)
		}
	}
}

func TestPlainCommentsKeepTheirLinesAndLinks(t *testing.T) {
	b := makeBody(sanitizer(), "Hi <you>,\nsee https://example.org/a_(b).\n\nBye", true, maxCommentRunes)
	if got, want := b.text(), "Hi <you>,\nsee https://example.org/a_(b).\n\nBye"; got != want {
		t.Errorf("text %q", got)
	}
	if page := b.html(); !strings.Contains(page, "Hi &lt;you&gt;,<br>") || !strings.Contains(page, `href="https://example.org/a_(b"`) {
		t.Errorf("page %q", page)
	}
}

func TestLongCommentsAreCutAtAWord(t *testing.T) {
	b := makeBody(sanitizer(), "<p>"+strings.Repeat("hammer ", 1000)+"</p><p>never seen</p>", false, 100)
	if text := b.text(); !b.cut || len(text) > 105 || !strings.HasSuffix(text, "hammer…") {
		t.Errorf("cut %v, %q", b.cut, text)
	}
	if b = makeBody(sanitizer(), "<p>"+strings.Repeat("x", 100)+"</p></div>", false, 100); b.cut {
		t.Error("a comment that just fits counts as cut")
	}
	if b = makeBody(sanitizer(), strings.Repeat("<b></b>", 100000)+"end", false, 100); !b.cut || len(b.nodes) > 0 {
		t.Errorf("markup without text made %d nodes, cut %v", len(b.nodes), b.cut)
	}
	if b = makeBody(sanitizer(), strings.Repeat("<blockquote><ul><li>", 1000)+"bottom", false, 100); !strings.HasSuffix(b.text(), "- bottom") || len(b.nodes) > 5*maxCommentDepth {
		t.Errorf("deep nesting hides the text: %q", b.text())
	}
}

// FuzzComment checks what must hold for the HTML of any comment.
func FuzzComment(f *testing.F) {
	for _, s := range fragments() {
		f.Add(s)
	}
	policy := sanitizer()
	allowed := " p b bdi i s u ins sub sup q code div blockquote ul ol li a br "
	f.Fuzz(func(t *testing.T, source string) {
		b := makeBody(policy, source, false, 300)
		page := b.html()
		if len(page) > 200<<10 {
			t.Fatalf("%d bytes", len(page))
		}
		var open []string
		z := html.NewTokenizer(strings.NewReader(page))
		for tt := z.Next(); tt != html.ErrorToken; tt = z.Next() {
			tok := z.Token()
			switch tt {
			case html.StartTagToken:
				if !strings.Contains(allowed, " "+tok.Data+" ") {
					t.Fatalf("element %q in %q", tok.Data, page)
				}
				for _, a := range tok.Attr {
					if !strings.Contains(" class style dir href start ", " "+a.Key+" ") {
						t.Fatalf("attribute %q", a.Key)
					}
					if a.Key == "href" && !strings.HasPrefix(a.Val, "http") && !strings.HasPrefix(a.Val, "mailto:") {
						t.Fatalf("link to %q", a.Val)
					}
				}
				if tok.Data != "br" {
					open = append(open, tok.Data)
				}
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != tok.Data {
					t.Fatalf("</%s> closes %v in %q", tok.Data, open, page)
				}
				open = open[:len(open)-1]
			case html.CommentToken, html.DoctypeToken:
				t.Fatalf("%q", page)
			}
		}
		if len(open) > 0 {
			t.Fatalf("%v left open in %q", open, page)
		}
		if strings.ContainsAny(b.text(), "\x00\r\u202e") || strings.ContainsAny(page, "\x00\r\u202e") {
			t.Fatal("a control character survived")
		}
	})
}
