// Package token makes and checks the links in mails.
//
// A link carries a short text in place of a login. It says who it is for (a
// subscriber of a site, by number, never by address), what it is good for (its
// [Scope]) and until when, sealed with HMAC-SHA-256. Nothing is stored: a link
// in a mail of last year is checked with the key that signed it.
//
// The story of one link: a [Signer] writes it into a mail, a reader opens it,
// [Signer.Verify] gives its [Claims] back, and [Claims.Check] holds them
// against the subscriber as it is now. Scopes that can only end or quieten
// something never expire, since a reader must always be able to leave; the
// others run out.
//
// A text is, in base64url without padding (RFC 4648 §5):
//
//	version and scope  1 byte
//	key id             2 bytes
//	subscriber, generation, ref, expiry in minutes: varints
//	site               1 byte of length, then the key
//	seal               the first 16 bytes of HMAC-SHA-256 over all above
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Scope says what a link is good for. The numbers are part of the links in
// readers' mailboxes and never change.
type Scope uint8

// The scopes.
const (
	Unsubscribe Scope = 1 // ends, or undoes that; Ref is the message it stood in; never expires
	Manage      Scope = 2 // the page with all of a reader's subscriptions; 90 days
	Confirm     Scope = 3 // confirms an address and what was asked for with it; 7 days
	Fresh       Scope = 4 // erase, export and a new address; freshly mailed, 1 hour
	MuteThread  Scope = 5 // mutes one thread or undoes that; Ref is the thread; never expires
	MuteAuthor  Scope = 6 // mutes one author or undoes that; Ref is a comment of theirs; never expires
	View        Scope = 7 // shows one mail and why it came; Ref is the message; 90 days
)

// String gives the scope's name.
func (s Scope) String() string {
	switch s {
	case Unsubscribe:
		return "unsubscribe"
	case Manage:
		return "manage"
	case Confirm:
		return "confirm"
	case Fresh:
		return "fresh"
	case MuteThread:
		return "mute-thread"
	case MuteAuthor:
		return "mute-author"
	case View:
		return "view"
	}
	return "none"
}

// Lifetime is how long a link of the scope works. Zero means for ever.
func (s Scope) Lifetime() time.Duration {
	switch s {
	case Manage, View:
		return 90 * 24 * time.Hour
	case Confirm:
		return dispatcher.ConfirmWindow
	case Fresh:
		return time.Hour
	}
	return 0
}

// Claims is what a link says.
type Claims struct {
	Scope      Scope
	Site       string    // the site's key, at most [MaxSite] bytes
	Subscriber int64     // the subscriber's number
	Generation int64     // the subscriber's when the link was made
	Ref        int64     // what the scope is about, see the scopes; zero for none
	Expires    time.Time // in UTC, on a full minute; zero for never
}

// MaxSite is the longest site key a link can carry, in bytes. With it, and
// with numbers below 2^35, a text stays below 80 characters.
const MaxSite = 24

// New gives the claims of a link made at now: the subscriber's site, number
// and generation, and the scope's lifetime.
func New(scope Scope, sub *dispatcher.Subscriber, ref int64, now time.Time) Claims {
	c := Claims{Scope: scope, Site: sub.Site, Subscriber: sub.ID, Generation: sub.Generation, Ref: ref}
	if life := scope.Lifetime(); life > 0 {
		c.Expires = now.Add(life)
	}
	return c
}

// Check holds verified claims against the subscriber they name, as it is now.
// Another site or number is [Forged]. A generation that was raised since makes
// manage, confirm, fresh and view links [Outdated]; links that can only end or
// quieten something go on working, since a mail must never keep its reader.
func (c Claims) Check(sub *dispatcher.Subscriber) error {
	if sub == nil || sub.Site != c.Site || sub.ID != c.Subscriber {
		return refuse(Forged)
	}
	if c.Scope.Lifetime() > 0 && sub.Generation != c.Generation {
		return refuse(Outdated)
	}
	return nil
}

const (
	version   = 1 << 4
	sealSize  = 16
	maxText   = 200 // no link of ours is longer, whatever its numbers
	headerLen = 3
	scratch   = 3 + 4*binary.MaxVarintLen64 + 1 + MaxSite + sha256.Size
)

// epoch is what expiries count minutes from.
func epoch() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// Signer signs with the newest of its keys and verifies with all of them. It
// is safe for concurrent use.
type Signer struct {
	newest *sealer
	all    []*sealer
}

// sealer is one key with its ready MACs: keying one costs more than using it.
type sealer struct {
	id   uint16
	pool sync.Pool // of *work
}

type work struct {
	mac hash.Hash
	buf [scratch]byte
	sum [sha256.Size]byte
}

// NewSigner makes a signer of keys, the newest first. It panics when there are
// none: [ParseKeys], [Load] and [LoadOrCreate] never give an empty list.
func NewSigner(keys Keys) *Signer {
	if len(keys) == 0 {
		panic("token: a signer needs a key")
	}
	s := &Signer{}
	for _, k := range keys {
		secret := k.secret
		sl := &sealer{id: k.id}
		sl.pool.New = func() any { return &work{mac: hmac.New(sha256.New, secret[:])} }
		s.all = append(s.all, sl)
	}
	s.newest = s.all[0]
	return s
}

// Sign gives the text for claims. It panics on claims that no mail of ours can
// have: no scope, or a site longer than [MaxSite].
func (s *Signer) Sign(c Claims) string {
	var buf [96]byte
	return string(s.AppendSign(buf[:0], c))
}

// AppendSign appends the text for claims to dst, as [Signer.Sign] makes it. It
// allocates nothing but room in dst.
func (s *Signer) AppendSign(dst []byte, c Claims) []byte {
	if c.Scope < Unsubscribe || c.Scope > View || len(c.Site) > MaxSite {
		panic("token: claims without a scope, or with too long a site")
	}
	w := s.newest.pool.Get().(*work)
	b := append(w.buf[:0], version|byte(c.Scope))
	b = binary.BigEndian.AppendUint16(b, s.newest.id)
	b = binary.AppendUvarint(b, uint64(c.Subscriber))
	b = binary.AppendUvarint(b, uint64(c.Generation))
	b = binary.AppendUvarint(b, uint64(c.Ref))
	b = binary.AppendUvarint(b, toMinutes(c.Expires))
	b = append(b, byte(len(c.Site)))
	b = append(b, c.Site...)
	b = append(b, w.seal(b)...)
	dst = base64.RawURLEncoding.AppendEncode(dst, b)
	s.newest.pool.Put(w)
	return dst
}

// seal gives the seal of b; it is good until w is used again.
func (w *work) seal(b []byte) []byte {
	w.mac.Reset()
	w.mac.Write(b)
	return w.mac.Sum(w.sum[:0])[:sealSize]
}

// Verify checks a text for one scope at an instant and gives its claims. Its
// error is a [dispatcher.Error] about one [Reason]. With [Expired] and
// [WrongScope] the claims are given too: the link is ours, so a page may offer
// to mail a new one. Whether the subscriber still stands is asked with
// [Claims.Check].
func (s *Signer) Verify(text string, scope Scope, now time.Time) (Claims, error) {
	// One link has one spelling: no line breaks, which the decoder would pass
	// over, and (Strict) no loose bits at the end.
	if len(text) > maxText || strings.ContainsAny(text, "\r\n") {
		return Claims{}, refuse(Malformed)
	}
	var room [maxText]byte
	raw, err := base64.RawURLEncoding.Strict().AppendDecode(room[:0], []byte(text))
	if err != nil || len(raw) < headerLen+sealSize {
		return Claims{}, refuse(Malformed)
	}
	body, seal := raw[:len(raw)-sealSize], raw[len(raw)-sealSize:]
	c, ok := parse(body)
	if !ok {
		return Claims{}, refuse(Malformed)
	}
	if !s.sealed(binary.BigEndian.Uint16(body[1:]), body, seal) {
		return Claims{}, refuse(Forged)
	}
	if c.Scope != scope {
		return c, refuse(WrongScope)
	}
	if !c.Expires.IsZero() && !now.Before(c.Expires) {
		return c, refuse(Expired)
	}
	return c, nil
}

// sealed says whether one of the keys of that id made the seal. Ids are cut
// from the keys, so two keys may share one.
func (s *Signer) sealed(id uint16, body, seal []byte) bool {
	for _, sl := range s.all {
		if sl.id != id {
			continue
		}
		w := sl.pool.Get().(*work)
		n := copy(w.buf[:], body) // body may lie on the caller's stack
		ok := hmac.Equal(w.seal(w.buf[:n]), seal)
		sl.pool.Put(w)
		if ok {
			return true
		}
	}
	return false
}

// parse reads all but the seal.
func parse(b []byte) (Claims, bool) {
	c := Claims{Scope: Scope(b[0] & 0x0f)}
	if b[0]&0xf0 != version || c.Scope < Unsubscribe || c.Scope > View || len(b) > scratch {
		return Claims{}, false
	}
	b = b[headerLen:]
	var n [4]uint64
	for i := range n {
		v, size := binary.Uvarint(b)
		if size <= 0 {
			return Claims{}, false
		}
		n[i], b = v, b[size:]
	}
	if len(b) == 0 || int(b[0]) != len(b)-1 || len(b)-1 > MaxSite || n[3] > maxMinutes {
		return Claims{}, false
	}
	c.Subscriber, c.Generation, c.Ref = int64(n[0]), int64(n[1]), int64(n[2])
	c.Expires, c.Site = fromMinutes(n[3]), string(b[1:])
	return c, true
}

// maxMinutes keeps an expiry far inside what a Duration can add.
const maxMinutes = 100 * 366 * 24 * 60

// toMinutes rounds up, so that a link never dies earlier than promised.
func toMinutes(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	d := t.Sub(epoch())
	return uint64(min(max((d+time.Minute-1)/time.Minute, 1), maxMinutes))
}

func fromMinutes(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return epoch().Add(time.Duration(n) * time.Minute)
}
