package smtp_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

// ready makes a go-mail message that renders the same bytes each time.
func ready(t testing.TB, text, html string) *mail.Msg {
	t.Helper()
	m := mail.NewMsg(mail.WithBoundary("oracle"), mail.WithNoDefaultUserAgent())
	for _, err := range []error{m.From("Site <notify@example.org>"), m.EnvelopeFrom("bounce+1@example.org"), m.To("ann@example.org")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m.SetMessageIDWithValue("oracle@example.org")
	m.SetDateWithValue(time.Date(2026, 6, 8, 10, 15, 0, 0, time.UTC))
	m.Subject("Ann wrote: ćevapi — und größer")
	m.SetBodyString(mail.TypeTextPlain, text)
	m.AddAlternativeString(mail.TypeTextHTML, html)
	return m
}

// goMail makes a go-mail client for a sink.
func goMail(t testing.TB, s *mailtest.Sink, opts ...mail.Option) *mail.Client {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c, err := mail.NewClient(host, append([]mail.Option{mail.WithPort(n), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("client.test"), mail.WithTimeout(patience)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGoMailAndOurDialogueDeliverTheSameBytes(t *testing.T) {
	long := strings.Repeat("A rather long line of text that quoted-printable has to break somewhere. ", 8)
	for _, c := range []struct{ name, text, html string }{
		{"plain", "Hello\n", "<p>Hello</p>\n"},
		{"dots at the beginning of lines", ".\n..\n.hidden\nend.\n.", ".\n<style>\n.a{}\n..b{}\n</style>\n."},
		{"soft line breaks that begin with a dot", strings.Repeat("x", 75) + "." + strings.Repeat(".", 300), strings.Repeat(".", 1000)},
		{"many scripts", "Grüße, здравствуйте, こんにちは, مرحبا 👋\n" + long, "<p>Grüße 👋</p>" + long},
		{"all kinds of line ends", "a\nb\r\nc\n\n\r\nd", "a\nb\r\nc\n\n\r\nd"},
		{"no line end", "x", "y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, mailtest.Options{Keep: mailtest.KeepBytes})
			m := ready(t, c.text, c.html)

			client := goMail(t, s)
			session, err := client.DialToSMTPClientWithContext(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := client.SendWithSMTPClient(session, m); err != nil {
				t.Fatal(err)
			}
			if err := client.CloseWithSMTPClient(session); err != nil {
				t.Fatal(err)
			}

			var rendered bytes.Buffer
			if _, err := m.WriteTo(&rendered); err != nil {
				t.Fatal(err)
			}
			res := dial(t, relayTo(t, s, nil)).Send(within(t), smtp.Envelope{From: "bounce+1@example.org", To: "ann@example.org", Body: rendered.Bytes()})
			if res.Outcome != sent {
				t.Fatal(show(res))
			}

			mails := s.Mails()
			theirs, ours := mails[0], mails[1]
			if !bytes.Equal(theirs.Data, ours.Data) {
				t.Errorf("go-mail delivers\n%q\nwe deliver\n%q", theirs.Data, ours.Data)
			}
			if theirs.From != ours.From || theirs.To != ours.To || theirs.MessageID != ours.MessageID || theirs.Size != ours.Size {
				t.Errorf("go-mail %+v, we %+v", theirs, ours)
			}
			l, err := mailtest.Open(ours.Data)
			if err != nil {
				t.Fatal(err)
			}
			unix := strings.NewReplacer("\r\n", "\n")
			if got, want := strings.TrimRight(l.Text, "\n"), strings.TrimRight(unix.Replace(c.text), "\n"); got != want {
				t.Errorf("the reader sees %q, want %q", got, want)
			}
			if l.Subject != "Ann wrote: ćevapi — und größer" {
				t.Errorf("subject %q", l.Subject)
			}
		})
	}
}

func Example() {
	sink, err := mailtest.New(mailtest.Options{Faults: []mailtest.Fault{mailtest.Gone()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = sink.Close() }()
	relay, err := smtp.New(smtp.Options{Name: "local", URL: "smtp://" + sink.Addr()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	conn, err := relay.Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, to := range []string{"ann@example.org", "gone@example.org"} {
		res := conn.Send(ctx, smtp.Envelope{From: "bounce@example.org", To: to, Body: []byte("Subject: hi\r\n\r\nhi\r\n")})
		fmt.Println(to, res.Outcome, res.Code, res.Enhanced, res.Text, res.Suppresses())
	}
	_ = conn.Close(ctx)
	// Output:
	// ann@example.org sent 250 2.0.0 ok, number 1 false
	// gone@example.org failed 550 5.1.1 no such user true
}
