package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of what we read of a reply. RFC 5321 §4.5.3.1.5 allows 512 bytes a
// line; relays exceed it.
const (
	maxReplyLines = 100
	maxReplyBytes = 64 << 10
	maxWords      = 1000 // bytes of a reply's text that are kept
)

// unparsable is a reply that is none. The connection cannot be trusted after
// it: nobody knows which command the next line belongs to.
type unparsable struct{ line string }

func (u *unparsable) Error() string {
	return fmt.Sprintf("the relay sent %q, which is no SMTP reply", u.line)
}

// readReply reads one reply, all its lines (RFC 5321 §4.2.1). It gives the
// code and the text, joined by spaces, in words' memory; an enhanced status
// stands at the beginning of the text only. The error is [unparsable] or the
// reader's own; io.EOF inside a reply is io.ErrUnexpectedEOF.
func readReply(r *bufio.Reader, words []byte) (int, []byte, error) {
	words = words[:0]
	code, total := 0, 0
	for range maxReplyLines {
		line, err := r.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long {
			if errors.Is(err, io.EOF) && (code != 0 || len(line) > 0) {
				err = io.ErrUnexpectedEOF
			}
			return 0, words, err
		}
		total += len(line)
		n, more, ok := replyLine(line)
		if !ok || code != 0 && n != code {
			return 0, words, &unparsable{line: clip(line, 80)}
		}
		words = appendWords(words, line, n)
		code = n
		for long { // the rest of a line that is longer than the buffer
			line, err = r.ReadSlice('\n')
			long = errors.Is(err, bufio.ErrBufferFull)
			if err != nil && !long {
				return 0, words, err
			}
			if total += len(line); total > maxReplyBytes {
				return 0, words, &unparsable{line: clip(line, 80)}
			}
		}
		if !more {
			return code, words, nil
		}
	}
	return 0, words, &unparsable{line: "a reply of more than " + fmt.Sprint(maxReplyLines) + " lines"}
}

// replyLine reads the code of one line and whether more lines follow.
func replyLine(line []byte) (code int, more, ok bool) {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0, false, false
	}
	if len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	return code, len(line) > 3 && line[3] == '-', true
}

// appendWords adds the text of one line. Relays repeat the enhanced status on
// each line (RFC 2034 §4); it is kept once.
func appendWords(words, line []byte, code int) []byte {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) <= 4 {
		return words
	}
	text := bytes.TrimSpace(line[4:])
	if len(words) > 0 {
		if n := enhancedLen(text, code); n > 0 && bytes.HasPrefix(words, text[:n]) {
			text = bytes.TrimSpace(text[n:])
		}
		if len(text) == 0 {
			return words
		}
		words = append(words, ' ')
	}
	if room := maxWords - len(words); len(text) > room {
		text = text[:max(room, 0)]
	}
	return append(words, text...)
}

// enhancedLen gives the length of an enhanced status at the beginning of a
// reply's text, or 0. Its class must be that of the reply (RFC 2034 §4): a
// relay that names an IP address first is not speaking in statuses.
func enhancedLen(text []byte, code int) int {
	if len(text) < 5 || text[0] != byte('0'+code/100) || text[1] != '.' {
		return 0
	}
	i := 2
	for part := range 2 {
		start := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if i == start || i-start > 3 {
			return 0
		}
		if part == 0 {
			if i == len(text) || text[i] != '.' {
				return 0
			}
			i++
		}
	}
	if i < len(text) && text[i] != ' ' && text[i] != '\t' {
		return 0
	}
	return i
}

// split gives the enhanced status and the words of a reply's text, safe to
// store and to show: valid UTF-8 without control characters.
func split(text []byte, code int) (enhanced, words string) {
	n := enhancedLen(text, code)
	s := string(text)
	if !isClean(s) {
		s = strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
				return '?'
			}
			return r
		}, s)
	}
	return s[:n], strings.TrimSpace(s[n:])
}

func isClean(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func clip(b []byte, n int) string {
	b = bytes.TrimRight(b, "\r\n")
	if len(b) > n {
		b = b[:n]
	}
	return string(b)
}
