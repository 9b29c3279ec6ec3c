package app_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/store"
)

// TestASourceThatCannotBeReadIsNoFaultOfOurs asks the API to read a source
// whose database is not there: the answer says why and what to do.
func TestASourceThatCannotBeReadIsNoFaultOfOurs(t *testing.T) {
	ctx := t.Context()
	t.Chdir(t.TempDir())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, os.WriteFile("config.yaml", []byte(`http: {listen: "`+ln.Addr().String()+`"}
sites: [{key: blog, name: Blog, base_url: "https://blog.example", from: "a@blog.example"}]
sources: [{name: db, site: blog, type: sql, database_url: "postgres://127.0.0.1:1/none?connect_timeout=1", query: "SELECT id, thread, author_name, body, written_at, updated_at FROM c WHERE updated_at > :since ORDER BY updated_at LIMIT :limit"}]
`), 0o600))
	c, err := config.Load("config.yaml", nil)
	must(t, err)
	a, err := app.New(ctx, app.Options{Config: c, Log: slog.New(slog.DiscardHandler), Listener: ln})
	must(t, err)
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(run) }()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	_, key, err := a.Store.CreateKey(ctx, "test", nil, []store.Right{store.RightAdmin})
	must(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+ln.Addr().String()+"/v1/sources/db/poll?site=blog", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != http.StatusConflict || !strings.Contains(string(b), `"mend"`) || !strings.Contains(string(b), "source db") {
		t.Errorf("%d %s", res.StatusCode, b)
	}
}
