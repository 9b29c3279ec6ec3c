package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkSingleEvents posts events one by one, from one client or many. It
// reports the slowest hundredth.
func BenchmarkSingleEvents(b *testing.B) {
	for _, clients := range []int{1, 16, 100} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			d := open(b)
			d.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
			b.Cleanup(d.client.CloseIdleConnections)
			var next atomic.Int64
			var mu sync.Mutex
			var took []time.Duration
			b.ResetTimer()
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							return
						}
						start := time.Now()
						r, err := d.send("POST", "/v1/events", event(fmt.Sprint("e", i), fmt.Sprint("c", i)))
						if err != nil || r.status != http.StatusAccepted {
							b.Error(r.status, r.text, err)
							return
						}
						mu.Lock()
						took = append(took, time.Since(start))
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			slices.Sort(took)
			if n := len(took); n > 0 {
				b.ReportMetric(float64(took[n*99/100].Microseconds())/1000, "p99-ms")
			}
		})
	}
}

// BenchmarkBatchEvents posts a thousand events a call.
func BenchmarkBatchEvents(b *testing.B) {
	d := open(b)
	parts := make([]string, 1000)
	for n := range b.N {
		b.StopTimer()
		for i := range parts {
			parts[i] = event(fmt.Sprintf("e%d-%d", n, i), fmt.Sprintf("c%d-%d", n, i))
		}
		body := `{"events":[` + strings.Join(parts, ",") + `]}`
		b.StartTimer()
		d.want(d.call("POST", "/v1/events", body), 202, "accepted", 1000)
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
