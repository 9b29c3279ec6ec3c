package outbox

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestByAWrongClockNobodyLooksDead(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	clock := storetest.NewClock(storetest.Start())
	st, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "hb.db"), Clock: clock.Now, Sites: storetest.Sites()})
	must(err)
	defer func() { must(st.Close()) }()
	_, err = st.Migrate(t.Context())
	must(err)
	_, err = st.AddMessage(t.Context(), dispatcher.Message{Site: "blog", Kind: dispatcher.KindTest, Address: "me@admin.example", Data: "{}"})
	must(err)
	other, err := st.RegisterWorker(t.Context(), "other", time.Minute)
	must(err)
	claimed, err := st.Claim(t.Context(), other, 10, nil)
	must(err)
	if len(claimed) != 1 {
		t.Fatalf("%d messages were claimed", len(claimed))
	}
	clock.Advance(time.Hour) // ours only, as far as the other knows
	wrong := true
	s := New(Options{Store: st, Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Closed: func() bool { return wrong }})
	s.reclaim(t.Context())
	if n := s.Lost.Load(); n != 0 {
		t.Errorf("%d messages were taken from a living daemon", n)
	}
	wrong = false
	s.reclaim(t.Context())
	if n := s.Lost.Load(); n != 1 {
		t.Errorf("%d messages were taken from a dead daemon, want 1", n)
	}
}
