package smtp_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

const (
	sent     = dispatcher.OutcomeSent
	deferred = dispatcher.OutcomeDeferred
	failed   = dispatcher.OutcomeFailed
	unknown  = dispatcher.OutcomeUnknown
)

func TestAMailArrivesAsItWasHandedIn(t *testing.T) {
	for _, without := range [][]string{nil, {"PIPELINING"}, {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"}} {
		t.Run(fmt.Sprint("without ", without), func(t *testing.T) {
			s := newSink(t, mailtest.Options{Keep: mailtest.KeepBytes, Without: without})
			c := dial(t, relayTo(t, s, nil))
			for i := range 3 {
				e := letter(fmt.Sprintf("m%d@test", i), "ann@example.org")
				res := c.Send(within(t), e)
				if res.Outcome != sent || res.Code != 250 || res.Enhanced != "2.0.0" || res.Phase != smtp.PhaseDot || res.ConnBroken {
					t.Fatal(show(res))
				}
				if want := fmt.Sprintf("ok, number %d", i+1); res.Text != want {
					t.Errorf("text %q, want the relay's own words %q", res.Text, want)
				}
				m := s.Mails()[i]
				if !bytes.Equal(m.Data, e.Body) {
					t.Errorf("arrived\n%q, want\n%q", m.Data, e.Body)
				}
				if m.From != e.From || m.To != e.To || m.Conn != 1 || m.Recipients != 1 {
					t.Errorf("envelope %+v", m)
				}
			}
			if !c.Reusable() || c.Mails() != 3 {
				t.Errorf("reusable %v after %d mails", c.Reusable(), c.Mails())
			}
		})
	}
}

func TestAnEnvelopeIsOneWriteWherePipeliningIsOffered(t *testing.T) {
	for _, c := range []struct {
		name    string
		without []string
		setting smtp.Pipelining
		reads   int64
	}{
		{"offered", nil, smtp.PipeliningAuto, 2},
		{"offered, turned off", nil, smtp.PipeliningOff, 4},
		{"not offered", []string{"PIPELINING"}, smtp.PipeliningAuto, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, mailtest.Options{Without: c.without})
			conn := dial(t, relayTo(t, s, func(o *smtp.Options) { o.Pipelining = c.setting }))
			before := s.Counts().Reads
			if res := conn.Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != sent {
				t.Fatal(show(res))
			}
			if got := s.Counts().Reads - before; got != c.reads {
				t.Errorf("the mail came in %d pieces, want %d", got, c.reads)
			}
		})
	}
}

// verdict is what a fault should lead to.
type verdict struct {
	outcome  dispatcher.Outcome
	phase    smtp.Phase
	code     int
	enhanced string
	broken   bool
	charged  bool
	trouble  bool
	suppress bool
}

func TestEveryFaultHasItsOutcome(t *testing.T) {
	refuse := func(at mailtest.Stage, reply string) mailtest.Fault {
		return mailtest.Fault{At: at, Do: mailtest.Refuse, Reply: reply, Max: 1}
	}
	do := func(at mailtest.Stage, do mailtest.Action) mailtest.Fault {
		return mailtest.Fault{At: at, Do: do, Max: 1}
	}
	accept := func(f mailtest.Fault) mailtest.Fault { f.Accept = true; return f }
	for _, c := range []struct {
		name  string
		fault mailtest.Fault
		want  verdict
	}{
		{"MAIL refused for now", refuse(mailtest.AtMail, "451 4.3.0 busy"), verdict{outcome: deferred, phase: smtp.PhaseMail, code: 451, enhanced: "4.3.0", charged: true, trouble: true}},
		{"MAIL refused for good", refuse(mailtest.AtMail, "550 5.1.8 bad sender"), verdict{outcome: failed, phase: smtp.PhaseMail, code: 550, enhanced: "5.1.8", charged: true}},
		{"MAIL needs a log-in", refuse(mailtest.AtMail, "530 5.7.0 log in"), verdict{outcome: deferred, phase: smtp.PhaseMail, code: 530, enhanced: "5.7.0", trouble: true}},
		{"MAIL says 421", refuse(mailtest.AtMail, "421 4.3.2 closing"), verdict{outcome: deferred, phase: smtp.PhaseMail, code: 421, enhanced: "4.3.2", broken: true, trouble: true}},
		{"RCPT unknown", refuse(mailtest.AtRcpt, "550 5.1.1 no such user"), verdict{outcome: failed, phase: smtp.PhaseRcpt, code: 550, enhanced: "5.1.1", charged: true, suppress: true}},
		{"RCPT disabled", refuse(mailtest.AtRcpt, "550 5.2.1 disabled"), verdict{outcome: failed, phase: smtp.PhaseRcpt, code: 550, enhanced: "5.2.1", charged: true, suppress: true}},
		{"RCPT policy", refuse(mailtest.AtRcpt, "550 5.7.1 not from you"), verdict{outcome: failed, phase: smtp.PhaseRcpt, code: 550, enhanced: "5.7.1", charged: true}},
		{"RCPT greylisted", refuse(mailtest.AtRcpt, "450 4.7.1 come back"), verdict{outcome: deferred, phase: smtp.PhaseRcpt, code: 450, enhanced: "4.7.1", charged: true}},
		{"RCPT status of another class", refuse(mailtest.AtRcpt, "550 4.1.1 odd"), verdict{outcome: failed, phase: smtp.PhaseRcpt, code: 550, charged: true}},
		{"RCPT says 421", refuse(mailtest.AtRcpt, "421 4.7.0 slow down"), verdict{outcome: deferred, phase: smtp.PhaseRcpt, code: 421, enhanced: "4.7.0", broken: true, trouble: true}},
		{"DATA refused", refuse(mailtest.AtData, "451 4.3.0 no room"), verdict{outcome: deferred, phase: smtp.PhaseData, code: 451, enhanced: "4.3.0", charged: true}},
		{"dot refused for good", refuse(mailtest.AtDot, "554 5.7.1 spam"), verdict{outcome: failed, phase: smtp.PhaseDot, code: 554, enhanced: "5.7.1", charged: true}},
		{"dot refused for now", refuse(mailtest.AtDot, "452 4.2.2 full"), verdict{outcome: deferred, phase: smtp.PhaseDot, code: 452, enhanced: "4.2.2", charged: true}},
		{"dot unknown user", refuse(mailtest.AtDot, "550 5.1.1 no such user"), verdict{outcome: failed, phase: smtp.PhaseDot, code: 550, enhanced: "5.1.1", charged: true, suppress: true}},
		{"dot says 421", refuse(mailtest.AtDot, "421 4.3.2 closing"), verdict{outcome: deferred, phase: smtp.PhaseDot, code: 421, enhanced: "4.3.2", broken: true, trouble: true}},
		{"dropped at MAIL", do(mailtest.AtMail, mailtest.Drop), verdict{outcome: deferred, phase: smtp.PhaseMail, broken: true, trouble: true}},
		{"dropped at RCPT", do(mailtest.AtRcpt, mailtest.Drop), verdict{outcome: deferred, phase: smtp.PhaseRcpt, broken: true, charged: true, trouble: true}},
		{"dropped at DATA", do(mailtest.AtData, mailtest.Drop), verdict{outcome: deferred, phase: smtp.PhaseData, broken: true, charged: true, trouble: true}},
		{"dropped after the dot, not taken", do(mailtest.AtDot, mailtest.Drop), verdict{outcome: unknown, phase: smtp.PhaseDot, broken: true, charged: true, trouble: true}},
		{"dropped after the dot, taken", accept(do(mailtest.AtDot, mailtest.Drop)), verdict{outcome: unknown, phase: smtp.PhaseDot, broken: true, charged: true, trouble: true}},
		{"garbage at MAIL", do(mailtest.AtMail, mailtest.Garbage), verdict{outcome: deferred, phase: smtp.PhaseMail, broken: true, trouble: true}},
		{"garbage at RCPT", do(mailtest.AtRcpt, mailtest.Garbage), verdict{outcome: deferred, phase: smtp.PhaseRcpt, broken: true, charged: true, trouble: true}},
		{"garbage at the dot", accept(do(mailtest.AtDot, mailtest.Garbage)), verdict{outcome: unknown, phase: smtp.PhaseDot, broken: true, charged: true, trouble: true}},
		{"354 in answer to the dot", accept(mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Garbage, Reply: "354 go on", Max: 1}), verdict{outcome: unknown, phase: smtp.PhaseDot, broken: true, charged: true, trouble: true}},
	} {
		for _, pipelining := range []smtp.Pipelining{smtp.PipeliningAuto, smtp.PipeliningOff} {
			t.Run(c.name+", pipelining "+string(pipelining), func(t *testing.T) {
				s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{c.fault}})
				r := relayTo(t, s, func(o *smtp.Options) { o.Pipelining = pipelining })
				conn := dial(t, r)
				res := conn.Send(within(t), letter("first@test", "ann@example.org"))
				got := verdict{res.Outcome, res.Phase, res.Code, res.Enhanced, res.ConnBroken, res.Charged(), res.RelayTrouble(), res.Suppresses()}
				if got != c.want {
					t.Errorf("got  %+v\nwant %+v\n%s", got, c.want, show(res))
				}
				if res.Text == "" {
					t.Error("the result has no words")
				}
				if res.ConnBroken == conn.Reusable() {
					t.Errorf("broken %v and reusable %v", res.ConnBroken, conn.Reusable())
				}
				if res.ConnBroken {
					conn = dial(t, r)
				}
				// Whatever happened, the next mail is not touched by it.
				if res := conn.Send(within(t), letter("second@test", "bob@example.org")); res.Outcome != sent {
					t.Errorf("the next mail: %s", show(res))
				}
				mails := s.Mails()
				if last := mails[len(mails)-1]; last.MessageID != "second@test" || last.To != "bob@example.org" {
					t.Errorf("the next mail arrived as %+v", last)
				}
			})
		}
	}
}

func TestAConnectionLostInTheBodyDefersTheMail(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault mailtest.Fault
		code  int
	}{
		{"dropped", mailtest.Fault{At: mailtest.AtBody, Do: mailtest.Drop, Bytes: 1000}, 0},
		{"a reply that was sent before is heard", mailtest.Fault{At: mailtest.AtBody, Do: mailtest.Refuse, Bytes: 1000, Reply: "451 4.3.1 disk full"}, 451},
		{"421 that was sent before is heard", mailtest.Fault{At: mailtest.AtBody, Do: mailtest.Refuse, Bytes: 1000, Reply: "421 4.3.1 disk full"}, 421},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{c.fault}})
			conn := dial(t, relayTo(t, s, nil))
			res := conn.Send(within(t), large("big@test", "ann@example.org", 16<<20))
			if res.Outcome != deferred || res.Phase != smtp.PhaseBody || !res.ConnBroken || res.Code != c.code {
				t.Error(show(res))
			}
			if n := s.Counts().Accepted; n != 0 {
				t.Errorf("%d mails were accepted", n)
			}
		})
	}
}

func TestARefusalInTheBodyForGoodFailsTheMail(t *testing.T) {
	s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtBody, Do: mailtest.Refuse, Bytes: 1000, Reply: "552 5.3.4 too large"}}})
	res := dial(t, relayTo(t, s, nil)).Send(within(t), large("big@test", "ann@example.org", 16<<20))
	if res.Outcome != failed || res.Code != 552 || res.Phase != smtp.PhaseBody || !res.ConnBroken {
		t.Error(show(res))
	}
}

func TestATimeoutEndsTheConnection(t *testing.T) {
	for _, c := range []struct {
		at      mailtest.Stage
		phase   smtp.Phase
		outcome dispatcher.Outcome
	}{
		{mailtest.AtMail, smtp.PhaseMail, deferred},
		{mailtest.AtRcpt, smtp.PhaseRcpt, deferred},
		{mailtest.AtData, smtp.PhaseData, deferred},
		{mailtest.AtDot, smtp.PhaseDot, unknown},
		{mailtest.AtBody, smtp.PhaseBody, deferred},
	} {
		t.Run(string(c.at), func(t *testing.T) {
			s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{{At: c.at, Do: mailtest.Stall, Max: 1}}})
			brief := 50 * time.Millisecond
			conn := dial(t, relayTo(t, s, func(o *smtp.Options) {
				// Only the phase at hand is brief: each has its own limit.
				switch c.at {
				case mailtest.AtMail:
					o.Timeouts.Mail = brief
				case mailtest.AtRcpt:
					o.Timeouts.Rcpt = brief
				case mailtest.AtData:
					o.Timeouts.Data = brief
				case mailtest.AtBody:
					o.Timeouts.Block = brief
				case mailtest.AtDot:
					o.Timeouts.Dot = brief
				}
			}))
			e := letter("a@test", "ann@example.org")
			if c.at == mailtest.AtBody {
				e = large("a@test", "ann@example.org", 16<<20)
			}
			res := conn.Send(within(t), e)
			if res.Outcome != c.outcome || res.Phase != c.phase || !res.ConnBroken || res.Code != 0 || res.Err == nil {
				t.Error(show(res), res.Err)
			}
		})
	}
}

func TestACancelledContextEndsASend(t *testing.T) {
	for _, c := range []struct {
		at      mailtest.Stage
		outcome dispatcher.Outcome
	}{
		{mailtest.AtMail, deferred}, {mailtest.AtRcpt, deferred}, {mailtest.AtBody, deferred}, {mailtest.AtDot, unknown},
	} {
		t.Run(string(c.at), func(t *testing.T) {
			reached := make(chan struct{})
			s := newSink(t, mailtest.Options{
				Faults:  []mailtest.Fault{{At: c.at, Do: mailtest.Stall}},
				OnFault: func(mailtest.Stage) { close(reached) },
			})
			conn := dial(t, relayTo(t, s, nil))
			ctx, cancel := context.WithCancel(within(t))
			go func() {
				<-reached
				cancel()
			}()
			e := letter("a@test", "ann@example.org")
			if c.at == mailtest.AtBody {
				e = large("a@test", "ann@example.org", 16<<20)
			}
			res := conn.Send(ctx, e)
			if res.Outcome != c.outcome || !res.ConnBroken || res.Err != context.Canceled || res.RelayTrouble() {
				t.Error(show(res), res.Err)
			}
			if res.Outcome == deferred && res.Charged() {
				t.Error("a mail that we stopped ourselves was charged")
			}
		})
	}
}

func TestAContextThatEndedBeforeSendsNothing(t *testing.T) {
	s := newSink(t, mailtest.Options{})
	conn := dial(t, relayTo(t, s, nil))
	before := s.Counts().Commands
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	res := conn.Send(ctx, letter("a@test", "ann@example.org"))
	if res.Outcome != deferred || res.Charged() || res.ConnBroken || s.Counts().Commands != before {
		t.Error(show(res))
	}
	if res := conn.Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != sent {
		t.Error("the connection is of no more use:", show(res))
	}
}

func TestAConnectionThatTheRelayClosedIsStaleAndNoTrouble(t *testing.T) {
	s := newSink(t, mailtest.Options{PerConnection: 2})
	r := relayTo(t, s, nil)
	conn := dial(t, r)
	for range 2 {
		if res := conn.Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != sent {
			t.Fatal(show(res))
		}
	}
	res := conn.Send(within(t), letter("b@test", "ann@example.org"))
	if !res.Stale() || res.Charged() || res.RelayTrouble() || res.Code != 421 || !res.ConnBroken {
		t.Errorf("stale %v, charged %v, trouble %v: %s", res.Stale(), res.Charged(), res.RelayTrouble(), show(res))
	}
	// The same at once on a fresh connection is trouble.
	s.SetFaults([]mailtest.Fault{{At: mailtest.AtMail, Do: mailtest.Drop}})
	if res := dial(t, r).Send(within(t), letter("b@test", "ann@example.org")); res.Stale() || !res.RelayTrouble() {
		t.Errorf("stale %v, trouble %v: %s", res.Stale(), res.RelayTrouble(), show(res))
	}
}

func TestARelayThatWantsABodyForNobodyGetsAnEmptyOne(t *testing.T) {
	s := newSink(t, mailtest.Options{EagerData: true, Faults: []mailtest.Fault{mailtest.Gone()}})
	conn := dial(t, relayTo(t, s, nil))
	res := conn.Send(within(t), letter("a@test", "gone1@example.org"))
	if res.Outcome != failed || res.Code != 550 || !res.Suppresses() || res.ConnBroken {
		t.Fatal(show(res))
	}
	if res := conn.Send(within(t), letter("b@test", "ann@example.org")); res.Outcome != sent {
		t.Error(show(res))
	}
	if mails := s.Mails(); len(mails) != 1 || mails[0].MessageID != "b@test" {
		t.Errorf("arrived: %+v", mails)
	}
}

func TestLimitsOfAConnection(t *testing.T) {
	now := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	s := newSink(t, mailtest.Options{})
	conn := dial(t, relayTo(t, s, func(o *smtp.Options) {
		o.MaxPerConnection, o.IdleTimeout = 2, time.Minute
		o.Clock = func() time.Time { return now }
	}))
	now = now.Add(59 * time.Second)
	if !conn.Reusable() {
		t.Error("not reusable before its time")
	}
	conn.Send(within(t), letter("a@test", "ann@example.org"))
	now = now.Add(59 * time.Second)
	if !conn.Reusable() {
		t.Error("a mail did not begin its idle time anew")
	}
	now = now.Add(time.Second)
	if conn.Reusable() {
		t.Error("reusable after its idle time")
	}
	conn.Send(within(t), letter("a@test", "ann@example.org"))
	if conn.Reusable() {
		t.Error("reusable after its two mails")
	}
	if err := conn.Close(within(t)); err != nil {
		t.Error(err)
	}
	if res := conn.Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != deferred || !res.ConnBroken || res.Charged() {
		t.Error("after Close:", show(res))
	}
}
