package api

import (
	"net/http"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/web"
)

// page is a keyset page: what comes after a row that the caller has seen.
type page struct {
	after int64  // the row's number, 0 for the first page
	text  string // the row's key where it is no number
	limit int
}

// page reads ?after= and ?limit=.
func (c *call) page() (page, error) {
	p, err := c.textPage()
	if err != nil || p.text == "" {
		return p, err
	}
	if p.after, err = strconv.ParseInt(p.text, 10, 64); err != nil || p.after < 1 {
		return p, dispatcher.Invalid("after", `give what the last answer had as "next"`, "%q is no place in the list", p.text)
	}
	return p, nil
}

func (c *call) textPage() (page, error) {
	p := page{text: c.query("after"), limit: defaultRow}
	if l := c.query("limit"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 1 || n > MaxPage {
			return p, dispatcher.Invalid("limit", "give a number from 1 to "+strconv.Itoa(MaxPage), "%q is out of range", l)
		}
		p.limit = n
	}
	return p, nil
}

// writePage answers with up to the page's limit of rows, of which the caller
// asked for one more, and with where the next page begins.
func writePage[T any](c *call, rows []T, p page, key func(*T) string) error {
	answer := struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty"`
	}{Items: rows}
	if len(rows) > p.limit {
		answer.Items = rows[:p.limit]
		answer.Next = key(&rows[p.limit-1])
	}
	if answer.Items == nil {
		answer.Items = []T{}
	}
	web.WriteJSON(c.w, http.StatusOK, answer)
	return nil
}

// number reads a number from the path.
func (c *call) number(name, what string) (int64, error) {
	text := c.r.PathValue(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, dispatcher.NotFound(what, text)
	}
	return n, nil
}
