package demo

import (
	"bufio"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed story
var storyFiles embed.FS

// line is one thing that happens to a comment in a script.
type line struct {
	at      time.Duration // after the start of the story
	act     act
	thread  string
	id      string
	parent  string
	author  string
	name    string // as written this once, "" for the author's own
	text    string
	written time.Duration // when it was written, if it waited for moderation
	late    bool
}

// act is what a line does.
type act int

const (
	publishes act = iota
	edits
	removes
)

// script is one thread's part of the story.
type script struct {
	thread, title, intro string
	lines                []line
}

// scripts reads the story, the long thread first.
func scripts() ([]script, error) {
	var all []script
	for _, name := range []string{"tram", "bench", "linie"} {
		text, err := storyFiles.ReadFile("story/" + name + ".txt")
		if err != nil {
			return nil, fmt.Errorf("read the story: %w", err)
		}
		s, err := parseScript(string(text))
		if err != nil {
			return nil, fmt.Errorf("read the story %s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// parseScript reads a thread. "= KEY" names it, "title:" and "intro:" follow;
// "@ ID PARENT AUTHOR MINUTE [as NAME] [written MINUTE]" begins a comment, whose
// text follows; "~ MINUTE" gives the comment a new text; "- MINUTE" removes it.
func parseScript(text string) (script, error) {
	var s script
	var cur *line
	in := bufio.NewScanner(strings.NewReader(text))
	for n := 1; in.Scan(); n++ {
		l := strings.TrimSpace(in.Text())
		mark, rest, _ := strings.Cut(l, " ")
		var err error
		switch mark {
		case "":
		case "=":
			s.thread = rest
		case "title:":
			s.title = rest
		case "intro:":
			s.intro = rest
		case "@":
			cur, err = s.begin(rest)
		case "~", "-":
			cur, err = s.change(mark, rest)
		default:
			if cur == nil || cur.act == removes {
				err = fmt.Errorf("text outside of a comment")
				break
			}
			cur.text = strings.TrimSpace(cur.text + " " + l)
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %w", n, err)
		}
	}
	slices.SortStableFunc(s.lines, func(a, b line) int { return int(a.at - b.at) })
	return s, in.Err()
}

func (s *script) begin(head string) (*line, error) {
	head, written, late := strings.Cut(head, " written ")
	head, name, _ := strings.Cut(head, " as ")
	f := strings.Fields(head)
	if len(f) != 4 {
		return nil, fmt.Errorf("a comment begins with id, parent, author and minute")
	}
	l := line{thread: s.thread, id: f[0], parent: strings.Trim(f[1], "-"), author: f[2], name: name, late: late}
	var err error
	if l.at, err = minutes(f[3]); err != nil {
		return nil, err
	}
	if late {
		if l.written, err = minutes(written); err != nil {
			return nil, err
		}
	}
	s.lines = append(s.lines, l)
	return &s.lines[len(s.lines)-1], nil
}

func (s *script) change(mark, head string) (*line, error) {
	if len(s.lines) == 0 {
		return nil, fmt.Errorf("nothing to change yet")
	}
	last := s.lines[len(s.lines)-1]
	l := line{thread: s.thread, id: last.id, parent: last.parent, author: last.author, act: edits}
	if mark == "-" {
		l.act = removes
	}
	var err error
	if l.at, err = minutes(head); err != nil {
		return nil, err
	}
	s.lines = append(s.lines, l)
	return &s.lines[len(s.lines)-1], nil
}

func minutes(text string) (time.Duration, error) {
	m, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of minutes", text)
	}
	return time.Duration(m * float64(time.Minute)), nil
}
