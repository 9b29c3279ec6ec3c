package demo

import (
	"context"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Pace is how much faster than the machine's clock the demo's runs: one minute
// passes each second.
const Pace = 60

// Clock is the demo's time. It stands and is moved on by hand until it is told
// to run. Safe for concurrent use.
type Clock struct {
	real dispatcher.Clock

	mu   sync.Mutex
	pace int64     // 0: stands
	base time.Time // of the demo …
	from time.Time // … at this real time
}

// NewClock makes a clock that stands at start.
func NewClock(start time.Time, real dispatcher.Clock) *Clock {
	return &Clock{real: real, base: start, from: real()}
}

// Run lets the clock run at [Pace] from what it shows.
func (c *Clock) Run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.pace = c.real(), Pace
}

// Now is the demo's time. The method is a [dispatcher.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(c.real().Sub(c.from) * time.Duration(c.pace))
}

// Move sets a standing clock on; it never goes back.
func (c *Clock) Move(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.After(c.base) {
		c.base, c.from = to, c.real()
	}
}

// Wait waits until a clock that runs shows at.
func (c *Clock) Wait(ctx context.Context, at time.Time) error {
	for {
		left := at.Sub(c.Now())
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left/Pace + time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// StartOfStory is 07:40 on the paper's wall clock, on the day that now falls
// into there.
func StartOfStory(now time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(Zone)
	if err != nil {
		return time.Time{}, err
	}
	l := now.In(zone)
	return dispatcher.WallTime(l.Year(), l.Month(), l.Day(), 7, 40, zone), nil
}
