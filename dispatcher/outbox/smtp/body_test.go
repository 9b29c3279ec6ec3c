package smtp

import (
	"bufio"
	"bytes"
	"io"
	"net/textproto"
	"strings"
	"testing"
)

func TestTheBodyOnTheWire(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ".\r\n"},
		{"as it should be", "a\r\nb\r\n", "a\r\nb\r\n.\r\n"},
		{"no end of the last line", "a\r\nb", "a\r\nb\r\n.\r\n"},
		{"dots", ".\r\n..\r\na.b\r\n.c", "..\r\n...\r\na.b\r\n..c\r\n.\r\n"},
		{"bare LF", "a\n.b\n", "a\r\n..b\r\n.\r\n"},
		{"bare CR", "a\r.b\r", "a\r\n..b\r\n.\r\n"},
		{"a smuggled end", "a\n.\r\nMAIL FROM:<x>\r\n", "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"},
		{"another", "a\r.\rb\r\n", "a\r\n..\r\nb\r\n.\r\n"},
		{"two CRs", "a\r\r\nb\r\n", "a\r\n\r\nb\r\n.\r\n"},
		{"only LF", "\n\n", "\r\n\r\n.\r\n"},
	} {
		got := prepare(nil, []byte(c.in))
		if string(got.wire) != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.wire, c.want)
		}
	}
}

func TestEightBitIsNoticedWhereItStands(t *testing.T) {
	for _, c := range []struct {
		in          string
		utf8, eight bool
	}{
		{"Subject: a\r\n\r\nplain\r\n", false, false},
		{"Subject: é\r\n\r\nplain\r\n", true, false},
		{"Subject: a\r\n\r\nbody é\r\n", false, true},
		{"Subject: é\r\n\r\nbody é\r\n", true, true},
		{"Subject: é without a body", true, false},
		{"Subject: a\n\nbody é\n", false, true},
	} {
		if got := prepare(nil, []byte(c.in)); got.utf8 != c.utf8 || got.eight != c.eight {
			t.Errorf("%q: header %v, body %v", c.in, got.utf8, got.eight)
		}
	}
}

func TestAHostileBodyTakesNoMoreTimeThanItsLength(t *testing.T) {
	// Quadratic work on this would take minutes.
	for _, in := range []string{"\r", "\n", ".\r", "\r.", "\r\n."} {
		body := []byte(strings.Repeat(in, 1<<20/len(in)))
		if c := prepare(nil, body); len(c.wire) < len(body) {
			t.Errorf("%q: %d bytes of %d", in, len(c.wire), len(body))
		}
	}
}

func TestThePreparedBodyIsMadeInTheBufferGiven(t *testing.T) {
	buf := make([]byte, 0, 4096)
	message := []byte(strings.Repeat("some line\r\n.dot\r\n", 20))
	if n := testing.AllocsPerRun(10, func() { prepare(buf, message) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzPrepare holds the stuffing against textproto's reader of dot-encoded
// text: whatever goes in, what comes out at the other end is the same text
// with proper line ends, and nothing of it can end the mail early.
func FuzzPrepare(f *testing.F) {
	for _, s := range []string{"", "a\r\n", ".\r\n", "\n.\n", "a\r.\r\nb", "\r\r\n\n\r", "x\r\n.\r\nMAIL FROM:<>\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c := prepare(nil, in)
		if i := bytes.Index(append([]byte("\r\n"), c.wire...), []byte("\r\n.\r\n")); i != len(c.wire)-3 {
			t.Fatalf("%q ends after %d of %d bytes", in, i, len(c.wire))
		}
		bare := bytes.ReplaceAll(c.wire, []byte("\r\n"), nil)
		if bytes.ContainsAny(bare, "\r\n") {
			t.Fatalf("%q has bare line ends in %q", in, c.wire)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(in))
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		got, err := io.ReadAll(textproto.NewReader(bufio.NewReader(bytes.NewReader(c.wire))).DotReader())
		if err != nil || string(got) != want {
			t.Fatalf("%q arrives as %q, %v, want %q", in, got, err, want)
		}
		if crlf := len(want) + strings.Count(want, "\n"); c.size != crlf {
			t.Fatalf("%q has the size %d, want %d", in, c.size, crlf)
		}
	})
}
