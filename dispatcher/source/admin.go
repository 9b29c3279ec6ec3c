package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// PollNow does one round of the source at once, whenever the next is due, and
// gives what it did. Where another daemon is polling the source this moment,
// PollNow asks for a round after that one and gives [ErrLeased].
func (p *Poller) PollNow(ctx context.Context, name string) (Result, error) {
	s, err := p.config(name)
	if err != nil {
		return Result{}, err
	}
	if err := p.take(ctx, name); err != nil {
		return Result{}, err
	}
	defer p.give(name)
	res, err := p.claimAndRun(ctx, s)
	switch {
	case errors.Is(err, errPaused):
		return res, &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "source", Message: fmt.Sprintf("%q is paused", name), Mend: "resume it first"}
	case errors.Is(err, ErrLeased):
		if oerr := p.Store.Order(ctx, Order{Source: name, Kind: OrderPoll, At: p.Clock.Now()}); oerr != nil {
			return res, fmt.Errorf("asking for a round: %w", oerr)
		}
	}
	return res, err
}

// Check reads from the source as the next round would and writes nothing: it
// says whether the source can be read, and what an admin should know of it.
func (p *Poller) Check(ctx context.Context, name string) (warning string, err error) {
	s, err := p.config(name)
	if err != nil {
		return "", err
	}
	states, err := p.states(ctx)
	if err != nil {
		return "", err
	}
	if err := p.take(ctx, name); err != nil {
		return "", err
	}
	defer p.give(name)
	ctx, cancel := context.WithTimeout(ctx, p.PollTimeout)
	defer cancel()
	b, err := s.Source.Poll(ctx, Round{Cursor: states[name].Cursor, Now: p.Clock.Now(), Known: known{p.Ledger, name}})
	return b.Warning, err
}

// Recheck asks the source for the present state of some of its comments and
// tells of what has changed. It leaves cursor and schedule alone.
func (p *Poller) Recheck(ctx context.Context, name string, ids []string) (Result, error) {
	s, err := p.config(name)
	if err != nil {
		return Result{}, err
	}
	if err := p.take(ctx, name); err != nil {
		return Result{}, err
	}
	defer p.give(name)
	r, release, err := p.claim(ctx, s)
	if err != nil {
		return Result{}, err
	}
	defer release()
	for part := range slices.Chunk(ids, lookAtOnce) {
		comments, err := r.look(r.ctx, part)
		if err != nil {
			return r.result, r.abandon(r.ctx, fmt.Errorf("looking at comments: %w", err))
		}
		if err := r.round.take(r.ctx, comments, false); err != nil {
			return r.result, r.abandon(r.ctx, err)
		}
	}
	if err := r.commit(r.ctx, Commit{Release: true}); err != nil {
		return r.result, r.abandon(r.ctx, err)
	}
	return r.result, nil
}

// take waits until this process polls the source nowhere else.
func (p *Poller) take(ctx context.Context, name string) error {
	select {
	case <-p.busy[name]:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *Poller) give(name string) { p.busy[name] <- struct{}{} }

// Pause stops the polling of a source, of every daemon, until it is resumed.
// A round that is running is given up within the third of a lease.
func (p *Poller) Pause(ctx context.Context, name, reason string) error {
	if _, err := p.config(name); err != nil {
		return err
	}
	if reason == "" {
		reason = "paused by an admin"
	}
	return p.order(ctx, Order{Source: name, Kind: OrderPause, Reason: reason})
}

// Resume lets a paused source be polled again. What the pause held back is
// read in the next round, and admit says what becomes of it.
func (p *Poller) Resume(ctx context.Context, name string, admit Admit) error {
	if _, err := p.config(name); err != nil {
		return err
	}
	switch admit {
	case AdmitNone, AdmitNotify, AdmitRecord:
	default:
		return dispatcher.Invalid("admit", `use "notify", "record" or leave it out`, "%q is no choice", admit)
	}
	return p.order(ctx, Order{Source: name, Kind: OrderResume, Admit: admit})
}

func (p *Poller) order(ctx context.Context, o Order) error {
	o.At = p.Clock.Now()
	if err := p.Store.Order(ctx, o); err != nil {
		return fmt.Errorf("writing the order to %s the source: %w", o.Kind, err)
	}
	return nil
}

// States gives the states of the configured sources by name; of one that was
// never polled, a state with nothing but its name.
func (p *Poller) States(ctx context.Context) ([]State, error) {
	known, err := p.states(ctx)
	if err != nil {
		return nil, err
	}
	var states []State
	for name := range p.sources {
		st := known[name]
		st.Source = name
		states = append(states, st)
	}
	slices.SortFunc(states, func(a, b State) int { return strings.Compare(a.Source, b.Source) })
	return states, nil
}

func (p *Poller) config(name string) (*Config, error) {
	if s := p.sources[name]; s != nil {
		return s, nil
	}
	return nil, dispatcher.NotFound("source", name)
}

// known is the part of a [Ledger] that belongs to one source.
type known struct {
	ledger Ledger
	source string
}

const recentAtOnce = 1000

func (k known) Recent(ctx context.Context, from time.Time) ([]Seen, error) {
	var all []Seen
	for after := ""; ; {
		rows, err := k.ledger.Recent(ctx, k.source, from, after, recentAtOnce)
		if err != nil {
			return nil, fmt.Errorf("reading the ledger: %w", err)
		}
		all = append(all, rows...)
		if len(rows) < recentAtOnce {
			return all, nil
		}
		after = rows[len(rows)-1].Comment
	}
}
