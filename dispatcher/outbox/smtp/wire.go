package smtp

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// wire is the TCP connection below everything else, TLS included. It lets a
// cancelled context end whatever waits on it: once aborted, no later deadline
// brings it back to life. During the opening, which go-mail drives, it also
// watches which step was reached, because go-mail's errors don't say.
type wire struct {
	net.Conn

	mu      sync.Mutex
	aborted bool
	closed  bool

	step *step // nil once the session is open
}

// aLongTimeAgo is a deadline that has passed.
func aLongTimeAgo() time.Time { return time.Unix(1, 0) }

// abort makes all present and future reads and writes fail. It may be called
// from any goroutine.
func (w *wire) abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aborted = true
	_ = w.Conn.SetDeadline(aLongTimeAgo()) // fails only on a closed connection
}

// SetDeadline sets both deadlines, unless the wire was aborted.
func (w *wire) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.aborted {
		t = aLongTimeAgo()
	}
	return w.Conn.SetDeadline(t)
}

// SetReadDeadline sets the deadline of reads, unless the wire was aborted.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.aborted {
		t = aLongTimeAgo()
	}
	return w.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline of writes, unless the wire was aborted.
func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.aborted {
		t = aLongTimeAgo()
	}
	return w.Conn.SetWriteDeadline(t)
}

// Write passes on what is written; while the session opens, the commands that
// are still in clear text tell how far it has come.
func (w *wire) Write(p []byte) (int, error) {
	if w.step != nil {
		switch {
		case bytes.HasPrefix(p, []byte("EHLO ")), bytes.HasPrefix(p, []byte("HELO ")):
			*w.step = stepHello
		case bytes.HasPrefix(p, []byte("STARTTLS")):
			*w.step = stepStartTLS
		}
	}
	return w.Conn.Write(p)
}

// Close closes the connection. Only the first call does anything.
func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return w.Conn.Close()
}
