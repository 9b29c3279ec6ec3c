// Command hearback tells people by e-mail when somebody answers them.
//
// One binary is the daemon (serve) and all the tools beside it. main is flags,
// signals and the exit code; each command stands in a file of its own, reads
// the same config.yaml and works on the same database, whether a daemon runs
// on it or not.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hearback/hearback/dispatcher"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// run is the whole program but for the signals: it gives the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	r := &root{in: stdin, out: stdout, errs: stderr, env: env, clock: dispatcher.SystemClock}
	return r.run(ctx, args)
}
