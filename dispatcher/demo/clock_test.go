package demo

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestOneMinutePassesEachSecond(t *testing.T) {
	real := time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC)
	start := time.Date(2026, 6, 8, 5, 40, 0, 0, time.UTC)
	c := NewClock(start, func() time.Time { return real })
	real = real.Add(5 * time.Second) // until the daemon is up
	c.Run()
	real = real.Add(20 * time.Second)
	if got := c.Now(); !got.Equal(start.Add(20 * time.Minute)) {
		t.Errorf("after 20 s it shows %s", got)
	}
}

func TestAStandingClockMovesOnlyByHandAndNeverBack(t *testing.T) {
	real := time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC)
	start := time.Date(2026, 6, 8, 5, 40, 0, 0, time.UTC)
	c := NewClock(start, func() time.Time { return real })
	real = real.Add(time.Hour)
	if got := c.Now(); !got.Equal(start) {
		t.Errorf("it moved by itself to %s", got)
	}
	c.Move(start.Add(time.Minute))
	c.Move(start)
	if got := c.Now(); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("it shows %s", got)
	}
}

func TestWaitingEndsAtTheTimeOrWithTheContext(t *testing.T) {
	c := NewClock(time.Now(), time.Now)
	c.Run()
	if err := c.Wait(t.Context(), c.Now().Add(2*time.Second)); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Wait(ctx, c.Now().Add(100*time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheStoryBeginsAtSevenFortyOnThePapersClock(t *testing.T) {
	for now, want := range map[string]string{
		"2026-06-08T12:00:00Z": "2026-06-08T05:40:00Z",
		"2026-11-23T23:30:00Z": "2026-11-24T06:40:00Z", // it is tomorrow there
		"2026-03-29T00:10:00Z": "2026-03-29T05:40:00Z", // the clocks go forward that night
		"2026-10-25T12:00:00Z": "2026-10-25T06:40:00Z",
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := StartOfStory(at); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("at %s it begins at %s, want %s (%v)", now, got.Format(time.RFC3339), want, err)
		}
	}
}
