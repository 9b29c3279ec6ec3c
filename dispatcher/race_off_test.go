//go:build !race

package dispatcher_test

// histories is how many random histories are lived through.
const histories = 10_000
