package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
)

// listJSON is a page of a list, in the shape that the HTTP API has too.
type listJSON[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // give it as --after for the next page
}

// listed makes a page of up to limit rows, of which the caller asked for one
// more.
func listed[T any](rows []T, limit int, key func(*T) string) listJSON[T] {
	out := listJSON[T]{Items: rows}
	if len(rows) > limit {
		out.Items, out.Next = rows[:limit], key(&rows[limit-1])
	}
	if out.Items == nil {
		out.Items = []T{}
	}
	return out
}

func (p *page) next(after string) {
	if after != "" {
		p.line("more: --after %s", after)
	}
}

// pageFlags are the flags of a list that may be long.
type pageFlags struct {
	after string
	limit int
}

func (f *pageFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.after, "after", "", "go on where the list before ended, as it said")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "list at most this many")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if f.limit < 1 || f.limit > 1000 {
			return dispatcher.Invalid("--limit", "use 1 to 1000", "%d is out of range", f.limit)
		}
		return nil
	}
}

// number gives --after as one of Hearback's own numbers, 0 for the beginning.
func (f *pageFlags) number() (int64, error) {
	if f.after == "" {
		return 0, nil
	}
	return number("--after", f.after)
}

// number reads one of Hearback's own numbers.
func number(field, text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, dispatcher.Invalid(field, "give a number as the list shows it", "%q is no number", text)
	}
	return n, nil
}
