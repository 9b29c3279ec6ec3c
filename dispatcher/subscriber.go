package dispatcher

import (
	"crypto/sha256"
	"time"
)

// Buckets is the number of fixed slices of all subscribers: the unit of
// locking and of future partitioning.
const Buckets = 256

// BucketOf gives the bucket of a subscriber by site and normalised address.
func BucketOf(site, address string) int {
	h := sha256.Sum256([]byte(site + "\x00" + address))
	return int(h[0])
}

// Subscriber is one address on one site.
type Subscriber struct {
	ID          int64
	Site        string
	Bucket      int
	ExternalIDs []string // the site's own ids; the first came first
	Email       string   // as given
	Address     string   // normalised, for comparing
	Name        string
	Locale      string // BCP 47, "" for the site's
	Zone        string // IANA, "" for the site's
	Schedule    string // its default cadence, "" for the site's
	Quiet       Quiet
	PausedUntil time.Time // zero when not paused
	ConfirmedAt time.Time // zero while the address is not confirmed
	AuthorIDs   []string
	Revision    int64     // moves with each change that selection could see
	Generation  int64     // of its tokens; raising it voids older links
	EndedAt     time.Time // the reader ended everything at this time
	CreatedAt   time.Time
}

// Subscription is one subscriber's wish to hear of one target.
type Subscription struct {
	ID          int64
	Subscriber  int64
	Target      Target
	Key         Key    // TargetKey
	Schedule    string // effective cadence
	OwnSchedule bool   // set for this subscription, not inherited
	Since       int64  // the log's head when it was asked for
	AskedAt     time.Time
	ConfirmedAt time.Time // zero while pending
	EndedAt     time.Time // zero while live
	EndedBy     EndedBy
}

// EndedBy says who ended a subscription.
type EndedBy string

// Who may end a subscription. What the reader or a complaint ended no back end
// renews without a later consent.
const (
	EndedByReader    EndedBy = "reader"
	EndedByComplaint EndedBy = "complaint"
	EndedBySite      EndedBy = "site"
	EndedByLapse     EndedBy = "lapse" // never confirmed
)

// Live says whether the subscription can match now.
func (s *Subscription) Live() bool { return s.EndedAt.IsZero() && !s.ConfirmedAt.IsZero() }

// ConfirmWindow is how long an unconfirmed subscription waits before it lapses.
const ConfirmWindow = 7 * 24 * time.Hour

// Mute is a thread or an author a reader never hears of.
type Mute struct {
	Subscriber int64
	Target     Target
	Key        Key
}
