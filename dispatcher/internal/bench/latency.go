package main

import (
	"context"
	"fmt"
	"time"
)

// latency measures how long a comment takes from the call that tells of it to
// the mail at the sink, on an idle daemon. Each goes to another reader, who
// follows its thread.
func (l *lab) latency(ctx context.Context) error {
	d, err := l.start(ctx)
	if err != nil {
		return err
	}
	defer d.destroy()
	s := &l.o.sizes
	const warm = 5 // connections are opened, templates compiled
	var took []time.Duration
	stop := l.profileFor(ctx, d, "latency")
	for i := range s.Posts {
		came := l.sink.expect(readerAddress(s.Readers + s.Few + i))
		e := l.world.commentIn(pingThread(i), "Ping")
		began := time.Now()
		if err := d.postEvents(ctx, e); err != nil {
			return err
		}
		select {
		case at := <-came:
			if i >= warm {
				took = append(took, at.Sub(began))
			}
		case <-time.After(stuck):
			return fmt.Errorf("no mail came for event %d", i)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if err := stop(); err != nil {
		return err
	}
	p99 := percentile(took, 99)
	l.report.row("POST to sink, idle", "p50 %.1f ms, p99 %.1f ms, at most %.1f ms, of %d", millis(percentile(took, 50)), millis(p99), millis(percentile(took, 100)), len(took))
	l.report.must("POST to sink", p99 < 50*time.Millisecond, "p99 %.1f ms, below 50 ms", millis(p99))
	return d.stop()
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
