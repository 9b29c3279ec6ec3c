package main

import (
	"time"

	"github.com/hearback/hearback/dispatcher/schedule"
)

// spanFlag is a duration as the configuration writes it: 90s, 2m, 6h or 14d.
type spanFlag time.Duration

// String implements pflag.Value.
func (f *spanFlag) String() string { return schedule.FormatSpan(time.Duration(*f)) }

// Type implements pflag.Value: it is shown in the help.
func (f *spanFlag) Type() string { return "time" }

// Set implements pflag.Value.
func (f *spanFlag) Set(text string) error {
	d, err := schedule.ParseSpan(text)
	if err == nil {
		*f = spanFlag(d)
	}
	return err
}
