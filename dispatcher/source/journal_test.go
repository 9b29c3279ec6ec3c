package source_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/sourcetest"
	"github.com/hearback/hearback/dispatcher/source"
)

// journal is a Source that tells of each comment once and goes strictly by its
// cursor: what a round reads and does not commit is lost unless it is read again.
type journal struct {
	site
	entries []source.Comment
}

func (j *journal) Poll(_ context.Context, r source.Round) (source.Batch, error) {
	at := 0
	fmt.Sscan(string(r.Cursor), &at)
	to := min(at+3, len(j.entries))
	b := source.Batch{Comments: j.entries[at:to], Cursor: fmt.Append(nil, to), More: to < len(j.entries)}
	if j.err != nil && !j.with {
		return source.Batch{}, j.err
	}
	return b, j.err
}

func (j *journal) Fill(context.Context, []*source.Comment) error { return j.lookErr }

func TestTheCursorNeverPassesWhatWasNotCommitted(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		mem := sourcetest.NewMemory()
		now := t0
		j := &journal{}
		p, err := source.New(source.Options{Store: mem, Ledger: mem, Holder: "me", Clock: func() time.Time { return now }},
			source.Config{Name: "blog", Kind: "test", Site: "blog", Source: j, Jump: []int{-1, 500}[seed%2]})
		if err != nil {
			t.Fatal(err)
		}
		poll := func() error {
			now = now.Add(time.Minute)
			_, err := p.PollNow(t.Context(), "blog")
			return err
		}
		for step := range 30 {
			for range rng.IntN(12) {
				j.entries = append(j.entries, answer(fmt.Sprint(len(j.entries)+1), "", now))
			}
			j.err, j.lookErr, mem.Fail = nil, nil, nil
			switch rng.IntN(5) {
			case 0:
				j.err, j.with = errors.New("down"), rng.IntN(2) == 0
			case 1:
				j.lookErr = errors.New("no titles")
			case 2:
				left := rng.IntN(6)
				mem.Fail = func(string) error {
					if left--; left == 0 {
						return fmt.Errorf("the database is away in step %d", step)
					}
					return nil
				}
			}
			poll()
		}
		j.err, j.lookErr, mem.Fail = nil, nil, nil
		if err := poll(); err != nil {
			t.Fatal(err)
		}
		told := mem.Told(t)
		if len(told) != len(j.entries) {
			t.Fatalf("seed %d: %d of %d comments were told of", seed, len(told), len(j.entries))
		}
		for id, c := range told {
			if c.Mailed+c.Silent != 1 {
				t.Fatalf("seed %d, comment %s: %v", seed, id, c)
			}
		}
	}
}
