package mailtest

import (
	"context"
	"fmt"
)

// record remembers an accepted mail. It is called before the client is told.
func (s *Sink) record(m Mail) {
	m.At = s.opts.Now()
	s.bytes.Add(int64(m.Size))
	if m.Unsaid {
		s.unsaid.Add(1)
	}
	if s.opts.Keep == KeepNothing {
		m.Number = s.accepted.Add(1)
		if s.opts.OnMail != nil {
			s.opts.OnMail(m)
		}
		s.mu.Lock()
		s.wake()
		s.mu.Unlock()
		return
	}
	s.mu.Lock()
	m.Number = int64(len(s.mails)) + 1
	s.mails = append(s.mails, m)
	s.accepted.Add(1)
	s.wake()
	s.mu.Unlock()
	if s.opts.OnMail != nil {
		s.opts.OnMail(m)
	}
}

// tellFault counts a fault that fires.
func (s *Sink) tellFault(f *Fault) {
	s.fired.Add(1)
	if s.opts.OnFault != nil {
		s.opts.OnFault(f.At)
	}
}

// wake tells who waits; mu is held.
func (s *Sink) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Mails gives the accepted mails in order of acceptance. The Data of each is
// shared: don't change it.
func (s *Sink) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Counts gives what the sink has seen so far.
func (s *Sink) Counts() Counts {
	return Counts{
		Connections: s.connections.Load(),
		Accepted:    s.accepted.Load(),
		Unsaid:      s.unsaid.Load(),
		Refused:     s.refused.Load(),
		Faults:      s.fired.Load(),
		Bytes:       s.bytes.Load(),
		Commands:    s.commands.Load(),
		Reads:       s.reads.Load(),
	}
}

// Wait blocks until n mails have been accepted in all, or ctx ends.
func (s *Sink) Wait(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		if s.accepted.Load() >= int64(n) {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for mail %d, have %d: %w", n, s.accepted.Load(), ctx.Err())
		}
	}
}

// Repeats gives the Message-IDs that were accepted more than once, and how
// often. Mails without one count under "".
func (s *Sink) Repeats() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := make(map[string]int, len(s.mails))
	for i := range s.mails {
		seen[s.mails[i].MessageID]++
	}
	for id, n := range seen {
		if n == 1 {
			delete(seen, id)
		}
	}
	return seen
}

// Forget drops what is remembered of mails, for a long run in parts. Counts
// and numbers of KeepEnvelopes begin anew with the next mail.
func (s *Sink) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = nil
	s.accepted.Store(0)
	s.unsaid.Store(0)
	s.bytes.Store(0)
}
