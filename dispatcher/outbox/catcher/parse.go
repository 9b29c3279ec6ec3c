package catcher

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads the charsets of other people's mail
	"github.com/emersion/go-message/textproto"
)

// The bounds of what is read of one mail; the source shows all of it.
const (
	maxHeader = 256 << 10 // bytes of all header fields of one part
	maxPart   = 2 << 20   // bytes of one decoded part
	maxParts  = 100
	maxDepth  = 10
)

// Parsed is a mail taken apart for reading.
type Parsed struct {
	Headers  []Header
	Text     string // the plain text, decoded, "" if there is none
	HTML     string // the HTML, decoded, "" if there is none
	Others   []Part // what is neither: attachments, images
	Problems []string
}

// Header is one header field, unfolded.
type Header struct {
	Name  string
	Value string // with encoded words decoded (RFC 2047)
}

// Part is one further part of a mail.
type Part struct {
	Type string
	Name string // of the file, "" if it has none
	Size int    // decoded bytes, as far as they were read
}

// Parse takes a mail apart. It never fails: what cannot be read is told in
// Problems, and what has no header at all is text.
func Parse(raw []byte) *Parsed {
	p := &Parsed{}
	e, err := message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: maxHeader})
	if e == nil {
		p.problem("the header cannot be read: %v", err)
		p.Text = clean(raw, maxPart)
		return p
	}
	p.note(err)
	for f := e.Header.Fields(); f.Next(); {
		p.Headers = append(p.Headers, Header{Name: nameOf(f), Value: decoded(f)})
	}
	parts := 0
	p.walk(e, 0, &parts)
	return p
}

func (p *Parsed) walk(e *message.Entity, depth int, parts *int) {
	if *parts++; *parts > maxParts || depth > maxDepth {
		if *parts <= maxParts+1 {
			p.problem("there are more parts than are shown here")
		}
		return
	}
	if mr := e.MultipartReader(); mr != nil {
		for *parts <= maxParts {
			part, err := mr.NextPart()
			if errors.Is(err, io.EOF) {
				return
			}
			if part == nil {
				p.problem("a part cannot be read: %v", err)
				return
			}
			p.note(err)
			p.walk(part, depth+1, parts)
		}
		return
	}
	p.leaf(e)
}

// leaf takes a part that has no parts.
func (p *Parsed) leaf(e *message.Entity) {
	kind, params, err := e.Header.ContentType()
	if err != nil && e.Header.Has("Content-Type") {
		p.problem("a Content-Type cannot be read: %v", err)
		kind = "text/plain"
	}
	body, err := io.ReadAll(io.LimitReader(e.Body, maxPart+1))
	if err != nil {
		p.problem("a part is broken: %v", err)
	}
	if len(body) > maxPart {
		p.problem("a part is longer than %d MB and was cut", maxPart>>20)
		body = body[:maxPart]
	}
	disposition, dparams, _ := e.Header.ContentDisposition()
	attached := strings.EqualFold(disposition, "attachment")
	switch {
	case strings.EqualFold(kind, "text/plain") && !attached && p.Text == "":
		p.Text = clean(body, maxPart)
	case strings.EqualFold(kind, "text/html") && !attached && p.HTML == "":
		p.HTML = clean(body, maxPart)
	default:
		name := dparams["filename"]
		if name == "" {
			name = params["name"]
		}
		p.Others = append(p.Others, Part{Type: kind, Name: oneLine(name, 200), Size: len(body)})
	}
}

func (p *Parsed) note(err error) {
	switch {
	case err == nil:
	case message.IsUnknownCharset(err):
		p.problem("an unknown charset: %v", err)
	case message.IsUnknownEncoding(err):
		p.problem("an unknown transfer encoding: %v", err)
	default:
		p.problem("%v", err)
	}
}

func (p *Parsed) problem(format string, args ...any) {
	if len(p.Problems) < 20 {
		p.Problems = append(p.Problems, oneLine(fmt.Sprintf(format, args...), 200))
	}
}

// nameOf gives a field's name in the letters it came in.
func nameOf(f message.HeaderFields) string {
	if raw, err := f.Raw(); err == nil {
		if name, _, ok := strings.Cut(string(raw), ":"); ok && strings.EqualFold(strings.TrimSpace(name), f.Key()) {
			return strings.TrimSpace(name)
		}
	}
	return f.Key()
}

// decoded gives a field's value with encoded words decoded, or as it stands.
func decoded(f message.HeaderFields) string {
	text, err := f.Text()
	if err != nil || text == "" {
		text = f.Value()
	}
	return oneLine(text, maxHeader)
}

// Summarize reads of a mail what a list shows. The envelope and the time are
// the caller's to fill in.
func Summarize(raw []byte) Summary {
	s := Summary{Size: len(raw)}
	h, err := textproto.ReadHeader(bufio.NewReader(io.LimitReader(bytes.NewReader(raw), maxHeader)))
	if err != nil {
		s.Snippet = snippet(string(raw[:min(len(raw), 4096)]))
		return s
	}
	header := message.Header{Header: h}
	get := func(key string, most int) string {
		text, err := header.Text(key)
		if err != nil {
			text = header.Get(key)
		}
		return oneLine(text, most)
	}
	s.Subject = get("Subject", 300)
	s.Kind = get("X-Hearback-Kind", 40)
	s.Reason = get("X-Hearback-Reason", 100)
	s.Thread = get("X-Hearback-Thread", 300)
	s.From = person(get("From", 300))
	if a, err := mail.ParseAddress(get("To", 300)); err == nil {
		s.To = a.Address
	}
	// Enough for the first words, and cheap for a large mail.
	p := Parse(raw[:min(len(raw), 64<<10)])
	s.Snippet = snippet(p.Text)
	return s
}

// person gives the name in a mailbox, or the address if it has none.
func person(text string) string {
	a, err := mail.ParseAddress(text)
	switch {
	case err != nil:
		return text
	case a.Name != "":
		return a.Name
	}
	return a.Address
}

func snippet(text string) string { return oneLine(text, 160) }

// oneLine makes runs of white space one space, drops what cannot be shown, and
// cuts to at most so many runes.
func oneLine(s string, most int) string {
	var b strings.Builder
	n, gap := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			gap = true
			continue
		}
		if hidden(r) {
			continue
		}
		if n >= most {
			b.WriteRune('…')
			break
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
			n++
		}
		gap = false
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// hidden says whether a rune would be invisible or turn its neighbours round.
func hidden(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r) || r == 0xfeff || r == 0x200b || r == 0x034f
}

// clean gives bytes as valid UTF-8 without NUL, at most so many bytes.
func clean(b []byte, most int) string {
	b = b[:min(len(b), most)]
	s := strings.ToValidUTF8(string(b), "\ufffd")
	return strings.ReplaceAll(s, "\x00", "\ufffd")
}
