package app

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

func TestAClockThatDiffersFromTheDatabasesIsNoticedBeforeAnythingIsOpened(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration
		wrong bool
	}{{0, false}, {10 * time.Second, true}, {-10 * time.Second, true}} {
		t.Chdir(t.TempDir())
		cfg, err := config.Load("", []string{"HEARBACK_DATABASE_URL=" + pgtest.New(t), "HEARBACK_SECURITY_SECRET=" + strings.Repeat("s", 32)})
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(t.Context(), Options{Config: cfg, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Listener: ln,
			Clock: func() time.Time { return time.Now().Add(c.ahead) }})
		if err != nil {
			t.Fatal(err)
		}
		if a.clock.wrong() != c.wrong || (len(a.unready(context.Background())) > 0) != c.wrong {
			t.Errorf("%s ahead: wrong is %v, unready %q", c.ahead, a.clock.wrong(), a.unready(context.Background()))
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
