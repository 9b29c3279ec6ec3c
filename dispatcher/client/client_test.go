package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/client"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/web/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a client of a real API, with a net between them that a test can break.
type rig struct {
	*subscribetest.Fixture
	*client.Client
	net *net
}

func open(t *testing.T) *rig { return openFor(t, "blog") }

func openFor(t *testing.T, sites ...string) *rig {
	t.Helper()
	r := &rig{Fixture: subscribetest.Open(t)}
	rend, err := render.New(render.Options{Clock: r.Clock.Now, Stored: r.Store})
	r.Must(err)
	s, err := web.New(web.Options{Mounts: api.New(api.Options{Store: r.Store, Desk: r.Desk, Lookup: r.Store, Renderer: rend, Sites: r.Sites, Clock: r.Clock.Now}).Mounts(),
		Clock: r.Clock.Now, BaseURL: "https://comments.example.org/hear"})
	r.Must(err)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	_, key, err := r.Store.CreateKey(t.Context(), "test", sites, []store.Right{store.RightAdmin})
	r.Must(err)
	r.net = &net{next: srv.Client().Transport}
	o := client.Options{URL: srv.URL + "/hear/", Key: key, HTTP: &http.Client{Transport: r.net}, Backoff: time.Millisecond}
	if len(sites) > 1 {
		o.Site = sites[1]
	}
	r.Client, err = client.New(o)
	r.Must(err)
	return r
}

// net carries calls. lose loses answers of calls that were made; instead
// answers in the server's place.
type net struct {
	next    http.RoundTripper
	mu      sync.Mutex
	calls   []*http.Request
	lose    int
	instead []*http.Response
}

func (n *net) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.calls = append(n.calls, r)
	lost := n.lose > 0
	n.lose = max(0, n.lose-1)
	if len(n.instead) > 0 {
		res := n.instead[0]
		n.instead = n.instead[1:]
		n.mu.Unlock()
		return res, nil
	}
	n.mu.Unlock()
	res, err := n.next.RoundTrip(r)
	if err == nil && lost {
		_ = res.Body.Close() // thrown away
		return nil, errors.New("the connection was lost")
	}
	return res, err
}

func busy(status int, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<html>busy</html>"))}
	for i := 0; i+1 < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

func published(id string, at time.Time) dispatcher.Event {
	return dispatcher.Event{ID: id + "-published", Type: dispatcher.CommentPublished, Time: at, Thread: &dispatcher.EventThread{ID: "post-7"},
		Comment: &dispatcher.EventComment{ID: id, Text: "Hello"}, Author: &dispatcher.EventAuthor{ID: "u-2", Name: "Ben"}}
}

func TestAReaderFollowsHearsAndLeaves(t *testing.T) {
	r, ctx := open(t), t.Context()
	sub, err := r.SetSubscriber(ctx, dispatcher.EventSubscriber{ID: "u 9/ä", Email: client.Set("ann@example.org"), Confirmed: client.Set(true)})
	r.Must(err)
	if sub.ID != "u 9/ä" || !sub.Confirmed {
		t.Errorf("the subscriber is %+v", sub)
	}
	for _, target := range []dispatcher.Target{client.Thread("post-7"), client.Author("u-2"), client.Comment("1"), client.Replies(), client.Site()} {
		_, err = r.Subscribe(ctx, dispatcher.EventSubscription{Subscriber: "u 9/ä", Target: target})
		r.Must(err)
	}
	got, err := r.Send(ctx, published("1", r.Clock.Now()), published("1", r.Clock.Now()))
	r.Must(err)
	if got.Accepted != 1 || got.Duplicates != 1 {
		t.Errorf("the receipt is %+v", got)
	}
	if _, err := r.Explain(ctx, "u 9/ä", "1"); err != nil {
		t.Error(err)
	}
	for _, target := range []dispatcher.Target{client.Author("u-2"), client.Site(), client.Replies()} {
		r.Must(r.Unsubscribe(ctx, "u 9/ä", target, false))
	}
	live := 0
	for s, err := range r.Subscriptions(ctx, "u 9/ä") {
		r.Must(err)
		if s.State == "live" {
			live++
		}
	}
	if live != 2 {
		t.Errorf("%d subscriptions are live, want 2", live)
	}
	for _, err := range r.Messages(ctx, "") {
		r.Must(err)
	}
	r.Must(r.EraseSubscriber(ctx, "u 9/ä"))
	r.Must(r.EraseSubscriber(ctx, "u 9/ä"))
	if _, err := r.Subscriber(ctx, "u 9/ä"); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		t.Errorf("who was erased is %v", err)
	}
}

func TestAnErrorNamesCodeFieldAndMend(t *testing.T) {
	r, ctx := open(t), t.Context()
	_, err := r.SetSubscriber(ctx, dispatcher.EventSubscriber{ID: "u", Email: client.Set("nobody")})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 422 || e.Field != "email" || e.Mend == "" || e.Request == "" || dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
		t.Errorf("the error is %#v", err)
	}
	if !strings.Contains(err.Error(), "hearback answers 422: email: ") {
		t.Errorf("it says %q", err)
	}
	if n := len(r.net.calls); n != 1 {
		t.Errorf("the call was made %d times", n)
	}
	bad := published("1", r.Clock.Now())
	bad.Comment.Text = ""
	receipt, err := r.Send(ctx, bad)
	var no *client.Rejected
	if !errors.As(err, &no) || len(receipt.Rejected) != 1 || dispatcher.CodeOf(err) != dispatcher.CodeInvalid || !strings.Contains(err.Error(), "comment.html") {
		t.Errorf("the rejection is %v", err)
	}
	for _, o := range []client.Options{{URL: "comments.example.org", Key: "hb_x"}, {URL: "http://127.0.0.1", Key: ""}, {URL: "http://127.0.0.1", Key: "two words"}} {
		if _, err := client.New(o); dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
			t.Errorf("%+v gives %v", o, err)
		}
	}
}

func TestACallWhoseAnswerWasLostIsMadeAgainAndCountsOnce(t *testing.T) {
	r, ctx := open(t), t.Context()
	r.Reader("blog", "u-1")
	r.net.lose = 1
	s, err := r.Subscribe(ctx, dispatcher.EventSubscription{Subscriber: "u-1", Target: client.Thread("post-7")})
	r.Must(err)
	if len(r.net.calls) != 2 || r.net.calls[0].Header.Get("Idempotency-Key") == "" || r.net.calls[0].Header.Get("Idempotency-Key") != r.net.calls[1].Header.Get("Idempotency-Key") {
		t.Errorf("%d calls, or their keys differ", len(r.net.calls))
	}
	again, err := r.Subscribe(ctx, dispatcher.EventSubscription{Subscriber: "u-1", Target: client.Thread("post-7")})
	r.Must(err)
	if again.ID != s.ID {
		t.Errorf("the repeat gave %d, the first was %d", again.ID, s.ID)
	}
	r.net.lose = 3
	got, err := r.Send(ctx, published("1", r.Clock.Now()))
	r.Must(err)
	if got.Duplicates != 1 {
		t.Errorf("the receipt is %+v", got)
	}
}

func TestABusyServerIsWaitedForAsLongAsThereIsTime(t *testing.T) {
	r, ctx := open(t), t.Context()
	r.net.instead = []*http.Response{busy(502), busy(503), busy(429)}
	_, err := r.Send(ctx, published("1", r.Clock.Now()))
	r.Must(err)
	if n := len(r.net.calls); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
	r.net.instead = []*http.Response{busy(503), busy(503), busy(503), busy(503), busy(503)}
	_, err = r.Send(ctx, published("2", r.Clock.Now()))
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 503 || dispatcher.CodeOf(err) != dispatcher.CodeUnavailable || len(r.net.calls) != 8 {
		t.Errorf("after %d calls: %v", len(r.net.calls), err)
	}
	// Who has no time to wait is told at once.
	r.net.instead = []*http.Response{busy(429, "Retry-After", "60")}
	short, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = r.Send(short, published("3", r.Clock.Now()))
	if !errors.As(err, &e) || e.RetryAfter != time.Minute {
		t.Errorf("the error is %v", err)
	}
	// What is no problem of ours is not hidden.
	r.net.instead = []*http.Response{busy(404)}
	if _, err = r.Subscriber(ctx, "u"); err == nil || !strings.Contains(err.Error(), "before Hearback") {
		t.Errorf("a proxy's answer is %v", err)
	}
	cancelled, stop := context.WithCancel(ctx)
	stop()
	if _, err := r.Send(cancelled, published("4", r.Clock.Now())); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestManyEventsGoInAsManyCallsAsItTakes(t *testing.T) {
	r := open(t)
	var events []dispatcher.Event
	for i := range 1010 {
		events = append(events, published(fmt.Sprint("c", i), r.Clock.Now()))
	}
	events[1005].Comment.ID = ""
	got, err := r.Send(t.Context(), events...)
	var no *client.Rejected
	if !errors.As(err, &no) || got.Accepted != 1009 || len(no.Rejected) != 1 || no.Rejected[0].Index != 1005 || len(r.net.calls) != 2 {
		t.Errorf("%d calls: %+v, %v", len(r.net.calls), got, err)
	}
	for i := range 40 {
		events[i].Comment.Text = strings.Repeat("x", 250<<10)
		events[i].ID += "-long"
	}
	if got, err = r.Send(t.Context(), events[:40]...); err != nil || got.Accepted != 40 || len(r.net.calls) != 4 {
		t.Errorf("%d calls: %+v, %v", len(r.net.calls), got, err)
	}
}

func TestAnUpsertGivesAReceiptForEachAndListsComeWhole(t *testing.T) {
	r, ctx := openFor(t, "blog", "shop"), t.Context()
	const n = 1100
	people := func(yield func(dispatcher.EventSubscriber) bool) {
		for i := range n {
			s := dispatcher.EventSubscriber{ID: fmt.Sprint("u", i), Email: client.Set(fmt.Sprintf("u%d@example.org", i)), Confirmed: client.Set(true)}
			if i == 7 {
				s.Email = client.Set("nobody")
			}
			if !yield(s) {
				return
			}
		}
	}
	created := 0
	for l, err := range r.UpsertSubscribers(ctx, people) {
		r.Must(err)
		if *l.Index == 7 && (l.Error == nil || l.Error.Field != "email") {
			t.Errorf("the bad line is %+v", l)
		}
		if l.Status == "created" {
			created++
		}
	}
	if created != n-1 {
		t.Errorf("%d were created", created)
	}
	listed := 0
	for _, err := range r.Subscribers(ctx, "example.org") {
		r.Must(err)
		listed++
	}
	if listed != n-1 {
		t.Errorf("%d are listed", listed)
	}
	subs, err := r.Store.Subscribers(ctx, "blog", "", 0, 1)
	r.Must(err)
	if len(subs) != 0 {
		t.Error("they went to the other site")
	}
	follow := func(yield func(dispatcher.EventSubscription) bool) {
		yield(dispatcher.EventSubscription{Subscriber: "u1", Target: client.Thread("t")})
	}
	for l, err := range r.UpsertSubscriptions(ctx, follow) {
		r.Must(err)
		if l.Status != "created" {
			t.Errorf("the line is %+v", l)
		}
	}
	for range r.UpsertSubscribers(ctx, people) {
		break // nothing is left behind, the leak check says
	}
	if _, err := last(r.UpsertSubscribers(ctx, func(func(dispatcher.EventSubscriber) bool) {})); dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
		t.Errorf("an empty body gives %v", err)
	}
}

func last[T any](seq iter.Seq2[T, error]) (v T, err error) {
	for v, err = range seq {
		// The last one counts.
	}
	return v, err
}
