package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Screen is the demo's terminal: one line for each thing that flows, in
// columns, and, where the terminal can, one line at the bottom that says how
// things stand. Safe for concurrent use.
type Screen struct {
	out    io.Writer
	zone   *time.Location
	width  int
	colour bool
	live   bool // has a status line

	mu     sync.Mutex
	status string
}

// ScreenOptions say what the terminal can do.
type ScreenOptions struct {
	Out    io.Writer
	Zone   *time.Location // of the times shown
	Width  int            // columns; 0 means 100
	Colour bool
	Live   bool // keeps a status line at the bottom
}

// NewScreen makes the screen.
func NewScreen(o ScreenOptions) *Screen {
	if o.Width == 0 {
		o.Width = 100
	}
	return &Screen{out: o.Out, zone: o.Zone, width: max(o.Width, 60), colour: o.Colour, live: o.Live}
}

// The widths of the columns.
const (
	kindWidth = 9
	whoWidth  = 22
)

// colours of the kinds of lines, as SGR parameters.
func colourOf(kind string) string {
	switch kind {
	case "comment", "edit", "removal", "read", "follow":
		return "36"
	case "settled":
		return "2"
	case "slot", "held":
		return "33"
	case "mail":
		return "1;32"
	case "no mail", "waits":
		return "31"
	}
	return "35"
}

// Line writes one thing that happened.
func (s *Screen) Line(at time.Time, kind, who, text string) {
	head := fmt.Sprintf(" %s  %s %s ", at.In(s.zone).Format("15:04"), pad(kind, kindWidth), pad(cut(who, whoWidth), whoWidth))
	text = cut(oneLine(text), s.width-utf8.RuneCountInString(head)-1)
	if s.colour {
		head = fmt.Sprintf(" \x1b[2m%s\x1b[0m  \x1b[%sm%s\x1b[0m %s ", at.In(s.zone).Format("15:04"), colourOf(kind), pad(kind, kindWidth), pad(cut(who, whoWidth), whoWidth))
	}
	s.write(head + text + "\n")
}

// Say writes text as it is, with a line break.
func (s *Screen) Say(text string) { s.write(text + "\n") }

// Status sets the line at the bottom; "" takes it away.
func (s *Screen) Status(text string) {
	if !s.live {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text = cut(text, s.width-1)
	if text == s.status {
		return
	}
	s.status = text
	s.put("\r\x1b[K" + s.styled())
}

func (s *Screen) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		text = "\r\x1b[K" + text + s.styled()
	}
	s.put(text)
}

// put leaves errors alone: a terminal that went away ends the program itself.
func (s *Screen) put(text string) { _, _ = io.WriteString(s.out, text) }

func (s *Screen) styled() string {
	if s.status == "" || !s.colour {
		return s.status
	}
	return "\x1b[7m" + s.status + "\x1b[0m"
}

// pad fills up to n columns. Names here are of letters of one column each.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 0))
}

// cut shortens to n columns at most.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:max(n-1, 0)]), " ,.;:") + "…"
}

// oneLine makes one line of what visitors write and drops what a terminal
// would obey.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// hang writes a text after its head, broken at blanks to the terminal's width,
// with the further lines below the text.
func (s *Screen) hang(head, text string) {
	indent := utf8.RuneCountInString(head)
	line, used := head, indent
	for _, word := range strings.Fields(oneLine(text)) {
		n := utf8.RuneCountInString(word)
		if used > indent && used+1+n >= s.width {
			s.Say(line)
			line, used = strings.Repeat(" ", indent), indent
		}
		if used > indent {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	s.Say(line)
}
