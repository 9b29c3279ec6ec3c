package wire

import "time"

// Source is a place that the daemon polls.
type Source struct {
	Name        string    `json:"name"`
	Site        string    `json:"site"`
	Type        string    `json:"type" doc:"wordpress or sql"`
	Paused      bool      `json:"paused"`
	PauseReason string    `json:"pause_reason,omitempty"`
	Baseline    bool      `json:"baseline" doc:"the first attach is complete"`
	LastPoll    time.Time `json:"last_poll,omitzero"`
	LastOK      time.Time `json:"last_ok,omitzero"`
	NextPoll    time.Time `json:"next_poll,omitzero"`
	Errors      int       `json:"errors" doc:"failed rounds since the last good one"`
	LastError   string    `json:"last_error,omitempty"`
	Warning     string    `json:"warning,omitempty"`
	PerHour     float64   `json:"per_hour" doc:"new comments, a moving average"`
}

// SourcePause says why a source is paused.
type SourcePause struct {
	Reason string `json:"reason,omitempty" doc:"shown to admins"`
}

// SourceResume says how a source goes on.
type SourceResume struct {
	Admit string `json:"admit,omitempty" enum:",notify,record" doc:"what becomes of what the pause held back: notify mails it, record does not"`
}

// Mode is a position of the sending switch.
type Mode string

// The modes.
const (
	ModeOn       Mode = "on"
	ModeHold     Mode = "hold"     // mails wait
	ModeRedirect Mode = "redirect" // all mail goes to one address
)

// Sending is what counts for a site now: the strictest of the switches that
// concern it.
type Sending struct {
	Mode     Mode     `json:"mode"`
	Redirect string   `json:"redirect,omitempty" doc:"the address that gets all mail"`
	Reason   string   `json:"reason,omitempty"`
	Switches []Switch `json:"switches" doc:"the switches behind it"`
}

// Switch is one sending switch.
type Switch struct {
	Scope     string    `json:"scope" doc:"empty for all, site:KEY or relay:NAME"`
	Mode      Mode      `json:"mode"`
	Redirect  string    `json:"redirect,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// SwitchInput is a switch as it is put.
type SwitchInput struct {
	Mode     Mode   `json:"mode" need:"true"`
	Redirect string `json:"redirect,omitempty" doc:"with mode redirect: the address that gets all mail"`
	Reason   string `json:"reason,omitempty" max:"500" doc:"for other admins"`
	Scope    string `json:"scope,omitempty" doc:"site (default), all or relay:NAME"`
}
