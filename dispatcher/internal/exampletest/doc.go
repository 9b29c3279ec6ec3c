// Package exampletest runs the worked examples of docs/examples: each against
// a daemon of its own, in the interpreter that it is written for, as far as the
// mail that it leads to.
package exampletest
