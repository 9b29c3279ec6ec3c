package smtp_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

// told records what the relay says when it turns pipelining off.
type told struct {
	mu   sync.Mutex
	whys []string
}

func (w *told) changed(_, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whys = append(w.whys, why)
}

func TestAnOutOfStepReplyTurnsPipeliningOff(t *testing.T) {
	extra := func(at mailtest.Stage) mailtest.Fault { return mailtest.Fault{At: at, Do: mailtest.Extra, Max: 1} }
	for _, at := range []mailtest.Stage{mailtest.AtMail, mailtest.AtRcpt, mailtest.AtData} {
		t.Run(string(at), func(t *testing.T) {
			var w told
			s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{extra(at)}})
			r := relayTo(t, s, func(o *smtp.Options) { o.PipeliningChanged = w.changed })
			if on, why := r.Pipelining(); !on || why != "" {
				t.Fatalf("pipelining is off from the start: %s", why)
			}
			res := dial(t, r).Send(within(t), letter("a@test", "ann@example.org"))
			if res.Outcome != deferred || !res.OutOfStep || !res.ConnBroken || res.Charged() || !res.RelayTrouble() {
				t.Error(show(res))
			}
			on, why := r.Pipelining()
			if on || !strings.Contains(why, "out of step") || len(w.whys) != 1 || w.whys[0] != why {
				t.Errorf("pipelining on %v, why %q, told %q", on, why, w.whys)
			}
			before := s.Counts().Reads
			conn := dial(t, r)
			opening := s.Counts().Reads - before
			if res := conn.Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != sent {
				t.Fatal(show(res))
			}
			if n := s.Counts().Reads - before - opening; n != 4 {
				t.Errorf("the next mail came in %d pieces, want 4", n)
			}
			if len(s.Repeats()) != 0 {
				t.Error("it arrived twice")
			}
		})
	}
}

func TestASurplusReplyIsNoticedWithoutPipeliningToo(t *testing.T) {
	for _, at := range []mailtest.Stage{mailtest.AtMail, mailtest.AtRcpt, mailtest.AtData} {
		s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{{At: at, Do: mailtest.Extra, Reply: "550 5.1.1 not yours"}}})
		r := relayTo(t, s, func(o *smtp.Options) { o.Pipelining = smtp.PipeliningOff })
		res := dial(t, r).Send(within(t), letter("a@test", "ann@example.org"))
		if res.Outcome != deferred || !res.OutOfStep || !res.ConnBroken || res.Suppresses() {
			t.Errorf("%s: %s", at, show(res))
		}
	}
}

func TestTwoAnswersToOneMail(t *testing.T) {
	for _, c := range []struct {
		reply   string
		outcome any
	}{
		{"250 2.0.0 once more", sent},
		{"451 4.3.0 or not", unknown},
		{"421 4.3.2 closing", sent}, // the relay may say so at any time
	} {
		s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtDot, Do: mailtest.Extra, Reply: c.reply}}})
		res := dial(t, relayTo(t, s, nil)).Send(within(t), letter("a@test", "ann@example.org"))
		if any(res.Outcome) != c.outcome || !res.ConnBroken {
			t.Errorf("%s: %s", c.reply, show(res))
		}
	}
}

func TestARelayThatLosesPipelinedCommandsIsNoticed(t *testing.T) {
	var w told
	s := newSink(t, mailtest.Options{Forgetful: true})
	r := relayTo(t, s, func(o *smtp.Options) {
		o.PipeliningChanged = w.changed
		o.Timeouts.Rcpt = 50 * time.Millisecond
	})
	if res := dial(t, r).Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != deferred || !res.ConnBroken {
		t.Fatal(show(res))
	}
	if on, _ := r.Pipelining(); on || len(w.whys) != 1 {
		t.Errorf("pipelining on %v, told %q", on, w.whys)
	}
	// With more time than a busy machine needs: now the replies come.
	r2 := relayTo(t, s, func(o *smtp.Options) { o.Pipelining = smtp.PipeliningOff })
	if res := dial(t, r2).Send(within(t), letter("a@test", "ann@example.org")); res.Outcome != sent {
		t.Error(show(res))
	}
}
