package render

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/microcosm-cc/bluemonday"
	xlang "golang.org/x/text/language"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/templates"
)

// Version is a stored override of a template.
type Version = dispatcher.Override

// Stored gives the overrides that were saved. site is "" for those of all
// sites, locale a BCP 47 tag that must match as it is. It is asked at most
// every Options.Refresh for each of them; false says that there is none.
type Stored interface {
	Active(ctx context.Context, site string, kind dispatcher.Kind, locale string) (Version, bool, error)
}

// Broken tells of an override that could not be used. The built-in template
// took its place and no mail was lost.
type Broken struct {
	Site    string // of the reader's mail
	Kind    dispatcher.Kind
	Locale  string
	Version string // "" when the overrides could not be read
	Err     error
}

// Options of a [Renderer]. All may be left out.
type Options struct {
	Stored     Stored           // nil: built-in templates only
	Files      fs.FS            // the built-in templates; nil for those of this program
	CacheBytes int              // of items kept ready; default 12 MiB
	HTMLLimit  int              // bytes of an encoded HTML part; default 85 KB
	Refresh    time.Duration    // how old the knowledge of overrides may be; default 2 s, negative asks each time
	Clock      dispatcher.Clock // default the machine's
	Report     func(Broken)     // called from any goroutine, once per broken version
}

// Renderer makes mails. It is safe for concurrent use.
type Renderer struct {
	opt       Options
	policy    *bluemonday.Policy
	languages map[string]*language
	builtin   string // names the built-in texts
	cache     *itemCache
	scratch   sync.Pool

	mu       sync.RWMutex
	resolved map[wish]resolution
	compiled map[planKey]compilation
}

// wish is what a mail asks for.
type wish struct {
	site   dispatcher.Site
	kind   dispatcher.Kind
	locale string
}

type resolution struct {
	plan  *plan
	until time.Time
}

type planKey struct {
	site    dispatcher.Site
	kind    dispatcher.Kind
	locale  string
	version string
}

type compilation struct {
	plan *plan
	err  error
}

// maxPlans bounds both maps: a reader's locale is any text, and old versions
// are of no use.
const maxPlans = 2000

// New makes a renderer and reads the built-in templates. It fails when they
// are broken, so that a program with broken templates does not start.
func New(opt Options) (*Renderer, error) {
	if opt.Files == nil {
		opt.Files = templates.Email()
	}
	if opt.CacheBytes == 0 {
		opt.CacheBytes = 12 << 20
	}
	if opt.HTMLLimit == 0 {
		opt.HTMLLimit = 85 << 10
	}
	if opt.Refresh == 0 {
		opt.Refresh = 2 * time.Second
	}
	if opt.Clock == nil {
		opt.Clock = dispatcher.SystemClock
	}
	r := &Renderer{
		opt: opt, policy: sanitizer(), cache: newItemCache(opt.CacheBytes),
		languages: map[string]*language{},
		resolved:  map[wish]resolution{}, compiled: map[planKey]compilation{},
	}
	if err := r.readFiles(); err != nil {
		return nil, fmt.Errorf("read built-in templates: %w", err)
	}
	probe := dispatcher.Site{Key: "probe", From: "probe@example.org"}
	for tag := range r.languages {
		for _, kind := range Kinds() {
			if _, err := r.compileFor(probe, kind, tag, Version{}); err != nil {
				return nil, fmt.Errorf("built-in template %s.%s: %w", kind, tag, err)
			}
		}
	}
	return r, nil
}

// Kinds lists all kinds of mail that there are templates for.
func Kinds() []dispatcher.Kind {
	return []dispatcher.Kind{dispatcher.KindReply, dispatcher.KindDigest, dispatcher.KindConfirm, dispatcher.KindLink, dispatcher.KindTest, dispatcher.KindNotice}
}

// Locales lists the languages that have built-in templates.
func (r *Renderer) Locales() []string { return sortedNames(r.languages) }

// Stats tells how the item cache does.
func (r *Renderer) Stats() Stats { return r.cache.stats() }

// readFiles reads the words of each language and takes a fingerprint of all
// built-in texts, which names their version.
func (r *Renderer) readFiles() error {
	names, err := fs.Glob(r.opt.Files, "email/words.*")
	if err != nil {
		return err
	}
	for _, name := range names {
		words, err := readWords(r.opt.Files, name)
		if err != nil {
			return err
		}
		tag := strings.TrimPrefix(name, "email/words.")
		r.languages[tag] = newLanguage(tag, words)
	}
	base := r.languages[fallbackLocale]
	if base == nil {
		return fmt.Errorf("email/words.%s is missing", fallbackLocale)
	}
	for _, l := range r.languages { // a text that was not translated yet is better than no mail
		for key, text := range base.words {
			if _, ok := l.words[key]; !ok {
				l.words[key] = text
			}
		}
	}
	sum := sha256.New()
	all, err := fs.Glob(r.opt.Files, "email/*")
	if err != nil {
		return err
	}
	for _, name := range all {
		text, err := fs.ReadFile(r.opt.Files, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
	}
	r.builtin = "builtin-" + hex.EncodeToString(sum.Sum(nil)[:4])
	return nil
}

// newLanguage makes the language of a tag with the words of a built-in one.
// What those lack for dates is written in figures.
func newLanguage(tag string, words map[string]string) *language {
	own := make(map[string]string, len(words)+5)
	for k, v := range words {
		own[k] = v
	}
	own["lang"], own["dir"] = tag, direction(tag)
	own["colon"], own["comma"] = punctuation(tag)
	own["quote"] = "0 0 0 3px" // the bar beside a quotation
	if own["dir"] == "rtl" {
		own["quote"] = "0 3px 0 0"
	}
	l := &language{tag: tag, words: own, cldr: xlang.Make(tag), date: own["date"], dated: own["moment"],
		first: cmp.Or(own["first"], "1"), weekdays: strings.Fields(own["weekdays"]), months: strings.Fields(own["months"])}
	if len(l.weekdays) != 7 || len(l.months) != 12 || l.date == "" || l.dated == "" {
		l.date, l.dated, l.first, l.weekdays = "D/M", "D/M T", "1", make([]string, 7)
		l.months = strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12")
	}
	return l
}

// language gives the language of a template's locale. One without words of its
// own borrows those of the nearest language that has some.
func (r *Renderer) language(tag string) *language {
	for _, t := range localeChain(tag, "") {
		if l := r.languages[t]; l != nil {
			if t == tag {
				return l
			}
			return newLanguage(tag, l.words)
		}
	}
	return r.languages[fallbackLocale]
}

// Default gives the sources of a built-in template in a language, with its
// words put in: what an admin starts from to write an override.
func (r *Renderer) Default(kind dispatcher.Kind, locale string) (Parts, error) {
	lang := r.language(cleanTag(locale))
	src, err := r.sources(kind, lang, Parts{})
	if err != nil {
		return Parts{}, err
	}
	return Parts{Subject: src.subject, Text: src.text, HTML: src.html}, nil
}

// sources completes parts with the built-in ones and puts the words in.
func (r *Renderer) sources(kind dispatcher.Kind, lang *language, parts Parts) (sources, error) {
	var s sources
	for _, f := range []struct {
		to    *string
		name  string
		given string
		field string
	}{
		{&s.subject, string(kind) + ".subject", parts.Subject, "subject"},
		{&s.text, string(kind) + ".txt", parts.Text, "text"},
		{&s.html, string(kind) + ".html", parts.HTML, "html"},
		{&s.textLayout, "layout.txt", "", ""},
		{&s.htmlLayout, "layout.html", "", ""},
	} {
		text := f.given
		if strings.TrimSpace(text) == "" {
			raw, err := fs.ReadFile(r.opt.Files, "email/"+f.name+".tmpl")
			if err != nil {
				return s, dispatcher.NotFound("template", string(kind))
			}
			text = string(raw)
		}
		expanded, unknown := lang.expand(text)
		if len(unknown) > 0 {
			return s, dispatcher.Invalid(f.field, didYouMean(unknown[0], sortedNames(lang.words), "use one of the keys in docs/templates.md, or write the words themselves"),
				"there are no words for [[%s]]", unknown[0])
		}
		*f.to = expanded
	}
	return s, nil
}

// planFor gives the template for a mail: the reader's language first, and in
// each language the site's override, the override for all sites, the built-in
// one.
func (r *Renderer) planFor(ctx context.Context, m *Mail) (*plan, error) {
	w := wish{m.Site, m.Kind, m.Locale}
	now := r.opt.Clock()
	r.mu.RLock()
	known, ok := r.resolved[w]
	r.mu.RUnlock()
	if ok && now.Before(known.until) {
		return known.plan, nil
	}
	p, err := r.resolve(ctx, m)
	if err != nil {
		if !ok {
			return nil, err
		}
		// What was right a moment ago is the best that can be known now.
		r.report(Broken{Site: m.Site.Key, Kind: m.Kind, Locale: m.Locale, Err: err})
		p = known.plan
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.resolved) >= maxPlans {
		clear(r.resolved)
	}
	r.resolved[w] = resolution{p, now.Add(r.opt.Refresh)}
	return p, nil
}

func (r *Renderer) resolve(ctx context.Context, m *Mail) (*plan, error) {
	for _, locale := range localeChain(m.Locale, m.Site.Locale) {
		for _, site := range []string{m.Site.Key, ""} {
			if r.opt.Stored == nil {
				break
			}
			v, ok, err := r.opt.Stored.Active(ctx, site, m.Kind, locale)
			if err != nil {
				return nil, fmt.Errorf("read the stored template %s.%s: %w", m.Kind, locale, err)
			}
			if !ok {
				continue
			}
			if p, err := r.compileFor(m.Site, m.Kind, locale, v); err == nil {
				return p, nil
			}
		}
		if r.languages[locale] != nil {
			return r.compileFor(m.Site, m.Kind, locale, Version{})
		}
	}
	return r.compileFor(m.Site, m.Kind, fallbackLocale, Version{})
}

// compileFor gives the compiled plan of one version, from memory when it was
// asked for before. A broken override is reported the first time.
func (r *Renderer) compileFor(site dispatcher.Site, kind dispatcher.Kind, locale string, v Version) (*plan, error) {
	key := planKey{site, kind, locale, v.ID}
	r.mu.RLock()
	c, ok := r.compiled[key]
	r.mu.RUnlock()
	if ok {
		return c.plan, c.err
	}
	lang := r.language(locale)
	name := r.builtin + "-" + lang.tag
	if v.ID != "" {
		name = v.ID
	}
	src, err := r.sources(kind, lang, v.Parts)
	if err == nil {
		c.plan, err = compile(kind, site, lang, name, src)
	}
	if c.err = err; err == nil {
		c.plan.stored = v.ID != ""
	}
	r.mu.Lock()
	if again, raced := r.compiled[key]; raced {
		r.mu.Unlock()
		return again.plan, again.err
	}
	if len(r.compiled) >= maxPlans {
		clear(r.compiled)
		clear(r.resolved)
	}
	r.compiled[key] = c
	r.mu.Unlock()
	if err != nil && v.ID != "" {
		r.report(Broken{Site: site.Key, Kind: kind, Locale: locale, Version: v.ID, Err: err})
	}
	return c.plan, c.err
}

func (r *Renderer) report(b Broken) {
	if r.opt.Report != nil {
		r.opt.Report(b)
	}
}
