package smtp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

// account puts a user into the URL of a relay.
func account(user, password string) func(*smtp.Options) {
	return func(o *smtp.Options) {
		o.URL = strings.Replace(o.URL, "://", "://"+user+"@", 1)
		o.Password = password
	}
}

func TestMailGoesThroughEachKindOfTLSAndLogin(t *testing.T) {
	users := map[string]string{"ann": "pass word"}
	both := func(fs ...func(*smtp.Options)) func(*smtp.Options) {
		return func(o *smtp.Options) {
			for _, f := range fs {
				f(o)
			}
		}
	}
	mode := func(m smtp.TLSMode) func(*smtp.Options) { return func(o *smtp.Options) { o.TLS = m } }
	smtps := func(o *smtp.Options) { o.URL = strings.Replace(o.URL, "smtp://", "smtps://", 1) }
	for _, c := range []struct {
		name      string
		sink      mailtest.Options
		set       func(*smtp.Options)
		encrypted bool
		user      string
		by        string
	}{
		{"STARTTLS", mailtest.Options{StartTLS: true, NeedTLS: true}, mode(smtp.TLSStartTLS), true, "", ""},
		{"STARTTLS and PLAIN", mailtest.Options{StartTLS: true, NeedAuth: true, Users: users}, both(mode(smtp.TLSStartTLS), account("ann", "pass word")), true, "ann", "PLAIN"},
		{"STARTTLS and LOGIN", mailtest.Options{StartTLS: true, NeedAuth: true, Users: users, Mechanisms: []string{"LOGIN"}}, both(mode(smtp.TLSStartTLS), account("ann", "pass word")), true, "ann", "LOGIN"},
		{"implicit TLS", mailtest.Options{Implicit: true}, smtps, true, "", ""},
		{"implicit TLS and PLAIN", mailtest.Options{Implicit: true, NeedAuth: true, Users: users}, both(smtps, account("ann", "pass word")), true, "ann", "PLAIN"},
		{"opportunistic, offered", mailtest.Options{StartTLS: true}, mode(smtp.TLSOpportunistic), true, "", ""},
		{"opportunistic, not offered", mailtest.Options{}, mode(smtp.TLSOpportunistic), false, "", ""},
		{"opportunistic, a certificate that nobody trusts", mailtest.Options{StartTLS: true}, both(mode(smtp.TLSOpportunistic), func(o *smtp.Options) { o.RootCAs = x509.NewCertPool() }), true, "", ""},
		{"this machine, clear text by default", mailtest.Options{StartTLS: true}, nil, false, "", ""},
		{"this machine, PLAIN in clear text", mailtest.Options{NeedAuth: true, Users: users, OpenAuth: true}, account("ann", "pass word"), false, "ann", "PLAIN"},
		{"CRAM-MD5", mailtest.Options{NeedAuth: true, Users: users, OpenAuth: true, Mechanisms: []string{"CRAM-MD5"}}, account("ann", "pass word"), false, "ann", "CRAM-MD5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.sink.Keep = mailtest.KeepBytes
			s := newSink(t, c.sink)
			r := relayTo(t, s, c.set)
			e := large("a@test", "ann@example.org", 100<<10)
			if res := dial(t, r).Send(within(t), e); res.Outcome != sent {
				t.Fatal(show(res))
			}
			m := s.Mails()[0]
			if m.Encrypted != c.encrypted || m.User != c.user || string(m.Data) != string(e.Body) {
				t.Errorf("encrypted %v, user %q, %d bytes", m.Encrypted, m.User, len(m.Data))
			}
			found := r.Check(within(t))
			for _, f := range found {
				if !f.OK || f.Says == "" {
					t.Errorf("check: %+v", f)
				}
			}
			if len(found) != 4 || c.by != "" && !strings.Contains(found[2].Says, "by "+c.by) || strings.Contains(found[1].Says, "TLS 1.3") != c.encrypted {
				t.Errorf("check: %+v", found)
			}
		})
	}
}

// unused gives an address at which nothing listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestCheckSaysInPlainWordsWhatIsWrong(t *testing.T) {
	certificate := func(hosts []string, life time.Duration) *mailtest.Certificate {
		c, err := mailtest.NewCertificate(hosts, life)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	users := map[string]string{"ann": "secret"}
	start := func(o *smtp.Options) { o.TLS = smtp.TLSStartTLS }
	loginOver := func(m smtp.TLSMode, password string) func(*smtp.Options) {
		return func(o *smtp.Options) { o.TLS = m; account("ann", password)(o) }
	}
	for _, c := range []struct {
		name       string
		sink       mailtest.Options
		set        func(*smtp.Options)
		step       string
		says, mend string
	}{
		{"nothing listens", mailtest.Options{}, func(o *smtp.Options) { o.URL = "smtp://" + unused(t) }, "connect", "nothing listens on 127.0.0.1:", "587"},
		{"no such host", mailtest.Options{}, func(o *smtp.Options) { o.URL = "smtp://relay.invalid:587" }, "connect", `"relay.invalid" has no address`, "spelling"},
		{"smtps where STARTTLS is spoken", mailtest.Options{StartTLS: true}, func(o *smtp.Options) { o.URL = strings.Replace(o.URL, "smtp://", "smtps://", 1) }, "tls", "does not speak TLS from the first byte", "smtp://127.0.0.1:"},
		{"smtp where TLS is spoken", mailtest.Options{Implicit: true}, func(o *smtp.Options) { o.Timeouts.Open = 50 * time.Millisecond }, "greeting", "no greeting came", "smtps://"},
		{"refused in the greeting", mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtConnect, Do: mailtest.Refuse, Reply: "554 5.7.1 your address is listed"}}}, nil, "greeting", "refuses this machine: 554 5.7.1 your address is listed", "accept this machine"},
		{"busy in the greeting", mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtConnect, Do: mailtest.Refuse, Reply: "421 4.3.2 too busy"}}}, nil, "greeting", "not ready now: 421 4.3.2 too busy", "wait"},
		{"closed in place of a greeting", mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtConnect, Do: mailtest.Drop}}}, nil, "greeting", "no greeting came", "SMTP server"},
		{"no SMTP server", mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtConnect, Do: mailtest.Garbage, Reply: "+OK POP3 ready"}}}, nil, "greeting", "no SMTP server", "587 or 465"},
		{"no STARTTLS", mailtest.Options{}, start, "hello", "does not offer STARTTLS", "smtps://"},
		{"a certificate that nobody trusts", mailtest.Options{StartTLS: true}, func(o *smtp.Options) { start(o); o.RootCAs = x509.NewCertPool() }, "starttls", "signed by nobody", "CA certificate"},
		{"a certificate of another host", mailtest.Options{StartTLS: true, Certificate: certificate([]string{"mail.example.org"}, time.Hour)}, start, "starttls", `not for the name "127.0.0.1"`, "mail.example.org"},
		{"an expired certificate", mailtest.Options{StartTLS: true, Certificate: certificate([]string{"127.0.0.1"}, -time.Hour)}, start, "starttls", "not valid at this time", "renew"},
		{"an expired certificate, implicit TLS", mailtest.Options{Implicit: true, Certificate: certificate([]string{"127.0.0.1"}, -time.Hour)}, func(o *smtp.Options) { o.TLS = smtp.TLSImplicit }, "tls", "not valid at this time", "renew"},
		{"opportunistic with a password wants a trusted certificate", mailtest.Options{StartTLS: true, Users: users}, func(o *smtp.Options) {
			loginOver(smtp.TLSOpportunistic, "secret")(o)
			o.RootCAs = x509.NewCertPool()
		}, "starttls", "signed by nobody", "CA certificate"},
		{"wrong password", mailtest.Options{StartTLS: true, Users: users}, loginOver(smtp.TLSStartTLS, "wrong"), "auth", "does not accept this user and password: 535 5.7.8", "app password"},
		{"log-in not offered", mailtest.Options{StartTLS: true}, loginOver(smtp.TLSStartTLS, "secret"), "auth", "offers no log-in", "587"},
		{"log-in offered with TLS only", mailtest.Options{StartTLS: true, Users: users}, loginOver(smtp.TLSNone, "secret"), "auth", "offers no log-in", "587"},
		{"log-in in clear text refused", mailtest.Options{OpenAuth: true, NeedTLS: true, Users: users}, loginOver(smtp.TLSNone, "secret"), "auth", "refuses this without encryption: 530", "starttls"},
		{"unknown mechanisms", mailtest.Options{StartTLS: true, Users: users, Mechanisms: []string{"GSSAPI", "XOAUTH2"}}, loginOver(smtp.TLSStartTLS, "secret"), "auth", "GSSAPI, XOAUTH2", "app password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, c.sink)
			r := relayTo(t, s, c.set)
			found := r.Check(within(t))
			last := found[len(found)-1]
			if last.OK || last.Step != c.step || !strings.Contains(last.Says, c.says) || !strings.Contains(last.Mend, c.mend) {
				t.Errorf("got %+v", found)
			}
			if want := 1; c.step != "connect" && (len(found) != want+1 || !found[0].OK) {
				t.Errorf("the steps before: %+v", found)
			}
			_, err := r.Dial(within(t))
			var e *dispatcher.Error
			if !errors.As(err, &e) || e.Code != dispatcher.CodeUnavailable || !strings.Contains(e.Message, c.says) || e.Mend != last.Mend {
				t.Errorf("Dial: %v", err)
			}
			if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "wrong") && strings.Contains(text, "ann:") {
				t.Errorf("the error tells the password: %s", text)
			}
			if n := s.Counts().Accepted; n != 0 {
				t.Errorf("the check sent %d mails", n)
			}
		})
	}
}

func TestACertificateThatEndsSoonIsNamed(t *testing.T) {
	cert, err := mailtest.NewCertificate([]string{"127.0.0.1"}, 72*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := newSink(t, mailtest.Options{StartTLS: true, Certificate: cert})
	found := relayTo(t, s, func(o *smtp.Options) { o.TLS = smtp.TLSStartTLS }).Check(within(t))
	if f := found[1]; f.OK || !strings.Contains(f.Says, "in 2 days") || f.Mend == "" {
		t.Errorf("%+v", found)
	}
}

func TestACancelledContextEndsADial(t *testing.T) {
	reached := make(chan struct{})
	s := newSink(t, mailtest.Options{
		Faults:  []mailtest.Fault{{At: mailtest.AtConnect, Do: mailtest.Stall}},
		OnFault: func(mailtest.Stage) { close(reached) },
	})
	ctx, cancel := context.WithCancel(within(t))
	go func() {
		<-reached
		cancel()
	}()
	_, err := relayTo(t, s, nil).Dial(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBadOptionsAreNamedWithTheirMend(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*smtp.Options)
		field string
	}{
		{"no URL", func(o *smtp.Options) { o.URL = "" }, "url"},
		{"another scheme", func(o *smtp.Options) { o.URL = "http://relay:587" }, "url"},
		{"no scheme", func(o *smtp.Options) { o.URL = "relay.example.org:587" }, "url"},
		{"no host", func(o *smtp.Options) { o.URL = "smtp://:587" }, "url"},
		{"port 0", func(o *smtp.Options) { o.URL = "smtp://relay:0" }, "url"},
		{"a path", func(o *smtp.Options) { o.URL = "smtp://relay:587/x" }, "url"},
		{"rubbish with a password in it", func(o *smtp.Options) { o.URL = "smtp://u:hunter2@relay:587:588" }, "url"},
		{"user without password", func(o *smtp.Options) { o.URL = "smtp://ann@relay:587" }, "password_file"},
		{"password without user", func(o *smtp.Options) { o.Password = "hunter2" }, "url"},
		{"two passwords", func(o *smtp.Options) { o.URL, o.Password = "smtp://ann:hunter2@relay:587", "other" }, "password_file"},
		{"a password of two lines", func(o *smtp.Options) { o.URL, o.Password = "smtp://ann@relay:587", "hunter2\n" }, "password_file"},
		{"unknown TLS mode", func(o *smtp.Options) { o.TLS = "ssl" }, "tls"},
		{"contradicting TLS mode", func(o *smtp.Options) { o.URL, o.TLS = "SMTPS://relay:465", smtp.TLSStartTLS }, "tls"},
		{"unknown pipelining", func(o *smtp.Options) { o.Pipelining = "on" }, "pipelining"},
		{"a name with a space", func(o *smtp.Options) { o.Hello = "a b" }, "hello"},
		{"a name that injects", func(o *smtp.Options) { o.Hello = "a\r\nMAIL" }, "hello"},
		{"negative limit", func(o *smtp.Options) { o.MaxPerConnection = -1 }, "max_per_connection"},
		{"negative time-out", func(o *smtp.Options) { o.Timeouts.Dot = -time.Second }, "timeouts.dot"},
	} {
		o := smtp.Options{URL: "smtp://relay.example.org:587"}
		c.set(&o)
		_, err := smtp.New(o)
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Code != dispatcher.CodeInvalid || e.Field != c.field || e.Mend == "" {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", c.name, err)
		}
	}
}

func TestARelayIsNamedByHostAndPortOnly(t *testing.T) {
	for url, want := range map[string]string{
		"smtp://ann:hunter2@relay.example.org": "relay.example.org:587",
		"smtps://relay.example.org":            "relay.example.org:465",
		"smtp://[::1]:2525":                    "[::1]:2525",
	} {
		r, err := smtp.New(smtp.Options{URL: url})
		if err != nil || r.Name() != want {
			t.Errorf("%s: %v, %v", url, r, err)
		}
	}
}
