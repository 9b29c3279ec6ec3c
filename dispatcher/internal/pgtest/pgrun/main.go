//go:build unix

// Command pgrun runs a command with a private PostgreSQL at hand: it starts a
// cluster, names it in HEARBACK_TEST_POSTGRES, runs the command and stops the
// cluster. So one cluster serves the tests of many packages:
//
//	go run ./dispatcher/internal/pgtest/pgrun go test ./...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

func main() { os.Exit(run()) }

func run() int {
	durable := flag.Bool("durable", false, "keep fsync and synchronous commit on")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: pgrun [-durable] command [argument …]")
		return 2
	}
	// A Ctrl-C reaches the command by itself; what is left to do here is to
	// wait for it and to stop the server.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	cluster, err := pgtest.Start(context.Background(), pgtest.Config{Durable: *durable})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgrun:", err)
		return 1
	}
	defer cluster.Stop()
	cmd := exec.Command(flag.Arg(0), flag.Args()[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), pgtest.EnvURL+"="+cluster.URL())
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "pgrun:", err)
		return 1
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt {
				cmd.Process.Signal(s)
			}
		case err := <-ended:
			var exit *exec.ExitError
			switch {
			case errors.As(err, &exit) && exit.ExitCode() >= 0:
				return exit.ExitCode()
			case err != nil:
				fmt.Fprintln(os.Stderr, "pgrun:", err)
				return 1
			}
			return 0
		}
	}
}
