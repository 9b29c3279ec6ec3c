package token

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// MinSecret is the shortest secret that is accepted, in bytes.
const MinSecret = 32

// Key is one secret, hashed to the size of a MAC key. It cannot be printed.
type Key struct {
	id     uint16
	secret [sha256.Size]byte
}

// String hides the secret and tells its id, which every link shows anyway.
func (k Key) String() string { return fmt.Sprintf("key %04x", k.id) }

// GoString is as [Key.String], so that %#v gives nothing away either.
func (k Key) GoString() string { return k.String() }

// Keys are the secrets of an installation, the newest first. The newest signs,
// all verify: to rotate, put a new line on top and leave the old ones for as
// long as links made with them shall work.
type Keys []Key

// NewSecret gives a new random secret as one line of text.
func NewSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ParseKeys reads secrets, one a line (or parted by commas), the newest first.
// Empty lines and lines that begin with # are passed over. Its error never
// holds any of the text.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	seen := map[[sha256.Size]byte]bool{}
	sc := bufio.NewScanner(strings.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		if strings.HasPrefix(strings.TrimSpace(sc.Text()), "#") {
			continue
		}
		for s := range strings.SplitSeq(sc.Text(), ",") {
			s = strings.TrimSpace(s)
			if s == "" {
				continue
			}
			if len(s) < MinSecret {
				return nil, dispatcher.Invalid("security.secret", "make one with: openssl rand -hex 32",
					"the secret in line %d has %d characters and needs at least %d", line, len(s), MinSecret)
			}
			if k := keyOf(s); !seen[k.secret] {
				seen[k.secret] = true
				keys = append(keys, k)
			}
		}
	}
	if sc.Err() != nil {
		return nil, dispatcher.Invalid("security.secret", "put one secret in each line", "a line is too long")
	}
	if len(keys) == 0 {
		return nil, dispatcher.Invalid("security.secret", "make one with: openssl rand -hex 32", "there is no secret")
	}
	return keys, nil
}

// keyOf hashes a secret into the MAC key, and once more into the id, so that
// the id tells nothing about the secret.
func keyOf(secret string) Key {
	k := Key{secret: sha256.Sum256([]byte("hearback link key\x00" + secret))}
	id := sha256.Sum256(append([]byte("hearback link key id\x00"), k.secret[:]...))
	k.id = binary.BigEndian.Uint16(id[:])
	return k
}

// Load reads the secrets of a file that the admin provides, for example a
// mounted container secret. It may be readable by others, as such mounts are,
// but not writable: who can write it can sign links.
func Load(path string) (Keys, error) { return load(path, 0o022) }

// LoadOrCreate reads the secrets of a file that is ours, beside a SQLite
// database. When there is none it is made with one new secret, readable by its
// owner only; of several daemons that start at once one makes it and all read
// the same. A file that others can read is refused.
func LoadOrCreate(path string) (Keys, error) {
	keys, err := load(path, 0o077)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the secret file %s: %w", path, err)
	}
	return load(path, 0o077)
}

func load(path string, forbidden fs.FileMode) (Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the secret file: %w", err)
	}
	// Windows keeps its rights elsewhere and reports 0666 for any file.
	if bad := info.Mode().Perm() & forbidden; bad != 0 && runtime.GOOS != "windows" {
		return nil, dispatcher.Invalid("security.secret_file", "run: chmod 600 "+path,
			"%s has the permissions %04o, so other users can %s", path, info.Mode().Perm(), canDo(bad))
	}
	const limit = 64 << 10
	if info.Size() > limit {
		return nil, dispatcher.Invalid("security.secret_file", "put one secret in each line", "%s is no file of secrets, it has %d bytes", path, info.Size())
	}
	text, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read the secret file: %w", err)
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the secret file %s: %w", path, err)
	}
	return keys, nil
}

func canDo(bits fs.FileMode) string {
	if bits&0o022 != 0 {
		return "change it"
	}
	return "read it"
}

// create makes the file in one step that fails when there is one already: it
// is written under another name and linked into place, so that nobody ever
// reads half of it.
func create(path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".hearback-secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	text := "# Hearback signs the links in mails with these secrets. Keep this file private\n" +
		"# and in your backups: without it, links in mails already sent stop working.\n" +
		NewSecret() + "\n"
	_, err = tmp.WriteString(text)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	err = os.Link(tmp.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// A file system without hard links: exclusive creation, then the text.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
