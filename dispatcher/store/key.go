package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Right is what an API key may do.
type Right string

// The rights. RightAdmin includes all others.
const (
	RightEvents        Right = "events:write"
	RightSubscriptions Right = "subscriptions:write"
	RightVouch         Right = "subscribers:vouch" // may confirm addresses
	RightRead          Right = "read"
	RightAdmin         Right = "admin"
)

// Rights lists all rights.
func Rights() []Right {
	return []Right{RightEvents, RightSubscriptions, RightVouch, RightRead, RightAdmin}
}

// Key is an API key as it is listed. The key itself is shown once, when it is
// made; the database knows only its hash.
type Key struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Sites     []string  `json:"sites,omitempty"` // empty for all
	Rights    []Right   `json:"rights"`
	Prefix    string    `json:"prefix"` // the first characters, to tell keys apart
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"` // to the minute
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// May says whether the key has a right.
func (k *Key) May(r Right) bool {
	return slices.Contains(k.Rights, r) || slices.Contains(k.Rights, RightAdmin)
}

// Reaches says whether the key is for a site.
func (k *Key) Reaches(site string) bool { return len(k.Sites) == 0 || slices.Contains(k.Sites, site) }

// keyPrefix lets people and secret scanners recognise a key.
const keyPrefix = "hb_"

func hashKey(plain string) string {
	h := sha256.Sum256([]byte(plain)) // a random key needs no slow hash
	return hex.EncodeToString(h[:])
}

// CreateKey makes an API key of 32 random bytes and gives it, this once, in
// plain text.
func (s *Store) CreateKey(ctx context.Context, name string, sites []string, rights []Right) (Key, string, error) {
	if strings.TrimSpace(name) == "" {
		return Key{}, "", dispatcher.Invalid("name", "say what the key is for, such as \"shop back end\"", "is missing")
	}
	for _, site := range sites {
		if _, err := s.Site(site); err != nil {
			return Key{}, "", err
		}
	}
	if len(rights) == 0 {
		return Key{}, "", dispatcher.Invalid("rights", "give at least one of: "+join(Rights()), "are missing")
	}
	for _, r := range rights {
		if !slices.Contains(Rights(), r) {
			return Key{}, "", dispatcher.Invalid("rights", "use: "+join(Rights()), "there is no right %q", r)
		}
	}
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return Key{}, "", fmt.Errorf("make a key: %w", err)
	}
	plain := keyPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
	k := Key{Name: name, Sites: sites, Rights: rights, Prefix: plain[:len(keyPrefix)+4]}
	err := s.write(ctx, func(t *tx) error {
		k.CreatedAt = fromMicros(t.now)
		return t.get(ctx, &k.ID, `INSERT INTO hearback_key (name, sites, rights, hash, prefix, created_at, used_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0) RETURNING id`,
			name, join(sites), join(rights), hashKey(plain), k.Prefix, t.now)
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("create a key: %w", err)
	}
	return k, plain, nil
}

// FindKey gives the key for its plain text, and notes its use at most once a
// minute. A key that is unknown or revoked is an unauthorized error.
func (s *Store) FindKey(ctx context.Context, plain string) (Key, error) {
	unknown := &dispatcher.Error{Code: dispatcher.CodeUnauthorized, Message: "the API key is not known, or was revoked", Mend: "send Authorization: Bearer KEY with a key of `hearback key create`"}
	if !strings.HasPrefix(plain, keyPrefix) || len(plain) > 100 {
		return Key{}, unknown
	}
	var r keyRow
	err := s.get(ctx, &r, `SELECT `+keyColumns+` FROM hearback_key WHERE hash = ? AND revoked_at = 0`, hashKey(plain))
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, unknown
	}
	if err != nil {
		return Key{}, fmt.Errorf("find a key: %w", err)
	}
	if now := micros(s.clock.Now()); now-r.UsedAt >= time.Minute.Microseconds() {
		if err := s.write(ctx, func(t *tx) error {
			_, err := t.exec(ctx, `UPDATE hearback_key SET used_at = ? WHERE id = ? AND used_at < ?`, now, r.ID, now)
			return err
		}); err != nil {
			return Key{}, fmt.Errorf("note a key's use: %w", err)
		}
	}
	return r.domain(), nil
}

// Keys lists all keys, revoked ones too.
func (s *Store) Keys(ctx context.Context) ([]Key, error) {
	var rows []keyRow
	if err := s.all(ctx, &rows, `SELECT `+keyColumns+` FROM hearback_key ORDER BY id`); err != nil {
		return nil, err
	}
	out := make([]Key, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// RevokeKey ends a key by number. Doing it again changes nothing.
func (s *Store) RevokeKey(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE hearback_key SET revoked_at = CASE WHEN revoked_at = 0 THEN ? ELSE revoked_at END WHERE id = ?`, t.now, id)
		if err == nil && n == 0 {
			return dispatcher.NotFound("key", fmt.Sprint(id))
		}
		return err
	})
}

type keyRow struct {
	ID        int64  `db:"id"`
	Name      string `db:"name"`
	Sites     string `db:"sites"`
	Rights    string `db:"rights"`
	Prefix    string `db:"prefix"`
	CreatedAt int64  `db:"created_at"`
	UsedAt    int64  `db:"used_at"`
	RevokedAt int64  `db:"revoked_at"`
}

const keyColumns = `id, name, sites, rights, prefix, created_at, used_at, revoked_at`

func (r *keyRow) domain() Key {
	return Key{ID: r.ID, Name: r.Name, Sites: split[string](r.Sites), Rights: split[Right](r.Rights), Prefix: r.Prefix,
		CreatedAt: fromMicros(r.CreatedAt), UsedAt: fromMicros(r.UsedAt), RevokedAt: fromMicros(r.RevokedAt)}
}

// join and split keep short lists of names in one column. No name has a blank.
func join[T ~string](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = string(x)
	}
	return strings.Join(parts, " ")
}

func split[T ~string](s string) []T {
	var list []T
	for _, x := range strings.Fields(s) {
		list = append(list, T(x))
	}
	return list
}
