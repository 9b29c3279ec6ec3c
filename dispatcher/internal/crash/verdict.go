package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// completions is the largest batch of outcomes that one connection may have
// waiting for its commit; with the mail at hand it bounds what is in flight.
const completions = 64

// result is what a proof found.
type result struct {
	o          options
	stages     map[stage]int
	deaths     []death
	idle       int // kills that found nothing at work, and do not count
	due        int // pairs of reader and comment that must be told
	told       int // of them, told
	mails      int // distinct messages that the sink took
	accepted   int // acceptances, repeats included
	repeats    int
	inFlight   int // over all kills: the bound of the repeats that kills explain
	most       int // in flight at one kill
	unsaid     int // taken without a word: the bound of the other repeats
	refused    int // messages that ended because the sink refused them for good
	calls      int // API calls made again
	faults     map[string]int
	violations []string
	took       time.Duration
}

// judge holds what the sinks took against the plan, and what the product says
// against what the sinks took.
func (p *proof) judge(ctx context.Context) (*result, error) {
	said, err := p.base.outcomes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the messages: %w", err)
	}
	kept, err := p.base.facts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the comments: %w", err)
	}
	r := &result{o: p.o, stages: p.stages, deaths: p.deaths, calls: p.feed.repeats, took: p.took, faults: map[string]int{}}
	p.ledger.mu.Lock()
	defer p.ledger.mu.Unlock()
	for at, n := range p.ledger.faults {
		r.faults[string(at)] = n
	}
	for _, odd := range p.ledger.odd {
		r.violate("the sink took a mail that cannot be read: %s", odd)
	}
	r.judgeKills()
	r.judgePairs(p.plan, p.ledger)
	r.judgeRepeats(p.ledger)
	r.judgeOutcomes(p.plan, p.ledger, said)
	r.judgeFacts(p.plan, kept)
	return r, nil
}

func (r *result) violate(format string, args ...any) {
	r.violations = append(r.violations, fmt.Sprintf(format, args...))
}

// judgeKills: enough of them, in work, and at each stage.
func (r *result) judgeKills() {
	for i := range r.deaths {
		if len(r.deaths[i].atWork) == 0 {
			r.idle++
		}
	}
	if n := len(r.deaths) - r.idle; n < r.o.kills {
		r.violate("%d kills came while something was at work, not %d", n, r.o.kills)
	}
	for _, s := range stages() {
		if r.stages[s] < r.o.each {
			r.violate("only %d kills came while the stage %s was at work, not %d", r.stages[s], s, r.o.each)
		}
	}
}

// judgePairs: each reader hears of each comment that is due, once and in one
// message, and of nothing else.
func (r *result) judgePairs(p *plan, l *ledger) {
	byAddress := make(map[string]int, len(p.readers))
	for i := range p.readers {
		byAddress[p.readers[i].email] = i
	}
	type pair struct{ reader, comment int }
	in := map[pair][]int64{}
	for id, ts := range l.taken {
		i, known := byAddress[ts[0].to]
		if !known {
			r.violate("message %d went to %s, who is no reader", id, ts[0].to)
			continue
		}
		for _, t := range ts {
			if t.to != ts[0].to {
				r.violate("message %d went to %s and to %s", id, ts[0].to, t.to)
			}
		}
		if len(l.bodies[id]) == 0 {
			r.violate("message %d to %s tells of nothing", id, p.readers[i].id)
		}
		for _, n := range l.bodies[id] {
			in[pair{i, n}] = append(in[pair{i, n}], id)
		}
	}
	for i := range p.readers {
		for n := 1; n < len(p.comments); n++ {
			got := in[pair{i, n}]
			delete(in, pair{i, n})
			w := p.wants(&p.readers[i], &p.comments[n])
			if w == due {
				r.due++
			}
			switch {
			case len(got) > 1:
				r.violate("reader %s heard of comment %d %d times, in the messages %v", p.readers[i].id, n, len(got), got)
			case len(got) == 1 && w == never:
				r.violate("reader %s heard of comment %d, in message %d, and must not", p.readers[i].id, n, got[0])
			case len(got) == 0 && w == due:
				r.violate("reader %s never heard of comment %d in thread %s", p.readers[i].id, n, p.comments[n].thread)
			case w == due:
				r.told++
			}
		}
	}
	for pr, ids := range in {
		r.violate("reader %s heard of comment %d, which nobody follows, in the messages %v", p.readers[pr.reader].id, pr.comment, ids)
	}
}

// judgeRepeats: a message is taken again only when the time before was in
// flight at a kill, or the sink had taken it without a word.
func (r *result) judgeRepeats(l *ledger) {
	for i := range r.deaths {
		d := &r.deaths[i]
		d.inFlight = 0
		for id := range d.sending {
			if slices.ContainsFunc(l.taken[id], d.covers) {
				d.inFlight++
			}
		}
		r.inFlight += d.inFlight
		r.most = max(r.most, d.inFlight)
		if bound := r.o.connections * (1 + completions); d.inFlight > bound {
			r.violate("at kill %d, %d mails were in flight; %d connections allow %d", i+1, d.inFlight, r.o.connections, bound)
		}
	}
	r.mails, r.unsaid = len(l.taken), l.unsaid
	for id, ts := range l.taken {
		r.accepted += len(ts)
		r.repeats += len(ts) - 1
		for i := 1; i < len(ts); i++ {
			before := ts[i-1]
			if !before.unsaid && !r.lost(id, before) {
				r.violate("message %d to %s was taken again (%d of %d, daemon %d run %d, %s after it was taken by daemon %d run %d), and was not in flight at any kill between",
					id, ts[i].to, i+1, len(ts), ts[i].daemon, ts[i].run, ts[i].at.Sub(before.at).Round(time.Millisecond), before.daemon, before.run)
			}
		}
	}
	if bound := r.inFlight + r.unsaid; r.repeats > bound {
		r.violate("%d repeats, and only %d mails were in flight at a kill or taken without a word", r.repeats, bound)
	}
}

// covers says whether an acceptance was of the run that the kill ended, or,
// when the server was killed, before it was up again and its claims were read:
// what the daemon hands over after that it can record.
func (d *death) covers(t taken) bool {
	if d.daemon < 0 {
		return t.at.Before(d.until)
	}
	return t.daemon == d.daemon && t.run == d.run
}

// judgeOutcomes: all messages have come to an end, and what is said to be sent
// was taken.
func (r *result) judgeOutcomes(p *plan, l *ledger, said []outcome) {
	refused, soft := map[string]bool{}, map[string]bool{}
	for i := range p.readers {
		refused[p.readers[i].email] = p.readers[i].refused
		soft[p.readers[i].email] = true
	}
	known := make(map[int64]bool, len(said))
	for _, m := range said {
		known[m.ID] = true
		was := len(l.taken[m.ID]) > 0
		switch m.State {
		case "sent":
			if !was {
				r.violate("message %d to %s is said to be sent, and the sink never took it", m.ID, m.Address)
			}
		case "failed", "suppressed":
			r.refused++
			if !refused[m.Address] {
				r.violate("message %d to %s is %s (%s), and the sink refuses nothing to this reader for good", m.ID, m.Address, m.State, m.Why)
			}
		case "unknown":
			if !was {
				r.violate("message %d to %s was given up as unknown, and the sink never took it", m.ID, m.Address)
			}
		case "cancelled":
			if slices.ContainsFunc(l.taken[m.ID], func(t taken) bool { return !t.unsaid && !r.lost(m.ID, t) }) {
				r.violate("message %d to %s is cancelled (%s), and the sink took it", m.ID, m.Address, m.Why)
			}
		default:
			r.violate("message %d to %s is still %s (%s)", m.ID, m.Address, m.State, m.Why)
		}
	}
	for id := range l.taken {
		if !known[id] {
			r.violate("the sink took message %d, which no row stands for", id)
		}
	}
}

// lost says that an acceptance was in flight at a kill, so that the product
// could not know of it.
func (r *result) lost(id int64, t taken) bool {
	return slices.ContainsFunc(r.deaths, func(d death) bool { return d.sending[id] && d.covers(t) })
}

// judgeFacts: nothing that was fed is missing in the tables.
func (r *result) judgeFacts(p *plan, f facts) {
	for _, x := range f.rejected {
		r.violate("an event was rejected: %s", x)
	}
	for n := 1; n < len(p.comments); n++ {
		c := &p.comments[n]
		position, there := f.position[c.id()]
		switch {
		case !there && c.fate != races:
			r.violate("comment %d was fed and is in no table", n)
		case there && c.fate == stays && position == 0:
			r.violate("comment %d was published and has no position in the log", n)
		case c.fate == tombstone && position != 0:
			r.violate("comment %d was removed before it was published, and has position %d in the log", n, position)
		}
	}
}

// proved says whether all that was promised holds.
func (r *result) proved() bool { return len(r.violations) == 0 }

// table is the report for people.
func (r *result) table() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-34s "+format+"\n", append([]any{name}, args...)...)
	}
	fmt.Fprintf(&b, "%s (seed %d, %d connections, lease %s)\n", r.o.name, r.o.seed, r.o.connections, r.o.lease)
	line("kills while something was at work", "%d (and %d more)", len(r.deaths)-r.idle, r.idle)
	for _, s := range stages() {
		line("  while "+string(s)+" was at work", "%d", r.stages[s])
	}
	line("comments to readers due, told", "%d, %d", r.due, r.told)
	line("messages that the sink took", "%d", r.mails)
	line("mails taken, repeats included", "%d", r.accepted)
	line("repeats", "%d", r.repeats)
	line("  allowed: in flight at kills", "%d, at most %d at one kill (of %d)", r.inFlight, r.most, r.o.connections*(1+completions))
	line("  allowed: taken without a word", "%d", r.unsaid)
	line("messages refused for good", "%d", r.refused)
	line("API calls made again", "%d", r.calls)
	line("faults of the sink", "%v", r.faults)
	line("took", "%s", r.took.Round(time.Second/10))
	if r.proved() {
		line("holds", "yes")
		return b.String()
	}
	line("violations", "%d", len(r.violations))
	for i, v := range r.violations {
		if i == 12 {
			fmt.Fprintf(&b, "    and %d more\n", len(r.violations)-i)
			break
		}
		fmt.Fprintf(&b, "    %s\n", v)
	}
	return b.String()
}
