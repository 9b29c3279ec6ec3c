package dispatcher

import "time"

// Kind is what a mail is for; it chooses the template.
type Kind string

// The kinds of mail.
const (
	KindReply   Kind = "reply"   // immediate: one thread's comments
	KindDigest  Kind = "digest"  // one slot's items
	KindConfirm Kind = "confirm" // double opt-in
	KindLink    Kind = "link"    // a fresh link to the reader's own page
	KindTest    Kind = "test"    // an admin's test mail
	KindNotice  Kind = "notice"  // tells the admin that something is wrong
)

// Reason says why a comment reaches a reader. A smaller value is stronger.
type Reason int

// The reasons, strongest first.
const (
	ReasonReply   Reason = 1 + iota // an answer to the reader
	ReasonSubtree                   // below a comment the reader follows, or below one of theirs
	ReasonThread
	ReasonAuthor
	ReasonSite
)

var reasonNames = [...]string{"", "reply", "subtree", "thread", "author", "site"}

// String gives the reason's stable name.
func (r Reason) String() string {
	if r < 1 || int(r) >= len(reasonNames) {
		return "none"
	}
	return reasonNames[r]
}

// Item is one comment in a digest.
type Item struct {
	Comment  int64
	Position int64
	Reason   Reason
}

// State is where a message stands.
type State string

// The states of a message, DESIGN "Outcomes".
const (
	StateDue        State = "due"        // waits for a worker
	StateSending    State = "sending"    // claimed by an owner that holds a lease
	StateSent       State = "sent"       // the relay took it
	StateDeferred   State = "deferred"   // refused for now or the connection broke early; due again later
	StateFailed     State = "failed"     // refused for good
	StateUnknown    State = "unknown"    // the connection broke after the final dot, and it was not sent again
	StateCancelled  State = "cancelled"  // nothing left to say, or the reader left; see Why
	StateSuppressed State = "suppressed" // the address is on the suppression list
)

// Message is one mail to one reader.
type Message struct {
	ID         int64
	Site       string
	Kind       Kind
	Bucket     int
	Subscriber int64  // zero for test mails and notices
	Address    string // where to, for mails that have no subscriber
	Slot       int64  // zero for confirm, test and notice
	Schedule   string
	Thread     int64     // the one thread of an immediate mail, zero for digests
	Items      []Item    // frozen at selection; what was really sent afterwards
	More       int       // items beyond the cap
	Storm      bool      // carries what the storm rule held back
	Since      time.Time // start of the slot's span, for "since …"
	Revision   int64     // of the subscriber, when it was selected
	Data       string    // JSON for kinds that carry their own data
	State      State
	Why        string // of a state that needs a reason
	Priority   int    // smaller is sent first
	DueAt      time.Time
	Attempts   int  // charged ones
	Resent     bool // was re-sent once after an unknown outcome
	Owner      int64
	CreatedAt  time.Time
	SentAt     time.Time
}

// Priorities of messages.
const (
	PriorityConfirm   = 0
	PriorityImmediate = 1
	PriorityDigest    = 2
)

// Attempt is one try to hand a message to a relay, with the server's words.
type Attempt struct {
	Message         int64
	Number          int
	At              time.Time
	Relay           string
	Outcome         Outcome
	Code            int    // SMTP reply code, zero when no reply came
	Enhanced        string // RFC 3463 status, "" when the reply had none
	Text            string // the server's words, or what broke
	Duration        time.Duration
	TemplateVersion string
	ContentHash     string
}

// Outcome classifies what really happened to an attempt.
type Outcome string

// The outcomes.
const (
	OutcomeSent     Outcome = "sent"     // 250 to the final dot
	OutcomeDeferred Outcome = "deferred" // 4xx, or lost before the final dot was written
	OutcomeFailed   Outcome = "failed"   // 5xx
	OutcomeUnknown  Outcome = "unknown"  // lost after the final dot
)
