package source_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func fetcher(t *testing.T, o source.FetchOptions) *source.Fetcher {
	t.Helper()
	f, err := source.NewFetcher(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

func TestPrivateAddressesAreRefusedUnlessListed(t *testing.T) {
	asked := atomic.Int32{}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); io.WriteString(w, "hello") })
	_, port, err := net.SplitHostPort(host(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		allow []string
		url   string
		ok    bool
	}{
		{nil, s.URL, false},
		{nil, "http://localhost:" + port, false}, // a name that leads there
		{nil, "http://[::ffff:127.0.0.1]:" + port, false},
		{nil, "http://0.0.0.0:" + port, false},
		{[]string{"127.0.0.1:1"}, s.URL, false},
		{[]string{"10.0.0.0/8"}, s.URL, false},
		{[]string{"127.0.0.1"}, s.URL, true},
		{[]string{"127.0.0.1:" + port}, s.URL, true},
		{[]string{"127.0.0.0/8"}, s.URL, true},
		{[]string{"LOCALHOST:" + port}, "http://localhost:" + port, true},
	} {
		asked.Store(0)
		got, err := fetcher(t, source.FetchOptions{Allow: c.allow}).Get(t.Context(), source.Request{URL: c.url})
		if c.ok != (err == nil) || c.ok != (asked.Load() == 1) {
			t.Errorf("%s with %q: %v, asked %d times", c.url, c.allow, err, asked.Load())
		}
		if c.ok && string(got.Body) != "hello" {
			t.Errorf("%s: %q", c.url, got.Body)
		}
		if !c.ok && (dispatcher.CodeOf(err) != dispatcher.CodeForbidden || !strings.Contains(err.Error(), "private")) {
			t.Errorf("%s: the error does not say why: %v", c.url, err)
		}
	}
}

func TestARedirectToAPrivateAddressIsRefused(t *testing.T) {
	inner := serve(t, func(w http.ResponseWriter, _ *http.Request) { t.Error("the inner server was asked") })
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner.URL, http.StatusFound) })
	_, err := fetcher(t, source.FetchOptions{Allow: []string{host(outer)}}).Get(t.Context(), source.Request{URL: outer.URL})
	if dispatcher.CodeOf(err) != dispatcher.CodeForbidden {
		t.Fatal(err)
	}
}

func TestRedirectsHaveAnEndAndStayOnTheWeb(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
			return
		}
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	f := fetcher(t, source.FetchOptions{Allow: []string{"127.0.0.1"}})
	for path, want := range map[string]string{"/": "redirects", "/file": "file"} {
		if _, err := f.Get(t.Context(), source.Request{URL: s.URL + path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAPasswordGoesOnlyToItsOwnHost(t *testing.T) {
	var seen atomic.Value
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen.Store(r.Header.Get("Authorization")) })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "ann" || p != "secret" {
			t.Errorf("the first host got %q %q", u, p)
		}
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), http.StatusFound)
	})
	f := fetcher(t, source.FetchOptions{Allow: []string{"127.0.0.1", "localhost"}})
	if _, err := f.Get(t.Context(), source.Request{URL: first.URL, Username: "ann", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	if seen.Load() != "" {
		t.Fatalf("the other host got %q", seen.Load())
	}
}

func TestBodiesAreBoundedAfterDecompression(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 100 {
				z.Write(make([]byte, 1<<20))
			}
			z.Close()
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "only this")
		}
	})
	f := fetcher(t, source.FetchOptions{Allow: []string{"127.0.0.1"}, MaxBytes: 1 << 20})
	for path, want := range map[string]string{"/bomb": "larger than 1048576 bytes", "/cut": "unexpected EOF"} {
		if _, err := f.Get(t.Context(), source.Request{URL: s.URL + path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestASiteThatNeverEndsItsAnswerIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-release
	})
	defer close(release)
	f := fetcher(t, source.FetchOptions{Allow: []string{"127.0.0.1"}, Timeout: 50 * time.Millisecond})
	if _, err := f.Get(t.Context(), source.Request{URL: s.URL}); err == nil {
		t.Fatal("no error")
	}
}

func TestRetryAfterIsReadAsSecondsAndAsADate(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.Header.Get("User-Agent")[len("Hearback/1 (+"):len(r.Header.Get("User-Agent"))-1])
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "<h1>Down</h1> for maintenance")
	})
	in2h := time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat)
	for say, want := range map[string]time.Duration{
		"120": 2 * time.Minute, in2h: 2 * time.Hour, "Mon, 02 Jan 2006 15:04:05 GMT": 0, "soon": 0, "-5": 0,
	} {
		f := fetcher(t, source.FetchOptions{Allow: []string{"127.0.0.1"}, About: say})
		_, err := f.Get(t.Context(), source.Request{URL: s.URL})
		var e *source.StatusError
		if !errors.As(err, &e) || e.Status != 503 || !strings.Contains(e.Error(), "Down") {
			t.Fatalf("%q: %v", say, err)
		}
		if d := want - e.RetryAfter(); d < 0 || d > 2*time.Second {
			t.Errorf("%q: %s, want %s", say, e.RetryAfter(), want)
		}
	}
}

func TestAnUnchangedDocumentIsNotSentAgain(t *testing.T) {
	var tag atomic.Value
	tag.Store(`"one"`)
	full := atomic.Int32{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag.Load().(string))
		if r.Header.Get("If-None-Match") == tag.Load() {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		fmt.Fprintf(w, "document %s", tag.Load())
	})
	f := fetcher(t, source.FetchOptions{Allow: []string{"127.0.0.1"}})
	get := func(r source.Request, body string, sent int32) {
		t.Helper()
		got, err := f.Get(t.Context(), r)
		if err != nil || got.Status != 200 || string(got.Body) != body || full.Load() != sent {
			t.Fatalf("%v, %+v, sent %d times, want %q after %d", err, got, full.Load(), body, sent)
		}
	}
	r := source.Request{URL: s.URL}
	get(r, `document "one"`, 1)
	get(r, `document "one"`, 1)
	get(source.Request{URL: s.URL, Fresh: true}, `document "one"`, 2)
	get(source.Request{URL: s.URL, Username: "a", Password: "b"}, `document "one"`, 3) // another reader
	tag.Store(`"two"`)
	get(r, `document "two"`, 4)
	for i := range 40 { // the memory is bounded
		get(source.Request{URL: fmt.Sprintf("%s/?%d", s.URL, i)}, `document "two"`, int32(5+i))
	}
	get(r, `document "two"`, 45)
}

func TestErrorsShowNoPassword(t *testing.T) {
	f := fetcher(t, source.FetchOptions{})
	for _, u := range []string{"http://ann:secret@127.0.0.1:1/", "http://ann:secret@host.invalid/"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := f.Get(ctx, source.Request{URL: u})
		cancel()
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestMistakesInTheAllowedHostsAreNamed(t *testing.T) {
	for _, allow := range []string{"", "10.0.0.0/99", "http://x/"} {
		_, err := source.NewFetcher(source.FetchOptions{Allow: []string{"ok.example", allow}})
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Field != "allow_private[1]" {
			t.Errorf("%q: %v", allow, err)
		}
	}
}
