// Package address reads and compares mail addresses. Addresses compare without
// case and with the domain as A-label, and are sent as given.
package address

import (
	"net/mail"
	"strings"

	"golang.org/x/net/idna"

	"github.com/hearback/hearback/dispatcher"
)

// Parse checks one bare address ("ann@example.org", no display name) and gives
// it as it is sent and normalised for comparing. Its error is a
// [dispatcher.Error] for the field "email".
func Parse(s string) (sent, normalized string, err error) {
	s = strings.TrimSpace(s)
	bad := func(why string) error {
		return dispatcher.Invalid("email", "give one address such as ann@example.org", "%q %s", clip(s), why)
	}
	if s == "" {
		return "", "", bad("is no mail address")
	}
	if strings.ContainsAny(s, "\r\n\x00") {
		return "", "", bad("has a line break or NUL")
	}
	a, perr := mail.ParseAddress(s)
	if perr != nil || a.Address != s { // a name, a comment, a group, needless quotes
		return "", "", bad("is no bare mail address")
	}
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:at], a.Address[at+1:]
	if len(local) > 64 {
		return "", "", bad("has more than 64 bytes before the @") // RFC 5321 §4.5.3.1.1
	}
	if strings.HasPrefix(domain, "[") {
		return "", "", bad("names a host by number; give a domain name")
	}
	ascii, perr := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if perr != nil || len(ascii) > 253 || !labelled(ascii) {
		return "", "", bad("has no valid domain")
	}
	if strings.ContainsAny(local, " \"\\") {
		return "", "", bad("has a quoted part before the @, which many mail systems refuse")
	}
	return local + "@" + domain, strings.ToLower(local) + "@" + strings.ToLower(ascii), nil
}

// Normalize gives the form in which addresses compare, or "" when s is no
// address: events may bring any text in author.email, and it only serves to
// recognise a subscriber's own comments.
func Normalize(s string) string {
	_, n, err := Parse(s)
	if err != nil {
		return ""
	}
	return n
}

// labelled says whether each label of a domain has 1 to 63 bytes, RFC 1035
// §2.3.4.
func labelled(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
