package smtp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Envelope is one mail to one recipient, complete.
type Envelope struct {
	From string // the return path, "" for the null sender (RFC 5321 §4.5.5)
	To   string
	Body []byte // the whole message, header and all; not changed and not kept
}

// blockSize is how much of a body is written under one deadline. Nearly every
// mail is smaller and goes in one write.
const blockSize = 256 << 10

// Send carries one mail and says what became of it. The whole message is at
// hand before the first command, so nothing of ours can fail between MAIL and
// the final dot. A ctx that ends breaks the connection and with it the mail,
// which is then deferred or, after the final dot, unknown: let a Send finish
// where there is time. After a result with ConnBroken the connection is
// closed; otherwise it is ready for the next mail.
func (c *Conn) Send(ctx context.Context, e Envelope) Result {
	if c.broken {
		return Result{Outcome: dispatcher.OutcomeDeferred, Phase: PhaseMail, ConnBroken: true, used: c.mails > 0,
			Err: os.ErrClosed, Text: "the connection was closed before"}
	}
	if err := ctx.Err(); err != nil {
		return Result{Outcome: dispatcher.OutcomeDeferred, Phase: PhaseLocal, canceled: true, Err: err, Text: err.Error()}
	}
	t := transaction{Conn: c, piped: c.pipelines(), used: c.mails > 0}
	if refused, bad := t.prepare(e); bad {
		return refused
	}
	c.mails++
	var stop func() bool
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, c.abort)
	}
	res, accepted := t.envelope()
	if accepted {
		res = t.transfer()
	}
	if stop != nil && !stop() { // it ended meanwhile; the wire is, or is about to be, cut
		c.broken = true
		if res.Code == 0 {
			res.canceled, res.Err = true, context.Cause(ctx)
			res.Text = "stopped: " + res.Err.Error()
		}
	}
	if c.broken {
		c.end()
		res.ConnBroken = true
	}
	if cap(c.body) > maxKeptBody {
		c.body = nil
	}
	c.lastUsed = c.relay.opts.Clock()
	res.used, res.answered = t.used, t.answered
	return res
}

// pipelines says whether this mail's envelope may go in one write.
func (c *Conn) pipelines() bool {
	if !c.pipelining {
		return false
	}
	on, _ := c.relay.Pipelining()
	return on
}

// transaction is one mail under way.
type transaction struct {
	*Conn
	content
	from, to      string
	mime          bool // BODY=8BITMIME is wanted
	international bool // SMTPUTF8 is wanted
	piped         bool
	used          bool
	answered      bool // MAIL was accepted
	contradicted  bool // a surplus reply said no
}

// prepare makes everything ready and refuses what the relay could only refuse.
func (t *transaction) prepare(e Envelope) (Result, bool) {
	refuse := func(code int, status, format string, args ...any) (Result, bool) {
		return Result{Outcome: dispatcher.OutcomeFailed, Code: code, Enhanced: status, Phase: PhaseLocal, Text: fmt.Sprintf(format, args...)}, true
	}
	var fromUTF8, toUTF8, ok bool
	if e.From != "" {
		if t.from, fromUTF8, ok = path(e.From); !ok {
			return refuse(553, "5.1.7", "the sender address is no address that can be sent")
		}
	}
	if t.to, toUTF8, ok = path(e.To); !ok {
		return refuse(553, "5.1.3", "the recipient address is no address that can be sent to")
	}
	t.content = prepare(t.Conn.body, e.Body)
	t.Conn.body = t.content.wire
	t.international = fromUTF8 || toUTF8 || t.content.utf8
	t.mime = t.eight
	switch {
	case t.international && !t.Conn.utf8 && t.content.utf8 && !fromUTF8 && !toUTF8:
		return refuse(554, "5.6.9", "a header needs SMTPUTF8, which the relay does not offer")
	case t.international && !t.Conn.utf8:
		return refuse(553, "5.6.7", "an address has characters beyond ASCII before the @, and the relay does not offer SMTPUTF8")
	case t.eight && !t.eightBit:
		return refuse(554, "5.6.3", "the body has 8-bit characters, and the relay does not offer 8BITMIME")
	case t.maxSize > 0 && t.content.size > t.maxSize:
		return refuse(552, "5.3.4", "the message has %d bytes, the relay takes at most %d", t.content.size, t.maxSize)
	}
	return Result{}, false
}

// exchange is one command of the envelope and what may answer it.
type exchange struct {
	phase   Phase
	command []byte
	limit   time.Duration
}

// exchanges writes the three commands in one buffer.
func (t *transaction) exchanges() [3]exchange {
	b := append(t.commands[:0], "MAIL FROM:<"...)
	b = append(append(b, t.from...), '>')
	if t.Conn.size {
		b = strconv.AppendInt(append(b, " SIZE="...), int64(t.content.size), 10)
	}
	if t.mime {
		b = append(b, " BODY=8BITMIME"...)
	}
	if t.international {
		b = append(b, " SMTPUTF8"...)
	}
	b = append(b, "\r\n"...)
	rcpt := len(b)
	b = append(append(append(b, "RCPT TO:<"...), t.to...), ">\r\n"...)
	data := len(b)
	b = append(b, "DATA\r\n"...)
	t.commands = b
	limits := &t.relay.opts.Timeouts
	return [3]exchange{
		{PhaseMail, b[:rcpt], limits.Mail},
		{PhaseRcpt, b[rcpt:data], limits.Rcpt},
		{PhaseData, b[data:], limits.Data},
	}
}

// envelope speaks MAIL, RCPT and DATA. It gives true when the body may follow,
// otherwise the result. In a group every reply is read, whatever the first one
// said, because that is how replies find their commands (RFC 2920 §3.1).
func (t *transaction) envelope() (res Result, accepted bool) {
	steps := t.exchanges()
	refused, open := false, false
	if t.piped {
		_ = t.write(t.commands, steps[0].limit) // a failure shows after the replies that came
	}
	for i, s := range steps {
		if !t.piped {
			if refused {
				break
			}
			if r, bad := t.surplus(s.phase); bad {
				return r, false
			}
			_ = t.write(s.command, s.limit)
		}
		code, err := t.reply(s.limit)
		switch {
		case err != nil && refused, code == 421 && refused:
			t.broken = true // the verdict on this mail stands
			return res, false
		case err != nil:
			return t.lost(s.phase, err, t.piped && i > 0), false
		case code >= 400:
			if !refused {
				res, refused = t.refusal(s.phase, code), true
			}
			if code == 421 {
				return res, false
			}
		case s.phase == PhaseData && code == 354:
			open = true
		case s.phase != PhaseData && code/10 == 25:
			t.answered = t.answered || s.phase == PhaseMail
		default:
			r := t.misplaced(s.phase, code)
			if refused {
				return res, false
			}
			return r, false
		}
	}
	return t.conclude(res, refused, open)
}

// conclude ends the envelope: on to the body, or back to a clean state.
func (t *transaction) conclude(res Result, refused, open bool) (Result, bool) {
	if t.writeErr != nil {
		if refused {
			t.broken = true
			return res, false
		}
		return t.lost(PhaseData, t.writeErr, false), false
	}
	if r, bad := t.surplus(PhaseData); bad {
		if refused {
			return res, false
		}
		return r, false
	}
	if !refused {
		return Result{}, true
	}
	// The relay waits for a body although it took no recipient: an empty one
	// ends that (RFC 2920 §3.1). Otherwise RSET clears what it did accept.
	command, limit := "RSET\r\n", t.relay.opts.Timeouts.Mail
	if open {
		command, limit = finalDot, t.relay.opts.Timeouts.Dot
	}
	_ = t.write([]byte(command), limit)
	code, err := t.reply(limit)
	switch {
	case err != nil, code == 421, !open && code/100 != 2, t.writeErr != nil:
		t.broken = true
	case code/100 == 3:
		t.misplaced(res.Phase, code)
	}
	return res, false
}

// transfer sends the body with its final dot and reads the verdict.
func (t *transaction) transfer() Result {
	handed, err := t.pushBody()
	if err != nil {
		// The relay may have said why before it closed the connection.
		code, rerr := t.reply(drain)
		t.broken = true
		switch {
		case rerr == nil && code >= 400:
			return t.refusal(PhaseBody, code)
		case handed > len(t.content.wire)-len(finalDot):
			return t.unknown(err)
		default:
			return t.lost(PhaseBody, err, false)
		}
	}
	code, err := t.reply(t.relay.opts.Timeouts.Dot)
	switch {
	case err != nil:
		return t.unknown(err)
	case code >= 400:
		res := t.refusal(PhaseDot, code)
		t.surplus(PhaseDot)
		return res
	case code/10 != 25:
		res := t.misplaced(PhaseDot, code)
		res.Outcome = dispatcher.OutcomeUnknown
		return res
	}
	res := Result{Outcome: dispatcher.OutcomeSent, Code: code, Phase: PhaseDot}
	res.Enhanced, res.Text = split(t.words, code)
	if extra, bad := t.surplus(PhaseDot); bad && extra.OutOfStep {
		// Two answers to one mail: which of them is meant for it?
		res.OutOfStep = true
		if t.contradicted {
			res.Outcome, res.Text = dispatcher.OutcomeUnknown, res.Text+" | "+extra.Text
		}
	}
	return res
}

// pushBody writes the body in blocks, each under its own deadline, and says
// how many bytes were handed over.
func (t *transaction) pushBody() (handed int, err error) {
	for rest := t.content.wire; len(rest) > 0 && err == nil; {
		block := rest[:min(len(rest), blockSize)]
		var n int
		n, err = t.push(block, t.relay.opts.Timeouts.Block)
		handed += n
		rest = rest[len(block):]
	}
	return handed, err
}

// refusal is the result of a reply that said no.
func (t *transaction) refusal(phase Phase, code int) Result {
	res := Result{Outcome: outcomeOf(code), Code: code, Phase: phase}
	res.Enhanced, res.Text = split(t.words, code)
	if code == 421 { // the relay is closing (RFC 5321 §3.8)
		t.broken = true
	}
	return res
}

// lost is the result of a connection that broke before the final dot left us.
// silent says that a pipelined group was answered in part.
func (t *transaction) lost(phase Phase, err error, silent bool) Result {
	t.broken = true
	if t.writeErr != nil {
		err = t.writeErr
	}
	late := errors.Is(err, os.ErrDeadlineExceeded)
	if silent && late && t.writeErr == nil {
		// A relay that drops its input between commands looks like this.
		t.relay.outOfStep(fmt.Sprintf("the relay answered a part of a pipelined group and then nothing, up to %s", phase))
	}
	res := Result{Outcome: dispatcher.OutcomeDeferred, Phase: phase, Err: err}
	res.Text = "connection lost at " + string(phase) + ": " + err.Error()
	var garbage *unparsable
	switch {
	case errors.As(err, &garbage):
		res.Text = err.Error()
	case late:
		res.Text = "time-out at " + string(phase)
	}
	return res
}

// unknown is the result of a connection that broke after the final dot had
// left us, if only in part.
func (t *transaction) unknown(err error) Result {
	res := t.lost(PhaseDot, err, false)
	res.Outcome = dispatcher.OutcomeUnknown
	res.Text += "; the relay may have taken the mail"
	return res
}

// misplaced is the result of a reply that cannot answer its command: replies
// and commands are out of step, and the connection is of no more use.
func (t *transaction) misplaced(phase Phase, code int) Result {
	t.broken = true
	_, words := split(t.words, code)
	res := Result{Outcome: dispatcher.OutcomeDeferred, Phase: phase, OutOfStep: true,
		Text: fmt.Sprintf("out of step: %d %s in answer to %s", code, words, phase)}
	res.Err = errors.New(res.Text)
	if t.piped {
		t.relay.outOfStep(res.Text)
	}
	return res
}

// surplus looks for a reply that nobody asked for. 421 may come at any time
// (RFC 5321 §3.8); anything else means that replies are out of step. At
// PhaseDot the mail has its verdict already, and the result only tells.
func (t *transaction) surplus(phase Phase) (Result, bool) {
	if t.text.R.Buffered() == 0 {
		return Result{}, false
	}
	code, err := t.reply(drain)
	switch {
	case err != nil:
		return t.lost(phase, err, false), true
	case code == 421:
		return t.refusal(phase, code), true
	default:
		res := t.misplaced(phase, code)
		t.contradicted = code >= 300
		return res, true
	}
}
