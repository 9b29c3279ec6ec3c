package demo

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hearback/hearback/dispatcher"
)

//go:embed assets
var assets embed.FS

// maxSaid is the longest comment that a visitor may write, in characters.
const maxSaid = 4000

// pages are the paper's own: its threads, growing while one looks, and two
// forms, to say something and to follow along.
type pages struct {
	paper  *Paper
	done   <-chan struct{}
	zone   *time.Location
	views  *template.Template
	routes http.Handler
}

func newPages(p *Paper, done <-chan struct{}) (*pages, error) {
	zone, err := time.LoadLocation(Zone)
	if err != nil {
		return nil, err
	}
	h := &pages{paper: p, done: done, zone: zone}
	views := template.New("").Funcs(template.FuncMap{
		"clock": func(t time.Time) string { return t.In(zone).Format("15:04") },
		"depth": func(d int) int { return min(d, 8) },
	})
	if h.views, err = views.ParseFS(assets, "assets/*.tmpl"); err != nil {
		return nil, fmt.Errorf("read the demo's pages: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/demo/tram", http.StatusSeeOther) })
	mux.HandleFunc("GET /demo/{thread}", h.page)
	mux.HandleFunc("GET /demo/{thread}/comments", h.part)
	mux.HandleFunc("POST /demo/{thread}/say", h.say)
	mux.HandleFunc("POST /demo/{thread}/follow", h.follow)
	mux.HandleFunc("GET /demo/events", h.events)
	mux.HandleFunc("GET /demo/paper.css", asset("paper.css"))
	mux.HandleFunc("GET /demo/paper.js", asset("paper.js"))
	h.routes = http.NewCrossOriginProtection().Handler(mux)
	return h, nil
}

func (h *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	h.routes.ServeHTTP(w, r)
}

// view is what a page shows.
type view struct {
	Site     string
	Now      time.Time
	Pace     int
	Threads  []tab
	Thread   tab
	Comments []placedView
	People   []person
	Answer   *placedView // who is answered, nil for nobody
	As       string
	Asked    string // the address that was just signed up
	Sorry    string // what is wrong with what was sent
	Text     string // what was typed, to be mended
	Email    string
}

type tab struct {
	ID, Title, Intro, Lang string
	Count                  int
	Here                   bool
}

type person struct{ ID, Name string }

type placedView struct {
	ID, Name, Parent, Text string
	Depth                  int
	At                     time.Time
	Written                time.Time
	Edited, Removed        bool
}

func (h *pages) view(r *http.Request) (*view, bool) {
	p := h.paper
	id := r.PathValue("thread")
	v := &view{Site: SiteName, Now: p.clock(), Pace: Pace, As: r.FormValue("as"), Asked: r.FormValue("asked")}
	found := false
	p.mu.Lock()
	for _, t := range p.threads {
		tb := tab{ID: t.id, Title: t.title, Intro: t.intro, Lang: "en", Count: t.count(), Here: t.id == id}
		if t.id == "linie" {
			tb.Lang = "de"
		}
		v.Threads = append(v.Threads, tb)
		if tb.Here {
			v.Thread, found = tb, true
		}
	}
	p.mu.Unlock()
	for _, c := range p.inOrder(id) {
		pv := placedView{ID: c.id, Name: c.name, Parent: c.Parent, Text: c.text, Depth: c.Depth, At: c.at, Written: c.written, Edited: c.edited, Removed: c.removed}
		v.Comments = append(v.Comments, pv)
		if pv.ID == r.FormValue("answer") && !pv.Removed {
			v.Answer = &pv
		}
	}
	for _, a := range cast() {
		if a.id != "a90" && a.id != "a91" { // who are no company
			v.People = append(v.People, person{a.id, a.name})
		}
	}
	return v, found
}

func (h *pages) page(w http.ResponseWriter, r *http.Request) {
	v, ok := h.view(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.show(w, "page", v, http.StatusOK)
}

// part serves the comments alone, for the page that looks on.
func (h *pages) part(w http.ResponseWriter, r *http.Request) {
	v, ok := h.view(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.show(w, "comments", v, http.StatusOK)
}

func (h *pages) show(w http.ResponseWriter, name string, v *view, status int) {
	var b bytes.Buffer
	if err := h.views.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader may be gone
}

// say publishes what a visitor wrote as one of the people.
func (h *pages) say(w http.ResponseWriter, r *http.Request) {
	v, ok := h.view(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	v.Text = strings.TrimSpace(r.FormValue("text"))
	known := slices.ContainsFunc(v.People, func(p person) bool { return p.ID == v.As })
	switch n := utf8.RuneCountInString(v.Text); {
	case n == 0:
		v.Sorry = "Write something first."
	case n > maxSaid:
		v.Sorry = fmt.Sprintf("That is long; keep it to %d characters.", maxSaid)
	case !known:
		v.Sorry = "Choose who says it."
	}
	if v.Sorry != "" {
		h.show(w, "page", v, http.StatusUnprocessableEntity)
		return
	}
	parent := ""
	if v.Answer != nil {
		parent = v.Answer.ID
	}
	id, err := h.paper.Say(r.Context(), v.Thread.ID, parent, v.As, v.Text)
	if err != nil {
		v.Sorry = err.Error()
		h.show(w, "page", v, http.StatusUnprocessableEntity)
		return
	}
	http.Redirect(w, r, "/demo/"+v.Thread.ID+"#"+id, http.StatusSeeOther)
}

// follow signs an address up for the thread. Hearback asks it to confirm.
func (h *pages) follow(w http.ResponseWriter, r *http.Request) {
	v, ok := h.view(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	v.Email = strings.TrimSpace(r.FormValue("email"))
	id := "visitor:" + strings.ToLower(v.Email)
	in := dispatcher.EventSubscriber{ID: id, Email: &v.Email}
	_, _, err := h.paper.store.SetSubscriber(r.Context(), SiteKey, in, false)
	if err == nil {
		target := dispatcher.Target{Type: dispatcher.TargetThread, ID: v.Thread.ID}
		_, _, err = h.paper.store.SetSubscription(r.Context(), SiteKey, dispatcher.EventSubscription{Subscriber: id, Target: target, Schedule: r.FormValue("schedule")}, false)
	}
	if err != nil {
		v.Sorry = "That did not work: " + err.Error()
		h.show(w, "page", v, http.StatusUnprocessableEntity)
		return
	}
	h.paper.heard(Happening{At: h.paper.clock(), Type: dispatcher.SubscriptionSet, Thread: v.Thread.ID, ID: id, Who: v.Email, Note: r.FormValue("schedule")})
	http.Redirect(w, r, "/demo/"+v.Thread.ID+"?asked="+url.QueryEscape(v.Email)+"#follow", http.StatusSeeOther)
}

// events tells the page that something changed, as server-sent events.
func (h *pages) events(w http.ResponseWriter, r *http.Request) {
	changes, stop := h.paper.watch()
	defer stop()
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // this answer is meant to last
	w.Header().Set("Content-Type", "text/event-stream")
	beat := time.NewTicker(10 * time.Second)
	defer beat.Stop()
	for {
		if _, err := fmt.Fprintf(w, "retry: 1000\nevent: change\ndata: %d\n\n", h.paper.clock().UnixMilli()); err != nil || rc.Flush() != nil {
			return
		}
		select {
		case <-changes:
		case <-beat.C:
		case <-r.Context().Done():
			return
		case <-h.done:
			return
		}
	}
}

func asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		_, _ = w.Write(text) // the reader may be gone
	}
}
