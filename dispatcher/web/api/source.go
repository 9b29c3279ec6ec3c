package api

import (
	"net/http"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

func (a *API) listSources(c *call, _ none) (wire.List[wire.Source], error) {
	if a.o.Sources == nil {
		return wire.List[wire.Source]{Items: []wire.Source{}}, nil
	}
	all, err := a.o.Sources.List(c.context(), c.site)
	return wire.List[wire.Source]{Items: listed(all)}, err
}

// oneSource gives the path's source, which must be one of the call's site.
func (a *API) oneSource(c *call) (wire.Source, error) {
	name := c.r.PathValue("name")
	all, err := a.listSources(c, none{})
	if err != nil {
		return wire.Source{}, err
	}
	for _, s := range all.Items {
		if s.Name == name {
			return s, nil
		}
	}
	return wire.Source{}, dispatcher.NotFound("source", clip(name))
}

func (a *API) pollSource(c *call, _ none) (wire.Source, error) {
	s, err := a.oneSource(c)
	if err != nil {
		return s, err
	}
	if err := a.o.Sources.Poll(c.context(), s.Name); err != nil {
		return s, err
	}
	return a.oneSource(c)
}

func (a *API) pauseSource(c *call, _ none, in wire.SourcePause) (int, wire.Source, error) {
	s, err := a.oneSource(c)
	if err != nil {
		return 0, s, err
	}
	if err := a.o.Sources.Pause(c.context(), s.Name, in.Reason); err != nil {
		return 0, s, err
	}
	s, err = a.oneSource(c)
	return http.StatusOK, s, err
}

// resumeSource goes on polling; admit says what becomes of the comments that
// the pause held back.
func (a *API) resumeSource(c *call, _ none, in wire.SourceResume) (int, wire.Source, error) {
	s, err := a.oneSource(c)
	if err != nil {
		return 0, s, err
	}
	if err := a.o.Sources.Resume(c.context(), s.Name, in.Admit); err != nil {
		return 0, s, err
	}
	s, err = a.oneSource(c)
	return http.StatusOK, s, err
}
