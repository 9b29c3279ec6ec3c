package catcher

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// crlf lets tests be written with plain line ends.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestBothPartsOfAMailAreDecoded(t *testing.T) {
	p := Parse(crlf(`From: =?utf-8?q?Caf=C3=A9?= <a@example.org>
Subject: Long
 folded
Content-TYPE: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe, =
Ann
--a
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+R3LDvMOfZTwvcD4=
--a--
--m
Content-Type: image/png; name=cat.png
Content-Disposition: attachment
Content-Transfer-Encoding: base64

AAAA
--m
Content-Type: text/plain
Content-Disposition: attachment; filename="notes.txt"

later
--m--
`))
	if p.Text != "Grüße, Ann" || p.HTML != "<p>Grüße</p>" || len(p.Problems) > 0 {
		t.Errorf("%+v", p)
	}
	if len(p.Headers) != 3 || p.Headers[0] != (Header{"From", "Café <a@example.org>"}) || p.Headers[1].Value != "Long folded" || p.Headers[2].Name != "Content-TYPE" {
		t.Errorf("%+v", p.Headers)
	}
	if fmt.Sprint(p.Others) != "[{image/png cat.png 3} {text/plain notes.txt 5}]" {
		t.Errorf("%+v", p.Others)
	}
}

func TestRubbishIsShownAsFarAsItCanBeRead(t *testing.T) {
	deep := "Content-Type: multipart/mixed; boundary=b\n\n"
	for range 40 {
		deep += "--b\nContent-Type: multipart/mixed; boundary=b\n\n"
	}
	for name, c := range map[string]struct {
		mail, text, html string
		troubled         bool
	}{
		"no header at all":         {"just words\nand more", "just words\r\nand more", "", true},
		"nothing":                  {"", "", "", false},
		"an empty body":            {"Subject: x\n\n", "", "", false},
		"an unknown charset":       {"Content-Type: text/plain; charset=klingon\n\nqapla'", "qapla'", "", true},
		"an unknown encoding":      {"Content-Transfer-Encoding: rot13\n\nuryyb", "uryyb", "", true},
		"an unknown encoding part": {"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: rot13\n\nuryyb\n--b--\n", "uryyb", "", true},
		"a broken content type":    {"Content-Type: ///\n\nwords", "words", "", true},
		"broken base64":            {"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+!!!!", "", "<b>", true},
		"broken quoted-printable":  {"Content-Transfer-Encoding: quoted-printable\n\na=ZZb", "a=ZZb", "", false},
		"a missing boundary":       {"Content-Type: multipart/alternative\n\n--x\n\nwords", "", "", true},
		"an end that never comes":  {"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nwords", "words", "", true},
		"parts without end":        {deep, "", "", true},
		"bytes that are no UTF-8":  {"Content-Type: text/html; charset=utf-8\n\n<p>\xff\x00</p>", "", "<p>\ufffd\ufffd</p>", false},
	} {
		p := Parse(crlf(c.mail))
		if p.Text != c.text || p.HTML != c.html || (len(p.Problems) > 0) != c.troubled {
			t.Errorf("%s: text %q html %q problems %q", name, p.Text, p.HTML, p.Problems)
		}
	}
}

func TestHugePartsAndHeadersAreCut(t *testing.T) {
	p := Parse(crlf("Content-Type: text/html\n\n" + strings.Repeat("x", maxPart+10)))
	if len(p.HTML) != maxPart || len(p.Problems) != 1 {
		t.Errorf("%d bytes, %q", len(p.HTML), p.Problems)
	}
	p = Parse(crlf("Subject: " + strings.Repeat("x ", maxHeader) + "\n\nwords"))
	if len(p.Problems) == 0 || len(p.Text) == 0 {
		t.Errorf("%q", p.Problems)
	}
	var many strings.Builder
	many.WriteString("Content-Type: multipart/mixed; boundary=b\n\n")
	for range maxParts * 3 {
		many.WriteString("--b\nContent-Type: image/png\n\nx\n")
	}
	p = Parse(crlf(many.String() + "--b--\n"))
	if len(p.Others) > maxParts || len(p.Problems) == 0 {
		t.Errorf("%d parts, %q", len(p.Others), p.Problems)
	}
}

func TestASummaryIsOneLineOfWhatCanBeSeen(t *testing.T) {
	s := Summarize(crlf("From: \"Ann\u202e\" <a@example.org>\nTo: Bob <bob@example.org>, c@example.org\nSubject: =?utf-8?q?a=0D=0Ab=E2=80=AEc?=\n\n  many\n\n  words\u200b here"))
	if s.From != "Ann" || s.Subject != "a bc" || s.Snippet != "many words here" || s.To != "" {
		t.Errorf("%+v", s)
	}
	s = Summarize(crlf("Subject: " + strings.Repeat("ä", 1000) + "\n\n" + strings.Repeat("wörd ", 1000)))
	if utf8.RuneCountInString(s.Subject) > 310 || utf8.RuneCountInString(s.Snippet) > 170 {
		t.Errorf("%+v", s)
	}
	if s := Summarize([]byte("no header")); s.Snippet != "no header" || s.Size != 9 {
		t.Errorf("%+v", s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+\r\n--b--\r\n"))
	f.Add([]byte("Subject: =?utf-8?b?4oCu?=\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nx"))
	f.Add([]byte(":"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, s := Parse(raw), Summarize(raw)
		for _, text := range []string{p.Text, p.HTML, s.Subject, s.From, s.To, s.Reason, s.Thread, s.Snippet} {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				t.Fatalf("%q is not clean", text)
			}
		}
		for _, text := range []string{s.Subject, s.From, s.To, s.Reason, s.Thread, s.Snippet} {
			if strings.ContainsAny(text, "\r\n\t\u202e") {
				t.Fatalf("%q is not one line", text)
			}
		}
	})
}
