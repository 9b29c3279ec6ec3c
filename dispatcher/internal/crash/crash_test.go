package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// The cut of the proof that every test run makes; `make crash` is the whole.
func TestNothingIsLostWhenTheDaemonIsKilled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	binary := filepath.Join(t.TempDir(), "hearback")
	if err := build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	cut := options{binary: binary, daemons: 1, mails: 1500, kills: 8, each: 1, seed: uint64(time.Now().UnixNano() % 1e9), connections: 8,
		delay: 8 * time.Millisecond, lease: 2500 * time.Millisecond, patience: 40 * time.Second}
	t.Run("databases", func(t *testing.T) {
		t.Run(modeSQLite, func(t *testing.T) {
			t.Parallel()
			o := cut
			o.name, o.dir = modeSQLite, t.TempDir()
			o.database = "sqlite://" + filepath.Join(o.dir, "hearback.db")
			holds(t, o)
		})
		t.Run(modePostgres, func(t *testing.T) {
			t.Parallel()
			o := cut
			o.name, o.dir, o.database = modePostgres, t.TempDir(), pgtest.New(t)
			holds(t, o)
		})
	})
	if left := processesOf(binary); len(left) > 0 {
		t.Errorf("processes were left behind: %v", left)
	}
}

func holds(t *testing.T, o options) {
	t.Helper()
	o.progress = t.Output()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	r, err := prove(ctx, o)
	if err != nil {
		t.Fatalf("seed %d: %v", o.seed, err)
	}
	t.Log(r.table())
	if !r.proved() {
		t.Error("the proof does not hold")
	}
}

// processesOf lists the running processes of a binary, where the system tells.
func processesOf(binary string) []string {
	var out []string
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return nil
	}
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && strings.HasPrefix(to, binary) {
			out = append(out, l)
		}
	}
	return out
}
