package render

import (
	"bytes"
	"strings"
)

// piece is a run of template output that is kept ready: the end of the line it
// starts in, the complete lines after that, encoded, and the start of the line
// it ends in. Without a line break in it, all of it is head.
type piece struct {
	head, lines, tail []byte
	breaks            bool // has at least one line break
	alone             int  // bytes when encoded on its own
}

func (p *piece) size() int { return len(p.head) + len(p.lines) + len(p.tail) }

// lineWriter encodes what a program writes, line by line: the text part is
// wrapped, the HTML part loses indentation and empty lines.
type lineWriter struct {
	html  bool
	flat  bool // collects all in one line, unencoded: for the subject
	out   []byte
	line  []byte // the line that has not ended yet
	items []*entry
	room  [256]byte
	emit  func([]byte) // encodes one wrapped line; bound once, so that it allocates once
}

func newLineWriter() *lineWriter {
	w := &lineWriter{}
	w.emit = func(l []byte) { w.out = appendQuoted(w.out, l) }
	return w
}

// start makes the writer ready for one part that is appended to out.
func (w *lineWriter) start(html bool, out []byte, items []*entry) {
	w.html, w.flat, w.out, w.items = html, false, out, items
	w.line = w.line[:0]
}

// item places an item of the mail.
func (w *lineWriter) item(i int) {
	if w.html {
		w.place(&w.items[i].html)
	} else {
		w.place(&w.items[i].text)
	}
}

// str writes a value. Most hold no line break.
func (w *lineWriter) str(s string) {
	for {
		i := strings.IndexByte(s, '\n')
		if i < 0 || w.flat {
			w.line = append(w.line, s...)
			return
		}
		w.line = append(w.line, s[:i]...)
		w.endLine(w.line)
		w.line = w.line[:0]
		s = s[i+1:]
	}
}

func (w *lineWriter) place(p *piece) {
	w.line = append(w.line, p.head...)
	if !p.breaks {
		return
	}
	w.endLine(w.line)
	w.out = append(w.out, p.lines...)
	w.line = append(w.line[:0], p.tail...)
}

func (w *lineWriter) raw(p []byte) {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 || w.flat {
			w.line = append(w.line, p...)
			return
		}
		if len(w.line) == 0 {
			w.endLine(p[:i])
		} else {
			w.line = append(w.line, p[:i]...)
			w.endLine(w.line)
			w.line = w.line[:0]
		}
		p = p[i+1:]
	}
}

func (w *lineWriter) endLine(l []byte) {
	if w.html {
		if l = bytes.Trim(l, " \t\r"); len(l) > 0 {
			w.out = appendQuoted(w.out, l)
		}
		return
	}
	l = bytes.TrimRight(l, " \t\r")
	if len(l) <= textWidth {
		w.out = appendQuoted(w.out, l)
		return
	}
	wrapLine(w.room[:0], l, w.emit)
}

// finish ends the last line and gives the encoded part.
func (w *lineWriter) finish() []byte {
	if len(w.line) > 0 {
		w.endLine(w.line)
		w.line = w.line[:0]
	}
	return w.out
}

// makePiece encodes a run of raw output. Its memory is its own.
func makePiece(raw []byte, html bool) piece {
	w := newLineWriter()
	w.start(html, nil, nil)
	w.raw(raw)
	alone := len(w.finish())
	first := bytes.IndexByte(raw, '\n')
	if first < 0 {
		return piece{head: bytes.Clone(raw), alone: alone}
	}
	last := bytes.LastIndexByte(raw, '\n')
	w.start(html, nil, nil)
	w.raw(raw[first+1 : last+1])
	return piece{
		head:   bytes.Clone(raw[:first]),
		lines:  bytes.Clone(w.finish()),
		tail:   bytes.Clone(raw[last+1:]),
		breaks: true,
		alone:  alone,
	}
}
