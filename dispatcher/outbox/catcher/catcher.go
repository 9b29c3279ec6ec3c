// Package catcher is the mailbox that takes all mail while no relay is
// configured: a small SMTP server on this machine that keeps what it is given
// and passes nothing on.
//
// The story of one mail: the outbox sends it by SMTP, as it would to any
// relay, so that what is tried out is what will run. The catcher reads what a
// list should show of it (a [Summary]), puts it into a [Store] that is bounded
// in number and in bytes, and tells whoever watches. The page in web/catcher
// shows it; [Parse] takes it apart for that, whatever rubbish it may be.
package catcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/hearback/hearback/dispatcher"
)

// MaxMail is the largest mail that is taken, in bytes.
const MaxMail = 10 << 20

// Options are what a [Catcher] needs. Store and Clock must be given.
type Options struct {
	Listen string // loopback only; "" is 127.0.0.1 on a free port
	Store  Store
	Clock  dispatcher.Clock
	Log    *slog.Logger // nil for silence
}

// Catcher is the SMTP server. It is safe for concurrent use.
type Catcher struct {
	store    Store
	clock    dispatcher.Clock
	log      *slog.Logger
	listener *listener
	server   *smtp.Server
	watchers watchers
}

// New opens the catcher's port. It serves once [Catcher.Run] runs; connections
// made before wait for it. An address that others could reach is refused,
// since the catcher takes mail from anybody.
func New(o Options) (*Catcher, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	addr, err := net.ResolveTCPAddr("tcp", o.Listen)
	if err != nil || !addr.IP.IsLoopback() {
		return nil, dispatcher.Invalid("catcher.listen", "use 127.0.0.1, for example 127.0.0.1:1025", "%q is not on this machine alone", o.Listen)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("open the mail catcher: %w", err)
	}
	c := &Catcher{store: o.Store, clock: o.Clock, log: o.Log, listener: &listener{Listener: l, conns: map[net.Conn]struct{}{}}}
	c.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{catcher: c}, nil }))
	c.server.Domain = "localhost"
	c.server.MaxMessageBytes = MaxMail
	c.server.MaxRecipients = 100
	c.server.EnableSMTPUTF8 = true
	c.server.ReadTimeout = 10 * time.Minute // relays keep connections open
	c.server.WriteTimeout = time.Minute
	c.server.ErrorLog = errorLog{o.Log}
	return c, nil
}

// Addr is where the catcher takes SMTP, "127.0.0.1:41025".
func (c *Catcher) Addr() string { return c.listener.Addr().String() }

// Run serves until ctx ends, then closes all connections and waits for them.
// It gives nil when ctx ended it. It runs once.
func (c *Catcher) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.listener.closeAll)
	defer stop()
	err := c.server.Serve(c.listener)
	c.listener.closeAll()
	c.server.Shutdown(context.WithoutCancel(ctx)) // waits; its listener is closed already
	if errors.Is(err, net.ErrClosed) && ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("run the mail catcher: %w", err)
}

// Close gives the port back when Run will not be called.
func (c *Catcher) Close() error {
	c.listener.closeAll()
	return nil
}

// Keep puts one mail into the store and tells the watchers. raw becomes the
// store's.
func (c *Catcher) Keep(ctx context.Context, from string, to []string, raw []byte) error {
	s := Summarize(raw)
	s.EnvelopeFrom, s.EnvelopeTo, s.ReceivedAt = from, to, c.clock.Now()
	if _, err := c.store.AddCaught(ctx, Mail{Summary: s, Raw: raw}); err != nil {
		return fmt.Errorf("keep a caught mail: %w", err)
	}
	c.watchers.tell()
	return nil
}

// Clear empties the store and tells the watchers.
func (c *Catcher) Clear(ctx context.Context) error {
	if err := c.store.ClearCaught(ctx); err != nil {
		return fmt.Errorf("empty the mail catcher: %w", err)
	}
	c.watchers.tell()
	return nil
}

// Store is where the mails are.
func (c *Catcher) Store() Store { return c.store }

// Watch gives a channel that gets a value soon after mails came or went;
// several changes may be told as one. stop ends the watching and must be
// called.
func (c *Catcher) Watch() (changes <-chan struct{}, stop func()) { return c.watchers.add() }

// session is one SMTP connection's present mail.
type session struct {
	catcher *Catcher
	from    string
	to      []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // go-smtp's own, with its reply
	}
	// Not the connection's: a mail that is acknowledged must be kept.
	if err := s.catcher.Keep(context.Background(), s.from, s.to, raw); err != nil {
		s.catcher.log.Error("the mail catcher cannot keep a mail", "error", err)
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot keep the mail, try again later"}
	}
	return nil
}

// listener knows the open connections, since go-smtp either closes them or
// waits for them, and a clean stop needs both.
type listener struct {
	net.Listener
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := &trackedConn{Conn: c, from: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.Close()
	}
	l.conns[t] = struct{}{}
	return t, nil
}

func (l *listener) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.Listener.Close()
	for c := range l.conns {
		c.(*trackedConn).Conn.Close()
	}
}

type trackedConn struct {
	net.Conn
	from *listener
}

func (t *trackedConn) Close() error {
	t.from.mu.Lock()
	delete(t.from.conns, t)
	t.from.mu.Unlock()
	return t.Conn.Close()
}

// errorLog turns go-smtp's lines into quiet log records: a client that hangs
// up is no trouble here.
type errorLog struct{ log *slog.Logger }

func (e errorLog) Printf(format string, v ...any) {
	e.log.Debug("mail catcher", "detail", fmt.Sprintf(format, v...))
}

func (e errorLog) Println(v ...any) { e.log.Debug("mail catcher", "detail", fmt.Sprint(v...)) }

// watchers are the channels to tell of changes.
type watchers struct {
	mu  sync.Mutex
	all map[chan struct{}]struct{}
}

func (w *watchers) add() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[chan struct{}]struct{}{}
	}
	w.all[c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, c)
	}
}

// tell never waits: a channel that holds a value already says enough.
func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
