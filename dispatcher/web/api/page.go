package api

import (
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// paging is a keyset page: what comes after a row that the caller has seen.
type paging struct {
	After string `query:"after" doc:"what the last answer had as next"`
	Limit int    `query:"limit" doc:"how many at most" min:"1" max:"500" default:"50"`
}

// number gives the row that was seen where rows are named by numbers, 0 for
// the first page.
func (p paging) number() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || n < 1 || n == 1<<63-1 {
		return 0, dispatcher.Invalid("after", `give what the last answer had as "next"`, "%q is no place in the list", clip(p.After))
	}
	return n, nil
}

// pageOf cuts rows, of which the caller asked for one more than the page has,
// and says where the next page begins.
func pageOf[T any](rows []T, p paging, key func(*T) string) wire.Page[T] {
	out := wire.Page[T]{Items: listed(rows)}
	if len(rows) > p.Limit {
		out.Items = rows[:p.Limit]
		out.Next = key(&rows[p.Limit-1])
	}
	return out
}

// listed is a list that JSON writes as one, also when it is empty.
func listed[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// number reads a number from the path.
func (c *call) number(name, what string) (int64, error) {
	text := c.r.PathValue(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		e := dispatcher.NotFound(what, clip(text))
		e.Mend = "it is named by its number, as lists show it"
		return 0, e
	}
	return n, nil
}
