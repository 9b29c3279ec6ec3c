package public

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestAShareMayComeAtOnceAndGrowsBackEvenly(t *testing.T) {
	c, now := newCounts(), time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	took := func(n int) (got int) {
		for range n {
			if c.take("client 192.0.2.1", 6, now) {
				got++
			}
		}
		return got
	}
	if got := took(10); got != 6 {
		t.Errorf("of 10 at once %d were taken, want 6", got)
	}
	now = now.Add(20 * time.Minute)
	if got := took(10); got != 2 {
		t.Errorf("after a third of an hour %d were taken, want 2", got)
	}
	now = now.Add(24 * time.Hour)
	if got := took(10); got != 6 {
		t.Errorf("after a day %d were taken, want 6", got)
	}
}

func TestOneCustomersIPv6NetworkIsOneClient(t *testing.T) {
	key := func(text string) string { return clientKey(netip.MustParseAddr(text)) }
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") {
		t.Error("two addresses of one /64 count as two clients")
	}
	if key("2001:db8:1:2::1") == key("2001:db8:1:3::1") {
		t.Error("two networks count as one client")
	}
	if key("::ffff:192.0.2.1") != key("192.0.2.1") || key("192.0.2.1") == key("192.0.2.2") {
		t.Error("an IPv4 address is not one client")
	}
}

func TestAFloodOfStrangersFillsNoMemoryAndSharesOneCount(t *testing.T) {
	c, now := newCounts(), time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
	taken := 0
	for i := range 3 * maxCounted {
		if c.take(fmt.Sprint("client ", i), 2, now) {
			taken++
		}
	}
	if len(c.seen) > maxCounted || taken > maxCounted+2 {
		t.Errorf("%d are remembered and %d were taken", len(c.seen), taken)
	}
	if c.take("client 0", 2, now); c.take("client 0", 2, now) {
		t.Error("a flood made somebody's count begin anew")
	}
	now = now.Add(time.Hour) // all are at rest: newcomers get counts of their own again
	if !c.take("client new", 2, now) || len(c.seen) != 1 {
		t.Errorf("%d are remembered after an hour's rest", len(c.seen))
	}
}
