package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	webcatcher "github.com/hearback/hearback/dispatcher/web/catcher"
)

type webServer struct {
	http *http.Server
	ln   net.Listener
}

func (a *App) makeWeb(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Store.Ping(r.Context()); err != nil || a.clock.wrong() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	if a.Catcher != nil {
		h, err := webcatcher.New(webcatcher.Options{Catcher: a.Catcher, Prefix: "/catcher", Local: true, Clock: a.o.Clock, Log: a.o.Log})
		if err != nil {
			return err
		}
		mux.Handle("/catcher/", h)
	}
	ln := a.o.Listener
	if ln == nil {
		var err error
		if ln, err = net.Listen("tcp", a.o.Config.HTTP.Listen); err != nil {
			return err
		}
	}
	a.web = &webServer{http: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, ln: ln}
	a.floors = append(a.floors, floor{"web", []worker{{"web", a.web.run}}})
	return nil
}

func (w *webServer) run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- w.http.Serve(w.ln) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := w.http.Shutdown(stop)
	if serr := <-done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

// Addr is where the web server listens.
func (a *App) Addr() string { return a.web.ln.Addr().String() }
