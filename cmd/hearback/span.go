package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// spanFlag is a duration as the configuration writes it: 90s, 2m, 6h or 14d.
type spanFlag time.Duration

// String implements pflag.Value.
func (f *spanFlag) String() string { return shortSpan(time.Duration(*f)) }

// Type implements pflag.Value: it is shown in the help.
func (f *spanFlag) Type() string { return "time" }

// Set implements pflag.Value.
func (f *spanFlag) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 100_000 {
			return fmt.Errorf("%q is no time such as 36h or 7d", text)
		}
		*f = spanFlag(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no time such as 36h or 7d", text)
	}
	*f = spanFlag(d)
	return nil
}

// shortSpan writes a duration without its zero parts, whole days as 7d.
func shortSpan(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
