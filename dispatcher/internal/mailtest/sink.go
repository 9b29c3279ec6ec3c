// Package mailtest is an SMTP server that takes every mail and delivers none:
// the far end for tests, benchmarks and the proof that a crash loses nothing.
//
// A [Sink] listens on a real TCP socket and costs little: it reads whole
// blocks, answers a pipelined group in one write, and copies a mail's bytes
// only when asked to keep them. It remembers what it accepted, above all which
// mails it accepted without the client learning of it, so that a sender's
// claims can be held against the truth.
//
// It misbehaves on demand. A [Fault] says where in the dialogue, how, for whom
// and how often: refuse, drop, stall, talk nonsense, answer twice, be slow.
// [Open] reads a mail back into what a reader sees.
//
// The package needs no *testing.T, so that programs can use it too.
package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Keep says how much of each accepted mail a sink remembers.
type Keep int

// What a sink keeps.
const (
	KeepEnvelopes Keep = iota // everything in Mail but Data
	KeepBytes                 // also Data
	KeepNothing               // counts only; OnMail still sees every mail
)

// Options make a sink. The zero value is a plain-text sink on a free loopback
// port that offers all extensions, asks for no log-in and has no faults.
type Options struct {
	Listen     string            // "" for 127.0.0.1:0
	Keep       Keep              // how much is remembered
	MaxSize    int               // announced by SIZE and enforced; 0 for none
	Without    []string          // extensions not to offer: PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES
	Users      map[string]string // user to password; empty for no AUTH
	Mechanisms []string          // for AUTH; nil for PLAIN and LOGIN
	OpenAuth   bool              // offer AUTH without encryption too
	StartTLS   bool              // offer STARTTLS
	Implicit   bool              // speak TLS from the first byte
	NeedTLS    bool              // answer 530 to MAIL and AUTH in clear text
	NeedAuth   bool              // answer 530 to MAIL before a log-in

	// Certificate is for StartTLS and Implicit; nil for one made on the spot
	// for 127.0.0.1, ::1 and localhost, see [Sink.RootCAs].
	Certificate *Certificate

	EagerData bool // answer DATA with 354 even when no recipient was accepted
	Forgetful bool // lose what arrives before the answer to the command before it: a relay that offers PIPELINING and cannot do it

	PerConnection int     // mails a connection may carry before 421; 0 for no limit
	Faults        []Fault // tried in their order at each stage; the first that fires acts
	Seed          uint64  // of the chance in Faults; the same seed and connections misbehave alike

	// OnMail is told of each accepted mail before the client is, from the
	// connection's goroutine; it must be safe for concurrent use. Mail.Data is
	// set under KeepBytes only.
	OnMail func(Mail)

	// OnFault is told of each fault that fires, before it acts; like OnMail.
	OnFault func(Stage)

	// Now gives the time for Mail.At; nil for the machine's.
	Now func() time.Time
}

// Mail is one accepted mail.
type Mail struct {
	Number     int64 // in order of acceptance, from 1
	Conn       int64 // the connection it came on, from 1
	From       string
	To         string // the last recipient accepted; Recipients counts them
	Recipients int
	Params     string // of MAIL, as sent: "SIZE=123 BODY=8BITMIME"
	MessageID  string // without angle brackets
	Size       int    // bytes as transmitted, dot-stuffing included, without the final dot
	At         time.Time
	Encrypted  bool
	User       string // who had logged in
	Unsaid     bool   // accepted, but the client was not told so
	Data       []byte // under KeepBytes: without dot-stuffing
}

// Counts is what a sink has seen so far.
type Counts struct {
	Connections int64
	Accepted    int64 // mails, the Unsaid ones included
	Unsaid      int64 // accepted without the client learning of it
	Refused     int64 // 4xx and 5xx answers to MAIL, RCPT, DATA and the final dot, by fault or rule
	Faults      int64 // faults that fired
	Bytes       int64 // of accepted mails, as transmitted
	Commands    int64
	Reads       int64 // read calls that brought something
}

// Sink is a running server. All its methods are safe for concurrent use.
type Sink struct {
	opts     Options
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	ehlo     [2][]byte // the EHLO answer in clear text and encrypted

	faults atomic.Pointer[faultSet]
	quit   chan struct{}
	wait   sync.WaitGroup

	connections, accepted, unsaid, refused, fired, bytes, commands, reads atomic.Int64

	mu      sync.Mutex
	closed  bool
	conns   map[net.Conn]struct{}
	mails   []Mail
	changed chan struct{} // closed and replaced when a mail was accepted; nil while nobody waits
}

// New starts a sink.
func New(o Options) (*Sink, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Mechanisms == nil {
		o.Mechanisms = []string{"PLAIN", "LOGIN"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sink{opts: o, quit: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	if o.StartTLS || o.Implicit {
		cert := o.Certificate
		if cert == nil {
			made, err := NewCertificate([]string{"127.0.0.1", "::1", "localhost"}, 365*24*time.Hour)
			if err != nil {
				return nil, err
			}
			cert = made
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{cert.Pair}, MinVersion: tls.VersionTLS12}
		s.roots = cert.Roots
	}
	s.ehlo = [2][]byte{s.answerEHLO(false), s.answerEHLO(true)}
	s.SetFaults(o.Faults)
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("start SMTP sink: %w", err)
	}
	s.listener = l
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		s.accept()
	}()
	return s, nil
}

// Addr gives host:port.
func (s *Sink) Addr() string { return s.listener.Addr().String() }

// RootCAs trusts the sink's certificate; nil without TLS.
func (s *Sink) RootCAs() *x509.CertPool { return s.roots }

// SetFaults replaces the faults, for connections that are open as well. Their
// counters begin anew.
func (s *Sink) SetFaults(f []Fault) { s.faults.Store(newFaultSet(f)) }

// Close stops listening, cuts all connections and waits for their end. It may
// be called more than once.
func (s *Sink) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.quit)
	err := s.listener.Close()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wait.Wait()
	return err
}

func (s *Sink) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			select {
			case <-s.quit:
				return
			case <-time.After(10 * time.Millisecond): // out of descriptors: others may close theirs
				continue
			}
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.conns[c] = struct{}{}
		s.wait.Add(1)
		s.mu.Unlock()
		number := s.connections.Add(1)
		go func() {
			defer s.wait.Done()
			newSession(s, c, number).serve()
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}
