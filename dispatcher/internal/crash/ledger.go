package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// ledger is what the sinks really took, whatever anybody claims.
type ledger struct {
	mu       sync.Mutex
	taken    map[int64][]taken // by message number, in the order of acceptance
	bodies   map[int64][]int   // the comments in the message, as first taken
	faults   map[mailtest.Stage]int
	unsaid   int
	starts   [][]int64 // for each sink, the connections counted when each of its daemon's runs began
	odd      []string  // mails that cannot be read
	accepted int
}

// taken is one acceptance.
type taken struct {
	to     string
	daemon int
	run    int // the daemon's run that sent it
	unsaid bool
	at     time.Time
}

func newLedger(daemons int) *ledger {
	return &ledger{taken: map[int64][]taken{}, bodies: map[int64][]int{}, faults: map[mailtest.Stage]int{}, starts: make([][]int64, daemons)}
}

// begin notes that a daemon's next run begins: mails on connections above the
// count are its own. The dead run's connections were all counted before, for
// one that carries a mail had been answered.
func (l *ledger) begin(daemon int, connections int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.starts[daemon] = append(l.starts[daemon], connections)
}

// runs is how many runs a daemon has had.
func (l *ledger) runs(daemon int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.starts[daemon])
}

// accept records one mail.
func (l *ledger) accept(daemon int, m mailtest.Mail) {
	id, err := messageNumber(m.MessageID)
	var comments []int
	if err == nil {
		comments, err = commentsIn(m.Data)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.odd = append(l.odd, err.Error())
		return
	}
	t := taken{to: m.To, daemon: daemon, unsaid: m.Unsaid, at: m.At}
	for i, from := range l.starts[daemon] {
		if m.Conn > from {
			t.run = i
		}
	}
	if len(l.taken[id]) == 0 {
		l.bodies[id] = comments
	}
	if m.Unsaid {
		l.unsaid++
	}
	l.taken[id] = append(l.taken[id], t)
	l.accepted++
}

func (l *ledger) fault(at mailtest.Stage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[at]++
}

// messages is how many distinct messages were taken.
func (l *ledger) messages() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.taken)
}

// acceptances is how many mails were taken, repeats included.
func (l *ledger) acceptances() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

// messageNumber reads the row's number from a Message-ID.
func messageNumber(id string) (int64, error) {
	rest, ok := strings.CutPrefix(id, "hb.m")
	digits, _, dotted := strings.Cut(rest, ".")
	n, err := strconv.ParseInt(digits, 36, 64)
	if !ok || !dotted || err != nil {
		return 0, fmt.Errorf("the Message-ID %q is not of a message's row", id)
	}
	return n, nil
}

// commentsIn lists the comments that a mail tells of, one entry for each time.
func commentsIn(data []byte) ([]int, error) {
	l, err := mailtest.Open(data)
	if err != nil {
		return nil, err
	}
	found := regexp.MustCompile(`\[\[(-?\d+)\]\]`).FindAllStringSubmatch(strings.ReplaceAll(l.Text, "\n", " "), -1)
	out := make([]int, 0, len(found))
	for _, f := range found {
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// faults are how one of the sinks misbehaves. A mail whose outcome is unknown a
// second time is given up by the product's own rules, and would then be missing
// through no fault of a crash. So a drop in the middle of a mail, which the
// client cannot tell from one after its dot, comes once for each reader, at one
// of the sinks; the drops after the dot take the mail.
func faults(p *plan, delay time.Duration, sink, sinks int) []mailtest.Fault {
	f := []mailtest.Fault{
		{At: mailtest.AtRcpt, Do: mailtest.Refuse, To: "gone*", Reply: "550 5.1.1 no such user"},
		{At: mailtest.AtDot, Do: mailtest.Refuse, To: "strict*", Reply: "554 5.7.1 not wanted"},
		{At: mailtest.AtMail, Do: mailtest.Refuse, Rate: 0.001, Reply: "421 4.3.2 back in a moment"},
		{At: mailtest.AtRcpt, Do: mailtest.Refuse, Rate: 0.015, Reply: "450 4.2.1 greylisted"},
		{At: mailtest.AtData, Do: mailtest.Refuse, Rate: 0.005, Reply: "451 4.3.0 not now"},
		{At: mailtest.AtDot, Do: mailtest.Refuse, Rate: 0.015, Reply: "452 4.3.1 full for the moment"},
		{At: mailtest.AtDot, Do: mailtest.Drop, Accept: true, Rate: 0.01},
	}
	for i := range p.readers {
		if r := &p.readers[i]; !r.refused && i%2 == 0 && i/2%sinks == sink {
			f = append(f, mailtest.Fault{At: mailtest.AtBody, Do: mailtest.Drop, To: r.email, Bytes: 700, Rate: 0.1, Max: 1})
		}
	}
	return append(f, mailtest.Fault{At: mailtest.AtDot, Do: mailtest.Slow, Delay: delay})
}
