package render

import "strings"

// lean makes markup that was rendered in full forms shorter, without changing
// what a program makes of it: quotes go from attribute values that need none
// (each "=" of a mail costs three bytes, and quotes two more), so do slashes of
// empty elements, and the tags of <tbody>, which every reader of HTML puts back.
// Values with stand-ins for actions keep their quotes: html/template escapes
// differently without them.
func lean(page string) string {
	var out strings.Builder
	out.Grow(len(page))
	for page != "" {
		at := strings.IndexByte(page, '<')
		if at < 0 {
			break
		}
		out.WriteString(page[:at])
		page = page[at:]
		end := tagEnd(page)
		tag := page[:end]
		page = page[end:]
		switch {
		case tag == "<tbody>" || tag == "</tbody>":
		case strings.HasPrefix(tag, "<html"), strings.HasPrefix(tag, "<meta"): // stand once; simple tools look into them
			out.WriteString(strings.Replace(tag, "/>", ">", 1))
		case len(tag) > 1 && isLetter(tag[1]):
			writeLean(&out, tag)
			if strings.HasPrefix(tag, "<style") { // rules are no markup
				if at = strings.Index(page, "</style"); at >= 0 {
					out.WriteString(page[:at])
					page = page[at:]
				}
			}
		default:
			out.WriteString(tag)
		}
	}
	out.WriteString(page)
	return out.String()
}

// tagEnd gives where the tag or comment that begins s ends.
func tagEnd(s string) int {
	if strings.HasPrefix(s, "<!--") {
		if end := strings.Index(s, "-->"); end >= 0 {
			return end + 3
		}
		return len(s)
	}
	quoted := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '>':
			if !quoted {
				return i + 1
			}
		}
	}
	return len(s)
}

// writeLean writes one start tag as html.Render wrote it: values in double
// quotes, a slash before the end of empty elements.
func writeLean(out *strings.Builder, tag string) {
	tag = strings.TrimSuffix(strings.TrimSuffix(tag, ">"), "/")
	for {
		at := strings.Index(tag, `="`)
		if at < 0 {
			break
		}
		value, rest, ok := strings.Cut(tag[at+2:], `"`)
		if !ok {
			break
		}
		switch {
		case value == "": // an attribute without a value is an empty one
			out.WriteString(tag[:at])
		case plainValue(value):
			out.WriteString(tag[:at+1] + value)
		default:
			out.WriteString(tag[:at+2] + value + `"`)
		}
		tag = rest
	}
	out.WriteString(tag)
	out.WriteByte('>')
}

// plainValue says that an attribute's value may stand without quotes.
func plainValue(v string) bool {
	if strings.Contains(v, "hbaction") {
		return false
	}
	for i := 0; i < len(v); i++ {
		if c := v[i]; !isLetter(c) && (c < '0' || c > '9') && strings.IndexByte("-_.#%", c) < 0 {
			return false
		}
	}
	return true
}
