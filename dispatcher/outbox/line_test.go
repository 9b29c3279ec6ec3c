package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/intake"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/outbox"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

// waiting makes a store with one mail that is due.
func waiting(t *testing.T) (*store.Store, map[string]dispatcher.Site) {
	t.Helper()
	ctx := t.Context()
	site := dispatcher.Site{Key: "blog", Name: "The Blog", BaseURL: "https://blog.example", From: "The Blog <replies@blog.example>", Locale: "en", Zone: "Europe/Berlin"}
	sites := map[string]dispatcher.Site{"blog": site}
	st, err := store.Open(ctx, store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "hb.db"), Sites: []dispatcher.Site{site}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	_, err = st.Migrate(ctx)
	must(t, err)
	_, err = st.PutSchedule(ctx, dispatcher.Schedule{Name: dispatcher.Immediate, Misfire: dispatcher.MisfireMerge, MaxItems: 50})
	must(t, err)
	yes, email := true, "ann@example.org"
	_, _, err = st.SetSubscriber(ctx, "blog", dispatcher.EventSubscriber{ID: "u1", Email: &email, Confirmed: &yes}, true)
	must(t, err)
	_, created, err := st.SetSubscription(ctx, "blog", dispatcher.EventSubscription{Subscriber: "u1", Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "post-7"}}, false)
	must(t, err)
	if !created {
		t.Fatal("the subscription was not created")
	}
	_, err = st.Append(ctx, "blog", "api", []dispatcher.Event{{ID: "e1", Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread: &dispatcher.EventThread{ID: "post-7", URL: "https://blog.example/7", Title: "On clocks"}, Comment: &dispatcher.EventComment{ID: "c1", HTML: "<p>Hello there</p>"},
		Author: &dispatcher.EventAuthor{ID: "u9", Name: "Patrick"}}})
	must(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	in := intake.New(intake.Options{Store: st, Owner: "t", Clock: dispatcher.SystemClock, Log: log, Rules: store.IntakeOptions{
		Settle: func(string, store.Door) time.Duration { return 0 }, MaxAge: func(string, store.Door) time.Duration { return 24 * time.Hour }}})
	_, err = in.Round(ctx)
	must(t, err)
	dg := digest.New(digest.Options{Store: st, Owner: "t", Clock: dispatcher.SystemClock, Log: log, Limits: dispatcher.DefaultLimits(), Sites: sites})
	_, err = dg.Tick(ctx)
	must(t, err)
	did, err := dg.WorkOnce(ctx, "t/0")
	must(t, err)
	if !did || dg.Messages.Load() != 1 {
		t.Fatalf("did=%v messages=%d", did, dg.Messages.Load())
	}
	return st, sites
}

// stage makes an outbox for a relay.
func stage(t *testing.T, st *store.Store, sites map[string]dispatcher.Site, relay outbox.Relay) *outbox.Stage {
	t.Helper()
	rd, err := render.New(render.Options{})
	must(t, err)
	keys, err := token.ParseKeys(token.NewSecret())
	must(t, err)
	return outbox.New(outbox.Options{Store: st, Renderer: rd, Relay: relay, Connections: 2, Sites: sites, Clock: dispatcher.SystemClock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Host: "t",
		Letter: outbox.Letter{BaseURL: "http://127.0.0.1:8025", Signer: token.NewSigner(keys), Instance: "abc", Zone: func(string, string) *time.Location { return time.UTC },
			Label: func(string, string) string { return "" }, Scope: func(dispatcher.Kind, *dispatcher.Site, string, string) string { return "mails" }}})
}

func TestOneCommentGoesFromTheInboxToTheReader(t *testing.T) {
	ctx := t.Context()
	st, sites := waiting(t)
	sink, err := mailtest.New(mailtest.Options{Keep: mailtest.KeepBytes})
	must(t, err)
	t.Cleanup(func() { _ = sink.Close() })
	relay, err := smtp.New(smtp.Options{URL: "smtp://" + sink.Addr()})
	must(t, err)
	ob := stage(t, st, sites, relay)
	rctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- ob.Run(rctx) }()
	for ob.Sent.Load() == 0 && ctx.Err() == nil {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-time.After(10 * time.Second):
		}
		if ob.Failed.Load()+ob.Cancelled.Load() > 0 {
			break
		}
	}
	cancel()
	must(t, <-done)
	mails := sink.Mails()
	if len(mails) != 1 {
		ms, _ := st.Messages(ctx, store.MessageFilter{Limit: 10})
		t.Fatalf("%d mails; messages %+v", len(mails), ms)
	}
	if !strings.Contains(string(mails[0].Data), "Hello there") {
		t.Fatalf("the comment is missing in\n%s", mails[0].Data)
	}
	ms, err := st.Messages(ctx, store.MessageFilter{State: dispatcher.StateSent, Limit: 10})
	must(t, err)
	if len(ms) != 1 {
		t.Fatalf("sent messages: %+v", ms)
	}
}

// shaky is a relay that cannot be reached at first.
type shaky struct {
	*smtp.Relay
	fails atomic.Int64
}

func (s *shaky) Dial(ctx context.Context) (*smtp.Conn, error) {
	if s.fails.Add(-1) >= 0 {
		return nil, errors.New("nothing listens there")
	}
	return s.Relay.Dial(ctx)
}

// TestARelayThatRefusesAReaderForGoodIsNotInTrouble: it answers, so what was
// wrong with it before is over.
func TestARelayThatRefusesAReaderForGoodIsNotInTrouble(t *testing.T) {
	st, sites := waiting(t)
	sink, err := mailtest.New(mailtest.Options{Faults: []mailtest.Fault{{At: mailtest.AtRcpt, Do: mailtest.Refuse, Reply: "550 5.1.1 no such user"}}})
	must(t, err)
	t.Cleanup(func() { _ = sink.Close() })
	relay, err := smtp.New(smtp.Options{URL: "smtp://" + sink.Addr()})
	must(t, err)
	weak := &shaky{Relay: relay}
	weak.fails.Store(1)
	ob := stage(t, st, sites, weak)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- ob.Run(ctx) }()
	seen := false
	for ob.Failed.Load() == 0 && ctx.Err() == nil {
		_, why := ob.Trouble()
		seen = seen || why != ""
		<-time.After(time.Millisecond)
	}
	if ob.Failed.Load() != 1 || !seen {
		t.Errorf("%d mails were refused, want 1; the trouble before was seen: %v", ob.Failed.Load(), seen)
	}
	if _, why := ob.Trouble(); why != "" {
		t.Errorf("a relay that answers is still in trouble: %s", why)
	}
	cancel()
	must(t, <-done)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
