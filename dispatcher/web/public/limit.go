package public

import (
	"cmp"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits say how often strangers may ask for something an hour: to subscribe,
// or to have a link mailed. Zero fields mean the defaults.
type Limits struct {
	PerClient  int // from one IP address, or one IPv6 network of 64 bits
	PerAddress int // for one mail address
	PerSite    int // in all
}

// The default limits. One office may sit behind one IP address.
const (
	defaultPerClient  = 30
	defaultPerAddress = 6
	defaultPerSite    = 1000
)

func (l Limits) filled() Limits {
	return Limits{cmp.Or(l.PerClient, defaultPerClient), cmp.Or(l.PerAddress, defaultPerAddress), cmp.Or(l.PerSite, defaultPerSite)}
}

// maxCounted bounds the memory of counts, and ipv6Network is what one customer
// has, as a rule.
const (
	maxCounted  = 8192
	ipv6Network = 64
)

// counts counts what was asked for, by whom. All of an hour's share may come at
// once; then it grows back evenly. It is safe for concurrent use, and bounded:
// when too many are remembered, those at rest go, and newcomers share one count.
type counts struct {
	mu     sync.Mutex
	seen   map[string]*rate.Limiter
	shared map[int]*rate.Limiter // by share
	swept  time.Time             // when those at rest were looked for last
}

// sweepEvery is how often those at rest are looked for, so that a flood of
// strangers does not make each call read all that is remembered.
const sweepEvery = time.Second

func newCounts() *counts {
	return &counts{seen: map[string]*rate.Limiter{}, shared: map[int]*rate.Limiter{}}
}

// take counts one for a key and says whether its hourly share allowed it.
func (c *counts) take(key string, share int, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of(key, share, now).AllowN(now, 1)
}

func (c *counts) of(key string, share int, now time.Time) *rate.Limiter {
	if lim := c.seen[key]; lim != nil {
		return lim
	}
	if len(c.seen) >= maxCounted && now.Sub(c.swept) >= sweepEvery {
		c.swept = now
		for k, lim := range c.seen {
			if lim.TokensAt(now) >= float64(lim.Burst()) {
				delete(c.seen, k)
			}
		}
	}
	fresh := rate.NewLimiter(rate.Limit(float64(share)/time.Hour.Seconds()), share)
	if len(c.seen) >= maxCounted {
		if c.shared[share] == nil {
			c.shared[share] = fresh
		}
		return c.shared[share]
	}
	c.seen[key] = fresh
	return fresh
}

// clientKey is what counts as one client.
func clientKey(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(ipv6Network); err == nil {
			return "client " + p.String()
		}
	}
	return "client " + a.String()
}
