package main

import (
	"runtime/debug"
	"slices"
	"strings"
)

// garbage is how much may be garbage, in percent of what is in use, before it
// is collected. What is in use are mostly caches of a fixed size; half of that
// again, not as much again, keeps the daemon small for a little CPU time.
const garbage = 50

// tuneMemory sets that, unless the environment says what is wanted.
func tuneMemory(env []string) {
	if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, "GOGC=") || strings.HasPrefix(e, "GOMEMLIMIT=") }) {
		debug.SetGCPercent(garbage)
	}
}
