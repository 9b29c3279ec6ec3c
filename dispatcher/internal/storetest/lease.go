package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher/store"
)

func leaseTests() []test {
	return []test{
		{"a lease is one owner's until it ends, and terms grow", func(e *env) {
			a, err := e.s.TakeLease(e.ctx, "x", "a", time.Minute)
			e.ok(err)
			_, err = e.s.TakeLease(e.ctx, "x", "b", time.Minute)
			e.lost(err)
			e.clock.Advance(30 * time.Second)
			renewed, err := e.s.TakeLease(e.ctx, "x", "a", time.Minute)
			e.ok(err)
			equal(e, "term of a renewed one", renewed.Term, a.Term)
			equal(e, "until", renewed.Until, e.clock.Now().Add(time.Minute))
			e.clock.Advance(time.Minute)
			b, err := e.s.TakeLease(e.ctx, "x", "b", time.Minute)
			e.ok(err)
			equal(e, "term", b.Term, a.Term+1)
			e.ok(e.s.ReleaseLease(e.ctx, renewed)) // not theirs any more
			_, err = e.s.TakeLease(e.ctx, "x", "a", time.Minute)
			e.lost(err)
			e.ok(e.s.ReleaseLease(e.ctx, b))
			_, err = e.s.TakeLease(e.ctx, "x", "a", time.Minute)
			e.ok(err)
			_, err = e.s.TakeLease(e.ctx, "y", "b", time.Minute)
			e.ok(err)
		}},
		{"of many owners at once one gets it", func(e *env) {
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					if _, err := e.s.TakeLease(e.ctx, "x", fmt.Sprint("o", i), time.Minute); err == nil {
						won.Add(1)
					}
				})
			}
			wg.Wait()
			equal(e, "owners", won.Load(), 1)
		}},
		{"named values are remembered", func(e *env) {
			v, err := e.s.Meta(e.ctx, "x")
			e.ok(err)
			equal(e, "unset", v, "")
			e.ok(e.s.SetMeta(e.ctx, "x", "1"))
			e.ok(e.s.SetMeta(e.ctx, "x", "2"))
			v, err = e.s.Meta(e.ctx, "x")
			e.ok(err)
			equal(e, "value", v, "2")
		}},
		{"hints wake who listens, and none are kept for who stopped", func(e *env) {
			c, stop := e.s.Hints().Listen(store.TopicInbox)
			e.append(e.published("a", "t", ""))
			select {
			case <-c:
			default:
				e.Error("no hint came")
			}
			stop()
			e.append(e.published("b", "t", ""))
			select {
			case <-c:
				e.Error("a hint came after the end")
			default:
			}
		}},
		{"the clocks are compared", func(e *env) {
			e.clock.Advance(time.Since(e.clock.Now())) // the daemon's is right
			skew, err := e.s.Skew(e.ctx)
			e.ok(err)
			if skew.Abs() > 5*time.Second { // one machine
				e.Errorf("one machine's clocks differ by %s", skew)
			}
		}},
	}
}
