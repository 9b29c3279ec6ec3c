package source

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// claimAndRun does one round under the source's lease. The caller holds the
// source's token.
func (p *Poller) claimAndRun(ctx context.Context, s *Config) (Result, error) {
	r, release, err := p.claim(ctx, s)
	if err != nil {
		return Result{}, err
	}
	defer release()
	if r.st.Paused {
		return Result{}, r.abandon(ctx, errPaused)
	}
	err = r.run(r.ctx)
	return r.result, err
}

// leased is a round with the context that ends when its lease is lost.
type leased struct {
	*round
	ctx context.Context
}

// claim takes the lease and keeps it until release is called.
func (p *Poller) claim(ctx context.Context, s *Config) (leased, func(), error) {
	now := p.Clock.Now()
	st, err := p.Store.Claim(ctx, s.Name, p.Holder, now, p.Lease)
	if err != nil {
		return leased{}, nil, fmt.Errorf("claiming the source: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.keep(ctx, cancel, s.Name, st.Term, now)
	}()
	return leased{p.newRound(s, st, now), ctx}, func() { cancel(nil); <-done }, nil
}

// keep renews the lease three times in its length. It cancels the round when
// the lease is lost, could not be renewed in time, or the source was paused.
func (p *Poller) keep(ctx context.Context, cancel context.CancelCauseFunc, name string, term int64, renewed time.Time) {
	tick := time.NewTicker(p.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := p.Clock.Now()
		st, err := p.Store.Renew(ctx, name, term, now.Add(p.Lease))
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && st.Paused:
			cancel(errPaused)
		case err == nil:
			renewed = now
		case errors.Is(err, ErrLeaseLost), now.Sub(renewed) >= p.Lease:
			cancel(ErrLeaseLost)
		}
	}
}
