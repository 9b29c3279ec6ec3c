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
// a source makes it. It is remembered by (Site, ID) for 30 days. The tags doc,
// need and max are for the description of the HTTP API, which is made of these
// types.
type Event struct {
	ID           string             `json:"id" doc:"names the event, not the comment, such as c-123-published; remembered for 30 days" need:"true" max:"200"`
	Type         EventType          `json:"type" doc:"what happened" need:"true"`
	Time         time.Time          `json:"time" doc:"when it became visible" need:"true"`
	Site         string             `json:"site,omitempty" doc:"key of the site; may be left out, the call has it"`
	Thread       *EventThread       `json:"thread,omitempty" doc:"needed by all but comment.removed, author.erased and those about subscribers"`
	Comment      *EventComment      `json:"comment,omitempty" doc:"needed by comment.published, .edited and .removed"`
	Author       *EventAuthor       `json:"author,omitempty" doc:"who wrote the comment; needed by author.erased"`
	Reader       string             `json:"reader,omitempty" doc:"thread.read: the site's own id of the subscriber who has seen it up to time" max:"200"`
	Notify       *bool              `json:"notify,omitempty" doc:"false records and mails nobody"`
	Subscriber   *EventSubscriber   `json:"subscriber,omitempty" doc:"subscriber.set: as in a PUT, with id"`
	Subscription *EventSubscription `json:"subscription,omitempty" doc:"subscription.set and .ended: as in a POST"`
}

// EventThread is a thread as an event tells of it.
type EventThread struct {
	ID    string `json:"id" doc:"the site's own id" need:"true" max:"200"`
	URL   string `json:"url,omitempty" doc:"its page; must lie under the site's base URL" format:"uri" max:"2000"`
	Title string `json:"title,omitempty" doc:"shown in mails" max:"500"`
}

// EventComment is a comment as an event tells of it. HTML is sanitised when it
// is shown; Text, plain text, may stand for it.
type EventComment struct {
	ID        string    `json:"id" doc:"the site's own id" need:"true" max:"200"`
	ParentID  string    `json:"parent_id,omitempty" doc:"the comment that it answers" max:"200"`
	URL       string    `json:"url,omitempty" doc:"its place on the page" format:"uri" max:"2000"`
	HTML      string    `json:"html,omitempty" doc:"its text as HTML; sanitised when it is shown"`
	Text      string    `json:"text,omitempty" doc:"plain text, in place of html"`
	WrittenAt time.Time `json:"written_at,omitzero" doc:"when it was written, if before time"`
}

// EventAuthor is who wrote a comment. ID is empty for guests; Email, when
// given, is used only to recognise a subscriber's own comments.
type EventAuthor struct {
	ID    string `json:"id,omitempty" doc:"the site's own id; none for guests" max:"200"`
	Name  string `json:"name,omitempty" doc:"shown in mails" max:"200"`
	Email string `json:"email,omitempty" doc:"only to recognise a subscriber's own comments"`
}

// Consent is a reader's own later agreement, which alone renews what they
// ended.
type Consent struct {
	Time   time.Time `json:"time" doc:"when the reader agreed" need:"true"`
	Source string    `json:"source" doc:"where they agreed, such as \"sign-up form\"" need:"true" max:"500"`
}

// ConsentSlack is how far the clock of a back end that brings a consent may be
// ahead of ours.
const ConsentSlack = 5 * time.Minute

// EventSubscriber is the content of a subscriber.set event and of a PUT. Nil
// fields stay as they are.
type EventSubscriber struct {
	ID         string    `json:"id" doc:"the site's own id; may be left out where the path has it" max:"200"`
	Email      *string   `json:"email,omitempty" doc:"their address; a changed one must be confirmed again" format:"email"`
	Name       *string   `json:"name,omitempty" doc:"what mails call them" max:"200"`
	Locale     *string   `json:"locale,omitempty" doc:"language of their mails, BCP 47; empty for the site's" max:"35"`
	Zone       *string   `json:"time_zone,omitempty" doc:"IANA name such as Europe/Berlin; empty for the site's"`
	Schedule   *string   `json:"schedule,omitempty" doc:"cadence of subscriptions that name none; empty for the site's"`
	AuthorIDs  *[]string `json:"author_ids,omitempty" doc:"what they are called as an author of comments; replaces those there were" max:"50"`
	QuietHours *string   `json:"quiet_hours,omitempty" doc:"nothing is mailed in these hours of their day, such as 22:00-07:00; empty for none"` // "22:00-07:00", "" for none
	PausedTill *string   `json:"paused_until,omitempty" doc:"nothing is mailed until then, RFC 3339; empty for not paused"`
	Confirmed  *bool     `json:"confirmed,omitempty" doc:"true says that the address is known to be theirs; needs the right subscribers:vouch"` // true needs the right subscribers:vouch
	Consent    *Consent  `json:"consent,omitempty" doc:"their own later agreement, which alone renews what they ended"`
}

// EventSubscription is the content of subscription.set and .ended and of a
// POST.
type EventSubscription struct {
	Subscriber string   `json:"subscriber" doc:"the site's own id of the subscriber" need:"true" max:"200"`
	Target     Target   `json:"target" doc:"what is followed" need:"true"`
	Schedule   string   `json:"schedule,omitempty" doc:"a cadence of its own; left out, the subscriber's or the site's counts"`
	Mute       bool     `json:"mute,omitempty" doc:"never hear of a thread or an author, in place of a subscription"`
	Confirmed  bool     `json:"confirmed,omitempty" doc:"true says that the address is known to be theirs; needs the right subscribers:vouch"`
	Consent    *Consent `json:"consent,omitempty" doc:"their own later agreement, which alone renews what they ended"`
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
		return Invalid("type", Choose(string(e.Type), "comment.published", "comment.edited", "comment.removed", "thread.read", "thread.updated", "thread.removed",
			"author.erased", "subscriber.set", "subscription.set", "subscription.ended"), "unknown event type %q", e.Type)
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
