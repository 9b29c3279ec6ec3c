package render

import (
	"context"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/templates"
)

// inTemplates gives all that the built-in templates say, and what dates need.
func inTemplates(t *testing.T) []string {
	t.Helper()
	keys := []string{"date", "moment", "first", "weekdays", "months", "guest"}
	names, err := fs.Glob(templates.Email(), "email/*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(templates.Email(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\[\[([a-z_]+)\]\]`).FindAllStringSubmatch(string(raw), -1) {
			keys = append(keys, m[1])
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func TestEveryLanguageHasTheWordsThatAreSaidAndNoOthers(t *testing.T) {
	r := newRenderer(t, Options{})
	if want := []string{"ar", "de", "en", "es", "fr", "uk"}; !slices.Equal(r.Locales(), want) {
		t.Errorf("the languages are %v, want %v", r.Locales(), want)
	}
	said := inTemplates(t)
	for _, tag := range r.Locales() {
		words, err := readWords(templates.Email(), "email/words."+tag)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range said {
			if words[key] == "" && !slices.Contains([]string{"lang", "dir", "quote", "colon", "comma"}, key) {
				t.Errorf("words.%s lacks %s", tag, key)
			}
		}
		for key := range words {
			if !slices.Contains(said, key) {
				t.Errorf("words.%s has %s, which no template says", tag, key)
			}
		}
		if n, m := len(strings.Fields(words["weekdays"])), len(strings.Fields(words["months"])); n != 7 || m != 12 {
			t.Errorf("words.%s has %d days of the week and %d months", tag, n, m)
		}
	}
}

func TestWordsThatDependOnANumberHaveAllItsForms(t *testing.T) {
	r := newRenderer(t, Options{})
	call := regexp.MustCompile(`\{\{plural [^}]*\}\}`)
	form := regexp.MustCompile(`"(zero|one|two|few|many|other)"`)
	for _, tag := range r.Locales() {
		forms := map[string]bool{}
		for n := range 1000 {
			forms[pluralForm(r.languages[tag].cldr, n)] = true
		}
		for key, text := range r.languages[tag].words {
			for _, c := range call.FindAllString(text, -1) {
				// "other" stands for one form that is not named.
				if n := len(form.FindAllString(c, -1)); n != len(forms) {
					t.Errorf("words.%s: %s has %d forms for a number, the language has %d: %s", tag, key, n, len(forms), c)
				}
			}
		}
	}
}

func TestCountsAreSaidAsTheLanguageSaysThem(t *testing.T) {
	r := newRenderer(t, Options{})
	for tag, want := range map[string]map[int]string{
		"en": {1: "One new comment", 2: "2 new comments", 21: "21 new comments"},
		"de": {1: "Ein neuer Kommentar", 5: "5 neue Kommentare"},
		"fr": {1: "Un nouveau commentaire", 2: "2 nouveaux commentaires"},
		"es": {1: "Un comentario nuevo", 11: "11 comentarios nuevos"},
		"uk": {1: "Новий коментар", 2: "2 нові коментарі", 5: "5 нових коментарів", 11: "11 нових коментарів", 21: "21 новий коментар"},
		"ar": {1: "تعليق جديد", 2: "تعليقان جديدان", 3: "3 تعليقات جديدة", 11: "11 تعليقًا جديدًا", 50: "50 تعليقًا جديدًا", 100: "100 تعليق جديد"},
	} {
		for n, title := range want {
			m := digestOf(n, 10, false)
			m.Locale, m.Site.Locale = tag, tag
			raw, _ := compose(t, r, m)
			if page := parseMail(t, raw).parts[1]; !strings.Contains(page, "<h1>"+title+"</h1>") {
				_, page, _ = strings.Cut(page, "<h1>")
				t.Errorf("%d in %s: want %q, got %.60q", n, tag, title, page)
			}
		}
	}
}

func TestEveryLanguageSaysEveryKindOfMailWithAnyNumberOfComments(t *testing.T) {
	r := newRenderer(t, Options{HTMLLimit: 1 << 20})
	for _, tag := range r.Locales() {
		for _, kind := range Kinds() {
			if report, err := r.Check(kind, tag, Parts{}); err != nil || len(report.Warnings) > 0 {
				t.Errorf("%s.%s: %v %+v", kind, tag, err, report)
			}
			for _, n := range []int{0, 1, 2, 3, 5, 11, 21, 50} {
				m := Sample(kind, tag, n)
				m.Storm, m.More = n > 2, n
				out, err := r.Preview(context.Background(), kind, tag, nil, m)
				if err != nil {
					t.Errorf("%s.%s with %d: %v", kind, tag, n, err)
					continue
				}
				for part, text := range map[string]string{"subject": out.Subject, "text": out.Text, "page": out.HTML} {
					if strings.TrimSpace(text) == "" || strings.Contains(text, "[[") || strings.Contains(text, "{{") || strings.Contains(text, "#Zgot") || strings.Contains(text, "  ") && part == "subject" {
						t.Errorf("%s.%s with %d, %s: %q", kind, tag, n, part, text)
					}
				}
				if dir := direction(tag); !strings.Contains(out.HTML, "dir="+dir+" role=article") {
					t.Errorf("%s.%s is not written %s", kind, tag, dir)
				}
				if kind != dispatcher.KindDigest && kind != dispatcher.KindReply || n == 0 {
					continue
				}
				quick, _, err := r.compose(context.Background(), nil, m, false)
				if err != nil {
					t.Fatal(err)
				}
				plain, _, err := r.compose(context.Background(), nil, m, true)
				if err != nil || string(quick) != string(plain) {
					t.Errorf("%s.%s with %d differs when executed plainly: %v", kind, tag, n, err)
				}
			}
		}
	}
}

func TestDatesAreWrittenInTheLanguage(t *testing.T) {
	r := newRenderer(t, Options{})
	day := sampleTime() // Monday, 8 June, 08:15
	for tag, want := range map[string][3]string{
		"en": {"Mon 8 June, 08:15", "Mon 8 June", "Mon 1 June"},
		"de": {"Mo, 8. Juni, 08:15", "Mo, 8. Juni", "Mo, 1. Juni"},
		"fr": {"lun. 8 juin à 08:15", "lun. 8 juin", "lun. 1er juin"},
		"es": {"lun 8 de junio, 08:15", "lun 8 de junio", "lun 1 de junio"},
		"uk": {"пн, 8 червня, 08:15", "пн, 8 червня", "пн, 1 червня"},
		"ar": {"الاثنين 8 يونيو، 08:15", "الاثنين 8 يونيو", "الاثنين 1 يونيو"},
	} {
		l := r.languages[tag]
		if got := [3]string{l.moment(day), l.day(day), l.day(day.AddDate(0, 0, -7))}; got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}
