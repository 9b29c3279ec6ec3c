package smtp

import (
	"fmt"
	"slices"
	"strings"

	gomail "github.com/wneessen/go-mail/smtp"
)

// login picks the mechanism from what the relay offers and leaves the rest to
// go-mail. go-mail's own discovery is not used: it does not see the encryption
// of a connection that it did not dial itself.
type login struct {
	user, password string
	loopback       bool
	step           *step

	gomail.Auth        // the chosen mechanism
	name        string // its name
}

// authProblem is a log-in that never began, because it could not or must not.
type authProblem struct {
	needsTLS bool
	offered  []string
}

func (p *authProblem) Error() string {
	switch {
	case len(p.offered) == 0:
		return "the relay offers no AUTH"
	case p.needsTLS:
		return "the relay offers " + strings.Join(p.offered, ", ") + " only, which would show the password to the network"
	default:
		return fmt.Sprintf("the relay offers %s, none of which is known here", strings.Join(p.offered, ", "))
	}
}

// Start chooses. On an encrypted connection PLAIN comes first: every relay
// that has a password file of any kind can do it (RFC 4954 §4), whereas
// challenge mechanisms are offered by relays that then lack the secret. In
// clear text only mechanisms that hide the password are used, unless the relay
// is on this machine.
func (l *login) Start(server *gomail.ServerInfo) (string, []byte, error) {
	*l.step = stepAuth
	type mechanism struct {
		name  string
		shows bool // the password, to who can read the wire
		auth  func() gomail.Auth
	}
	mechanisms := []mechanism{
		{"PLAIN", true, func() gomail.Auth { return gomail.PlainAuth("", l.user, l.password, server.Name, true) }},
		{"LOGIN", true, func() gomail.Auth { return gomail.LoginAuth(l.user, l.password, server.Name, true) }},
		{"SCRAM-SHA-256", false, func() gomail.Auth { return gomail.ScramSHA256Auth(l.user, l.password) }},
		{"SCRAM-SHA-1", false, func() gomail.Auth { return gomail.ScramSHA1Auth(l.user, l.password) }},
		{"CRAM-MD5", false, func() gomail.Auth { return gomail.CRAMMD5Auth(l.user, l.password) }},
	}
	problem := &authProblem{offered: server.Auth}
	for _, m := range mechanisms {
		if !slices.ContainsFunc(server.Auth, func(s string) bool { return strings.EqualFold(s, m.name) }) {
			continue
		}
		if m.shows && !server.TLS && !l.loopback {
			problem.needsTLS = true
			continue
		}
		l.Auth, l.name = m.auth(), m.name
		return l.Auth.Start(server)
	}
	return "", nil, problem
}
