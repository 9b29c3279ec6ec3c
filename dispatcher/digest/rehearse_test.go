package digest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func TestARehearsalSaysWhatThenHappensAndWritesNothing(t *testing.T) {
	r := newRig(t, dispatcher.MisfireMerge)
	ctx := t.Context()
	paused, yes := r.now.Add(90*24*time.Hour).Format(time.RFC3339), true
	for i := range 7 {
		id := fmt.Sprint("reader-", i)
		email := id + "@example.org"
		in := dispatcher.EventSubscriber{ID: id, Email: &email, Confirmed: &yes}
		if i == 3 {
			in.PausedTill = &paused
		}
		_, _, err := r.store.SetSubscriber(ctx, "blog", in, true)
		r.must(err)
		_, _, err = r.store.SetSubscription(ctx, "blog", dispatcher.EventSubscription{Subscriber: id, Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "t"}}, false)
		r.must(err)
	}
	r.want(r.tick()) // chains begin
	r.publish()
	r.publish()
	for range 2 { // it changes nothing, so it says the same again
		x, err := r.stage.Rehearse(ctx, "daily", 5)
		r.must(err)
		if x.Mails != 7 || x.Readers != 8 || x.Held[dispatcher.HoldPause] != 1 || len(x.First) != 5 || x.Partly {
			t.Fatalf("%d mails to %d readers, held %v, first %d, partly %v", x.Mails, x.Readers, x.Held, len(x.First), x.Partly)
		}
		if n := len(x.First[0].Drafts[0].Items); n != 2 {
			t.Errorf("the first mail has %d comments, want 2", n)
		}
	}
	r.want(r.tick()) // nothing was opened by it
	r.now = r.now.Add(24 * time.Hour)
	r.want(r.tick(), 2, 2, 2, 2, 2, 2, 2)
	x, err := r.stage.Rehearse(ctx, "daily", 5)
	r.must(err)
	if x.Mails != 0 {
		t.Errorf("after the slot %d mails would be made", x.Mails)
	}
	if x, err = r.stage.Rehearse(ctx, "nobody-has-this", 5); err != nil || x.Readers != 0 {
		t.Errorf("%+v, %v", x, err)
	}
}
