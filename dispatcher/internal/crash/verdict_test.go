package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// course is a proof's end as it should be: each due pair was taken in a message
// of its own, and all tables say so. Tests break one thing.
type course struct {
	plan   *plan
	ledger *ledger
	deaths []death
	said   []outcome
	kept   facts
	kills  int
}

func goodCourse() *course {
	c := &course{plan: newPlan(200, true, 5), ledger: newLedger(1), kept: facts{position: map[string]int64{}}}
	c.ledger.starts[0] = []int64{0, 10}
	id := int64(0)
	for i := range c.plan.readers {
		r := &c.plan.readers[i]
		for n := 1; n < len(c.plan.comments); n++ {
			if c.plan.wants(r, &c.plan.comments[n]) != due {
				continue
			}
			id++
			c.ledger.taken[id] = []taken{{to: r.email, at: time.Unix(id, 0)}}
			c.ledger.bodies[id] = []int{n}
			c.said = append(c.said, outcome{ID: id, State: "sent", Address: r.email})
		}
	}
	for n := 1; n < len(c.plan.comments); n++ {
		cm := &c.plan.comments[n]
		c.kept.position[cm.id()] = int64(n)
		if cm.fate == tombstone {
			c.kept.position[cm.id()] = 0
		}
	}
	return c
}

func (c *course) judge() *result {
	r := &result{o: options{connections: 2, kills: c.kills}, deaths: c.deaths, stages: map[stage]int{}}
	r.judgeKills()
	r.judgePairs(c.plan, c.ledger)
	r.judgeRepeats(c.ledger)
	r.judgeOutcomes(c.plan, c.ledger, c.said)
	r.judgeFacts(c.plan, c.kept)
	return r
}

// again is message 1 taken a second time, a minute after the first, by the
// daemon's second run.
func (c *course) again() {
	first := c.ledger.taken[1][0]
	c.ledger.taken[1] = []taken{first, {to: first.to, run: 1, at: first.at.Add(time.Minute)}}
}

// kill is one of the first run, between the two.
func (c *course) kill(sending ...int64) {
	d := death{at: c.ledger.taken[1][0].at.Add(time.Second), meant: atOutbox, atWork: map[stage]bool{atOutbox: true}, sending: map[int64]bool{}}
	for _, id := range sending {
		d.sending[id] = true
	}
	c.deaths = append(c.deaths, d)
}

func (c *course) reader(is func(*reader) bool) *reader {
	i := slices.IndexFunc(c.plan.readers, func(r reader) bool { return is(&r) })
	return &c.plan.readers[i]
}

func TestTheVerdictIsYesWhenEachDuePairWasTakenOnce(t *testing.T) {
	c := goodCourse()
	r := c.judge()
	if !r.proved() || r.due < 200 || r.told != r.due {
		t.Fatalf("%d due, %d told: %v", r.due, r.told, r.violations)
	}
}

func TestARepeatIsAllowedWhenItWasInFlightOrTakenWithoutAWord(t *testing.T) {
	inFlight := goodCourse()
	inFlight.again()
	inFlight.kill(1)
	unsaid := goodCourse()
	unsaid.again()
	unsaid.ledger.taken[1][0].unsaid, unsaid.ledger.unsaid = true, 1
	server := goodCourse()
	server.again()
	server.kill(1)
	server.deaths[0].daemon, server.deaths[0].until = -1, server.deaths[0].at.Add(time.Second)
	for name, c := range map[string]*course{"in flight": inFlight, "without a word": unsaid, "the server was killed": server} {
		if r := c.judge(); !r.proved() || r.repeats != 1 {
			t.Errorf("%s: %d repeats: %v", name, r.repeats, r.violations)
		}
	}
}

func TestTheVerdictNoticesWhatIsWrong(t *testing.T) {
	for _, x := range []struct {
		name string
		do   func(*course)
		want string
	}{
		{"a mail that never came", func(c *course) { delete(c.ledger.taken, 1) }, "never heard of comment"},
		{"said to be sent and never taken", func(c *course) { delete(c.ledger.taken, 1) }, "the sink never took it"},
		{"a comment in two messages", func(c *course) { c.ledger.bodies[2], c.ledger.taken[2] = c.ledger.bodies[1], c.ledger.taken[1] }, "2 times, in the messages"},
		{"a comment twice in one message", func(c *course) { c.ledger.bodies[1] = append(c.ledger.bodies[1], c.ledger.bodies[1]...) }, "2 times, in the messages"},
		{"a comment nobody follows", func(c *course) { c.ledger.bodies[1] = append(c.ledger.bodies[1], -3) }, "which nobody follows"},
		{"a removed comment", func(c *course) {
			n := slices.IndexFunc(c.plan.comments, func(m comment) bool { return m.fate == tombstone })
			c.ledger.bodies[1] = append(c.ledger.bodies[1], n)
		}, "and must not"},
		{"mail to who had left", func(c *course) {
			c.ledger.taken[1][0].to = c.reader(func(r *reader) bool { return r.leaves }).email
			c.ledger.bodies[1] = []int{len(c.plan.comments) - 1}
		}, "and must not"},
		{"mail to who is no reader", func(c *course) { c.ledger.taken[1][0].to = "mallory@example.org" }, "who is no reader"},
		{"an empty mail", func(c *course) { c.ledger.bodies[1] = nil }, "tells of nothing"},
		{"a repeat without a kill", (*course).again, "was not in flight at any kill"},
		{"a repeat of what was recorded", func(c *course) { c.again(); c.kill(2) }, "was not in flight at any kill"},
		{"a repeat of another run's mail", func(c *course) { c.again(); c.kill(1); c.deaths[0].run = 1 }, "was not in flight at any kill"},
		{"more in flight than connections allow", func(c *course) {
			var all []int64
			for id := range c.ledger.taken {
				all = append(all, id)
			}
			c.kill(all...)
		}, "mails were in flight"},
		{"a message that waits for ever", func(c *course) { c.said[0].State = "sending" }, "is still sending"},
		{"a message that failed for nothing", func(c *course) { c.said[0].State = "failed" }, "refuses nothing to this reader"},
		{"a message cancelled after it was taken", func(c *course) { c.said[0].State = "cancelled" }, "is cancelled"},
		{"a message given up", func(c *course) { c.said[0].State = "unknown"; delete(c.ledger.taken, 1) }, "given up as unknown"},
		{"a message without a row", func(c *course) { c.said = c.said[1:] }, "which no row stands for"},
		{"a rejected event", func(c *course) { c.kept.rejected = []string{"x"} }, "an event was rejected"},
		{"a lost event", func(c *course) { delete(c.kept.position, c.plan.comments[1].id()) }, "is in no table"},
		{"a comment that never settled", func(c *course) {
			n := 1 + slices.IndexFunc(c.plan.comments[1:], func(m comment) bool { return m.fate == stays })
			c.kept.position[c.plan.comments[n].id()] = 0
		}, "has no position"},
		{"too few kills", func(c *course) { c.kills = 1 }, "0 kills came while something was at work, not 1"},
		{"kills in idleness", func(c *course) { c.kills = 1; c.kill(); c.deaths[0].atWork = nil }, "0 kills came while something was at work, not 1"},
	} {
		c := goodCourse()
		x.do(c)
		r := c.judge()
		if !slices.ContainsFunc(r.violations, func(v string) bool { return strings.Contains(v, x.want) }) {
			t.Errorf("%s: no violation says %q: %v", x.name, x.want, r.violations)
		}
		if !strings.Contains(r.table(), x.want) && len(r.violations) <= 12 {
			t.Errorf("%s: the report hides it:\n%s", x.name, r.table())
		}
	}
}

func TestASeedGivesTheSamePlanAgain(t *testing.T) {
	a, b, other := newPlan(500, true, 3), newPlan(500, true, 3), newPlan(500, true, 4)
	if !slices.Equal(a.comments, b.comments) || !slices.Equal(a.readers, b.readers) {
		t.Error("the same seed gives two plans")
	}
	if slices.Equal(a.comments, other.comments) {
		t.Error("two seeds give the same plan")
	}
}

func TestAPlanHasAllThatTheProofIsAbout(t *testing.T) {
	p := newPlan(1500, true, 1)
	var refused, left, digests, stones, raced, answers, own int
	for i := range p.readers {
		r := &p.readers[i]
		refused, left, digests = refused+count(r.refused), left+count(r.leaves), digests+count(r.digest)
	}
	for n := 1; n < len(p.comments); n++ {
		c := &p.comments[n]
		stones, raced, answers = stones+count(c.fate == tombstone), raced+count(c.fate == races), answers+count(c.parent != 0)
		for i := range p.readers {
			r := &p.readers[i]
			own += count(c.author == r.id && r.thread == c.thread)
			if c.author == r.id && p.wants(r, c) != never {
				t.Fatalf("reader %s is due a comment of their own", r.id)
			}
		}
	}
	for name, n := range map[string]int{"refused": refused, "leavers": left, "digest readers": digests, "tombstones": stones, "races": raced, "answers": answers, "own comments": own} {
		if n == 0 {
			t.Errorf("no %s in the plan", name)
		}
	}
	if p.mails < 1500 || p.upto[len(p.comments)-1] != p.mails {
		t.Errorf("%d mails are due, counted %d", p.mails, p.upto[len(p.comments)-1])
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestTheLedgerKnowsWhichRunSentAMail(t *testing.T) {
	l := newLedger(2)
	l.begin(0, 0)
	l.begin(1, 0)
	l.begin(0, 5)
	mail := func(conn int64, id string) mailtest.Mail {
		return mailtest.Mail{Conn: conn, To: "a@b.example", MessageID: id, Data: []byte("Subject: x\r\n\r\none [[7]] and\r\n[[-2]]\r\n")}
	}
	l.accept(0, mail(5, "hb.m1.aa@blog.example"))
	l.accept(0, mail(6, "hb.m1.aa@blog.example"))
	l.accept(1, mail(9, "hb.m10.aa@blog.example"))
	l.accept(0, mail(6, "nonsense@blog.example"))
	if ts := l.taken[1]; len(ts) != 2 || ts[0].run != 0 || ts[1].run != 1 {
		t.Errorf("message 1: %+v", ts)
	}
	if ts := l.taken[36]; len(ts) != 1 || ts[0].daemon != 1 || ts[0].run != 0 {
		t.Errorf("message 36: %+v", ts)
	}
	if !slices.Equal(l.bodies[1], []int{7, -2}) || len(l.odd) != 1 {
		t.Errorf("bodies %v, odd %q", l.bodies, l.odd)
	}
}

func TestTheCommandRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"-db", "oracle"}, {"-nonsense"}, {"word"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code == 0 || errs.Len() == 0 {
			t.Errorf("%v: code %d, says %q", args, code, errs.String())
		}
	}
}
