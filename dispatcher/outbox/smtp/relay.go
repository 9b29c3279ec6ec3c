// Package smtp hands ready mails to an SMTP relay and says what became of each.
//
// The work is shared. go-mail dials, negotiates TLS and authenticates; then it
// hands over its connection, and a dialogue of ours carries the mail: one
// recipient a message, the envelope in one write where the relay offers
// PIPELINING (RFC 2920), the body with its final dot in another. That is two
// round trips a mail where go-mail takes six or seven, and the bytes on the
// wire are the same: go-mail is the oracle in the tests.
//
// What matters most is honesty about the outcome. A mail is sent when the
// relay answered 250 to the final dot, deferred or failed by what it answered
// otherwise; a connection that broke before the final dot left us has lost
// nothing (deferred), one that broke after it leaves an outcome that nobody
// knows (unknown). [Result] says which, in the relay's own words.
//
// The pieces: [New] checks [Options] and gives a [Relay]; [Relay.Dial] gives a
// [Conn], which belongs to one goroutine; [Conn.Send] carries one [Envelope]
// and gives a [Result]; [Relay.Check] says in plain words what is wrong with a
// relay and how to mend it.
package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	gomail "github.com/wneessen/go-mail/smtp"
)

// Relay is one configured relay. It is safe for concurrent use.
type Relay struct {
	opts settings

	mu        sync.Mutex
	offReason string // why pipelining was turned off, "" while it is not
}

// New checks the options and makes a relay. It connects to nothing. The error
// is a [dispatcher.Error] that names field and mend.
func New(o Options) (*Relay, error) {
	s, err := o.complete()
	if err != nil {
		return nil, err
	}
	return &Relay{opts: s}, nil
}

// Name gives the name under which attempts and metrics know this relay. It
// holds no secret.
func (r *Relay) Name() string { return r.opts.Name }

// Pipelining says whether envelopes may still go in one write, and if not, why.
func (r *Relay) Pipelining() (on bool, why string) {
	if r.opts.Pipelining == PipeliningOff {
		return false, "turned off in the configuration"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offReason == "", r.offReason
}

// outOfStep turns pipelining off for all connections of the relay and says so,
// once.
func (r *Relay) outOfStep(why string) {
	r.mu.Lock()
	first := r.offReason == ""
	if first {
		r.offReason = why
	}
	r.mu.Unlock()
	if first && r.opts.PipeliningChanged != nil {
		r.opts.PipeliningChanged(r.opts.Name, why)
	}
}

// Dial opens a session: TCP, TLS, EHLO and, where the URL names a user, AUTH.
// A cancelled ctx ends it at any point. The error is a [dispatcher.Error] of
// code unavailable that says in plain words what is wrong; it speaks of the
// relay and charges no message. The caller owns the connection and closes it.
func (r *Relay) Dial(ctx context.Context) (*Conn, error) {
	c, at, err := r.open(ctx)
	if err != nil {
		return nil, r.explain(at, err)
	}
	return c, nil
}

// step is how far the opening of a session has come.
type step string

const (
	stepConnect  step = "connect"
	stepTLS      step = "tls"
	stepGreeting step = "greeting"
	stepHello    step = "hello"
	stepStartTLS step = "starttls"
	stepAuth     step = "auth"
)

// opening is one attempt to open a session.
type opening struct {
	relay *Relay
	wire  *wire
	step  step

	connected func() // called once the wire is up
}

// open dials through go-mail and takes its connection over.
func (r *Relay) open(ctx context.Context) (*Conn, step, error) {
	o := &opening{relay: r, step: stepConnect}
	var auth *login
	opts := []mail.Option{
		mail.WithTimeout(r.opts.Timeouts.Open),
		mail.WithHELO(r.opts.Hello),
		mail.WithTLSConfig(r.tlsConfig()),
		mail.WithDialContextFunc(o.dial),
		mail.WithTLSPolicy(r.tlsPolicy()),
	}
	if r.opts.user != "" {
		auth = &login{user: r.opts.user, password: r.opts.Password, loopback: r.opts.loopback, step: &o.step}
		opts = append(opts, mail.WithSMTPAuthCustom(auth))
	}
	client, err := mail.NewClient(r.opts.host, opts...)
	if err != nil {
		return nil, o.step, err
	}
	// go-mail honours ctx until TCP is up and no further, and leaves the
	// socket open when a later step fails: both are looked after here.
	stop := func() bool { return true }
	o.connected = func() { stop = context.AfterFunc(ctx, o.wire.abort) }
	session, err := client.DialToSMTPClientWithContext(ctx)
	if cut := !stop(); err != nil || cut {
		if o.wire != nil {
			_ = o.wire.Close()
		}
		if cut || ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, o.step, err
	}
	o.wire.step = nil
	return newConn(r, session, o.wire, auth), o.step, nil
}

// dial is the dial function of go-mail. Implicit TLS is done here, because
// go-mail leaves it out for a dial function that is not its own.
func (o *opening) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	opts := &o.relay.opts
	ctx, cancel := context.WithTimeout(ctx, opts.Timeouts.Connect)
	defer cancel()
	var d net.Dialer
	tcp, err := d.DialContext(ctx, network, net.JoinHostPort(opts.host, opts.port))
	if err != nil {
		return nil, err
	}
	o.wire = &wire{Conn: tcp, step: &o.step}
	o.connected()
	if opts.TLS != TLSImplicit {
		o.step = stepGreeting
		return o.wire, nil
	}
	o.step = stepTLS
	secure := tls.Client(o.wire, o.relay.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err // open closes the wire
	}
	o.step = stepGreeting
	return secure, nil
}

func (r *Relay) tlsConfig() *tls.Config {
	return &tls.Config{
		ServerName: r.opts.host,
		RootCAs:    r.opts.RootCAs,
		MinVersion: tls.VersionTLS12,
		// Opportunistic encryption is against listeners only: who could forge
		// a certificate could as well strip the offer of STARTTLS (RFC 7435).
		// With a password at stake the certificate counts.
		InsecureSkipVerify: r.opts.TLS == TLSOpportunistic && r.opts.user == "",
	}
}

func (r *Relay) tlsPolicy() mail.TLSPolicy {
	switch r.opts.TLS {
	case TLSStartTLS:
		return mail.TLSMandatory
	case TLSOpportunistic:
		return mail.TLSOpportunistic
	default: // implicit TLS is up before go-mail sees the connection
		return mail.NoTLS
	}
}

// newConn reads what the last EHLO offered and takes the session over.
func newConn(r *Relay, session *gomail.Client, w *wire, auth *login) *Conn {
	c := &Conn{relay: r, text: session.Text, wire: w, abort: w.abort, lastUsed: r.opts.Clock()}
	if auth != nil {
		c.mechanism = auth.name
	}
	if state, err := session.GetTLSConnectionState(); err == nil {
		c.tls = state
	}
	c.pipelining, _ = session.Extension("PIPELINING")
	c.utf8, _ = session.Extension("SMTPUTF8")
	c.eightBit, _ = session.Extension("8BITMIME")
	if has, limit := session.Extension("SIZE"); has {
		c.size = true
		c.maxSize, _ = strconv.Atoi(strings.TrimSpace(limit)) // no number: no fixed limit (RFC 1870 §4)
	}
	return c
}

// deadline gives the instant at which a phase that begins now is over. Socket
// deadlines follow the machine's clock, not the injected one.
func deadline(d time.Duration) time.Time { return time.Now().Add(d) }
