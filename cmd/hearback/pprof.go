package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// pprofEnv names the address of the profiler, such as 127.0.0.1:6060. Without
// it there is none.
const pprofEnv = "HEARBACK_PPROF"

// startProfiler serves Go's profiles on the loopback address that env names.
// Profiles show what the daemon holds in memory, so any other address is
// refused. stop is never nil.
func startProfiler(env []string, log *slog.Logger) (stop func(), err error) {
	addr := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, pprofEnv+"="); ok {
			addr = v
		}
	}
	if addr == "" {
		return func() {}, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return func() {}, dispatcher.Invalid(pprofEnv, "use an address of this machine such as 127.0.0.1:6060", "%q is not a loopback address with a port", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return func() {}, fmt.Errorf("start the profiler: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // it ends with stop; a profiler that ended by itself stops nothing else
	}()
	log.Info("profiles are served", "at", "http://"+l.Addr().String()+"/debug/pprof/")
	return func() { _ = s.Close(); <-done }, nil
}
