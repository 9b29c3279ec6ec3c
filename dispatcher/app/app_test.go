package app_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestADaemonWithoutConfigurationDeliversToTheCatcher(t *testing.T) {
	ctx := t.Context()
	t.Chdir(t.TempDir())
	c, err := config.Load("", []string{"HEARBACK_SETTLE=0s", "HEARBACK_DATABASE_URL=sqlite:///" + filepath.Join(t.TempDir(), "hb.db")})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	a, err := app.New(ctx, app.Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Listener: ln})
	must(t, err)
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(run) }()
	changes, stop := a.Catcher.Watch()
	defer stop()
	yes, email := true, "ann@example.org"
	site := c.Sites[0].Key
	_, _, err = a.Store.SetSubscriber(ctx, site, dispatcher.EventSubscriber{ID: "u1", Email: &email, Confirmed: &yes}, true)
	must(t, err)
	_, _, err = a.Store.SetSubscription(ctx, site, dispatcher.EventSubscription{Subscriber: "u1", Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "post-7"}}, false)
	must(t, err)
	_, err = a.Store.Append(ctx, site, "api", []dispatcher.Event{{ID: "e1", Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread: &dispatcher.EventThread{ID: "post-7", URL: "https://blog.example/7", Title: "On clocks"}, Comment: &dispatcher.EventComment{ID: "c1", HTML: "<p>Hello there</p>"},
		Author: &dispatcher.EventAuthor{ID: "u9", Name: "Patrick"}}})
	must(t, err)
	select {
	case <-changes:
	case <-time.After(20 * time.Second):
		t.Fatal("no mail came within 20 s")
	}
	n, err := a.Catcher.Store().CountCaught(ctx)
	must(t, err)
	cancel()
	must(t, <-done)
	if n != 1 {
		t.Fatalf("%d mails were caught, want 1", n)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
