package render

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	xlang "golang.org/x/text/language"
)

// language is what the renderer knows of one language: the words of the
// built-in templates, names for dates, and the direction of writing.
type language struct {
	tag      string // as it stands in lang="…"
	words    map[string]string
	weekdays []string  // from Sunday
	months   []string  // from January
	first    string    // how the first day of a month is written
	date     string    // how a date is written: W weekday, D day, M month
	dated    string    // how a moment is written: also T time
	cldr     xlang.Tag // whose rules for numbers hold
}

// fallbackLocale is the language of last resort.
const fallbackLocale = "en"

// readWords reads a file of words: "key: text" lines, "#" starts a comment.
func readWords(files fs.FS, name string) (map[string]string, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	words := map[string]string{}
	for i, line := range strings.Split(string(raw), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, text, ok := strings.Cut(line, ":")
		if _, twice := words[key]; !ok || twice {
			return nil, fmt.Errorf("%s:%d: want one \"key: text\" for each key", name, i+1)
		}
		words[key] = strings.TrimSpace(text)
	}
	return words, nil
}

// localeChain gives the languages to try for a reader, best first: theirs,
// theirs without region, the site's in the same way, and English.
func localeChain(reader, site string) []string {
	var chain []string
	add := func(tag string) {
		for tag = cleanTag(tag); tag != ""; {
			known := false
			for _, have := range chain {
				known = known || have == tag
			}
			if !known {
				chain = append(chain, tag)
			}
			i := strings.LastIndexByte(tag, '-')
			if i < 0 {
				return
			}
			tag = tag[:i]
		}
	}
	add(reader)
	add(site)
	add(fallbackLocale)
	return chain
}

// cleanTag gives a BCP 47 tag in its usual writing (de-AT, zh-Hant), or "" for
// what is none. POSIX names such as de_AT.UTF-8 are understood.
func cleanTag(tag string) string {
	tag, _, _ = strings.Cut(tag, ".")
	if len(tag) > 35 {
		return ""
	}
	parts := strings.Split(strings.ReplaceAll(tag, "_", "-"), "-")
	for i, p := range parts {
		if p == "" || len(p) > 8 {
			return ""
		}
		for _, c := range p {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
				return ""
			}
		}
		switch {
		case i == 0:
			parts[i] = strings.ToLower(p)
		case len(p) == 2:
			parts[i] = strings.ToUpper(p)
		case len(p) == 4:
			parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		default:
			parts[i] = strings.ToLower(p)
		}
	}
	if len(parts[0]) < 2 {
		return ""
	}
	return strings.Join(parts, "-")
}

// direction of writing of a language: "rtl" or "ltr".
func direction(tag string) string {
	lang, rest, _ := strings.Cut(tag, "-")
	switch {
	case strings.HasPrefix(rest, "Latn"), strings.HasPrefix(rest, "Cyrl"):
		return "ltr"
	case strings.HasPrefix(rest, "Arab"), strings.HasPrefix(rest, "Hebr"):
		return "rtl"
	}
	switch lang {
	case "ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi":
		return "rtl"
	}
	return "ltr"
}

// punctuation gives the marks that templates put after words and that
// languages write differently.
func punctuation(tag string) (colon, comma string) {
	switch lang, _, _ := strings.Cut(tag, "-"); lang {
	case "fr":
		return "\u00a0:", ","
	case "ar", "fa", "ps", "sd", "ug", "ur":
		return ":", "،"
	}
	return ":", ","
}

// day writes a date such as "Mon 8 June".
func (l *language) day(t time.Time) string { return string(l.appendTime(nil, l.date, t)) }

// moment writes a date with its time of day such as "Mon 8 June, 10:15".
func (l *language) moment(t time.Time) string {
	return string(l.appendTime(make([]byte, 0, 40), l.dated, t))
}

func (l *language) appendTime(dst []byte, pattern string, t time.Time) []byte {
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == 'W':
			dst = append(dst, l.weekdays[t.Weekday()]...)
		case c == 'D' && t.Day() == 1:
			dst = append(dst, l.first...)
		case c == 'D':
			dst = strconv.AppendInt(dst, int64(t.Day()), 10)
		case c == 'M':
			dst = append(dst, l.months[t.Month()-1]...)
		case c == 'T':
			dst = t.AppendFormat(dst, "15:04")
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// expand puts the words of the language in place of [[key]] in a template's
// source. Unknown keys are left and reported. Line numbers stay as they are.
func (l *language) expand(source string) (string, []string) {
	if !strings.Contains(source, "[[") {
		return source, nil
	}
	var out strings.Builder
	var unknown []string
	for {
		i := strings.Index(source, "[[")
		if i < 0 {
			break
		}
		out.WriteString(source[:i])
		source = source[i:]
		j := strings.Index(source, "]]")
		if j < 0 || !isKey(source[2:j]) {
			out.WriteString("[[")
			source = source[2:]
			continue
		}
		key := source[2:j]
		if text, ok := l.words[key]; ok {
			out.WriteString(text)
		} else {
			unknown = append(unknown, key)
			out.WriteString(source[:j+2])
		}
		source = source[j+2:]
	}
	out.WriteString(source)
	return out.String(), unknown
}

func isKey(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return s != ""
}
