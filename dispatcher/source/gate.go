package source

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// gate decides which addresses may be dialled. The decision is made on the
// address that the connection really goes to, after names are resolved.
type gate struct {
	hosts  map[string]bool // "name" or "name:port"
	ranges []netip.Prefix
}

// refusedError says that a private address was not dialled.
type refusedError struct{ addr string }

func (e *refusedError) Error() string { return e.addr + " is a private address" }

func newGate(allow []string) (*gate, error) {
	g := &gate{hosts: make(map[string]bool)}
	for i, a := range allow {
		a = strings.ToLower(strings.TrimSpace(a))
		field := fmt.Sprintf("allow_private[%d]", i)
		switch {
		case a == "":
			return nil, dispatcher.Invalid(field, `write a host such as "blog.internal" or a range such as "10.1.0.0/16"`, "is empty")
		case strings.Contains(a, "/"):
			p, err := netip.ParsePrefix(a)
			if err != nil {
				return nil, dispatcher.Invalid(field, `write a host such as "blog.internal" or a range such as "10.1.0.0/16"`, "%q is neither a host nor a range of addresses", a)
			}
			g.ranges = append(g.ranges, p.Masked())
		default:
			if addr, err := netip.ParseAddr(strings.Trim(a, "[]")); err == nil {
				a = addr.Unmap().String()
			}
			g.hosts[a] = true
		}
	}
	return g, nil
}

func (g *gate) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !g.hosts[host] && !g.hosts[net.JoinHostPort(host, port)] {
		d.ControlContext = g.control
	}
	return d.DialContext(ctx, network, addr)
}

// control sees the address itself, right before the connection is made.
func (g *gate) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusedError{address}
	}
	ip := ap.Addr().Unmap().WithZone("")
	if public(ip) {
		return nil
	}
	for _, r := range g.ranges {
		if r.Contains(ip) {
			return nil
		}
	}
	if g.hosts[ip.String()] || g.hosts[netip.AddrPortFrom(ip, ap.Port()).String()] {
		return nil
	}
	return &refusedError{ip.String()}
}

// public says whether an address is one of the open internet.
func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range []string{
		"0.0.0.0/8",      // this network, RFC 791
		"100.64.0.0/10",  // carriers' own, RFC 6598
		"192.0.0.0/24",   // protocol assignments, RFC 6890
		"192.88.99.0/24", // 6to4 relays, RFC 7526
		"198.18.0.0/15",  // benchmarks, RFC 2544
		"240.0.0.0/4",    // reserved, RFC 1112
		"64:ff9b::/96",   // IPv4 within IPv6, RFC 6052: could name any of the above
		"64:ff9b:1::/48", // the same, locally, RFC 8215
		"2002::/16",      // 6to4, RFC 3056: the same again
		"2001::/32",      // Teredo, RFC 4380: the same again
		"::/96",          // IPv4-compatible, RFC 4291: the same again
		"fec0::/10",      // site-local, RFC 3879
	} {
		if netip.MustParsePrefix(p).Contains(ip) {
			return false
		}
	}
	return true
}
