package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// Post is the mail that a sink has taken, opened.
type Post struct {
	*mailtest.Sink
	t testing.TB
}

// NewPost starts a sink that ends with the test.
func NewPost(t testing.TB) *Post {
	t.Helper()
	s, err := mailtest.New(mailtest.Options{Keep: mailtest.KeepBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Post{Sink: s, t: t}
}

// To gives the letters that went to an address, in their order.
func (p *Post) To(address string) (letters []*mailtest.Letter) {
	p.t.Helper()
	for _, m := range p.Mails() {
		if m.To != address {
			continue
		}
		l, err := mailtest.Open(m.Data)
		if err != nil {
			p.t.Fatalf("a mail to %s cannot be read: %v", address, err)
		}
		letters = append(letters, l)
	}
	return letters
}

// With gives the letters to an address that have a word in their text.
func (p *Post) With(address, word string) (letters []*mailtest.Letter) {
	p.t.Helper()
	for _, l := range p.To(address) {
		if strings.Contains(l.Text, word) {
			letters = append(letters, l)
		}
	}
	return letters
}

// Await waits for the letter to an address that has a word in it.
func (p *Post) Await(address, word string) *mailtest.Letter {
	p.t.Helper()
	Until(p.t, "the mail to "+address+" about "+word, 40*time.Second, func() bool { return len(p.With(address, word)) > 0 })
	return p.With(address, word)[0]
}
