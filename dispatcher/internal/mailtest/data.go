package mailtest

import (
	"bytes"
	"strconv"
	"strings"
)

// data answers DATA, reads the mail and gives the verdict on it.
func (s *session) data() error {
	if !s.open || s.recipients == 0 && !s.sink.opts.EagerData {
		s.refuse("503 5.5.1 no valid recipients")
		return nil
	}
	proceed, err := s.answer(AtData, "354 go ahead")
	if err != nil || !proceed {
		return err
	}
	m, err := s.body()
	if err != nil {
		return err
	}
	defer s.reset()
	o := &s.sink.opts
	switch {
	case s.recipients == 0:
		s.refuse("554 5.5.1 no valid recipients")
		return nil
	case o.MaxSize > 0 && m.Size > o.MaxSize:
		s.refuse("552 5.3.4 too large")
		return nil
	}
	return s.verdict(m)
}

// verdict takes the mail or lets a fault act. Whether the mail was taken is
// settled and recorded before the client hears anything.
func (s *session) verdict(m Mail) error {
	f := s.sink.faults.Load().strike(AtDot, s.to, s.chance)
	if f == nil || f.Do == Slow || f.Do == Extra || f.Accept {
		m.Unsaid = f != nil && f.Do != Slow && f.Do != Extra
		s.mails++
		s.sink.record(m)
	}
	b := append(make([]byte, 0, 48), "250 2.0.0 ok, number "...)
	usual := string(strconv.AppendInt(b, s.sink.accepted.Load(), 10))
	if f == nil {
		s.say(usual)
		return nil
	}
	_, err := s.act(f, usual)
	return err
}

// scan is the state of reading one mail.
type scan struct {
	size     int
	id       string
	kept     []byte
	keep     bool
	inHeader bool
	wantID   bool // the Message-ID was folded right after its name
	fresh    bool // at the beginning of a line that CRLF began
	prev     byte // the last byte consumed
	fault    *Fault
}

// body reads up to the final dot. Only CRLF . CRLF ends a mail: a bare LF
// before the dot does not, as with any server that cannot be smuggled into.
func (s *session) body() (Mail, error) {
	c := scan{inHeader: true, fresh: true, keep: s.sink.opts.Keep == KeepBytes}
	if set := s.sink.faults.Load(); set.has(AtBody) {
		c.fault = set.strike(AtBody, s.to, s.chance)
	}
	for {
		done, more := s.step(&c)
		if c.fault != nil && (done || c.size >= c.fault.Bytes) {
			f := c.fault
			c.fault = nil
			s.sink.tellFault(f)
			if f.Do == Slow {
				if err := s.pause(f.Delay); err != nil {
					return Mail{}, err
				}
			} else {
				s.fail(f)
				return Mail{}, errEnd
			}
		}
		if done {
			break
		}
		if more {
			if err := s.fill(); err != nil {
				return Mail{}, err
			}
		}
	}
	m := Mail{Conn: s.number, From: s.from, To: s.to, Recipients: s.recipients, Params: s.params,
		MessageID: c.id, Size: c.size, Encrypted: s.encrypted, User: s.user}
	if c.keep {
		m.Data = unstuff(c.kept)
	}
	return m, nil
}

// fail acts in the middle of a body. Whatever it says, the rest of the mail is
// not read and the connection ends.
func (s *session) fail(f *Fault) {
	if f.Do == Stall { // not read on, so that the client's own writes come to a halt too
		if s.flush() == nil {
			<-s.sink.quit
		}
		return
	}
	if f.Delay > 0 && s.pause(f.Delay) != nil {
		return
	}
	if f.Do == Refuse || f.Do == Garbage || f.Do == Extra {
		s.refuse(f.reply())
	}
}

// step consumes one line, or as much of one as there is. more asks for input.
func (s *session) step(c *scan) (done, more bool) {
	in := s.in[s.r:s.w]
	if len(in) == 0 {
		return false, true
	}
	if c.fresh && in[0] == '.' {
		if len(in) < 3 {
			return false, true
		}
		if in[1] == '\r' && in[2] == '\n' {
			s.r += 3
			return true, false
		}
	}
	end := bytes.IndexByte(in, '\n')
	if end < 0 {
		if c.inHeader && len(in) < 8<<10 { // wait for the whole line, it may be the Message-ID
			return false, true
		}
		s.consume(c, in)
		c.fresh = false
		return false, true
	}
	if c.inHeader {
		c.header(in[:end])
	}
	before := c.prev
	if end > 0 {
		before = in[end-1]
	}
	s.consume(c, in[:end+1])
	c.fresh = before == '\r'
	return false, false
}

func (s *session) consume(c *scan, b []byte) {
	c.size += len(b)
	c.prev = b[len(b)-1]
	if c.keep {
		c.kept = append(c.kept, b...)
	}
	s.r += len(b)
}

// header looks at one header line.
func (c *scan) header(line []byte) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	const name = "Message-ID:"
	switch {
	case len(line) == 0:
		c.inHeader = false
	case c.wantID:
		c.wantID = false
		c.id = strings.Trim(string(line), " \t<>")
	case c.id == "" && line[0]|0x20 == 'm' && verb(line, name):
		c.id = strings.Trim(string(line[len(name):]), " \t<>")
		c.wantID = c.id == ""
	}
}

// unstuff takes away the dots that the client added (RFC 5321 §4.5.2).
func unstuff(b []byte) []byte {
	if len(b) > 0 && b[0] == '.' {
		b = b[1:]
	}
	return bytes.ReplaceAll(b, []byte("\r\n."), []byte("\r\n"))
}
