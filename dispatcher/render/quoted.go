package render

// hardLimit is the longest line of quoted-printable without its soft break,
// RFC 2045 §6.7 (76 with it).
const hardLimit = 75

const upperHex = "0123456789ABCDEF"

// literal marks the bytes that quoted-printable leaves as they are inside a
// line. White space at a line's end is none of them; lines are trimmed before.
func literal(b byte) bool {
	return b-' ' <= '~'-' ' && b != '=' || b == '\t'
}

// appendQuoted appends one line, without its line break, as quoted-printable
// and ends it with CRLF. The line must not end with white space. The bytes are
// those of [mime/quotedprintable.Writer]; the property test compares them.
func appendQuoted(dst, line []byte) []byte {
	col := 0
	for i := 0; i < len(line); {
		j := i
		for j < len(line) && literal(line[j]) {
			j++
		}
		for i < j {
			room := hardLimit - col
			if room == 0 {
				dst = append(dst, "=\r\n"...)
				col, room = 0, hardLimit
			}
			n := min(room, j-i)
			dst = append(dst, line[i:i+n]...)
			i += n
			col += n
		}
		for i < len(line) && !literal(line[i]) {
			if hardLimit-col < 3 {
				dst = append(dst, "=\r\n"...)
				col = 0
			}
			dst = append(dst, '=', upperHex[line[i]>>4], upperHex[line[i]&15])
			col += 3
			i++
		}
	}
	return append(dst, "\r\n"...)
}
