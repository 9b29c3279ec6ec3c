package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// report writes the figures as they come and keeps the promises for the end.
type report struct {
	out      io.Writer
	name     string
	promises []string
	broken   int
}

func (r *report) title(format string, args ...any) {
	fmt.Fprintf(r.out, "\n== "+format+"\n", args...)
}

func (r *report) row(name, format string, args ...any) {
	fmt.Fprintf(r.out, "%-32s "+format+"\n", append([]any{name}, args...)...)
}

// must records a promise and whether it was kept.
func (r *report) must(name string, kept bool, format string, args ...any) {
	word := "kept  "
	if !kept {
		word = "BROKEN"
		r.broken++
	}
	r.promises = append(r.promises, fmt.Sprintf("%s  %-34s "+format, append([]any{word, name}, args...)...))
}

// end writes the promises. With fail a broken one is an error.
func (r *report) end(fail bool) error {
	fmt.Fprintf(r.out, "\n%s\n", strings.Join(r.promises, "\n"))
	if fail && r.broken > 0 {
		return errors.New("a promise is broken")
	}
	return nil
}

// profileFor records the daemon's CPU and the database's statements while a
// part runs, where that was asked for; the function it gives ends that, and
// takes the heap's profile too.
func (l *lab) profileFor(ctx context.Context, d *daemon, name string) (stop func() error) {
	tell := l.watchStatements(ctx)
	if l.o.profile == "" {
		return tell
	}
	path := filepath.Join(l.o.profile, l.base.name+"-"+name)
	done := make(chan error, 1)
	go func() { done <- d.fetchProfile(ctx, "profile?seconds=8", path+".cpu.prof") }()
	return func() error {
		return errors.Join(<-done, tell(), d.fetchProfile(ctx, "heap", path+".heap.prof"), d.fetchProfile(ctx, "allocs", path+".allocs.prof"))
	}
}
