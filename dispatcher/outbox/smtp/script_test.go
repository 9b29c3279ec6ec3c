package smtp_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

// scripted is a relay that answers each write of the client with the next
// line of a script, whatever was asked, and then closes.
func scripted(t *testing.T, script ...string) *smtp.Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		buf := make([]byte, 64<<10)
		for i, reply := range append([]string{"220 hello\r\n", "250-script\r\n250 PIPELINING\r\n"}, script...) {
			if i > 0 {
				if _, err := c.Read(buf); err != nil {
					return
				}
			}
			if _, err := io.WriteString(c, reply); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	r, err := smtp.New(smtp.Options{URL: "smtp://" + l.Addr().String(), Hello: "client.test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheFirstRefusalStandsWhateverComesAfterIt(t *testing.T) {
	lines := func(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }
	const gone = "550 5.1.1 gone"
	for _, c := range []struct {
		name   string
		script []string
		phase  smtp.Phase
		code   int
		broken bool
	}{
		{"the usual group", []string{lines("250 ok", gone, "503 no recipients"), lines("250 reset")}, smtp.PhaseRcpt, 550, false},
		{"MAIL refused, and so all the rest", []string{lines("554 5.7.1 no", "503 no", "503 no"), lines("250 reset")}, smtp.PhaseMail, 554, false},
		{"closed after the refusal", []string{lines("250 ok", gone)}, smtp.PhaseRcpt, 550, true},
		{"closed after MAIL was refused", []string{lines(gone)}, smtp.PhaseMail, 550, true},
		{"421 after the refusal", []string{lines("250 ok", gone, "421 bye")}, smtp.PhaseRcpt, 550, true},
		{"nonsense after the refusal", []string{lines("250 ok", gone, "250 odd")}, smtp.PhaseRcpt, 550, true},
		{"garbage after the refusal", []string{lines("250 ok", gone, "odd")}, smtp.PhaseRcpt, 550, true},
		{"one reply too many", []string{lines("250 ok", gone, "503 no", "250 odd")}, smtp.PhaseRcpt, 550, true},
		{"RSET refused", []string{lines("250 ok", gone, "503 no"), lines("500 what")}, smtp.PhaseRcpt, 550, true},
		{"RSET answered with a challenge", []string{lines("250 ok", gone, "503 no"), lines("334 what")}, smtp.PhaseRcpt, 550, true},
		{"closed at RSET", []string{lines("250 ok", gone, "503 no")}, smtp.PhaseRcpt, 550, true},
		{"a body wanted for nobody, refused", []string{lines("250 ok", gone, "354 go"), lines("554 nobody")}, smtp.PhaseRcpt, 550, false},
		{"a body wanted for nobody, taken", []string{lines("250 ok", gone, "354 go"), lines("250 ok")}, smtp.PhaseRcpt, 550, false},
		{"a body wanted for nobody, closed", []string{lines("250 ok", gone, "354 go")}, smtp.PhaseRcpt, 550, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			// One more answer at the end, for the QUIT of a whole connection.
			script := c.script
			if !c.broken {
				script = append(script, lines("221 bye"))
			}
			res := dial(t, scripted(t, script...)).Send(within(t), letter("a@test", "ann@example.org"))
			if res.Outcome != dispatcher.OutcomeFailed || res.Phase != c.phase || res.Code != c.code || res.ConnBroken != c.broken {
				t.Error(show(res))
			}
			if c.phase == smtp.PhaseRcpt && !res.Suppresses() {
				t.Error("the address is not suppressed")
			}
		})
	}
}

func TestARelayThatSaidGoodbyeBeforeIsHeard(t *testing.T) {
	r := scripted(t, "250 ok\r\n250 ok\r\n354 go\r\n", "250 2.0.0 taken\r\n421 4.4.2 idle, closing\r\n")
	conn := dial(t, r)
	res := conn.Send(within(t), letter("a@test", "ann@example.org"))
	if res.Outcome != sent || !res.ConnBroken || res.OutOfStep || res.RelayTrouble() {
		t.Error(show(res))
	}
	if on, why := r.Pipelining(); !on {
		t.Errorf("421 turned pipelining off: %s", why)
	}
}
