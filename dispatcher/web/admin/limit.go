package admin

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hearback/hearback/dispatcher"
)

// How often somebody may try to sign in. An account's count begins anew when
// its admin gets in. While a stranger uses an account's tries up, its admin
// gets in by a link.
const (
	triesAtOnce      = 10
	clientRefill     = 6 * time.Second  // one more try of one client
	accountRefill    = 30 * time.Second // one more try for one name
	mostRemembered   = 4096
	ipv6ClientPrefix = 64 // what one customer has, as a rule
)

// limits counts tries per client and per name. It is safe for concurrent use,
// and bounded: when too many are remembered, those that are at rest go, and
// newcomers share one count.
type limits struct {
	mu    sync.Mutex
	seen  map[string]*rate.Limiter
	rest  map[rate.Limit]*rate.Limiter
	swept time.Time // when those at rest were looked for last
}

// sweepEvery is how often those at rest are looked for, so that a flood of new
// names does not make each try read all that is remembered.
const sweepEvery = time.Second

func newLimits() *limits {
	return &limits{seen: map[string]*rate.Limiter{}, rest: map[rate.Limit]*rate.Limiter{}}
}

// try counts a try to sign in.
func (l *limits) try(client netip.Addr, name string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.of("client "+clientKey(client), clientRefill, now).AllowN(now, 1) || !l.of("name "+name, accountRefill, now).AllowN(now, 1) {
		return &dispatcher.Error{Code: dispatcher.CodeLimited, Message: "too many tries to sign in", Mend: "wait a minute, or come by a one-time link: hearback admin link NAME"}
	}
	return nil
}

// forget begins a name's count anew.
func (l *limits) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, "name "+name)
}

func (l *limits) of(key string, refill time.Duration, now time.Time) *rate.Limiter {
	if lim := l.seen[key]; lim != nil {
		return lim
	}
	if len(l.seen) >= mostRemembered && now.Sub(l.swept) >= sweepEvery {
		l.swept = now
		for k, lim := range l.seen {
			if lim.TokensAt(now) >= triesAtOnce {
				delete(l.seen, k)
			}
		}
	}
	every := rate.Every(refill)
	if len(l.seen) >= mostRemembered {
		if l.rest[every] == nil {
			l.rest[every] = rate.NewLimiter(every, triesAtOnce)
		}
		return l.rest[every]
	}
	lim := rate.NewLimiter(every, triesAtOnce)
	l.seen[key] = lim
	return lim
}

// clientKey is what counts as one client.
func clientKey(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(ipv6ClientPrefix); err == nil {
			return p.String()
		}
	}
	return a.String()
}
