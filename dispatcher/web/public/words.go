package public

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// fallback is the language of those who speak none of ours.
const fallback = "en"

// words are the words of one language, as its file assets/words.LANG has them.
type words struct {
	lang   string // as in lang="…"
	dir    string // "ltr" or "rtl"
	name   string // what the language calls itself
	date   string // how a day is written: D day, M month, Y year
	months []string
	tag    language.Tag
	said   map[string]string
}

// languages are all there are words for. A reader's language is looked for in
// them; who has none of them gets the fallback.
type languages struct {
	names []string // the fallback first, then by name
	words map[string]words
}

// readLanguages reads every file of words. A language is added by adding its
// file; a key that it lacks is said in the fallback.
func readLanguages(files fs.FS) (*languages, error) {
	names, err := fs.Glob(files, "assets/words.*")
	if err != nil {
		return nil, fmt.Errorf("look for words: %w", err)
	}
	l := &languages{words: map[string]words{}}
	for _, name := range names {
		lang := strings.TrimPrefix(path.Ext(name), ".")
		w, err := readWords(files, name, lang)
		if err != nil {
			return nil, err
		}
		l.words[lang] = w
		l.names = append(l.names, lang)
	}
	base, ok := l.words[fallback]
	if !ok {
		return nil, fmt.Errorf("assets/words.%s is missing", fallback)
	}
	slices.Sort(l.names)
	l.names = append([]string{fallback}, slices.DeleteFunc(l.names, func(n string) bool { return n == fallback })...)
	for _, w := range l.words {
		for key, text := range base.said {
			if _, ok := w.said[key]; !ok {
				w.said[key] = text
			}
		}
	}
	return l, nil
}

// readWords reads one file: "key: text" lines, "#" begins a comment.
func readWords(files fs.FS, name, lang string) (words, error) {
	w := words{lang: lang, said: map[string]string{}}
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return w, fmt.Errorf("read words: %w", err)
	}
	if w.tag, err = language.Parse(lang); err != nil {
		return w, fmt.Errorf("%s: %q is no language", name, lang)
	}
	for i, line := range strings.Split(string(raw), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, text, ok := strings.Cut(line, ":")
		if _, twice := w.said[key]; !ok || twice {
			return w, fmt.Errorf("%s:%d: want one \"key: text\" for each key", name, i+1)
		}
		w.said[key] = strings.TrimSpace(text)
	}
	take := func(key string) string { text := w.said[key]; delete(w.said, key); return text }
	w.name, w.dir, w.date, w.months = take("language"), take("dir"), take("date"), strings.Fields(take("months"))
	if w.name == "" || w.dir != "ltr" && w.dir != "rtl" || w.date == "" || len(w.months) != 12 {
		return w, fmt.Errorf("%s: want language, dir (ltr or rtl), date and 12 months", name)
	}
	return w, nil
}

// say gives the words for a key, with its arguments put in. A key without
// words is a defect that the tests find; it shows itself.
func (w words) say(key string, args ...any) string {
	text, ok := w.said[key]
	switch {
	case !ok:
		return "[" + key + "]"
	case len(args) > 0:
		return fmt.Sprintf(text, w.isolate(args)...)
	}
	return text
}

// count gives the words for a number of things: those of the form that the
// language has for it. The number is the first gap.
func (w words) count(key string, n int, args ...any) string {
	form := key + "." + pluralForm(w.tag, n)
	if _, ok := w.said[form]; !ok {
		form = key + ".other"
	}
	return w.say(form, append([]any{n}, args...)...)
}

// isolate keeps names that are written from the left from turning around what
// stands beside them in a text from the right (Unicode Standard Annex #9: first
// strong isolate, pop directional isolate).
func (w words) isolate(args []any) []any {
	if w.dir != "rtl" {
		return args
	}
	out := slices.Clone(args)
	for i := range out {
		if s, ok := out[i].(string); ok {
			out[i] = "\u2068" + s + "\u2069"
		}
	}
	return out
}

// pluralForm names the form of a number, as CLDR does.
func pluralForm(tag language.Tag, n int) string {
	switch plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

// day writes a date.
func (w words) day(t time.Time) string {
	var b strings.Builder
	for _, c := range w.date {
		switch c {
		case 'D':
			b.WriteString(strconv.Itoa(t.Day()))
		case 'M':
			b.WriteString(w.months[t.Month()-1])
		case 'Y':
			b.WriteString(strconv.Itoa(t.Year()))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// of gives the first of the tags that there are words for.
func (l *languages) of(tags ...string) string {
	for _, tag := range tags {
		base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
		if _, ok := l.words[base]; ok {
			return base
		}
	}
	return fallback
}

// asked gives the language that a page asks for, else the one that the browser
// does.
func (l *languages) asked(lang, accept string) string {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(lang), "_", "-"), "-")
	if _, ok := l.words[base]; ok {
		return base
	}
	return l.spoken(accept)
}

// spoken gives the language that a browser asks for, RFC 9110 §12.5.4.
func (l *languages) spoken(accept string) string {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return fallback
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.String()
	}
	return l.of(names...)
}
