package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// split cuts a body into its events' texts: one event, {"events": […]}, or one
// event a line. single says that it was one event.
func split(body []byte, contentType string) (raws [][]byte, single bool, err error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))) // a byte order mark of a file
	if len(body) == 0 {
		return nil, false, dispatcher.Invalid("", `send one event, {"events": […]}, or one event a line`, "the body is empty")
	}
	if isLined(contentType) || isLines(body) {
		return lines(body), false, nil
	}
	if body[0] == '[' {
		return nil, false, dispatcher.Invalid("", `send {"events": […]}`, "a list stands where an object belongs")
	}
	if !bytes.Contains(body, []byte(`"events"`)) {
		return [][]byte{body}, true, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields["events"] == nil || fields["type"] != nil {
		return [][]byte{body}, true, nil // one event; what is wrong with it is said where it is read
	}
	var batch struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := web.Decode(body, &batch); err != nil && !web.HasNUL(body) {
		return nil, false, err
	}
	if batch.Events == nil {
		if err := json.Unmarshal(fields["events"], &batch.Events); err != nil {
			return nil, false, dispatcher.Invalid("events", "send a list of events", "is no list")
		}
	}
	switch n := len(batch.Events); {
	case n == 0:
		return nil, false, dispatcher.Invalid("events", "send at least one event", "is empty")
	case n > MaxBatch:
		return nil, false, &dispatcher.Error{Code: dispatcher.CodeTooLarge, Field: "events", Message: fmt.Sprintf("has %d events, %d are allowed", n, MaxBatch), Mend: "send them in several requests"}
	}
	raws = make([][]byte, len(batch.Events))
	for i := range batch.Events {
		raws[i] = batch.Events[i]
	}
	return raws, false, nil
}

// isLined says that a media type means one JSON value a line.
func isLined(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines":
		return true
	}
	return false
}

// isLines says that a body without such a type is one value a line all the
// same: its first line is one, and more follows.
func isLines(body []byte) bool {
	first, rest, found := bytes.Cut(body, []byte("\n"))
	return found && len(bytes.TrimSpace(rest)) > 0 && body[0] == '{' && json.Valid(first)
}

// lines cuts a body at its line feeds. Empty lines are passed over.
func lines(body []byte) [][]byte {
	var out [][]byte
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, line)
		}
	}
	return out
}

// read reads one event for a site, and says what the key may not send.
func read(raw []byte, site string, key store.Key) (dispatcher.Event, error) {
	var e dispatcher.Event
	if len(raw) > dispatcher.MaxPayload {
		return e, &dispatcher.Error{Code: dispatcher.CodeTooLarge, Message: fmt.Sprintf("the event has %d bytes, %d are allowed", len(raw), dispatcher.MaxPayload),
			Mend: "send the comment's text without embedded files"}
	}
	if err := web.Decode(raw, &e); err != nil {
		return e, err
	}
	if e.Site != "" && e.Site != site {
		return e, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "site", Message: fmt.Sprintf("the event names the site %q but came for %q", e.Site, site),
			Mend: "leave site out, or use a key of that site"}
	}
	e.Site = site
	if err := e.Validate(); err != nil {
		return e, err
	}
	switch e.Type {
	case dispatcher.SubscriberSet, dispatcher.SubscriptionSet, dispatcher.SubscriptionEnded:
		if !key.May(store.RightSubscriptions) {
			return e, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "type", Message: fmt.Sprintf("the key may not send %s", e.Type), Mend: "use a key with the right subscriptions:write"}
		}
	}
	return e, storable(&e, len(raw))
}

// storable refuses an event that grows over the limit when it is written anew
// with every < of its HTML escaped.
func storable(e *dispatcher.Event, raw int) error {
	const growth = 6
	if raw*growth < dispatcher.MaxPayload {
		return nil
	}
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	if len(b) > dispatcher.MaxPayload {
		return &dispatcher.Error{Code: dispatcher.CodeTooLarge, Field: "comment", Message: fmt.Sprintf("the event has %d bytes as it is stored, %d are allowed", len(b), dispatcher.MaxPayload),
			Mend: "send the comment's text without embedded files"}
	}
	return nil
}

// idOf finds the id of an event that could not be read, for the list of
// rejected ones.
func idOf(raw []byte) string {
	var e struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(raw, &e) // broken JSON has none
	id := strings.Trim(string(e.ID), `"`)
	if len(id) > dispatcher.MaxID {
		id = id[:dispatcher.MaxID]
	}
	return id
}
