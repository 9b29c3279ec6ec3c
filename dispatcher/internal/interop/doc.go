// Package interop proves that Hearback works with the real things, not with
// our fakes of them: `make interop`.
//
// The tests, behind the build tag interop, start what an administrator would
// have: WordPress on PHP and MariaDB as a source, Postfix and Exim as relays
// that deliver to maildirs. All of it comes from Debian's packages
// (.ci/interop fetches what lacks), listens on loopback, keeps its data in a
// folder that is thrown away, and ends with the test, however that ends.
// Hearback itself is the real binary with a config file.
//
// They are tests and not a program of their own, as crash and bench are: each
// finding has a name that can be run alone, and what a test starts is stopped
// by the test. They stand behind a tag because they need packages and root.
//
// docs/interop.md tells what was run against what, and what was found.
package interop
