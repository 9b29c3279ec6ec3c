package catcher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC) }

// start runs a catcher for the test and stops it at its end.
func start(t *testing.T, store catcher.Store) *catcher.Catcher {
	t.Helper()
	c, err := catcher.New(catcher.Options{Store: store, Clock: noon})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return c
}

const hello = "From: The Blog <blog@example.org>\r\nTo: ann@example.org\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n" +
	"X-Hearback-Kind: reply\r\nX-Hearback-Reason: reply\r\nX-Hearback-Thread: Bread\r\n\r\nHello Ann,\r\n\r\n..Patrick answered.\r\n"

func TestAMailSentBySMTPIsKeptAsItCame(t *testing.T) {
	store := catcher.NewMemory(0, 0)
	c := start(t, store)
	changes, stop := c.Watch()
	defer stop()
	if err := smtp.SendMail(c.Addr(), nil, "bounces@example.org", []string{"ann@example.org"}, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	<-changes
	list, err := store.ListCaught(t.Context(), "", 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	m, err := store.GetCaught(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Raw) != hello {
		t.Errorf("got  %q\nwant %q", m.Raw, hello)
	}
	s := m.Summary
	if s.From != "The Blog" || s.To != "ann@example.org" || s.Subject != "Café" || s.Kind != "reply" || s.Reason != "reply" || s.Thread != "Bread" || s.Snippet != "Hello Ann, ..Patrick answered." {
		t.Errorf("%+v", s)
	}
	if s.EnvelopeFrom != "bounces@example.org" || len(s.EnvelopeTo) != 1 || s.EnvelopeTo[0] != "ann@example.org" || !s.ReceivedAt.Equal(noon()) || s.Size != len(hello) {
		t.Errorf("%+v", s)
	}
}

func TestManyConnectionsAtOnceLoseNothing(t *testing.T) {
	store := catcher.NewMemory(0, 0)
	c := start(t, store)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			cl, err := smtp.Dial(c.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer cl.Close()
			for j := range 20 { // one connection for all, as the outbox does
				err := errors.Join(cl.Mail("b@example.org"), cl.Rcpt(fmt.Sprintf("r%d-%d@example.org", i, j)))
				w, derr := cl.Data()
				if err := errors.Join(err, derr); err != nil {
					t.Error(err)
					return
				}
				io.WriteString(w, hello)
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n, _ := store.CountCaught(t.Context()); n != 160 {
		t.Errorf("%d mails", n)
	}
	if list, _ := store.ListCaught(t.Context(), "R7-19@", 0, 10); len(list) != 1 {
		t.Errorf("%v", list)
	}
}

func TestAStopEndsOpenConnections(t *testing.T) {
	c, err := catcher.New(catcher.Options{Store: catcher.NewMemory(0, 0), Clock: noon})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	cl, err := smtp.Dial(c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.Mail("b@example.org"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := cl.Rcpt("a@example.org"); err == nil {
		t.Error("the connection still answers")
	}
	if _, err := net.Dial("tcp", c.Addr()); err == nil {
		t.Error("the port is still open")
	}
}

func TestAnAddressThatOthersReachIsRefused(t *testing.T) {
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:25", "nonsense"} {
		c, err := catcher.New(catcher.Options{Listen: listen, Store: catcher.NewMemory(0, 0), Clock: noon})
		if dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
			t.Errorf("%s: %v", listen, err)
		}
		if c != nil {
			c.Close()
		}
	}
}

func TestAPortInUseIsAnErrorThatSaysSo(t *testing.T) {
	c := start(t, catcher.NewMemory(0, 0))
	_, err := catcher.New(catcher.Options{Listen: c.Addr(), Store: catcher.NewMemory(0, 0), Clock: noon})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}

type failing struct{ catcher.Store }

func (failing) AddCaught(context.Context, catcher.Mail) (int64, error) {
	return 0, errors.New("disk full")
}

func TestAMailThatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	c := start(t, failing{})
	err := smtp.SendMail(c.Addr(), nil, "b@example.org", []string{"a@example.org"}, []byte(hello))
	if err == nil || !strings.HasPrefix(err.Error(), "451") {
		t.Errorf("got %v", err)
	}
}

func TestAMailThatIsTooLargeIsRefused(t *testing.T) {
	store := catcher.NewMemory(0, 0)
	c := start(t, store)
	big := hello + strings.Repeat(strings.Repeat("x", 70)+"\r\n", catcher.MaxMail/70)
	err := smtp.SendMail(c.Addr(), nil, "b@example.org", []string{"a@example.org"}, []byte(big))
	if err == nil || !strings.HasPrefix(err.Error(), "552") {
		t.Errorf("got %v", err)
	}
	if n, _ := store.CountCaught(t.Context()); n != 0 {
		t.Errorf("%d mails kept", n)
	}
}

func TestClearingEmptiesAndTells(t *testing.T) {
	store := catcher.NewMemory(0, 0)
	c := start(t, store)
	if err := c.Keep(t.Context(), "", []string{"a@example.org"}, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	changes, stop := c.Watch()
	if err := c.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-changes
	if n, _ := store.CountCaught(t.Context()); n != 0 {
		t.Errorf("%d mails", n)
	}
	stop()
	if err := c.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changes:
		t.Error("told after stop")
	default:
	}
}

func TestTheOldestMailsGoFirst(t *testing.T) {
	for _, c := range []struct {
		mails, bytes int
		sizes        []int
		want         string
	}{
		{3, 0, []int{1, 1, 1, 1, 1}, "5 4 3"},
		{0, 100, []int{40, 40, 40, 10}, "4 3 2"},
		{0, 100, []int{40, 40, 500}, "3"},
		{0, 100, []int{500, 1}, "2"},
	} {
		s := catcher.NewMemory(c.mails, c.bytes)
		for _, n := range c.sizes {
			if _, err := s.AddCaught(t.Context(), catcher.Mail{Raw: make([]byte, n)}); err != nil {
				t.Fatal(err)
			}
		}
		if got := ids(t, s, "", 0, 100); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestListsArePagedAndSearched(t *testing.T) {
	s := catcher.NewMemory(0, 0)
	for i := range 10 {
		to := []string{"Ann@Example.org", "bob@example.org"}[i%2]
		s.AddCaught(t.Context(), catcher.Mail{Summary: catcher.Summary{EnvelopeTo: []string{to}, To: "list@example.org"}, Raw: []byte("x")})
	}
	for _, c := range []struct {
		to     string
		before int64
		limit  int
		want   string
	}{
		{"", 0, 3, "10 9 8"}, {"", 8, 3, "7 6 5"}, {"", 2, 3, "1"}, {"ann@", 0, 2, "9 7"}, {"BOB", 6, 9, "4 2"}, {"list@", 0, 1, "10"}, {"carl", 0, 9, ""}, {"", 1, 9, ""},
	} {
		if got := ids(t, s, c.to, c.before, c.limit); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if _, err := s.GetCaught(t.Context(), 11); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		t.Errorf("got %v", err)
	}
	s.ClearCaught(t.Context())
	if id, _ := s.AddCaught(t.Context(), catcher.Mail{}); id != 11 {
		t.Errorf("after clearing the next id is %d", id)
	}
	if m, err := s.GetCaught(t.Context(), 11); err != nil || m.ID != 11 {
		t.Errorf("%v %v", m, err)
	}
}

func ids(t *testing.T, s catcher.Store, to string, before int64, limit int) string {
	t.Helper()
	list, err := s.ListCaught(t.Context(), to, before, limit)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range list {
		out = append(out, fmt.Sprint(m.ID))
	}
	return strings.Join(out, " ")
}
