package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// The bounds of one call with events. The server takes 1000 and 10 MB.
const (
	batchEvents = 1000
	batchBytes  = 8 << 20
)

// Send hands in events, as many calls as it takes. What the receipt says was
// accepted is on the daemon's disk. An event's id makes a repeat harmless: send
// all of them again after an error. When some were not taken the error is a
// [*Rejected] and all others were.
func (c *Client) Send(ctx context.Context, events ...dispatcher.Event) (wire.Receipt, error) {
	total := wire.Receipt{Rejected: []wire.Refusal{}}
	var body bytes.Buffer
	n, sent := 0, 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		r, err := c.send(ctx, append(body.Bytes(), "]}"...))
		total.Accepted += r.Accepted
		total.Duplicates += r.Duplicates
		for _, no := range r.Rejected {
			no.Index += sent
			total.Rejected = append(total.Rejected, no)
		}
		sent, n = sent+n, 0
		body.Reset()
		return err
	}
	for i := range events {
		b, err := json.Marshal(&events[i])
		if err != nil {
			return total, fmt.Errorf("encode event %d: %w", i, err)
		}
		if n == batchEvents || n > 0 && body.Len()+len(b) > batchBytes {
			if err := flush(); err != nil {
				return total, err
			}
		}
		if n++; n == 1 {
			body.WriteString(`{"events":[`)
		} else {
			body.WriteByte(',')
		}
		body.Write(b)
	}
	if err := flush(); err != nil {
		return total, err
	}
	if len(total.Rejected) > 0 {
		return total, &Rejected{total}
	}
	return total, nil
}

// send makes one call. One none of whose events was taken is answered with a
// problem that has the receipt in it.
func (c *Client) send(ctx context.Context, body []byte) (wire.Receipt, error) {
	var r wire.Receipt
	b, err := c.call(ctx, &request{method: http.MethodPost, path: "/v1/events", body: body})
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusUnprocessableEntity {
		if json.Unmarshal(e.body, &r) == nil && len(r.Rejected) > 0 {
			return r, nil
		}
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read the receipt: %w", err)
	}
	return r, nil
}
