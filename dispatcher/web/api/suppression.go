package api

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/wire"
)

func (a *API) listSuppressions(c *call, q paging) (wire.Page[wire.Suppression], error) {
	found, err := a.o.Store.Suppressions(c.context(), c.site, q.After, q.Limit+1)
	rows := make([]wire.Suppression, len(found))
	for i := range found {
		rows[i] = wire.Suppression(found[i])
	}
	return pageOf(rows, q, func(s *wire.Suppression) string { return s.Address }), err
}

// suppressed gives the address of the path as addresses compare.
func (c *call) suppressed() (string, error) {
	_, normal, err := address.Parse(c.r.PathValue("address"))
	if err != nil {
		return "", dispatcher.Invalid("address", "give one address such as ann@example.org", "%q is no mail address", c.r.PathValue("address"))
	}
	return normal, nil
}

// findSuppression gives the suppression of the path. The list is in the order
// of addresses, so it is the first after all that sort before it.
func (a *API) findSuppression(c *call) (store.Suppression, error) {
	addr, err := c.suppressed()
	if err != nil {
		return store.Suppression{}, err
	}
	before := addr[:len(addr)-1]
	for {
		rows, err := a.o.Store.Suppressions(c.context(), c.site, before, MaxPage)
		if err != nil {
			return store.Suppression{}, err
		}
		for _, r := range rows {
			if r.Address == addr {
				return r, nil
			}
		}
		if len(rows) < MaxPage || rows[len(rows)-1].Address > addr {
			return store.Suppression{}, dispatcher.NotFound("suppression", addr)
		}
		before = rows[len(rows)-1].Address
	}
}

func (a *API) getSuppression(c *call, _ none) (wire.Suppression, error) {
	s, err := a.findSuppression(c)
	return wire.Suppression(s), err
}

// putSuppression keeps all mail of the site from an address. One that is there
// stays as it is.
func (a *API) putSuppression(c *call, _ none, in wire.SuppressionNote) (int, wire.Suppression, error) {
	addr, err := c.suppressed()
	if err != nil {
		return 0, wire.Suppression{}, err
	}
	if utf8.RuneCountInString(in.Detail) > dispatcher.MaxTitle {
		return 0, wire.Suppression{}, dispatcher.Invalid("detail", fmt.Sprintf("shorten it to %d characters", dispatcher.MaxTitle), "is too long")
	}
	if in.Detail == "" {
		in.Detail = fmt.Sprintf("by the key %q", c.key.Name)
	}
	if err := a.o.Store.PutSuppression(c.context(), store.Suppression{Site: c.site, Address: addr, Reason: "admin", Detail: in.Detail}); err != nil {
		return 0, wire.Suppression{}, err
	}
	s, err := a.findSuppression(c)
	return http.StatusOK, wire.Suppression(s), err
}

func (a *API) deleteSuppression(c *call, _ none) error {
	addr, err := c.suppressed()
	if err != nil {
		return err
	}
	return a.o.Store.DeleteSuppression(c.context(), c.site, addr)
}
