package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail"
)

// perSend is how many messages go-mail gets at once.
const perSend = 50

// goMail sends n mails of about size bytes by go-mail alone, at its best: a
// ready message, no NOOP, 50 messages a Send call, one client per worker. It
// gives how many went a second.
func goMail(ctx context.Context, addr string, size, n int) (perSecond float64, err error) {
	var left atomic.Int64
	left.Store(int64(n))
	errs := make(chan error, connections)
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		wg.Go(func() { errs <- goMailWorker(ctx, addr, size, &left) })
	}
	wg.Wait()
	took := time.Since(began)
	for range connections {
		if err := <-errs; err != nil {
			return 0, fmt.Errorf("go-mail: %w", err)
		}
	}
	return float64(n) / took.Seconds(), nil
}

func goMailWorker(ctx context.Context, addr string, size int, left *atomic.Int64) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(host, mail.WithPort(number), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("bench.example"), mail.WithoutNoop(), mail.WithTimeout(time.Minute))
	if err != nil {
		return err
	}
	msg, err := readyMessage(size)
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.CloseWithSMTPClient(session) }() // all was said
	group := make([]*mail.Msg, 0, perSend)
	for {
		group = group[:0]
		for len(group) < perSend && left.Add(-1) >= 0 {
			group = append(group, msg)
		}
		if len(group) == 0 {
			return nil
		}
		if err := client.SendWithSMTPClient(session, group...); err != nil {
			return err
		}
	}
}

// readyMessage makes a mail with a text and an HTML part that has about size
// bytes on the wire, one third of them text, as a digest has.
func readyMessage(size int) (*mail.Msg, error) {
	const line = "Somebody wrote a comment of middling length, and here it stands.\n"
	lines := size / len(line)
	var m *mail.Msg
	for range 4 {
		m = mail.NewMsg()
		if err := m.From("replies@blog.example"); err != nil {
			return nil, err
		}
		if err := m.To("reader@readers.example"); err != nil {
			return nil, err
		}
		m.Subject("20 new comments")
		m.SetMessageID()
		m.SetDate()
		m.SetBodyString(mail.TypeTextPlain, strings.Repeat(line, lines/3))
		m.AddAlternativeString(mail.TypeTextHTML, "<p>"+strings.Repeat(line, lines*2/3)+"</p>")
		var b bytes.Buffer
		if _, err := m.WriteTo(&b); err != nil {
			return nil, err
		}
		if lines = lines * size / b.Len(); lines < 3 {
			lines = 3
		}
	}
	return m, nil
}
