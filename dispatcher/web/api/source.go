package api

import (
	"net/http"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/web"
)

// Source is a place that the daemon polls, as the API tells of it. Zero times
// are "never".
type Source struct {
	Name        string    `json:"name"`
	Site        string    `json:"site"`
	Type        string    `json:"type"`
	Paused      bool      `json:"paused"`
	PauseReason string    `json:"pause_reason,omitempty"`
	Baseline    bool      `json:"baseline"` // the first attach is complete
	LastPoll    time.Time `json:"last_poll,omitzero"`
	LastOK      time.Time `json:"last_ok,omitzero"`
	NextPoll    time.Time `json:"next_poll,omitzero"`
	Errors      int       `json:"errors"` // failed rounds since the last good one
	LastError   string    `json:"last_error,omitempty"`
	Warning     string    `json:"warning,omitempty"`
	PerHour     float64   `json:"per_hour"` // new comments, a moving average
}

func (a *API) listSources(c *call) error {
	if a.o.Sources == nil {
		return unavailable("sources")
	}
	all, err := a.o.Sources.List(c.context(), c.site)
	if err != nil {
		return err
	}
	if all == nil {
		all = []Source{}
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"items": all})
	return nil
}

// oneSource checks that the path's source is one of the call's site.
func (a *API) oneSource(c *call) (string, error) {
	if a.o.Sources == nil {
		return "", unavailable("sources")
	}
	name := c.r.PathValue("name")
	all, err := a.o.Sources.List(c.context(), c.site)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if s.Name == name {
			return name, nil
		}
	}
	return "", dispatcher.NotFound("source", name)
}

func (a *API) pollSource(c *call) error {
	name, err := a.oneSource(c)
	if err != nil {
		return err
	}
	if err := a.o.Sources.Poll(c.context(), name); err != nil {
		return err
	}
	return a.writeSource(c, name)
}

func (a *API) pauseSource(c *call) error {
	name, err := a.oneSource(c)
	if err != nil {
		return err
	}
	in := struct {
		Reason string `json:"reason"`
	}{}
	if c.r.ContentLength != 0 {
		if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
			return err
		}
	}
	if err := a.o.Sources.Pause(c.context(), name, in.Reason); err != nil {
		return err
	}
	return a.writeSource(c, name)
}

// resumeSource goes on polling; admit says what becomes of the comments that
// the pause held back.
func (a *API) resumeSource(c *call) error {
	name, err := a.oneSource(c)
	if err != nil {
		return err
	}
	in := struct {
		Admit string `json:"admit"`
	}{}
	if c.r.ContentLength != 0 {
		if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
			return err
		}
	}
	if err := a.o.Sources.Resume(c.context(), name, in.Admit); err != nil {
		return err
	}
	return a.writeSource(c, name)
}

func (a *API) writeSource(c *call, name string) error {
	all, err := a.o.Sources.List(c.context(), c.site)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == name {
			web.WriteJSON(c.w, http.StatusOK, s)
			return nil
		}
	}
	return dispatcher.NotFound("source", name)
}
