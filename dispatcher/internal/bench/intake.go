package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Clients of the three doors.
const (
	batchClients  = 4
	singleClients = 32
	sqlClients    = 8
	perCall       = 1000
)

// intake measures how fast events are accepted by each door, and how soon
// after their first all of them are in the log.
func (l *lab) intake(ctx context.Context) error {
	d, err := l.start(ctx)
	if err != nil {
		return err
	}
	defer d.destroy()
	s := &l.o.sizes
	doors := []struct {
		name    string
		n, size int // events, and how many go in one call
		clients int
		give    func(context.Context, []dispatcher.Event) error
	}{
		{"API, 1,000 a call", s.Batch, perCall, batchClients, func(ctx context.Context, e []dispatcher.Event) error {
			return d.postEvents(ctx, struct {
				Events []dispatcher.Event `json:"events"`
			}{e})
		}},
		{"API, one a call", s.Single, 1, singleClients, func(ctx context.Context, e []dispatcher.Event) error { return d.postEvents(ctx, e[0]) }},
		{"SQL INSERT", s.Rows, 1, sqlClients, func(ctx context.Context, e []dispatcher.Event) error {
			text, err := json.Marshal(e[0])
			if err != nil {
				return err
			}
			return l.base.insert(ctx, string(text))
		}},
	}
	stop := l.profileFor(ctx, d, "intake")
	for _, door := range doors {
		if door.name == "SQL INSERT" && l.base.cluster == nil {
			continue // a door of PostgreSQL
		}
		accepted, through, err := l.feedBy(ctx, d, door.n, door.size, door.clients, door.give)
		if err != nil {
			return fmt.Errorf("%s: %w", door.name, err)
		}
		l.report.row("events by "+door.name, "%.0f/s accepted, %.0f/s into the log", accepted, through)
		if door.size > 1 {
			l.report.must("intake", through >= 5000, "%.0f events/s, at least 5,000", through)
		}
	}
	if err := stop(); err != nil {
		return err
	}
	return d.stop()
}

// feedBy hands n events of threads that nobody follows to a door, and gives how
// many a second it accepted and how many a second came into the log.
func (l *lab) feedBy(ctx context.Context, d *daemon, n, size, clients int, give func(context.Context, []dispatcher.Event) error) (accepted, through float64, err error) {
	events := l.world.quiet(n)
	head, err := l.base.store.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	var next atomic.Int64
	errs := make([]error, clients)
	var wg sync.WaitGroup
	began := time.Now()
	for c := range clients {
		wg.Go(func() {
			for errs[c] == nil {
				from := int(next.Add(int64(size))) - size
				if from >= n {
					return
				}
				errs[c] = give(ctx, events[from:min(n, from+size)])
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			return 0, 0, err
		}
	}
	if err := l.base.inLog(ctx, head+int64(n), d); err != nil {
		return 0, 0, err
	}
	return float64(n) / took.Seconds(), float64(n) / time.Since(began).Seconds(), nil
}

// feed hands one digest run's events in and waits until they are in the log.
func (l *lab) feed(ctx context.Context, d *daemon) error {
	head, err := l.base.store.Head(ctx)
	if err != nil {
		return err
	}
	left := l.o.sizes.Portion
	head += int64(left)
	for left > 0 {
		n := min(left, perCall)
		left -= n
		if _, err := l.base.store.Append(ctx, siteKey, "api", l.world.batch(n)); err != nil {
			return err
		}
	}
	return l.base.inLog(ctx, head, d)
}
