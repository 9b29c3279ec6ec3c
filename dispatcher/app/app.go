// Package app wires the parts together and owns their life. It is the only
// room that knows everyone: New acquires in order and registers a stop beside
// each start, Run runs until its context ends, and the stops go in reverse.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/intake"
	"github.com/hearback/hearback/dispatcher/outbox"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/source"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
	"github.com/hearback/hearback/dispatcher/web/admin"
)

// Options of an [App].
type Options struct {
	Config  *config.Config
	Clock   dispatcher.Clock
	Log     *slog.Logger
	Version string
	// Listener, when not nil, takes the place of http.listen.
	Listener net.Listener
	// Retry, when not 0, takes the place of sending.retry.
	Retry time.Duration
	// Extra are further pages by their pattern of [http.ServeMux].
	Extra map[string]http.Handler
	// SignedIn is how long a session of the admin desk may rest; 0 means the
	// desk's own default.
	SignedIn time.Duration
}

// App is a daemon, ready to run.
type App struct {
	o        Options
	Store    *store.Store
	Renderer *render.Renderer
	Signer   *token.Signer
	Intake   *intake.Stage
	Digest   *digest.Stage
	Outbox   *outbox.Stage
	Sources  *source.Poller
	Catcher  *catcher.Catcher
	Relay    *smtp.Relay
	Desk     *admin.Desk

	host     string
	owner    string
	sites    map[string]dispatcher.Site
	words    *words
	clock    *skewWatch
	listener net.Listener
	started  time.Time

	floors []floor // in the order of their start
	stops  []stop
	once   sync.Once
	stopEr error
}

// stop is one named release, run in reverse order.
type stop struct {
	name string
	f    func() error
}

// floor is a group of workers that start and stop together: doors first down,
// the outbox last, so that each stage's rows reach the next.
type floor struct {
	name    string
	workers []worker
}

type worker struct {
	name string
	run  func(context.Context) error
}

// onStop registers the release of what was just acquired.
func (a *App) onStop(name string, f func() error) { a.stops = append(a.stops, stop{name, f}) }

// New acquires all that the daemon needs, migrates the database and prepares
// the workers. On error everything acquired is released again.
func New(ctx context.Context, o Options) (a *App, err error) {
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	a = &App{o: o, sites: siteMap(o.Config), started: o.Clock.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.release())
			a = nil
		}
	}()
	host, herr := os.Hostname()
	if herr != nil {
		host = "unknown"
	}
	a.host = host
	a.owner = fmt.Sprintf("%s/%d/%d", host, os.Getpid(), o.Clock.Now().UnixMicro())
	if err := a.openStore(ctx); err != nil {
		return a, err
	}
	if err := a.prepare(ctx); err != nil {
		return a, err
	}
	if err := a.makeStages(ctx); err != nil {
		return a, err
	}
	return a, a.makeWeb(ctx)
}

func siteMap(c *config.Config) map[string]dispatcher.Site {
	m := make(map[string]dispatcher.Site, len(c.Sites))
	for _, s := range c.Sites {
		m[s.Key] = s.Domain()
	}
	return m
}

func siteList(c *config.Config) []dispatcher.Site {
	l := make([]dispatcher.Site, len(c.Sites))
	for i, s := range c.Sites {
		l[i] = s.Domain()
	}
	return l
}

// OpenStore opens the configured database for a command that works beside a
// daemon, or before one: it migrates when nothing is there yet.
func OpenStore(ctx context.Context, c *config.Config, clock dispatcher.Clock, log *slog.Logger) (*store.Store, error) {
	s, err := store.Open(ctx, store.Options{URL: c.Database.URL.Reveal(), Clock: clock, Log: log, Sites: siteList(c)})
	if err != nil {
		return nil, err
	}
	if _, err := s.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := syncSchedules(ctx, s, c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Run runs the daemon until ctx ends, then stops it in order. It gives the
// first error that ended a worker for good.
func (a *App) Run(ctx context.Context) error {
	errs := make(chan error, 1)
	type running struct {
		name   string
		cancel context.CancelFunc
		wg     *sync.WaitGroup
	}
	var up []running
	for _, f := range a.floors {
		fctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := running{f.name, cancel, &sync.WaitGroup{}}
		for _, w := range f.workers {
			r.wg.Add(1)
			go func() {
				defer r.wg.Done()
				if err := w.run(fctx); err != nil && fctx.Err() == nil {
					select {
					case errs <- fmt.Errorf("%s: %w", w.name, err):
					default:
					}
				}
			}()
		}
		up = append(up, r)
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-errs:
	}
	a.o.Log.Info("stopping")
	for i := len(up) - 1; i >= 0; i-- {
		up[i].cancel()
		up[i].wg.Wait()
		a.o.Log.Debug("stopped", "floor", up[i].name)
	}
	return errors.Join(err, a.Close())
}

// Close releases everything; it may be called more than once.
func (a *App) Close() error {
	a.once.Do(func() { a.stopEr = a.release() })
	return a.stopEr
}

func (a *App) release() error {
	var err error
	for i := len(a.stops) - 1; i >= 0; i-- {
		if serr := a.stops[i].f(); serr != nil {
			err = errors.Join(err, fmt.Errorf("stop %s: %w", a.stops[i].name, serr))
		}
	}
	a.stops = nil
	return err
}
