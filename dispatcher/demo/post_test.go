package demo

import (
	"context"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// open opens a post that runs until the test ends.
func open(t *testing.T) *Post {
	t.Helper()
	at := time.Date(2026, 6, 8, 6, 0, 0, 0, time.UTC)
	p, err := OpenPost(func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func send(p *Post, to, subject string) error {
	return smtp.SendMail(p.Addr(), nil, "replies@courier.example", []string{to}, []byte("To: "+to+"\r\nX-Hearback-Kind: reply\r\nSubject: "+subject+"\r\n\r\nHello\r\n"))
}

func TestThePostRefusesOneAddressForGoodAndOneForAMoment(t *testing.T) {
	p := open(t)
	if err := send(p, "Bo@moved.example", "x"); err == nil || !strings.Contains(err.Error(), `550 "5.1.1`) {
		t.Errorf("the address that is gone: %v", err)
	}
	if err := send(p, slowAddress, "x"); err == nil || !strings.Contains(err.Error(), `451 "4.7.1`) {
		t.Errorf("the first time: %v", err)
	}
	for _, to := range []string{slowAddress, "ann@example.org"} {
		if err := send(p, to, "x"); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
	if n, err := p.Catcher.Store().CountCaught(t.Context()); err != nil || n != 2 {
		t.Errorf("%d mails were kept, want 2 (%v)", n, err)
	}
}

func TestMailsAreWrittenInNamesThatSortAndReplaceThoseOfAnEarlierRun(t *testing.T) {
	p := open(t)
	for _, m := range [][2]string{{"walter@example.org", "Re: Straße / über"}, {"ann@example.org", "../../Hello"}} {
		if err := send(p, m[0], m[1]); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "mails")
	for _, name := range []string{"099-old-reply-x.eml", "mine.eml", "001-notes.txt"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := WriteMails(t.Context(), p.Catcher, dir); err != nil || n != 2 {
		t.Fatalf("%d mails, %v", n, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"001-ann-reply-hello.eml", "001-notes.txt", "002-walter-reply-re-strasse-ueber.eml", "mine.eml"}
	if !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	raw, err := os.ReadFile(filepath.Join(dir, want[0]))
	if err != nil || !strings.HasSuffix(string(raw), "\r\n\r\nHello\r\n") {
		t.Errorf("%q, %v", raw, err)
	}
}
