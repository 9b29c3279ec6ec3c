package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// idempotencyKey names the header.
const idempotencyKey = "Idempotency-Key"

// statusGone is what web.Fail counts for clients that left.
const statusGone = 499

// once makes a call with an Idempotency-Key, or gives the answer that it got
// when it was made before.
func (a *API) once(c *call, rt *route, name string) error {
	if len(name) > dispatcher.MaxID || strings.ContainsFunc(name, func(r rune) bool { return r < '!' || r > '~' }) {
		return dispatcher.Invalid(idempotencyKey, "use up to 200 printable ASCII characters, for example a UUID", "cannot be used")
	}
	if rt.lines != nil && c.isLines(rt) {
		return dispatcher.Invalid(idempotencyKey, "leave it out: sending a line again changes nothing", "is not kept for a call with lines")
	}
	hash, err := c.hash(rt.limit)
	if err != nil {
		return err
	}
	name = fmt.Sprintf("%d/%s", c.key.ID, name) // two keys of one site never share an answer
	before, err := a.o.Store.BeginRequest(c.context(), c.site, name, hash)
	if err != nil {
		return err
	}
	if before != nil {
		c.w.Header().Set("Idempotency-Replayed", "true")
		replay(c.w, before)
		return nil
	}
	kept := &answer{header: c.w.Header()}
	w := c.w
	c.w = kept
	ended := false
	// A client that left, a panic, an error of ours: the call may be made again.
	defer func() {
		if !ended {
			a.forget(c, name)
		}
	}()
	if err := rt.do(a, c); err != nil {
		web.Fail(kept, c.r, a.o.Log, err)
	}
	if kept.status < http.StatusInternalServerError && kept.status != statusGone {
		ended = true
		if err := a.o.Store.FinishRequest(context.WithoutCancel(c.context()), c.site, name, kept.replay()); err != nil {
			a.o.Log.WarnContext(c.context(), "an answer could not be kept for its Idempotency-Key", "error", err)
		}
	}
	w.WriteHeader(kept.status)
	_, _ = w.Write(kept.body.Bytes()) // nobody is left to be told
	return nil
}

func (a *API) forget(c *call, name string) {
	if err := a.o.Store.AbandonRequest(context.WithoutCancel(c.context()), c.site, name); err != nil {
		a.o.Log.WarnContext(c.context(), "a call could not be forgotten for its Idempotency-Key", "error", err)
	}
}

// prefixed puts bytes that were read back before the rest.
func prefixed(b []byte, rest io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b), rest), rest}
}

// hash reads the call's body and fingerprints all that makes it this call.
func (c *call) hash(limit int64) (string, error) {
	b, err := web.Body(c.w, c.r, limit)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s?%s\n", c.r.Method, c.r.URL.Path, c.r.URL.RawQuery)
	h.Write(b)
	c.r.ContentLength = int64(len(b))
	c.r.Body = io.NopCloser(bytes.NewReader(b))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// answer keeps an answer, so that it can be given again.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *answer) Header() http.Header { return k.header }

func (k *answer) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

func (k *answer) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

// replay is the answer as it is stored: the media type, a line feed, the body.
func (k *answer) replay() store.Replay {
	return store.Replay{Status: k.status, Response: k.header.Get("Content-Type") + "\n" + k.body.String()}
}

func replay(w http.ResponseWriter, r *store.Replay) {
	kind, body, _ := strings.Cut(r.Response, "\n")
	if kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.Status)
	_, _ = io.WriteString(w, body)
}
