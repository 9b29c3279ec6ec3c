package source

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/hearback/hearback/dispatcher"
)

// maxText bounds a comment's text so that its event stays within
// [dispatcher.MaxPayload] after JSON has escaped it.
const maxText = 40 << 10

// tidy makes what a site said fit what an event may say: one odd field must
// not keep a whole comment from being told of.
func tidy(c *Comment) {
	c.HTML, c.Text = clean(c.HTML), clean(c.Text)
	if c.HTML != "" {
		c.Text = ""
		if len(c.HTML) > maxText {
			// Cut as text: markup cut in the middle says something else.
			c.HTML, c.Text = "", PlainText(c.HTML)
		}
	}
	c.Text = clip(c.Text, maxText)
	if c.HTML == "" && c.Text == "" {
		c.HTML = "<p></p>" // a comment of nothing but what the site has stripped
	}
	c.Thread.Title = clipRunes(oneLine(c.Thread.Title), dispatcher.MaxTitle)
	c.Author.Name = clipRunes(oneLine(c.Author.Name), dispatcher.MaxName)
	c.URL, c.Thread.URL = webURL(c.URL), webURL(c.Thread.URL)
	if c.ParentID == c.ID {
		c.ParentID = ""
	}
	if len(c.Author.ID) > dispatcher.MaxID {
		c.Author.ID = ""
	}
	c.WrittenAt, c.PublishedAt, c.UpdatedAt = c.WrittenAt.UTC(), c.PublishedAt.UTC(), c.UpdatedAt.UTC()
}

// clean drops what PostgreSQL and JSON cannot keep.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(clean(s), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// clip cuts at a rune's edge, to at most n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func clipRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// webURL gives the address as an event may carry it, or "".
func webURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(clean(s)))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	if s = u.String(); len(s) > dispatcher.MaxURL || strings.ContainsAny(s, "<>\" \t\r\n") {
		return ""
	}
	return s
}

// hashText is the fingerprint by which edits are noticed. It leaves out markup
// and white space: a site's filters change those without anybody's editing.
func hashText(markup, text string) string {
	if markup != "" {
		text = PlainText(markup)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	return hashParts(text)
}

func hashParts(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// PlainText gives the text of some HTML: without markup, scripts and styles,
// pictures by their alternative text.
func PlainText(markup string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(markup))
	skip := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if skip == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "script", "style":
				if t.Type == html.StartTagToken {
					skip++
				}
			case "img":
				for _, a := range t.Attr {
					if a.Key == "alt" {
						b.WriteString(a.Val)
					}
				}
			case "br", "p", "div", "li", "blockquote":
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); skip > 0 && (string(name) == "script" || string(name) == "style") {
				skip--
			}
		}
	}
}
