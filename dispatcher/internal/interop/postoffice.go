package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// User and Password are the account that a mail server knows.
const (
	User     = "hearback"
	Password = "a real passphrase 9"
)

// Boxes are the names before @reader.example that have a box; nobody else is
// known there.
func Boxes() (names []string) {
	names = []string{"stays", "policy", "grey", "long", "jörg"}
	for i := range 20 {
		names = append(names, fmt.Sprint("Reader", i))
	}
	return names
}

// Office is a running mail server that delivers to maildirs.
type Office struct {
	Addr string
	CA   string // PEM file of the authority that vouches for it

	t     testing.TB
	boxes string // maildirs of domain/local part
	log   func() string
}

// spot makes a folder for a mail server, which steps down to an account that
// may not enter the folders of [testing.TB.TempDir].
func spot(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hearback-interop-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return folder(t, dir, 0o755)
}

// Log gives what the server has said.
func (o *Office) Log() string { return o.log() }

// Raw gives the mails in the box of an address, byte by byte.
func (o *Office) Raw(address string) (mails [][]byte) {
	o.t.Helper()
	local, domain, _ := strings.Cut(address, "@")
	names, err := filepath.Glob(filepath.Join(o.boxes, domain, strings.ToLower(local), "new", "*"))
	if err != nil {
		o.t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			o.t.Fatal(err)
		}
		mails = append(mails, b)
	}
	return mails
}

// Read opens the mails in the box of an address.
func (o *Office) Read(address string) (letters []*mailtest.Letter) {
	o.t.Helper()
	for _, raw := range o.Raw(address) {
		l, err := mailtest.Open(raw)
		if err != nil {
			o.t.Fatalf("a mail in the box of %s cannot be read: %v\n%s", address, err, raw)
		}
		letters = append(letters, l)
	}
	return letters
}

// Await waits until a box has n mails.
func (o *Office) Await(address string, n int) {
	o.t.Helper()
	Until(o.t, "mail in the box of "+address, 40*time.Second, func() bool { return len(o.Raw(address)) >= n })
}

// Certify makes an authority and a certificate for 127.0.0.1 by it, and gives
// their files: the certificate's with its key.
func Certify(t testing.TB, dir string) (ca, pair string) {
	t.Helper()
	made := func(subject string, authority bool) *x509.Certificate {
		serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: subject}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0)}
		if authority {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		} else {
			c.IPAddresses, c.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		return c
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sign := func(c, by *x509.Certificate, k, byKey *ecdsa.PrivateKey) string {
		der, err := x509.CreateCertificate(rand.Reader, c, by, &k.PublicKey, byKey)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	authority, server := made("The proofs' authority", true), made("mail.blog.example", false)
	authorityKey, serverKey := key(), key()
	private, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		t.Fatal(err)
	}
	ca = write(t, 0o644, filepath.Join(dir, "ca.pem"), "%s", sign(authority, authority, authorityKey, authorityKey))
	pair = write(t, 0o600, filepath.Join(dir, "server.pem"), "%s%s",
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), sign(server, authority, serverKey, authorityKey))
	return ca, pair
}
