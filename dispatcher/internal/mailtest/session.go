package mailtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errEnd ends a session that is over by agreement or by a fault.
var errEnd = errors.New("session over")

// session is one connection. Replies gather in out and leave when the next
// command is not there yet, so that a pipelined group is answered in one write.
type session struct {
	sink   *Sink
	conn   net.Conn
	number int64
	chance *rand.Rand

	in   []byte // read and not consumed: in[r:w]
	r, w int
	out  []byte

	encrypted bool
	user      string
	mails     int

	// The transaction.
	open       bool // MAIL was accepted
	from, to   string
	params     string
	recipients int
}

const inputSize = 64 << 10

func newSession(s *Sink, c net.Conn, number int64) *session {
	return &session{sink: s, conn: c, number: number, in: make([]byte, inputSize),
		chance: rand.New(rand.NewPCG(s.opts.Seed, uint64(number)))}
}

func (s *session) serve() {
	if s.sink.opts.Implicit && s.secure() != nil {
		return
	}
	if proceed, err := s.answer(AtConnect, "220 sink.test ESMTP"); err != nil || !proceed {
		_ = s.flush() // the client hears why, if it still listens
		return
	}
	for {
		line, err := s.line()
		if err != nil {
			return
		}
		s.sink.commands.Add(1)
		if err := s.command(line); err != nil {
			_ = s.flush()
			return
		}
		if s.sink.opts.Forgetful {
			s.r, s.w = 0, 0
		}
	}
}

// command carries out one command. The verbs are matched without case.
func (s *session) command(line []byte) error {
	switch {
	case verb(line, "MAIL FROM:"):
		return s.mail(line)
	case verb(line, "RCPT TO:"):
		return s.rcpt(line)
	case verb(line, "DATA"):
		return s.data()
	case verb(line, "RSET"):
		s.reset()
		s.say("250 2.0.0 ok")
	case verb(line, "NOOP"):
		s.say("250 2.0.0 ok")
	case verb(line, "EHLO "):
		s.reset()
		i := 0
		if s.encrypted {
			i = 1
		}
		s.out = append(s.out, s.sink.ehlo[i]...)
	case verb(line, "HELO "):
		s.reset()
		s.say("250 sink.test")
	case verb(line, "STARTTLS"):
		return s.starttls()
	case verb(line, "AUTH "):
		return s.auth(line)
	case verb(line, "QUIT"):
		s.say("221 2.0.0 bye")
		return errEnd
	default:
		s.say("500 5.5.2 unknown command")
	}
	return nil
}

// answerEHLO makes the answer to EHLO, which is the same for every session.
func (s *Sink) answerEHLO(encrypted bool) []byte {
	o := &s.opts
	lines := []string{"sink.test"}
	for _, e := range []string{"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"} {
		if slices.Contains(o.Without, e) {
			continue
		}
		if e == "SIZE" && o.MaxSize > 0 {
			e += " " + strconv.Itoa(o.MaxSize)
		}
		lines = append(lines, e)
	}
	encrypted = encrypted || o.Implicit
	if o.StartTLS && !encrypted {
		lines = append(lines, "STARTTLS")
	}
	if len(o.Users) > 0 && (encrypted || o.OpenAuth) {
		lines = append(lines, "AUTH "+strings.Join(o.Mechanisms, " "))
	}
	var b []byte
	for i, l := range lines {
		mark := byte('-')
		if i == len(lines)-1 {
			mark = ' '
		}
		b = append(append(append(append(b, "250"...), mark), l...), "\r\n"...)
	}
	return b
}

func (s *session) reset() {
	s.open, s.from, s.to, s.params, s.recipients = false, "", "", "", 0
}

func (s *session) mail(line []byte) error {
	o := &s.sink.opts
	from, params, ok := mailbox(line[len("MAIL FROM:"):])
	switch {
	case o.PerConnection > 0 && s.mails >= o.PerConnection:
		s.refuse("421 4.7.0 enough for one connection")
		return errEnd
	case !ok:
		s.refuse("501 5.1.7 bad address")
		return nil
	case s.open:
		s.refuse("503 5.5.1 one mail at a time")
		return nil
	case o.NeedTLS && !s.encrypted:
		s.refuse("530 5.7.0 issue STARTTLS first")
		return nil
	case o.NeedAuth && s.user == "":
		s.refuse("530 5.7.0 log in first")
		return nil
	case o.MaxSize > 0 && announced(params) > o.MaxSize:
		s.refuse("552 5.3.4 too large")
		return nil
	}
	proceed, err := s.answer(AtMail, "250 2.1.0 ok")
	if proceed {
		s.open = true
		if string(from) != s.from { // most often the same as before
			s.from = string(from)
		}
		s.params = string(params)
	}
	return err
}

func (s *session) rcpt(line []byte) error {
	to, _, ok := mailbox(line[len("RCPT TO:"):])
	switch {
	case !s.open:
		s.refuse("503 5.5.1 MAIL first")
		return nil
	case !ok || len(to) == 0:
		s.refuse("501 5.1.3 bad address")
		return nil
	}
	before := s.to
	s.to = string(to)
	proceed, err := s.answer(AtRcpt, "250 2.1.5 ok")
	if proceed {
		s.recipients++
	} else {
		s.to = before
	}
	return err
}

func (s *session) starttls() error {
	if !s.sink.opts.StartTLS || s.encrypted {
		s.say("502 5.5.1 not offered")
		return nil
	}
	s.say("220 2.0.0 go ahead")
	if err := s.flush(); err != nil {
		return err
	}
	s.reset()
	return s.secure()
}

// secure puts TLS over the connection and forgets what came in clear text.
func (s *session) secure() error {
	c := tls.Server(s.conn, s.sink.tls)
	if err := c.Handshake(); err != nil {
		return err
	}
	s.conn, s.encrypted, s.r, s.w = c, true, 0, 0
	return nil
}

// answer gives a stage's usual answer, or lets a fault act. proceed is false
// when the stage was refused; an error ends the session.
func (s *session) answer(at Stage, usual string) (proceed bool, err error) {
	f := s.sink.faults.Load().strike(at, s.to, s.chance)
	if f == nil {
		s.say(usual)
		return true, nil
	}
	return s.act(f, usual)
}

// act does what a fault says.
func (s *session) act(f *Fault, usual string) (proceed bool, err error) {
	s.sink.tellFault(f)
	if f.Delay > 0 {
		if err := s.pause(f.Delay); err != nil {
			return false, err
		}
	}
	switch f.Do {
	case Refuse:
		s.refuse(f.reply())
		if strings.HasPrefix(f.reply(), "421") {
			return false, errEnd
		}
		return false, nil
	case Drop:
		return false, errEnd
	case Stall:
		if err := s.flush(); err != nil {
			return false, err
		}
		_, _ = io.Copy(io.Discard, s.conn) // until the client goes or the sink closes
		return false, errEnd
	case Garbage:
		s.say(f.reply())
		return true, nil
	case Extra:
		s.say(usual)
		s.say(f.reply())
		return true, nil
	default: // Slow
		s.say(usual)
		return true, nil
	}
}

// pause lets time pass after what was said has left.
func (s *session) pause(d time.Duration) error {
	if err := s.flush(); err != nil {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.sink.quit:
		return errEnd
	}
}

func (s *session) say(line string) { s.out = append(append(s.out, line...), "\r\n"...) }

func (s *session) refuse(line string) {
	s.sink.refused.Add(1)
	s.say(line)
}

func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	return err
}

// fill reads more input, after what was said has left.
func (s *session) fill() error {
	if err := s.flush(); err != nil {
		return err
	}
	if s.r > 0 {
		s.w = copy(s.in, s.in[s.r:s.w])
		s.r = 0
	}
	if s.w == len(s.in) {
		return fmt.Errorf("a line of more than %d bytes", inputSize)
	}
	n, err := s.conn.Read(s.in[s.w:])
	if n > 0 {
		s.sink.reads.Add(1)
		s.w += n
		return nil
	}
	return err
}

// line gives the next line without its end; it is valid until the next read.
func (s *session) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(s.in[s.r:s.w], '\n'); i >= 0 {
			line := s.in[s.r : s.r+i]
			s.r += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

func verb(line []byte, v string) bool {
	return len(line) >= len(v) && strings.EqualFold(string(line[:len(v)]), v)
}

// mailbox reads "<address> PARAMS".
func mailbox(arg []byte) (address, params []byte, ok bool) {
	arg = bytes.TrimLeft(arg, " ")
	end := bytes.IndexByte(arg, '>')
	if len(arg) == 0 || arg[0] != '<' || end < 0 {
		return nil, nil, false
	}
	return arg[1:end], bytes.TrimSpace(arg[end+1:]), true
}

// announced gives the SIZE parameter of MAIL, or 0.
func announced(params []byte) int {
	for p := range strings.FieldsSeq(string(params)) {
		if n, ok := strings.CutPrefix(p, "SIZE="); ok {
			size, _ := strconv.Atoi(n)
			return size
		}
	}
	return 0
}
