package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// The exit codes, for scripts. docs/cli.md has the same table.
const (
	exitOK          = 0
	exitFailed      = 1 // it ran and the answer is no, or it is our fault
	exitInvalid     = 2 // what was typed, a file or the configuration is wrong
	exitNotFound    = 3
	exitConflict    = 4 // the present state forbids it
	exitForbidden   = 5
	exitUnavailable = 6 // try again later
	exitStopped     = 130
)

// exitCode is the one table from the domain's codes to exit codes.
func exitCode(code dispatcher.Code) int {
	switch code {
	case dispatcher.CodeInvalid, dispatcher.CodeTooLarge:
		return exitInvalid
	case dispatcher.CodeNotFound:
		return exitNotFound
	case dispatcher.CodeConflict, dispatcher.CodeIDReused, dispatcher.CodeEnded, dispatcher.CodeInUse:
		return exitConflict
	case dispatcher.CodeForbidden, dispatcher.CodeUnauthorized:
		return exitForbidden
	case dispatcher.CodeUnavailable, dispatcher.CodeLimited:
		return exitUnavailable
	}
	return exitFailed
}

// whereToLook names the list in which what was not found would stand.
func whereToLook(err error) string {
	var e *dispatcher.Error
	if !errors.As(err, &e) || e.Code != dispatcher.CodeNotFound || e.Mend != "" {
		return ""
	}
	for _, what := range []string{"subscriber", "schedule", "message", "suppression", "key", "admin", "source"} {
		if strings.HasPrefix(e.Message, "there is no "+what+" ") {
			return " (see: hearback " + what + " list)"
		}
	}
	return ""
}

// answeredNo ends a command whose output has said already what is wrong.
type answeredNo struct{}

func (answeredNo) Error() string { return "the answer is no" }

// report writes an error for people and gives the exit code.
func report(ctx context.Context, w io.Writer, err error) int {
	var said answeredNo
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &said):
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(w, "hearback: stopped")
		return exitStopped
	}
	fmt.Fprintln(w, "hearback: "+err.Error()+whereToLook(err))
	return exitCode(dispatcher.CodeOf(err))
}
