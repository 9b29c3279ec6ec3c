package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	webcatcher "github.com/hearback/hearback/dispatcher/web/catcher"
)

// Options of a [Town].
type Options struct {
	Real   dispatcher.Clock // the machine's clock
	Fast   bool             // the clock stands and is moved on, see [Story.Fast]
	Port   int              // of the pages; the next free one if it is taken, any free one for 0
	Screen *Screen
}

// Town is all that is there before the daemon is: the clock, the relay, the
// address of the pages, and the configuration that ties the daemon to them.
type Town struct {
	Clock    *Clock
	Post     *Post
	Listener net.Listener // for the daemon's web server

	start  time.Time
	fast   bool
	screen *Screen
	pages  atomic.Pointer[pages]
	done   chan struct{}
	ended  sync.Once
	flow   *Flow
}

// Daemon is what the demo needs of a running daemon.
type Daemon struct {
	Store *store.Store
	Line  Line
}

// Open takes the ports. Close gives them back.
func Open(ctx context.Context, o Options) (*Town, error) {
	start, err := StartOfStory(o.Real())
	if err != nil {
		return nil, fmt.Errorf("set the demo's clock: %w", err)
	}
	t := &Town{start: start, fast: o.Fast, screen: o.Screen, done: make(chan struct{})}
	t.Clock = NewClock(start, o.Real)
	if t.Post, err = OpenPost(t.Clock.Now); err != nil {
		return nil, err
	}
	if t.Listener, err = listen(ctx, o.Port); err != nil {
		t.Post.Close()
		return nil, fmt.Errorf("open the demo's pages: %w", err)
	}
	return t, nil
}

// listen takes the port, or any free one when it is taken.
func listen(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil && port != 0 {
		return lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return l, err
}

// Close gives back the ports that Open took. It may be called more than once.
func (t *Town) Close() {
	t.Leave()
	t.Post.Close()
	_ = t.Listener.Close() // the daemon has closed it, as a rule
}

// Leave ends the pages' live updates, so that the web server can stop.
func (t *Town) Leave() { t.ended.Do(func() { close(t.done) }) }

// URL is where the pages are.
func (t *Town) URL() string { return "http://" + t.Listener.Addr().String() }

// Config is the daemon's configuration, with its database in a file. The lease
// is long since the daemon's heart beats by the machine's clock, and this one
// runs ahead of it.
func (t *Town) Config(database string) string {
	return fmt.Sprintf(`# Made by hearback demo. While the demo runs, look into it with any command:
#   hearback --config THIS-FILE message list
database:
  url: %q
http:
  listen: %s
  base_url: %s
sites:
  - key: %s
    name: %s
    base_url: %s/demo
    from: The Lakeside Courier <replies@courier.example>
    locale: en
    time_zone: %s
relays:
  - name: post
    url: smtp://%s
    tls: none
    connections: 2
schedules:
  - name: %s
    cron: "@every 5m"
  - name: %s
    cron: "@hourly"
  - name: %s
    cron: 0 8 * * *
    time_zone: subscriber
settle: 2m
sending:
  mode: "on"
  lease: 720h
admin:
  notify: signe@courier.example
`, "sqlite://"+database, t.Listener.Addr(), t.URL(), SiteKey, SiteName, t.URL(), Zone, t.Post.Addr(), Often, Hourly, Daily)
}

// Handlers are the demo's own pages, by the path they are mounted at: the
// paper and the caught mails.
func (t *Town) Handlers() (map[string]http.Handler, error) {
	zone, err := time.LoadLocation(Zone)
	if err != nil {
		return nil, err
	}
	mails, err := webcatcher.New(webcatcher.Options{Catcher: t.Post.Catcher, Prefix: "/catcher", Local: true, Zone: zone, Clock: t.Clock.Now, Done: t.done, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	paper := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := t.pages.Load()
		if p == nil {
			http.Error(w, "The paper is not out yet; try again in a second.", http.StatusServiceUnavailable)
			return
		}
		p.ServeHTTP(w, r)
	})
	return map[string]http.Handler{"/catcher/": mails, "/demo/": paper, "GET /{$}": http.RedirectHandler("/demo/tram", http.StatusFound)}, nil
}

// Play plays the story on a running daemon and returns when it is over, or
// when ctx ends. After a live story it goes on watching until ctx ends.
func (t *Town) Play(ctx context.Context, d Daemon) error {
	t.flow = NewFlow(d.Store, t.Clock.Now, t.screen)
	heard, admin := t.flow.Heard, t.flow.Admin
	if t.fast {
		heard, admin = func(Happening) {}, func(string) {}
	}
	paper, err := NewPaper(d.Store, t.Clock.Now, t.URL()+"/demo", heard)
	if err != nil {
		return err
	}
	p, err := newPages(paper, t.done)
	if err != nil {
		return err
	}
	t.pages.Store(p)
	if err := paper.SignUp(ctx); err != nil {
		return err
	}
	story := &Story{Paper: paper, Store: d.Store, Start: t.start, Note: admin}
	if t.fast {
		return story.Fast(ctx, t.Clock, d.Line, func(context.Context) error {
			t.screen.Status(t.Clock.Now().In(t.screen.zone).Format(" 15:04 "))
			return nil
		})
	}
	return t.live(ctx, story)
}

func (t *Town) live(ctx context.Context, story *Story) error {
	t.Clock.Run()
	watch, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() { watched <- t.flow.Watch(watch) }()
	err := story.Live(ctx, t.Clock)
	if err == nil {
		t.screen.Say("\n The story is over; time goes on. Write something yourself, or follow along:\n   " + t.URL() + "/demo/tram\n Ctrl-C ends the demo and tells who got what.\n")
		select {
		case <-ctx.Done():
		case err = <-watched:
			return err
		}
	}
	stop()
	werr := <-watched
	t.screen.Status("")
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return errors.Join(err, werr)
}
