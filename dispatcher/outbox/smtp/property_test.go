package smtp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

// randomFaults draws faults that fire often, at all stages.
func randomFaults(rng *rand.Rand) []mailtest.Fault {
	stages := []mailtest.Stage{mailtest.AtConnect, mailtest.AtMail, mailtest.AtRcpt, mailtest.AtData, mailtest.AtBody, mailtest.AtDot}
	actions := []mailtest.Action{mailtest.Refuse, mailtest.Drop, mailtest.Garbage, mailtest.Extra, mailtest.Slow, mailtest.Stall}
	replies := map[mailtest.Action][]string{
		mailtest.Refuse:  {"451 4.3.0 later", "550 5.1.1 no such user", "421 4.7.0 slow down", "554 5.7.1 no", "450-4.2.1 two\r\n450 4.2.1 lines"},
		mailtest.Garbage: {"", "250-dangling", "999 no", "2", "354 in the wrong place", "250 too early"},
		mailtest.Extra:   {"", "451 4.3.0 later", "550 5.1.1 no", "354 more", "421 4.3.2 bye", "nonsense"},
	}
	var faults []mailtest.Fault
	for range 1 + rng.IntN(4) {
		f := mailtest.Fault{At: stages[rng.IntN(len(stages))], Do: actions[rng.IntN(len(actions))], Rate: 0.02 + 0.2*rng.Float64(),
			Bytes: rng.IntN(400), Accept: rng.IntN(2) == 0}
		if r := replies[f.Do]; len(r) > 0 {
			f.Reply = r[rng.IntN(len(r))]
		}
		// A sink that takes a mail and then lies about it cannot be seen
		// through; what is left is honest or silent.
		if f.At == mailtest.AtDot && (f.Do == mailtest.Refuse || f.Do == mailtest.Garbage && strings.HasPrefix(f.Reply, "250 ")) {
			f.Accept = f.Do == mailtest.Garbage
		}
		if f.At == mailtest.AtBody && (f.Do == mailtest.Extra || f.Do == mailtest.Garbage) {
			f.Do = mailtest.Drop
		}
		if f.Do == mailtest.Stall {
			f.Rate, f.Max = 0.01, 3
		}
		faults = append(faults, f)
	}
	return faults
}

// TestClaimsAgreeWithTheTruth sends through random faults and holds what the
// dialogue says became of each mail against what the sink took: sent was
// taken, failed and deferred were not, and only unknown leaves it open.
func TestClaimsAgreeWithTheTruth(t *testing.T) {
	seen := make(map[dispatcher.Outcome]int)
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var without []string
			if seed%3 == 0 {
				without = []string{"PIPELINING"}
			}
			faults := randomFaults(rng)
			s := newSink(t, mailtest.Options{Faults: faults, Seed: seed, Without: without, EagerData: seed%2 == 0, PerConnection: 1 + rng.IntN(20)})
			brief := 250 * time.Millisecond // only stalls wait for it
			r := relayTo(t, s, func(o *smtp.Options) {
				o.Timeouts = smtp.Timeouts{Open: brief, Mail: brief, Rcpt: brief, Data: brief, Dot: brief, Quit: brief}
			})
			claims := sendAll(t, r, 4, 40)
			taken := make(map[string]int)
			for _, m := range s.Mails() {
				taken[m.MessageID]++
			}
			for id, res := range claims {
				seen[res.Outcome]++
				n := taken[id]
				wrong := false
				switch res.Outcome {
				case dispatcher.OutcomeSent:
					wrong = n != 1
				case dispatcher.OutcomeUnknown:
					wrong = n > 1 || res.Phase != smtp.PhaseDot
				default:
					wrong = n != 0
				}
				if wrong {
					t.Errorf("%s was taken %d times: %s\nfaults %+v", id, n, show(res), faults)
				}
				if res.Outcome != dispatcher.OutcomeSent && res.Text == "" {
					t.Errorf("%s: no words: %s", id, show(res))
				}
			}
		})
	}
	for _, o := range []dispatcher.Outcome{sent, deferred, failed, unknown} {
		if seen[o] < 20 {
			t.Errorf("the faults led to %d outcomes %q: too few to prove anything", seen[o], o)
		}
	}
}

// sendAll sends from several connections, each mail once, and gives the
// results by Message-ID.
func sendAll(t *testing.T, r *smtp.Relay, workers, each int) map[string]smtp.Result {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		claims = make(map[string]smtp.Result)
	)
	ctx := within(t)
	for w := range workers {
		wg.Go(func() {
			var conn *smtp.Conn
			for i := range each {
				for tries := 0; conn == nil && tries < 50; tries++ {
					conn, _ = r.Dial(ctx) // the fault at connect
				}
				if conn == nil {
					t.Error("never got a connection")
					return
				}
				id := fmt.Sprintf("w%d.m%d@test", w, i)
				res := conn.Send(ctx, letter(id, "ann@example.org"))
				mu.Lock()
				claims[id] = res
				mu.Unlock()
				if res.ConnBroken {
					_ = conn.Close(ctx)
					conn = nil
				}
			}
			if conn != nil {
				_ = conn.Close(context.Background())
			}
		})
	}
	wg.Wait()
	return claims
}
