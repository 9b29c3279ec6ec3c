package api

import (
	"context"
	"strings"

	"github.com/hearback/hearback/dispatcher/store"
)

// audited puts what a route did into the audit log, where it succeeded. The
// change stands already, so a log that fails is told of and no more.
func audited(rt *route) func(*API, *call) error {
	do, act, names := rt.do, rt.act, wildcards(rt.path)
	return func(a *API, c *call) error {
		if err := do(a, c); err != nil {
			return err
		}
		var subject []string
		for _, name := range names {
			subject = append(subject, c.r.PathValue(name))
		}
		if !rt.global {
			subject = append(subject, "of "+c.site)
		}
		line := store.Act{By: "key " + c.key.Name, What: act, Subject: strings.Join(subject, " ")}
		if err := a.o.Store.Record(context.WithoutCancel(c.context()), line); err != nil {
			a.o.Log.ErrorContext(c.context(), "a change is missing from the audit log", "what", act, "error", err)
		}
		return nil
	}
}

// wildcards lists the names of a path's wildcards.
func wildcards(path string) []string {
	var out []string
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			out = append(out, strings.TrimSuffix(name, "}"))
		}
	}
	return out
}
