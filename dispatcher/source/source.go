// Package source is the first stage of the line: it reads what people wrote on
// a site and puts it into the inbox.
//
// A [Source] is an adapter for one kind of site. It knows how to ask, and tells
// what it sees: "comment 17 stands there and reads so". It does not remember.
// The [Poller] does: it compares what was seen with a [Ledger] of what was seen
// before, makes an event of each difference, and commits the events, the
// ledger and the source's cursor in one transaction through its [Store]. So a
// round may be killed anywhere and done again, an approval that comes days late
// is found, and no comment is told of twice.
//
// Three guards keep old comments out of people's mail: the first round of a
// source only records (its baseline), a comment older than the source's MaxAge
// is recorded and not mailed, and a jump far above the usual pauses the source
// until somebody has looked.
//
// [Fetcher] is the HTTP client for adapters: bounded in size and time, and
// refusing private addresses.
package source

import (
	"context"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Source reads one site's comments. Its methods are called by one goroutine at
// a time, but the next call may come from another daemon: what must survive
// belongs into the cursor, and anything kept in memory must be dispensable.
//
// Errors that a person can mend are [dispatcher.Error]s. An error that knows
// when to try again has a method RetryAfter() time.Duration.
type Source interface {
	// Poll reads what is new or may have changed since the cursor. Telling of
	// a comment again is harmless; leaving one out for good is not.
	//
	// A Batch may come together with an error: what it holds is committed, and
	// the error counts for the back-off. With a nil Batch.Cursor the batch is
	// empty.
	Poll(ctx context.Context, r Round) (Batch, error)

	// Look asks for the present state of some comments by id. A comment that
	// is known to be gone is told of as removed; one whose state could not be
	// found out is left out.
	Look(ctx context.Context, ids []string) ([]Comment, error)

	// Fill completes comments that are about to be told of with what a list
	// does not say, such as the thread's title.
	Fill(ctx context.Context, comments []*Comment) error
}

// Round is what a [Source] is given for one Poll.
type Round struct {
	Cursor []byte    // as the last committed batch left it; nil at the first attach
	Now    time.Time // the round's instant, UTC
	Known  Known     // what is known of this source's comments
}

// Known is what a [Source] may ask the ledger about its own comments.
type Known interface {
	// Recent gives the comments written at or after from that were visible or
	// held when last seen, in no particular order.
	Recent(ctx context.Context, from time.Time) ([]Seen, error)
}

// Batch is what one Poll saw. It should stay at some hundred comments; More
// brings the next.
type Batch struct {
	Comments []Comment // in any order; the last of several with one id counts
	Cursor   []byte    // where to go on; opaque to everybody else
	More     bool      // poll again at once, there is more to read
	Warning  string    // what an admin should know though nothing failed, such as a refused password
}

// Comment is what a source sees of one comment.
type Comment struct {
	ID       string // the site's own id
	ParentID string // "" at the top
	State    dispatcher.Visibility
	Thread   dispatcher.EventThread // at least the id, for a visible comment
	Author   dispatcher.EventAuthor // never an id that several people share
	URL      string
	HTML     string // or
	Text     string

	WrittenAt   time.Time // when it was written
	PublishedAt time.Time // when it became visible; zero when the site does not tell
	UpdatedAt   time.Time // when it was last changed; zero when the site does not tell
}
