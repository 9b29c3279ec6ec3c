package render

import (
	"html/template"
	"strings"
)

// escape gives the escapers that html/template adds, as far as mails need
// them. The property test compares their output with its own.
func escape(name string, args []expr) (expr, error) {
	if len(args) != 1 {
		return expr{}, errNotQuick
	}
	a := args[0]
	var f func(string) string
	switch name {
	case "_html_template_htmlescaper", "_html_template_attrescaper", "_html_template_rcdataescaper":
		if a.typ == tInt || a.typ == tHTML && name == "_html_template_htmlescaper" {
			return a, nil
		}
		f = escapeHTML
	case "_html_template_urlfilter":
		f = filterURL
	case "_html_template_urlnormalizer":
		f = normalizeURL
	}
	if f == nil || a.typ != tString {
		return expr{}, errNotQuick
	}
	return expr{tString, func(m *machine) val { return val{s: f(a.get(m).s)} }}, nil
}

func escapeHTML(s string) string {
	i := strings.IndexAny(s, "\x00\"&'+<>")
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		switch c := s[i]; c {
		case 0:
			b.WriteString("\uFFFD")
		case '"':
			b.WriteString("&#34;")
		case '&':
			b.WriteString("&amp;")
		case '\'':
			b.WriteString("&#39;")
		case '+':
			b.WriteString("&#43;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func filterURL(s string) string {
	if protocol, _, ok := strings.Cut(s, ":"); ok && !strings.Contains(protocol, "/") &&
		!strings.EqualFold(protocol, "http") && !strings.EqualFold(protocol, "https") && !strings.EqualFold(protocol, "mailto") {
		return "#ZgotmplZ"
	}
	return s
}

func normalizeURL(s string) string {
	i := 0
	for i < len(s) && urlSafe(s, i) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:i])
	const hex = "0123456789abcdef"
	for ; i < len(s); i++ {
		if urlSafe(s, i) {
			b.WriteByte(s[i])
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[s[i]>>4])
			b.WriteByte(hex[s[i]&15])
		}
	}
	return b.String()
}

func urlSafe(s string, i int) bool {
	switch c := s[i]; {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	case c == '%':
		return i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
	default:
		return strings.IndexByte("!#$&*+,/:;=?@[]-._~", c) >= 0
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// markup is what conditional comments are to html/template.
func markup(s string) template.HTML { return template.HTML(s) }
