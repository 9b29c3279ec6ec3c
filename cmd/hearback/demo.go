package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/demo"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web/admin"
)

// demoPort is where the demo's pages are, unless it is taken.
const demoPort = 8025

// demoFlags are what `hearback demo` can be told.
type demoFlags struct {
	exit      bool
	noBrowser bool
	port      int
	mails     string
}

// newDemo makes `hearback demo`.
func newDemo(r *root) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Try it on this machine, nothing to set up",
		Example: "  hearback demo\n  hearback demo --exit      the whole story at once, mails as .eml files",
		Long: `A morning in a small town: a local paper, its readers in conversation, and Hearback at work.
One minute passes each second. The site, its mails and the database are in a temporary folder and
on this machine alone; nothing is sent to anybody.

With --exit the story runs at once and without a browser: the mails are written as .eml files, and
a table says who got what and why, and who did not and why not.`,
		Args: asUsed,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.demo(cmd.Context(), f) },
	}
	cmd.Flags().BoolVar(&f.exit, "exit", false, "run the story once, as fast as can be, and end")
	cmd.Flags().BoolVar(&f.noBrowser, "no-browser", false, "open no browser")
	cmd.Flags().IntVar(&f.port, "port", demoPort, "port of the pages; a free one if it is taken")
	cmd.Flags().StringVar(&f.mails, "mails", "", "folder for the mails as .eml files (with --exit, default hearback-mails)")
	return cmd
}

func (r *root) demo(ctx context.Context, f demoFlags) (err error) {
	dir, err := os.MkdirTemp("", "hearback-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	if f.exit {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		f.port = 0
	}
	screen, err := r.demoScreen()
	if err != nil {
		return err
	}
	town, err := demo.Open(ctx, demo.Options{Real: r.clock, Fast: f.exit, Port: f.port, Screen: screen})
	if err != nil {
		return err
	}
	defer town.Close()
	d, err := r.demoDaemon(ctx, town, dir)
	if err != nil {
		return err
	}
	if !f.exit {
		link, err := demoLink(ctx, d.app.Store, town.URL())
		if err != nil {
			return errors.Join(err, d.stop())
		}
		r.welcome(screen, town, dir, link)
		if wait := openBrowser(town.URL()+"/catcher/", r.env, f.noBrowser); wait != nil {
			defer wait()
		}
	}
	err = d.during(ctx, func(ctx context.Context) error {
		return town.Play(ctx, demo.Daemon{Store: d.app.Store, Line: demo.Line{Intake: d.app.Intake, Digest: d.app.Digest}})
	})
	var out *demo.Outcome
	if err == nil {
		out, err = demo.Tell(context.WithoutCancel(ctx), d.app.Store)
	}
	town.Leave()
	if err = errors.Join(err, d.stop()); err != nil {
		return err
	}
	return r.farewell(context.WithoutCancel(ctx), f, town, screen, out, dir)
}

// demoScreen is the terminal as the demo uses it.
func (r *root) demoScreen() (*demo.Screen, error) {
	zone, err := time.LoadLocation(demo.Zone)
	if err != nil {
		return nil, err
	}
	o := demo.ScreenOptions{Out: r.out, Zone: zone, Colour: r.colour(), Width: 120}
	if r.json {
		o.Out = r.errs
	}
	if out, ok := o.Out.(*os.File); ok && term.IsTerminal(int(out.Fd())) {
		o.Live = true
		if w, _, err := term.GetSize(int(out.Fd())); err == nil && w > 0 {
			o.Width = w
		}
	}
	return demo.NewScreen(o), nil
}

// demoTime is longer than a demo runs, by its own clock.
const demoTime = 1000 * 24 * time.Hour

// demoLink makes the demo's admin and a link that signs in once.
func demoLink(ctx context.Context, st *store.Store, base string) (string, error) {
	a, err := st.AddAdmin(ctx, "signe", store.RoleAdmin, "")
	if err != nil {
		return "", err
	}
	secret, err := st.MakeLink(ctx, a.ID, demoTime)
	if err != nil {
		return "", err
	}
	return admin.LinkURL(base, secret), nil
}

func (r *root) welcome(s *demo.Screen, town *demo.Town, dir, link string) {
	s.Say("\n Hearback demo: a morning at a local paper. One minute passes each second.\n")
	s.Say("   The mails   " + town.URL() + "/catcher/")
	s.Say("   The paper   " + town.URL() + "/demo/tram   (write something yourself)")
	s.Say("   The desk    " + link + "   (signs in once)")
	s.Say("   Look inside hearback --config " + filepath.Join(dir, "config.yaml") + " message list")
	s.Say("\n Comments come in, settle for two minutes, and slots of each cadence make mails of them.\n Ctrl-C ends it and tells who got what.\n")
}

// farewell says where the mails are and who got what.
func (r *root) farewell(ctx context.Context, f demoFlags, town *demo.Town, s *demo.Screen, out *demo.Outcome, dir string) error {
	if f.mails == "" {
		f.mails = filepath.Join(dir, "mails")
		if f.exit {
			f.mails = "hearback-mails"
		}
	}
	n, err := demo.WriteMails(ctx, town.Post.Catcher, f.mails)
	if err != nil {
		return err
	}
	s.Status("")
	if r.json {
		enc := json.NewEncoder(r.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	out.Print(s)
	s.Say(fmt.Sprintf(" The %d mails are in %s", n, f.mails+string(filepath.Separator)))
	if !f.exit {
		s.Say(" Everything else is in " + dir + "; delete it when you like.")
	}
	return nil
}

// demoDaemon is the daemon that the demo runs.
type demoDaemon struct {
	app  *app.App
	log  *os.File
	stop func() error
	died <-chan struct{} // closed when the daemon ended
}

// demoDaemon starts the daemon with the demo's configuration, clock and pages.
func (r *root) demoDaemon(ctx context.Context, town *demo.Town, dir string) (*demoDaemon, error) {
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(town.Config(filepath.ToSlash(filepath.Join(dir, "hearback.db")))), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	c, err := config.Load(path, nil)
	if err != nil {
		return nil, err
	}
	pages, err := town.Handlers()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "hearback.log"))
	if err != nil {
		return nil, fmt.Errorf("open the demo's log: %w", err)
	}
	a, err := app.New(ctx, app.Options{Config: c, Clock: town.Clock.Now, Log: slog.New(slog.NewTextHandler(log, nil)), Version: version().Version,
		Listener: town.Listener, Extra: pages, SignedIn: demoTime})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	// They outlive ctx: what is under way at Ctrl-C is done first.
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	relay, cancelRelay := context.WithCancel(context.WithoutCancel(ctx))
	died, ran, relayed := make(chan struct{}), make(chan error, 1), make(chan error, 1)
	go func() { relayed <- town.Post.Run(relay) }()
	go func() { ran <- a.Run(run); close(died) }()
	return &demoDaemon{app: a, log: log, died: died, stop: func() error {
		cancel()
		err := <-ran
		cancelRelay()
		return errors.Join(err, <-relayed, log.Close())
	}}, nil
}

// during runs f, and ends it when the daemon dies under it. What f gives back
// comes first; a daemon that died says why when it is stopped.
func (d *demoDaemon) during(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-d.died:
		cancel()
		return errors.Join(errors.New("the daemon ended under the demo"), <-done)
	}
}

// openBrowser opens a page where there is a desktop. It gives what waits for
// the opener, or nil when nothing was opened.
func openBrowser(url string, env []string, no bool) (wait func()) {
	has := func(name string) bool {
		return slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") && e != name+"=" })
	}
	var cmd *exec.Cmd
	switch {
	case no || has("CI") || has("SSH_CONNECTION"):
		return nil
	case runtime.GOOS == "darwin":
		cmd = exec.Command("open", url)
	case runtime.GOOS == "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	case has("DISPLAY") || has("WAYLAND_DISPLAY"):
		cmd = exec.Command("xdg-open", url)
	default:
		return nil
	}
	if cmd.Start() != nil { // the address stands in the terminal, too
		return nil
	}
	return func() {
		late := time.AfterFunc(time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait() // an opener that failed changes nothing
	}
}
