package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// death is one kill, and what was at work then.
type death struct {
	at       time.Time
	until    time.Time // when what was claimed was read
	meant    stage
	daemon   int // -1 for the database's server
	run      int
	atWork   map[stage]bool
	sending  map[int64]bool // claimed, no outcome recorded
	inFlight int            // of them, taken by the sink from this run
}

// missing says whether there must be more kills. One that found nothing at
// work is none.
func (p *proof) missing() bool {
	hits := 0
	for i := range p.deaths {
		if len(p.deaths[i].atWork) > 0 {
			hits++
		}
	}
	return hits < p.o.kills || slices.ContainsFunc(stages(), func(s stage) bool { return p.stages[s] < p.o.each })
}

// neediest gives the stage whose turn it is: in turn, and at the end the one
// that was hit least.
func (p *proof) neediest(all []stage, n int) stage {
	if len(p.deaths) < p.o.kills*3/4 {
		return all[n%len(all)]
	}
	least := all[n%len(all)]
	for _, s := range all {
		if p.stages[s] < p.stages[least] {
			least = s
		}
	}
	return least
}

// strike waits until the stage is at work, then a moment, and kills who works.
func (p *proof) strike(ctx context.Context, meant stage) error {
	victim, err := p.find(ctx, meant)
	if err != nil {
		return err
	}
	most := 30 * time.Millisecond
	switch meant { // these are at it for a moment only
	case atSource:
		most = 8 * time.Millisecond
	case atDigest:
		most = 3 * time.Millisecond
	}
	if err := pause(ctx, jitter(p.rng, most)); err != nil {
		return err
	}
	if p.o.cluster != nil {
		return p.killServer(ctx, meant)
	}
	return p.killDaemon(ctx, meant, p.daemons[victim])
}

// find waits until a daemon is at work at the stage. One that cannot be caught
// at it within a while is killed at whatever it does.
func (p *proof) find(ctx context.Context, at stage) (int, error) {
	limit := time.Now().Add(max(4*time.Second, 2*p.o.lease))
	for time.Now().Before(limit) && ctx.Err() == nil {
		working, err := owners(ctx, p.base.db, at)
		if err != nil && p.o.cluster == nil {
			return 0, fmt.Errorf("look who works: %w", err)
		}
		for _, o := range working {
			for i, d := range p.daemons {
				if ownedBy(o, d.pid()) {
					return i, nil
				}
			}
		}
		for _, d := range p.daemons {
			if err := d.alive(); err != nil {
				return 0, err
			}
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	return p.rng.IntN(len(p.daemons)), ctx.Err()
}

// killDaemon kills one daemon, looks at what it left, and starts it again.
func (p *proof) killDaemon(ctx context.Context, meant stage, d *daemon) error {
	pid := d.pid()
	x := death{meant: meant, daemon: d.number, run: p.ledger.runs(d.number) - 1, atWork: map[stage]bool{}}
	if err := d.kill(); err != nil {
		return err
	}
	x.at = time.Now()
	if err := p.base.letGo(); err != nil {
		return err
	}
	if err := p.base.autopsy(func(db *sqlx.DB) error { return x.look(ctx, db, pid) }); err != nil {
		return fmt.Errorf("look at what the killed daemon left: %w", err)
	}
	p.ledger.begin(d.number, d.sink.Counts().Connections)
	if err := d.start(); err != nil {
		return err
	}
	if p.base.db == nil {
		if err := p.base.reopen(); err != nil {
			return err
		}
	}
	p.count(x)
	return nil
}

// killServer kills the database's server under the daemons and boots it again.
func (p *proof) killServer(ctx context.Context, meant stage) error {
	x := death{meant: meant, daemon: -1, atWork: map[stage]bool{}}
	if err := again(ctx, func() error { return x.look(ctx, p.base.db, p.daemons[0].pid()) }); err != nil {
		return fmt.Errorf("look at what the daemon works at: %w", err)
	}
	p.o.cluster.Crash()
	x.at = time.Now()
	if err := p.o.cluster.Boot(ctx); err != nil {
		return err
	}
	p.base.forget()
	// What is claimed now is all that can be sent again for this crash: the
	// daemon lives, and what it records from now on is recorded.
	if err := again(ctx, func() (err error) { x.sending, err = sending(ctx, p.base.db, p.daemons[0].pid()); return err }); err != nil {
		return fmt.Errorf("look at what the server kept: %w", err)
	}
	x.until = time.Now()
	p.count(x)
	return nil
}

// look notes which stages the process was at, and which messages it held.
func (x *death) look(ctx context.Context, db *sqlx.DB, pid int) error {
	for _, s := range stages() {
		working, err := owners(ctx, db, s)
		if err != nil {
			return err
		}
		for _, o := range working {
			if ownedBy(o, pid) {
				x.atWork[s] = true
			}
		}
	}
	var err error
	x.sending, err = sending(ctx, db, pid)
	return err
}

func (p *proof) count(x death) {
	var at []string
	for _, s := range stages() {
		if x.atWork[s] {
			p.stages[s]++
			at = append(at, string(s))
		}
	}
	p.deaths = append(p.deaths, x)
	fmt.Fprintf(p.o.progress, "%s: kill %d, meant for %s, hit %s; %d messages taken by the sink so far\n", p.o.name, len(p.deaths), x.meant, strings.Join(at, " and "), p.ledger.messages())
}
