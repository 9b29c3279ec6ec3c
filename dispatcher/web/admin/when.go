package admin

import (
	"fmt"
	"time"
)

// moment is a time as a page shows it: short, how long ago, and in full.
type moment struct {
	ISO   string // for machines, "" for never
	Short string // "14:03", "8 Jun 14:03" or "8 Jun 2025"
	Ago   string // "3 min ago", "in 2 h"
	Full  string // "Monday, 8 June 2026, 14:03:11 CEST"
}

// when makes a time readable in the visitor's zone. It takes a time or a
// pointer to one; the zero time is "never".
func (v *visit) when(at any) moment {
	var t time.Time
	switch x := at.(type) {
	case time.Time:
		t = x
	case *time.Time:
		if x != nil {
			t = *x
		}
	}
	if t.IsZero() {
		return moment{Short: "never"}
	}
	local, now := t.In(v.zone), v.now.In(v.zone)
	short := "2 Jan 2006"
	switch {
	case local.Year() == now.Year() && local.YearDay() == now.YearDay():
		short = "15:04"
	case local.Year() == now.Year() || now.Sub(t).Abs() < 90*24*time.Hour:
		short = "2 Jan 15:04"
	}
	return moment{ISO: t.UTC().Format(time.RFC3339), Short: local.Format(short), Ago: ago(now.Sub(t)), Full: local.Format("Monday, 2 January 2006, 15:04:05 MST")}
}

// ago says how long ago something was, or will be.
func ago(d time.Duration) string {
	if d.Abs() < 5*time.Second {
		return "now"
	}
	if d < 0 {
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

// span says a length of time in one unit, as people say it.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Round(time.Second)/time.Second))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute)/time.Minute))
	case d < 36*time.Hour:
		return fmt.Sprintf("%d h", int(d.Round(time.Hour)/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d.Round(day)/day))
}
