package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func TestTheReadersLanguageComesFirst(t *testing.T) {
	for _, c := range []struct{ reader, site, want string }{
		{"de-AT", "en", "[de-AT de en]"},
		{"de_at.UTF-8", "fr-CA", "[de-AT de fr-CA fr en]"},
		{"", "de", "[de en]"},
		{"EN-us", "de", "[en-US en de]"},
		{"zh-hant-tw", "", "[zh-Hant-TW zh-Hant zh en]"},
		{"../../etc", "x", "[en]"},
		{"C", "", "[en]"},
	} {
		if got := fmt.Sprint(localeChain(c.reader, c.site)); got != c.want {
			t.Errorf("%q on a %q site: %s, want %s", c.reader, c.site, got, c.want)
		}
	}
}

func TestOverridesAreFoundLanguageFirstThenSite(t *testing.T) {
	store := stored{}
	r := newRenderer(t, Options{Stored: store, Refresh: -1}) // never remembers
	m := Sample(dispatcher.KindTest, "de-AT", 0)
	m.Site.Locale = "fr"
	version := func() string {
		_, info := compose(t, r, m)
		return info.TemplateVersion
	}
	if got := version(); !strings.HasPrefix(got, "builtin-") || !strings.HasSuffix(got, "-de") {
		t.Errorf("without overrides: %s", got)
	}
	// Each of these is better than those before it.
	for _, key := range []string{"/test/de", "workshop/test/de", "/test/de-AT", "workshop/test/de-AT"} {
		store["/test/fr"] = Version{ID: "the site's language is only second"}
		store[key] = Version{ID: key, Parts: Parts{Subject: key}}
		if got := version(); got != key {
			t.Errorf("with %s: %s", key, got)
		}
	}
	_, info := compose(t, r, m)
	if info.Subject != "workshop/test/de-AT" || info.Locale != "de-AT" {
		t.Errorf("%+v", info)
	}
}

func TestABrokenOverrideFallsBackAndIsReportedOnce(t *testing.T) {
	var reports []Broken
	r := newRenderer(t, Options{
		Stored:  stored{"workshop/test/en": {ID: "v7", Parts: Parts{HTML: `{{define "mail"}}{{.Nonsense}}{{end}}`}}},
		Report:  func(b Broken) { reports = append(reports, b) },
		Refresh: -1,
	})
	for range 3 {
		_, info := compose(t, r, Sample(dispatcher.KindTest, "en", 0))
		if !strings.HasPrefix(info.TemplateVersion, "builtin-") {
			t.Errorf("%+v", info)
		}
	}
	if len(reports) != 1 || reports[0].Version != "v7" || !strings.Contains(reports[0].Err.Error(), ".Nonsense") {
		t.Errorf("%+v", reports)
	}
}

func TestAnOverrideThatFailsForOneMailOnlyLosesNoMail(t *testing.T) {
	var reports []Broken
	r := newRenderer(t, Options{
		// .First is missing in a test mail, which shows only when it is executed.
		Stored: stored{"workshop/test/en": {ID: "v8", Parts: Parts{Subject: "{{.First.Reason}}"}}},
		Report: func(b Broken) { reports = append(reports, b) },
	})
	compose(t, r, Sample(dispatcher.KindTest, "en", 0))
	_, info := compose(t, r, Sample(dispatcher.KindTest, "en", 0))
	if info.Subject != "Test mail from The Small Workshop" || len(reports) != 1 {
		t.Errorf("%+v %+v", info, reports)
	}
}

// failing is a [Stored] that can be switched off.
type failing struct{ err error }

func (f *failing) Active(context.Context, string, dispatcher.Kind, string) (Version, bool, error) {
	return Version{ID: "v1", Parts: Parts{Subject: "stored"}}, f.err == nil, f.err
}

func TestWithoutTheStoreTheLastKnownTemplateServes(t *testing.T) {
	away := errors.New("connection refused")
	store := &failing{err: away}
	now := time.Unix(1780000000, 0)
	reports := 0
	r := newRenderer(t, Options{Stored: store, Clock: func() time.Time { return now }, Report: func(Broken) { reports++ }})
	m := Sample(dispatcher.KindTest, "en", 0)
	_, _, err := r.Compose(context.Background(), nil, m)
	if !errors.Is(err, away) || dispatcher.CodeOf(err) != dispatcher.CodeInternal {
		t.Errorf("with nothing known: %v", err)
	}
	store.err = nil
	compose(t, r, m)
	store.err = away
	if _, info := compose(t, r, m); info.Subject != "stored" || reports != 0 {
		t.Errorf("while fresh: %+v, %d reports", info, reports)
	}
	now = now.Add(time.Minute)
	if _, info := compose(t, r, m); info.Subject != "stored" || reports != 1 {
		t.Errorf("when old: %+v, %d reports", info, reports)
	}
}

func TestBrokenBuiltInTemplatesDoNotStart(t *testing.T) {
	files := fstest.MapFS{"email/words.en": {Data: []byte("a: b\n")}, "email/layout.txt.tmpl": {}, "email/layout.html.tmpl": {}}
	for _, kind := range Kinds() {
		files["email/"+string(kind)+".subject.tmpl"] = &fstest.MapFile{Data: []byte("hi [[nowhere]]")}
		files["email/"+string(kind)+".txt.tmpl"] = &fstest.MapFile{Data: []byte(`{{define "mail"}}x{{end}}`)}
		files["email/"+string(kind)+".html.tmpl"] = &fstest.MapFile{Data: []byte(`{{define "mail"}}x{{end}}`)}
	}
	if _, err := New(Options{Files: files}); err == nil || !strings.Contains(err.Error(), "[[nowhere]]") {
		t.Errorf("%v", err)
	}
}

func TestTheLanguagesHaveTheSameWords(t *testing.T) {
	r := newRenderer(t, Options{})
	for _, tag := range r.Locales() {
		for _, other := range r.Locales() {
			for key := range r.languages[tag].words {
				if _, ok := r.languages[other].words[key]; !ok {
					t.Errorf("words.%s has %q, words.%s has not", tag, key, other)
				}
			}
		}
	}
}

func TestTheCacheKeepsToItsBytesAndForgetsTheOldest(t *testing.T) {
	c := newItemCache(100)
	key := func(i int) itemKey { return itemKey{comment: int64(i)} }
	found := make([]*entry, 1)
	for i := range 50 {
		c.add(&entry{key: key(i), size: 20})
		c.lookup([]itemKey{key(0)}, found) // used again and again
		if s := c.stats(); s.Bytes > 100 || s.Items > 5 {
			t.Fatalf("after %d: %+v", i, s)
		}
	}
	if found[0] == nil {
		t.Error("the item in use was forgotten")
	}
	if c.lookup([]itemKey{key(10)}, found); found[0] != nil {
		t.Error("an old item is still there")
	}
	c.add(&entry{key: key(99), size: 90})
	if c.lookup([]itemKey{key(99)}, found); found[0] != nil {
		t.Error("an item that would empty the cache was kept")
	}
}

func TestManyGoroutinesShareARenderer(t *testing.T) {
	r := newRenderer(t, Options{CacheBytes: 60 << 10}) // small, so that items come and go
	want := map[int]string{}
	for n := 1; n < 20; n++ {
		raw, _ := compose(t, r, Sample(dispatcher.KindDigest, "en", n))
		want[n] = string(raw)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var dst []byte
			for i := range 60 {
				n := 1 + (i*7+g)%19
				out, _, err := r.Compose(context.Background(), dst[:0], Sample(dispatcher.KindDigest, "en", n))
				if err != nil || string(out) != want[n] {
					t.Errorf("%d items: %v, %d bytes", n, err, len(out))
					return
				}
				dst = out
			}
		})
	}
	wg.Wait()
	if s := r.Stats(); s.Hits == 0 || s.Bytes > 60<<10 {
		t.Errorf("%+v", s)
	}
}

func TestADefaultCanBeSavedAsAnOverride(t *testing.T) {
	store := stored{}
	r, again := newRenderer(t, Options{}), newRenderer(t, Options{Stored: store})
	for _, kind := range Kinds() {
		for _, locale := range []string{"en", "de", "de-CH"} {
			parts, err := r.Default(kind, locale)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(parts.Text+parts.HTML+parts.Subject, "[[") {
				t.Errorf("%s.%s is shown without its words", kind, locale)
			}
			m := Sample(kind, locale, 3)
			want, _ := compose(t, r, m)
			id := "v-" + string(kind) + locale
			store["/"+string(kind)+"/"+locale] = Version{ID: id, Parts: parts}
			got, info := compose(t, again, m)
			if info.TemplateVersion != id || locale != "de-CH" && string(got) != string(want) {
				t.Errorf("%s.%s differs as an override: %s", kind, locale, firstDifference(got, want))
			}
		}
		parts, err := r.Default(kind, "de-CH")
		if err != nil {
			t.Fatal(err)
		}
		report, err := r.Check(kind, "de-CH", parts)
		if err != nil || len(report.Warnings) > 0 {
			t.Errorf("%s: %v %+v", kind, err, report)
		}
	}
	if _, err := r.Default("postcard", "en"); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		t.Errorf("%v", err)
	}
}

func TestPreviewShowsSampleOrRealContent(t *testing.T) {
	r := newRenderer(t, Options{})
	ctx := context.Background()
	out, err := r.Preview(ctx, dispatcher.KindDigest, "de", nil, nil)
	if err != nil || out.Subject != "5 neue Kommentare auf Kleine Werkbank" || !strings.Contains(out.HTML, "Hallo Jana") || !strings.Contains(out.Text, "Hallo Jana") {
		t.Errorf("%v %.200s", err, out.Text)
	}
	real := Sample(dispatcher.KindReply, "en", 1)
	real.Groups[0].Items[0].Comment.HTML = "from the real site"
	out, err = r.Preview(ctx, dispatcher.KindReply, "en", &Parts{Subject: "Draft: {{.Count}}"}, real)
	if err != nil || out.Subject != "Draft: 1" || !strings.Contains(out.Text, "from the real site") {
		t.Errorf("%v %+v", err, out)
	}
	if _, err = r.Preview(ctx, dispatcher.KindReply, "en", &Parts{Subject: "{{.Cuont}}"}, nil); err == nil || !strings.Contains(err.Error(), "did you mean .Count?") {
		t.Errorf("%v", err)
	}
	if s := r.Stats(); s.Items > 5 {
		t.Errorf("previews of drafts fill the cache: %+v", s)
	}
}
