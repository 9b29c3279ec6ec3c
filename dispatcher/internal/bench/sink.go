package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// sink takes the mails and keeps the times.
type sink struct {
	*mailtest.Sink
	count atomic.Int64
	bytes atomic.Int64
	last  atomic.Int64 // Unix nanoseconds

	mu      sync.Mutex
	waiting map[string]chan time.Time // by address, for those whose mail is timed
}

func newSink() (*sink, error) {
	s := &sink{waiting: map[string]chan time.Time{}}
	var err error
	s.Sink, err = mailtest.New(mailtest.Options{Keep: mailtest.KeepNothing, OnMail: s.take})
	return s, err
}

func (s *sink) take(m mailtest.Mail) {
	s.last.Store(m.At.UnixNano())
	s.bytes.Add(int64(m.Size))
	s.count.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.waiting[m.To]; c != nil {
		delete(s.waiting, m.To)
		c <- m.At
	}
}

// expect gives where the time of the next mail to an address will come.
func (s *sink) expect(address string) <-chan time.Time {
	c := make(chan time.Time, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[address] = c
	return c
}

// mark is a point in what the sink has seen.
type mark struct{ count, bytes int64 }

func (s *sink) mark() mark { return mark{s.count.Load(), s.bytes.Load()} }

// wait waits until n mails have come since the mark, and gives when the last
// of them did and how large they were on average.
func (s *sink) wait(ctx context.Context, from mark, n int64, alive func() error) (time.Time, int, error) {
	moved, at := from.count, time.Now()
	for s.count.Load() < from.count+n {
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return time.Time{}, 0, fmt.Errorf("%d of %d mails came: %w", s.count.Load()-from.count, n, err)
		}
		if now := s.count.Load(); now != moved {
			moved, at = now, time.Now()
		} else if time.Since(at) > stuck {
			return time.Time{}, 0, fmt.Errorf("%d of %d mails came, and for %s no more", now-from.count, n, stuck)
		}
		if err := alive(); err != nil {
			return time.Time{}, 0, err
		}
	}
	to := s.mark()
	return time.Unix(0, s.last.Load()), int((to.bytes - from.bytes) / (to.count - from.count)), nil
}

// stuck is after how long without a mail a run is given up.
const stuck = 60 * time.Second
