package smtp

import (
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// Phase is the part of a mail's transaction that decided its outcome.
type Phase string

// The phases, in their order. PhaseLocal means that nothing was sent.
const (
	PhaseLocal Phase = "local"
	PhaseMail  Phase = "mail"
	PhaseRcpt  Phase = "rcpt"
	PhaseData  Phase = "data"
	PhaseBody  Phase = "body"
	PhaseDot   Phase = "dot"
)

// Result is what became of one mail.
type Result struct {
	Outcome    dispatcher.Outcome
	Code       int    // the deciding reply's code; 0 when no reply came
	Enhanced   string // RFC 3463 status of that reply, "" when it had none
	Text       string // the relay's words, or what broke; one line of valid UTF-8
	Phase      Phase
	ConnBroken bool  // the connection is closed; dial another for the next mail
	OutOfStep  bool  // replies did not match the commands; pipelining was turned off if it was on
	Err        error // what broke, when no reply decided

	used     bool // the connection had carried mails before
	answered bool // the relay said yes to MAIL
	canceled bool // the caller's context ended
}

// Suppresses says whether the relay named the address itself as undeliverable
// for good, so that nothing should be sent to it again: 5.1.x and 5.2.1 in
// answer to the recipient or to the mail, also 551 and 556 without a status. A
// 5.1.x in answer to MAIL, and 5.1.7 and 5.1.8 anywhere, speak of our own
// sender address; 5.7.x is about policy. Neither says a thing about the reader.
func (r Result) Suppresses() bool {
	if r.Outcome != dispatcher.OutcomeFailed || r.Phase == PhaseLocal || r.Phase == PhaseMail {
		return false
	}
	switch r.Code {
	case 550, 551, 553, 554, 556:
	default:
		return false
	}
	if r.Enhanced == "" {
		return r.Code == 551 || r.Code == 556 // RFC 5321 §3.4, RFC 7504
	}
	switch r.Enhanced {
	case "5.2.1":
		return true
	case "5.1.5", "5.1.7", "5.1.8", "5.1.9":
		return false
	}
	return strings.HasPrefix(r.Enhanced, "5.1.")
}

// Charged says whether the attempt counts against the message. What the relay
// as a whole caused does not: 421, refused log-ins, a connection lost before
// the relay took up the mail. A connection lost later counts, for it may be
// this very mail that the relay chokes on, and it must not be tried for ever.
func (r Result) Charged() bool {
	switch {
	case r.Outcome != dispatcher.OutcomeDeferred:
		return true
	case r.canceled, r.OutOfStep, r.Code == 421, aboutUs(r.Code), r.Phase == PhaseLocal:
		return false
	case r.Code != 0:
		return true
	default:
		return r.answered
	}
}

// RelayTrouble says whether the relay as a whole is in trouble, so that it
// should be slowed down: 421, a 4xx to MAIL, refused log-ins, a lost or
// unusable connection. A connection that merely had been idle for too long is
// no trouble; see [Result.Stale].
func (r Result) RelayTrouble() bool {
	switch {
	case r.Stale(), r.canceled:
		return false
	case r.Code == 421, aboutUs(r.Code), r.OutOfStep:
		return true
	case r.Code == 0:
		return r.ConnBroken
	default:
		return r.Phase == PhaseMail && r.Code < 500
	}
}

// Stale says that a connection that had carried mails before was closed by the
// relay, idle or at its own limit, before it took up this one. Nothing is
// wrong: send the mail again, at once, on a fresh connection.
func (r Result) Stale() bool {
	return r.used && r.ConnBroken && !r.canceled && !r.OutOfStep &&
		r.Phase == PhaseMail && (r.Code == 0 || r.Code == 421) && r.Outcome == dispatcher.OutcomeDeferred
}

// aboutUs says whether a code speaks of our standing with the relay and not of
// the mail (RFC 4954 §6). They are 5xx codes, yet failing the mail for them
// would empty the queue because a password was changed.
func aboutUs(code int) bool {
	switch code {
	case 530, 534, 535, 538:
		return true
	}
	return false
}

// outcomeOf classifies a refusing reply.
func outcomeOf(code int) dispatcher.Outcome {
	if code < 500 || aboutUs(code) {
		return dispatcher.OutcomeDeferred
	}
	return dispatcher.OutcomeFailed
}
