package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// ErrCutOff says that an upsert of many broke off. What it gave no receipt for
// may be sent again, and so may all of it.
var ErrCutOff = errors.New("hearback's answer was cut off before its summary")

// UpsertSubscribers makes or changes any number of subscribers in one call, and
// gives a receipt for each in their order. In memory there are never more than
// a few. It is not tried again by itself; sending any of them twice changes
// nothing. An error is the last; a line that was refused is none, see
// [wire.Line].
func (c *Client) UpsertSubscribers(ctx context.Context, in iter.Seq[dispatcher.EventSubscriber]) iter.Seq2[wire.Line, error] {
	return upsert(ctx, c, "/v1/subscribers", in)
}

// UpsertSubscriptions is [Client.UpsertSubscribers] for subscriptions and mutes.
func (c *Client) UpsertSubscriptions(ctx context.Context, in iter.Seq[dispatcher.EventSubscription]) iter.Seq2[wire.Line, error] {
	return upsert(ctx, c, "/v1/subscriptions", in)
}

func upsert[T any](ctx context.Context, c *Client, path string, in iter.Seq[T]) iter.Seq2[wire.Line, error] {
	return func(yield func(wire.Line, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		body, w := io.Pipe()
		written := make(chan struct{})
		go func() {
			defer close(written)
			w.CloseWithError(writeLines(w, in)) // nil ends the body well
		}()
		defer func() { // whatever ends it, the writer is waited for
			cancel()
			_ = body.Close() // never fails
			<-written
		}()
		req, err := c.request(ctx, &request{method: http.MethodPost, path: path, lines: true}, body)
		if err != nil {
			yield(wire.Line{}, err)
			return
		}
		res, err := c.long.Do(req)
		if err != nil {
			yield(wire.Line{}, fmt.Errorf("call Hearback: %w", err))
			return
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
			yield(wire.Line{}, errors.Join(errorOf(res, b), err))
			return
		}
		if err := receipts(res.Body, yield); err != nil {
			yield(wire.Line{}, err)
		}
	}
}

func writeLines[T any](w io.Writer, in iter.Seq[T]) error {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	for v := range in {
		if err := enc.Encode(v); err != nil {
			return err
		}
	}
	return out.Flush()
}

// receipts gives the lines of an answer. Its error is one that was not given.
func receipts(r io.Reader, yield func(wire.Line, error) bool) error {
	dec := json.NewDecoder(r)
	for {
		var l wire.Line
		if err := dec.Decode(&l); err != nil {
			return fmt.Errorf("%w: %w", ErrCutOff, err)
		}
		switch {
		case l.Summary != nil:
			return nil
		case l.Index == nil && l.Error != nil:
			return fmt.Errorf("%w: %w", ErrCutOff, reason(l.Error))
		}
		if !yield(l, nil) {
			return nil
		}
	}
}
