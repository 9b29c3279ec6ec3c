package public

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func ours(t *testing.T) *languages {
	t.Helper()
	l, err := readLanguages(assets)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fileOf reads one language as its file has it, without what is borrowed.
func fileOf(t *testing.T, lang string) words {
	t.Helper()
	w, err := readWords(assets, "assets/words."+lang, lang)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// gaps gives the verb of each argument of a text, as package fmt counts them.
func gaps(t *testing.T, text string) map[int]string {
	t.Helper()
	found, next := map[int]string{}, 1
	for _, m := range regexp.MustCompile(`%(?:\[(\d+)\])?(.)`).FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		if m[2] != "s" && m[2] != "d" {
			t.Errorf("%q has the gap %q; use %%s and %%d", text, m[0])
		}
		found[next] = m[2]
		next++
	}
	return found
}

// numbered says whether a key has a form for each number, and gives its base.
func numbered(key string) (base string, ok bool) {
	base, _, ok = strings.Cut(key, ".")
	return base, ok
}

func TestEveryLanguageHasEveryTextWithTheSameGaps(t *testing.T) {
	l := ours(t)
	base := fileOf(t, fallback)
	for _, lang := range l.names {
		w := fileOf(t, lang)
		for key, text := range base.said {
			want := gaps(t, text)
			name, ok := numbered(key)
			if !ok {
				if got := w.said[key]; got == "" {
					t.Errorf("words.%s lacks %s: %s", lang, key, text)
				} else if g := gaps(t, got); !maps.Equal(g, want) {
					t.Errorf("words.%s: %s has the gaps %v, want %v: %s", lang, key, g, want, got)
				}
				continue
			}
			want[1] = "d" // the number may stand as a word
			for _, form := range forms(w) {
				got, ok := w.said[name+"."+form]
				g := gaps(t, got)
				g[1] = "d"
				if !ok {
					t.Errorf("words.%s lacks %s.%s", lang, name, form)
				} else if !maps.Equal(g, want) {
					t.Errorf("words.%s: %s.%s has the gaps %v, want %v: %s", lang, name, form, g, want, got)
				}
			}
		}
		for key := range w.said {
			name, ok := numbered(key)
			if _, known := base.said[key]; !known && (!ok || base.said[name+".other"] == "") {
				t.Errorf("words.%s has %s, which no page says", lang, key)
			}
		}
	}
}

// forms lists the forms that a language has for the numbers up to a million.
func forms(w words) []string {
	seen := map[string]bool{}
	for n := range 1000 {
		seen[pluralForm(w.tag, n)] = true
	}
	seen[pluralForm(w.tag, 1_000_000)] = true
	return slices.Sorted(maps.Keys(seen))
}

func TestEveryWordIsUsedAndEveryUsedWordIsThere(t *testing.T) {
	used := map[string]bool{}
	for glob, said := range map[string]string{"*.go": `(?:say|count)\("([a-z0-9_]+)"`, "assets/*.tmpl": `[ {(][tn] "([a-z0-9_]+)"`} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, m := range regexp.MustCompile(said).FindAllStringSubmatch(string(b), -1) {
				used[m[1]] = true
			}
		}
	}
	base := fileOf(t, fallback)
	known := map[string]bool{}
	for key := range base.said {
		name, _ := numbered(key)
		known[name] = true
		stem := strings.TrimSuffix(strings.TrimSuffix(name, "_what"), "_do")
		if !used[name] && stem == name && !strings.HasPrefix(name, "mute_") {
			t.Errorf("%s is said nowhere", key)
		}
	}
	for key := range used {
		if !known[key] && !strings.HasSuffix(key, "_") {
			t.Errorf("%s is said and has no words", key)
		}
	}
}

func TestLanguagesFallBack(t *testing.T) {
	l := ours(t)
	for _, c := range []struct {
		tags []string
		want string
	}{{[]string{"de-AT"}, "de"}, {[]string{"", "xx", "de_DE"}, "de"}, {[]string{"xx"}, "en"}, {nil, "en"}, {[]string{"EN-gb", "de"}, "en"}} {
		if got := l.of(c.tags...); got != c.want {
			t.Errorf("%q gives %s, want %s", c.tags, got, c.want)
		}
	}
	if got := l.spoken("garbage;;q=x"); got != "en" {
		t.Errorf("a broken Accept-Language gives %s", got)
	}
}

func TestNumbersAreSaidInTheLanguagesForms(t *testing.T) {
	l := ours(t)
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{{"en", 1, "One other subscription from Blog goes on."}, {"en", 2, "2 other subscriptions from Blog go on."}, {"de", 1, "Ein anderes Abo von Blog läuft weiter."}} {
		if got := l.words[c.lang].count("left_stays", c.n, "Blog"); got != c.want {
			t.Errorf("%d in %s is %q, want %q", c.n, c.lang, got, c.want)
		}
	}
}

func TestNamesAreKeptApartInTextsWrittenFromTheRight(t *testing.T) {
	w := words{dir: "rtl", said: map[string]string{"stays": "%d ← %s"}}
	if got, want := w.say("stays", 3, "Blog"), "3 ← \u2068Blog\u2069"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
