package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logbook keeps what is logged.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func server(t *testing.T, o web.Options) *web.Server {
	t.Helper()
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec
}

func TestAPanicIsLoggedOnceAndAnsweredAsAProblem(t *testing.T) {
	var log logbook
	s := server(t, web.Options{Log: log.logger(), Mounts: []web.Mount{{Pattern: "/boom/{token}", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("kaputt") })}}})
	rec := get(s.Handler(), "/boom/verysecret")
	if rec.Code != 500 || rec.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("the answer is %d %s", rec.Code, rec.Header().Get("Content-Type"))
	}
	if strings.Count(log.String(), "level=ERROR") != 1 || !strings.Contains(log.String(), "kaputt") {
		t.Errorf("the log is %s", log.String())
	}
	if strings.Contains(log.String(), "verysecret") {
		t.Errorf("the log holds a token: %s", log.String())
	}
}

func TestTheAccessLogAndTheMetricsNameTheRouteAndNeverThePath(t *testing.T) {
	var log logbook
	reg := prometheus.NewRegistry()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	s := server(t, web.Options{Log: log.logger(), Registry: reg, Mounts: []web.Mount{{Pattern: "GET /manage/{token}", Handler: hello}}})
	rec := get(s.Handler(), "/manage/verysecret?address=ann@example.org")
	if id := rec.Header().Get(web.RequestHeader); len(id) != 16 || !strings.Contains(log.String(), id) {
		t.Errorf("the request's id %q is not in the log %s", id, log.String())
	}
	metrics := get(s.Handler(), "/metrics").Body.String()
	for _, text := range []string{log.String(), metrics} {
		if strings.Contains(text, "verysecret") || strings.Contains(text, "ann@example.org") {
			t.Errorf("a secret gets out: %s", text)
		}
	}
	if !strings.Contains(metrics, `hearback_http_request_seconds_count{route="GET /manage/{token}",status="200"} 1`) {
		t.Errorf("the request is not counted: %s", metrics)
	}
}

func TestEveryAnswerHasCarefulHeaders(t *testing.T) {
	rec := get(server(t, web.Options{}).Handler(), "/nothing/here")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"} {
		if got := rec.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if rec.Code != 404 {
		t.Errorf("an unknown path has status %d", rec.Code)
	}
}

func TestReadyzSaysWhyNotAndHealthzStaysWell(t *testing.T) {
	var why []string
	s := server(t, web.Options{Ready: func(context.Context) []string { return why }})
	if rec := get(s.Handler(), "/readyz"); rec.Code != 200 {
		t.Errorf("a ready daemon answers %d", rec.Code)
	}
	why = []string{"the clock differs from the database's by 7s"}
	if rec := get(s.Handler(), "/readyz"); rec.Code != 503 || !strings.Contains(rec.Body.String(), why[0]) {
		t.Errorf("a daemon that is not ready answers %d %s", rec.Code, rec.Body)
	}
	if rec := get(s.Handler(), "/healthz"); rec.Code != 200 {
		t.Errorf("it lives all the same, but /healthz answers %d", rec.Code)
	}
}

func TestABaseURLWithAPathIsServedWithAndWithoutIt(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("token")) })
	s := server(t, web.Options{BaseURL: "https://example.org/hearback/", Mounts: []web.Mount{{Pattern: "GET /confirm/{token}", Handler: echo}}})
	for _, path := range []string{"/confirm/abc", "/hearback/confirm/abc"} {
		if rec := get(s.Handler(), path); rec.Body.String() != "abc" {
			t.Errorf("%s answers %d %q", path, rec.Code, rec.Body)
		}
	}
	for _, path := range []string{"/confirm/a%2Fb", "/hearback/confirm/a%2Fb"} {
		if rec := get(s.Handler(), path); rec.Body.String() != "a/b" {
			t.Errorf("%s answers %d %q", path, rec.Code, rec.Body)
		}
	}
	if rec := get(s.Handler(), "/hearbackconfirm/abc"); rec.Code != 404 {
		t.Errorf("a path that only begins alike answers %d", rec.Code)
	}
}

// running starts a server with one slow page and a client that waits for it.
// It gives what ends the server, its outcome, and what the client got.
func running(t *testing.T, o web.Options, slow http.HandlerFunc) (stop func(), ended <-chan error, got <-chan string) {
	t.Helper()
	entered := make(chan struct{})
	o.Listen = "127.0.0.1:0"
	o.Mounts = []web.Mount{{Pattern: "/slow", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		slow(w, r)
	})}}
	s := server(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	addr, end, body := make(chan string, 1), make(chan error, 1), make(chan string, 1)
	go func() { end <- s.Run(ctx, func(a net.Addr) { addr <- a.String() }) }()
	url := "http://" + <-addr + "/slow"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		res, err := client.Get(url)
		if err != nil {
			body <- "cut off"
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body) // what came is what is asked for
		body <- string(b)
	}()
	<-entered
	return cancel, end, body
}

func TestAStopLetsRunningRequestsEnd(t *testing.T) {
	release := make(chan struct{})
	stop, ended, got := running(t, web.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = io.WriteString(w, "done")
	})
	stop()
	close(release)
	if body := <-got; body != "done" {
		t.Errorf("the running request got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("the stop gave %v", err)
	}
}

func TestARequestThatDoesNotEndIsCutOffAfterTheGrace(t *testing.T) {
	stop, ended, got := running(t, web.Options{Grace: 10 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the stop gave %v", err)
	}
	<-got
}

func TestATakenPortIsAnErrorThatSaysHowToMendIt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var e *dispatcher.Error
	if err := server(t, web.Options{Listen: l.Addr().String()}).Run(t.Context(), nil); !errors.As(err, &e) || e.Field != "http.listen" || e.Mend == "" {
		t.Errorf("listening on a taken port gave %v", err)
	}
}

func TestTheStatsShowWhetherTheDatabaseAnswers(t *testing.T) {
	var fails error
	reg := prometheus.NewRegistry()
	reg.MustRegister(web.NewStatsCollector(func(context.Context) (store.Stats, error) {
		return store.Stats{Inbox: 3, InboxAge: 1500 * time.Millisecond}, fails
	}, slog.New(slog.DiscardHandler)))
	s := server(t, web.Options{Registry: reg})
	text := get(s.Handler(), "/metrics").Body.String()
	for _, want := range []string{"hearback_database_up 1", "hearback_inbox_events 3", "hearback_inbox_age_seconds 1.5"} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
	fails = errors.New("away")
	text = get(s.Handler(), "/metrics").Body.String()
	if !strings.Contains(text, "hearback_database_up 0") || strings.Contains(text, "hearback_inbox_events") {
		t.Errorf("without the database /metrics is %s", text)
	}
}

func TestAProgramThatAsksForWhatIsNotThereIsToldWhereTheAPIIs(t *testing.T) {
	s := server(t, web.Options{Mounts: []web.Mount{{Pattern: "GET /docs", Handler: http.NotFoundHandler()}}})
	rec := get(s.Handler(), "/events")
	if rec.Code != 404 || rec.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(rec.Body.String(), "begin with /v1/") {
		t.Errorf("a stranger is answered %d %s", rec.Code, rec.Body)
	}
	r := httptest.NewRequest("GET", "/events", nil)
	r.Header.Set("Accept", "text/html,*/*")
	rec = httptest.NewRecorder()
	if s.Handler().ServeHTTP(rec, r); rec.Code != 404 || strings.HasPrefix(rec.Body.String(), "{") {
		t.Errorf("a browser is answered %d %s", rec.Code, rec.Body)
	}
	rec = httptest.NewRecorder()
	if s.Handler().ServeHTTP(rec, httptest.NewRequest("POST", "/docs", nil)); rec.Code != 405 {
		t.Errorf("a method that is not taken is answered %d", rec.Code)
	}
}
