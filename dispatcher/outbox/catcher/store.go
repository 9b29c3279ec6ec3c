package catcher

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/caught"
)

// The words that the catcher, its page and the store share.
type (
	Summary = caught.Summary
	Mail    = caught.Mail
)

// Store keeps caught mails, the newest of them, bounded in number and bytes.
// It is safe for concurrent use.
type Store interface {
	// AddCaught keeps a mail, gives it the next id, and drops the oldest ones
	// beyond the bounds. The mail's bytes are the store's from then on.
	AddCaught(ctx context.Context, m Mail) (id int64, err error)
	// ListCaught gives at most limit mails, the newest first, with ids below
	// before (0: from the newest) and, if to is not empty, a recipient that
	// contains it without regard to case.
	ListCaught(ctx context.Context, to string, before int64, limit int) ([]Summary, error)
	// GetCaught gives one mail. Its bytes must not be changed. One that is not
	// there (any more) is a [dispatcher.CodeNotFound].
	GetCaught(ctx context.Context, id int64) (Mail, error)
	// CountCaught says how many mails there are.
	CountCaught(ctx context.Context) (int, error)
	// ClearCaught drops all mails. Ids go on.
	ClearCaught(ctx context.Context) error
}

// Memory is the [Store] that forgets at a restart.
type Memory struct {
	maxMails int
	maxBytes int

	mu     sync.RWMutex
	mails  []Mail // oldest first
	bytes  int
	lastID int64
}

// The bounds of a [Memory] for which none are given.
const (
	DefaultMails = caught.DefaultMails
	DefaultBytes = caught.DefaultBytes
)

// NewMemory makes a store for at most mails mails and bytes bytes of them;
// zero takes the default. The newest mail is kept whatever its size.
func NewMemory(mails, bytes int) *Memory {
	if mails <= 0 {
		mails = DefaultMails
	}
	if bytes <= 0 {
		bytes = DefaultBytes
	}
	return &Memory{maxMails: mails, maxBytes: bytes}
}

// AddCaught implements [Store].
func (s *Memory) AddCaught(_ context.Context, m Mail) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	m.ID, m.Size = s.lastID, len(m.Raw)
	m.EnvelopeTo = slices.Clone(m.EnvelopeTo)
	s.mails = append(s.mails, m)
	s.bytes += m.Size
	drop := 0
	for len(s.mails)-drop > s.maxMails || s.bytes > s.maxBytes && len(s.mails)-drop > 1 {
		s.bytes -= s.mails[drop].Size
		drop++
	}
	s.mails = slices.Delete(s.mails, 0, drop)
	return m.ID, nil
}

// ListCaught implements [Store].
func (s *Memory) ListCaught(_ context.Context, to string, before int64, limit int) ([]Summary, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	to = strings.ToLower(to)
	var list []Summary
	for _, m := range slices.Backward(s.mails) {
		if len(list) == limit {
			break
		}
		if (before == 0 || m.ID < before) && sentTo(&m.Summary, to) {
			list = append(list, m.Summary)
		}
	}
	return list, nil
}

// sentTo says whether a recipient, of the envelope or the header, contains the
// text, which is in lower case.
func sentTo(s *Summary, text string) bool {
	if text == "" || strings.Contains(strings.ToLower(s.To), text) {
		return true
	}
	return slices.ContainsFunc(s.EnvelopeTo, func(to string) bool { return strings.Contains(strings.ToLower(to), text) })
}

// GetCaught implements [Store].
func (s *Memory) GetCaught(_ context.Context, id int64) (Mail, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	// Ids rise without gaps between clearings, but not across them.
	i, ok := slices.BinarySearchFunc(s.mails, id, func(m Mail, id int64) int { return int(m.ID - id) })
	if !ok {
		return Mail{}, dispatcher.NotFound("caught mail", strconv.FormatInt(id, 10))
	}
	return s.mails[i], nil
}

// CountCaught implements [Store].
func (s *Memory) CountCaught(context.Context) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.mails), nil
}

// ClearCaught implements [Store].
func (s *Memory) ClearCaught(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails, s.bytes = nil, 0
	return nil
}
