package token

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestTheSecretFileIsMadeOnceAndKeptPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearback.secret")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 1 || len(again) != 1 || first[0] != again[0] {
		t.Errorf("%v then %v", first, again)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDaemonsThatStartAtOnceAgreeOnOneSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearback.secret")
	var wg sync.WaitGroup
	got := make([]Keys, 16)
	errs := make([]error, 16)
	for i := range got {
		wg.Go(func() { got[i], errs[i] = LoadOrCreate(path) })
	}
	wg.Wait()
	for i := range got {
		if errs[i] != nil || len(got[i]) != 1 || got[i][0] != got[0][0] {
			t.Fatalf("daemon %d: %v %v", i, got[i], errs[i])
		}
	}
}

func TestASecretFileThatOthersCanReadIsRefusedWithItsMend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearback.secret")
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644, 0o666} {
		write(t, path, NewSecret(), mode)
		_, err := LoadOrCreate(path)
		if dispatcher.CodeOf(err) != dispatcher.CodeInvalid || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("%o: %v", mode, err)
		}
	}
}

func TestAProvidedSecretFileMayBeReadableButNotWritableByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mounted")
	write(t, path, NewSecret(), 0o444)
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
	write(t, path, NewSecret(), 0o666)
	if _, err := Load(path); err == nil {
		t.Error("a file that anybody can change was taken")
	}
}

func TestASecretFileInAMissingFolderSaysSo(t *testing.T) {
	if _, err := LoadOrCreate(filepath.Join(t.TempDir(), "no", "secret")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was taken")
	}
}

func TestKeysAreReadNewestFirst(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for _, text := range []string{a + "\n" + b, a + "," + b, "# comment\n\n  " + a + "\r\n" + b + "\n" + a + "\n"} {
		k, err := ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(k) != 2 || k[0] != keyOf(a) || k[1] != keyOf(b) {
			t.Errorf("%q: %v", text, k)
		}
	}
}

func TestBadSecretsAreRefusedAndNeverShown(t *testing.T) {
	for _, text := range []string{"", "# only a comment", "hunter2", strings.Repeat("k", 40) + "\nhunter2", strings.Repeat("hunter2", 20000)} {
		_, err := ParseKeys(text)
		if err == nil {
			t.Errorf("%.40q was taken", text)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the secret is in %q", err)
		}
	}
}

func TestAKeyPrintsNothingOfItsSecret(t *testing.T) {
	k := keyOf(strings.Repeat("k", 40))
	want := k.String()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, k); got != want {
			t.Errorf("%s gives %s", format, got)
		}
		if got := fmt.Sprintf(format, Keys{k}); strings.Contains(got, fmt.Sprint(k.secret[0], " ", k.secret[1])) {
			t.Errorf("%s of the list gives %s", format, got)
		}
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
