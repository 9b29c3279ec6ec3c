//go:build race

package enginetest_test

// histories is how many random histories are lived through under the race
// detector, which is many times slower; `make test` also runs all without it.
const histories = 8
