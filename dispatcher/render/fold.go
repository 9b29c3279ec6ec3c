package render

import "strings"

// foldAt is where lines of a comment's HTML are folded, counted as
// quoted-printable will have them. What the template puts before the first
// line and after the last finds room beside it.
const (
	foldAt     = hardLimit - 3
	foldIndent = len(`<div dir=3D"auto">`)
)

// fold breaks the lines of a comment's HTML at spaces between words, where a
// line break means the same: a soft break of quoted-printable would take three
// bytes instead of one, and the source of the mail can be read.
func fold(page string) string {
	if len(page) <= foldAt-foldIndent {
		return page
	}
	var out strings.Builder
	out.Grow(len(page))
	col, from, space := foldIndent, 0, -1 // space: the last place to break at
	tail := 0                             // columns after it
	tag := false
	for i := 0; i < len(page); i++ {
		c := page[i]
		switch {
		case c == '\n':
			col, space, tail = 0, -1, 0
			continue
		case c == '<':
			tag = true
		case c == '>':
			tag = false
		case c == ' ' && !tag:
			space, tail = i, -1 // the space itself goes
		}
		width := 1
		if !literal(c) {
			width = 3
		}
		col += width
		tail += width
		if col > foldAt && space >= 0 {
			out.WriteString(page[from:space])
			out.WriteByte('\n')
			from, col, space = space+1, tail, -1
		}
	}
	out.WriteString(page[from:])
	return out.String()
}
