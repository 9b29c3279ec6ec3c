package smtp

import (
	"bytes"
	"encoding/binary"
)

// content is a message made ready for the wire.
type content struct {
	wire  []byte // dot-stuffed, CRLF line ends, with the final dot
	size  int    // bytes of the message itself, as SIZE counts them (RFC 1870 §3)
	utf8  bool   // a header needs SMTPUTF8 (RFC 6531)
	eight bool   // a body has bytes above 127 (RFC 6152)
}

// finalDot ends the mail data. Its last bytes decide between deferred and
// unknown: before the dot has left us the relay cannot have taken the mail.
const finalDot = ".\r\n"

// prepare makes a message ready in buf's memory. Bare CR and bare LF become
// CRLF: what a relay behind ours makes of them is how mail is smuggled.
func prepare(buf, message []byte) content {
	wire, dots := appendStuffed(buf[:0], message)
	c := content{size: len(wire) - dots}
	if i := firstEightBit(message); i >= 0 {
		c.utf8 = i < headerLen(message)
		c.eight = !c.utf8 || firstEightBit(message[headerLen(message):]) >= 0
	}
	c.wire = append(wire, finalDot...)
	return c
}

// appendStuffed appends the message with CRLF line ends and a dot added to
// each line that begins with one (RFC 5321 §4.5.2), and says how many were.
// Runs of lines that need no change are copied at once.
func appendStuffed(dst, message []byte) (stuffed []byte, dots int) {
	run, pos, lf := 0, 0, -1 // lf is the next LF at or after pos, once looked for
	for pos < len(message) {
		if message[pos] == '.' {
			dst = append(append(dst, message[run:pos]...), '.')
			run = pos
			dots++
		}
		if lf < pos {
			if lf = bytes.IndexByte(message[pos:], '\n'); lf < 0 {
				lf = len(message)
			} else {
				lf += pos
			}
		}
		cr := bytes.IndexByte(message[pos:lf], '\r') + pos
		if cr == lf-1 && cr >= pos && lf < len(message) { // the usual line
			pos = lf + 1
			continue
		}
		stop := lf // a bare LF, or the last line without an end
		if cr >= pos {
			stop = cr // a bare CR
		}
		dst = append(append(dst, message[run:stop]...), '\r', '\n')
		pos = min(stop+1, len(message))
		run = pos
	}
	return append(dst, message[run:]...), dots
}

// firstEightBit gives the index of the first byte above 127, or -1.
func firstEightBit(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if binary.LittleEndian.Uint64(b[i:])&0x8080808080808080 != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if b[i] >= 0x80 {
			return i
		}
	}
	return -1
}

// headerLen gives the length of the header section.
func headerLen(message []byte) int {
	if i := bytes.Index(message, []byte("\r\n\r\n")); i >= 0 {
		return i
	}
	if i := bytes.Index(message, []byte("\n\n")); i >= 0 {
		return i
	}
	return len(message)
}
