package dispatcher

import (
	"crypto/sha256"
	"encoding/binary"
)

// TargetType says what a subscription follows.
type TargetType string

// The target types.
const (
	TargetSite    TargetType = "site"    // every comment of the site
	TargetThread  TargetType = "thread"  // every comment of a thread
	TargetComment TargetType = "comment" // all that is below a comment
	TargetAuthor  TargetType = "author"  // all that an author writes
	TargetReplies TargetType = "replies" // answers to the subscriber's own comments
)

// Depth says how far below the subscriber's own comments a replies target
// reaches.
type Depth string

// The depths of a [TargetReplies].
const (
	DepthDirect Depth = "direct" // direct answers only
	DepthAny    Depth = "any"    // everything below them
)

// Target is what a subscription or a mute names. ID is the site's own id; it
// is empty for site and replies targets. Depth is set for replies only.
type Target struct {
	Type  TargetType `json:"type" doc:"thread: every comment of it; comment: all that is below it; author: all that they write; replies: answers to the subscriber's own comments; site: everything" need:"true"`
	ID    string     `json:"id,omitempty" doc:"the site's own id; none for replies and site" max:"200"`
	Depth Depth      `json:"depth,omitempty" doc:"of replies: direct answers (default), or everything below the subscriber's own comments"`
}

// Validate checks the target and fills the depth of a replies target.
func (t *Target) Validate() error {
	switch t.Type {
	case TargetThread, TargetComment, TargetAuthor:
		if t.ID == "" {
			return Invalid("target.id", "give the site's own id of the "+string(t.Type), "a %s target needs an id", t.Type)
		}
		if err := checkID("target.id", t.ID); err != nil {
			return err
		}
		if t.Depth != "" {
			return Invalid("target.depth", "leave it out, or use type \"replies\"", "only a replies target has a depth")
		}
	case TargetSite, TargetReplies:
		if t.ID != "" {
			return Invalid("target.id", "leave it out", "a %s target has no id", t.Type)
		}
		if t.Type == TargetSite && t.Depth != "" {
			return Invalid("target.depth", "leave it out, or use type \"replies\"", "only a replies target has a depth")
		}
		if t.Type == TargetReplies {
			switch t.Depth {
			case "":
				t.Depth = DepthDirect
			case DepthDirect, DepthAny:
			default:
				return Invalid("target.depth", `use "direct" or "any"`, "unknown depth %q", t.Depth)
			}
		}
	case "":
		return Invalid("target.type", "use thread, comment, author, replies or site", "is missing")
	default:
		return Invalid("target.type", Choose(string(t.Type), "thread", "comment", "author", "replies", "site"), "unknown target type %q", t.Type)
	}
	return nil
}

// Key identifies one thing of one site (a thread, a comment, an author, an
// address) in 64 bits, so that a window of a day fits in memory. It is cut from
// SHA-256 of the kind and the names: stable across daemons and databases. Zero
// means "none".
type Key int64

func keyOf(kind, site, id string) Key {
	h := sha256.New()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write([]byte(site))
	h.Write([]byte{0})
	h.Write([]byte(id))
	k := Key(binary.BigEndian.Uint64(h.Sum(nil)))
	if k == 0 {
		k = 1
	}
	return k
}

// SiteKey is the key of a whole site.
func SiteKey(site string) Key { return keyOf("site", site, "") }

// ThreadKey is the key of a thread by the site's own id.
func ThreadKey(site, id string) Key { return keyOf("thread", site, id) }

// CommentKey is the key of a comment by the site's own id.
func CommentKey(site, id string) Key { return keyOf("comment", site, id) }

// AuthorKey is the key of an author by the site's own id; zero for "".
func AuthorKey(site, id string) Key {
	if id == "" {
		return 0
	}
	return keyOf("author", site, id)
}

// AddressKey is the key of a normalised mail address; zero for "". A guest who
// has no author id is recognised by it.
func AddressKey(site, normalized string) Key {
	if normalized == "" {
		return 0
	}
	return keyOf("address", site, normalized)
}

// TargetKey is the key under which a subscription to the target is found. A
// replies target has none of its own (zero): it follows the subscriber's
// author keys.
func TargetKey(site string, t Target) Key {
	switch t.Type {
	case TargetSite:
		return SiteKey(site)
	case TargetThread:
		return ThreadKey(site, t.ID)
	case TargetComment:
		return CommentKey(site, t.ID)
	case TargetAuthor:
		return AuthorKey(site, t.ID)
	default:
		return 0
	}
}
