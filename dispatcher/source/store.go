package source

import (
	"context"
	"time"

	"github.com/hearback/hearback/dispatcher/ledger"
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

// KeepSeen is [ledger.KeepSeen].
const KeepSeen = ledger.KeepSeen

// Errors of a [Store].
var (
	ErrLeased    = ledger.ErrLeased
	ErrLeaseLost = ledger.ErrLeaseLost
)

// The words that the poller and its store share.
type (
	State     = ledger.State
	Progress  = ledger.Progress
	Wish      = ledger.Wish
	Lease     = ledger.Lease
	Admit     = ledger.Admit
	Order     = ledger.Order
	OrderKind = ledger.OrderKind
	Seen      = ledger.Seen
	Row       = ledger.Row
	Commit    = ledger.Commit
)

// The choices at a Resume, and the orders.
const (
	AdmitNone   = ledger.AdmitNone
	AdmitNotify = ledger.AdmitNotify
	AdmitRecord = ledger.AdmitRecord
	OrderPause  = ledger.OrderPause
	OrderResume = ledger.OrderResume
	OrderPoll   = ledger.OrderPoll
)
