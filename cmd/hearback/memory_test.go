package main

import (
	"runtime/debug"
	"testing"
)

func TestMemoryIsTunedUnlessTheEnvironmentDoes(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	tuneMemory([]string{"HOME=/", "GOGC=120"})
	if got := debug.SetGCPercent(77); got != 77 {
		t.Errorf("with GOGC set it became %d", got)
	}
	tuneMemory([]string{"HOME=/"})
	if got := debug.SetGCPercent(77); got != garbage {
		t.Errorf("it is %d, want %d", got, garbage)
	}
}
