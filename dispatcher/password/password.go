// Package password keeps passwords as argon2id hashes (RFC 9106) and checks
// them. A hash carries its own parameters, so that they can be raised later and
// old hashes stay good.
//
// Hashing is meant to cost memory and time, which makes it a way to bring a
// machine down. So a [Keeper] does a few at once; others wait in a line that
// has an end, and who does not get into it is turned away.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/hearback/hearback/dispatcher"
)

// The bounds of a password: characters at least, bytes at most.
const (
	MinLength = 12
	MaxLength = 512
)

// Cost is what one hash takes. The parameters are those that OWASP recommends
// for a machine that does other work too.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// defaultCost is about 30 ms and 19 MiB.
func defaultCost() Cost { return Cost{Memory: 19 << 10, Time: 2, Threads: 1} }

const (
	saltSize = 16
	keySize  = 32
	atOnce   = 2  // hashes, 38 MiB
	inLine   = 32 // who waits
)

// Keeper hashes and checks, a few at once. It is safe for concurrent use.
type Keeper struct {
	cost  Cost
	slots chan struct{}
	line  chan struct{}
	dummy string
}

// NewKeeper makes a keeper. The zero cost means the default.
func NewKeeper(c Cost) *Keeper {
	if c == (Cost{}) {
		c = defaultCost()
	}
	k := &Keeper{cost: c, slots: make(chan struct{}, atOnce), line: make(chan struct{}, inLine)}
	k.dummy = k.encode(make([]byte, saltSize), make([]byte, keySize))
	return k
}

// Check says whether a password can be one, and whether it is too easy a guess
// for somebody who knows the name.
func Check(password, name string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinLength:
		return dispatcher.Invalid("password", "a few words in a row are easy to remember", "needs %d characters at least, and has %d", MinLength, n)
	case len(password) > MaxLength:
		return dispatcher.Invalid("password", "shorten it", "is longer than %d bytes", MaxLength)
	case name != "" && strings.EqualFold(password, name), strings.Count(password, password[:1]) == len(password):
		return dispatcher.Invalid("password", "a few words in a row are easy to remember", "is too easy to guess")
	}
	return nil
}

// Hash gives the hash of a password that was checked. When too many wait
// already the error is [dispatcher.CodeLimited].
func (k *Keeper) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails, see crypto/rand
	key, err := k.derive(ctx, password, salt, k.cost, keySize)
	if err != nil {
		return "", err
	}
	return k.encode(salt, key), nil
}

// Matches says whether a password is the one of a hash. Without a hash, as for
// a name that nobody has, it does the same work and says no.
func (k *Keeper) Matches(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = k.dummy
	}
	cost, salt, want, err := decode(hash)
	if err != nil {
		return false, err
	}
	if len(password) > MaxLength {
		password, known = password[:MaxLength], false
	}
	got, err := k.derive(ctx, password, salt, cost, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (k *Keeper) derive(ctx context.Context, password string, salt []byte, c Cost, size uint32) ([]byte, error) {
	select {
	case k.line <- struct{}{}:
		defer func() { <-k.line }()
	default:
		return nil, &dispatcher.Error{Code: dispatcher.CodeLimited, Message: "too many sign in at once", Mend: "wait a few seconds and try again"}
	}
	select {
	case k.slots <- struct{}{}:
		defer func() { <-k.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, size), nil
}

// encode writes a hash in the usual form: $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (k *Keeper) encode(salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, k.cost.Memory, k.cost.Time, k.cost.Threads, b.EncodeToString(salt), b.EncodeToString(key))
}

// The most that a hash may ask for; beyond it, it is none of ours.
const (
	maxMemory = 1 << 20 // KiB
	maxTime   = 100
)

func decode(hash string) (c Cost, salt, key []byte, err error) {
	bad := fmt.Errorf("a stored password hash is damaged")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return c, nil, nil, bad
	}
	var version int
	if n, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &c.Memory, &c.Time, &c.Threads); err != nil || n != 4 || version != argon2.Version {
		return c, nil, nil, bad
	}
	salt, serr := base64.RawStdEncoding.DecodeString(parts[4])
	key, kerr := base64.RawStdEncoding.DecodeString(parts[5])
	if serr != nil || kerr != nil || len(salt) < 8 || len(key) < 16 || c.Memory > maxMemory || c.Time > maxTime || c.Time == 0 || c.Threads == 0 {
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}
