package smtp

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRepliesAreReadAsTheRelayMeantThem(t *testing.T) {
	for _, c := range []struct {
		name, in        string
		code            int
		enhanced, words string
	}{
		{"one line", "250 2.0.0 ok queued as 4711\r\n", 250, "2.0.0", "ok queued as 4711"},
		{"no text", "250\r\n", 250, "", ""},
		{"no text after the space", "250 \r\n", 250, "", ""},
		{"bare LF", "250 ok\n", 250, "", "ok"},
		{"several lines, status repeated", "550-5.1.1 The account does not exist.\r\n550-5.1.1 Check the spelling\r\n550 5.1.1 or see example.org\r\n", 550, "5.1.1", "The account does not exist. Check the spelling or see example.org"},
		{"several lines, status once", "554-5.7.1 no\r\n554 because\r\n", 554, "5.7.1", "no because"},
		{"an empty line between", "554-a\r\n554-\r\n554 b\r\n", 554, "", "a b"},
		{"status only", "250 2.1.5\r\n", 250, "2.1.5", ""},
		{"an IP address is no status", "550 5.188.10.4 is listed\r\n", 550, "", "5.188.10.4 is listed"},
		{"a status inside the text does not count", "550 rejected, 5.1.1 they say\r\n", 550, "", "rejected, 5.1.1 they say"},
		{"a status of another class does not count", "550 4.1.1 odd\r\n", 550, "", "4.1.1 odd"},
		{"a status with too long a part does not count", "550 5.1.1234 odd\r\n", 550, "", "5.1.1234 odd"},
		{"control characters do not get through", "550 5.1.1 a\x00b\x1b[31mc\r\n", 550, "5.1.1", "a?b?[31mc"},
		{"invalid UTF-8 does not get through", "550 5.1.1 caf\xe9\r\n", 550, "5.1.1", "caf?"},
		{"UTF-8 gets through", "550 5.1.1 café\r\n", 550, "5.1.1", "café"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := bufio.NewReader(strings.NewReader(c.in + "250 next\r\n"))
			code, words, err := readReply(r, nil)
			if err != nil || code != c.code {
				t.Fatalf("code %d, error %v", code, err)
			}
			enhanced, text := split(words, code)
			if enhanced != c.enhanced || text != c.words {
				t.Errorf("got %q %q, want %q %q", enhanced, text, c.enhanced, c.words)
			}
			if code, _, err := readReply(r, nil); code != 250 || err != nil {
				t.Errorf("the next reply: %d, %v", code, err)
			}
		})
	}
}

func TestWhatIsNoReplyIsSaidToBeNone(t *testing.T) {
	for _, in := range []string{
		"hello\r\n", "\r\n", "25\r\n", "2x0 ok\r\n", "150 ok\r\n", "650 ok\r\n", "250+ok\r\n", "2500 ok\r\n",
		"250-a\r\n251 b\r\n", "250-a\r\nb\r\n", "HTTP/1.1 400 Bad Request\r\n",
		strings.Repeat("250-a\r\n", maxReplyLines+1),
		"250 " + strings.Repeat("x", maxReplyBytes+1) + "\r\n",
	} {
		var garbage *unparsable
		if code, _, err := readReply(bufio.NewReader(strings.NewReader(in)), nil); !errors.As(err, &garbage) || code != 0 {
			t.Errorf("%.40q: code %d, error %v", in, code, err)
		}
	}
}

func TestAReplyThatBreaksOffIsAnUnexpectedEnd(t *testing.T) {
	for in, want := range map[string]error{"": io.EOF, "25": io.ErrUnexpectedEOF, "250 ok": io.ErrUnexpectedEOF, "250-a\r\n": io.ErrUnexpectedEOF} {
		if _, _, err := readReply(bufio.NewReader(strings.NewReader(in)), nil); err != want { //nolint:errorlint // the very error
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

func TestALongLineIsReadToItsEnd(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("250 2.0.0 " + strings.Repeat("x", 20000) + "\r\n250 next\r\n"))
	code, words, err := readReply(r, nil)
	if err != nil || code != 250 || len(words) != maxWords {
		t.Fatalf("%d, %d bytes, %v", code, len(words), err)
	}
	if code, words, err := readReply(r, words); code != 250 || string(words) != "next" || err != nil {
		t.Errorf("the next reply: %d %q %v", code, words, err)
	}
}

// FuzzReadReply holds the reader against net/textproto, which is laxer: what
// we take as a reply it takes as the same code, and leaves the stream at the
// same place.
func FuzzReadReply(f *testing.F) {
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 b\r\n", "550 5.1.1 no\r\n221 bye\r\n", "354\n", "250-\r\n250", "\x00\xff\r\n", "421 4.3.2 " + strings.Repeat("y", 5000) + "\r\n"} {
		f.Add([]byte(s))
	}
	shortLine := regexp.MustCompile(`(?m)^\d{3}\r*$`)
	f.Fuzz(func(t *testing.T, in []byte) {
		ours := bufio.NewReader(strings.NewReader(string(in)))
		theirs := textproto.NewReader(bufio.NewReader(strings.NewReader(string(in))))
		for {
			code, words, err := readReply(ours, nil)
			if err != nil {
				if code != 0 {
					t.Fatalf("code %d beside error %v", code, err)
				}
				return
			}
			if code < 200 || code > 599 || len(words) > maxWords {
				t.Fatalf("code %d, %d bytes of words", code, len(words))
			}
			enhanced, text := split(words, code)
			if enhanced != "" && enhanced[0] != byte('0'+code/100) {
				t.Fatalf("status %q of reply %d", enhanced, code)
			}
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\n") {
				t.Fatalf("words %q are not fit to store", text)
			}
			if shortLine.Match(in) {
				return // textproto wants a fourth character, RFC 5321 does not
			}
			if got, _, terr := theirs.ReadResponse(0); got != code || terr != nil {
				t.Fatalf("we read %d, textproto %d, %v", code, got, terr)
			}
		}
	})
}
