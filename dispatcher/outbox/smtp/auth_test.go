package smtp

import (
	"errors"
	"testing"

	gomail "github.com/wneessen/go-mail/smtp"
)

func TestTheLoginShowsNoPasswordToTheNetwork(t *testing.T) {
	for _, c := range []struct {
		name          string
		tls, loopback bool
		offered       []string
		chosen        string
		needsTLS      bool
	}{
		{"encrypted", true, false, []string{"CRAM-MD5", "SCRAM-SHA-256", "LOGIN", "PLAIN"}, "PLAIN", false},
		{"encrypted, no PLAIN", true, false, []string{"CRAM-MD5", "login"}, "LOGIN", false},
		{"encrypted, challenges only", true, false, []string{"CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}, "SCRAM-SHA-256", false},
		{"clear text", false, false, []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1"}, "SCRAM-SHA-1", false},
		{"clear text, CRAM-MD5", false, false, []string{"PLAIN", "CRAM-MD5"}, "CRAM-MD5", false},
		{"clear text, nothing that hides it", false, false, []string{"PLAIN", "LOGIN"}, "", true},
		{"clear text on this machine", false, true, []string{"PLAIN", "LOGIN"}, "PLAIN", false},
		{"nothing known", true, false, []string{"GSSAPI", "PLAIN-CLIENTTOKEN"}, "", false},
		{"nothing", true, false, nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := stepHello
			l := &login{user: "ann", password: "secret", loopback: c.loopback, step: &at}
			mechanism, first, err := l.Start(&gomail.ServerInfo{Name: "relay.test", TLS: c.tls, Auth: c.offered})
			if mechanism != c.chosen || l.name != c.chosen || at != stepAuth {
				t.Errorf("chose %q at %s: %v", mechanism, at, err)
			}
			if c.chosen != "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var problem *authProblem
			if !errors.As(err, &problem) || problem.needsTLS != c.needsTLS || len(first) != 0 || problem.Error() == "" {
				t.Errorf("first words %q, error %v", first, err)
			}
			r := &Relay{opts: settings{Options: Options{Name: "relay"}}}
			if says, mend := r.diagnose(at, err); says == "" || mend == "" {
				t.Errorf("%q, mend %q", says, mend)
			}
		})
	}
}
