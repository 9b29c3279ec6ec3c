package render

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// appendHeaders appends all headers of the mail up to and with the empty line,
// and notes the boundary. Their order is fixed.
func (s *scratch) appendHeaders(dst []byte, m *Mail, p *plan, subject string) (out []byte, utf8Needed bool, err error) {
	id, ok := messageID(m.MessageID)
	if !ok {
		return dst, false, dispatcher.Invalid("message_id", "make it of letters, digits and dots around one @", "%q cannot be a Message-ID", m.MessageID)
	}
	to, utf8Needed, ok := headerAddress(m.To)
	if !ok {
		return dst, false, dispatcher.Invalid("to", "give one address such as ann@example.org", "%q cannot be a recipient", clip(cleanLine(m.To), 80))
	}
	s.boundary(id)
	dst = append(dst, p.from...)
	dst = append(dst, "To: "...)
	dst = appendMailbox(dst, len("To: "), clip(cleanLine(m.ToName), 150), to)
	dst = append(dst, "\r\n"...)
	dst = appendText(dst, "Subject", subject)
	dst = append(dst, "Date: "...)
	dst = m.Date.UTC().AppendFormat(dst, time.RFC1123Z)
	dst = append(dst, "\r\nMessage-ID: <"...)
	dst = append(dst, id...)
	dst = append(dst, ">\r\n"...)
	if dst, err = appendReferences(dst, m.References); err != nil {
		return dst, false, err
	}
	dst = appendListHeaders(dst, m, p)
	// RFC 3834 §5. Exchange is asked for silence too, but not for "All", which
	// would also hold back the bounces that we want.
	dst = append(dst, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n"...)
	dst = s.appendFilterHeaders(dst, m)
	dst = append(dst, "Content-Language: "...)
	dst = append(dst, p.lang.tag...)
	dst = append(dst, "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\""...)
	dst = append(dst, s.bound...)
	return append(dst, "\"\r\n\r\n"...), utf8Needed, nil
}

// boundary derives the boundary from the Message-ID, so that the same mail has
// the same bytes. It begins with "=_", which quoted-printable text cannot
// contain (RFC 2045 §6.7): no part can hold it.
func (s *scratch) boundary(id string) {
	s.sum.Reset()
	s.sum.Write([]byte(id))
	hex.Encode(s.hexed[:], s.sum.Sum(s.hashed[:0])[:sha256.Size])
	s.bound = append(append(s.bound[:0], "=_hb_"...), s.hexed[:24]...)
}

func appendReferences(dst []byte, refs []string) ([]byte, error) {
	if len(refs) == 0 {
		return dst, nil
	}
	last, ok := messageID(refs[len(refs)-1])
	if !ok {
		return dst, dispatcher.Invalid("references", "give Message-IDs", "%q cannot be a Message-ID", refs[len(refs)-1])
	}
	dst = append(dst, "In-Reply-To: <"...)
	dst = append(dst, last...)
	dst = append(dst, ">\r\nReferences:"...)
	for i, ref := range refs {
		id, ok := messageID(ref)
		if !ok {
			return dst, dispatcher.Invalid("references", "give Message-IDs", "%q cannot be a Message-ID", ref)
		}
		if i > 0 {
			dst = append(dst, "\r\n"...)
		}
		dst = append(dst, " <"...)
		dst = append(dst, id...)
		dst = append(dst, '>')
	}
	return append(dst, "\r\n"...), nil
}

// appendListHeaders appends what makes leaving one click in the reader's own
// program. List-Unsubscribe stays on one line: folded ones broke signatures at
// some relays.
func appendListHeaders(dst []byte, m *Mail, p *plan) []byte {
	if id := listLabel(m.ListID); id != "" {
		dst = append(dst, "List-Id: "...)
		if name := clip(p.site.Name, 60); name != "" {
			dst = append(appendPhrase(dst, len("List-Id: "), name), "\r\n "...)
		}
		dst = append(dst, '<')
		dst = append(dst, id...)
		dst = append(dst, ">\r\n"...)
	}
	if u := cleanURL(m.Links.OneClick); u != "" && len(u) <= 900 {
		dst = append(dst, "List-Unsubscribe: "...)
		dst = appendURL(dst, u)
		dst = append(dst, "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
	}
	if len(m.Groups) == 1 {
		if u := cleanURL(m.Groups[0].Thread.URL); u != "" && len(u) <= 300 {
			dst = append(dst, "List-Archive: "...)
			dst = appendURL(dst, u)
			dst = append(dst, "\r\n"...)
		}
	}
	if needsItems(m.Kind) {
		// Not standard, but what makes responders keep silent, RFC 3834 §2.
		dst = append(dst, "Precedence: list\r\n"...)
	}
	return dst
}

// listLabel gives a List-Id without its brackets when it is one, RFC 2919 §2.
func listLabel(s string) string {
	if len(s) > 200 || !domainChars(s) {
		return ""
	}
	return s
}

// appendFilterHeaders appends what readers and postmasters can filter by.
func (s *scratch) appendFilterHeaders(dst []byte, m *Mail) []byte {
	if f := cleanLine(m.FeedbackID); f != "" && plainASCII(f) && len(f) <= 120 {
		dst = append(append(append(dst, "Feedback-ID: "...), f...), "\r\n"...)
	}
	dst = appendText(dst, "X-Hearback-Site", clip(cleanLine(m.Site.Key), 60))
	dst = appendText(dst, "X-Hearback-Kind", cleanLine(string(m.Kind)))
	strongest := dispatcher.Reason(0)
	for i := range s.flat {
		if f := &s.flat[i]; !f.gone && (strongest == 0 || f.item.Reason < strongest) {
			strongest = f.item.Reason
		}
	}
	if strongest != 0 {
		dst = appendText(dst, "X-Hearback-Reason", strongest.String())
	}
	if len(m.Groups) == 1 {
		if id := clip(cleanLine(m.Groups[0].Thread.ExternalID), 200); id != "" {
			dst = appendText(dst, "X-Hearback-Thread", id)
		}
	}
	return dst
}
