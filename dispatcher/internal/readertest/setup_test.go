package readertest_test

import (
	"context"
	"database/sql"
	"fmt"
	"html"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Run(m)) }

// town is a daemon at work, two sites on other origins than its own, and what
// their readers do.
type town struct {
	*app.App
	tb   testing.TB
	base string // of the daemon
	blog string // of the site
	file string // the database
	n    int
}

// host gives a listener's address with a name for 127.0.0.1, so that each
// server is an origin of its own.
func host(l net.Listener, name string) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://" + name + ".example:" + port
}

func open(t *testing.T, more string) *town {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	tw := &town{tb: t, base: host(l, "hearback"), file: filepath.Join(dir, "hearback.db")}
	site := httptest.NewServer(http.HandlerFunc(tw.serve))
	t.Cleanup(site.Close)
	tw.blog = host(site.Listener, "blog")
	path := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, `database: {url: "sqlite://%s"}
http: {listen: %q, base_url: %q}
security: {secret: 0123456789abcdef0123456789abcdef0123456789abcdef}
sites:
  - {key: blog, name: Kleine Werkbank, base_url: %q, from: "Kleine Werkbank <post@blog.example>", time_zone: Europe/Berlin}
  - {key: shop, name: Der Laden, base_url: "https://shop.example", from: "Der Laden <post@shop.example>", locale: de, time_zone: Europe/Berlin}
schedules: [{name: daily, cron: 0 8 * * *}, {name: weekly, cron: 0 8 * * 1}]
settle: 0s
%s`, filepath.ToSlash(tw.file), l.Addr(), tw.base, tw.blog, more), 0o600))
	c, err := config.Load(path, nil)
	must(t, err)
	tw.App, err = app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Listener: l})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tw.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	return tw
}

// serve is the site: a page with the snippet, and one with a plain form.
func (tw *town) serve(w http.ResponseWriter, r *http.Request) {
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang = "en"
	}
	dir := map[bool]string{true: "rtl", false: "ltr"}[lang == "ar"]
	if r.URL.Query().Has("strict") {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src "+tw.base+"; connect-src "+tw.base)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	author := "u-9"
	if a := r.URL.Query().Get("author"); a != "" {
		author = a
	}
	key := "blog"
	if k := r.URL.Query().Get("site"); k != "" {
		key = k
	}
	inside := `<script src="` + tw.base + `/embed.js" data-site="` + key + `" data-thread="post-7" data-author="` + html.EscapeString(author) + `" async></script>`
	if r.URL.Path == "/form" {
		inside = `<form method="post" action="` + tw.base + `/subscribe"><input type="hidden" name="site" value="blog"><input type="hidden" name="thread" value="post-7">
<label>Mail <input type="email" name="email" required></label> <button>Tell me</button></form>`
	}
	fmt.Fprintf(w, `<!DOCTYPE html><html lang="%s" dir="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>On clocks</title>
<link rel="icon" href="data:,"><style>body{font:17px/1.5 Georgia,serif;max-width:640px;margin:2em auto;padding:0 1em}
@media (prefers-color-scheme:dark){html{background:#111;color:#eee}a{color:#9cf}}</style></head>
<body><main><h1>On clocks</h1><p>A clock that stands is right twice a day.</p>%s</main></body></html>`, lang, dir, inside)
}

func escape(s string) string { return url.QueryEscape(s) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// letter is one mail as its reader sees it.
type letter struct{ subject, text, html string }

// mail waits for a mail to an address whose subject and text have the words;
// the newest counts.
func (tw *town) mail(to, subject, words string) letter {
	tw.tb.Helper()
	ctx, cancel := context.WithTimeout(tw.tb.Context(), 30*time.Second)
	defer cancel()
	changes, stop := tw.Catcher.Watch()
	defer stop()
	for {
		list, err := tw.Catcher.Store().ListCaught(ctx, to, 0, 50)
		must(tw.tb, err)
		for _, s := range list {
			if strings.Contains(s.Subject, subject) {
				m, err := tw.Catcher.Store().GetCaught(ctx, s.ID)
				must(tw.tb, err)
				if l := read(tw.tb, m.Raw); strings.Contains(l.text, words) {
					return l
				}
			}
		}
		select {
		case <-changes:
		case <-ctx.Done():
			tw.tb.Fatalf("no mail to %s with the subject %q within 30 s; there are %+v", to, subject, list)
		}
	}
}

func read(tb testing.TB, raw []byte) letter {
	tb.Helper()
	m, err := mail.ReadMessage(strings.NewReader(string(raw)))
	must(tb, err)
	var l letter
	l.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	must(tb, err)
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	must(tb, err)
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return l
		}
		must(tb, err)
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		must(tb, err)
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			l.html = string(b)
		} else {
			l.text = string(b)
		}
	}
}

// link gives the mail's link to one of the readers' pages.
func (tw *town) link(l letter, page string) string {
	tw.tb.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(tw.base) + `/` + page + `/[\w-]+`).FindString(l.text)
	if m == "" {
		tw.tb.Fatalf("the mail has no link to %s:\n%s", page, l.text)
	}
	return m
}

// links gives every link of a mail, in either part.
func (l letter) links() []string {
	all := regexp.MustCompile(`https?://[^\s"'<>)]+`).FindAllString(l.text+" "+strings.ReplaceAll(l.html, "&amp;", "&"), -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// reader makes a confirmed reader of a site who follows targets.
func (tw *town) reader(site, id, locale string, targets ...dispatcher.Target) dispatcher.Subscriber {
	tw.tb.Helper()
	email, yes := id+"@example.org", true
	sub, _, err := tw.Store.SetSubscriber(tw.tb.Context(), site, dispatcher.EventSubscriber{ID: id, Email: &email, Confirmed: &yes, Locale: &locale}, true)
	must(tw.tb, err)
	for _, t := range targets {
		_, _, err := tw.Store.SetSubscription(tw.tb.Context(), site, dispatcher.EventSubscription{Subscriber: id, Target: t}, true)
		must(tw.tb, err)
	}
	return sub
}

func thread(id string) dispatcher.Target {
	return dispatcher.Target{Type: dispatcher.TargetThread, ID: id}
}

// publish tells of a comment.
func (tw *town) publish(site, thread, author, text string) {
	tw.tb.Helper()
	tw.n++
	base := map[string]string{"blog": tw.blog, "shop": "https://shop.example"}[site]
	_, err := tw.Store.Append(tw.tb.Context(), site, "api", []dispatcher.Event{{ID: fmt.Sprint("e", tw.n), Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread:  &dispatcher.EventThread{ID: thread, URL: base + "/" + thread, Title: "On clocks and " + thread},
		Comment: &dispatcher.EventComment{ID: fmt.Sprint("c", tw.n), HTML: "<p>" + text + "</p>", URL: base + "/" + thread + "#c" + fmt.Sprint(tw.n)},
		Author:  &dispatcher.EventAuthor{ID: author, Name: "Patrick " + author}}})
	must(tw.tb, err)
}

// known waits until a thread is known, so that pages can name it.
func (tw *town) known(site, id string) {
	tw.tb.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		if title, err := tw.Store.ThreadTitle(tw.tb.Context(), site, id); err == nil && title != "" {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			rejected, err := tw.Store.RejectedEvents(tw.tb.Context(), site, 0, 10)
			tw.tb.Fatalf("%s is not known after 20 s; rejected were %+v, %v", id, rejected, err)
		}
	}
}

// state gives all that readers' pages could change, as text.
func (tw *town) state() string {
	tw.tb.Helper()
	db, err := sql.Open("sqlite", "file:"+tw.file+"?mode=ro")
	must(tw.tb, err)
	defer db.Close()
	var b strings.Builder
	for _, q := range []string{
		"SELECT * FROM hearback_subscriber ORDER BY id", "SELECT * FROM hearback_subscription ORDER BY id", "SELECT * FROM hearback_mute ORDER BY 1, 2",
		"SELECT * FROM hearback_signup ORDER BY 1, 2, 3", "SELECT * FROM hearback_end ORDER BY id", "SELECT * FROM hearback_suppression ORDER BY 1, 2",
		"SELECT * FROM hearback_link_asked ORDER BY 1", "SELECT id, kind, subscriber FROM hearback_message ORDER BY id",
	} {
		rows, err := db.Query(q)
		must(tw.tb, err)
		cols, err := rows.Columns()
		must(tw.tb, err)
		fmt.Fprintln(&b, q)
		for rows.Next() {
			vals, ptrs := make([]any, len(cols)), make([]any, len(cols))
			for i := range vals {
				ptrs[i] = &vals[i]
			}
			must(tw.tb, rows.Scan(ptrs...))
			fmt.Fprintln(&b, vals...)
		}
		must(tw.tb, rows.Err())
	}
	return b.String()
}
