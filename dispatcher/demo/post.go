package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
)

// Post is the demo's relay: an SMTP server on this machine that keeps what it
// takes in a mail catcher and passes nothing on. One address is refused for
// good, as its mailbox is gone, and one for a moment, as greylisting does.
type Post struct {
	Catcher *catcher.Catcher

	listener net.Listener
	server   *smtp.Server
	mu       sync.Mutex
	asked    map[string]bool // addresses that were greylisted once
}

// OpenPost opens the relay on a free port of this machine. It takes mail once
// [Post.Run] runs.
func OpenPost(clock dispatcher.Clock) (*Post, error) {
	c, err := catcher.New(catcher.Options{Store: catcher.NewMemory(0, 0), Clock: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = c.Close() // nothing runs yet
		return nil, fmt.Errorf("open the demo's relay: %w", err)
	}
	p := &Post{Catcher: c, listener: l, asked: map[string]bool{}}
	p.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &posting{post: p}, nil }))
	p.server.Domain = "localhost"
	p.server.MaxMessageBytes = catcher.MaxMail
	p.server.EnableSMTPUTF8 = true
	p.server.ReadTimeout = 10 * time.Minute
	p.server.WriteTimeout = time.Minute
	p.server.ErrorLog = quiet{}
	return p, nil
}

// Addr is where it takes SMTP.
func (p *Post) Addr() string { return p.listener.Addr().String() }

// Run serves until ctx ends; it gives nil then.
func (p *Post) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	if err := p.server.Serve(p.listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("run the demo's relay: %w", err)
	}
	return nil
}

// Close gives the ports back. It may be called more than once.
func (p *Post) Close() {
	_ = p.server.Close() // what is closed twice says so
	_ = p.listener.Close()
	_ = p.Catcher.Close()
}

// posting is one connection's present mail.
type posting struct {
	post *Post
	from string
	to   []string
}

func (s *posting) Reset()        { s.from, s.to = "", nil }
func (s *posting) Logout() error { return nil }

func (s *posting) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *posting) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch address := strings.ToLower(to); {
	case address == goneAddress:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox here any more"}
	case address == slowAddress && s.post.first(address):
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, please try again in a moment"}
	}
	s.to = append(s.to, to)
	return nil
}

func (p *Post) first(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.asked[address]
	p.asked[address] = true
	return !was
}

func (s *posting) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // go-smtp's own, with its reply
	}
	return s.post.Catcher.Keep(context.Background(), s.from, s.to, raw)
}

// quiet drops go-smtp's lines: a client that hangs up is no trouble here.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
