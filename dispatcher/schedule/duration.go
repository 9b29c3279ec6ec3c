package schedule

import (
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// ParseSpan reads a duration as the configuration writes it: 90s, 2m, 6h or
// 14d.
func ParseSpan(text string) (time.Duration, error) {
	bad := dispatcher.Invalid("", "write a number with s, m, h or d, such as 36h or 7d", "%q is no time such as 36h or 7d", text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 100_000 {
			return 0, bad
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, bad
	}
	return d, nil
}

// FormatSpan writes a duration without its zero parts, whole days as 7d.
func FormatSpan(d time.Duration) string {
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
