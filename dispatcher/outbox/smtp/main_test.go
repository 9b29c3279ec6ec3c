package smtp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait in these tests; none is expected to reach it.
const patience = 30 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newSink(t testing.TB, o mailtest.Options) *mailtest.Sink {
	t.Helper()
	s, err := mailtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// relayTo makes a relay for a sink; set changes the options first.
func relayTo(t testing.TB, s *mailtest.Sink, set func(*smtp.Options)) *smtp.Relay {
	t.Helper()
	o := smtp.Options{URL: "smtp://" + s.Addr(), Hello: "client.test", RootCAs: s.RootCAs()}
	if set != nil {
		set(&o)
	}
	r, err := smtp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func dial(t testing.TB, r *smtp.Relay) *smtp.Conn {
	t.Helper()
	c, err := r.Dial(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// letter makes a mail with its own Message-ID and some lines that begin with
// dots.
func letter(id, to string) smtp.Envelope {
	body := "From: sender@example.org\r\nTo: " + to + "\r\nMessage-ID: <" + id + ">\r\nSubject: hello\r\n\r\n" +
		"first\r\n.second begins with a dot\r\n..\r\n.\r\nthe end\r\n"
	return smtp.Envelope{From: "bounce+1@example.org", To: to, Body: []byte(body)}
}

// large makes a mail that no socket buffer holds.
func large(id, to string, size int) smtp.Envelope {
	e := letter(id, to)
	e.Body = append(e.Body, []byte(strings.Repeat(strings.Repeat("x", 70)+"\r\n", size/72))...)
	return e
}

func show(r smtp.Result) string {
	return fmt.Sprintf("%s at %s: %d %s %q broken=%v outOfStep=%v", r.Outcome, r.Phase, r.Code, r.Enhanced, r.Text, r.ConnBroken, r.OutOfStep)
}
