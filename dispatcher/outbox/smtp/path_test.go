package smtp

import (
	"strings"
	"testing"
)

func TestAddressesOnTheWire(t *testing.T) {
	for _, c := range []struct {
		in, want string
		utf8, ok bool
	}{
		{"ann@example.org", "ann@example.org", false, true},
		{"b+Tok_1@Example.org", "b+Tok_1@Example.org", false, true},
		{"ann@bücher.example", "ann@xn--bcher-kva.example", false, true},
		{"jürgen@example.org", "jürgen@example.org", true, true},
		{"jürgen@bücher.example", "jürgen@xn--bcher-kva.example", true, true},
		{"", "", false, false},
		{"ann", "", false, false},
		{"@example.org", "", false, false},
		{"ann@", "", false, false},
		{"ann@example.org>\r\nRCPT TO:<eve@example.org", "", false, false},
		{"ann@example.org> SIZE=1", "", false, false},
		{"an n@example.org", "", false, false},
		{"\"an>n\"@example.org", "", false, false},
		{"ann@exa\x00mple.org", "", false, false},
		{strings.Repeat("a", 65) + "@example.org", "", false, false},
		{"a@" + strings.Repeat("b", 253), "", false, false},
		{"ann@-bü-.example..org", "", false, false},
	} {
		got, utf8, ok := path(c.in)
		if got != c.want || utf8 != c.utf8 || ok != c.ok {
			t.Errorf("%q: %q, SMTPUTF8 %v, ok %v", c.in, got, utf8, ok)
		}
	}
}

// FuzzPath makes sure that no address can leave its angle brackets.
func FuzzPath(f *testing.F) {
	f.Add("ann@example.org")
	f.Add("jürgen@bücher.example")
	f.Add("a@b>\r\nDATA")
	f.Fuzz(func(t *testing.T, in string) {
		got, utf8, ok := path(in)
		if !ok {
			return
		}
		if strings.ContainsAny(got, " <>\r\n\x00\t") || strings.Count(got, "@") < 1 || len(got) > 254 {
			t.Fatalf("%q became %q", in, got)
		}
		if !utf8 && firstEightBit([]byte(got)) >= 0 {
			t.Fatalf("%q became %q without SMTPUTF8", in, got)
		}
	})
}
