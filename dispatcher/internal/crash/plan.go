package main

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// plan is what will be said by whom and who reads along, drawn from a seed
// before anything runs. It is also the model: [plan.wants] says from the plan
// alone who must hear of what, without a look at the product.
type plan struct {
	readers []reader
	// comments by number, from 1; 0 is not used.
	comments []comment
	half     int   // comments above this number come after the leavers left
	columns  int   // how many authors have followers
	mails    int   // at least so many mails are due
	upto     []int // and so many by the comments up to a number
}

// reader follows one author, and some follow a long thread too.
type reader struct {
	id, email string
	author    int    // the columnist they follow
	thread    string // the long thread they follow, "" for none
	refused   bool   // the sink never takes a mail for them
	leaves    bool   // they end everything when half is said
	digest    bool   // they are on the schedule
}

// fate is what becomes of a comment.
type fate int

const (
	stays     fate = iota
	tombstone      // its removal is told before it is published
	races          // its removal is told right after it was published
)

type comment struct {
	n      int
	thread string
	author string // "a3" for a columnist, a reader's id for a reader
	parent int
	fate   fate
}

// want is what a reader may hear of a comment.
type want int

const (
	never want = iota
	maybe
	due
)

const (
	mostReaders = 400
	longThreads = 2
)

// newPlan draws readers and as many comments as make the wanted mails.
func newPlan(mails int, digests bool, seed uint64) *plan {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &plan{comments: make([]comment, 1)}
	count := min(mostReaders, max(40, mails/25))
	p.columns = max(4, count/40)
	for i := range count {
		r := reader{id: "r" + strconv.Itoa(i), author: i % p.columns}
		r.email = r.id + "@readers.example"
		switch {
		case i%50 == 3: // refused at RCPT: the address is suppressed
			r.refused, r.email = true, "gone"+strconv.Itoa(i)+"@readers.example"
		case i%50 == 13: // refused at the dot: each mail fails
			r.refused, r.email = true, "strict"+strconv.Itoa(i)+"@readers.example"
		}
		if i%5 == 0 {
			r.thread = longThread(i / 5 % longThreads)
		}
		r.leaves = i%20 == 7
		r.digest = digests && i%20 == 11
		p.readers = append(p.readers, r)
	}
	type place struct {
		reader int
		thread string
	}
	mailed := map[place]bool{}
	p.upto = []int{0}
	for len(mailed) < mails {
		c := p.draw(rng)
		p.comments = append(p.comments, c)
		for i := range p.readers {
			r := &p.readers[i]
			if p.follows(r, &c) && c.fate == stays && !r.refused && !r.leaves && !r.digest {
				mailed[place{i, c.thread}] = true
			}
		}
		p.upto = append(p.upto, len(mailed))
	}
	p.mails, p.half = len(mailed), len(p.comments)/2
	return p
}

func longThread(i int) string { return "long-" + strconv.Itoa(i) }

func (p *plan) draw(rng *rand.Rand) comment {
	n := len(p.comments)
	c := comment{n: n, thread: "t-" + strconv.Itoa(n), author: "a" + strconv.Itoa(rng.IntN(p.columns))}
	switch roll := rng.IntN(100); {
	case roll < 12: // in a long thread, by one of its readers or a columnist
		c.thread = longThread(rng.IntN(longThreads))
		if rng.IntN(2) == 0 {
			c.author = p.readers[rng.IntN(len(p.readers))].id
		}
	case roll < 22 && n > 1: // an answer to the one before it
		c.parent, c.thread = n-1, p.comments[n-1].thread
	}
	switch roll := rng.IntN(100); {
	case roll < 4:
		c.fate = tombstone
	case roll < 7:
		c.fate = races
	}
	return c
}

// follows says whether a subscription of the reader's leads to the comment, and
// it is not their own.
func (p *plan) follows(r *reader, c *comment) bool {
	return c.author != r.id && (c.author == "a"+strconv.Itoa(r.author) || r.thread != "" && c.thread == r.thread)
}

// wants is the model of the whole product as far as this proof needs it.
func (p *plan) wants(r *reader, c *comment) want {
	switch {
	case !p.follows(r, c), c.fate == tombstone, r.refused, r.leaves && c.n > p.half:
		return never
	case r.leaves, c.fate == races:
		return maybe
	}
	return due
}

// id is the comment's id at the site.
func (c *comment) id() string { return "c-" + strconv.Itoa(c.n) }

// token is how a comment is found again in a mail.
func token(n int) string { return "[[" + strconv.Itoa(n) + "]]" }

// text puts the token beyond where an excerpt of a parent would end.
func (c *comment) text() string {
	const filler = "One more thing about clocks, which nobody had asked, is that they are right about what they say and wrong about when. " +
		"So we wait, and look again, and count the hands, and write down what we saw before somebody moves them back. That took a while to learn, and longer to say."
	return filler + " " + token(c.n)
}

// noise is a comment that nobody follows: it makes the stages' work longer.
func noise(n int) comment {
	return comment{n: -n, thread: "noise", author: "nobody"}
}

// jitter is a random wait of at most so long.
func jitter(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(most)))
}
