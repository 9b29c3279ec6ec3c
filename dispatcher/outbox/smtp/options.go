package smtp

import (
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// TLSMode says how the connection to a relay is protected.
type TLSMode string

// The TLS modes. TLSAuto is what New replaces: implicit for smtps, none for a
// relay on this very machine (nothing leaves it), STARTTLS for all others.
const (
	TLSAuto          TLSMode = ""
	TLSStartTLS      TLSMode = "starttls"      // mandatory STARTTLS, certificate checked (RFC 3207)
	TLSOpportunistic TLSMode = "opportunistic" // STARTTLS where offered; the certificate counts only if a password is sent
	TLSImplicit      TLSMode = "implicit"      // TLS from the first byte (RFC 8314 §3.3)
	TLSNone          TLSMode = "none"          // clear text
)

// Pipelining says whether MAIL, RCPT and DATA may go in one write (RFC 2920).
type Pipelining string

// The pipelining settings. Auto uses it where the relay's last EHLO offers it,
// until a reply is out of step.
const (
	PipeliningAuto Pipelining = "auto"
	PipeliningOff  Pipelining = "off"
)

// Timeouts bound each phase on its own. A zero field takes its default, which
// is the minimum of RFC 5321 §4.5.3.2 where that names one. A short Dot makes
// duplicates: the relay may have taken the mail that we then send again.
type Timeouts struct {
	Connect time.Duration // TCP, and the handshake of implicit TLS: 30 s
	Open    time.Duration // greeting (§4.5.3.2.1), then EHLO, STARTTLS and AUTH together: 5 min each
	Mail    time.Duration // §4.5.3.2.2: 5 min
	Rcpt    time.Duration // §4.5.3.2.3: 5 min
	Data    time.Duration // §4.5.3.2.4: 2 min
	Block   time.Duration // each block of the body, §4.5.3.2.5: 3 min
	Dot     time.Duration // the reply to the final dot, §4.5.3.2.6: 10 min
	Quit    time.Duration // the farewell; nothing hangs on it: 5 s
}

// Options is what one relay needs to be known by.
type Options struct {
	Name             string // shown in attempts and metrics; "" for host:port
	URL              string // smtp://user@host:587 or smtps://user@host:465
	TLS              TLSMode
	Password         string // of the user in URL
	Pipelining       Pipelining
	Hello            string // our name in EHLO; "" for the machine's host name
	MaxPerConnection int    // mails a connection carries before it is not Reusable; 0 for no limit
	IdleTimeout      time.Duration
	Timeouts         Timeouts
	RootCAs          *x509.CertPool   // nil for the system's
	Clock            dispatcher.Clock // judges idleness; nil for the system's

	// PipeliningChanged is told once, from the goroutine of the Send that
	// noticed, when auto turned pipelining off for this relay. May be nil.
	PipeliningChanged func(relay, why string)
}

// Defaults of [Options] and their ports.
const (
	DefaultIdleTimeout = 30 * time.Second // below the usual five minutes of servers, so that we close first
	portSubmission     = "587"
	portSubmissions    = "465"
)

// settings are Options that have been checked and completed.
type settings struct {
	Options
	host, port string
	user       string
	implicit   bool // the URL says smtps
	loopback   bool
}

// complete checks the options and fills what is left out. Its error is a
// [dispatcher.Error] whose Field is the key below relays[].
func (o Options) complete() (settings, error) {
	s := settings{Options: o}
	if err := s.readURL(); err != nil {
		return s, err
	}
	if err := s.readModes(); err != nil {
		return s, err
	}
	if s.Name == "" {
		s.Name = net.JoinHostPort(s.host, s.port)
	}
	if s.MaxPerConnection < 0 {
		return s, dispatcher.Invalid("max_per_connection", "use 0 for no limit", "is %d", s.MaxPerConnection)
	}
	if s.Hello == "" {
		name, err := os.Hostname()
		if err != nil || !isHello(name) {
			name = "localhost"
		}
		s.Hello = name
	}
	if !isHello(s.Hello) {
		return s, dispatcher.Invalid("hello", "give a host name such as mail.example.org", "%q is no host name", s.Hello)
	}
	if s.Clock == nil {
		s.Clock = dispatcher.SystemClock
	}
	if s.IdleTimeout == 0 {
		s.IdleTimeout = DefaultIdleTimeout
	}
	return s, s.Timeouts.complete()
}

func (s *settings) readURL() error {
	const mend = "write it as smtp://user@host:587, or smtps://user@host:465"
	u, err := url.Parse(s.URL)
	if err != nil {
		// The parser's own words would repeat the URL, and with it a password.
		return dispatcher.Invalid("url", mend, "is no URL")
	}
	if u.Scheme != "smtp" && u.Scheme != "smtps" {
		return dispatcher.Invalid("url", mend, "begins with %q", u.Scheme)
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return dispatcher.Invalid("url", mend, "has something after the port")
	}
	s.implicit = u.Scheme == "smtps"
	s.host, s.port = u.Hostname(), u.Port()
	if _, err := netip.ParseAddr(s.host); err != nil && !isHello(s.host) || strings.ContainsAny(s.host, "[]:") && err != nil {
		return dispatcher.Invalid("url", mend, "names no host")
	}
	if s.port == "" {
		s.port = portSubmission
		if s.implicit {
			s.port = portSubmissions
		}
	}
	if n, err := strconv.Atoi(s.port); err != nil || n < 1 || n > 65535 {
		return dispatcher.Invalid("url", "use a port from 1 to 65535", "has the port %q", s.port)
	}
	if u.User != nil {
		s.user = u.User.Username()
		if p, has := u.User.Password(); has {
			if s.Password != "" && s.Password != p {
				return dispatcher.Invalid("password_file", "keep the password in one place, best in the file", "differs from the password in url")
			}
			s.Password = p
		}
	}
	ip := net.ParseIP(s.host)
	s.loopback = s.host == "localhost" || ip != nil && ip.IsLoopback()
	return s.readAccount()
}

func (s *settings) readAccount() error {
	switch {
	case s.user == "" && s.Password != "":
		return dispatcher.Invalid("url", "write the user into it: smtp://user@host:587", "a password is given and no user")
	case s.user != "" && s.Password == "":
		return dispatcher.Invalid("password_file", "name a file that holds the password, or take the user out of url", "the user %q has no password", s.user)
	case strings.ContainsAny(s.user+s.Password, "\r\n\x00"):
		return dispatcher.Invalid("password_file", "let the file hold the password alone, on one line", "user or password has a line break")
	}
	return nil
}

func (s *settings) readModes() error {
	switch s.TLS {
	case TLSAuto:
		switch {
		case s.implicit:
			s.TLS = TLSImplicit
		case s.loopback:
			s.TLS = TLSNone
		default:
			s.TLS = TLSStartTLS
		}
	case TLSStartTLS, TLSOpportunistic, TLSNone:
		if s.implicit {
			return dispatcher.Invalid("tls", "write url with smtp://, or leave tls out", "%q contradicts smtps://, which is TLS from the first byte", s.TLS)
		}
	case TLSImplicit:
	default:
		return dispatcher.Invalid("tls", "use starttls, opportunistic, implicit or none, or leave it out", "unknown mode %q", s.TLS)
	}
	switch s.Pipelining {
	case "":
		s.Pipelining = PipeliningAuto
	case PipeliningAuto, PipeliningOff:
	default:
		return dispatcher.Invalid("pipelining", "use auto or off", "unknown setting %q", s.Pipelining)
	}
	return nil
}

func (t *Timeouts) complete() error {
	for _, f := range []struct {
		name string
		d    *time.Duration
		def  time.Duration
	}{
		{"connect", &t.Connect, 30 * time.Second},
		{"open", &t.Open, 5 * time.Minute},
		{"mail", &t.Mail, 5 * time.Minute},
		{"rcpt", &t.Rcpt, 5 * time.Minute},
		{"data", &t.Data, 2 * time.Minute},
		{"block", &t.Block, 3 * time.Minute},
		{"dot", &t.Dot, 10 * time.Minute},
		{"quit", &t.Quit, 5 * time.Second},
	} {
		if *f.d < 0 {
			return dispatcher.Invalid("timeouts."+f.name, "give a duration above zero, or leave it out", "is %s", *f.d)
		}
		if *f.d == 0 {
			*f.d = f.def
		}
	}
	return nil
}

// isHello says whether s can stand after EHLO: a domain or an address literal.
func isHello(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', strings.IndexByte(".-_[]:", c) >= 0:
		default:
			return false
		}
	}
	return true
}
