package address_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

func TestAnAddressIsSentAsGivenAndComparedWithoutCaseByItsALabel(t *testing.T) {
	for _, c := range []struct{ in, sent, normalized string }{
		{"ann@example.org", "ann@example.org", "ann@example.org"},
		{"  Ann.B+tag@Example.ORG\t", "Ann.B+tag@Example.ORG", "ann.b+tag@example.org"},
		{"ann@bücher.example", "ann@bücher.example", "ann@xn--bcher-kva.example"},
		{"ann@BÜCHER.example", "ann@BÜCHER.example", "ann@xn--bcher-kva.example"},
		{"ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"},
		{"Jörg@example.org", "Jörg@example.org", "jörg@example.org"},
		{"o'neil@example.org", "o'neil@example.org", "o'neil@example.org"},
		{"a=b&c@example.org", "a=b&c@example.org", "a=b&c@example.org"},
		{strings.Repeat("x", 64) + "@example.org", strings.Repeat("x", 64) + "@example.org", strings.Repeat("x", 64) + "@example.org"},
	} {
		sent, normalized, err := address.Parse(c.in)
		if err != nil || sent != c.sent || normalized != c.normalized {
			t.Errorf("%q: sent %q, compared %q, %v", c.in, sent, normalized, err)
		}
		if address.Normalize(c.in) != c.normalized {
			t.Errorf("%q: normalize gives %q", c.in, address.Normalize(c.in))
		}
	}
}

func TestWhatIsNoBareAddressIsRefusedWithAMend(t *testing.T) {
	for _, in := range []string{
		"", "   ", "ann", "@example.org", "ann@", "ann@@example.org", "ann@exa mple.org",
		"Ann <ann@example.org>", "<ann@example.org>", "ann@example.org, bob@example.org", "friends: ann@example.org;",
		"ann@example.org (Ann)", "ann(b)@example.org", `"ann"@example.org`, `"a b"@example.org`, `"a\"b"@example.org`,
		"ann@example.org\r\nBcc: bob@example.org", "ann@example.org\nx", "an\x00n@example.org", "ann\t@example.org",
		"ann@[127.0.0.1]", "ann@[IPv6:::1]", "ann@example..org", "ann@-bad-.example", ".ann@example.org", "ann.@example.org",
		strings.Repeat("x", 65) + "@example.org", "ann@" + strings.Repeat("x", 64) + ".org", "ann@" + strings.Repeat("a.", 150) + "org",
		"ann@example.org\u202e", "ann\xff@example.org",
	} {
		sent, normalized, err := address.Parse(in)
		var d *dispatcher.Error
		if !errors.As(err, &d) {
			t.Errorf("%q is taken: sent %q, compared %q", in, sent, normalized)
			continue
		}
		if d.Code != dispatcher.CodeInvalid || d.Field != "email" || d.Mend == "" || sent != "" || normalized != "" {
			t.Errorf("%q: %+v", in, d)
		}
		if strings.ContainsAny(d.Error(), "\r\n\x00") {
			t.Errorf("%q: the error repeats a line break: %q", in, d.Error())
		}
		if address.Normalize(in) != "" {
			t.Errorf("%q is recognised as %q", in, address.Normalize(in))
		}
	}
}

func TestALongWrongAddressIsNotRepeatedInFull(t *testing.T) {
	_, _, err := address.Parse(strings.Repeat("ü", 5000))
	if err == nil || len(err.Error()) > 500 || !utf8.ValidString(err.Error()) {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func FuzzWhatParsesIsOneLineWithOneAtAndNormalizesToItself(f *testing.F) {
	for _, s := range []string{"ann@example.org", "Jörg@bücher.example", `"a b"@example.org`, "a@b@c", "ann@example.org.", "x@\u3002example", "K@example.org", "İ@example.org", "ann@ſ.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sent, normalized, err := address.Parse(s)
		if err != nil {
			return
		}
		if strings.Count(normalized, "@") != 1 || strings.ContainsAny(sent+normalized, " \r\n\t\x00<>\",;:()") || !utf8.ValidString(sent) {
			t.Errorf("%q: sent %q, compared %q", s, sent, normalized)
		}
		if again := address.Normalize(normalized); again != normalized {
			t.Errorf("%q compares as %q, and that as %q", s, normalized, again)
		}
		if again := address.Normalize(sent); again != normalized {
			t.Errorf("%q is sent as %q, which compares as %q, not %q", s, sent, again, normalized)
		}
	})
}
