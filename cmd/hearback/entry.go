package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// entry is one event as it stood in the input.
type entry struct {
	line int // where it begins, from 1
	raw  []byte
	err  error // why it is no event; the raw bytes may be cut then
}

// readEvents reads a JSON array, {"events":[…]}, one event or NDJSON, and calls
// each for every event in order. What is read ahead is bounded, however long the
// input. A broken line of NDJSON is one bad entry; elsewhere nobody can tell
// where the next event begins, so the bad entry is the last.
func readEvents(in io.Reader, each func(entry) error) error {
	pos := &position{r: in, line: 1}
	br := bufio.NewReaderSize(pos, 64<<10)
	if bom, _ := br.Peek(3); string(bom) == "\xef\xbb\xbf" {
		_, _ = br.Discard(3) // was peeked at
	}
	line, err := skipSpace(br)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	head, _ := br.Peek(512) // an error shows itself when the bytes are read
	if head[0] == '[' || regexp.MustCompile(`^\{\s*"events"\s*:\s*\[`).Match(head) {
		return readArray(&position{r: br, line: line}, head[0] == '{', each)
	}
	return readLines(br, line, each)
}

// skipSpace passes over empty lines and gives the number of the line it is on.
func skipSpace(br *bufio.Reader) (int, error) {
	for line := 1; ; {
		c, err := br.ReadByte()
		if err != nil {
			return line, err
		}
		switch c {
		case '\n':
			line++
		case ' ', '\t', '\r':
		default:
			return line, br.UnreadByte()
		}
	}
}

// position counts lines for whoever reads ahead of what they use.
type position struct {
	r     io.Reader
	off   int64   // bytes given so far
	line  int     // the line of the last offset asked for
	marks []int64 // offsets of line ends after it
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	for i, c := range b[:n] {
		if c == '\n' {
			p.marks = append(p.marks, p.off+int64(i))
		}
	}
	p.off += int64(n)
	return n, err
}

// at gives the line of an offset; offsets only grow.
func (p *position) at(off int64) int {
	for len(p.marks) > 0 && p.marks[0] < off {
		p.marks = p.marks[1:]
		p.line++
	}
	return p.line
}

// readArray reads the elements of an array, or of {"events":[…]}.
func readArray(p *position, wrapped bool, each func(entry) error) error {
	dec := json.NewDecoder(p)
	opening := 1 // [
	if wrapped {
		opening = 3 // { "events" [
	}
	for range opening {
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return endOfReading(p, dec, err, each)
		}
		if err := each(entry{line: p.at(dec.InputOffset() - int64(len(raw))), raw: raw}); err != nil {
			return err
		}
	}
	for range (opening + 1) / 2 { // ] and }
		t, err := dec.Token()
		if err == nil && t != json.Delim(']') && t != json.Delim('}') {
			err = dispatcher.Invalid("", `give nothing beside "events"`, "%q stands beside events", fmt.Sprint(t))
		}
		if err != nil {
			return endOfReading(p, dec, err, each)
		}
	}
	return nil
}

// endOfReading makes the last entry of an input that cannot be read on. An
// error of the input itself is the caller's.
func endOfReading(p *position, dec *json.Decoder, err error, each func(entry) error) error {
	var syntax *json.SyntaxError
	var ours *dispatcher.Error
	switch {
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = dispatcher.Invalid("", "mend the JSON here; what follows was not read", "is no JSON: %v", err)
	case !errors.As(err, &ours):
		return fmt.Errorf("read the events: %w", err)
	}
	return each(entry{line: p.at(dec.InputOffset() + gap(dec)), err: err})
}

// gap is how many bytes stand before the value that the decoder could not read.
func gap(dec *json.Decoder) int64 {
	rest, _ := io.ReadAll(dec.Buffered()) // of memory, which cannot fail
	return int64(len(rest) - len(bytes.TrimLeft(rest, " \t\r\n,")))
}

// readLines reads NDJSON, or events that stand over several lines each.
func readLines(br *bufio.Reader, line int, each func(entry) error) error {
	for first := true; ; line++ {
		raw, size, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the events: %w", err)
		}
		text := bytes.TrimSpace(raw)
		if first && size <= dispatcher.MaxPayload && !json.Valid(text) && !bytes.HasSuffix(text, []byte("}")) && text[0] == '{' {
			return readStream(&position{r: io.MultiReader(bytes.NewReader(raw), br), line: line}, each)
		}
		first = false
		switch {
		case size > dispatcher.MaxPayload:
			err = errors.Join(each(entry{line: line, raw: text, err: tooLarge(size)}), err)
		case len(text) > 0:
			err = errors.Join(each(entry{line: line, raw: text}), err)
		}
		if errors.Is(err, io.EOF) && err.Error() == io.EOF.Error() {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLine reads a line with its end, and gives its true size; more than an
// event may have is passed over and not kept.
func readLine(br *bufio.Reader) (line []byte, size int, err error) {
	for {
		part, err := br.ReadSlice('\n')
		size += len(part)
		if room := dispatcher.MaxPayload + 2 - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, size, err
		}
	}
}

// readStream reads events that follow each other, each over several lines.
func readStream(p *position, each func(entry) error) error {
	dec := json.NewDecoder(p)
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return endOfReading(p, dec, err, each)
		}
		if err := each(entry{line: p.at(dec.InputOffset() - int64(len(raw))), raw: raw}); err != nil {
			return err
		}
	}
}

func tooLarge(size int) error {
	return &dispatcher.Error{Code: dispatcher.CodeTooLarge, Message: fmt.Sprintf("the event has %d bytes", size),
		Mend: fmt.Sprintf("send at most %d bytes", dispatcher.MaxPayload)}
}

// parseEvent reads one event strictly: an unknown key would be a setting that
// quietly does nothing.
func parseEvent(raw []byte) (dispatcher.Event, error) {
	var e dispatcher.Event
	if len(raw) > dispatcher.MaxPayload {
		return e, tooLarge(len(raw))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return e, jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return e, dispatcher.Invalid("", "put each event on a line of its own, or all into an array", "something stands behind the event")
	}
	if err := noNUL(raw); err != nil {
		return e, err
	}
	return e, e.Validate()
}

// jsonError says in our words why bytes are no event.
func jsonError(err error) error {
	var wrong *json.UnmarshalTypeError
	var clock *time.ParseError
	switch {
	case errors.As(err, &wrong):
		return dispatcher.Invalid(wrong.Field, "give a value of the kind that docs/api.md shows", "a JSON %s cannot stand here", wrong.Value)
	case errors.As(err, &clock):
		return dispatcher.Invalid("time", "give RFC 3339 with an offset, such as 2026-06-08T10:15:00Z", "%s is no time", clock.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		mend := "leave it out"
		if near := dispatcher.Nearest(name, keysOf(reflect.TypeFor[dispatcher.Event](), nil)); near != "" {
			mend = "did you mean " + near + "?"
		}
		return dispatcher.Invalid(name, mend, "is an unknown key")
	}
	return dispatcher.Invalid("", "mend the JSON", "is no JSON: %v", err)
}

// keysOf collects the JSON keys of a struct and of those in it.
func keysOf(t reflect.Type, keys []string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return keys
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys = keysOf(t.Field(i).Type, append(keys, name))
	}
	return keys
}

// noNUL refuses \u0000, which PostgreSQL cannot keep and nobody can read.
func noNUL(raw []byte) error {
	if !bytes.Contains(raw, []byte(`\u0000`)) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	for {
		t, err := dec.Token()
		if err != nil {
			return nil // the end; that it is JSON is known
		}
		if s, ok := t.(string); ok && strings.ContainsRune(s, 0) {
			return dispatcher.Invalid("", "leave the character out", `a text holds the character \u0000`)
		}
	}
}
