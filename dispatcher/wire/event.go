package wire

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Events are several events in one call.
type Events struct {
	Events []dispatcher.Event `json:"events" need:"true" min:"1" max:"1000"`
}

// Receipt is the answer to events.
type Receipt struct {
	Accepted   int       `json:"accepted" doc:"new ones; they are on disk"`
	Duplicates int       `json:"duplicates" doc:"the same id with the same content was taken before"`
	Rejected   []Refusal `json:"rejected"`
}

// Refusal is one event that was not taken.
type Refusal struct {
	Index int    `json:"index" doc:"its place in the call, from 0"`
	ID    string `json:"id,omitempty"`
	Error Reason `json:"error"`
}

// EventsRefused is the answer to a call none of whose events was taken: a
// problem about the first of them, with the receipt in it.
type EventsRefused struct {
	Problem
	Receipt
}

// RejectedEvent is an event that could not be taken in.
type RejectedEvent struct {
	ID         int64     `json:"id" doc:"its number among the rejected ones"`
	Site       string    `json:"site"`
	EventID    string    `json:"event_id" doc:"its own id, as far as one could be read"`
	Payload    string    `json:"payload" doc:"the event as it came"`
	Door       string    `json:"door" doc:"the way it came: api, sql, cli or a source"`
	Code       string    `json:"code"`
	Reason     string    `json:"reason" doc:"what is wrong with it, where, and the mend"`
	ReceivedAt time.Time `json:"received_at"`
	RejectedAt time.Time `json:"rejected_at"`
}

// EventRetried says that a rejected event waits again.
type EventRetried struct {
	ID    int64  `json:"id"`
	State string `json:"state" enum:"waiting"`
}

// Line is what became of one line of an upsert. The lines' receipts come in
// their order; after the last of them comes one line with a summary. An answer
// without a summary was cut off: what it has no receipt for may be sent again.
type Line struct {
	Index   *int     `json:"index,omitempty" doc:"which line, from 0, empty ones not counted"`
	ID      string   `json:"id,omitempty" doc:"of a subscriber the site's own id, of a subscription its number"`
	Status  Fate     `json:"status,omitempty"`
	Error   *Reason  `json:"error,omitempty" doc:"why a line was rejected; in a line without index, why the rest was not looked at"`
	Summary *Summary `json:"summary,omitempty" doc:"only in the last line"`
}

// Fate says what became of a line.
type Fate string

// The fates of a line.
const (
	FateCreated  Fate = "created"
	FateUpdated  Fate = "updated"
	FateRejected Fate = "rejected"
)

// Summary counts the lines of an upsert.
type Summary struct {
	Created  int `json:"created"`
	Updated  int `json:"updated"`
	Rejected int `json:"rejected"`
}
