package subscribe_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	. "github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/token"
)

// visit opens the unsubscribe link of a reader's newest mail.
func visit(t *testing.T, f *Fixture, sub dispatcher.Subscriber) subscribe.Visit {
	t.Helper()
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Unsubscribe, f.Mail(sub).ID), token.Unsubscribe)
	f.Must(err)
	return v
}

func wantLive(t *testing.T, f *Fixture, sub dispatcher.Subscriber, want ...string) {
	t.Helper()
	if got := f.Live(sub); !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("the reader follows %q, want %q", got, want)
	}
}

func TestLeavingAnImmediateMailEndsWhatMatchedItsCommentsAndNothingElse(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"), Author("u1"), Thread("p2"), Author("u2"))
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	act, err := f.Desk.Leave(t.Context(), visit(t, f, sub))
	f.Must(err)
	if act.Number == 0 {
		t.Error("leaving gave no act to undo")
	}
	wantLive(t, f, sub, "thread:p2@immediate", "author:u2@immediate")
}

func TestLeavingADigestEndsWhatIsOnItsSchedule(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann")
	f.Follow("blog", "ann", Thread("p1"), "daily")
	f.Follow("blog", "ann", Thread("p2"), "daily")
	f.Follow("blog", "ann", Thread("p3"), "weekly")
	f.Follow("blog", "ann", Author("u1"), "weekly") // matches too, but on another schedule
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire("daily")
	v := visit(t, f, sub)
	for range 2 { // a second click ends no more
		_, err := f.Desk.Leave(t.Context(), v)
		f.Must(err)
		wantLive(t, f, sub, "thread:p3@weekly", "author:u1@weekly")
	}
}

func TestLeavingADigestWhoseScheduleTheReaderLeftEndsWhatMatchedIt(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann")
	f.Follow("blog", "ann", Thread("p1"), "daily")
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire("daily")
	f.Follow("blog", "ann", Thread("p1"), "weekly")
	f.Follow("blog", "ann", Thread("p2"), "weekly")
	_, err := f.Desk.Leave(t.Context(), visit(t, f, sub))
	f.Must(err)
	wantLive(t, f, sub, "thread:p2@weekly")
}

func TestLeavingByALinkWhoseMailIsNoLongerKnownEndsEverything(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"), Thread("p2"))
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Unsubscribe, 4711), token.Unsubscribe)
	f.Must(err)
	_, err = f.Desk.Leave(t.Context(), v)
	f.Must(err)
	wantLive(t, f, sub)
}

func TestALinkThatNamesAnotherReadersMailTellsNothingOfIt(t *testing.T) {
	f := Open(t)
	other := f.Reader("blog", "bob", Thread("secret"))
	f.Publish("blog", [3]string{"secret", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	sub := f.Reader("blog", "ann", Thread("p1"))
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Unsubscribe, f.Mail(other).ID), token.Unsubscribe)
	f.Must(err)
	l, err := f.Desk.Leaving(t.Context(), v)
	f.Must(err)
	if l.Kind != "" || l.Thread.ExternalID != "" {
		t.Errorf("the link tells of another reader's mail: %+v", l)
	}
}

func TestUndoBringsBackWhatLeavingEndedAndTheLinkEndsItAgain(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	v := visit(t, f, sub)
	act, err := f.Desk.Leave(t.Context(), v)
	f.Must(err)
	f.Clock.Advance(29 * 24 * time.Hour)
	l, err := f.Desk.Leaving(t.Context(), v)
	f.Must(err)
	if l.Undo.Number != act.Number {
		t.Fatalf("the page offers act %d, want %d", l.Undo.Number, act.Number)
	}
	f.Must(f.Desk.Undo(t.Context(), v, act.Number))
	wantLive(t, f, sub, "thread:p1@immediate")
	_, err = f.Desk.Leave(t.Context(), v) // since moved on; the reader means the same
	f.Must(err)
	wantLive(t, f, sub)
}

func TestUndoIsRefusedAfterThirtyDaysAndForAnotherReader(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	v := visit(t, f, sub)
	act, err := f.Desk.Leave(t.Context(), v)
	f.Must(err)
	bob := f.Reader("blog", "bob")
	other, err := f.Desk.Open(t.Context(), f.Token(bob, token.Unsubscribe, 0), token.Unsubscribe)
	f.Must(err)
	if err := f.Desk.Undo(t.Context(), other, act.Number); dispatcher.CodeOf(err) != dispatcher.CodeConflict {
		t.Errorf("undoing another reader's act gave %v, want a conflict", err)
	}
	f.Clock.Advance(31 * 24 * time.Hour)
	if err := f.Desk.Undo(t.Context(), v, act.Number); dispatcher.CodeOf(err) != dispatcher.CodeConflict {
		t.Errorf("undoing after 31 days gave %v, want a conflict", err)
	}
	wantLive(t, f, sub)
}

func TestABackEndCannotRenewWhatAReaderEndedWithoutALaterConsent(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	_, err := f.Desk.Leave(t.Context(), visit(t, f, sub))
	f.Must(err)
	ended := f.Clock.Now()
	f.Clock.Advance(time.Hour)
	caller := subscribe.Caller{Vouch: true}
	for _, c := range []struct {
		name    string
		consent *dispatcher.Consent
		want    dispatcher.Code
	}{
		{"none", nil, dispatcher.CodeEnded},
		{"an earlier one", &dispatcher.Consent{Time: ended.Add(-time.Hour), Source: "form"}, dispatcher.CodeEnded},
		{"one without a source", &dispatcher.Consent{Time: ended.Add(time.Minute)}, dispatcher.CodeInvalid},
		{"one from the future", &dispatcher.Consent{Time: f.Clock.Now().Add(time.Hour), Source: "form"}, dispatcher.CodeInvalid},
	} {
		if _, _, err := f.Desk.Subscribe(t.Context(), "blog", caller, dispatcher.EventSubscription{Subscriber: "ann", Target: Thread("p1"), Consent: c.consent}); dispatcher.CodeOf(err) != c.want {
			t.Errorf("with %s the renewal gave %v, want %s", c.name, err, c.want)
		}
	}
	wantLive(t, f, sub)
	_, _, err = f.Desk.Subscribe(t.Context(), "blog", caller, dispatcher.EventSubscription{Subscriber: "ann", Target: Thread("p1"),
		Consent: &dispatcher.Consent{Time: ended.Add(time.Minute), Source: "form"}})
	f.Must(err)
	wantLive(t, f, sub, "thread:p1@immediate")
}

func TestLeavingEverythingAlsoKeepsTheBackEndFromAddingMore(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Manage, 0), token.Manage)
	f.Must(err)
	act, err := f.Desk.LeaveAll(t.Context(), v)
	f.Must(err)
	_, _, err = f.Desk.Subscribe(t.Context(), "blog", subscribe.Caller{}, dispatcher.EventSubscription{Subscriber: "ann", Target: Thread("p9")})
	if dispatcher.CodeOf(err) != dispatcher.CodeEnded {
		t.Errorf("a new subscription after leaving everything gave %v, want ended_by_reader", err)
	}
	v, err = f.Desk.Open(t.Context(), f.Token(sub, token.Manage, 0), token.Manage)
	f.Must(err)
	again, err := f.Desk.LeaveAll(t.Context(), v)
	f.Must(err)
	if again.Number != 0 {
		t.Errorf("leaving everything twice made a second act, which would hide the first from undo")
	}
	f.Must(f.Desk.Undo(t.Context(), v, act.Number))
	wantLive(t, f, sub, "thread:p1@immediate")
}

func TestWhoHadTheirDataErasedIsNotBroughtBackByTheBackEnd(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Manage, 0), token.Manage)
	f.Must(err)
	f.Must(f.Desk.Erase(t.Context(), v))
	f.Reader("blog", "ann")
	_, _, err = f.Desk.Subscribe(t.Context(), "blog", subscribe.Caller{Vouch: true}, dispatcher.EventSubscription{Subscriber: "ann", Target: Thread("p1"), Confirmed: true})
	if dispatcher.CodeOf(err) != dispatcher.CodeEnded {
		t.Errorf("subscribing who was erased gave %v, want ended_by_reader", err)
	}
}

func TestAnEndCannotNameAnotherReadersSubscription(t *testing.T) {
	f := Open(t)
	f.Reader("blog", "bob")
	theirs := f.Follow("blog", "bob", Thread("p1"), "")
	sub := f.Reader("blog", "ann")
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Manage, 0), token.Manage)
	f.Must(err)
	_, err = f.Desk.End(t.Context(), v, []int64{theirs.ID})
	f.Must(err)
	bob, err := f.Store.Subscriber(t.Context(), "blog", "bob")
	f.Must(err)
	wantLive(t, f, bob, "thread:p1@immediate")
}

func TestMutingIsRepeatableAndLifted(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	m := f.Mail(sub)
	for _, link := range []struct {
		scope token.Scope
		ref   int64
		want  dispatcher.Target
	}{{token.MuteThread, m.Thread, Thread("p1")}, {token.MuteAuthor, m.Items[0].Comment, Author("u1")}} {
		v, err := f.Desk.Open(t.Context(), f.Token(sub, link.scope, link.ref), token.MuteThread, token.MuteAuthor)
		f.Must(err)
		target, err := f.Desk.MuteTarget(t.Context(), v)
		f.Must(err)
		if target.Target != link.want {
			t.Fatalf("the link is about %+v, want %+v", target.Target, link.want)
		}
		f.Must(f.Desk.Mute(t.Context(), v, target.Target))
		f.Must(f.Desk.Mute(t.Context(), v, target.Target))
		mutes, err := f.Desk.Mutes(t.Context(), v)
		f.Must(err)
		if len(mutes) != 1 || mutes[0].Target != link.want {
			t.Errorf("the reader's mutes are %+v, want %+v alone", mutes, link.want)
		}
		f.Must(f.Desk.Unmute(t.Context(), v, target.Target))
		f.Must(f.Desk.Unmute(t.Context(), v, target.Target))
		if mutes, _ := f.Desk.Mutes(t.Context(), v); len(mutes) != 0 {
			t.Errorf("after lifting it the mutes are %+v", mutes)
		}
	}
}

func TestAMuteLinkDoesNotReachIntoAnotherSite(t *testing.T) {
	f := Open(t)
	reader := f.Reader("blog", "ann", Thread("p1"))
	f.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Fire(dispatcher.Immediate)
	m := f.Mail(reader)
	stranger := f.Reader("shop", "eve")
	for scope, ref := range map[token.Scope]int64{token.MuteThread: m.Thread, token.MuteAuthor: m.Items[0].Comment} {
		v, err := f.Desk.Open(t.Context(), f.Token(stranger, scope, ref), scope)
		f.Must(err)
		if _, err := f.Desk.MuteTarget(t.Context(), v); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
			t.Errorf("a %s link into another site gave %v, want not found", scope, err)
		}
	}
}

func TestLinksAreRefusedForTheirOwnReasons(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	good := f.Token(sub, token.Manage, 0)
	flipped := []byte(good)
	flipped[10] ^= 1
	erased := f.Reader("blog", "gone")
	f.Must(f.Store.Erase(t.Context(), "blog", "gone"))
	for _, c := range []struct {
		name, text string
		scopes     []token.Scope
		want       token.Reason
	}{
		{"a truncated one", good[:20], []token.Scope{token.Manage}, token.Malformed},
		{"a forged one", string(flipped), []token.Scope{token.Manage}, token.Forged},
		{"one for something else", f.Token(sub, token.Unsubscribe, 1), []token.Scope{token.Manage, token.Confirm}, token.WrongScope},
	} {
		if _, err := f.Desk.Open(t.Context(), c.text, c.scopes...); !errors.Is(err, c.want) {
			t.Errorf("%s gave %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := f.Desk.Open(t.Context(), f.Token(erased, token.Manage, 0), token.Manage); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		t.Errorf("a link of an erased reader gave %v, want not found", err)
	}
	f.Clock.Advance(91 * 24 * time.Hour)
	if _, err := f.Desk.Open(t.Context(), good, token.Manage); !errors.Is(err, token.Expired) {
		t.Errorf("a manage link after 91 days gave %v, want that it has run out", err)
	}
	if _, err := f.Desk.Open(t.Context(), f.Token(sub, token.Unsubscribe, 0), token.Unsubscribe); err != nil {
		t.Errorf("an unsubscribe link after 91 days gave %v, want that it works", err)
	}
}

func TestANewAddressVoidsManageLinksAndKeepsUnsubscribeLinks(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	manage, leave := f.Token(sub, token.Manage, 0), f.Token(sub, token.Unsubscribe, 0)
	email := "new@example.org"
	_, _, err := f.Desk.SetSubscriber(t.Context(), "blog", subscribe.Caller{}, dispatcher.EventSubscriber{ID: "ann", Email: &email})
	f.Must(err)
	if _, err := f.Desk.Open(t.Context(), manage, token.Manage); !errors.Is(err, token.Outdated) {
		t.Errorf("the older manage link gave %v, want that a newer one took its place", err)
	}
	if _, err := f.Desk.Open(t.Context(), leave, token.Unsubscribe); err != nil {
		t.Errorf("the older unsubscribe link gave %v, want that it works", err)
	}
}

func TestOnlyACallerWhoVouchesConfirmsAnAddress(t *testing.T) {
	f := Open(t)
	email, yes := "ann@example.org", true
	in := dispatcher.EventSubscriber{ID: "ann", Email: &email, Confirmed: &yes}
	if _, _, err := f.Desk.SetSubscriber(t.Context(), "blog", subscribe.Caller{}, in); dispatcher.CodeOf(err) != dispatcher.CodeForbidden {
		t.Errorf("confirming without the right gave %v, want forbidden", err)
	}
	sub, created, err := f.Desk.SetSubscriber(t.Context(), "blog", subscribe.Caller{Vouch: true}, in)
	f.Must(err)
	if !created || sub.ConfirmedAt.IsZero() {
		t.Errorf("confirming with the right gave created %v, confirmed at %v", created, sub.ConfirmedAt)
	}
}

func TestConfirmingBeginsWhatWasAskedFor(t *testing.T) {
	f := Open(t)
	email := "ann@example.org"
	sub, _, err := f.Desk.SetSubscriber(t.Context(), "blog", subscribe.Caller{}, dispatcher.EventSubscriber{ID: "ann", Email: &email})
	f.Must(err)
	_, _, err = f.Desk.Subscribe(t.Context(), "blog", subscribe.Caller{}, dispatcher.EventSubscription{Subscriber: "ann", Target: Thread("p1")})
	f.Must(err)
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Confirm, 1), token.Confirm)
	f.Must(err)
	for range 2 {
		f.Must(f.Desk.Confirm(t.Context(), v))
		subs, err := f.Desk.Live(t.Context(), v)
		f.Must(err)
		if len(subs) != 1 || !subs[0].Subscription.Live() {
			t.Errorf("after confirming the reader has %+v, want one live subscription", subs)
		}
	}
}

func TestChoicesAreChecked(t *testing.T) {
	f := Open(t)
	sub := f.Reader("blog", "ann", Thread("p1"))
	v, err := f.Desk.Open(t.Context(), f.Token(sub, token.Manage, 0), token.Manage)
	f.Must(err)
	now := f.Clock.Now()
	past, far, week := now.Add(-time.Hour), now.Add(400*24*time.Hour), now.Add(7*24*time.Hour)
	local, quiet, weekly := "Local", "22:00-07:00", "weekly"
	for field, c := range map[string]subscribe.Choice{"time_zone": {Zone: &local}, "paused_until": {PausedUntil: &past}} {
		var e *dispatcher.Error
		if _, err := f.Desk.Choose(t.Context(), v, c); !errors.As(err, &e) || e.Field != field {
			t.Errorf("a wrong %s gave %v", field, err)
		}
	}
	if _, err := f.Desk.Choose(t.Context(), v, subscribe.Choice{PausedUntil: &far}); dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
		t.Errorf("a pause of more than a year gave %v, want invalid", err)
	}
	v, err = f.Desk.Choose(t.Context(), v, subscribe.Choice{PausedUntil: &week, QuietHours: &quiet, Schedule: &weekly})
	f.Must(err)
	if r := v.Reader; !r.PausedUntil.Equal(week) || r.Quiet.String() != quiet || r.Schedule != weekly {
		t.Errorf("the choice is %v, %v, %q", r.PausedUntil, r.Quiet, r.Schedule)
	}
	wantLive(t, f, sub, "thread:p1@weekly")
	v, err = f.Desk.Choose(t.Context(), v, subscribe.Choice{PausedUntil: &time.Time{}})
	f.Must(err)
	if !v.Reader.PausedUntil.IsZero() {
		t.Errorf("ending the pause left %v", v.Reader.PausedUntil)
	}
}
