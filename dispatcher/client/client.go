// Package client is how a Go program talks to Hearback's HTTP API. It speaks
// the types that the server itself encodes (package wire) and reads (the parts
// of [dispatcher.Event]).
//
// A call that fails ends in an [*Error] with the server's code, the field at
// fault and the mend; [dispatcher.CodeOf] knows its code. Calls are tried again
// when that can do no harm: after a lost connection, 429, 502, 503 and 504, as
// long as the context has time for it. What a repeat could do twice carries an
// Idempotency-Key, which the client makes by itself.
//
//	c, err := client.New(client.Options{URL: "https://comments.example.org", Key: key})
//	_, err = c.SetSubscriber(ctx, dispatcher.EventSubscriber{ID: "u-9", Email: client.Set("ann@example.org")})
//	_, err = c.Subscribe(ctx, dispatcher.EventSubscription{Subscriber: "u-9", Target: client.Thread("post-7")})
//	_, err = c.Send(ctx, event)
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Options are what a [Client] needs. URL and Key must be given.
type Options struct {
	// URL is where the daemon is reached, as its http.base_url says.
	URL string
	// Key is a key of `hearback key create`.
	Key string
	// Site is the site that calls are for. It may be left out where the key is
	// for one.
	Site string
	// HTTP makes the calls; nil means one that gives each try 30 seconds. A
	// time-out of its own also bounds upserts of many.
	HTTP *http.Client
	// Tries is how often a call is made at most; 0 means 4.
	Tries int
	// Backoff is the pause before the second try; it doubles with each, and a
	// Retry-After of the server counts when it is longer. 0 means 200 ms.
	Backoff time.Duration
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	o    Options
	base string
	http *http.Client // of one answer
	long *http.Client // of answers that come line by line
}

const (
	tryTimeout = 30 * time.Second
	maxTries   = 4
	backoff    = 200 * time.Millisecond
	maxAnswer  = 64 << 20 // bytes of an answer that comes whole
)

// New makes a client. It calls nobody yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, dispatcher.Invalid("URL", "give the daemon's http.base_url, such as https://comments.example.org", "%q is no web address", o.URL)
	}
	if o.Key == "" || strings.ContainsFunc(o.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, dispatcher.Invalid("Key", "give what `hearback key create` showed", "is no key")
	}
	if o.Tries == 0 {
		o.Tries = maxTries
	}
	if o.Backoff == 0 {
		o.Backoff = backoff
	}
	c := &Client{o: o, base: strings.TrimRight(o.URL, "/"), http: o.HTTP, long: o.HTTP}
	if o.HTTP == nil {
		c.http, c.long = &http.Client{Timeout: tryTimeout}, &http.Client{}
	}
	return c, nil
}

// Set gives a pointer to a value: fields that are nil stay as they are.
func Set[T any](v T) *T { return &v }

// Thread is the target of all comments of a thread, by the site's own id.
func Thread(id string) dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetThread, ID: id}
}

// Comment is the target of all that is below a comment.
func Comment(id string) dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetComment, ID: id}
}

// Author is the target of all that somebody writes.
func Author(id string) dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetAuthor, ID: id}
}

// Replies is the target of answers to the subscriber's own comments.
func Replies() dispatcher.Target { return dispatcher.Target{Type: dispatcher.TargetReplies} }

// Site is the target of everything on the site.
func Site() dispatcher.Target { return dispatcher.Target{Type: dispatcher.TargetSite} }

// Do makes one call that the others have no method for: path is such as
// "/v1/schedules/daily", in is sent as JSON unless it is nil, and the answer is
// decoded into out unless that is nil. It is tried again like all calls.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode %s %s: %w", method, path, err)
		}
	}
	b, err := c.call(ctx, &request{method: method, path: path, query: query, body: body, once: method == http.MethodPost || method == http.MethodPatch})
	if err != nil {
		return err
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// request is one call, as it is made each time.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	lines        bool
	once         bool // it carries an Idempotency-Key
}

// call makes a call until it is answered, refused, or there is no time left.
func (c *Client) call(ctx context.Context, r *request) ([]byte, error) {
	name := ""
	if r.once {
		name = rand.Text()
	}
	pause := c.o.Backoff
	for try := 1; ; try++ {
		b, err := c.try(ctx, r, name)
		if err == nil {
			return b, nil
		}
		wait, again := again(err, pause)
		if deadline, ok := ctx.Deadline(); !again || try >= c.o.Tries || ctx.Err() != nil || ok && time.Until(deadline) < wait {
			return nil, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(err, ctx.Err())
		case <-timer.C:
		}
		pause *= 2
	}
}

// again says whether a call may be made again, and after which pause: a little
// more or less than the one given, so that many clients do not come at once.
func again(err error, pause time.Duration) (time.Duration, bool) {
	wait := pause/2 + mrand.N(pause)
	var e *Error
	if !errors.As(err, &e) {
		return wait, true // no answer came
	}
	running := e.Code == dispatcher.CodeConflict && e.Field == idempotencyKey // the first try is still at work
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return max(wait, e.RetryAfter), true
	}
	return wait, running
}

const idempotencyKey = "Idempotency-Key"

func (c *Client) try(ctx context.Context, r *request, name string) ([]byte, error) {
	req, err := c.request(ctx, r, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if name != "" {
		req.Header.Set(idempotencyKey, name)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call Hearback: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read Hearback's answer: %w", err)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return b, errorOf(res, b)
	}
	return b, nil
}

func (c *Client) request(ctx context.Context, r *request, body io.Reader) (*http.Request, error) {
	query := url.Values{}
	for k, v := range r.query {
		query[k] = v
	}
	if c.o.Site != "" {
		query.Set("site", c.o.Site)
	}
	address := c.base + r.path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("call Hearback: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.o.Key)
	req.Header.Set("User-Agent", "hearback-go")
	switch {
	case r.lines:
		req.Header.Set("Content-Type", "application/x-ndjson")
	case len(r.body) > 0:
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}
