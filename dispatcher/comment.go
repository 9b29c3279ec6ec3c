package dispatcher

import "time"

// Visibility is the present state of a comment.
type Visibility string

// The visibilities. Held comments wait for moderation.
const (
	Visible Visibility = "visible"
	Held    Visibility = "held"
	Removed Visibility = "removed"
)

// Thread is a page that people comment on.
type Thread struct {
	ID         int64
	Site       string
	ExternalID string
	URL        string
	Title      string
	Revision   int64     // moves with each change of what readers see
	RemovedAt  time.Time // zero while it stands
}

// Comment is the present state of one comment, whichever door told of it.
type Comment struct {
	ID          int64
	Site        string
	ExternalID  string
	Thread      int64
	ParentID    string // the site's id of the parent, "" at the top
	Parent      int64  // ours, zero at the top and while the parent is unknown
	AuthorKey   Key
	AddressKey  Key
	AuthorID    string // the site's id, "" for guests
	AuthorName  string
	HTML        string // as it arrived; sanitised where it is shown
	Plain       bool   // HTML holds plain text
	URL         string
	State       Visibility
	StateTime   time.Time // event time of the last state; the later time wins
	ContentTime time.Time // event time of the last text
	WrittenAt   time.Time
	PublishedAt time.Time // became visible
	ArrivedAt   time.Time
	EditedAt    time.Time // zero when never edited after publication
	Revision    int64     // moves with each change of what readers see
	Position    int64     // in the log; zero while not settled or never to be
}
