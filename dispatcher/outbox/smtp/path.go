package smtp

import (
	"strings"

	"golang.org/x/net/idna"
)

// path makes an address ready for the wire: the domain as A-label (RFC 5891),
// the local part as it is. It says whether SMTPUTF8 is needed, and ok is false
// for what no relay could take: without this check an address could end its
// command and begin another.
func path(address string) (wire string, utf8, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at > 64 || at == len(address)-1 || len(address) > 254 { // RFC 5321 §4.5.3.1
		return "", false, false
	}
	ascii := true
	for i := range len(address) {
		switch c := address[i]; {
		case c <= ' ', c == 0x7f, c == '<', c == '>', c == '"', c == '\\':
			return "", false, false
		case c >= 0x80:
			ascii = false
			utf8 = utf8 || i < at
		}
	}
	if ascii {
		return address, false, true
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || domain == "" || at+1+len(domain) > 254 {
		return "", false, false
	}
	return address[:at+1] + domain, utf8, true
}
