package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// Origin is where a value was set: a line of a file, or an environment
// variable. The zero Origin is a default.
type Origin struct {
	File string
	Line int
	Env  string
}

// String gives "config.yaml line 12", "HEARBACK_HTTP_LISTEN" or "default".
func (o Origin) String() string {
	switch {
	case o.Env != "":
		return o.Env
	case o.Line > 0:
		return fmt.Sprintf("%s line %d", o.File, o.Line)
	case o.File != "":
		return o.File
	}
	return "default"
}

// Problem is one mistake in the configuration.
type Problem struct {
	Path    string // of the key, such as "relays[0].tls"; "" for the whole file
	Where   Origin
	Message string
	Mend    string
}

// String gives the problem in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != (Origin{}) {
		b.WriteString(p.Where.String())
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteByte(' ')
	}
	b.WriteString(p.Message)
	if p.Mend != "" {
		b.WriteString(" (" + p.Mend + ")")
	}
	return b.String()
}

// Problems are all mistakes found, in the order of the file, those of the
// environment last. They unwrap to one [dispatcher.Error] each.
type Problems []Problem

// Error gives one mistake in a line of its own.
func (ps Problems) Error() string {
	if len(ps) == 1 {
		return "the configuration has a mistake: " + ps[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d mistakes:", len(ps))
	for _, p := range ps {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// Unwrap gives each mistake as an error of the domain.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = &dispatcher.Error{Code: dispatcher.CodeInvalid, Field: p.Path, Message: p.Message, Mend: p.Mend}
	}
	return errs
}

// sorted brings the mistakes into the order in which a person meets them.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if (a.Where.Env == "") != (b.Where.Env == "") {
			return strings.Compare(a.Where.Env, b.Where.Env)
		}
		return a.Where.Line - b.Where.Line
	})
	return ps
}
