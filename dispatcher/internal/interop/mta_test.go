//go:build interop

package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/interop"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

const words = "Größe 日本語 👋 — .\n.\n..two dots, and a line that is rather long: "

// mailed is a Hearback that mails through a real server.
type mailed struct {
	*testing.T
	office   *interop.Office
	hearback *interop.Hearback
}

// through serves a daemon whose relay is a server that wants TLS and a
// password.
func through(t *testing.T, office *interop.Office, more string) *mailed {
	m := &mailed{T: t, office: office}
	m.hearback = interop.NewHearback(t, "https://blog.example", fmt.Sprintf(`relays:
  - url: smtp://%s@%s
    tls: starttls
    password: %s
    connections: 4
settle: 0s
%s`, interop.User, office.Addr, interop.Password, more))
	m.hearback.Env = []string{"SSL_CERT_FILE=" + office.CA}
	return m
}

// publish hands in comments of a thread, in one call.
func (m *mailed) publish(thread string, texts ...string) {
	m.Helper()
	var events []any
	for i, text := range texts {
		events = append(events, map[string]any{
			"id": fmt.Sprintf("%s-%d", thread, i), "type": "comment.published", "time": time.Now().UTC().Format(time.RFC3339), "site": "blog",
			"thread":  map[string]any{"id": thread, "url": "https://blog.example/" + thread, "title": "Über " + thread},
			"comment": map[string]any{"id": fmt.Sprintf("%s-%d", thread, i), "url": fmt.Sprintf("https://blog.example/%s#%d", thread, i), "text": text},
			"author":  map[string]any{"id": "writer", "name": "Zoë, the \"Writer\""},
		})
	}
	m.hearback.API("POST", "/v1/events", map[string]any{"events": events})
}

// state waits until the one message to a reader has come to a state, and gives
// it as `message show` tells it.
func (m *mailed) state(reader, state string) string {
	m.Helper()
	interop.Until(m, reader+"'s message to be "+state, 40*time.Second, func() bool { return len(m.hearback.Messages(state, reader)) == 1 })
	return string(m.hearback.Messages(state, reader)[0])
}

// whole checks a mail as it lies in its box: every header and byte that a
// reader's program hangs on.
func whole(t *testing.T, address string, raw []byte) *mailtest.Letter {
	t.Helper()
	l, err := mailtest.Open(raw)
	if err != nil {
		t.Fatalf("the mail cannot be read: %v\n%s", err, raw)
	}
	if bytes.Contains(raw, []byte("\r")) { // a maildir has LF, so each CR was a bare one
		t.Errorf("the mail has a CR that ends no line")
	}
	for _, line := range bytes.Split(raw, []byte("\n")) {
		if len(line) > 998 {
			t.Errorf("a line has %d bytes, 998 are allowed", len(line))
		}
	}
	for _, name := range []string{"Message-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Auto-Submitted", "Date", "From", "To", "Mime-Version"} {
		if n := len(l.Header[name]); n != 1 {
			t.Errorf("the mail has %d headers %s", n, name)
		}
	}
	if got := l.Header.Get("List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post is %q", got)
	}
	if got := l.Header.Get("List-Unsubscribe"); !strings.HasPrefix(got, "<https://hearback.blog.example/") || !strings.HasSuffix(got, ">") {
		t.Errorf("List-Unsubscribe is %q", got)
	}
	if got := l.Header.Get("Message-Id"); !strings.HasPrefix(got, "<") || !strings.HasSuffix(got, ">") || !strings.Contains(got, "@") {
		t.Errorf("Message-ID is %q", got)
	}
	if to, err := l.Header.AddressList("To"); err != nil || to[0].Address != address {
		t.Errorf("To is %q (%v)", l.Header.Get("To"), err)
	}
	if len(l.Parts) != 2 || l.Parts[0].Type != "text/plain" || l.Parts[1].Type != "text/html" {
		t.Errorf("the parts are %v", l.Parts)
	}
	for _, p := range l.Parts {
		if p.Encoding != "quoted-printable" && p.Encoding != "base64" && p.Encoding != "7bit" && p.Encoding != "8bit" {
			t.Errorf("a part has the encoding %q", p.Encoding)
		}
		if !strings.EqualFold(p.Params["charset"], "utf-8") {
			t.Errorf("a part has the charset %q", p.Params["charset"])
		}
	}
	return l
}

// arrives checks that what was due lies in the boxes of twenty readers, once,
// and under twenty Message-IDs.
func (m *mailed) arrives(t *testing.T) {
	address := func(i int) string { return fmt.Sprintf("Reader%d@reader.example", i) }
	for i := range 20 {
		m.hearback.Reader(fmt.Sprint("r", i), address(i), "thread:plain")
	}
	m.publish("plain", words+strings.Repeat("very ", 300)+"end-of-it")
	seen := map[string]bool{}
	for i := range 20 {
		m.office.Await(address(i), 1)
	}
	m.hearback.Quiet()
	for i := range 20 {
		mails := m.office.Raw(address(i))
		if len(mails) != 1 {
			t.Fatalf("%d mails in the box of %s", len(mails), address(i))
		}
		l := whole(t, address(i), mails[0])
		if !strings.Contains(l.Text, "Größe 日本語 👋") || !strings.Contains(l.HTML, "Größe 日本語 👋") || !strings.Contains(l.Text, "..two dots") {
			t.Errorf("the words have changed on the way:\n%s", l.Text)
		}
		if !strings.Contains(l.Subject, "Über plain") {
			t.Errorf("subject %q", l.Subject)
		}
		if id := l.Header.Get("Message-Id"); seen[id] {
			t.Errorf("%s came twice", id)
		} else {
			seen[id] = true
		}
	}
}

// tooLong checks that a digest beyond the server's limit fails with a word
// about it, and that the connection goes on.
func (m *mailed) tooLong(t *testing.T) {
	m.hearback.Reader("long", "long@reader.example", "thread:long")
	m.publish("long", func() (texts []string) {
		for i := range 40 {
			texts = append(texts, fmt.Sprintf("%d %s", i, strings.Repeat("日本語", 150)))
		}
		return texts
	}()...)
	var message struct{ ID int64 }
	if err := json.Unmarshal([]byte(m.state("long", "failed")), &message); err != nil {
		t.Fatal(err)
	}
	said := m.hearback.Run("message", "show", fmt.Sprint(message.ID))
	if !strings.Contains(said, "takes at most") {
		t.Errorf("the message does not say why it failed: %s", said)
	}
	if n := len(m.office.Raw("long@reader.example")); n != 0 {
		t.Errorf("%d mails came", n)
	}
}

func (m *mailed) beyondASCII(t *testing.T) {
	m.hearback.Reader("jörg", "jörg@reader.example", "thread:utf8")
	m.publish("utf8", "Grüße")
	m.office.Await("jörg@reader.example", 1)
	whole(t, "jörg@reader.example", m.office.Raw("jörg@reader.example")[0])
	m.state("jörg", "sent")
}

func TestPostfixTakesWhatIsDue(t *testing.T) {
	m := through(t, interop.NewPostfix(t), "")
	for _, f := range m.hearback.Check("relay") {
		t.Log(f)
		if f.Status != "ok" {
			t.Errorf("check finds %s", f)
		}
	}
	m.hearback.Serve()
	t.Run("mails lie in their boxes, once and whole", m.arrives)
	t.Run("a mail beyond the limit fails and says so", m.tooLong)
	t.Run("who is refused for good is not asked again", func(t *testing.T) {
		m.hearback.Reader("gone", "gone@reader.example", "thread:gone")
		m.hearback.Reader("policy", "policy@reader.example", "thread:gone")
		m.hearback.Reader("stays", "stays@reader.example", "thread:gone")
		m.publish("gone", "first")
		m.office.Await("stays@reader.example", 1)
		m.hearback.Quiet()
		m.state("gone", "failed")
		m.state("policy", "failed")
		list := m.hearback.Run("suppression", "list")
		if !strings.Contains(list, "gone@reader.example") || strings.Contains(list, "policy@reader.example") {
			t.Errorf("suppressed are, after 5.1.1 to gone and 5.7.1 to policy:\n%s", list)
		}
	})
	t.Run("greylisting is waited for", func(t *testing.T) {
		m.hearback.Reader("grey", "grey@reader.example", "thread:grey")
		m.publish("grey", "patience")
		m.office.Await("grey@reader.example", 1)
		m.hearback.Quiet()
		if said := m.state("grey", "sent"); !strings.Contains(said, `"attempts":2`) && !strings.Contains(said, `"attempts": 2`) {
			t.Errorf("two tries were due: %s", said)
		}
		if n := len(m.office.Raw("grey@reader.example")); n != 1 {
			t.Errorf("%d mails came", n)
		}
	})
	t.Run("an address beyond ASCII is reached by SMTPUTF8", m.beyondASCII)
	if log := m.office.Log(); !strings.Contains(log, "TLS connection established") || !strings.Contains(log, "sasl_username=hearback") {
		t.Errorf("Postfix saw no TLS or no account")
	}
	for _, bad := range []string{"improper command pipelining", "lost connection after DATA", "warning:", "fatal:", "panic:"} {
		for line := range strings.Lines(m.office.Log()) {
			if strings.Contains(line, bad) {
				t.Errorf("Postfix complains: %s", line)
			}
		}
	}
}

func TestAWrongPasswordOrAuthorityIsNamedByCheck(t *testing.T) {
	office := interop.NewPostfix(t)
	m := through(t, office, "")
	m.hearback.Env = nil
	findings := fmt.Sprint(m.hearback.Check("relay"))
	if !strings.Contains(findings, "certificate") {
		t.Errorf("an unknown authority is answered with %s", findings)
	}
	m.hearback.Env = []string{"SSL_CERT_FILE=" + office.CA}
	m.hearback.Configure("https://blog.example", fmt.Sprintf("relays:\n  - url: smtp://%s@%s\n    tls: starttls\n    password: wrong\n", interop.User, office.Addr))
	findings = fmt.Sprint(m.hearback.Check("relay"))
	if !strings.Contains(findings, "password") || !strings.Contains(findings, "535") {
		t.Errorf("a wrong password is answered with %s", findings)
	}
	t.Log(findings)
}

func TestEximTakesWhatIsDue(t *testing.T) {
	m := through(t, interop.NewExim(t), "")
	for _, f := range m.hearback.Check("relay") {
		t.Log(f)
		if f.Status != "ok" {
			t.Errorf("check finds %s", f)
		}
	}
	m.hearback.Serve()
	t.Run("mails lie in their boxes, once and whole", m.arrives)
	t.Run("a mail beyond the limit fails and says so", m.tooLong)
	t.Run("an address beyond ASCII is reached by SMTPUTF8", m.beyondASCII)
	t.Run("who is unknown is not asked again", func(t *testing.T) {
		m.hearback.Reader("gone", "gone@reader.example", "thread:gone")
		m.publish("gone", "first")
		m.state("gone", "failed")
		if list := m.hearback.Run("suppression", "list"); !strings.Contains(list, "gone@reader.example") {
			t.Errorf("suppressed are, after 5.1.1:\n%s", list)
		}
	})
	log := m.office.Log()
	if !strings.Contains(log, "X=TLS1.") || !strings.Contains(log, "A=plain:hearback") {
		t.Errorf("Exim saw no TLS or no account")
	}
	for _, bad := range []string{"synchronization error", "syntax error", "panic: 2"} {
		if strings.Contains(log, bad) {
			t.Errorf("Exim complains of a %s", bad)
		}
	}
}
