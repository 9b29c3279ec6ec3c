package mailtest

import (
	"math/rand/v2"
	"path"
	"strings"
	"sync/atomic"
	"time"
)

// Stage is a point of the dialogue at which a fault can act.
type Stage string

// The stages.
const (
	AtConnect Stage = "connect" // in place of the greeting
	AtMail    Stage = "mail"
	AtRcpt    Stage = "rcpt"
	AtData    Stage = "data"
	AtBody    Stage = "body" // when Fault.Bytes of the body have been read, before its end
	AtDot     Stage = "dot"  // the whole mail is there, nothing is said yet
)

// Action is what a fault does.
type Action string

// The actions.
const (
	Refuse  Action = "refuse"  // answer Reply; one that begins with 421 also closes
	Drop    Action = "drop"    // close the connection and say nothing
	Stall   Action = "stall"   // say nothing until the client gives up or the sink closes
	Garbage Action = "garbage" // answer Reply raw, or some words that are no reply
	Extra   Action = "extra"   // answer as usual, and then Reply as well
	Slow    Action = "slow"    // answer as usual, after Delay
)

// Fault is one way to misbehave. The zero values of the conditions mean
// "always".
type Fault struct {
	At    Stage
	Do    Action
	Reply string // of Refuse, Garbage and Extra, without line end; "" for a fitting one

	// Accept makes a fault AtDot take the mail first, so that it arrives
	// although the client hears something else, or nothing.
	Accept bool

	Bytes int           // AtBody: how much is read first
	Delay time.Duration // before acting, with every action

	// Conditions.
	To   string  // shell pattern on the recipient, "gone*@*"; from AtRcpt on
	Rate float64 // chance to fire, 0 and 1 for certain
	Skip int     // matches to let pass first
	Max  int     // how often it fires at most, 0 for no limit
}

// reply gives what a fault says.
func (f *Fault) reply() string {
	switch {
	case f.Reply != "":
		return f.Reply
	case f.Do == Garbage:
		return "this is no reply"
	case f.Do == Extra:
		return "250 2.0.0 and another thing"
	default:
		return "451 4.3.0 fault on demand"
	}
}

// Gone refuses for good every recipient whose local part begins with "gone".
func Gone() Fault {
	return Fault{At: AtRcpt, Do: Refuse, To: "gone*", Reply: "550 5.1.1 no such user"}
}

// faultSet is faults with their counters.
type faultSet struct {
	faults  []Fault
	matched []atomic.Int64
	fired   []atomic.Int64
}

func newFaultSet(f []Fault) *faultSet {
	return &faultSet{faults: append([]Fault(nil), f...), matched: make([]atomic.Int64, len(f)), fired: make([]atomic.Int64, len(f))}
}

// strike gives the first fault that fires, or nil.
func (s *faultSet) strike(at Stage, to string, chance *rand.Rand) *Fault {
	for i := range s.faults {
		f := &s.faults[i]
		if f.At != at || f.To != "" && !matches(f.To, to) {
			continue
		}
		if f.Rate > 0 && f.Rate < 1 && chance.Float64() >= f.Rate {
			continue
		}
		if s.matched[i].Add(1) <= int64(f.Skip) {
			continue
		}
		if n := s.fired[i].Add(1); f.Max > 0 && n > int64(f.Max) {
			continue
		}
		return f
	}
	return nil
}

// has says whether any fault acts at a stage.
func (s *faultSet) has(at Stage) bool {
	for i := range s.faults {
		if s.faults[i].At == at {
			return true
		}
	}
	return false
}

func matches(pattern, to string) bool {
	ok, err := path.Match(pattern, to)
	if err != nil {
		return strings.HasPrefix(to, pattern) // a pattern that is none is a prefix
	}
	return ok
}
