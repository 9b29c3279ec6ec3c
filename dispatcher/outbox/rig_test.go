package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/outbox"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

// rig is an outbox on a SQLite file, with a clock that stands until it is
// moved and a sink for its mail.
type rig struct {
	*testing.T
	st     *store.Store
	clock  *storetest.Clock
	sink   *mailtest.Sink
	o      outbox.Options
	digest *digest.Stage
	ids    int
	sent   *outbox.Stage // the last one that drained
}

func newRig(t *testing.T, faults ...mailtest.Fault) *rig {
	t.Helper()
	clock := storetest.NewClock(storetest.Start())
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	site := storetest.Sites()[0]
	sites := map[string]dispatcher.Site{site.Key: site}
	st, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "hb.db"), Clock: clock.Now, Sites: []dispatcher.Site{site}, Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	_, err = st.Migrate(t.Context())
	must(t, err)
	_, err = st.PutSchedule(t.Context(), dispatcher.Schedule{Name: dispatcher.Immediate, Misfire: dispatcher.MisfireMerge, MaxItems: 50})
	must(t, err)
	sink, err := mailtest.New(mailtest.Options{Keep: mailtest.KeepBytes, Faults: faults})
	must(t, err)
	t.Cleanup(func() { must(t, sink.Close()) })
	relay, err := smtp.New(smtp.Options{Name: "main", URL: "smtp://" + sink.Addr()})
	must(t, err)
	rd, err := render.New(render.Options{})
	must(t, err)
	keys, err := token.ParseKeys(token.NewSecret())
	must(t, err)
	return &rig{T: t, st: st, clock: clock, sink: sink,
		digest: digest.New(digest.Options{Store: st, Owner: "t", Clock: clock.Now, Log: log, Limits: dispatcher.DefaultLimits(), Sites: sites}),
		o: outbox.Options{Store: st, Renderer: rd, Relay: relay, Connections: 1, Sites: sites, Clock: clock.Now, Log: log, Host: "t",
			Letter: outbox.Letter{BaseURL: "https://hb.example", Signer: token.NewSigner(keys), Instance: "test", Zone: func(string, string) *time.Location { return time.UTC },
				Label: func(string, string) string { return "" }, Scope: func(dispatcher.Kind, *dispatcher.Site, string, string) string { return "mails" }}}}
}

// reader makes a confirmed subscriber who follows thread t.
func (r *rig) reader(id string) dispatcher.Subscriber {
	r.Helper()
	yes, email := true, id+"@readers.example"
	sub, _, err := r.st.SetSubscriber(r.Context(), "blog", dispatcher.EventSubscriber{ID: id, Email: &email, Confirmed: &yes}, true)
	must(r.T, err)
	r.follow(id, "t")
	return sub
}

func (r *rig) follow(id, thread string) {
	r.Helper()
	_, _, err := r.st.SetSubscription(r.Context(), "blog", dispatcher.EventSubscription{Subscriber: id, Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: thread}}, false)
	must(r.T, err)
}

// tell hands an event in and takes it in; what is published settles at once.
func (r *rig) tell(e dispatcher.Event) {
	r.Helper()
	r.ids++
	e.ID, e.Time = fmt.Sprint("e", r.ids), r.clock.Now()
	must(r.T, e.Validate())
	_, err := r.st.Append(r.Context(), "blog", "api", []dispatcher.Event{e})
	must(r.T, err)
	none := func(string, store.Door) time.Duration { return 0 }
	_, err = r.st.Intake(r.Context(), store.IntakeOptions{Settle: none, MaxAge: func(string, store.Door) time.Duration { return time.Hour }}, 100)
	must(r.T, err)
}

func (r *rig) comment(id string) {
	r.Helper()
	r.tell(dispatcher.Event{Type: dispatcher.CommentPublished, Thread: &dispatcher.EventThread{ID: "t", URL: "https://blog.example/t", Title: "T"},
		Comment: &dispatcher.EventComment{ID: id, HTML: "<p>the words of " + id + "</p>"}, Author: &dispatcher.EventAuthor{ID: "u9", Name: "Nell"}})
}

// queue makes the mails of the comments that were told of.
func (r *rig) queue() {
	r.Helper()
	_, err := r.digest.Tick(r.Context())
	must(r.T, err)
	for did := true; did; {
		did, err = r.digest.WorkOnce(r.Context(), "t/0")
		must(r.T, err)
	}
}

// send sends what is due.
func (r *rig) send() {
	r.Helper()
	r.sent = outbox.New(r.o)
	must(r.T, r.sent.Drain(r.Context()))
}

// meanwhile lets something happen after the mails were claimed and checked,
// and before the first is handed over: while its connection is made, which
// takes longer than a check may be old.
func (r *rig) meanwhile(f func()) {
	r.o.Relay = &slowRelay{Relay: r.o.Relay, f: func() {
		f()
		r.clock.Advance(3 * time.Second)
	}}
}

// slowRelay does something on its first connection.
type slowRelay struct {
	outbox.Relay
	f func()
}

func (s *slowRelay) Dial(ctx context.Context) (*smtp.Conn, error) {
	if s.f != nil {
		s.f()
		s.f = nil
	}
	return s.Relay.Dial(ctx)
}

// to lists who got mail, in order.
func (r *rig) to() []string {
	var to []string
	for _, m := range r.sink.Mails() {
		to = append(to, m.To)
	}
	return to
}

// only gives the one message there is.
func (r *rig) only() dispatcher.Message {
	r.Helper()
	ms, err := r.st.Messages(r.Context(), store.MessageFilter{Limit: 10})
	must(r.T, err)
	if len(ms) != 1 {
		r.Fatalf("%d messages, want one: %+v", len(ms), ms)
	}
	return ms[0]
}

func (r *rig) became(state dispatcher.State, why string) {
	r.Helper()
	if m := r.only(); m.State != state || m.Why != why {
		r.Errorf("the message is %s (%s), want %s (%s)", m.State, m.Why, state, why)
	}
}

func (r *rig) got(want ...string) {
	r.Helper()
	if to := r.to(); !slices.Equal(to, want) {
		r.Errorf("mail went to %q, want %q", to, want)
	}
}
