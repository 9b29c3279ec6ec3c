package desktest_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
)

const caughtMail = "From: The Blog <post@blog.example>\r\nTo: ann@example.org\r\nSubject: Re: On clocks\r\nMessage-ID: <1@blog.example>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nWho winds them?\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<!doctype html><html lang=en><title>On clocks</title><p>Who winds them?</p></html>\r\n--b--\r\n"

// TestTheCatchersPagesAreForEverybody looks at the inbox and at each view of a
// mail with axe-core, in wide and narrow, light and dark.
func TestTheCatchersPagesAreForEverybody(t *testing.T) {
	ctx := t.Context()
	c, err := config.Load("", []string{"HEARBACK_DATABASE_URL=sqlite:///" + filepath.Join(t.TempDir(), "hb.db")})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	a, err := app.New(ctx, app.Options{Config: c, Log: slog.New(slog.DiscardHandler), Listener: l})
	must(t, err)
	run, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(run) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	base := "http://" + l.Addr().String() + "/catcher/"
	for _, view := range []browsertest.View{browsertest.Desktop(), browsertest.Phone().Dark()} {
		p := browsertest.Open(t, view)
		look := func(path, name string) {
			t.Helper()
			if status := p.Go(base + path); status != http.StatusOK {
				t.Fatalf("%s: %d", path, status)
			}
			p.Accessible()
			p.Fits()
			p.Shot("catcher-" + name)
		}
		must(t, a.Catcher.Clear(ctx))
		look("", "empty")
		must(t, a.Catcher.Keep(ctx, "b@example.org", []string{"ann@example.org"}, []byte(caughtMail)))
		list, err := a.Catcher.Store().ListCaught(ctx, "", 0, 1)
		must(t, err)
		at := "mail/" + strconv.FormatInt(list[0].ID, 10)
		look("", "inbox")
		for _, v := range []string{"html", "text", "headers", "source"} {
			look(at+"?view="+v, v)
		}
	}
}
