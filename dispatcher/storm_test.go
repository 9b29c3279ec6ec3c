package dispatcher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func TestImmediateMailsAreOnePerThreadInLogOrder(t *testing.T) {
	turn := turnAt(dispatcher.Immediate, "2026-06-01 12:00")
	d := dispatcher.Decide(turn, windowOf(said{position: 11, thread: 2}, said{position: 12, thread: 1}, said{position: 13, thread: 2}))
	if len(d.Drafts) != 2 || len(d.Holds)+len(d.Ended) != 0 {
		t.Fatalf("%+v", d)
	}
	if x := d.Drafts[0]; x.Thread != 2 || x.Kind != dispatcher.KindReply || !slices.Equal(positions(x.Items), []int64{13, 11}) || x.Storm {
		t.Errorf("%+v", x)
	}
	if x := d.Drafts[1]; x.Thread != 1 || !slices.Equal(positions(x.Items), []int64{12}) {
		t.Errorf("%+v", x)
	}
}

func TestNoThreadIsLeftOutHoweverManyOthersMoved(t *testing.T) {
	var all []said
	for i := range int64(3000) {
		all = append(all, said{position: i + 1, thread: 1 + i/1500})
	}
	turn := turnAt(dispatcher.Immediate, "2026-06-01 12:00")
	turn.Slot.From, turn.Slot.Upto = 0, 3000
	d := dispatcher.Decide(turn, windowOf(all...))
	if len(d.Drafts) != 2 || d.Drafts[0].Thread != 1 || d.Drafts[1].Thread != 2 {
		t.Fatalf("%d drafts", len(d.Drafts))
	}
	for _, x := range d.Drafts {
		if n := len(x.Items) + x.More; n > 1500 || n < 1400 {
			t.Errorf("thread %d: %d comments of 1500", x.Thread, n)
		}
	}
}

func TestAfterFiveMailsInAnHourAThreadIsHeldAndThenOneMailCarriesTheRest(t *testing.T) {
	turn := turnAt(dispatcher.Immediate, "2026-06-01 12:00")
	w := windowOf(said{position: 11}, said{position: 12, thread: 2})
	turn.Recent.Threads[1] = dispatcher.Burst{Count: 4, Last: at("2026-06-01 11:50")}
	if d := dispatcher.Decide(turn, w); len(d.Drafts) != 2 {
		t.Fatalf("the fifth is held already: %+v", d)
	}
	turn.Recent.Threads[1] = dispatcher.Burst{Count: 5, Last: at("2026-06-01 11:50")}
	d := dispatcher.Decide(turn, w)
	if len(d.Drafts) != 1 || d.Drafts[0].Thread != 2 || len(d.Holds) != 1 {
		t.Fatalf("%+v", d)
	}
	h := d.Holds[0]
	if h.Reason != dispatcher.HoldStorm || h.Thread != 1 || h.From != 10 || !h.NotBefore.Equal(at("2026-06-01 12:50")) || !h.Wakes() {
		t.Fatalf("%+v", h)
	}

	later := turnAt(dispatcher.Immediate, "2026-06-01 12:49")
	later.Slot.From, later.Holds, later.Recent = 15, d.Holds, turn.Recent
	if d := dispatcher.Decide(later, windowOf(said{position: 11}, said{position: 16}, said{position: 17, thread: 2})); len(d.Drafts) != 1 || d.Drafts[0].Thread != 2 || len(d.Holds)+len(d.Ended) != 0 {
		t.Errorf("a storm that is held does not wait: %+v", d)
	}
	later.Now = at("2026-06-01 12:50")
	later.Slot.From, later.Slot.Holds = 20, true
	d = dispatcher.Decide(later, windowOf(said{position: 11}, said{position: 16}))
	if len(d.Drafts) != 1 || !d.Drafts[0].Storm || !slices.Equal(positions(d.Drafts[0].Items), []int64{16, 11}) || !slices.Equal(d.Ended, []dispatcher.Hold{h}) {
		t.Errorf("%+v", d)
	}
	if d := dispatcher.Decide(later, between(9)); len(d.Drafts)+len(d.Holds) != 0 || len(d.Ended) != 1 {
		t.Errorf("a storm that was removed meanwhile does not end: %+v", d)
	}
}

func TestAboveTheDailyCapTheReaderIsHeldToTheirMorningAndThenGetsOneMail(t *testing.T) {
	turn := turnAt(dispatcher.Immediate, "2026-10-24 20:00")
	turn.Zone = berlin(t)
	turn.Limits.DailyCap, turn.Recent.Day = 4, 2
	storm := holder{thread: 9, from: 5, until: "2026-10-24 20:30", since: "2026-10-24 19:40", reason: dispatcher.HoldStorm}.on(dispatcher.Immediate)
	turn.Holds = []dispatcher.Hold{storm}
	d := dispatcher.Decide(turn, windowOf(said{position: 6, thread: 9}, said{position: 11, thread: 1}, said{position: 12, thread: 2}, said{position: 13, thread: 3}, said{position: 14, thread: 4}))
	if len(d.Drafts) != 2 || d.Drafts[0].Thread != 1 || d.Drafts[1].Thread != 2 {
		t.Fatalf("%+v", d.Drafts)
	}
	if len(d.Holds) != 1 || !slices.Equal(d.Ended, []dispatcher.Hold{storm}) {
		t.Fatalf("holds %+v, ended %+v", d.Holds, d.Ended)
	}
	h := d.Holds[0]
	if h.Reason != dispatcher.HoldCap || h.Thread != 0 || h.From != 5 || !h.NotBefore.Equal(at("2026-10-25 07:00")) { // 08:00 in winter time
		t.Fatalf("%+v", h)
	}

	morning := turnAt(dispatcher.Immediate, "2026-10-25 07:00")
	morning.Zone, morning.Limits.DailyCap = turn.Zone, 4
	morning.Recent.Day = 4 // the mails of the evening are not a day old
	morning.Slot.From, morning.Slot.Holds, morning.Holds = 20, true, d.Holds
	w := windowOf(said{position: 6, thread: 9}, said{position: 13, thread: 3}, said{position: 14, thread: 4})
	d = dispatcher.Decide(morning, w)
	if len(d.Drafts) != 1 || len(d.Drafts[0].Items) != 3 || len(d.Holds) != 0 || len(d.Ended) != 1 {
		t.Fatalf("no mail in the morning: %+v", d)
	}

	morning.Quiet = dispatcher.Quiet{From: 22 * 60, To: 9 * 60}
	d = dispatcher.Decide(morning, w)
	if len(d.Drafts) != 0 || len(d.Holds) != 1 || d.Holds[0].Reason != dispatcher.HoldCap || !d.Holds[0].NotBefore.Equal(at("2026-10-25 08:00")) {
		t.Fatalf("%+v", d)
	}
	morning.Now, morning.Holds = at("2026-10-25 08:00"), d.Holds
	if d := dispatcher.Decide(morning, w); len(d.Drafts) != 1 {
		t.Errorf("no mail after the quiet hours: %+v", d)
	}
}

func TestTheNextMorningOfEightOClockIsTomorrow(t *testing.T) {
	for now, until := range map[string]string{"2026-06-01 07:59": "2026-06-01 08:00", "2026-06-01 08:00": "2026-06-02 08:00", "2026-06-01 08:01": "2026-06-02 08:00"} {
		turn := turnAt(dispatcher.Immediate, now)
		turn.Recent.Day = 100
		if d := dispatcher.Decide(turn, between(11)); len(d.Holds) != 1 || !d.Holds[0].NotBefore.Equal(at(until)) {
			t.Errorf("at %s: %+v", now, d.Holds)
		}
	}
}

func TestOtherHoldsThatEndAboveTheDailyCapWaitForTheMorningToo(t *testing.T) {
	turn := turnAt(dispatcher.Immediate, "2026-06-01 12:00")
	turn.Recent.Day = 100
	turn.Holds = []dispatcher.Hold{
		holder{from: 3, until: "2026-06-01 12:00", since: "2026-06-01 11:00", reason: dispatcher.HoldPause}.on(dispatcher.Immediate),
		holder{thread: 4, from: 2, until: "2026-06-01 12:30", since: "2026-06-01 11:30", reason: dispatcher.HoldStorm}.on(dispatcher.Immediate),
	}
	d := dispatcher.Decide(turn, between(4))
	if len(d.Drafts) != 0 || len(d.Holds) != 1 || d.Holds[0].Reason != dispatcher.HoldCap || d.Holds[0].From != 2 || !d.Holds[0].NotBefore.Equal(at("2026-06-02 08:00")) {
		t.Fatalf("%+v", d)
	}
	if len(d.Ended) != 1 || d.Ended[0].Thread != 4 {
		t.Errorf("the storm's hold stands beside the reader's: %+v", d.Ended)
	}
}

func TestAHoldOfTheWholeReaderSwallowsThoseOfThreads(t *testing.T) {
	storm := holder{thread: 1, from: 2, until: "2026-06-01 11:00", since: "2026-06-01 10:00", reason: dispatcher.HoldStorm}.on(dispatcher.Immediate)
	pause := holder{from: 5, until: "2026-06-03 00:00", since: "2026-06-01 10:30", reason: dispatcher.HoldPause}.on(dispatcher.Immediate)
	turn := turnAt(dispatcher.Immediate, "2026-06-01 12:00")
	turn.Holds = []dispatcher.Hold{storm, pause}
	d := dispatcher.Decide(turn, between(3, 6))
	if len(d.Drafts) != 0 || len(d.Holds) != 1 || d.Holds[0].From != 2 || d.Holds[0].Thread != 0 || !d.Holds[0].NotBefore.Equal(pause.NotBefore) || !slices.Equal(d.Ended, []dispatcher.Hold{storm}) {
		t.Errorf("a storm that is due would open slots for ever: %+v", d)
	}
	turn.Holds, turn.PausedUntil = []dispatcher.Hold{storm}, pause.NotBefore
	d = dispatcher.Decide(turn, between(3))
	if len(d.Holds) != 1 || d.Holds[0].From != 2 || d.Holds[0].Reason != dispatcher.HoldPause || !slices.Equal(d.Ended, []dispatcher.Hold{storm}) {
		t.Errorf("%+v", d)
	}
	storm.NotBefore = at("2026-06-01 12:30")
	turn.Holds = []dispatcher.Hold{storm}
	if d = dispatcher.Decide(turn, between(3)); len(d.Holds)+len(d.Ended) != 0 {
		t.Errorf("a slot that brings nothing touches the storm's hold: %+v", d)
	}
}

func TestOneMailForOneThreadAfterAHoldIsAReplyAndOtherwiseADigest(t *testing.T) {
	turn := turnAt(dispatcher.Immediate, "2026-06-01 12:00")
	turn.Holds = []dispatcher.Hold{holder{from: 3, until: "2026-06-01 12:00", since: "2026-06-01 11:00", reason: dispatcher.HoldQuiet}.on(dispatcher.Immediate)}
	if d := dispatcher.Decide(turn, between(4, 5)); len(d.Drafts) != 1 || d.Drafts[0].Kind != dispatcher.KindReply || d.Drafts[0].Thread != 1 {
		t.Errorf("%+v", d)
	}
	if d := dispatcher.Decide(turn, windowOf(said{position: 4}, said{position: 5, thread: 2})); len(d.Drafts) != 1 || d.Drafts[0].Kind != dispatcher.KindDigest || d.Drafts[0].Thread != 0 {
		t.Errorf("%+v", d)
	}
}

func TestWhichHoldsOpenASlotByThemselves(t *testing.T) {
	for reason, wakes := range map[dispatcher.HoldReason]bool{
		dispatcher.HoldPause: true, dispatcher.HoldQuiet: true, dispatcher.HoldMinimum: true, dispatcher.HoldStorm: true, dispatcher.HoldCap: true,
		dispatcher.HoldChanged: false, dispatcher.HoldConfirmed: false,
	} {
		if h := (dispatcher.Hold{Schedule: "daily", Reason: reason}); h.Wakes() != wakes {
			t.Errorf("%s on daily: %t", reason, h.Wakes())
		}
		if h := (dispatcher.Hold{Schedule: dispatcher.Immediate, Reason: reason}); !h.Wakes() {
			t.Errorf("%s on immediate has no other slot to wait for", reason)
		}
	}
}

func TestQuietHoursEndAfterTheyBeganAndLastAllTheWhile(t *testing.T) {
	zone := berlin(t)
	for _, q := range []dispatcher.Quiet{{From: 22 * 60, To: 7 * 60}, {From: 60, To: 150}, {From: 0, To: 1439}, {From: 720, To: 721}} {
		for _, day := range []string{"2026-03-28 12:00", "2026-06-01 12:00", "2026-10-24 12:00"} {
			for minute := 0; minute < 36*60; minute += 7 {
				now := at(day).Add(time.Duration(minute) * time.Minute)
				end, quiet := q.Until(now, zone)
				if !quiet {
					continue
				}
				if !end.After(now) {
					t.Fatalf("%s at %s ends at %s", q, now, end)
				}
				for x := now; x.Before(end); x = x.Add(time.Minute) {
					if _, still := q.Until(x, zone); !still {
						t.Fatalf("%s at %s: said to end at %s, but ends at %s", q, now, end, x)
					}
				}
			}
		}
	}
}
