package app

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
)

func TestEveryLanguageOfTheMailsHasItsPhrases(t *testing.T) {
	r, err := render.New(render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	english := reflect.ValueOf(phrasesIn("en")).Elem()
	for _, tag := range r.Locales() {
		own := reflect.ValueOf(phrasesIn(tag)).Elem()
		for i := range own.NumField() {
			name, text, base := own.Type().Field(i).Name, own.Field(i).String(), english.Field(i).String()
			if text == "" || strings.Count(text, "%s") != strings.Count(base, "%s") {
				t.Errorf("%s: %s is %q, in English %q", tag, name, text, base)
			}
			if tag != "en" && name != "comma" && name != "label" && text == base {
				t.Errorf("%s: %s is English", tag, name)
			}
		}
	}
}

func TestWhatAClickEndsIsSaidInTheReadersLanguage(t *testing.T) {
	w := &words{}
	site := &dispatcher.Site{Name: "Blog"}
	for _, c := range []struct {
		kind                dispatcher.Kind
		locale, label, want string
	}{
		{dispatcher.KindReply, "en", "", "mails about this conversation on Blog"},
		{dispatcher.KindDigest, "de-AT", "täglich", "die Sammelmail von Blog (täglich)"},
		{dispatcher.KindDigest, "fr_CA", "", "le récapitulatif de Blog"},
		{dispatcher.KindDigest, "uk", "щодня", "добірку від Blog (щодня)"},
		{dispatcher.KindReply, "ar", "", "رسائل هذا النقاش في \u2068Blog\u2069"},
	} {
		if got := w.scope(c.kind, site, c.label, c.locale); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.kind, c.locale, got, c.want)
		}
	}
	p := phrasesIn("es")
	if got, want := p.enumerate([]string{"b", "a", "b", "c"}), "a, b y c"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := p.enumerate([]string{"a", "b", "c", "d", "e", "f"}), "a, b, c, d y algo más"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
