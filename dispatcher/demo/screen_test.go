package demo

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func screen(o ScreenOptions) (*Screen, *strings.Builder) {
	var b strings.Builder
	o.Out, o.Zone = &b, time.UTC
	return NewScreen(o), &b
}

func TestLinesStandInColumnsAndFitTheTerminal(t *testing.T) {
	s, b := screen(ScreenOptions{Width: 80})
	at := time.Date(2026, 6, 8, 8, 5, 0, 0, time.UTC)
	s.Line(at, "comment", "Sören Lund", "t9: Henk")
	s.Line(at, "mail", "somebody.with.a.long.address@example.org", strings.Repeat("ä lot of words ", 20))
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	if lines[0] != " 08:05  comment   Sören Lund             t9: Henk" {
		t.Errorf("%q", lines[0])
	}
	if n := utf8.RuneCountInString(lines[1]); n > 80 || !strings.HasSuffix(lines[1], "…") || !strings.Contains(lines[1], "somebody.with.a.long…  ä lot") {
		t.Errorf("%d columns: %q", n, lines[1])
	}
}

func TestATerminalObeysNothingThatVisitorsWrite(t *testing.T) {
	for _, colour := range []bool{false, true} {
		s, b := screen(ScreenOptions{Colour: colour})
		s.Line(time.Unix(0, 0), "comment", "x", "a\x1b]0;owned\x07b\u202ec\r\nd\u009b2J")
		if got := b.String(); strings.Contains(got, "\x1b]") || strings.ContainsAny(got, "\x07\u202e\u009b\r") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q", got)
		}
	}
}

func TestOnlyATerminalHasColoursAndALineAtTheBottom(t *testing.T) {
	s, b := screen(ScreenOptions{})
	s.Line(time.Unix(0, 0), "mail", "x", "y")
	s.Status("counts")
	s.Say("z")
	if got := b.String(); strings.Contains(got, "\x1b") || strings.Contains(got, "counts") {
		t.Errorf("%q", got)
	}
	s, b = screen(ScreenOptions{Live: true})
	s.Status("counts")
	s.Say("z")
	s.Status("")
	if got := b.String(); got != "\r\x1b[Kcounts\r\x1b[Kz\ncounts\r\x1b[K" {
		t.Errorf("%q", got)
	}
}

func TestLongListsBreakBelowTheirText(t *testing.T) {
	s, b := screen(ScreenOptions{Width: 60})
	s.hang("   08:50  ", strings.Repeat("word ", 20))
	for i, l := range strings.Split(strings.TrimRight(b.String(), "\n"), "\n") {
		if utf8.RuneCountInString(l) >= 60 || i > 0 && !strings.HasPrefix(l, "          word") {
			t.Errorf("%q", l)
		}
	}
	if strings.Count(b.String(), "word") != 20 {
		t.Error("words were lost")
	}
}
