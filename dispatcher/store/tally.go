package store

import (
	"context"
	"fmt"
	"time"
)

// Tally is what the daemons did in a span of time, all of them together.
type Tally struct {
	At         time.Time // when the span begins
	Events     int64     // taken from the inbox
	Rejected   int64     // events that could not be used
	Settled    int64     // publications that got their position
	Made       int64     // messages that slots made
	Held       int64     // readers whom a slot passed over
	Sent       int64
	Deferred   int64 // attempts that were refused for now
	Failed     int64 // refused for good
	Unknown    int64
	Cancelled  int64
	Suppressed int64
	Lags       [LagBands]int64 // immediate mails by the time from the comment, see [LagBand]
}

// LagBands is into how many bands the way of a comment to the relay falls.
const LagBands = 5

// LagBand gives the band of a time: up to 1, 3 and 15 minutes, 1 hour, longer.
// The comment's settling counts as well: that is the time its readers see.
func LagBand(d time.Duration) int {
	for i, most := range [LagBands - 1]time.Duration{time.Minute, 3 * time.Minute, 15 * time.Minute, time.Hour} {
		if d <= most {
			return i
		}
	}
	return LagBands - 1
}

// Minus gives what is in y and not in z, without a time.
func (y Tally) Minus(z Tally) Tally {
	y = Tally{Events: y.Events - z.Events, Rejected: y.Rejected - z.Rejected, Settled: y.Settled - z.Settled, Made: y.Made - z.Made, Held: y.Held - z.Held,
		Sent: y.Sent - z.Sent, Deferred: y.Deferred - z.Deferred, Failed: y.Failed - z.Failed, Unknown: y.Unknown - z.Unknown,
		Cancelled: y.Cancelled - z.Cancelled, Suppressed: y.Suppressed - z.Suppressed, Lags: y.Lags}
	for i := range y.Lags {
		y.Lags[i] -= z.Lags[i]
	}
	return y
}

// tallyStep is how long a span of the table is.
const tallyStep = time.Minute

// AddTally adds what a daemon did since it last told, in the minute of At.
func (s *Store) AddTally(ctx context.Context, y Tally) error {
	err := s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO hearback_tally (at, events, rejected, settled, made, held, sent, deferred, failed, unknown, cancelled, suppressed, lag1, lag2, lag3, lag4, lag5)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (at) DO UPDATE SET events = hearback_tally.events + excluded.events, rejected = hearback_tally.rejected + excluded.rejected,
				settled = hearback_tally.settled + excluded.settled, made = hearback_tally.made + excluded.made, held = hearback_tally.held + excluded.held,
				sent = hearback_tally.sent + excluded.sent, deferred = hearback_tally.deferred + excluded.deferred, failed = hearback_tally.failed + excluded.failed,
				unknown = hearback_tally.unknown + excluded.unknown, cancelled = hearback_tally.cancelled + excluded.cancelled,
				suppressed = hearback_tally.suppressed + excluded.suppressed, lag1 = hearback_tally.lag1 + excluded.lag1, lag2 = hearback_tally.lag2 + excluded.lag2,
				lag3 = hearback_tally.lag3 + excluded.lag3, lag4 = hearback_tally.lag4 + excluded.lag4, lag5 = hearback_tally.lag5 + excluded.lag5`,
			micros(y.At.Truncate(tallyStep)), y.Events, y.Rejected, y.Settled, y.Made, y.Held, y.Sent, y.Deferred, y.Failed, y.Unknown, y.Cancelled, y.Suppressed,
			y.Lags[0], y.Lags[1], y.Lags[2], y.Lags[3], y.Lags[4])
		return err
	})
	if err != nil {
		return fmt.Errorf("add to the tally: %w", err)
	}
	return nil
}

// Tallies gives what was done in each of n steps from a time on, also where
// nothing was. A week is ten thousand small rows, read by their key; messages
// are not looked at.
func (s *Store) Tallies(ctx context.Context, from time.Time, step time.Duration, n int) ([]Tally, error) {
	out := make([]Tally, n)
	for i := range out {
		out[i].At = from.Add(time.Duration(i) * step)
	}
	start, width := micros(from), step.Microseconds()
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT (at - ?) / ? AS step, sum(events), sum(rejected), sum(settled), sum(made), sum(held), sum(sent), sum(deferred),
			sum(failed), sum(unknown), sum(cancelled), sum(suppressed),
			sum(lag1), sum(lag2), sum(lag3), sum(lag4), sum(lag5) FROM hearback_tally WHERE at >= ? AND at < ? GROUP BY 1`),
		start, width, start, start+width*int64(n))
	var i int
	var y Tally
	err = each(rows, err, func() error {
		if err := rows.Scan(&i, &y.Events, &y.Rejected, &y.Settled, &y.Made, &y.Held, &y.Sent, &y.Deferred, &y.Failed, &y.Unknown, &y.Cancelled, &y.Suppressed,
			&y.Lags[0], &y.Lags[1], &y.Lags[2], &y.Lags[3], &y.Lags[4]); err != nil {
			return err
		}
		y.At = out[i].At
		out[i] = y
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tally: %w", ctxErr(ctx, err))
	}
	return out, nil
}

// Bounced counts the addresses that a bounce or a complaint suppressed in each
// of n steps from a time on.
func (s *Store) Bounced(ctx context.Context, from time.Time, step time.Duration, n int) ([]int64, error) {
	out := make([]int64, n)
	start, width := micros(from), step.Microseconds()
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT (since - ?) / ? AS step, count(*) FROM hearback_suppression
		WHERE since >= ? AND since < ? AND reason IN ('bounce', 'complaint') GROUP BY 1`), start, width, start, start+width*int64(n))
	var i int
	var count int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&i, &count); err != nil {
			return err
		}
		out[i] = count
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count bounces: %w", ctxErr(ctx, err))
	}
	return out, nil
}
