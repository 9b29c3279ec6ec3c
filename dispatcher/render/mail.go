package render

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Mail is one mail to one reader, as the caller wants it. The renderer only
// reads it. Texts may hold anything: what comes from strangers is escaped,
// sanitised and cut here.
type Mail struct {
	Kind   dispatcher.Kind
	Site   dispatcher.Site
	Locale string         // BCP 47 of the reader, "" for the site's
	Zone   *time.Location // of the reader, nil for UTC

	To         string // bare address, as given by the reader
	ToName     string // "" leaves the name out of the header
	ReaderName string // for the greeting, "" greets without a name

	Schedule string    // what the reader calls the cadence, such as "every morning"; "" says nothing
	Since    time.Time // start of the span, zero says nothing
	Groups   []Group   // threads in order; their items in reply order
	More     int       // items beyond the caller's cap
	MoreURL  string    // where to read them
	Storm    bool      // carries what the storm rule held back

	Links Links
	Draft *Parts            // in place of the template in force, for a test mail
	Data  map[string]string // what confirm, test and notice tell; see docs/templates.md

	MessageID  string    // with or without angle brackets
	References []string  // oldest first; the last is what it answers
	Date       time.Time // of the header; also the reader's "now"
	ListID     string    // such as "comments.blog.example", "" for none
	FeedbackID string    // "" for none
}

// Group is one thread's items in a mail.
type Group struct {
	Thread  dispatcher.Thread
	MuteURL string // "" offers no muting
	Items   []Item
}

// Item is one comment in a mail. Parent is what it answers, nil at the top or
// when unknown; a parent that is not visible is not quoted.
type Item struct {
	Comment *dispatcher.Comment
	Parent  *dispatcher.Comment
	Reason  dispatcher.Reason
}

// Links are this reader's own links. All are full http or https URLs; an empty
// one is left out.
type Links struct {
	Unsubscribe string // page with a button
	Scope       string // what it ends, in the reader's words, such as "the daily digest of Kleine Werkbank"
	OneClick    string // for the List-Unsubscribe header, RFC 8058; https unless on loopback
	Manage      string // page with all of the reader's choices
	View        string // page that shows the mail, and why each comment came
	Confirm     string // confirm mails only
}

// Info says what was made.
type Info struct {
	Subject         string  // decoded
	Locale          string  // of the template that was used
	TemplateVersion string  // names the template's text and language
	ContentHash     string  // 16 hex digits: SHA-256 over subject, LF and the encoded text part
	Placed          []int64 // ids of the comments that are in the mail, in order
	More            int     // items not in the mail: Mail.More and what did not fit
	HTMLSize        int     // bytes of the encoded HTML part
	UTF8            bool    // an address needs SMTPUTF8, RFC 6531
}
