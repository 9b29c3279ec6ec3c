package public

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEveryWordStandsInBothLanguagesWithTheSameGaps(t *testing.T) {
	gap := regexp.MustCompile(`%[sd]`)
	for key, text := range table() {
		if text[0] == "" || text[1] == "" {
			t.Errorf("%s lacks a language", key)
		}
		if a, b := gap.FindAllString(text[0], -1), gap.FindAllString(text[1], -1); strings.Join(a, "") != strings.Join(b, "") {
			t.Errorf("%s has the gaps %v in English and %v in German", key, a, b)
		}
	}
}

func TestEveryWordIsUsedAndEveryUsedWordIsThere(t *testing.T) {
	used := map[string]bool{}
	for _, glob := range []string{"*.go", "assets/*.tmpl"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?:say\(|\{t |t )"([a-z0-9_]+)"`).FindAllStringSubmatch(string(b), -1) {
				used[m[1]] = true
			}
		}
	}
	for key := range table() {
		base := strings.TrimSuffix(strings.TrimSuffix(key, "_what"), "_do")
		if !used[key] && base == key && !strings.HasPrefix(key, "mute_") {
			t.Errorf("%s is said nowhere", key)
		}
	}
	for key := range used {
		if _, ok := table()[key]; !ok && !strings.HasSuffix(key, "_") {
			t.Errorf("%s is said and has no words", key)
		}
	}
}

func TestLanguagesFallBackToTheFirst(t *testing.T) {
	for _, c := range []struct {
		tags []string
		want string
	}{{[]string{"de-AT"}, "de"}, {[]string{"", "fr", "de_DE"}, "de"}, {[]string{"fr"}, "en"}, {nil, "en"}, {[]string{"EN-gb", "de"}, "en"}} {
		if got := languageOf(c.tags...); got != c.want {
			t.Errorf("%q gives %s, want %s", c.tags, got, c.want)
		}
	}
	if got := spoken("garbage;;q=x"); got != "en" {
		t.Errorf("a broken Accept-Language gives %s", got)
	}
}
