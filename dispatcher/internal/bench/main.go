// Command bench measures what Hearback promises of speed: `make bench`.
//
// It builds a database of 100,000 readers who follow 1,000,000 threads, runs
// the real daemon on it with an SMTP sink for a relay, and tells how fast
// events are accepted, digests made and mails sent, how long one comment takes
// from the call to the sink, and how much memory and writing that costs. Mails
// are measured beside go-mail alone, in turn, against the same sink: on a
// machine that all of them share the ratio is the figure.
//
// What is promised for PostgreSQL is checked, and said at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hearback/hearback/dispatcher/store"
)

// options are what the command line says.
type options struct {
	binary    string
	databases []string
	parts     []string
	sizes     sizes
	seed      uint64
	profile   string // folder for profiles, "" for none
	dir       string // working folder
	level     string // of the daemon's log
	busiest   bool   // tell PostgreSQL's busiest statements
	must      bool
	out       io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is one group of measurements.
type part struct {
	name string
	run  func(*lab, context.Context) error
}

func parts() []part {
	return []part{{"intake", (*lab).intake}, {"latency", (*lab).latency}, {"rows", (*lab).rows}, {"digest", (*lab).digests}}
}

func readOptions(args []string, out io.Writer) (*options, error) {
	o := &options{out: out, sizes: fullSizes()}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	var only, dbs string
	var small bool
	f.StringVar(&o.binary, "binary", "bin/hearback", "the daemon to measure")
	f.StringVar(&dbs, "db", "postgres,sqlite", "databases, with commas between")
	f.StringVar(&only, "only", "", "parts to run, with commas between: intake, latency, rows, digest; all without")
	f.BoolVar(&small, "small", false, "small sizes, for a look whether all works")
	f.StringVar(&o.profile, "profile", "", "folder for CPU and heap profiles of the daemon")
	f.Uint64Var(&o.seed, "seed", 1, "of the world that is drawn")
	f.BoolVar(&o.must, "must", false, "fail when a promise for PostgreSQL is not kept")
	f.BoolVar(&o.busiest, "statements", false, "tell which statements kept PostgreSQL busy (needs its pg_stat_statements)")
	f.StringVar(&o.level, "log", "warn", "level of the daemon's log")
	text := f.Int("text", o.sizes.Text, "characters of a comment")
	runs := f.Int("runs", o.sizes.Runs, "digest runs")
	readers := f.Int("readers", o.sizes.Readers, "readers; a tenth as many more are made for the comparison of memory")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if small {
		o.sizes = smallSizes()
	} else {
		o.sizes.Runs, o.sizes.Readers, o.sizes.Few = *runs, *readers, *readers/10
	}
	o.sizes.Text = *text
	o.databases, o.parts = split(dbs), split(only)
	var known []string
	for _, p := range parts() {
		known = append(known, p.name)
	}
	for _, name := range o.parts {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("-only: there is no part %q; use %s", name, strings.Join(known, ", "))
		}
	}
	var err error
	o.binary, err = filepath.Abs(o.binary)
	return o, err
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func bench(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := readOptions(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.binary); err != nil {
		return fmt.Errorf("the daemon is not there (make build): %w", err)
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	for _, name := range o.databases {
		if err := measure(ctx, o, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// lab is one database with all that is measured on it.
type lab struct {
	o      *options
	base   *base
	world  *world
	sink   *sink
	key    string
	report *report
}

// measure runs the parts on one database.
func measure(ctx context.Context, o *options, name string) (err error) {
	if o.dir, err = os.MkdirTemp("", "hearback-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	l := &lab{o: o, world: newWorld(o.sizes, o.seed, time.Now()), report: &report{out: o.out, name: name}}
	if l.base, err = openBase(ctx, name, o.dir, o.busiest); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.base.close()) }()
	if l.sink, err = newSink(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.sink.Close()) }()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	for _, p := range parts() {
		if len(o.parts) > 0 && !slices.Contains(o.parts, p.name) {
			continue
		}
		if err := p.run(l, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return l.report.end(o.must && name == "postgres")
}

// prepare fills the database and makes a key for the API.
func (l *lab) prepare(ctx context.Context) error {
	s := &l.o.sizes
	began := time.Now()
	n, err := build(ctx, l.base.db.DB, l.base.rebind, l.world)
	if err != nil {
		return err
	}
	if err := l.base.renumber(ctx); err != nil {
		return err
	}
	if err := l.base.settle(ctx); err != nil {
		return err
	}
	l.report.title("%s: %d readers, %d subscriptions to %d threads, built in %.0f s", l.base.name, s.Readers+s.Few+s.Posts, n, s.Threads, time.Since(began).Seconds())
	_, l.key, err = l.base.store.CreateKey(ctx, "bench", nil, []store.Right{store.RightAdmin})
	return err
}

func (l *lab) start(ctx context.Context) (*daemon, error) {
	return start(ctx, l.o, l.base, l.sink.Addr(), l.key)
}
