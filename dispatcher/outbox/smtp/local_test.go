package smtp_test

import (
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

func TestWhatTheRelayCannotTakeIsRefusedBeforeItIsSent(t *testing.T) {
	mail := func(to, header, body string) smtp.Envelope {
		return smtp.Envelope{From: "bounce@example.org", To: to, Body: []byte("Subject: " + header + "\r\n\r\n" + body + "\r\n")}
	}
	bare := []string{"SMTPUTF8", "8BITMIME"}
	for _, c := range []struct {
		name     string
		options  mailtest.Options
		envelope smtp.Envelope
		code     int
		enhanced string
	}{
		{"too large", mailtest.Options{MaxSize: 100}, mail("ann@example.org", "a", strings.Repeat("x", 100)), 552, "5.3.4"},
		{"local part beyond ASCII", mailtest.Options{Without: bare}, mail("jürgen@example.org", "a", "b"), 553, "5.6.7"},
		{"header beyond ASCII", mailtest.Options{Without: bare}, mail("ann@example.org", "é", "b"), 554, "5.6.9"},
		{"8-bit body", mailtest.Options{Without: bare}, mail("ann@example.org", "a", "é"), 554, "5.6.3"},
		{"an address that would inject", mailtest.Options{}, mail("ann@example.org>\r\nRCPT TO:<eve@example.org", "a", "b"), 553, "5.1.3"},
		{"no address", mailtest.Options{}, mail("", "a", "b"), 553, "5.1.3"},
		{"a sender that would inject", mailtest.Options{}, smtp.Envelope{From: "a@b> X=1", To: "ann@example.org"}, 553, "5.1.7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, c.options)
			conn := dial(t, relayTo(t, s, nil))
			before := s.Counts().Commands
			res := conn.Send(within(t), c.envelope)
			if res.Outcome != failed || res.Code != c.code || res.Enhanced != c.enhanced || res.Phase != smtp.PhaseLocal || res.Text == "" {
				t.Error(show(res))
			}
			if res.Suppresses() || res.RelayTrouble() || !res.Charged() || res.ConnBroken {
				t.Errorf("suppresses %v, trouble %v, charged %v, broken %v", res.Suppresses(), res.RelayTrouble(), res.Charged(), res.ConnBroken)
			}
			if s.Counts().Commands != before {
				t.Error("something was sent")
			}
			conn.Send(within(t), mail("bob@example.org", "a", "b")) // the connection is as good as new
			if n := s.Counts().Accepted; n != 1 {
				t.Errorf("the next mail did not arrive: %d", n)
			}
		})
	}
}

func TestParametersOfMAILAreAskedForOnlyWhereNeeded(t *testing.T) {
	for _, c := range []struct {
		name, from, to, subject, body string
		without                       []string
		params                        string
		arrives                       string // the recipient
	}{
		{"plain", "b@example.org", "ann@example.org", "a", "b", nil, "SIZE=17", "ann@example.org"},
		{"null sender", "", "ann@example.org", "a", "b", nil, "SIZE=17", "ann@example.org"},
		{"a domain beyond ASCII is an A-label", "b@example.org", "ann@bücher.example", "a", "b", nil, "SIZE=17", "ann@xn--bcher-kva.example"},
		{"a local part beyond ASCII", "b@example.org", "jürgen@example.org", "a", "b", nil, "SIZE=17 SMTPUTF8", "jürgen@example.org"},
		{"a header beyond ASCII", "b@example.org", "ann@example.org", "é", "b", nil, "SIZE=18 SMTPUTF8", "ann@example.org"},
		{"an 8-bit body", "b@example.org", "ann@example.org", "a", "é", nil, "SIZE=18 BODY=8BITMIME", "ann@example.org"},
		{"nothing offered", "b@example.org", "ann@example.org", "a", "b", []string{"SIZE", "8BITMIME", "SMTPUTF8", "PIPELINING"}, "", "ann@example.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, mailtest.Options{Without: c.without})
			body := "Subject: " + c.subject + "\r\n\r\n" + c.body + "\r\n"
			body = strings.TrimSuffix(body, "\r\n") + "\n" // the size counts the CRLF that is sent, not the LF that came
			res := dial(t, relayTo(t, s, nil)).Send(within(t), smtp.Envelope{From: c.from, To: c.to, Body: []byte(body)})
			if res.Outcome != sent {
				t.Fatal(show(res))
			}
			if m := s.Mails()[0]; m.Params != c.params || m.To != c.arrives || m.From != c.from {
				t.Errorf("MAIL FROM:<%s> %s, RCPT TO:<%s>", m.From, m.Params, m.To)
			}
		})
	}
}

func TestASizeThatTheRelayAloneKnowsIsItsRefusal(t *testing.T) {
	// SIZE without a number: the relay decides by the SIZE parameter or at the dot.
	s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtMail, Do: mailtest.Refuse, Reply: "552 5.3.4 over quota", Max: 1}}})
	conn := dial(t, relayTo(t, s, nil))
	if res := conn.Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != failed || res.Code != 552 || res.Suppresses() || res.Phase != smtp.PhaseMail {
		t.Error(show(res))
	}
}
