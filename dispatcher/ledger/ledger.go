// Package ledger is what is kept of each source: how far it was read, what an
// admin wants of it, who polls it, and which comments it has shown. The poller
// writes it through its store; the two share these words and nothing else.
package ledger

import (
	"errors"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// KeepSeen is how long a comment that is no longer met stays in the ledger: as
// long as digests may still carry it, and longer than event ids are remembered.
const KeepSeen = 60 * 24 * time.Hour

// Errors of a store of sources.
var (
	ErrLeased    = errors.New("another daemon is polling this source")
	ErrLeaseLost = errors.New("the source's lease has gone to another daemon")
)

// State is one row per source. Progress is written by Commit, Wish by Order
// (and by a Commit that pauses), Lease by Claim.
type State struct {
	Source string
	Progress
	Wish
	Lease
}

// Progress is how far a source has been read. The zero value is a source that
// was never polled.
type Progress struct {
	Cursor     []byte
	Baseline   bool          // the first attach is complete
	AttachedAt time.Time     // start of the first round
	NextPoll   time.Time     // when the next round is due
	Interval   time.Duration // present distance of rounds, without jitter
	LastPoll   time.Time     // start of the last round that ended, well or not
	LastOK     time.Time     // start of the last round that ended well
	Errors     int           // rounds that failed since then
	LastError  string        // what the last failed round said; "" after a good one
	Warning    string        // what the source wants an admin to know; "" for nothing
	Rate       float64       // new comments per hour, a moving average
	Admitted   time.Time     // AdmitAt of the last Resume that was carried out to the end
}

// Wish is what an admin wants of a source.
type Wish struct {
	Paused      bool
	PauseReason string
	PausedAt    time.Time
	Admit       Admit     // what becomes of the comments that a pause held back
	AdmitAt     time.Time // when Admit was said; active while later than Admitted
	PollAsked   time.Time // a round is due if this is later than LastPoll
}

// Lease says who polls a source.
type Lease struct {
	Holder string // "" when free
	Term   int64
	Until  time.Time
}

// Admit says what becomes of the comments that a pause held back.
type Admit string

// The choices at a Resume.
const (
	AdmitNone   Admit = ""       // they pass the guards again
	AdmitNotify Admit = "notify" // they are told of as usual
	AdmitRecord Admit = "record" // they are recorded and nobody is mailed
)

// Order is an admin's wish, as it is stored.
type Order struct {
	Source string
	Kind   OrderKind
	At     time.Time
	Reason string // of a pause
	Admit  Admit  // of a resume
}

// OrderKind says what an [Order] asks for.
type OrderKind string

// The orders, and what a store does for them.
const (
	OrderPause  OrderKind = "pause"  // Paused true, PauseReason Reason, PausedAt At
	OrderResume OrderKind = "resume" // Paused false, PauseReason "", Admit Admit, AdmitAt At, PollAsked At
	OrderPoll   OrderKind = "poll"   // PollAsked At
)

// Seen is one row of the ledger: what was last seen of a comment. The key is
// (source, Comment).
type Seen struct {
	Comment   string // the site's id
	Thread    string // the site's id
	Parent    string // the site's id, "" at the top
	State     dispatcher.Visibility
	Hash      string    // of the text, hexadecimal
	Change    int64     // events made of it so far; part of the next event's id
	Time      time.Time // of the last event; zero without one
	WrittenAt time.Time
	CheckedAt time.Time // when it was last met; moved at most once a day without a change
}

// Row is one event for the inbox: Payload is the JSON of the
// [dispatcher.Event]. (Site, EventID) is unique there; a row that is already in
// the inbox or among the remembered event ids is left as it is.
type Row struct {
	Site    string
	EventID string
	Payload []byte
}

// Commit is what a round writes.
type Commit struct {
	Source   string
	Term     int64
	Now      time.Time
	Rows     []Row  // in the order in which the inbox shall take them
	Seen     []Seen // replaces the rows of the same comments
	Progress Progress
	Pause    string // with a reason: Paused true, PauseReason Pause, PausedAt Now
	Release  bool   // free the lease (Holder "", Until zero); the term stays
}
