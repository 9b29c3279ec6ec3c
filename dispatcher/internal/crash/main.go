// Command crash proves that a crash loses nothing: `make crash`.
//
// It starts the real binary on a database of its own and feeds it through the
// doors that a site would use: a table that is polled, the HTTP API, plain
// INSERTs. The far end is an SMTP sink that is slow and answers 4xx and 5xx,
// drops connections in the middle of a mail and after its final dot. Again and
// again it waits until one of the four stages is at work and ends the daemon
// with SIGKILL a random moment later, or, in the other modes, one of two
// daemons on one PostgreSQL, or PostgreSQL itself.
//
// What should have arrived is computed from the plan alone (see [plan.wants]),
// what did arrive is what the sink took (see [ledger]), and the verdict holds
// one against the other: every reader heard of every comment that was due in
// exactly one message; a message was taken twice only when it was in flight at
// a kill, or when the sink had taken it without a word; every message came to
// an end, and none is said to be sent that was not.
//
// docs/crash.md tells how to read the report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The modes.
const (
	modeSQLite   = "sqlite"
	modePostgres = "postgres"
	modeRestart  = "restart-postgres"
	modePair     = "two-daemons"
)

// flags are what was asked for.
type flags struct {
	options
	modes []string
	keep  bool
	quiet bool
}

func parse(args []string, errs io.Writer) (*flags, error) {
	f := &flags{}
	var db string
	var restart, pair bool
	fs := flag.NewFlagSet("crash", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.StringVar(&f.binary, "binary", "", "the hearback to kill; built when not given")
	fs.StringVar(&db, "db", "", "sqlite or postgres; without it and the next two, all modes run")
	fs.BoolVar(&restart, "restart-postgres", false, "kill PostgreSQL itself under the daemon")
	fs.BoolVar(&pair, "two-daemons", false, "two daemons on one PostgreSQL, one of which is killed")
	fs.IntVar(&f.mails, "mails", 20000, "mails that are due at least")
	fs.IntVar(&f.kills, "kills", 50, "kills at least")
	fs.IntVar(&f.each, "each", 5, "kills at least while each of the stages is at work")
	fs.Uint64Var(&f.seed, "seed", uint64(time.Now().UnixNano()%1e9), "replays a plan")
	fs.IntVar(&f.connections, "connections", 8, "connections to the sink")
	fs.DurationVar(&f.delay, "delay", 25*time.Millisecond, "how long the sink takes for a mail")
	fs.DurationVar(&f.lease, "lease", 3*time.Second, "sending.lease of the daemons")
	fs.BoolVar(&f.keep, "keep", false, "keep databases and logs")
	fs.BoolVar(&f.quiet, "quiet", false, "only the report")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	f.digests, f.patience = true, 75*time.Second
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("%q is one word too many", fs.Arg(0))
	case restart:
		f.modes = []string{modeRestart}
	case pair:
		f.modes = []string{modePair}
	case db == modeSQLite || db == modePostgres:
		f.modes = []string{db}
	case db == "":
		f.modes = []string{modeSQLite, modePostgres, modeRestart, modePair}
	default:
		return nil, fmt.Errorf("-db %s: use sqlite or postgres", db)
	}
	return f, nil
}

// run runs the modes one after the other and gives the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	f, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = runModes(ctx, f, out, errs)
	}
	if err != nil {
		fmt.Fprintln(errs, "crash:", err)
		return 1
	}
	return 0
}

func runModes(ctx context.Context, f *flags, out, errs io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "hearback-crash-")
	if err != nil {
		return err
	}
	defer func() {
		if f.keep {
			fmt.Fprintln(out, "databases and logs are in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	f.progress = errs
	if f.quiet {
		f.progress = io.Discard
	}
	if f.binary == "" {
		f.binary = filepath.Join(dir, "hearback")
		if err := build(ctx, f.binary); err != nil {
			return err
		}
	}
	if f.binary, err = filepath.Abs(f.binary); err != nil {
		return err
	}
	var failed []string
	for _, mode := range f.modes {
		r, err := runMode(ctx, f.options, mode, filepath.Join(dir, mode))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			fmt.Fprintf(out, "%s: %v\n", mode, err)
			failed = append(failed, mode)
		default:
			fmt.Fprintln(out, r.table())
			if !r.proved() {
				failed = append(failed, mode)
			}
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("not proved: %s; replay with -seed %d", strings.Join(failed, ", "), f.seed)
	}
	return nil
}

// runMode prepares the database of a mode and proves on it.
func runMode(ctx context.Context, o options, mode, dir string) (*result, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	o.name, o.dir, o.daemons = mode, dir, 1
	if mode == modeSQLite {
		o.database = "sqlite://" + filepath.Join(dir, "hearback.db")
		return prove(ctx, o)
	}
	cluster, err := pgtest.Start(ctx, pgtest.Config{Durable: true})
	if err != nil {
		return nil, err
	}
	defer cluster.Stop()
	o.database = cluster.URL()
	switch mode {
	case modeRestart:
		o.cluster = cluster
	case modePair:
		o.daemons = 2
	}
	return prove(ctx, o)
}

// build makes the binary from this module.
func build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, "github.com/hearback/hearback/cmd/hearback")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build hearback: %w\n%s", err, text)
	}
	return nil
}
