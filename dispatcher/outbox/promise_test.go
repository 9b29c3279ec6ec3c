package outbox_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/store"
)

// What happens between the claim and the sending of a mail still counts.
func TestNobodyIsMailedWhoWentAwayBetweenTheClaimAndTheSending(t *testing.T) {
	thread := dispatcher.Target{Type: dispatcher.TargetThread, ID: "t"}
	for _, c := range []struct {
		name  string
		f     func(r *rig, ann dispatcher.Subscriber)
		state dispatcher.State
		why   string
	}{
		{"suppressed", func(r *rig, ann dispatcher.Subscriber) {
			must(r.T, r.st.PutSuppression(r.Context(), store.Suppression{Site: "blog", Address: ann.Address, Reason: "complaint"}))
		}, dispatcher.StateSuppressed, "complaint"},
		{"erased", func(r *rig, _ dispatcher.Subscriber) { must(r.T, r.st.Erase(r.Context(), "blog", "ann")) }, dispatcher.StateCancelled, "erased"},
		{"left", func(r *rig, ann dispatcher.Subscriber) {
			_, err := r.st.End(r.Context(), ann.ID, nil, true, "everything", dispatcher.EndedByReader)
			must(r.T, err)
		}, dispatcher.StateCancelled, "nothing_left"},
		{"muted", func(r *rig, _ dispatcher.Subscriber) {
			_, _, err := r.st.SetSubscription(r.Context(), "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: thread, Mute: true}, false)
			must(r.T, err)
		}, dispatcher.StateCancelled, "nothing_left"},
		{"paused", func(r *rig, _ dispatcher.Subscriber) {
			until := r.clock.Now().Add(time.Hour).Format(time.RFC3339)
			_, _, err := r.st.SetSubscriber(r.Context(), "blog", dispatcher.EventSubscriber{ID: "ann", PausedTill: &until}, false)
			must(r.T, err)
		}, dispatcher.StateDue, "paused"},
		{"another address, not confirmed", func(r *rig, _ dispatcher.Subscriber) {
			email := "anna@readers.example"
			_, _, err := r.st.SetSubscriber(r.Context(), "blog", dispatcher.EventSubscriber{ID: "ann", Email: &email}, false)
			must(r.T, err)
		}, dispatcher.StateCancelled, "not_confirmed"},
		{"the comment is removed", func(r *rig, _ dispatcher.Subscriber) {
			r.tell(dispatcher.Event{Type: dispatcher.CommentRemoved, Comment: &dispatcher.EventComment{ID: "a"}})
		}, dispatcher.StateCancelled, "nothing_left"},
		{"the thread is removed", func(r *rig, _ dispatcher.Subscriber) {
			r.tell(dispatcher.Event{Type: dispatcher.ThreadRemoved, Thread: &dispatcher.EventThread{ID: "t"}})
		}, dispatcher.StateCancelled, "nothing_left"},
		{"all mail is on hold", func(r *rig, _ dispatcher.Subscriber) {
			must(r.T, r.st.SetSwitch(r.Context(), store.Switch{Mode: "hold"}))
		}, dispatcher.StateDue, ""},
		{"the site is on hold", func(r *rig, _ dispatcher.Subscriber) {
			must(r.T, r.st.SetSwitch(r.Context(), store.Switch{Scope: "site:blog", Mode: "hold"}))
		}, dispatcher.StateDue, ""},
		{"the relay is on hold", func(r *rig, _ dispatcher.Subscriber) {
			must(r.T, r.st.SetSwitch(r.Context(), store.Switch{Scope: "relay:main", Mode: "hold"}))
		}, dispatcher.StateDue, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			ann := r.reader("ann")
			r.comment("a")
			r.queue()
			r.meanwhile(func() { c.f(r, ann) })
			r.send()
			// The question whether a new address is theirs may be out already.
			if to := slices.DeleteFunc(r.to(), func(to string) bool { return to == "anna@readers.example" }); len(to) > 0 {
				t.Errorf("mail went to %q", to)
			}
			for _, m := range r.messages() {
				if m.Kind == dispatcher.KindReply && (m.State != c.state || m.Why != c.why) {
					t.Errorf("the message is %s (%s), want %s (%s)", m.State, m.Why, c.state, c.why)
				}
			}
		})
	}
}

func TestWhatIsLeftOfAMailIsSentAndTheListSaysSo(t *testing.T) {
	r := newRig(t)
	r.reader("ann")
	r.comment("a")
	r.comment("b")
	r.queue()
	r.meanwhile(func() {
		r.tell(dispatcher.Event{Type: dispatcher.CommentRemoved, Comment: &dispatcher.EventComment{ID: "a"}})
	})
	r.send()
	r.got("ann@readers.example")
	if text := string(r.sink.Mails()[0].Data); strings.Contains(text, "words of a") || !strings.Contains(text, "words of b") {
		t.Errorf("the mail has what was removed, or lacks what was not:\n%s", text)
	}
	if m := r.only(); len(m.Items) != 1 {
		t.Errorf("the list has %d items, and one was sent", len(m.Items))
	}
}

func TestARedirectTakesAllMailAndItsRefusalsSayNothingOfTheReader(t *testing.T) {
	r := newRig(t, mailtest.Fault{At: mailtest.AtRcpt, Do: mailtest.Refuse, To: "desk*", Reply: "550 5.1.1 no such user", Max: 1})
	r.reader("ann")
	r.comment("a")
	r.queue()
	r.meanwhile(func() {
		must(t, r.st.SetSwitch(r.Context(), store.Switch{Mode: "redirect", Redirect: "desk@admin.example"}))
	})
	r.send()
	r.became(dispatcher.StateFailed, "refused")
	if list := r.suppressions(); len(list) != 0 {
		t.Errorf("a reader is suppressed because the admin's address was refused: %+v", list)
	}
	must(t, r.st.RetryMessage(r.Context(), "blog", r.only().ID))
	r.send()
	r.got("desk@admin.example")
	if text := string(r.sink.Mails()[0].Data); strings.Contains(text, "To: ann@") {
		t.Errorf("the mail is addressed to the reader:\n%s", text)
	}
}

func TestAnAddressThatIsRefusedForGoodIsSuppressedAndOneRefusedByPolicyIsNot(t *testing.T) {
	r := newRig(t, mailtest.Gone(), mailtest.Fault{At: mailtest.AtRcpt, Do: mailtest.Refuse, To: "policy*", Reply: "550 5.7.1 not today"})
	r.reader("gone")
	r.reader("policy")
	r.comment("a")
	r.queue()
	r.send()
	list := r.suppressions()
	if len(list) != 1 || list[0].Address != "gone@readers.example" || list[0].Reason != "bounce" {
		t.Errorf("suppressed are %+v", list)
	}
}

func (r *rig) suppressions() []store.Suppression {
	r.Helper()
	list, err := r.st.Suppressions(r.Context(), "", "", 10)
	must(r.T, err)
	return list
}

func (r *rig) messages() []dispatcher.Message {
	r.Helper()
	ms, err := r.st.Messages(r.Context(), store.MessageFilter{Limit: 10})
	must(r.T, err)
	return ms
}

// A mail that waited, on hold or for the end of a pause, has as long as any
// other to get through to a relay that says not now.
func TestTwoDaysOfTryingBeginWithTheFirstTry(t *testing.T) {
	r := newRig(t, mailtest.Fault{At: mailtest.AtRcpt, Do: mailtest.Refuse, Reply: "451 4.7.1 greylisted"})
	r.reader("ann")
	r.comment("a")
	r.queue()
	must(t, r.st.SetSwitch(r.Context(), store.Switch{Mode: "hold"}))
	r.send()
	r.clock.Advance(72 * time.Hour)
	must(t, r.st.SetSwitch(r.Context(), store.Switch{Mode: "on"}))
	r.send()
	r.became(dispatcher.StateDeferred, "refused_for_now")
	for first := r.clock.Now(); r.only().State == dispatcher.StateDeferred; {
		if r.clock.Now().Sub(first) > 60*time.Hour {
			t.Fatal("it is tried for more than two days")
		}
		r.clock.Advance(6 * time.Hour)
		r.send()
		if m := r.only(); m.State != dispatcher.StateDeferred && r.clock.Now().Sub(first) <= 48*time.Hour {
			t.Fatalf("it is %s (%s) after %s", m.State, m.Why, r.clock.Now().Sub(first))
		}
	}
	r.became(dispatcher.StateFailed, "refused_for_48h")
	// An admin who sends it again starts anew.
	r.clock.Advance(24 * time.Hour)
	must(t, r.st.RetryMessage(r.Context(), "blog", r.only().ID))
	r.send()
	r.became(dispatcher.StateDeferred, "refused_for_now")
}

func TestAnUnknownOutcomeIsSentOnceMoreUnderTheSameNameOrHeld(t *testing.T) {
	lost := mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Drop, Accept: true}
	t.Run("sent once more", func(t *testing.T) {
		r := newRig(t, lost)
		r.reader("ann")
		r.comment("a")
		r.queue()
		r.send()
		for range 3 {
			r.clock.Advance(time.Hour)
			r.send()
		}
		r.became(dispatcher.StateUnknown, "the connection broke after the final dot")
		r.got("ann@readers.example", "ann@readers.example")
		if m := r.sink.Mails(); m[0].MessageID != m[1].MessageID || m[0].MessageID == "" {
			t.Errorf("the two are %q and %q", m[0].MessageID, m[1].MessageID)
		}
	})
	t.Run("held", func(t *testing.T) {
		r := newRig(t, lost)
		r.o.HoldUnknown = true
		r.reader("ann")
		r.comment("a")
		r.queue()
		r.send()
		r.clock.Advance(time.Hour)
		r.send()
		r.became(dispatcher.StateUnknown, "the connection broke after the final dot")
		r.got("ann@readers.example")
	})
}

func TestTheLogNamesNoReader(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, mailtest.Gone(),
		mailtest.Fault{At: mailtest.AtRcpt, Do: mailtest.Refuse, To: "busy*", Reply: "421 4.7.28 too much mail for <busy@readers.example>, later", Max: 1},
		mailtest.Fault{At: mailtest.AtRcpt, Do: mailtest.Refuse, To: "grey*", Reply: "451 4.7.1 grey@readers.example is greylisted"})
	r.o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	for _, id := range []string{"ann", "busy", "gone", "grey"} {
		r.reader(id)
	}
	r.comment("a")
	r.queue()
	for range 3 {
		r.send()
		r.clock.Advance(time.Minute)
	}
	if !strings.Contains(log.String(), "too much mail for (address) later") {
		t.Errorf("the relay's words are missing in\n%s", log.String())
	}
	if strings.Contains(log.String(), "readers.example") {
		t.Errorf("the log names a reader:\n%s", log.String())
	}
}

func TestAConfirmMailIsSentOnlyWhileThereIsSomethingToSayYesTo(t *testing.T) {
	thread := dispatcher.Target{Type: dispatcher.TargetThread, ID: "t"}
	for _, c := range []struct {
		why string
		f   func(r *rig, id int64)
	}{
		{"", func(*rig, int64) {}},
		{"already_confirmed", func(r *rig, id int64) { must(r.T, r.st.Confirm(r.Context(), id)) }},
		{"nothing_to_confirm", func(r *rig, _ int64) {
			must(r.T, r.st.EndSubscription(r.Context(), "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: thread}, dispatcher.EndedBySite))
		}},
	} {
		r := newRig(t)
		email := "ann@readers.example"
		sub, _, err := r.st.SetSubscriber(t.Context(), "blog", dispatcher.EventSubscriber{ID: "ann", Email: &email}, false)
		must(t, err)
		r.follow("ann", "t")
		r.meanwhile(func() { c.f(r, sub.ID) })
		r.send()
		if c.why == "" {
			r.became(dispatcher.StateSent, "")
			r.got(email)
			continue
		}
		r.became(dispatcher.StateCancelled, c.why)
		r.got()
	}
}
