//go:build !race

package enginetest_test

// histories is how many random histories are lived through.
const histories = 300
