package smtp

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Finding is one thing that a check saw.
type Finding struct {
	Step string // connect, tls, greeting, hello, starttls, auth, capabilities
	OK   bool   // false when mail cannot be sent because of it, or soon cannot
	Says string // in plain words, with the relay's own where it spoke
	Mend string // what to do; "" when nothing is to be done
}

// expiresSoon is how long before its end a certificate is worth a word.
const expiresSoon = 14 * 24 * time.Hour

// Check opens a session as Dial does, sends no mail, and says what it found,
// in the order in which a session opens. The last finding of a relay that
// cannot be used is not OK and carries the mend. A server that says nothing
// holds it for Timeouts.Open: end ctx when a person waits.
func (r *Relay) Check(ctx context.Context) []Finding {
	where := net.JoinHostPort(r.opts.host, r.opts.port)
	c, at, err := r.open(ctx)
	if err != nil {
		var found []Finding
		if at != stepConnect {
			found = append(found, Finding{Step: string(stepConnect), OK: true, Says: "connected to " + where})
		}
		e := r.explain(at, err)
		says := strings.TrimPrefix(e.Message, "relay "+r.opts.Name+": ")
		if ctx.Err() != nil {
			says, e.Mend = "the check was stopped at "+string(at)+" before the relay answered", "try again with more time; "+e.Mend
		}
		return append(found, Finding{Step: string(at), Says: says, Mend: e.Mend})
	}
	defer func() { _ = c.Close(ctx) }() // the session served its purpose
	found := []Finding{{Step: string(stepConnect), OK: true, Says: "connected to " + where}}
	found = append(found, r.findTLS(c))
	found = append(found, r.findLogin(c))
	return append(found, r.findCapabilities(c))
}

func (r *Relay) findTLS(c *Conn) Finding {
	f := Finding{Step: "tls", OK: true}
	switch {
	case c.tls == nil && r.opts.loopback:
		f.Says = "not encrypted; nothing leaves this machine"
	case c.tls == nil:
		f.Says = "not encrypted: addresses and texts are open to the network"
		f.Mend = "set tls to starttls if the relay offers it"
	default:
		f.Says = tls.VersionName(c.tls.Version) + ", certificate"
		leaf := c.tls.PeerCertificates[0]
		left := leaf.NotAfter.Sub(dispatcher.Clock(r.opts.Clock).Now())
		f.Says += fmt.Sprintf(" for %s until %s", names(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
		if len(c.tls.VerifiedChains) == 0 {
			f.Says += ", not checked"
		} else if left < expiresSoon {
			f.OK = false
			f.Says += fmt.Sprintf(", which is in %d days", int(left.Hours()/24))
			f.Mend = "renew the relay's certificate"
		}
	}
	return f
}

func (r *Relay) findLogin(c *Conn) Finding {
	f := Finding{Step: "auth", OK: true, Says: "no log-in configured"}
	if c.mechanism != "" {
		f.Says = fmt.Sprintf("logged in as %s by %s", r.opts.user, c.mechanism)
	}
	return f
}

func (r *Relay) findCapabilities(c *Conn) Finding {
	f := Finding{Step: "capabilities", OK: true}
	var offers []string
	for _, o := range []struct {
		has  bool
		name string
	}{{c.pipelining, "PIPELINING"}, {c.size, "SIZE"}, {c.eightBit, "8BITMIME"}, {c.utf8, "SMTPUTF8"}} {
		if o.has {
			offers = append(offers, o.name)
		}
	}
	f.Says = "offers " + strings.Join(offers, ", ")
	if len(offers) == 0 {
		f.Says = "offers no extensions that matter here"
	}
	if c.maxSize > 0 {
		f.Says += fmt.Sprintf("; takes mails up to %d bytes", c.maxSize)
	}
	on, why := r.Pipelining()
	switch {
	case !c.pipelining:
		f.Says += "; without PIPELINING each mail takes four round trips in place of two"
	case !on:
		f.Says += "; PIPELINING is not used: " + why
	}
	return f
}
