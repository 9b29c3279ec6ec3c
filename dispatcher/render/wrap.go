package render

import (
	"bytes"
	"unicode/utf8"
)

// textWidth is where lines of the text part are wrapped. With it no ASCII line
// needs a soft break in quoted-printable.
const textWidth = 75

// runeWidth gives the columns a rune takes in a terminal or a mail reader with
// a fixed font: none for combining marks, two for East Asian wide ones.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case r <= 0x36f, r >= 0x200b && r <= 0x200f, r >= 0xfe00 && r <= 0xfe0f:
		return 0
	case wide(r):
		return 2
	}
	return 1
}

// wide tells the scripts that are set without spaces between words, in cells
// of two columns: a line may end after any of their characters.
func wide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd
}

// wrapLine breaks one line of text at spaces so that no line is wider than
// textWidth, and calls emit for each. Quote marks and indentation at its
// start are repeated; the text of a list's item hangs below itself. A word
// that is wider than a line (a link, as a rule) is left whole on a line of its
// own, because half a link is none. The room serves for putting lines together.
func wrapLine(room, line []byte, emit func([]byte)) {
	if len(line) <= textWidth || columns(line) <= textWidth {
		emit(line)
		return
	}
	first, next := margins(line)
	body := line[len(first):]
	out := append(room[:0], first...)
	col, margin := columns(first), columns(next)
	if col > textWidth/2 { // margins alone must not eat the line
		first, next = nil, nil
		body, out, col, margin = line, out[:0], 0, 0
	}
	empty := true
	for len(body) > 0 {
		word, width, space, rest := nextWord(body)
		if !empty && col+btoi(space)+width > textWidth {
			emit(out)
			out = append(out[:0], next...)
			col, empty, space = margin, true, false
		}
		if space && !empty {
			out = append(out, ' ')
			col++
		}
		out = append(out, word...)
		col += width
		empty = false
		body = rest
	}
	if !empty {
		emit(out)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// nextWord cuts the next unbreakable word off s: its bytes, its columns, and
// whether a space stood before it.
func nextWord(s []byte) (word []byte, width int, space bool, rest []byte) {
	trimmed := bytes.TrimLeft(s, " \t")
	space = len(trimmed) < len(s)
	s = trimmed
	i := 0
	for i < len(s) {
		r, n := utf8.DecodeRune(s[i:])
		if r == ' ' || r == '\t' {
			break
		}
		if wide(r) {
			if i == 0 {
				i += n
				width += runeWidth(r)
				// Closing punctuation stays with the character before it.
				for i < len(s) {
					r, n = utf8.DecodeRune(s[i:])
					if !closing(r) {
						break
					}
					i += n
					width += runeWidth(r)
				}
			}
			break
		}
		i += n
		width += runeWidth(r)
	}
	return s[:i], width, space, s[i:]
}

func closing(r rune) bool {
	switch r {
	case '、', '。', '」', '』', '）', '，', '．', '！', '？', '：', '；', '”', '’', ')', ',', '.', '!', '?', ':', ';':
		return true
	}
	return runeWidth(r) == 0
}

func columns(s []byte) int {
	n := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			n++
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		n += runeWidth(r)
		i += size
	}
	return n
}

// margins gives what stands before the words of a line, and what stands before
// the words of the lines it is broken into: quote marks are repeated, a list's
// bullet becomes space.
func margins(line []byte) (first, next []byte) {
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '>') {
		i++
	}
	quotes := i
	j := i
	switch {
	case j+1 < len(line) && (line[j] == '-' || line[j] == '*') && line[j+1] == ' ':
		j += 2
	default:
		for j < len(line) && line[j] >= '0' && line[j] <= '9' {
			j++
		}
		if j > i && j < i+4 && j+1 < len(line) && line[j] == '.' && line[j+1] == ' ' {
			j += 2
		} else {
			j = i
		}
	}
	if j == quotes {
		return line[:quotes], line[:quotes]
	}
	next = append(append(next, line[:quotes]...), bytes.Repeat([]byte{' '}, j-quotes)...)
	return line[:j], next
}
