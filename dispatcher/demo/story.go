package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// beat is one thing that happens at its time.
type beat struct {
	at time.Duration // after the start of the story
	do func(context.Context) error
}

// storyEnd is when nothing more happens by itself: the digests of ten o'clock
// are out.
const storyEnd = 2*time.Hour + 22*time.Minute

// settle is how long a comment waits before it may be mailed.
const settle = 2 * time.Minute

// Story plays the morning.
type Story struct {
	Paper *Paper
	Store *store.Store
	Start time.Time
	Note  func(text string) // what the admin does, for the screen
}

// beats are all that happens, in order.
func (s *Story) beats() ([]beat, error) {
	all, err := scripts()
	if err != nil {
		return nil, err
	}
	var bs []beat
	for _, sc := range all {
		for _, l := range sc.lines {
			bs = append(bs, beat{l.at, func(ctx context.Context) error { return s.Paper.play(ctx, l, s.Start) }})
		}
	}
	at := func(minutes float64, do func(context.Context) error) {
		bs = append(bs, beat{time.Duration(minutes * float64(time.Minute)), do})
	}
	for _, m := range []float64{18, 78, 110} { // Ines has the tram thread open
		at(m, func(ctx context.Context) error { return s.Paper.Read(ctx, "ines", "tram") })
	}
	// The admin wants a look before eight o'clock's mail goes out. While it
	// waits an editor removes what a digest holds already.
	at(19.5, s.sending("hold", "a look before eight o'clock's mail goes out"))
	at(21.5, s.sending("on", "all is well"))
	slices.SortStableFunc(bs, func(a, b beat) int { return int(a.at - b.at) })
	return bs, nil
}

func (s *Story) sending(mode, why string) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := s.Store.SetSwitch(ctx, store.Switch{Scope: "site:" + SiteKey, Mode: mode, Reason: why}); err != nil {
			return fmt.Errorf("set the switch: %w", err)
		}
		s.Store.Hints().Hint(store.TopicMessage)
		s.Note("sending is set to " + mode + ": " + why)
		return nil
	}
}

// Live plays the story at the clock's pace and returns when it is over.
func (s *Story) Live(ctx context.Context, clock *Clock) error {
	bs, err := s.beats()
	if err != nil {
		return err
	}
	for _, b := range append(bs, beat{storyEnd, func(context.Context) error { return nil }}) {
		if err := clock.Wait(ctx, s.Start.Add(b.at)); err != nil {
			return err
		}
		if err := b.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Line is the part of the daemon that a standing clock is moved past: the two
// stages that wait for a time to come.
type Line struct {
	Intake interface {
		Round(context.Context) (time.Duration, error)
	}
	Digest interface {
		Tick(context.Context) (time.Duration, error)
		WorkOnce(ctx context.Context, owner string) (bool, error)
	}
}

// Fast plays the story with a standing clock: it moves on to each time at
// which anything can happen, and waits until all that is due then is done.
// after is called when it is.
func (s *Story) Fast(ctx context.Context, clock *Clock, line Line, after func(context.Context) error) error {
	bs, err := s.beats()
	if err != nil {
		return err
	}
	for _, at := range s.stops(bs) {
		clock.Move(s.Start.Add(at))
		for len(bs) > 0 && bs[0].at <= at {
			if err := bs[0].do(ctx); err != nil {
				return err
			}
			bs = bs[1:]
		}
		if err := s.rest(ctx, clock, line); err != nil {
			return fmt.Errorf("at %s: %w", clock.Now().Format("15:04"), err)
		}
		if err := after(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stops are the times at which something can happen: the beats, when they have
// settled, each minute while people talk, for retries and the ends of holds,
// and each five minutes after that.
func (s *Story) stops(bs []beat) []time.Duration {
	at := []time.Duration{0}
	for _, b := range bs {
		at = append(at, b.at, b.at+settle)
	}
	for m, step := time.Duration(0), time.Minute; m <= storyEnd; m += step {
		if m >= 95*time.Minute {
			step = 5 * time.Minute
		}
		at = append(at, m)
	}
	slices.Sort(at)
	return slices.Compact(at)
}

// rest waits until nothing is left to do at the clock's present time.
func (s *Story) rest(ctx context.Context, clock *Clock, line Line) error {
	for {
		if err := s.push(ctx, line); err != nil {
			return err
		}
		if err := s.posted(ctx, clock); err != nil {
			return err
		}
		if quiet, err := s.quiet(ctx, clock.Now()); err != nil || quiet {
			return err
		}
	}
}

// posted waits for the outbox, which works on its own. The clock creeps on
// meanwhile: the outbox trusts what it knows of switches and comments for half
// a second of it.
func (s *Story) posted(ctx context.Context, clock *Clock) error {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		s.Store.Hints().Hint(store.TopicMessage)
		if idle, err := s.nothingDue(ctx, clock.Now()); err != nil || idle {
			return err
		}
		clock.Move(clock.Now().Add(20 * time.Millisecond))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// push does at once what the stages' own loops would do within a second.
func (s *Story) push(ctx context.Context, line Line) error {
	for {
		wait, err := line.Intake.Round(ctx)
		if err != nil {
			return err
		}
		if wait > 0 {
			break
		}
	}
	if _, err := line.Digest.Tick(ctx); err != nil {
		return err
	}
	for {
		if did, err := line.Digest.WorkOnce(ctx, "demo"); err != nil || !did {
			return err
		}
	}
}

// quiet says that nothing is left to do now.
func (s *Story) quiet(ctx context.Context, now time.Time) (bool, error) {
	st, err := s.Store.Stats(ctx)
	if err != nil || st.Inbox > 0 || st.OpenSlots > 0 {
		return false, err
	}
	chains, err := s.Store.Chains(ctx)
	if err != nil {
		return false, err
	}
	for _, c := range chains {
		if c.HoldsDue || c.Schedule.Name == dispatcher.Immediate && c.LastUpto < st.Head {
			return false, nil
		}
		if c.Schedule.Name == dispatcher.Immediate {
			continue
		}
		due, err := isDue(c, now)
		if err != nil || due {
			return false, err
		}
	}
	return s.nothingDue(ctx, now)
}

func isDue(c store.Chain, now time.Time) (bool, error) {
	spec, err := schedule.Parse(c.Schedule.Spec)
	if err != nil {
		return false, err
	}
	zone, err := schedule.LoadZone(c.Zone)
	if err != nil {
		return false, err
	}
	return !spec.Next(c.LastAt, zone).After(now), nil
}

// nothingDue says that no message is on its way or waits to be sent now, or
// that all that wait are held by the switch.
func (s *Story) nothingDue(ctx context.Context, now time.Time) (bool, error) {
	st, err := s.Store.Stats(ctx)
	if err != nil || st.InFlight > 0 {
		return false, err
	}
	if st.Waiting == 0 {
		return true, nil
	}
	next, err := s.Store.NextDue(ctx)
	if err != nil || next.IsZero() || next.After(now) {
		return err == nil, err
	}
	switches, err := s.Store.Switches(ctx)
	for _, w := range switches {
		if w.Mode == "hold" {
			return true, err
		}
	}
	return false, err
}
