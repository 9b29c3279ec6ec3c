package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isBidiControl tells the characters that change the direction of what
// follows. Unbalanced ones in a name would turn the sender's own words around,
// so they go; the marks U+200E and U+200F reach no further than themselves.
func isBidiControl(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// plainASCII says that s needs no cleaning at all; most strings are so.
func plainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// cleanLine makes one line of s: no line break or control character survives,
// runs of white space become one space, invalid UTF-8 becomes U+FFFD. Header
// values, names and titles pass through it.
func cleanLine(s string) string {
	if plainASCII(s) && !strings.Contains(s, "  ") {
		return strings.Trim(s, " ")
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r), r == 0x2028, r == 0x2029, unicode.IsControl(r):
			space = true
			continue
		case isBidiControl(r), r == 0xfeff:
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// cleanText keeps line breaks and tabs of s and removes what cleanLine
// removes.
func cleanText(s string) string {
	ok := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' || c >= 0x7f {
			ok = false
			break
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				b.WriteByte('\n')
			}
		case r == 0x2028, r == 0x2029, r == 0x85:
			b.WriteByte('\n')
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case unicode.IsControl(r), isBidiControl(r), r == 0xfeff:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cleanURL gives u when it is a full web address that can stand in a mail, or
// "".
func cleanURL(u string) string {
	if len(u) > 2000 || !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		return ""
	}
	ascii := true
	for i := 0; i < len(u); i++ {
		switch c := u[i]; {
		case c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' || c == '\\' || c == '`':
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if !ascii && (!utf8.ValidString(u) || strings.ContainsFunc(u, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || isBidiControl(r)
	})) {
		return ""
	}
	return u
}

// clip cuts s after at most n runes, at a word's end where one is near, and
// then adds "…".
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	count, cut := 0, -1
	for i := range s {
		if count == n {
			cut = i
			break
		}
		count++
	}
	if cut < 0 {
		return s
	}
	t := s[:cut]
	if i := strings.LastIndexByte(t, ' '); i > len(t)*3/4 {
		t = t[:i]
	}
	return strings.TrimRight(t, " ,.;:–-") + "…"
}
