package mailtest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Letter is a mail as its reader gets it: decoded.
type Letter struct {
	Header  mail.Header
	Subject string // RFC 2047 decoded
	Text    string // the first text/plain part, with LF line ends
	HTML    string // the first text/html part, with LF line ends
	Parts   []Part // all leaves, in their order
}

// Part is one leaf of a mail's MIME tree.
type Part struct {
	Type     string // "text/plain"
	Params   map[string]string
	Encoding string // Content-Transfer-Encoding, in lower case
	Body     []byte // decoded
}

// Open reads a mail. It is strict where a mail client would be lenient: an
// encoding or a MIME structure that is wrong is an error.
func Open(raw []byte) (*Letter, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read mail header: %w", err)
	}
	l := &Letter{Header: m.Header}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return nil, fmt.Errorf("decode subject: %w", err)
	}
	if err := l.add(textproto.MIMEHeader(m.Header), m.Body); err != nil {
		return nil, err
	}
	for _, p := range l.Parts {
		text := strings.ReplaceAll(string(p.Body), "\r\n", "\n")
		switch {
		case p.Type == "text/plain" && l.Text == "":
			l.Text = text
		case p.Type == "text/html" && l.HTML == "":
			l.HTML = text
		}
	}
	return l, nil
}

// add takes one node of the MIME tree.
func (l *Letter) add(h textproto.MIMEHeader, body io.Reader) error {
	kind, params := "text/plain", map[string]string{}
	if ct := h.Get("Content-Type"); ct != "" {
		var err error
		if kind, params, err = mime.ParseMediaType(ct); err != nil {
			return fmt.Errorf("read content type %q: %w", ct, err)
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("read part of %s: %w", kind, err)
			}
			if err := l.add(p.Header, p); err != nil {
				return err
			}
		}
	}
	encoding := strings.ToLower(h.Get("Content-Transfer-Encoding"))
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "", "7bit", "8bit", "binary":
	default:
		return fmt.Errorf("unknown transfer encoding %q", encoding)
	}
	decoded, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("decode %s as %s: %w", kind, encoding, err)
	}
	l.Parts = append(l.Parts, Part{Type: kind, Params: params, Encoding: encoding, Body: decoded})
	return nil
}

// Golden renders the letter for a golden file: header fields by name, then
// each part decoded. Boundaries, the one thing that may differ between two
// equal mails, are left out.
func (l *Letter) Golden() []byte {
	var b bytes.Buffer
	names := make([]string, 0, len(l.Header))
	for name := range l.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	words := new(mime.WordDecoder)
	for _, name := range names {
		for _, value := range l.Header[name] {
			if decoded, err := words.DecodeHeader(value); err == nil {
				value = decoded
			}
			if name == "Content-Type" {
				value, _, _ = strings.Cut(value, ";")
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	for _, p := range l.Parts {
		fmt.Fprintf(&b, "\n---- %s; charset=%s; %s\n", p.Type, p.Params["charset"], p.Encoding)
		b.WriteString(strings.ReplaceAll(string(p.Body), "\r\n", "\n"))
		if !bytes.HasSuffix(p.Body, []byte("\n")) {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

// CompareGolden holds got against the file. The error shows the first line
// that differs. With update the file is written instead.
func CompareGolden(file string, got []byte, update bool) error {
	if update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("update golden file: %w", err)
		}
		return os.WriteFile(file, got, 0o644)
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no golden file yet, run with update: %w", err)
	}
	if err != nil {
		return fmt.Errorf("read golden file: %w", err)
	}
	if bytes.Equal(got, want) {
		return nil
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		line := func(l []string) string {
			if i < len(l) {
				return l[i]
			}
			return "(end)"
		}
		if line(g) != line(w) {
			return fmt.Errorf("%s differs at line %d:\n got %q\nwant %q", file, i+1, line(g), line(w))
		}
	}
	return fmt.Errorf("%s differs", file)
}
