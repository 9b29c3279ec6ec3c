package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/hearback/hearback/dispatcher"
)

// FetchOptions bound what a [Fetcher] does. Zero values mean the defaults.
type FetchOptions struct {
	// About is a URL that tells a site's owner who is asking: this
	// installation's base URL. It goes into the User-Agent.
	About string
	// Allow lists the private places that may be asked all the same: host
	// names, addresses, either with a port, or address ranges ("10.1.0.0/16").
	Allow []string
	// Timeout is for one request with its redirects and its whole body. 30 s.
	Timeout time.Duration
	// MaxBytes is the largest body, after decompression. 16 MiB.
	MaxBytes int64
	// Rate is the most requests in a second, over all sites. 0 is unlimited.
	Rate float64
}

// Fetcher fetches documents from the web. It refuses private, loopback and
// link-local addresses when it dials, so neither a name that resolves to one
// nor a redirect leads there, and it takes no proxy from the environment. It is
// safe for concurrent use.
type Fetcher struct {
	client   *http.Client
	agent    string
	maxBytes int64
	limiter  *rate.Limiter
	memory   memory
}

// Request is what to fetch.
type Request struct {
	URL      string
	Username string // with Password: HTTP basic authentication
	Password string
	Fresh    bool // ask caches on the way, and our own memory of validators, to stand aside
}

// Response is a document that was fetched whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

const maxRedirects = 5

// NewFetcher makes a Fetcher. A mistake in Allow is a [dispatcher.Error].
func NewFetcher(o FetchOptions) (*Fetcher, error) {
	gate, err := newGate(o.Allow)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 16 << 20
	}
	f := &Fetcher{agent: "Hearback/1", maxBytes: o.MaxBytes, limiter: rate.NewLimiter(rate.Inf, 1)}
	if o.About != "" {
		f.agent += " (+" + o.About + ")"
	}
	if o.Rate > 0 {
		f.limiter = rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate)))
	}
	f.client = &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			DialContext:            gate.dial,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  o.Timeout,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConnsPerHost:    2,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: checkRedirect,
	}
	return f, nil
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxRedirects:
		return errors.New("more than " + strconv.Itoa(maxRedirects) + " redirects")
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("redirect to %q, which is neither http nor https", req.URL.Scheme)
	case first.Header.Get("Authorization") != "" && first.URL.Scheme == "https" && req.URL.Scheme == "http":
		return errors.New("redirect from https to http, which would show the password")
	}
	return nil
}

// Client gives the guarded client itself, for callers that need more than Get.
// Its bodies are not bounded.
func (f *Fetcher) Client() *http.Client { return f.client }

// Close closes idle connections.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }

// Get fetches a document. Any status is a Response, except that 429 and 503
// are a [*StatusError] with what the site said about coming back. A body that
// is too large or cut short is an error, never a shorter document. Where the
// site gives validators (ETag, Last-Modified), an unchanged document comes from
// memory after a conditional request (RFC 9110, section 13).
func (f *Fetcher) Get(ctx context.Context, r Request) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, dispatcher.Invalid("url", "give a full http or https URL", "%q is no web address", clip(r.URL, 200))
	}
	if err := f.limiter.Wait(ctx); err != nil {
		return nil, fmt.Errorf("waiting for our turn: %w", err)
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "application/json, */*;q=0.5")
	if r.Password != "" {
		req.SetBasicAuth(r.Username, r.Password)
	}
	if r.Fresh {
		req.Header.Set("Cache-Control", "no-cache")
	} else {
		f.memory.condition(req)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, fetchError(req.URL, err)
	}
	defer resp.Body.Close()
	return f.read(req, resp)
}

func (f *Fetcher) read(req *http.Request, resp *http.Response) (*Response, error) {
	if resp.StatusCode == http.StatusNotModified {
		if known := f.memory.recall(req); known != nil {
			return known, nil
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, f.maxBytes+1))
	if err != nil {
		return nil, fetchError(req.URL, fmt.Errorf("reading the answer: %w", err))
	}
	if int64(len(body)) > f.maxBytes {
		return nil, fetchError(req.URL, fmt.Errorf("the answer is larger than %d bytes", f.maxBytes))
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		return nil, &StatusError{
			URL: req.URL.Redacted(), Status: resp.StatusCode, Says: clip(oneLine(PlainText(string(body))), 200),
			After: retryAfter(resp.Header, time.Now()),
		}
	}
	got := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	f.memory.keep(req, got)
	return got, nil
}

// fetchError says which address failed, without a password in it.
func fetchError(u *url.URL, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var refused *refusedError
	if errors.As(err, &refused) {
		return &dispatcher.Error{
			Code: dispatcher.CodeForbidden, Field: "url",
			Message: fmt.Sprintf("%s leads to %s, a private address", u.Redacted(), refused.addr),
			Mend:    "if that is meant, put the host into allow_private of the source, or into fetch.allow",
		}
	}
	return fmt.Errorf("fetching %s: %w", u.Redacted(), err)
}

// StatusError is an answer that is no document.
type StatusError struct {
	URL    string
	Status int
	Says   string        // the beginning of the body, as text
	After  time.Duration // what the site asked to wait; zero when it said nothing
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
	if e.Says != "" {
		s += ": " + e.Says
	}
	return s
}

// RetryAfter is how long the site asked to be left alone.
func (e *StatusError) RetryAfter() time.Duration { return e.After }

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
