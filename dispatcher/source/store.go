package source

import (
	"context"
	"errors"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Store keeps the sources' states and takes what a round found. Its methods
// are safe for concurrent use by several daemons.
type Store interface {
	// States gives the state of every source that was ever claimed or ordered.
	States(ctx context.Context) ([]State, error)

	// Claim takes the source's lease for holder, until now+ttl, and gives the
	// state with the term to commit under, which grows by one with each Claim.
	// It makes the state of a source that has none. While another holder has
	// an unexpired lease, the error is [ErrLeased].
	Claim(ctx context.Context, source, holder string, now time.Time, ttl time.Duration) (State, error)

	// Renew moves the end of a lease that is held under term, and gives the
	// state. If the term has passed or the lease was released, the error is
	// [ErrLeaseLost].
	Renew(ctx context.Context, source string, term int64, until time.Time) (State, error)

	// Commit writes a round's finding, all of it or nothing, after checking in
	// the same transaction that the term is still the source's; else the error
	// is [ErrLeaseLost].
	Commit(ctx context.Context, c Commit) error

	// Order writes an admin's wish, whoever holds the lease.
	Order(ctx context.Context, o Order) error
}

// Ledger remembers the comments that sources have seen. [Store.Commit] writes
// it. Rows may be purged once CheckedAt is longer ago than [KeepSeen].
type Ledger interface {
	// Seen gives those of the ids (at most 500) that were seen before.
	Seen(ctx context.Context, source string, ids []string) ([]Seen, error)

	// Recent gives up to limit comments with WrittenAt >= from and state
	// visible or held, whose id is greater than after, in ascending order of
	// their id as bytes.
	Recent(ctx context.Context, source string, from time.Time, after string, limit int) ([]Seen, error)
}

// KeepSeen is how long a comment that is no longer met stays in the ledger: as
// long as digests may still carry it, and longer than event ids are remembered.
const KeepSeen = 60 * 24 * time.Hour

// Errors of a [Store].
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

// The orders, and what a [Store] does for them.
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
