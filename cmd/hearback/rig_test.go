package main

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// relay is a small SMTP server on a real socket: it refuses recipients whose
// name begins with "gone", and every password but its own.
type relay struct {
	addr     string
	password string // "" asks for none
	mu       sync.Mutex
	mails    []delivered
}

type delivered struct{ from, to, data string }

func newRelay(t *testing.T, password string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), password: password}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			sessions.Go(func() {
				defer c.Close()
				r.serve(textproto.NewConn(c))
			})
		}
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		sessions.Wait()
	})
	return r
}

func (r *relay) delivered() []delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.mails)
}

// serve is one session; it ends when the client goes.
func (r *relay) serve(c *textproto.Conn) {
	say := func(lines ...string) bool { return c.PrintfLine("%s", strings.Join(lines, "\r\n")) == nil }
	say("220 relay.test ESMTP")
	var m delivered
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case verb == "EHLO" && r.password != "":
			say("250-relay.test", "250 AUTH PLAIN")
		case verb == "EHLO":
			say("250-relay.test", "250 PIPELINING")
		case verb == "AUTH":
			_, text, _ := strings.Cut(line[5:], " ")
			plain, _ := base64.StdEncoding.DecodeString(text)
			if strings.HasSuffix(string(plain), "\x00"+r.password) {
				say("235 2.7.0 welcome")
			} else {
				say("535 5.7.8 user or password is wrong")
			}
		case verb == "MAIL":
			m = delivered{from: between(line)}
			say("250 2.1.0 ok")
		case strings.HasPrefix(rest, "TO:<GONE"):
			say("550 5.1.1 no such user")
		case verb == "RCPT":
			m.to = between(line)
			say("250 2.1.5 ok")
		case verb == "DATA" && m.to == "":
			say("503 5.5.1 no recipient")
		case verb == "DATA":
			say("354 go on")
			text, err := c.ReadDotBytes()
			if err != nil {
				return
			}
			m.data = string(text)
			r.mu.Lock()
			r.mails = append(r.mails, m)
			r.mu.Unlock()
			say("250 2.0.0 taken")
		case verb == "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("250 2.0.0 ok")
		}
	}
}

// between gives what stands in angle brackets.
func between(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	addr, _, _ := strings.Cut(rest, ">")
	return addr
}

func makeExecutable(t *testing.T, path string) {
	t.Helper()
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func completions(id, worker int64, a *dispatcher.Attempt) []store.Completion {
	return []store.Completion{{Message: id, Owner: worker, State: dispatcher.StateFailed, Why: "refused", Charge: 1, Attempt: a}}
}

// comments makes a site's own database with n comments and gives its path.
func (h *hb) comments(n int) string {
	h.t.Helper()
	path := h.path("site.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE comment (id TEXT, page TEXT, body TEXT, at TEXT)`); err != nil {
		h.t.Fatal(err)
	}
	for i := range n {
		at := h.now.Add(-60e9).Format("2006-01-02 15:04:05")
		if _, err := db.Exec(`INSERT INTO comment VALUES (?, 'post-7', 'Hello', ?)`, fmt.Sprint(i+1), at); err != nil {
			h.t.Fatal(err)
		}
	}
	return path
}

// sqlSource is the configuration of a source that reads such a database.
func sqlSource(path string) string {
	return `sources:
  - name: shop
    type: sql
    database_url: sqlite://` + filepath.ToSlash(path) + `
    query: SELECT id AS comment_id, page AS thread_id, body AS text, at AS updated_at, at AS published_at FROM comment WHERE at >= :since ORDER BY at LIMIT :limit
`
}
