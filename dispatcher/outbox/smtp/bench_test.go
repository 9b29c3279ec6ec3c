package smtp_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
)

// connections is how many sessions the benchmarks keep, as production does.
const connections = 16

// digest makes a message of about 12 KB, the size of one of 20 comments.
func digest(b *testing.B) *mail.Msg {
	line := "Somebody wrote a comment of middling length, and here it stands in full.\n"
	return ready(b, strings.Repeat(line, 50), "<p>"+strings.Repeat(line, 100)+"</p>")
}

// spread runs b.N jobs on as many goroutines as there are connections.
func spread(b *testing.B, work func(worker int, next func() bool)) {
	var done atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	for w := range connections {
		wg.Go(func() { work(w, func() bool { return done.Add(1) <= int64(b.N) }) })
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric((cpu()-before).Seconds()/float64(b.N)*10000, "cpu-s/10k")
}

// cpu gives the processor time of this process, client and sink together: a
// measure that other work on the machine does not spoil.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchDialogue(b *testing.B, s *mailtest.Sink, set func(*smtp.Options)) {
	var body bytes.Buffer
	if _, err := digest(b).WriteTo(&body); err != nil {
		b.Fatal(err)
	}
	r := relayTo(b, s, set)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	conns := make([]*smtp.Conn, connections)
	for i := range conns {
		c, err := r.Dial(ctx)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = c.Close(ctx) }()
		conns[i] = c
	}
	b.SetBytes(int64(body.Len()))
	spread(b, func(w int, next func() bool) {
		e := smtp.Envelope{From: "bounce+1@example.org", To: "ann@example.org", Body: body.Bytes()}
		for next() {
			if res := conns[w].Send(ctx, e); res.Outcome != sent {
				b.Error(show(res))
				return
			}
		}
	})
	if n := s.Counts().Accepted; n < int64(b.N) {
		b.Errorf("%d of %d mails arrived", n, b.N)
	}
}

// BenchmarkDialogue sends a ready body on 16 connections.
func BenchmarkDialogue(b *testing.B) {
	b.Run("pipelined", func(b *testing.B) {
		benchDialogue(b, newSink(b, mailtest.Options{Keep: mailtest.KeepNothing}), nil)
	})
	b.Run("one by one", func(b *testing.B) {
		benchDialogue(b, newSink(b, mailtest.Options{Keep: mailtest.KeepNothing}), func(o *smtp.Options) { o.Pipelining = smtp.PipeliningOff })
	})
	b.Run("TLS", func(b *testing.B) {
		benchDialogue(b, newSink(b, mailtest.Options{Keep: mailtest.KeepNothing, StartTLS: true}), func(o *smtp.Options) { o.TLS = smtp.TLSStartTLS })
	})
}

// BenchmarkGoMail is what BenchmarkDialogue is measured against: go-mail alone
// at its best, one ready message, no NOOP, 50 messages a Send.
func BenchmarkGoMail(b *testing.B) {
	s := newSink(b, mailtest.Options{Keep: mailtest.KeepNothing})
	const batch = 50
	clients := make([]*mail.Client, connections)
	msgs := make([]*mail.Msg, connections)
	for i := range clients {
		clients[i], msgs[i] = goMail(b, s, mail.WithoutNoop()), digest(b)
	}
	spread(b, func(w int, next func() bool) {
		session, err := clients[w].DialToSMTPClientWithContext(context.Background())
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = clients[w].CloseWithSMTPClient(session) }()
		for {
			var group []*mail.Msg
			for len(group) < batch && next() {
				group = append(group, msgs[w])
			}
			if len(group) == 0 {
				return
			}
			if err := clients[w].SendWithSMTPClient(session, group...); err != nil {
				b.Error(err)
				return
			}
		}
	})
	if n := s.Counts().Accepted; n < int64(b.N) {
		b.Errorf("%d of %d mails arrived", n, b.N)
	}
}

func TestASendAllocatesLittle(t *testing.T) {
	s := newSink(t, mailtest.Options{Keep: mailtest.KeepNothing})
	conn := dial(t, relayTo(t, s, nil))
	ctx := within(t)
	e := smtp.Envelope{From: "a@example.org", To: "b@example.org", Body: bytes.Repeat([]byte("a line of the usual length, which is what quoted-printable makes of it\r\n"), 170)}
	// The sink's own allocations count in as well.
	if n := testing.AllocsPerRun(100, func() { conn.Send(ctx, e) }); n > 10 {
		t.Errorf("%v allocations a mail", n)
	}
}
