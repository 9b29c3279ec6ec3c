package mailtest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/smtp"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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

// client opens a session with the standard library's client, which knows
// nothing of ours.
func client(t testing.TB, s *mailtest.Sink) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(c *smtp.Client, to, body string) error {
	if err := c.Mail("from@example.org"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		_ = c.Reset()
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, body); err != nil {
		return err
	}
	return w.Close()
}

func code(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}

func TestTheSinkRemembersWhatTheStandardClientSends(t *testing.T) {
	at := time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	var heard []mailtest.Mail
	s := newSink(t, mailtest.Options{Keep: mailtest.KeepBytes, Now: func() time.Time { return at }, OnMail: func(m mailtest.Mail) { heard = append(heard, m) }})
	c := client(t, s)
	body := "Subject: x\r\nmessage-id:\r\n <folded@test>\r\n\r\n.dot\r\n..\r\nend\r\n"
	if err := send(c, "ann@example.org", body); err != nil {
		t.Fatal(err)
	}
	if err := send(c, "bob@example.org", "Message-ID: <second@test>\r\n\r\nMessage-ID: <not this>\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(within(t), 2); err != nil {
		t.Fatal(err)
	}
	mails := s.Mails()
	if len(mails) != 2 || len(heard) != 2 {
		t.Fatalf("%d mails, heard of %d", len(mails), len(heard))
	}
	m := mails[0]
	if string(m.Data) != body || m.MessageID != "folded@test" || m.From != "from@example.org" || m.To != "ann@example.org" ||
		m.Number != 1 || m.Conn != 1 || !m.At.Equal(at) || m.Unsaid || m.Recipients != 1 || m.Size != len(body)+2 {
		t.Errorf("%+v", m)
	}
	if mails[1].MessageID != "second@test" || heard[1].MessageID != "second@test" || mails[1].Number != 2 {
		t.Errorf("%+v", mails[1])
	}
	if n := s.Counts(); n.Accepted != 2 || n.Connections != 1 || n.Bytes != int64(mails[0].Size+mails[1].Size) || n.Unsaid != 0 {
		t.Errorf("%+v", n)
	}
}

func TestAMailIsReadTheSameHoweverItIsCutIntoPieces(t *testing.T) {
	s := newSink(t, mailtest.Options{Keep: mailtest.KeepBytes})
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"\r\n", ".", "\r", "\n", "..", "Message-ID: <a@b>\r\n", "\r\n.", "\n.\r\n", "text", strings.Repeat("long", 30000)}
	for range 60 {
		var body strings.Builder
		for range rng.IntN(12) {
			body.WriteString(pieces[rng.IntN(len(pieces))])
		}
		// Stuffed by hand: the standard library would mend bare line ends.
		want := body.String()
		if !strings.HasSuffix(want, "\r\n") {
			want += "\r\n"
		}
		wire := strings.ReplaceAll("\r\n"+want, "\r\n.", "\r\n..")[2:]
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		session := "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n" + wire + ".\r\nQUIT\r\n"
		before := s.Counts().Accepted
		for len(session) > 0 {
			n := min(len(session), 1+rng.IntN(1+rng.IntN(9000)))
			if _, err := io.WriteString(conn, session[:n]); err != nil {
				t.Fatal(err)
			}
			session = session[n:]
		}
		said, err := io.ReadAll(conn)
		if err != nil || !strings.HasSuffix(string(said), "221 2.0.0 bye\r\n") {
			t.Fatalf("%q, %v", said, err)
		}
		_ = conn.Close()
		mails := s.Mails()
		if int64(len(mails)) != before+1 {
			t.Fatalf("%d mails came of one: %q", int64(len(mails))-before, want)
		}
		if m := mails[len(mails)-1]; string(m.Data) != want || m.Size != len(wire) {
			t.Fatalf("sent %.300q, kept %.300q", want, m.Data)
		}
	}
}

func TestFaultsFireWhereAndAsOftenAsAsked(t *testing.T) {
	s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{
		mailtest.Gone(),
		{At: mailtest.AtRcpt, Do: mailtest.Refuse, To: "*@full.example", Reply: "452 4.2.2 full", Skip: 1, Max: 2},
		{At: mailtest.AtDot, Do: mailtest.Refuse, To: "spam*", Reply: "554 5.7.1 spam"},
		{At: mailtest.AtData, Do: mailtest.Refuse, To: "data@*"},
	}})
	c := client(t, s)
	var got []int
	for _, to := range []string{"gone7@x.example", "a@full.example", "b@full.example", "c@full.example", "d@full.example", "spammer@x.example", "data@x.example"} {
		got = append(got, code(send(c, to, "a\r\n")))
		_ = c.Reset()
	}
	if want := []int{550, 0, 452, 452, 0, 554, 451}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := s.Counts(); n.Accepted != 2 || n.Refused != 5 || n.Faults != 5 {
		t.Errorf("%+v", n)
	}
	s.SetFaults(nil)
	if err := send(c, "gone7@x.example", "a\r\n"); err != nil {
		t.Errorf("after the faults were taken away: %v", err)
	}
}

func TestChanceFollowsTheSeed(t *testing.T) {
	run := func(seed uint64) (codes string) {
		s := newSink(t, mailtest.Options{Seed: seed, Faults: []mailtest.Fault{{At: mailtest.AtMail, Do: mailtest.Refuse, Rate: 0.3}}})
		c := client(t, s)
		for range 200 {
			if c.Mail("a@example.org") != nil {
				codes += "x"
			} else {
				codes += "."
			}
			_ = c.Reset()
		}
		return codes
	}
	first := run(7)
	if n := strings.Count(first, "x"); n < 30 || n > 95 {
		t.Errorf("a chance of 0.3 came true %d times of 200", n)
	}
	if run(7) != first {
		t.Error("the same seed misbehaves otherwise")
	}
	if run(8) == first {
		t.Error("another seed misbehaves the same")
	}
}

func TestAMailThatTheClientNeverHeardOfIsMarked(t *testing.T) {
	for _, c := range []struct {
		fault   mailtest.Fault
		taken   int64
		unsaid  int64
		codeGot int
	}{
		{mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Drop}, 0, 0, 0},
		{mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Drop, Accept: true}, 1, 1, 0},
		{mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Refuse, Accept: true, Reply: "451 4.3.0 lie"}, 1, 1, 451},
		{mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Slow, Delay: time.Millisecond}, 1, 0, 0},
		{mailtest.Fault{At: mailtest.AtBody, Do: mailtest.Drop}, 0, 0, 0},
	} {
		s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{c.fault}})
		err := send(client(t, s), "ann@example.org", "Message-ID: <a@b>\r\n\r\nx\r\n")
		if slow := c.fault.Do == mailtest.Slow; (err == nil) != slow || code(err) != c.codeGot {
			t.Errorf("%+v: %v", c.fault, err)
		}
		if n := s.Counts(); n.Accepted != c.taken || n.Unsaid != c.unsaid || n.Faults != 1 {
			t.Errorf("%+v: %+v", c.fault, n)
		}
	}
}

func TestAConnectionEndsWith421AfterItsMails(t *testing.T) {
	s := newSink(t, mailtest.Options{PerConnection: 2})
	c := client(t, s)
	for i := range 3 {
		err := send(c, "ann@example.org", "x\r\n")
		if want := map[bool]int{true: 421}[i == 2]; code(err) != want {
			t.Errorf("mail %d: %v", i, err)
		}
	}
	if err := c.Noop(); err == nil {
		t.Error("the connection is still open")
	}
}

func TestTheSinkKeepsTheOrderOfSMTP(t *testing.T) {
	s := newSink(t, mailtest.Options{MaxSize: 50})
	conn, err := textproto.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, _, err := conn.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		say  string
		want int
	}{
		{"DATA", 503}, {"RCPT TO:<a@b>", 503}, {"ehlo x", 250}, {"mail from:<a@b> SIZE=51", 552}, {"MAIL FROM:a@b", 501},
		{"MAIL FROM:<a@b> SIZE=50", 250}, {"MAIL FROM:<a@b>", 503}, {"DATA", 503}, {"RCPT TO:<>", 501}, {"RCPT TO:<a@b>", 250},
		{"RSET", 250}, {"RCPT TO:<a@b>", 503}, {"AUTH PLAIN AAA=", 503}, {"STARTTLS", 502}, {"XYZZY", 500},
		{"MAIL FROM:<>", 250}, {"RCPT TO:<a@b>", 250}, {"DATA", 354}, {strings.Repeat("x", 60) + "\r\n.", 552}, {"NOOP", 250}, {"QUIT", 221},
	} {
		if err := conn.PrintfLine("%s", c.say); err != nil {
			t.Fatal(err)
		}
		if got, words, err := conn.ReadResponse(0); err != nil || got != c.want {
			t.Errorf("%s: %d %s, %v, want %d", c.say, got, words, err, c.want)
		}
	}
	if n := s.Counts().Accepted; n != 0 {
		t.Errorf("%d mails", n)
	}
}

func TestAPipelinedGroupIsAnsweredInOneWrite(t *testing.T) {
	s := newSink(t, mailtest.Options{})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1000)
	n, err := r.Read(b)
	if want := "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go ahead\r\n"; err != nil || string(b[:n]) != want {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestWaitRepeatsAndForget(t *testing.T) {
	for _, keep := range []mailtest.Keep{mailtest.KeepEnvelopes, mailtest.KeepNothing} {
		s := newSink(t, mailtest.Options{Keep: keep})
		done := make(chan error, 1)
		ctx := within(t)
		go func() { done <- s.Wait(ctx, 3) }()
		c := client(t, s)
		for _, id := range []string{"a", "b", "a"} {
			if err := send(c, "ann@example.org", "Message-ID: <"+id+">\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got, want := s.Repeats(), map[bool]string{true: "map[a:2]", false: "map[]"}[keep == mailtest.KeepEnvelopes]; fmt.Sprint(got) != want {
			t.Errorf("repeats %v, want %s", got, want)
		}
		s.Forget()
		if len(s.Mails()) != 0 || s.Counts().Accepted != 0 {
			t.Error("not forgotten")
		}
		over, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.Wait(over, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait: %v", err)
		}
	}
}

func TestCloseEndsWhateverIsGoingOn(t *testing.T) {
	for _, at := range []mailtest.Stage{mailtest.AtConnect, mailtest.AtMail, mailtest.AtBody, mailtest.AtDot} {
		for _, f := range []mailtest.Fault{{At: at, Do: mailtest.Stall}, {At: at, Do: mailtest.Slow, Delay: time.Hour}} {
			reached := make(chan struct{})
			s := newSink(t, mailtest.Options{Faults: []mailtest.Fault{f}, OnFault: func(mailtest.Stage) { close(reached) }})
			done := make(chan error, 1)
			go func() {
				c, err := smtp.Dial(s.Addr())
				if err == nil {
					err = send(c, "ann@example.org", "x\r\n")
					_ = c.Close()
				}
				done <- err
			}()
			<-reached
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; err == nil {
				t.Errorf("%s %s: the client came through", f.Do, at)
			}
			if err := s.Close(); err != nil {
				t.Errorf("a second Close: %v", err)
			}
		}
	}
}

func TestAMailIsOpenedAsItsReaderSeesIt(t *testing.T) {
	raw := strings.ReplaceAll(`From: Site <a@example.org>
To: ann@example.org
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b-1234"

--b-1234
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe, a line that is s=
oft-wrapped
--b-1234
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+aGk8L3A+
--b-1234--
`, "\n", "\r\n")
	l, err := mailtest.Open([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if l.Subject != "Grüße" || l.Text != "Grüße, a line that is soft-wrapped" || l.HTML != "<p>hi</p>" || len(l.Parts) != 2 {
		t.Errorf("%+v", l)
	}
	file := filepath.Join(t.TempDir(), "deep", "mail.golden")
	if err := mailtest.CompareGolden(file, l.Golden(), false); err == nil {
		t.Error("a missing golden file is no error")
	}
	if err := mailtest.CompareGolden(file, l.Golden(), true); err != nil {
		t.Fatal(err)
	}
	other, err := mailtest.Open([]byte(strings.ReplaceAll(raw, "b-1234", "b-5678")))
	if err != nil {
		t.Fatal(err)
	}
	if err := mailtest.CompareGolden(file, other.Golden(), false); err != nil {
		t.Errorf("another boundary is another mail: %v", err)
	}
	other.Parts[1].Body = []byte("<p>ho</p>")
	if err := mailtest.CompareGolden(file, other.Golden(), false); err == nil || !strings.Contains(err.Error(), "<p>hi</p>") {
		t.Errorf("another text: %v", err)
	}
	for name, bad := range map[string]string{
		"base64":   strings.Replace(raw, "PHA+", "!!!!", 1),
		"encoding": strings.Replace(raw, "base64", "base65", 1),
		"boundary": strings.Replace(raw, "--b-1234--", "", 1),
		"header":   "no header at all",
	} {
		if _, err := mailtest.Open([]byte(bad)); err == nil {
			t.Errorf("a wrong %s is no error", name)
		}
	}
}
