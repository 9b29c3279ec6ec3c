package dispatcher

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// EventType says what happened on the site.
type EventType string

// The event types.
const (
	CommentPublished  EventType = "comment.published"
	CommentEdited     EventType = "comment.edited"
	CommentRemoved    EventType = "comment.removed"
	ThreadRead        EventType = "thread.read"
	ThreadUpdated     EventType = "thread.updated"
	ThreadRemoved     EventType = "thread.removed"
	AuthorErased      EventType = "author.erased"
	SubscriberSet     EventType = "subscriber.set"
	SubscriptionSet   EventType = "subscription.set"
	SubscriptionEnded EventType = "subscription.ended"
)

// The limits of what one event may carry. They hold at every door.
const (
	MaxPayload = 256 << 10 // bytes of one event's JSON
	MaxID      = 200       // bytes of any id
	MaxName    = 200       // runes of a person's name
	MaxTitle   = 500       // runes of a thread's title
	MaxURL     = 2000      // bytes of a URL
)

// Event is one thing that happened on a site, as it arrives at any door and as
// a source makes it. It is remembered by (Site, ID) for 30 days.
type Event struct {
	ID           string             `json:"id"`
	Type         EventType          `json:"type"`
	Time         time.Time          `json:"time"` // when it became visible
	Site         string             `json:"site,omitempty"`
	Thread       *EventThread       `json:"thread,omitempty"`
	Comment      *EventComment      `json:"comment,omitempty"`
	Author       *EventAuthor       `json:"author,omitempty"`
	Reader       string             `json:"reader,omitempty"` // thread.read: the subscriber's id
	Notify       *bool              `json:"notify,omitempty"` // false records and mails nobody
	Subscriber   *EventSubscriber   `json:"subscriber,omitempty"`
	Subscription *EventSubscription `json:"subscription,omitempty"`
}

// EventThread is a thread as an event tells of it.
type EventThread struct {
	ID    string `json:"id"`
	URL   string `json:"url,omitempty"`
	Title string `json:"title,omitempty"`
}

// EventComment is a comment as an event tells of it. HTML is sanitised when it
// is shown; Text, plain text, may stand for it.
type EventComment struct {
	ID        string    `json:"id"`
	ParentID  string    `json:"parent_id,omitempty"`
	URL       string    `json:"url,omitempty"`
	HTML      string    `json:"html,omitempty"`
	Text      string    `json:"text,omitempty"`
	WrittenAt time.Time `json:"written_at,omitzero"` // when it was written, if before Event.Time
}

// EventAuthor is who wrote a comment. ID is empty for guests; Email, when
// given, is used only to recognise a subscriber's own comments.
type EventAuthor struct {
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// Consent is a reader's own later agreement, which alone renews what they
// ended.
type Consent struct {
	Time   time.Time `json:"time"`
	Source string    `json:"source"`
}

// EventSubscriber is the content of a subscriber.set event and of a PUT. Nil
// fields stay as they are.
type EventSubscriber struct {
	ID         string    `json:"id"`
	Email      *string   `json:"email,omitempty"`
	Name       *string   `json:"name,omitempty"`
	Locale     *string   `json:"locale,omitempty"`
	Zone       *string   `json:"time_zone,omitempty"`
	Schedule   *string   `json:"schedule,omitempty"`
	AuthorIDs  *[]string `json:"author_ids,omitempty"`
	QuietHours *string   `json:"quiet_hours,omitempty"`  // "22:00-07:00", "" for none
	PausedTill *string   `json:"paused_until,omitempty"` // RFC 3339, "" for not paused
	Confirmed  *bool     `json:"confirmed,omitempty"`    // true needs the right subscribers:vouch
	Consent    *Consent  `json:"consent,omitempty"`
}

// EventSubscription is the content of subscription.set and .ended and of a
// POST.
type EventSubscription struct {
	Subscriber string   `json:"subscriber"`
	Target     Target   `json:"target"`
	Schedule   string   `json:"schedule,omitempty"`
	Mute       bool     `json:"mute,omitempty"` // a mute in place of a subscription
	Confirmed  bool     `json:"confirmed,omitempty"`
	Consent    *Consent `json:"consent,omitempty"`
}

// Hash fingerprints the event's content, so that the same id with other content
// is noticed whatever the order of the JSON's keys.
func (e *Event) Hash() string {
	c := *e
	c.Time = c.Time.UTC()
	b, err := json.Marshal(&c)
	if err != nil { // an Event holds nothing that JSON cannot write
		panic(err)
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:16])
}

// Notifies says whether a publication may mail anybody.
func (e *Event) Notifies() bool { return e.Notify == nil || *e.Notify }

// Validate checks what an event must have for its type, and the limits. Its
// error names the field and the mend.
func (e *Event) Validate() error {
	if e.ID == "" {
		return Invalid("id", "give each event an id of its own, for example \"c-123-published\"", "is missing")
	}
	if err := checkID("id", e.ID); err != nil {
		return err
	}
	if e.Time.IsZero() {
		return Invalid("time", "give the time at which it became visible, as RFC 3339 with an offset", "is missing")
	}
	if y := e.Time.Year(); y < 1990 || y > 2200 {
		return Invalid("time", "give an RFC 3339 time between 1990 and 2200", "%s is no plausible time", e.Time.Format(time.RFC3339))
	}
	switch e.Type {
	case CommentPublished, CommentEdited, CommentRemoved:
		return e.validateComment()
	case ThreadRead:
		if e.Reader == "" {
			return Invalid("reader", "give the subscriber's id", "is missing")
		}
		if err := checkID("reader", e.Reader); err != nil {
			return err
		}
		return e.validateThread(true)
	case ThreadUpdated, ThreadRemoved:
		return e.validateThread(true)
	case AuthorErased:
		if e.Author == nil || e.Author.ID == "" {
			return Invalid("author.id", "give the id of the author to erase", "is missing")
		}
		return checkID("author.id", e.Author.ID)
	case SubscriberSet:
		if e.Subscriber == nil {
			return Invalid("subscriber", "give the subscriber's fields", "is missing")
		}
		return checkRequiredID("subscriber.id", e.Subscriber.ID)
	case SubscriptionSet, SubscriptionEnded:
		if e.Subscription == nil {
			return Invalid("subscription", "give subscriber and target", "is missing")
		}
		if err := checkRequiredID("subscription.subscriber", e.Subscription.Subscriber); err != nil {
			return err
		}
		return e.Subscription.Target.Validate()
	case "":
		return Invalid("type", "use comment.published, comment.edited, comment.removed, thread.read, …", "is missing")
	default:
		return Invalid("type", "use comment.published, comment.edited, comment.removed, thread.read, thread.updated, thread.removed, author.erased, subscriber.set, subscription.set or subscription.ended", "unknown event type %q", e.Type)
	}
}

func (e *Event) validateComment() error {
	c := e.Comment
	if c == nil {
		return Invalid("comment", `give {"id": …}`, "is missing")
	}
	if err := checkRequiredID("comment.id", c.ID); err != nil {
		return err
	}
	if c.ParentID != "" {
		if err := checkID("comment.parent_id", c.ParentID); err != nil {
			return err
		}
		if c.ParentID == c.ID {
			return Invalid("comment.parent_id", "leave it out for a comment at the top", "a comment cannot answer itself")
		}
	}
	if err := checkURL("comment.url", c.URL); err != nil {
		return err
	}
	if y := c.WrittenAt.Year(); !c.WrittenAt.IsZero() && (y < 1970 || y > 2200) {
		return Invalid("comment.written_at", "give an RFC 3339 time, or leave it out", "is no plausible time")
	}
	if err := e.validateThread(e.Type != CommentRemoved); err != nil {
		return err
	}
	if e.Type != CommentRemoved && c.HTML == "" && c.Text == "" {
		return Invalid("comment.html", "give the comment's html or text", "is missing")
	}
	if c.HTML != "" && c.Text != "" {
		return Invalid("comment.text", "give html or text, not both", "stands beside html")
	}
	if a := e.Author; a != nil {
		if a.ID != "" {
			if err := checkID("author.id", a.ID); err != nil {
				return err
			}
		}
		if utf8.RuneCountInString(a.Name) > MaxName {
			return Invalid("author.name", "shorten it to "+strconv.Itoa(MaxName)+" characters", "is too long")
		}
	}
	return nil
}

func (e *Event) validateThread(required bool) error {
	if e.Thread == nil || e.Thread.ID == "" {
		if required {
			return Invalid("thread.id", "give the id of the thread", "is missing")
		}
		return nil
	}
	if err := checkID("thread.id", e.Thread.ID); err != nil {
		return err
	}
	if utf8.RuneCountInString(e.Thread.Title) > MaxTitle {
		return Invalid("thread.title", "shorten it to "+strconv.Itoa(MaxTitle)+" characters", "is too long")
	}
	return checkURL("thread.url", e.Thread.URL)
}

func checkRequiredID(field, id string) error {
	if id == "" {
		return Invalid(field, "give the site's own id", "is missing")
	}
	return checkID(field, id)
}

func checkID(field, id string) error {
	if len(id) > MaxID {
		return Invalid(field, "use an id of at most "+strconv.Itoa(MaxID)+" bytes", "is %d bytes long", len(id))
	}
	if !utf8.ValidString(id) {
		return Invalid(field, "send UTF-8", "is not valid UTF-8")
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Invalid(field, "use an id without control characters", "has a control character")
	}
	return nil
}

func checkURL(field, u string) error {
	switch {
	case u == "":
		return nil
	case len(u) > MaxURL:
		return Invalid(field, "use a URL of at most "+strconv.Itoa(MaxURL)+" bytes", "is %d bytes long", len(u))
	case !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://"):
		return Invalid(field, "give a full http or https URL", "%q is no web address", u)
	case strings.ContainsFunc(u, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '<' || r == '>' || r == '"' }):
		return Invalid(field, "percent-encode it", "has a character that no URL may have")
	}
	return nil
}
