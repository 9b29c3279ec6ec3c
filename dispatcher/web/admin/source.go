package admin

import (
	"context"
	"time"
)

// Source is a place that the daemon polls, as it is shown. Zero times are
// "never".
type Source struct {
	Name, Site, Type string
	Paused           bool
	PauseReason      string
	Baseline         bool // the first attach is complete
	LastPoll, LastOK time.Time
	NextPoll         time.Time
	Errors           int // failed rounds since the last good one
	LastError        string
	Warning          string
	PerHour          float64 // new comments, a moving average
}

// Sources are the places that the daemon polls. Stages are reached through
// what app hands over.
type Sources interface {
	// List gives the sources of all sites.
	List(ctx context.Context) ([]Source, error)
	Poll(ctx context.Context, name string) error
	Pause(ctx context.Context, name, reason string) error
	Resume(ctx context.Context, name, admit string) error
}
