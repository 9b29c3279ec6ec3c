package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// alarmAfter is how many rounds in a row fail before the admin is told.
const alarmAfter = 10

// finish commits the last of a good round.
func (r *round) finish(ctx context.Context) error {
	before := r.st.Progress
	pending := r.pending()
	p := &r.st.Progress
	if r.baseline {
		// What the baseline holds of the last days tells what is usual.
		p.Baseline = true
		p.Rate = float64(pending.recent+r.told.recent) / r.maxAge.Hours()
	} else {
		p.Rate = newRate(p.Rate, pending.news+r.told.news, r.since())
	}
	p.Interval = nextInterval(r.s, p.Interval, r.busy())
	p.NextPoll = r.p.Clock.Now().Add(jitter(p.Interval, r.p.Rand()))
	p.LastPoll, p.LastOK = r.now, r.now
	p.Errors, p.LastError = 0, ""
	p.Admitted = r.st.AdmitAt
	r.ending = true
	if err := r.commit(ctx, Commit{Release: true}); err != nil {
		r.st.Progress = before
		return r.drop(ctx, err)
	}
	return nil
}

// busy says that the round brought something: then the next comes soon.
func (r *round) busy() bool {
	for _, f := range r.found {
		if f.verb != none {
			return true
		}
	}
	return r.result != Result{}
}

// drop ends a round whose findings cannot be committed. The cursor stays where
// the last commit left it, so the next round finds them again.
func (r *round) drop(ctx context.Context, err error) error {
	r.found = map[string]*finding{}
	r.st.Cursor = r.cursor
	return r.fail(ctx, err, false)
}

// fail ends a round that the site failed. What it brought before is committed
// with the error and the back-off.
func (r *round) fail(ctx context.Context, err error, useful bool) error {
	if cause := context.Cause(ctx); cause != nil {
		return r.abandon(ctx, cause)
	}
	before := r.st.Progress
	p := &r.st.Progress
	p.Errors++
	p.LastError = clip(oneLine(err.Error()), 1000)
	p.LastPoll = r.now
	p.NextPoll = r.p.Clock.Now().Add(backOff(r.s, p.Errors, useful, err, r.p.Rand()))
	r.ending = true
	if cerr := r.commit(ctx, Commit{Release: true}); cerr != nil {
		if len(r.found) > 0 { // perhaps the findings are at fault
			r.st.Progress = before
			return r.drop(ctx, errors.Join(err, cerr))
		}
		return errors.Join(err, cerr)
	}
	if p.Errors == alarmAfter {
		r.p.Alarm(context.WithoutCancel(ctx), r.s.Name,
			fmt.Sprintf("polling has failed %d times in a row: %s", p.Errors, p.LastError),
			"see whether the site answers and its settings are right; polling goes on by itself")
	}
	return err
}

// abandon ends a round that was interrupted: by a stop, a pause or a lost
// lease. Nothing of it is written; the lease is given back.
func (r *round) abandon(ctx context.Context, cause error) error {
	if errors.Is(cause, ErrLeaseLost) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	r.found = map[string]*finding{}
	r.st.Cursor = r.cursor
	if err := r.commit(ctx, Commit{Release: true}); err != nil && !errors.Is(err, ErrLeaseLost) {
		r.p.Log.WarnContext(ctx, "the lease of a source was not given back", "source", r.s.Name, "err", err)
	}
	return cause
}

// pause stops a source that jumped. Nothing of the jump is written: after a
// Resume the same comments are read again and treated as the admin chose.
func (r *round) pause(ctx context.Context) error {
	n := r.told.news + r.pending().news
	reason := fmt.Sprintf("%d new comments came at once, %.0f would be usual", n, r.st.Rate*r.since().Hours())
	r.found = map[string]*finding{}
	r.st.Cursor = r.cursor
	r.st.LastPoll = r.now
	r.st.NextPoll = r.p.Clock.Now()
	if err := r.commit(ctx, Commit{Pause: reason, Release: true}); err != nil {
		return r.fail(ctx, err, false)
	}
	r.result.Paused = true
	r.p.Log.WarnContext(ctx, "a source was paused", "source", r.s.Name, "new", n)
	r.p.Alarm(context.WithoutCancel(ctx), r.s.Name, reason,
		"look at the site; then resume the source and choose whether these comments are mailed (notify) or only recorded (record)")
	return nil
}

// warning gives the round's warnings as one line.
func (r *round) warning() string {
	slices.Sort(r.warnings)
	return clip(strings.Join(slices.Compact(r.warnings), "; "), 1000)
}
