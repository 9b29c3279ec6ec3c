// Package catcher is the page of the built-in mail catcher: an inbox for all
// mail that went nowhere.
//
// It shows what was caught, as it comes, and each mail as its reader would see
// it: HTML or text, on a desktop or a phone, light or dark, with its headers
// and its source. A caught mail is never trusted. Its HTML is a document of its
// own behind a content security policy that allows no script, no form and no
// fetch, inside of a sandboxed frame; the links in it work, in a new tab.
//
// The page is for the person at this machine. Who else may see it is decided
// by the daemon, see [Options].
package catcher

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
	"github.com/hearback/hearback/dispatcher/web"
)

//go:embed assets
var assets embed.FS

// Options are what a [Handler] needs. Catcher must be given.
type Options struct {
	Catcher *catcher.Catcher
	// Prefix is the path that the handler is mounted at, such as "/catcher".
	Prefix string
	// Local says that the daemon itself is reached by loopback only (its
	// base_url is). Then anybody on this machine sees the page. It must be false
	// behind a proxy, whose requests all come from this machine.
	Local bool
	// Authorise says that a request is an admin's. Nil for none.
	Authorise func(*http.Request) bool
	// Zone is what times are shown in; nil for the machine's.
	Zone *time.Location
	// Clock says what is today; nil for the machine's.
	Clock dispatcher.Clock
	// Done ends live updates when the daemon stops; nil for never.
	Done <-chan struct{}
	Log  *slog.Logger // nil for silence
}

// Handler serves the page and all below it. It is safe for concurrent use.
type Handler struct {
	catcher   *catcher.Catcher
	prefix    string
	local     bool
	authorise func(*http.Request) bool
	zone      *time.Location
	clock     dispatcher.Clock
	done      <-chan struct{}
	log       *slog.Logger
	pages     *template.Template
	routes    http.Handler
}

// listed is how many mails one page of the list has.
const listed = 100

// New makes the handler. It expects requests with the prefix in their path.
func New(o Options) (*Handler, error) {
	h := &Handler{
		catcher: o.Catcher, prefix: strings.TrimRight(o.Prefix, "/"), local: o.Local, authorise: o.Authorise,
		zone: o.Zone, clock: o.Clock, done: o.Done, log: o.Log,
	}
	if h.zone == nil {
		h.zone = time.Local
	}
	if h.clock == nil {
		h.clock = dispatcher.SystemClock
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	pages, err := template.ParseFS(assets, "assets/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("read the catcher's pages: %w", err)
	}
	h.pages = pages
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+h.prefix+"/{$}", h.page)
	mux.HandleFunc("GET "+h.prefix+"/mail/{id}", h.page)
	mux.HandleFunc("GET "+h.prefix+"/mail/{id}/body", h.body)
	mux.HandleFunc("GET "+h.prefix+"/mail/{id}/mail.eml", h.download)
	mux.HandleFunc("GET "+h.prefix+"/list", h.list)
	mux.HandleFunc("GET "+h.prefix+"/events", h.events)
	mux.HandleFunc("POST "+h.prefix+"/clear", h.clear)
	mux.HandleFunc("GET "+h.prefix+"/assets/{file}", h.asset)
	h.routes = http.NewCrossOriginProtection().Handler(mux)
	return h, nil
}

// ServeHTTP serves the page to those who may see it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Robots-Tag", "noindex, nofollow")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
		"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	if !h.allowed(r) {
		http.Error(w, "The mail catcher is shown on the machine it runs on, or to admins who are signed in.", http.StatusForbidden)
		return
	}
	h.routes.ServeHTTP(w, r)
}

func (h *Handler) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	text, err := assets.ReadFile("assets/" + name)
	if err != nil || strings.HasSuffix(name, ".tmpl") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(text)
}

// body serves a mail's HTML as a document that can do nothing but be looked at.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) {
	m, ok := h.get(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Security-Policy", web.FramePolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(web.Framed(catcher.Parse(m.Raw).HTML, schemeOf(r))))
}

func (h *Handler) download(w http.ResponseWriter, r *http.Request) {
	m, ok := h.get(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="mail-%d.eml"`, m.ID))
	w.Write(m.Raw)
}

func (h *Handler) clear(w http.ResponseWriter, r *http.Request) {
	if err := h.catcher.Clear(r.Context()); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, h.prefix+"/", http.StatusSeeOther)
}

// events tells the page that mails came or went, as server-sent events.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	changes, stop := h.catcher.Watch()
	defer stop()
	rc := http.NewResponseController(w)
	rc.SetWriteDeadline(time.Time{}) // this answer is meant to last
	w.Header().Set("Content-Type", "text/event-stream")
	beat := time.NewTicker(20 * time.Second) // finds out that the page is gone
	defer beat.Stop()
	text := "retry: 1000\nevent: change\ndata:\n\n" // what came while the page was loading
	for {
		if _, err := w.Write([]byte(text)); err != nil {
			return
		}
		if err := rc.Flush(); err != nil {
			return
		}
		select {
		case <-changes:
			text = "event: change\ndata:\n\n"
		case <-beat.C:
			text = ":\n\n"
		case <-r.Context().Done():
			return
		case <-h.done:
			return
		}
	}
}

// get gives the mail that the path names, or answers that there is none.
func (h *Handler) get(w http.ResponseWriter, r *http.Request) (catcher.Mail, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return catcher.Mail{}, false
	}
	m, err := h.catcher.Store().GetCaught(r.Context(), id)
	if err != nil {
		h.fail(w, r, err)
		return catcher.Mail{}, false
	}
	return m, true
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case dispatcher.CodeOf(err) == dispatcher.CodeNotFound:
		http.Error(w, "This mail is no longer in the catcher.", http.StatusNotFound)
	case errors.Is(err, context.Canceled):
	default:
		h.log.ErrorContext(r.Context(), "the catcher's page failed", "error", err)
		http.Error(w, "Something went wrong; the daemon's log says more.", http.StatusInternalServerError)
	}
}

func schemeOf(r *http.Request) string { return oneOf(r.FormValue("scheme"), "auto", "light", "dark") }

// oneOf gives the value if it is one of the allowed ones, else the first.
func oneOf(value string, allowed ...string) string {
	for _, a := range allowed {
		if a == value {
			return a
		}
	}
	return allowed[0]
}

// carried gives what the address of a page says about what is shown and how,
// with some of it set anew, as "?a=b&c=d" or "".
func carried(r *http.Request, keys []string, anew ...string) string {
	v := url.Values{}
	for _, key := range keys {
		value := r.FormValue(key)
		for i := 0; i+1 < len(anew); i += 2 {
			if anew[i] == key {
				value = anew[i+1]
			}
		}
		if value != "" {
			v.Set(key, value)
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// What is said about the list, and with it about the mail.
func listKeys() []string { return []string{"to", "before"} }
func allKeys() []string  { return []string{"to", "before", "view", "width", "scheme"} }
