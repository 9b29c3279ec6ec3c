package source

import (
	"errors"
	"math"
	"time"
)

// Limits of the back-off after failed rounds.
const (
	maxBackOff    = time.Hour
	maxRetryAfter = 24 * time.Hour // a site that asks for more is asked again after this
)

// nextInterval is the distance to the next round: the shortest while people
// write, half as long again after each quiet round, up to the longest.
func nextInterval(s *Config, was time.Duration, busy bool) time.Duration {
	switch {
	case busy || was < s.MinInterval:
		return s.MinInterval
	default:
		return min(was+was/2, s.MaxInterval)
	}
}

// backOff is the wait after a number of failed rounds. A round that brought
// something in spite of its error slows down no further than a quiet one. r
// spreads the wait as in [jitter], but never below what the site asked for.
func backOff(s *Config, failures int, useful bool, err error, r float64) time.Duration {
	d := maxBackOff
	if n := min(failures-1, 16); s.MinInterval<<n < maxBackOff {
		d = s.MinInterval << n
	}
	if useful {
		d = min(d, s.MaxInterval)
	}
	d = jitter(d, r)
	var asked interface{ RetryAfter() time.Duration }
	if errors.As(err, &asked) {
		d = max(d, min(asked.RetryAfter(), maxRetryAfter))
	}
	return d
}

// jitter spreads d by a tenth to both sides, so that sources and daemons that
// started together drift apart. r is in [0, 1).
func jitter(d time.Duration, r float64) time.Duration {
	return d + time.Duration((r-0.5)/5*float64(d))
}

// newRate moves the average of new comments per hour. A round weighs by its
// length against a day.
func newRate(was float64, found int, since time.Duration) float64 {
	hours := math.Max(since.Hours(), 1.0/3600)
	weight := 1 - math.Exp(-hours/24)
	return was + (float64(found)/hours-was)*weight
}

// jumps says that one round brought suspiciously much: more than the
// threshold and more than ten times what is usual for the time since the last.
func jumps(s *Config, rate float64, news int, since time.Duration) bool {
	return s.Jump > 0 && news > s.Jump && float64(news) > 10*rate*since.Hours()
}
