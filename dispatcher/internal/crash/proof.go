package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

// options say what is proved, and how hard.
type options struct {
	name         string
	binary, dir  string
	database     string          // URL of an empty database
	cluster      *pgtest.Cluster // when it is the server that is killed
	daemons      int
	mails, kills int
	each         int // kills that each stage must have had
	seed         uint64
	connections  int
	delay        time.Duration // the sink's for each mail
	lease        time.Duration
	digests      bool
	patience     time.Duration // without any progress
	progress     io.Writer
}

// proof is one run: a plan, the daemons, a feeder and a killer.
type proof struct {
	o       options
	plan    *plan
	base    *base
	ledger  *ledger
	daemons []*daemon
	feed    *feeder
	rng     *rand.Rand
	deaths  []death
	stages  map[stage]int
	began   time.Time
	took    time.Duration
}

// prove runs one proof to its end and gives what it found. The error is what
// kept it from being carried out.
func prove(ctx context.Context, o options) (r *result, err error) {
	p := &proof{o: o, plan: newPlan(o.mails, o.digests, o.seed), ledger: newLedger(o.daemons), stages: map[stage]int{},
		rng: rand.New(rand.NewPCG(o.seed, 3)), began: time.Now()}
	ctx, cancel := context.WithCancel(ctx)
	var feeding sync.WaitGroup
	defer func() {
		cancel()
		for _, d := range p.daemons {
			d.destroy()
			err = errors.Join(err, d.sink.Close())
		}
		feeding.Wait()
		if p.feed != nil {
			p.feed.client.CloseIdleConnections()
		}
		if p.base != nil {
			err = errors.Join(err, p.base.close())
		}
	}()
	if err := p.setUp(ctx); err != nil {
		return nil, err
	}
	feeding.Go(func() { p.feed.run(ctx) })
	defer close(p.feed.posts)
	if err := p.carryOut(ctx); err != nil {
		return nil, err
	}
	return p.judge(ctx)
}

// carryOut feeds, kills, and waits until all is done.
func (p *proof) carryOut(ctx context.Context) error {
	for _, d := range p.daemons {
		p.ledger.begin(d.number, d.sink.Counts().Connections)
		if err := d.start(); err != nil {
			return err
		}
	}
	if err := p.await(ctx, "the source's first reading", func(q queue) bool { return q.Seen > 0 }); err != nil {
		return err
	}
	said, left := 1, []string(nil)
	most := p.o.kills * 4 // so often we try to hit each stage
	for n := 0; p.missing() && n < most; n++ {
		meant := p.neediest(stages(), n)
		if err := p.awaitMails(ctx, said-1); err != nil {
			return err
		}
		upto := min(len(p.plan.comments), 1+(len(p.plan.comments)-1)*(n+1)/p.o.kills)
		if upto > p.plan.half+1 && left == nil {
			upto = p.plan.half + 1 // the leavers leave in between
			left = p.feed.leave(p.plan)
			if err := p.say(ctx, &said, upto, meant); err != nil {
				return err
			}
			if err := p.awaitLeft(ctx, left); err != nil {
				return err
			}
		} else if err := p.say(ctx, &said, upto, meant); err != nil {
			return err
		}
		if err := p.strike(ctx, meant); err != nil {
			return err
		}
		if err := p.feed.err(); err != nil {
			return err
		}
	}
	if err := p.say(ctx, &said, len(p.plan.comments), atOutbox); err != nil {
		return err
	}
	err := p.await(ctx, "the end of all work", func(q queue) bool {
		return q.Inbox+q.Settling+q.Slots+q.Active == 0 && q.Head == q.Chained && q.Seen == p.feed.visible && p.feed.open.Load() == 0
	})
	if err != nil {
		return err
	}
	for _, d := range p.daemons {
		err = errors.Join(err, d.stop())
	}
	p.took = time.Since(p.began)
	return err
}

// say feeds the comments up to a number.
func (p *proof) say(ctx context.Context, said *int, upto int, at stage) error {
	if upto <= *said {
		return p.feed.say(ctx, nil, at) // noise alone still makes work
	}
	part := p.plan.comments[*said:upto]
	*said = upto
	return p.feed.say(ctx, part, at)
}
