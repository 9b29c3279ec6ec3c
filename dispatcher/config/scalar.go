package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// scalar says whether a value of the type is written as one word or text.
func scalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int64, reflect.Float64, reflect.Bool:
		return true
	}
	return false
}

// setScalar reads text into v. Its error names what is wrong and the mend, and
// leaves the path to the caller. Values of a Secret are never in it.
func setScalar(v reflect.Value, text string) *dispatcher.Error {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return asError(err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f }); i >= 0 {
			return dispatcher.Invalid("", "leave it out", "has a control character")
		}
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return dispatcher.Invalid("", "write a whole number such as 16", "%q is no whole number", text)
		}
		v.SetInt(int64(n))
	case reflect.Float64:
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return dispatcher.Invalid("", "write a number such as 20 or 0.5", "%q is no number", text)
		}
		v.SetFloat(n)
	case reflect.Bool:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "yes", "on", "1":
			v.SetBool(true)
		case "false", "no", "off", "0":
			v.SetBool(false)
		default:
			return dispatcher.Invalid("", "write true or false", "%q is neither true nor false", text)
		}
	}
	return nil
}

func asError(err error) *dispatcher.Error {
	if e, ok := err.(*dispatcher.Error); ok {
		return e
	}
	return &dispatcher.Error{Code: dispatcher.CodeInvalid, Message: err.Error()}
}

// parseDuration reads "90s", "2m", "1h30m", "14d", "2w" and "0".
func parseDuration(text string) (time.Duration, *dispatcher.Error) {
	bad := dispatcher.Invalid("", `write it with a unit, such as "90s", "2m", "6h" or "14d"`, "%q is no length of time", text)
	s := strings.ReplaceAll(strings.TrimSpace(text), " ", "")
	if s == "0" {
		return 0, nil
	}
	if s == "" {
		return 0, bad
	}
	var total float64
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return 0, bad
		}
		number, err := strconv.ParseFloat(s[:n], 64)
		if err != nil {
			return 0, bad
		}
		s = s[n:]
		u := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' || r == '.' })
		if u < 0 {
			u = len(s)
		}
		unit, ok := unitOf(s[:u])
		if !ok {
			return 0, bad
		}
		total += number * float64(unit)
		s = s[u:]
	}
	if total > float64(100*366*day) {
		return 0, dispatcher.Invalid("", "use less than a hundred years", "%q is too long", text)
	}
	return time.Duration(math.Round(total)), nil
}

func unitOf(s string) (time.Duration, bool) {
	switch s {
	case "ms":
		return time.Millisecond, true
	case "s":
		return time.Second, true
	case "m", "min":
		return time.Minute, true
	case "h":
		return time.Hour, true
	case "d":
		return day, true
	case "w":
		return 7 * day, true
	}
	return 0, false
}

// formatDuration writes what parseDuration reads, in the largest unit that
// needs no fraction.
func formatDuration(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d != 0 && d%u.size == 0 {
			return fmt.Sprintf("%d%s", d/u.size, u.name)
		}
	}
	if d == 0 {
		return "0"
	}
	return d.String()
}
