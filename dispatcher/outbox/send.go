package outbox

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

// send is one connection's worker: it composes and hands over one mail after
// the other until the jobs end.
func (s *Stage) send(ctx, hard context.Context) {
	w := &sender{s: s}
	defer w.hangUp()
	for j := range s.jobs {
		if ctx.Err() != nil || !s.holdsLease() {
			s.release(j, 0)
			continue
		}
		w.one(ctx, hard, j)
		if len(s.jobs) == 0 && w.conn != nil && !w.conn.Reusable() {
			w.hangUp()
		}
	}
}

// release makes a claimed message due again, uncharged.
func (s *Stage) release(j *job, after time.Duration) {
	s.complete(store.Completion{Message: j.m.ID, Owner: j.m.Owner, State: dispatcher.StateDue, DueAt: s.o.Clock.Now().Add(after)})
}

type sender struct {
	s    *Stage
	conn *smtp.Conn
	buf  []byte
}

func (w *sender) hangUp() {
	if w.conn != nil {
		c, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = w.conn.Close(c) // a farewell that fails changes nothing
		w.conn = nil
	}
}

// one sends a single message.
func (w *sender) one(ctx, hard context.Context, j *job) {
	s := w.s
	if wait := s.trouble.left(s.o.Clock.Now()); wait > 0 {
		s.release(j, min(wait, 5*time.Second))
		return
	}
	if s.limiter.Wait(ctx) != nil || !w.dial(ctx) {
		s.release(j, time.Second)
		return
	}
	if s.o.Clock.Now().Sub(j.checked) > fresh {
		jobs, err := s.check(ctx, []dispatcher.Message{j.m})
		if err != nil {
			s.release(j, time.Second)
			return
		}
		if len(jobs) == 0 {
			return // completed by the check
		}
		j = jobs[0]
	}
	sw, err := s.readSwitches(ctx)
	if err != nil || sw.stopped(j.m.Site) {
		s.release(j, 0)
		return
	}
	w.hand(ctx, hard, j, sw.address(j.m.Site))
}

// dial makes sure of a usable connection. Trouble with the relay slows all
// senders and charges no message.
func (w *sender) dial(ctx context.Context) bool {
	if w.conn != nil && w.conn.Reusable() {
		return true
	}
	w.hangUp()
	conn, err := w.s.o.Relay.Dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			wait, first := w.s.trouble.strike(w.s.o.Clock.Now(), err.Error())
			if first {
				w.s.o.Log.Error("the relay cannot be used; mails wait", "relay", w.s.o.Relay.Name(), "error", err, "retry_in", wait)
			}
		}
		return false
	}
	w.conn = conn
	return true
}

// hand composes the mail and sends it.
func (w *sender) hand(ctx, hard context.Context, j *job, redirect string) {
	s := w.s
	m, info, err := w.compose(ctx, j, redirect)
	if err != nil {
		w.cannotCompose(j, err)
		return
	}
	site := s.o.Sites[j.m.Site]
	at := s.o.Clock.Now()
	s.inFlight.Add(1)
	res := w.conn.Send(hard, smtp.Envelope{From: returnPath(&site), To: m.To, Body: w.buf})
	if res.Stale() && ctx.Err() == nil { // closed while idle: nothing happened, once more on a fresh one
		w.hangUp()
		if w.dial(ctx) {
			res = w.conn.Send(hard, smtp.Envelope{From: returnPath(&site), To: m.To, Body: w.buf})
		}
	}
	if w.conn != nil && res.ConnBroken {
		w.hangUp()
	}
	if res.RelayTrouble() {
		if wait, first := s.trouble.strike(s.o.Clock.Now(), res.Text); first {
			s.o.Log.Warn("the relay is in trouble; slowing down", "relay", s.o.Relay.Name(), "code", res.Code, "says", nameless(res.Text), "wait", wait)
		}
	} else if res.Outcome == dispatcher.OutcomeSent || res.Outcome == dispatcher.OutcomeFailed && res.Code != 0 {
		s.trouble.relieve() // it gives final answers about mails
	}
	c := s.outcome(hard, j, res, at)
	if redirect != "" {
		c.Suppress = nil // what was refused is not the reader's address
	}
	c.Attempt = &dispatcher.Attempt{Message: j.m.ID, At: at, Relay: s.o.Relay.Name(), Outcome: res.Outcome, Code: res.Code, Enhanced: res.Enhanced, Text: res.Text,
		Duration: s.o.Clock.Now().Sub(at), TemplateVersion: info.TemplateVersion, ContentHash: info.ContentHash}
	if items := w.placed(j, info); len(items) != len(j.m.Items) {
		c.NewItems, c.Items = true, items
	}
	s.complete(c)
}

// placed gives the items that really stand in the mail.
func (w *sender) placed(j *job, info render.Info) []dispatcher.Item {
	if len(info.Placed) == len(j.items) && !j.dropped {
		return j.m.Items
	}
	return slices.DeleteFunc(slices.Clone(j.items), func(it dispatcher.Item) bool { return !slices.Contains(info.Placed, it.Comment) })
}

func (w *sender) compose(ctx context.Context, j *job, redirect string) (*render.Mail, render.Info, error) {
	m, err := w.s.mail(ctx, j, redirect)
	if err != nil {
		return nil, render.Info{}, err
	}
	var info render.Info
	w.buf, info, err = w.s.o.Renderer.Compose(ctx, w.buf[:0], m)
	return m, info, err
}

// cannotCompose settles a message that cannot be made: for good when it is the
// message's own fault, else it is tried again.
func (w *sender) cannotCompose(j *job, err error) {
	c := store.Completion{Message: j.m.ID, Owner: j.m.Owner, State: dispatcher.StateFailed, Why: err.Error()}
	if dispatcher.CodeOf(err) == dispatcher.CodeInternal {
		w.s.o.Log.Error("a mail could not be composed; trying again", "message", j.m.ID, "error", nameless(err.Error()))
		w.s.release(j, 30*time.Second)
		return
	}
	w.s.Failed.Add(1)
	w.s.o.Log.Error("a mail could not be composed", "message", j.m.ID, "error", nameless(err.Error()))
	w.s.complete(c)
}

// nameless takes the addresses out of words that are logged: servers repeat
// their reader's. The attempt keeps them all.
func nameless(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if strings.Contains(w, "@") {
			words[i] = "(address)"
		}
	}
	return strings.Join(words, " ")
}

// outcome turns what the relay answered into the message's next state.
func (s *Stage) outcome(ctx context.Context, j *job, res smtp.Result, at time.Time) store.Completion {
	c := store.Completion{Message: j.m.ID, Owner: j.m.Owner}
	if res.Charged() {
		c.Charge = 1
	}
	switch res.Outcome {
	case dispatcher.OutcomeSent:
		c.State = dispatcher.StateSent
		s.Sent.Add(1)
		if j.m.Kind == dispatcher.KindReply {
			s.Lags[store.LagBand(at.Sub(j.newest()))].Add(1)
		}
	case dispatcher.OutcomeFailed:
		c.State, c.Why = dispatcher.StateFailed, "refused"
		s.Failed.Add(1)
		if res.Suppresses() && j.m.Subscriber != 0 {
			c.Suppress = &store.Suppression{Site: j.m.Site, Address: j.to.Subscriber.Address, Reason: "bounce", Detail: res.Text, Message: j.m.ID}
		}
	case dispatcher.OutcomeUnknown:
		s.Unknown.Add(1)
		if j.m.Resent || s.o.HoldUnknown {
			c.State, c.Why = dispatcher.StateUnknown, "the connection broke after the final dot"
			return c
		}
		s.Repeated.Add(1)
		c.State, c.Resent, c.DueAt, c.Why = dispatcher.StateDue, true, at.Add(2*time.Second), "resent_after_unknown"
	default:
		s.Deferred.Add(1)
		if s.expired(ctx, j, at) {
			c.State, c.Why = dispatcher.StateFailed, "refused_for_48h"
			return c
		}
		c.State, c.DueAt, c.Why = dispatcher.StateDeferred, at.Add(backoff(s.o.Retry, j.m.Attempts, c.Charge)), "refused_for_now"
	}
	return c
}

// expired says whether a message was tried for long enough. One that waited on
// hold or for the end of a pause has its two days from the first try on.
func (s *Stage) expired(ctx context.Context, j *job, at time.Time) bool {
	if at.Sub(j.m.CreatedAt) <= expiry {
		return false
	}
	since, err := s.o.Store.TryingSince(ctx, j.m.ID)
	return err == nil && !since.IsZero() && at.Sub(since) > expiry // else the next try asks again
}

// backoff is how long a deferred message waits: longer with each charged
// attempt, with jitter, so that a thousand of them do not come back at once.
func backoff(first time.Duration, attempts, charge int) time.Duration {
	if charge == 0 {
		return first/15 + rand.N(first/10)
	}
	steps := [...]time.Duration{1, 4, 16, 60, 120, 240, 480}
	d := steps[min(attempts, len(steps)-1)] * first
	return d*3/4 + rand.N(d/2)
}

// trouble slows a relay down after it refused as a whole. Safe for concurrent
// use.
type trouble struct {
	mu      sync.Mutex
	strikes int
	until   time.Time
	since   time.Time // of the first strike
	why     string    // of the last
}

// strike counts a refusal and gives the pause; first says that the relay was
// well before, or that this pause is longer than the last.
func (t *trouble) strike(now time.Time, why string) (wait time.Duration, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.until) { // the other connections fail together: one strike
		return t.until.Sub(now), false
	}
	if t.strikes++; t.strikes == 1 {
		t.since = now
	}
	t.why = why
	wait = min(time.Duration(1<<min(t.strikes-1, 10))*250*time.Millisecond, time.Minute)
	t.until = now.Add(wait)
	return wait, t.strikes == 1 || t.strikes == 4 || t.strikes%10 == 0
}

func (t *trouble) relieve() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.strikes = 0
}

// Trouble says since when the relay cannot be used and what it said last; the
// zero time and "" when it is well.
func (s *Stage) Trouble() (since time.Time, why string) {
	s.trouble.mu.Lock()
	defer s.trouble.mu.Unlock()
	if s.trouble.strikes == 0 {
		return time.Time{}, ""
	}
	return s.trouble.since, s.trouble.why
}

func (t *trouble) left(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until.Sub(now)
}

func (t *trouble) waiting(now time.Time) bool { return t.left(now) > 0 }
