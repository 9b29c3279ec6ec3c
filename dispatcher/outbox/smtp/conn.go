package smtp

import (
	"context"
	"crypto/tls"
	"net/textproto"
	"time"
)

// Conn is an open session with a relay. It belongs to one goroutine at a time;
// only the cancelling of a Send's context comes from elsewhere.
type Conn struct {
	relay *Relay
	text  *textproto.Conn
	wire  *wire
	abort func() // wire.abort, made once

	// What the last EHLO offered.
	pipelining, utf8, eightBit, size bool
	maxSize                          int // bytes, 0 for no fixed limit
	tls                              *tls.ConnectionState
	mechanism                        string

	mails    int       // Sends that reached the wire
	lastUsed time.Time // by the relay's clock
	broken   bool
	writeErr error // the first failed write; from then on only what has arrived is read

	// Buffers, reused from mail to mail.
	body     []byte
	commands []byte
	words    []byte
}

// maxKeptBody bounds the buffer that an idle connection keeps.
const maxKeptBody = 1 << 20

// Reusable says whether the connection may carry another mail: it is whole,
// has carried fewer than MaxPerConnection, and has not idled longer than
// IdleTimeout. One that is not should be closed.
func (c *Conn) Reusable() bool {
	o := &c.relay.opts
	return !c.broken &&
		(o.MaxPerConnection == 0 || c.mails < o.MaxPerConnection) &&
		(o.IdleTimeout < 0 || o.Clock().Sub(c.lastUsed) < o.IdleTimeout)
}

// Mails gives the number of mails the connection has carried or tried to.
func (c *Conn) Mails() int { return c.mails }

// Close says QUIT and waits for the farewell, at most Timeouts.Quit and until
// ctx ends, then closes the connection. A broken connection is only closed.
// Close may be called more than once.
func (c *Conn) Close(ctx context.Context) error {
	if !c.broken && ctx.Err() == nil {
		stop := context.AfterFunc(ctx, c.abort)
		if c.write([]byte("QUIT\r\n"), c.relay.opts.Timeouts.Quit) == nil {
			_, _ = c.reply(c.relay.opts.Timeouts.Quit) // whatever it says, we are leaving
		}
		stop()
	}
	c.broken = true
	return c.wire.Close()
}

// end closes a connection that cannot be trusted any more.
func (c *Conn) end() {
	c.broken = true
	_ = c.wire.Close() // nothing more to be had from it
}

// write sends p in one write to the connection. A failed write does not end
// the matter: what the relay said before it closed may still be waiting.
func (c *Conn) write(p []byte, limit time.Duration) error {
	_, err := c.push(p, limit)
	return err
}

// push writes p and says how many of its bytes were handed to the kernel (or
// to TLS, which then sends only whole records).
func (c *Conn) push(p []byte, limit time.Duration) (int, error) {
	if err := c.wire.SetWriteDeadline(deadline(limit)); err != nil {
		c.writeErr = err
		return 0, err
	}
	w := c.text.W
	n, err := w.Write(p)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		c.writeErr = err
		n -= w.Buffered()
	}
	return n, err
}

// drain is how long replies are waited for once a write has failed. They have
// arrived already or never will; this is for those on their way through TLS.
const drain = time.Second

// reply reads the next reply into c.words, within limit.
func (c *Conn) reply(limit time.Duration) (int, error) {
	if c.writeErr != nil {
		limit = drain
	}
	if !c.lineBuffered() {
		if err := c.wire.SetReadDeadline(deadline(limit)); err != nil {
			return 0, err
		}
	}
	code, words, err := readReply(c.text.R, c.words)
	c.words = words
	return code, err
}

// lineBuffered says whether a line has arrived already, as the second and
// third reply of a pipelined group usually have: it spares setting a timer.
func (c *Conn) lineBuffered() bool {
	n := c.text.R.Buffered()
	if n == 0 {
		return false
	}
	b, _ := c.text.R.Peek(n) // cannot fail: n bytes are there
	return b[n-1] == '\n'
}
