// Package public is the door of readers: the pages that links in mails lead
// to. Nobody logs in here; who holds the link is its reader, for what the link
// is good for.
//
// The way in is [Pages.subscribe]: a form that any page can post. It changes
// nothing but a list of what was asked for; a mail asks the address, and the
// yes is the button of the confirm page.
//
// The pages are plain: made on the server, without scripts, fit for a phone,
// in the reader's language. Opening one never changes anything, because mail
// scanners open links too and some run scripts; each change is a button that
// posts. One kind of POST acts without a page: the one-click unsubscribe of
// mail programs (RFC 8058). Whatever goes wrong with a link ends in a page that
// says what to do.
//
// Answers hold what only their reader should see, so no cache keeps them, no
// search engine lists them, and no other page learns their address.
package public

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/token"
	"github.com/hearback/hearback/dispatcher/web"
)

//go:embed assets
var assets embed.FS

// Options are what the pages need. Desk must be given.
type Options struct {
	Desk *subscribe.Desk
	// Proxies are those whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	Limits  Limits
	Log     *slog.Logger // nil for silence
}

// Pages serves the readers' pages. It is safe for concurrent use.
type Pages struct {
	desk      *subscribe.Desk
	log       *slog.Logger
	templates map[string]*template.Template // by language
	languages *languages
	words     map[string]words // those of languages
	files     map[string]file
	limits    Limits
	counts    *counts
	proxies   []netip.Prefix
	mux       *http.ServeMux
}

// New makes the pages.
func New(o Options) (*Pages, error) {
	p := &Pages{desk: o.Desk, log: o.Log, templates: map[string]*template.Template{}, files: map[string]file{}, limits: o.Limits.filled(), counts: newCounts(), proxies: o.Proxies, mux: http.NewServeMux()}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if p.languages, err = readLanguages(assets); err != nil {
		return nil, fmt.Errorf("read the readers' words: %w", err)
	}
	p.words = p.languages.words
	for lang, w := range p.words {
		if p.templates[lang], err = template.New("").Funcs(template.FuncMap{"t": w.say, "n": w.count, "list": func(s ...string) []string { return s }}).ParseFS(assets, "assets/*.tmpl"); err != nil {
			return nil, fmt.Errorf("read the readers' pages: %w", err)
		}
	}
	for name, kind := range map[string]string{"reader.css": "text/css", "reader.js": "text/javascript", "embed.js": "text/javascript"} {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("read the readers' files: %w", err)
		}
		if name == "embed.js" {
			if text, err = makeEmbed(text, p.languages); err != nil {
				return nil, fmt.Errorf("make the snippet: %w", err)
			}
		}
		p.files[name] = file{kind + "; charset=utf-8", text}
		p.mux.HandleFunc("GET /"+name, p.serveFile(name))
	}
	p.mux.HandleFunc("GET /embed.json", p.page(p.embed))
	p.mux.HandleFunc("GET /view/{token}", p.page(p.view))
	for path, f := range map[string]func(*visit) error{
		"/confirm/{token}": p.confirm, "/unsubscribe/{token}": p.unsubscribe, "/mute/{token}": p.mute, "/manage/{token}": p.manage,
		"/subscribe": p.subscribe, "/link": p.link,
	} {
		p.mux.HandleFunc("GET "+path, p.page(f))
		p.mux.HandleFunc("POST "+path, p.page(f))
	}
	return p, nil
}

// ServeHTTP serves one page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Mounts gives what a [web.Server] mounts.
func (p *Pages) Mounts() []web.Mount {
	var ms []web.Mount
	for _, path := range []string{"/confirm/", "/unsubscribe/", "/mute/", "/manage/", "/view/", "/subscribe", "/link", "/reader.css", "/reader.js", "/embed.js", "/embed.json"} {
		ms = append(ms, web.Mount{Pattern: path, Handler: p})
	}
	return ms
}

// file is one that all pages share.
type file struct {
	kind string
	text []byte
}

func (p *Pages) serveFile(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", p.files[name].kind)
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // embed.js stands on other sites' pages
		_, _ = w.Write(p.files[name].text)                             // nobody is left to be told
	}
}

// maxForm is the size of a form, in bytes: a reader with a thousand
// subscriptions sends about thirty thousand.
const maxForm = 256 << 10

// visit is one request for a page.
type visit struct {
	subscribe.Visit
	w    http.ResponseWriter
	r    *http.Request
	lang string
	post bool
	json bool // a script asks, not a person
}

// form gives a field of the posted form.
func (v *visit) form(name string) string { return strings.TrimSpace(v.r.PostFormValue(name)) }

// given gives a field of the posted form, or of the address of a page that is
// only looked at.
func (v *visit) given(name string) string {
	if v.post {
		return v.form(name)
	}
	return strings.TrimSpace(v.r.URL.Query().Get(name))
}

// root leads from the page to the first one of the server, wherever a proxy put
// that.
func (v *visit) root() string {
	return strings.Repeat("../", strings.Count(strings.TrimPrefix(v.r.URL.Path, "/"), "/"))
}

// page puts around a page what all of them need: careful headers, the form,
// and a page for what goes wrong.
func (p *Pages) page(f func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		v := &visit{w: w, r: r, lang: p.languages.spoken(r.Header.Get("Accept-Language")), post: r.Method == http.MethodPost}
		if v.json = v.post && strings.Contains(r.Header.Get("Accept"), "application/json"); v.json {
			h.Set("Access-Control-Allow-Origin", "*") // the answer is the same for everybody, and cookies are never looked at
		}
		if v.post {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
				p.fail(v, dispatcher.Invalid("", "go back and try again", "the form could not be read"))
				return
			}
		}
		if err := f(v); err != nil {
			p.fail(v, err)
		}
	}
}

// open checks the path's token for scopes and learns the reader's language.
func (p *Pages) open(v *visit, scopes ...token.Scope) error {
	var err error
	v.Visit, err = p.desk.Open(v.r.Context(), v.r.PathValue("token"), scopes...)
	if err != nil {
		return err
	}
	v.lang = p.languages.of(v.Reader.Locale, v.Site.Locale, v.lang)
	return nil
}

// view is what every page shows.
type view struct {
	Lang   string
	Dir    string
	Root   string // leads to the first page of the server
	Title  string
	Site   dispatcher.Site // zero when the link told of none
	Notice string          // what was just done, "" for nothing
	Wrong  string          // what could not be done, "" for nothing
	Undo   []int64         // acts to offer undo for
	Page   any
}

// show writes a page. It is made whole before the first byte goes out.
func (p *Pages) show(v *visit, status int, name string, page view) error {
	page.Lang, page.Dir, page.Root, page.Site = v.lang, p.words[v.lang].dir, v.root(), v.Site
	var b bytes.Buffer
	if err := p.templates[v.lang].ExecuteTemplate(&b, name, page); err != nil {
		return fmt.Errorf("make the page %s: %w", name, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // nobody is left to be told
	return nil
}

// trouble is the page for what goes wrong.
type trouble struct {
	What, Do string
	Detail   string // for whoever built a form, in English
	Link     string // to where a new link is asked for, "" where none would help
}

// fail shows what went wrong and what to do, in the reader's words. One-click
// programs get a line of text.
func (p *Pages) fail(v *visit, err error) {
	prob := web.ProblemOf(err)
	if prob.Status >= http.StatusInternalServerError {
		p.log.ErrorContext(v.r.Context(), "a reader's page failed", "route", v.r.Pattern, "request", web.RequestID(v.w), "error", err)
	}
	if prob.Status == http.StatusTooManyRequests {
		v.w.Header().Set("Retry-After", retryAfter)
	}
	w := p.words[v.lang]
	key := troubleKey(err, prob)
	page := trouble{What: w.say(key + "_what"), Do: w.say(key + "_do")}
	if strings.HasPrefix(key, "link_") {
		page.Link = v.root() + "link"
		if site, serr := p.desk.Site(v.Claims.Site); serr == nil && v.Claims.Site != "" {
			page.Link += "?site=" + site.Key
		}
	}
	if v.json {
		_ = sayJSON(v, prob.Status, "", page.What+". "+page.Do) // gives no error
		return
	}
	if isOneClick(v) {
		plain(v, prob.Status, page.What+" "+page.Do)
		return
	}
	if serr := p.show(v, prob.Status, "trouble", view{Title: page.What, Page: page}); serr != nil {
		p.log.ErrorContext(v.r.Context(), "the page for an error failed", "error", serr)
		http.Error(v.w, page.What, prob.Status)
	}
}

// retryAfter is how long, in seconds, whoever asked too often should wait.
const retryAfter = "300"

// troubleKey names the words for an error.
func troubleKey(err error, prob web.Problem) string {
	switch {
	case errors.Is(err, token.Malformed):
		return "link_broken"
	case errors.Is(err, token.Expired):
		return "link_expired"
	case errors.Is(err, token.Outdated):
		return "link_outdated"
	case errors.Is(err, token.Forged), errors.Is(err, token.WrongScope):
		return "link_wrong"
	}
	switch prob.Code {
	case dispatcher.CodeNotFound:
		return "gone"
	case dispatcher.CodeUnavailable:
		return "busy"
	case dispatcher.CodeLimited:
		return "limited"
	case dispatcher.CodeInternal:
		return "defect"
	}
	return "refused"
}

// plain answers a program.
func plain(v *visit, status int, text string) {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = fmt.Fprintln(v.w, text) // nobody is left to be told
}
