package render

import (
	"bytes"
	"mime/quotedprintable"
	"strings"
)

// naiveBody is the reference for every encoded part: it executes the whole
// template, items and all, and encodes the result with the standard library.
// It serves previews and the property test; mails go the quick way.
func naiveBody(dst []byte, p *part, html bool, view *MailView) ([]byte, error) {
	raw, err := plainBody(p, html, view)
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(dst)
	w := quotedprintable.NewWriter(out)
	if _, err := w.Write([]byte(raw)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// plainBody gives a part as a reader's program sees it after decoding.
func plainBody(p *part, html bool, view *MailView) (string, error) {
	var raw bytes.Buffer
	if err := p.plain.ExecuteTemplate(&raw, "mail", view); err != nil {
		return "", err
	}
	return normalize(raw.String(), html), nil
}

// normalize does to a whole part what lineWriter does to its lines.
func normalize(raw string, html bool) string {
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(raw, "\n"), "\n") {
		if html {
			if line = strings.Trim(line, " \t\r"); line != "" {
				out.WriteString(line + "\n")
			}
			continue
		}
		wrapLine(nil, []byte(strings.TrimRight(line, " \t\r")), func(l []byte) {
			out.Write(l)
			out.WriteByte('\n')
		})
	}
	return out.String()
}
