package render

import (
	"encoding/base64"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/hearback/hearback/dispatcher"
)

// headerWidth is how long a header line is made, RFC 5322 §2.1.1 and RFC 2047
// §2. Only what cannot be folded (List-Unsubscribe, long ids) exceeds it.
const headerWidth = 76

// appendText appends an unstructured header: as it is when it is short ASCII,
// else as encoded words of RFC 2047. value must be one clean line.
func appendText(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	if foldable(value) {
		dst = appendFolded(dst, len(name)+2, value)
	} else {
		dst = appendWords(dst, len(name)+2, value)
	}
	return append(dst, "\r\n"...)
}

// foldable says that value can stand unencoded: printable ASCII, nothing that
// reads as an encoded word, and no word that would not fit a line.
func foldable(value string) bool {
	word := 0
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ' ':
			word = 0
		case c < ' ' || c >= 0x7f:
			return false
		default:
			word++
		}
		if word > 60 {
			return false
		}
	}
	return !strings.Contains(value, "=?")
}

func appendFolded(dst []byte, col int, value string) []byte {
	for i := 0; ; {
		j := strings.IndexByte(value[i:], ' ')
		word := value[i:]
		if j >= 0 {
			word = value[i : i+j]
		}
		if i > 0 {
			if col+1+len(word) > headerWidth {
				dst = append(dst, "\r\n"...)
				col = 0
			}
			dst = append(dst, ' ')
			col++
		}
		dst = append(dst, word...)
		col += len(word)
		if j < 0 {
			return dst
		}
		i += j + 1
	}
}

// wordSafe tells what may stand unencoded in a Q-encoded word anywhere, also
// in a phrase, RFC 2047 §5 (3).
func wordSafe(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '!' || c == '*' || c == '+' || c == '-' || c == '/'
}

// appendWords appends value as encoded words, in the shorter of the two
// encodings, cut between characters and folded.
func appendWords(dst []byte, col int, value string) []byte {
	q := 0
	for i := 0; i < len(value); i++ {
		if c := value[i]; wordSafe(c) || c == ' ' {
			q++
		} else {
			q += 3
		}
	}
	base := q > (len(value)+2)/3*4
	const frame = len("=?UTF-8?Q??=")
	for first := true; first || value != ""; first = false {
		room := 75 - frame
		if first {
			room = max(headerWidth-col-frame, 16)
		} else {
			dst = append(dst, "\r\n "...)
		}
		n := fit(value, room, base)
		if base {
			dst = append(dst, "=?UTF-8?B?"...)
			dst = base64.StdEncoding.AppendEncode(dst, []byte(value[:n]))
		} else {
			dst = append(dst, "=?UTF-8?Q?"...)
			for i := 0; i < n; i++ {
				switch c := value[i]; {
				case c == ' ':
					dst = append(dst, '_')
				case wordSafe(c):
					dst = append(dst, c)
				default:
					dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
				}
			}
		}
		dst = append(dst, "?="...)
		value = value[n:]
	}
	return dst
}

// fit gives how many bytes of value, whole characters and at least one, fill
// room bytes of an encoded word.
func fit(value string, room int, base bool) int {
	used, n := 0, 0
	for n < len(value) {
		_, size := utf8.DecodeRuneInString(value[n:])
		if base {
			used = (n + size + 2) / 3 * 4
		} else {
			for _, c := range []byte(value[n : n+size]) {
				if wordSafe(c) || c == ' ' {
					used++
				} else {
					used += 3
				}
			}
		}
		if used > room && n > 0 {
			return n
		}
		n += size
	}
	return n
}

// appendMailbox appends "Name <address>". The address has been checked.
func appendMailbox(dst []byte, col int, name, address string) []byte {
	if name != "" {
		start := len(dst)
		dst = appendPhrase(dst, col, name)
		if i := lastBreak(dst[start:]); i >= 0 {
			col = len(dst) - start - i
		} else {
			col += len(dst) - start
		}
		if col+len(address)+3 > headerWidth {
			dst = append(dst, "\r\n"...)
		}
		dst = append(dst, ' ')
	}
	dst = append(dst, '<')
	dst = append(dst, address...)
	return append(dst, '>')
}

// lastBreak gives where the last line of b begins, or -1 for the only one.
func lastBreak(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == '\n' {
			return i + 1
		}
	}
	return -1
}

// appendPhrase appends a display name, RFC 5322 §3.2.5: bare, quoted or as
// encoded words.
func appendPhrase(dst []byte, col int, name string) []byte {
	if !foldable(name) || len(name) > headerWidth-col {
		return appendWords(dst, col, name)
	}
	bare := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; !wordSafe(c) && c != ' ' && c != '_' && c != '&' && c != '\'' {
			bare = false
		}
	}
	if bare {
		return append(dst, name...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(name); i++ {
		if name[i] == '"' || name[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, name[i])
	}
	return append(dst, '"')
}

// fromHeader makes the From header of a site, once per plan.
func fromHeader(site dispatcher.Site) (string, error) {
	a, err := mail.ParseAddress(site.From)
	if err != nil {
		return "", dispatcher.Invalid("site.from", `write "Name <address>"`, "%q is no mailbox: %v", site.From, err)
	}
	address, _, ok := headerAddress(a.Address)
	if !ok {
		return "", dispatcher.Invalid("site.from", `write "Name <address>" with a plain address`, "%q cannot be a sender", site.From)
	}
	name := cleanLine(a.Name)
	if name == "" {
		name = cleanLine(site.Name)
	}
	dst := appendMailbox([]byte("From: "), len("From: "), clip(name, 150), address)
	return string(dst) + "\r\n", nil
}

// headerAddress gives an address as it stands in a header: the domain in its
// ASCII form, no quoted parts. utf8 says that it needs SMTPUTF8.
func headerAddress(s string) (address string, utf8Needed, ok bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254+64 {
		return "", false, false
	}
	local, domain := s[:at], s[at+1:]
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte(`()<>[]:;,@\"`, c) >= 0 {
			return "", false, false
		}
		utf8Needed = utf8Needed || c >= utf8.RuneSelf
	}
	if utf8Needed && (!utf8.ValidString(local) || cleanLine(local) != local) {
		return "", false, false
	}
	if domain == "" || !plainASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil || ascii == "" {
			return "", false, false
		}
		domain = ascii
		return local + "@" + domain, utf8Needed, domainChars(domain)
	}
	return s, utf8Needed, domainChars(domain)
}

func domainChars(domain string) bool {
	for i := 0; i < len(domain); i++ {
		c := domain[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return domain != "" && len(domain) <= 253
}

// messageID checks an id and takes its angle brackets off.
func messageID(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	if len(s) < 3 || len(s) > 400 {
		return "", false
	}
	at := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || c == '<' || c == '>':
			return "", false
		case c == '@':
			at = i
		}
	}
	return s, at > 0 && at < len(s)-1
}

// appendURL appends a checked URL for a header; what is not ASCII is
// percent-encoded.
func appendURL(dst []byte, u string) []byte {
	dst = append(dst, '<')
	for i := 0; i < len(u); i++ {
		if c := u[i]; c >= utf8.RuneSelf {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '>')
}
