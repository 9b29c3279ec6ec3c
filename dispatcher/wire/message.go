package wire

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Message is a mail as the API tells of it.
type Message struct {
	ID         int64            `json:"id"`
	Kind       dispatcher.Kind  `json:"kind"`
	Subscriber string           `json:"subscriber,omitempty" doc:"the site's own id; none when they were erased"`
	Address    string           `json:"address,omitempty" doc:"of mails that have no subscriber"`
	State      dispatcher.State `json:"state"`
	Why        string           `json:"why,omitempty" doc:"of a state that needs a reason"`
	Schedule   string           `json:"schedule,omitempty"`
	Items      []MessageItem    `json:"items"`
	More       int              `json:"more,omitempty" doc:"comments beyond the cap, counted and linked"`
	Storm      bool             `json:"storm,omitempty" doc:"it carries what was held back while a thread was too busy"`
	Attempts   int              `json:"attempts"`
	CreatedAt  time.Time        `json:"created_at,omitzero"`
	DueAt      time.Time        `json:"due_at,omitzero"`
	DoneAt     time.Time        `json:"done_at,omitzero"`
	History    []Attempt        `json:"history,omitempty" doc:"each try; only of a single mail"`
}

// MessageItem is one comment in a mail.
type MessageItem struct {
	Comment string `json:"comment,omitempty" doc:"the site's own id; none when it is no longer known"`
	Number  int64  `json:"number" doc:"Hearback's own number"`
	Reason  string `json:"reason" doc:"why it reaches this reader: reply, subtree, thread, author or site"`
}

// Attempt is one try to hand a mail to a relay.
type Attempt struct {
	Number          int                `json:"number"`
	At              time.Time          `json:"at"`
	Relay           string             `json:"relay"`
	Outcome         dispatcher.Outcome `json:"outcome"`
	Code            int                `json:"code,omitempty" doc:"SMTP reply code"`
	Enhanced        string             `json:"enhanced,omitempty" doc:"RFC 3463 status"`
	Text            string             `json:"text" doc:"the server's words, or what broke"`
	Milliseconds    int64              `json:"milliseconds"`
	TemplateVersion string             `json:"template_version,omitempty"`
	ContentHash     string             `json:"content_hash,omitempty"`
}

// MessageRetried says that a mail is due again.
type MessageRetried struct {
	ID    int64            `json:"id"`
	State dispatcher.State `json:"state"`
}

// Explanation says why a reader got a comment or did not, from the same rules
// that select it.
type Explanation struct {
	Site          string                  `json:"site"`
	Subscriber    string                  `json:"subscriber"`
	Comment       string                  `json:"comment"`
	Verdict       Verdict                 `json:"verdict"`
	Why           string                  `json:"why,omitempty" doc:"a stable code"`
	Reason        string                  `json:"reason,omitempty" doc:"why it reaches this reader"`
	Sentence      string                  `json:"sentence" doc:"the answer in words"`
	State         *ExplainedComment       `json:"state,omitempty" doc:"none when nobody told of the comment"`
	Subscriptions []ExplainedSubscription `json:"subscriptions" doc:"those that lead to the comment"`
	Mutes         []dispatcher.Target     `json:"mutes,omitempty"`
	ReadUpTo      time.Time               `json:"read_up_to,omitzero" doc:"how far they read the thread on the site"`
	Messages      []ExplainedMessage      `json:"messages,omitempty" doc:"mails that carry it"`
	Holds         []ExplainedHold         `json:"holds,omitempty" doc:"holds that reach back to it"`
}

// Verdict is the short answer of an [Explanation].
type Verdict string

// The verdicts.
const (
	VerdictSent     Verdict = "sent"
	VerdictWillBe   Verdict = "will_be_sent"
	VerdictHeld     Verdict = "held"
	VerdictNot      Verdict = "not_sent"
	VerdictUnknown  Verdict = "unknown_comment"
	VerdictNoReader Verdict = "unknown_subscriber"
)

// ExplainedComment is the state of the comment.
type ExplainedComment struct {
	Visibility  dispatcher.Visibility `json:"visibility"`
	Unmailed    dispatcher.Unmailed   `json:"unmailed,omitempty" doc:"why it mails nobody"`
	PublishedAt time.Time             `json:"published_at,omitzero"`
	SettlesAt   time.Time             `json:"settles_at,omitzero" doc:"until then its author can mend or remove it"`
	Position    int64                 `json:"position,omitempty" doc:"in the log"`
	Own         bool                  `json:"own,omitempty" doc:"the reader wrote it"`
}

// ExplainedSubscription is a subscription that leads to the comment.
type ExplainedSubscription struct {
	ID       int64             `json:"id"`
	Target   dispatcher.Target `json:"target"`
	Schedule string            `json:"schedule"`
	Why      dispatcher.Why    `json:"why,omitempty" doc:"why it does not count"`
	Reason   string            `json:"reason,omitempty"`
	Ended    time.Time         `json:"ended_at,omitzero"`
}

// ExplainedMessage is a mail that carries the comment.
type ExplainedMessage struct {
	ID        int64            `json:"id"`
	Kind      dispatcher.Kind  `json:"kind"`
	Schedule  string           `json:"schedule"`
	State     dispatcher.State `json:"state"`
	Why       string           `json:"why,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
	DueAt     time.Time        `json:"due_at,omitzero"`
	DoneAt    time.Time        `json:"done_at,omitzero"`
	Attempts  int              `json:"attempts"`
	LastWords string           `json:"last_words,omitempty" doc:"of the server"`
}

// ExplainedHold is a hold that reaches back to the comment.
type ExplainedHold struct {
	Schedule  string                `json:"schedule"`
	Reason    dispatcher.HoldReason `json:"reason"`
	NotBefore time.Time             `json:"not_before"`
}
