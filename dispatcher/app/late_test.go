package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

// TestACommentThatIsCommittedAfterLaterOnesWereMailedIsMailedToo inserts a row
// in a site's own transaction, which stays open until ten later rows have
// become mails. A reader of the inbox that remembered the highest number would
// never see it.
func TestACommentThatIsCommittedAfterLaterOnesWereMailedIsMailedToo(t *testing.T) {
	ctx := t.Context()
	url := pgtest.New(t)
	t.Chdir(t.TempDir())
	must(t, os.WriteFile("secret", []byte(strings.Repeat("s", 32)), 0o600))
	c, err := config.Load("", []string{"HEARBACK_SETTLE=0s", "HEARBACK_DATABASE_URL=" + url, "HEARBACK_SECURITY_SECRET_FILE=secret"})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	a, err := app.New(ctx, app.Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Listener: ln})
	must(t, err)
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(run) }()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	changes, stop := a.Catcher.Watch()
	defer stop()
	yes, site := true, c.Sites[0].Key
	for _, id := range []string{"ann", "bob"} {
		email := id + "@example.org"
		_, _, err = a.Store.SetSubscriber(ctx, site, dispatcher.EventSubscriber{ID: id, Email: &email, Confirmed: &yes}, true)
		must(t, err)
		_, _, err = a.Store.SetSubscription(ctx, site, dispatcher.EventSubscription{Subscriber: id, Target: dispatcher.Target{Type: dispatcher.TargetSite}}, false)
		must(t, err)
	}

	db, err := sql.Open("postgres", url)
	must(t, err)
	defer db.Close()
	late, err := db.BeginTx(ctx, nil)
	must(t, err)
	defer late.Rollback() //nolint:errcheck // after the commit it does nothing
	insert(t, late.ExecContext, site, "late")
	for i := range 10 { // threads of their own: no storm
		insert(t, db.ExecContext, site, fmt.Sprint("later-", i))
	}
	mails := caughtUntil(t, a, changes, 20)
	if n := strings.Count(mails, ": late\n"); n != 0 {
		t.Fatalf("a row was mailed before it was committed:\n%s", mails)
	}
	must(t, late.Commit())
	mails = caughtUntil(t, a, changes, 22)
	for _, id := range []string{"ann", "bob"} {
		if n := strings.Count(mails, id+"@example.org: late\n"); n != 1 {
			t.Errorf("%s got %d mails about the late comment, want 1:\n%s", id, n, mails)
		}
	}
}

func insert(t *testing.T, exec func(context.Context, string, ...any) (sql.Result, error), site, thread string) {
	t.Helper()
	_, err := exec(t.Context(), `INSERT INTO hearback_inbox (site, payload) VALUES ($1, $2)`, site, fmt.Sprintf(`{"id": %[1]q, "type": "comment.published", "time": %[2]q,
		"thread": {"id": %[1]q, "url": "https://blog.example/%[1]s", "title": "about %[1]s"}, "comment": {"id": %[1]q, "html": "<p>Hello</p>"}, "author": {"id": "pat", "name": "Pat"}}`,
		thread, time.Now().UTC().Format(time.RFC3339)))
	must(t, err)
}

// caughtUntil waits for n mails and gives a line for each: reader and thread.
func caughtUntil(t *testing.T, a *app.App, changes <-chan struct{}, n int) string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		list, err := a.Catcher.Store().ListCaught(t.Context(), "", 0, 100)
		must(t, err)
		if len(list) >= n {
			var b strings.Builder
			for _, m := range list {
				fmt.Fprintf(&b, "%s: %s\n", m.To, m.Thread)
			}
			return b.String()
		}
		select {
		case <-changes:
		case <-deadline:
			t.Fatalf("%d mails came within 30 s, want %d: %+v", len(list), n, list)
		}
	}
}
