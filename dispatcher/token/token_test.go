package token

import (
	"encoding/base64"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func noon() time.Time { return time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC) }

func keys(t testing.TB, secrets ...string) Keys {
	t.Helper()
	for i, s := range secrets {
		secrets[i] = s + strings.Repeat("-", MinSecret)
	}
	k, err := ParseKeys(strings.Join(secrets, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ann() *dispatcher.Subscriber {
	return &dispatcher.Subscriber{ID: 4711, Site: "blog", Generation: 3, Email: "ann@example.org", Address: "ann@example.org"}
}

func scopes() []Scope {
	return []Scope{Unsubscribe, Manage, Confirm, Fresh, MuteThread, MuteAuthor, View}
}

func TestALinkSaysWhatWasSigned(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	for _, scope := range scopes() {
		want := New(scope, ann(), 99, noon())
		got, err := s.Verify(s.Sign(want), scope, noon())
		if err != nil {
			t.Fatalf("%v: %v", scope, err)
		}
		if got != want {
			t.Errorf("%v: got %+v, want %+v", scope, got, want)
		}
		if err := got.Check(ann()); err != nil {
			t.Errorf("%v: %v", scope, err)
		}
	}
}

func TestAnyClaimsSurviveTheRoundTrip(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		c := Claims{
			Scope: scopes()[rng.IntN(7)], Site: strings.Repeat("s", rng.IntN(MaxSite+1)),
			Subscriber: int64(rng.Uint64() >> rng.IntN(64)), Generation: int64(rng.Uint64() >> rng.IntN(64)), Ref: int64(rng.Uint64() >> rng.IntN(64)),
		}
		if rng.IntN(2) == 0 {
			c.Expires = noon().Add(time.Duration(rng.IntN(1e6)) * time.Minute)
		}
		got, err := s.Verify(s.Sign(c), c.Scope, noon().Add(-time.Minute))
		if err != nil || got != c {
			t.Fatalf("got %+v %v, want %+v", got, err, c)
		}
	}
}

func TestALinkIsShortAndNeedsNoEscaping(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	for _, scope := range scopes() {
		text := s.Sign(New(scope, &dispatcher.Subscriber{ID: 1<<35 - 1, Generation: 1<<14 - 1, Site: strings.Repeat("x", MaxSite)}, refOf(scope), noon()))
		if len(text) >= 80 {
			t.Errorf("%v: %d characters: %s", scope, len(text), text)
		}
		if i := strings.IndexFunc(text, func(r rune) bool {
			return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", r)
		}); i >= 0 {
			t.Errorf("%v: %q has %q", scope, text, text[i])
		}
	}
}

func refOf(s Scope) int64 {
	if s.Lifetime() > 0 {
		return 0
	}
	return 1<<35 - 1
}

func TestTheAddressIsNotInTheLink(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	raw, err := base64.RawURLEncoding.DecodeString(s.Sign(New(Manage, ann(), 0, noon())))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "ann") || strings.Contains(string(raw), "example") {
		t.Errorf("%q", raw)
	}
}

func TestEachScopeRunsOutWhenItShould(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	for scope, life := range map[Scope]time.Duration{
		Unsubscribe: 0, Manage: 90 * 24 * time.Hour, Confirm: 7 * 24 * time.Hour, Fresh: time.Hour, MuteThread: 0, MuteAuthor: 0, View: 90 * 24 * time.Hour,
	} {
		made := noon().Add(31 * time.Second) // the minute is rounded up, never down
		text := s.Sign(New(scope, ann(), 1, made))
		if life == 0 {
			if _, err := s.Verify(text, scope, made.AddDate(50, 0, 0)); err != nil {
				t.Errorf("%v in fifty years: %v", scope, err)
			}
			continue
		}
		if _, err := s.Verify(text, scope, made.Add(life-time.Nanosecond)); err != nil {
			t.Errorf("%v just before its end: %v", scope, err)
		}
		c, err := s.Verify(text, scope, made.Add(life+time.Minute))
		if !errors.Is(err, Expired) {
			t.Errorf("%v after its end: %v", scope, err)
		}
		if c.Subscriber != ann().ID {
			t.Errorf("%v: an expired link should still say whose it was: %+v", scope, c)
		}
	}
}

func TestALinkOfOneScopeIsGoodForNoOther(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	for _, made := range scopes() {
		for _, asked := range scopes() {
			_, err := s.Verify(s.Sign(New(made, ann(), 1, noon())), asked, noon())
			if made != asked && !errors.Is(err, WrongScope) {
				t.Errorf("%v link used for %v: %v", made, asked, err)
			}
		}
	}
}

func TestAScopeSwappedInTheTextIsForged(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	raw, _ := base64.RawURLEncoding.DecodeString(s.Sign(New(Unsubscribe, ann(), 1, noon())))
	raw[0] = version | byte(Manage)
	_, err := s.Verify(base64.RawURLEncoding.EncodeToString(raw), Manage, noon())
	if !errors.Is(err, Forged) {
		t.Errorf("got %v", err)
	}
}

func TestEveryFlippedBitAndEveryCutIsRefused(t *testing.T) {
	s := NewSigner(keys(t, "one", "two"))
	text := s.Sign(New(Manage, ann(), 77, noon()))
	raw, _ := base64.RawURLEncoding.DecodeString(text)
	for i := range len(raw) * 8 {
		bad := append([]byte(nil), raw...)
		bad[i/8] ^= 1 << (i % 8)
		for _, scope := range scopes() {
			_, err := s.Verify(base64.RawURLEncoding.EncodeToString(bad), scope, noon())
			if !errors.Is(err, Forged) && !errors.Is(err, Malformed) {
				t.Errorf("bit %d flipped: %v", i, err)
			}
		}
	}
	for n := range len(text) {
		if _, err := s.Verify(text[:n], Manage, noon()); !errors.Is(err, Malformed) && !errors.Is(err, Forged) {
			t.Errorf("cut to %d characters: %v", n, err)
		}
	}
}

func TestOneLinkHasOneSpelling(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	text := s.Sign(New(Manage, ann(), 0, noon()))
	for _, other := range []string{text + "=", text + "A", text + "\n", " " + text, text + strings.Repeat("A", 500)} {
		if _, err := s.Verify(other, Manage, noon()); err == nil {
			t.Errorf("%q was taken", other)
		}
	}
}

func TestAnUnknownKeyAndAWrongSealReadTheSame(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	text := s.Sign(New(Manage, ann(), 0, noon()))
	_, unknown := NewSigner(keys(t, "other")).Verify(text, Manage, noon())
	last := byte('A')
	if text[len(text)-10] == 'A' {
		last = 'B'
	}
	_, forged := s.Verify(text[:len(text)-10]+string(last)+text[len(text)-9:], Manage, noon())
	if unknown == nil || forged == nil || unknown.Error() != forged.Error() || dispatcher.CodeOf(unknown) != dispatcher.CodeOf(forged) {
		t.Errorf("%v / %v", unknown, forged)
	}
}

func TestARotatedKeyStillVerifiesAndTheNewestSigns(t *testing.T) {
	old := NewSigner(keys(t, "old"))
	both := NewSigner(keys(t, "new", "old"))
	onlyNew := NewSigner(keys(t, "new"))
	c := New(Unsubscribe, ann(), 5, noon())
	if _, err := both.Verify(old.Sign(c), Unsubscribe, noon()); err != nil {
		t.Errorf("an old link after rotation: %v", err)
	}
	if _, err := onlyNew.Verify(both.Sign(c), Unsubscribe, noon()); err != nil {
		t.Errorf("signed by another key than the newest: %v", err)
	}
	if _, err := onlyNew.Verify(old.Sign(c), Unsubscribe, noon()); !errors.Is(err, Forged) {
		t.Errorf("a link of a retired key: %v", err)
	}
}

func TestTwoKeysThatShareAnIDBothVerify(t *testing.T) {
	k := keys(t, "one", "two")
	k[0].id, k[1].id = 7, 7
	c := New(Unsubscribe, ann(), 5, noon())
	if _, err := NewSigner(k).Verify(NewSigner(k[1:]).Sign(c), Unsubscribe, noon()); err != nil {
		t.Error(err)
	}
}

func TestALinkIsBoundToItsSubscriberAndSite(t *testing.T) {
	c := New(Unsubscribe, ann(), 5, noon())
	other := ann()
	other.Site = "shop"
	if err := c.Check(other); !errors.Is(err, Forged) {
		t.Errorf("another site: %v", err)
	}
	other = ann()
	other.ID++
	if err := c.Check(other); !errors.Is(err, Forged) {
		t.Errorf("another subscriber: %v", err)
	}
	if err := c.Check(nil); !errors.Is(err, Forged) {
		t.Errorf("no subscriber: %v", err)
	}
}

func TestARaisedGenerationVoidsAllButTheWayOut(t *testing.T) {
	now := ann()
	now.Generation++
	for _, scope := range scopes() {
		err := New(scope, ann(), 1, noon()).Check(now)
		leaves := scope == Unsubscribe || scope == MuteThread || scope == MuteAuthor
		if leaves && err != nil {
			t.Errorf("%v: %v", scope, err)
		}
		if !leaves && !errors.Is(err, Outdated) {
			t.Errorf("%v: %v", scope, err)
		}
	}
}

func TestExpiriesBeyondAllTimeAreClamped(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(math.MaxInt32, 0).AddDate(400, 0, 0)} {
		if n := toMinutes(at); n < 1 || n > maxMinutes {
			t.Errorf("%v became minute %d", at, n)
		}
	}
}

func TestAppendSignKeepsWhatWasThereAndAllocatesNothing(t *testing.T) {
	s := NewSigner(keys(t, "one"))
	c := New(Unsubscribe, ann(), 5, noon())
	if got := string(s.AppendSign([]byte("https://x/u/"), c)); got != "https://x/u/"+s.Sign(c) {
		t.Error(got)
	}
	if raceEnabled {
		return // sync.Pool drops at random under the race detector
	}
	buf := make([]byte, 0, 200)
	if n := testing.AllocsPerRun(200, func() { buf = s.AppendSign(buf[:0], c) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzVerify(f *testing.F) {
	k, err := ParseKeys(strings.Repeat("k", MinSecret))
	if err != nil {
		f.Fatal(err)
	}
	s := NewSigner(k)
	f.Add(s.Sign(New(Manage, ann(), 0, noon())))
	f.Add(s.Sign(New(MuteThread, ann(), 7, noon())))
	f.Add("")
	f.Add("EAAA")
	f.Fuzz(func(t *testing.T, text string) {
		for _, scope := range scopes() {
			c, err := s.Verify(text, scope, noon())
			if err == nil && s.Sign(c) != text {
				t.Fatalf("%q verified as %+v, which is written %q", text, c, s.Sign(c))
			}
			if err != nil && dispatcher.CodeOf(err) == dispatcher.CodeInternal {
				t.Fatalf("%q: %v has no code", text, err)
			}
		}
	})
}

func BenchmarkAppendSign(b *testing.B) {
	s := NewSigner(keys(b, "one"))
	c := New(Unsubscribe, ann(), 123456, noon())
	buf := make([]byte, 0, 200)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendSign(buf[:0], c)
	}
}

func BenchmarkSign(b *testing.B) {
	s := NewSigner(keys(b, "one"))
	c := New(Unsubscribe, ann(), 123456, noon())
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Sign(c)
	}
}

func BenchmarkVerify(b *testing.B) {
	s := NewSigner(keys(b, "one"))
	text := s.Sign(New(Unsubscribe, ann(), 123456, noon()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(text, Unsubscribe, noon()); err != nil {
			b.Fatal(err)
		}
	}
}
