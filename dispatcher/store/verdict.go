package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// judge finds the answer: what messages tell comes first, then what keeps the
// comment from everybody, then the rules for this reader, then where the
// slots of the schedules that lead to it stand.
func (x *explainer) judge(ctx context.Context) error {
	if x.fromMessages() {
		return nil
	}
	settles := x.c.SettlesAt != nil
	if x.c.Position == 0 && !settles {
		x.out.Verdict = AnswerNot
		if x.out.Why = x.c.Unmailed; x.out.Why == "" || x.c.State != string(dispatcher.Visible) {
			x.out.Why = WhyRemoved
		}
		return nil
	}
	reason, why := dispatcher.Verdict(x.r, x.win, &x.entry)
	if reason != 0 {
		x.out.Reason = reason.String()
	}
	if why != dispatcher.WhyNone {
		x.out.Verdict, x.out.Why = AnswerNot, string(why)
		if n := len(x.out.Messages); n > 0 { // all of them cancelled
			x.out.Why, x.rule = WhyCancelled, why
		}
		return nil
	}
	if x.suppressed != "" {
		x.out.Verdict, x.out.Why = AnswerNot, WhySuppressed
		return nil
	}
	if settles {
		x.out.Verdict, x.out.Why = AnswerWillBe, WhySettling
		return nil
	}
	return x.fromSlots(ctx)
}

// fromMessages takes the answer from the message that carries the comment;
// cancelled ones have given it up.
func (x *explainer) fromMessages() bool {
	for _, m := range slices.Backward(x.out.Messages) {
		switch m.State {
		case dispatcher.StateCancelled:
			continue
		case dispatcher.StateSent:
			x.out.Verdict = AnswerSent
		case dispatcher.StateDue, dispatcher.StateDeferred:
			x.fromCheck()
		case dispatcher.StateSending:
			x.out.Verdict, x.out.Why = AnswerWillBe, WhyQueued
		case dispatcher.StateSuppressed:
			x.out.Verdict, x.out.Why = AnswerNot, WhySuppressed
		default:
			x.out.Verdict, x.out.Why = AnswerNot, WhyFailed
			if m.State == dispatcher.StateUnknown {
				x.out.Why = string(dispatcher.StateUnknown)
			}
		}
		return true
	}
	return false
}

// fromCheck says of a message that waits what the outbox will find when it
// looks once more before sending.
func (x *explainer) fromCheck() {
	_, why := dispatcher.Verdict(x.r, x.win, &x.entry)
	switch {
	case x.suppressed != "":
		x.out.Verdict, x.out.Why = AnswerNot, WhySuppressed
	case why != dispatcher.WhyNone:
		x.out.Verdict, x.out.Why = AnswerNot, string(why)
	default:
		x.out.Verdict, x.out.Why = AnswerWillBe, WhyQueued
	}
}

// fromSlots says which slot will carry the comment, or that all have passed.
func (x *explainer) fromSlots(ctx context.Context) error {
	position := x.entry.Position
	live := map[string]bool{}
	for _, s := range x.out.Subscriptions {
		if s.Why == dispatcher.WhyNone {
			live[s.Schedule] = true
		}
	}
	rows, err := x.t.rows(ctx, `SELECT schedule, thread, from_position, not_before, reason FROM hearback_hold WHERE subscriber = ? ORDER BY schedule, thread`, x.sub.ID)
	var thread, from, notBefore int64
	if err := each(rows, err, func() error {
		var h ExplainedHold
		if err := rows.Scan(&h.Schedule, &thread, &from, &notBefore, &h.Reason); err != nil {
			return err
		}
		h.NotBefore = fromMicros(notBefore)
		if live[h.Schedule] && from < position && (thread == 0 || thread == x.entry.Thread) {
			x.out.Holds = append(x.out.Holds, h)
		}
		return nil
	}); err != nil {
		return err
	}
	var coming []string
	if err := x.t.all(ctx, &coming, `SELECT s.schedule FROM hearback_subscription s JOIN hearback_chain c ON c.schedule = s.schedule AND c.zone = s.zone
		WHERE s.subscriber = ? AND s.ended_at = 0 AND s.confirmed_at > 0 AND (c.last_upto < ? OR EXISTS (
			SELECT 1 FROM hearback_slot o WHERE o.schedule = s.schedule AND o.zone = s.zone AND o.done_at = 0 AND o.from_position < ? AND o.upto_position >= ?))`,
		x.sub.ID, position, position, position); err != nil {
		return err
	}
	for _, name := range coming {
		if live[name] {
			x.out.Verdict, x.out.Why = AnswerWillBe, WhySlot
			return nil
		}
	}
	switch {
	case len(x.out.Holds) > 0:
		x.out.Verdict, x.out.Why = AnswerHeld, string(x.out.Holds[0].Reason)
	case len(x.out.Messages) > 0:
		x.out.Verdict, x.out.Why = AnswerNot, WhyCancelled
	default:
		x.out.Verdict, x.out.Why = AnswerNot, WhyPassed
	}
	return nil
}

// sentence puts the answer into words.
func (x *explainer) sentence() string {
	o := &x.out
	switch o.Verdict {
	case AnswerNoReader:
		return fmt.Sprintf("Nobody told Hearback of a subscriber %q on the site %s.", o.Subscriber, o.Site)
	case AnswerUnknown:
		return fmt.Sprintf("Nobody told Hearback of a comment %q on the site %s.", o.Comment, o.Site)
	case AnswerSent:
		m := o.Messages[len(o.Messages)-1]
		for _, other := range o.Messages {
			if other.State == dispatcher.StateSent {
				m = other
			}
		}
		return fmt.Sprintf("It was sent in message %d at %s.", m.ID, stamp(m.DoneAt))
	case AnswerHeld:
		return fmt.Sprintf("It is held (%s) and goes out with the first slot of %s after %s.", x.words(), o.Holds[0].Schedule, stamp(o.Holds[0].NotBefore))
	case AnswerWillBe:
		return "It will be sent: " + x.words() + "."
	}
	return "It was not sent: " + x.words() + "."
}

func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }

// words explains a code.
func (x *explainer) words() string {
	last := ExplainedMessage{}
	if n := len(x.out.Messages); n > 0 {
		last = x.out.Messages[n-1]
	}
	switch x.out.Why {
	case WhySettling:
		return "it settles until " + stamp(x.out.State.SettlesAt)
	case WhyQueued:
		return fmt.Sprintf("message %d carries it and is %s", last.ID, last.State)
	case WhySlot:
		return "the next slot of its schedule selects it"
	case WhyPassed:
		return "a slot passed it, as a rule because a mail carries only so many comments and counts the rest"
	case WhyRemoved:
		return "it was removed before it had settled"
	case WhyCancelled:
		said := fmt.Sprintf("message %d, which carried it, was cancelled (%s)", last.ID, last.Why)
		if w, ok := explanations()[string(x.rule)]; ok {
			said += "; " + w
		}
		return said
	case WhyFailed:
		return fmt.Sprintf("message %d failed: %s", last.ID, last.LastWords)
	case WhySuppressed:
		return "the address is on the suppression list"
	case string(dispatcher.StateUnknown):
		return fmt.Sprintf("the connection broke after message %d was handed over, so it may have arrived", last.ID)
	}
	if w, ok := explanations()[x.out.Why]; ok {
		return w
	}
	return x.out.Why
}

func explanations() map[string]string {
	return map[string]string{
		string(dispatcher.UnmailedNotify): "the site asked that nobody be mailed",
		string(dispatcher.UnmailedOld):    "it was written long before it arrived (see max_age)",
		string(dispatcher.WhyNoMatch):     "no subscription of the reader leads to it",
		string(dispatcher.WhyPending):     "the subscription that leads to it was never confirmed",
		string(dispatcher.WhyEnded):       "the subscription that leads to it has ended",
		string(dispatcher.WhyBefore):      "it was published before the reader subscribed",
		string(dispatcher.WhyMuted):       "the reader muted its thread or its author",
		string(dispatcher.WhyOwn):         "the reader wrote it",
		string(dispatcher.WhyNotVisible):  "it is not visible any more",
		string(dispatcher.WhyDelivered):   "an earlier message carries it",
		string(dispatcher.WhyRead):        "the reader read it on the site",
		string(dispatcher.HoldPause):      "the reader paused all mail",
		string(dispatcher.HoldQuiet):      "quiet hours",
		string(dispatcher.HoldMinimum):    "the digest is below its minimum",
		string(dispatcher.HoldStorm):      "many mails of its thread within an hour",
		string(dispatcher.HoldCap):        "the reader had many mails today",
		string(dispatcher.HoldChanged):    "the cadence or time zone just changed",
		string(dispatcher.HoldConfirmed):  "confirmed later than asked for",
	}
}
