package catcher

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// allowed says whether a request may see the mails: an admin's may, and, where
// the daemon is local, one from this machine that asked for this machine by
// name. The name is checked because a page on the web can point its own host
// name here (DNS rebinding), and forwarding headers because a proxy on this
// machine makes every stranger look local.
func (h *Handler) allowed(r *http.Request) bool {
	if h.authorise != nil && h.authorise(r) {
		return true
	}
	if !h.local || forwarded(r) {
		return false
	}
	return loopbackPeer(r.RemoteAddr) && loopbackName(r.Host)
}

func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

func loopbackPeer(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// loopbackName says whether a Host header names this machine and nothing else.
func loopbackName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
