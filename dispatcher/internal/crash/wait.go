package main

import (
	"context"
	"fmt"
	"time"
)

// await waits until the queue is as wanted. It gives up when nothing moves.
func (p *proof) await(ctx context.Context, what string, ok func(queue) bool) error {
	var last queue
	moved, taken := time.Now(), 0
	for {
		q, err := p.base.queue(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && p.o.cluster == nil:
			return fmt.Errorf("look at the queue: %w", err)
		case err == nil && ok(q):
			return p.feed.err()
		}
		if n := p.ledger.acceptances(); err == nil && (q != last || n != taken) {
			last, taken, moved = q, n, time.Now()
		}
		if time.Since(moved) > p.o.patience {
			return &stuck{what: what, queue: last, log: p.daemons[0].tail(25)}
		}
		for _, d := range p.daemons {
			if err := d.alive(); err != nil {
				return err
			}
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// awaitMails waits until half the mails of the comments up to a number were taken,
// so that the kills are spread over the whole work, or for as long as two dead
// daemons may keep it.
func (p *proof) awaitMails(ctx context.Context, upto int) error {
	want := p.plan.upto[upto] / 2
	limit := time.Now().Add(3*p.o.lease + 5*time.Second)
	for p.ledger.messages() < want && time.Now().Before(limit) {
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// awaitLeft waits until the leavers' subscriptions have ended.
func (p *proof) awaitLeft(ctx context.Context, ids []string) error {
	moved := time.Now()
	for {
		n, err := p.base.liveSubscriptions(ctx, ids)
		if err == nil && n == 0 {
			return nil
		}
		if ferr := p.feed.err(); ferr != nil {
			return ferr
		}
		if time.Since(moved) > p.o.patience {
			return fmt.Errorf("%d subscriptions that were ended stand still: %w", n, err)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// pause waits, or gives the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// stuck is a proof that came to a halt before its end: something was lost.
type stuck struct {
	what  string
	queue queue
	log   string
}

func (e *stuck) Error() string {
	return fmt.Sprintf("waiting for %s, nothing moves any more: %s; the end of the daemon's log:\n%s", e.what, e.queue.line(), e.log)
}
