package app

import (
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/store"
)

// daemon makes a daemon on a SQLite file; it is closed with the test.
func daemon(t *testing.T, env ...string) *App {
	t.Helper()
	c, err := config.Load("", env)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Listener: ln})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// aMailIsDue queues a mail and says whether the daemon's outbox sends it.
func aMailIsDue(t *testing.T, a *App) (sent bool) {
	t.Helper()
	if _, err := a.Store.AddMessage(t.Context(), dispatcher.Message{Site: "default", Kind: dispatcher.KindTest, Address: "me@admin.example", Data: "{}"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Outbox.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	due, err := a.Store.Messages(t.Context(), store.MessageFilter{State: dispatcher.StateDue, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return len(due) == 0
}

func TestACopyOfADatabaseMailsNobodyUntilItIsReleased(t *testing.T) {
	t.Chdir(t.TempDir())
	db := "HEARBACK_DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "hb.db")
	if err := daemon(t, db, "HEARBACK_HTTP_BASE_URL=https://mail.example.org").Close(); err != nil {
		t.Fatal(err)
	}
	// That the config says on does not release a copy, nor does a restart.
	for range 2 {
		copied := daemon(t, db, "HEARBACK_HTTP_BASE_URL=https://staging.example.org", "HEARBACK_SENDING_MODE=on")
		sw, err := copied.Store.Switches(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(sw) != 1 || sw[0].Mode != "hold" || !strings.Contains(sw[0].Reason, "hearback sending on") || !strings.Contains(sw[0].Reason, "https://mail.example.org") {
			t.Fatalf("the switches of a copy: %+v", sw)
		}
		if aMailIsDue(t, copied) {
			t.Fatal("a copy mailed somebody")
		}
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatARelayIsConfiguredWithReachesIt(t *testing.T) {
	got := relayOptions(config.Relay{Name: "main", URL: "smtp://me@mail.example.org:587", TLS: "implicit", Password: "pass", Pipelining: "off", Hello: "hb.example.org"})
	if got.Name != "main" || got.URL != "smtp://me@mail.example.org:587" || got.TLS != smtp.TLSImplicit || got.Password != "pass" || got.Pipelining != smtp.PipeliningOff || got.Hello != "hb.example.org" {
		t.Errorf("%+v", got)
	}
}

func TestTheConfigSaysWhatBecomesOfAnUnknownOutcome(t *testing.T) {
	for word, want := range map[string]dispatcher.State{config.UnknownResend: dispatcher.StateDue, config.UnknownHold: dispatcher.StateUnknown} {
		t.Chdir(t.TempDir())
		sink, err := mailtest.New(mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtDot, Do: mailtest.Drop, Accept: true}}})
		if err != nil {
			t.Fatal(err)
		}
		a := daemon(t, "HEARBACK_DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "hb.db"), "HEARBACK_RELAYS_0_URL=smtp://"+sink.Addr(), "HEARBACK_SENDING_UNKNOWN="+word)
		aMailIsDue(t, a)
		ms, err := a.Store.Messages(t.Context(), store.MessageFilter{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) != 1 || ms[0].State != want {
			t.Errorf("%s: the messages are %+v, want one that is %s", word, ms, want)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
