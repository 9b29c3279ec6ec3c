package main

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestProfilesAreServedOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":6060", "192.0.2.1:0", "127.0.0.1", "localhost:0"} {
		stop, err := startProfiler([]string{"HEARBACK_PPROF=" + addr}, slog.New(slog.DiscardHandler))
		stop()
		if dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestProfilesAreServedWhereTheEnvironmentAsksForThem(t *testing.T) {
	var log strings.Builder
	stop, err := startProfiler([]string{"HEARBACK_PPROF=127.0.0.1:0"}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	_, rest, _ := strings.Cut(log.String(), "at=")
	res, err := http.Get(strings.TrimSpace(rest) + "goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the goroutines' profile gave %s", res.Status)
	}
}

func TestThereIsNoProfilerUnlessAskedFor(t *testing.T) {
	var log strings.Builder
	stop, err := startProfiler([]string{"HOME=/", "HEARBACK_PPROF="}, slog.New(slog.NewTextHandler(&log, nil)))
	stop()
	if err != nil || log.Len() > 0 {
		t.Errorf("err %v, log %q", err, log.String())
	}
}
