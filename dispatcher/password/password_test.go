package password

import (
	"context"
	"strings"
	"testing"
)

func cheap() Cost { return Cost{Memory: 64, Time: 1, Threads: 1} }

func TestAHashMatchesItsPasswordAlone(t *testing.T) {
	k := NewKeeper(cheap())
	hash, err := k.Hash(t.Context(), "four tame owls sing")
	if err != nil {
		t.Fatal(err)
	}
	again, err := k.Hash(t.Context(), "four tame owls sing")
	if err != nil || hash == again {
		t.Errorf("two hashes of one password are the same (%v)", err)
	}
	for typed, want := range map[string]bool{"four tame owls sing": true, "four tame owls sin": false, "Four tame owls sing": false, "": false, strings.Repeat("x", 2*MaxLength): false} {
		if got, err := k.Matches(t.Context(), hash, typed); err != nil || got != want {
			t.Errorf("%.20q matches: %v, %v", typed, got, err)
		}
	}
	if got, err := k.Matches(t.Context(), "", ""); err != nil || got {
		t.Errorf("no password matches no hash: %v, %v", got, err)
	}
}

func TestAHashOutlivesAChangeOfItsCost(t *testing.T) {
	hash, err := NewKeeper(cheap()).Hash(t.Context(), "four tame owls sing")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := NewKeeper(Cost{Memory: 128, Time: 2, Threads: 1}).Matches(t.Context(), hash, "four tame owls sing"); err != nil || !ok {
		t.Errorf("matches: %v, %v", ok, err)
	}
}

// TestTheDefaultIsWhatIsRecommended holds the stored form: OWASP's second
// choice for argon2id.
func TestTheDefaultIsWhatIsRecommended(t *testing.T) {
	hash, err := NewKeeper(Cost{}).Hash(t.Context(), "four tame owls sing")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%q, %v", hash, err)
	}
}

func TestADamagedHashIsAnErrorAndNoMatch(t *testing.T) {
	k := NewKeeper(cheap())
	hash, err := k.Hash(t.Context(), "four tame owls sing")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"x", "$argon2id$", hash[:len(hash)-30], strings.Replace(hash, "m=64", "m=999999999", 1), strings.Replace(hash, "t=1", "t=0", 1),
		strings.Replace(hash, "p=1", "p=0", 1), strings.Replace(hash, "argon2id", "argon2i", 1), strings.Replace(hash, "v=19", "v=16", 1)} {
		if ok, err := k.Matches(t.Context(), bad, "four tame owls sing"); err == nil || ok {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
	}
}

func TestWeakPasswordsAreRefusedWithAMend(t *testing.T) {
	for pass, name := range map[string]string{"": "ann", "elevenchars": "ann", "ann@example.org": "ANN@example.org", "aaaaaaaaaaaaaaaa": "ann", strings.Repeat("ab", MaxLength): "ann"} {
		if err := Check(pass, name); err == nil || !strings.Contains(err.Error(), "password: ") {
			t.Errorf("%.20q: %v", pass, err)
		}
	}
	for _, pass := range []string{"four tame owls sing", "ääääääääääöö"} {
		if err := Check(pass, "ann"); err != nil {
			t.Errorf("%q: %v", pass, err)
		}
	}
}

func TestAWaitThatIsGivenUpEnds(t *testing.T) {
	k := NewKeeper(cheap())
	for range atOnce {
		k.slots <- struct{}{} // others are at it
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Hash(ctx, "four tame owls sing"); err == nil {
		t.Error("it was hashed beyond the number at once")
	}
	if len(k.line) != 0 {
		t.Error("who gave up is still in the line")
	}
}
