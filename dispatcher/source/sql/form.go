package sql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/hearback/hearback/dispatcher"
)

// The forms in which a table may keep times.
const (
	formTimestamp = "timestamp"
	formText      = "text"
	formEpoch     = "epoch"
	formMilli     = "epoch_ms"
	formMicro     = "epoch_us"
)

// form is how :since must be given so that it compares with the table's times.
type form struct {
	kind   string
	layout string         // of a text
	zone   *time.Location // of a text or a timestamp without a zone
}

// step is the finest difference that :since can express, and thus how far a
// page begins before the last row of the one before it.
func (f form) step() time.Duration {
	switch f.kind {
	case formTimestamp, formMicro:
		return time.Microsecond
	case formMilli:
		return time.Millisecond
	default:
		return time.Second
	}
}

// value gives t in the form.
func (f form) value(t time.Time) any {
	switch f.kind {
	case formEpoch:
		return t.Unix()
	case formMilli:
		return t.UnixMilli()
	case formMicro:
		return t.UnixMicro()
	case formTimestamp:
		return t.In(f.zone)
	default:
		return t.In(f.zone).Format(f.layout)
	}
}

// layouts of times as text, as far as seconds. Fractions are read wherever
// there are some; :since has none, which sorts before any.
var layouts = [...]string{
	"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05-07", "2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

// parseTime reads a time in whatever form a row has it.
func (s *Source) parseTime(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		if s.bare(v) {
			v = time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), s.Zone)
		}
		return v.UTC(), nil
	case int64:
		return s.fromEpoch(float64(v))
	case float64:
		return s.fromEpoch(v)
	case []byte:
		return s.parseTime(string(v))
	case string:
		v = strings.TrimSpace(v)
		for _, l := range layouts {
			if t, err := time.ParseInLocation(l, v, s.Zone); err == nil {
				return t.UTC(), nil
			}
		}
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return s.fromEpoch(f)
		}
		return time.Time{}, fmt.Errorf("%q is no time", clip(v))
	}
	return time.Time{}, fmt.Errorf("%v (%T) is no time", v, v)
}

// bare says that the driver made up the zone: lib/pq gives a timestamp without
// one as UTC by the name of "", SQLite's driver as UTC.
func (s *Source) bare(t time.Time) bool {
	name, offset := t.Zone()
	return offset == 0 && (name == "" || s.lite && name == "UTC")
}

// fromEpoch tells seconds from milliseconds and microseconds by their size:
// each stands for years between 1990 and 2200 in its own range only.
func (s *Source) fromEpoch(v float64) (time.Time, error) {
	for _, unit := range []float64{1, 1e3, 1e6} {
		if secs := v / unit; secs > 6.3e8 && secs < 7.3e9 {
			return time.UnixMicro(int64(math.Round(secs * 1e6))).UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%v is no time of our age in seconds, milliseconds or microseconds", v)
}

// findForm finds out how :since must be given, by asking for the first row of
// all and looking at it. It gives false while there is no row to look at.
func (s *Source) findForm(ctx context.Context) (bool, error) {
	if s.form.kind != "" && (s.form.kind != formText || s.form.layout != "") {
		if s.form.zone == nil {
			s.form.zone = s.Zone
		}
		return true, nil
	}
	// Numbers sort before all text in SQLite, so 0 is before any time there.
	// PostgreSQL knows the parameter's type and refuses what does not fit it.
	first := any(0)
	if !s.lite {
		first = time.Unix(0, 0).UTC()
	}
	if s.form.kind == formText {
		first = ""
	}
	res, err := s.run(ctx, s.query, map[string]any{"since": first, "limit": 1}, 0)
	kind := formTimestamp
	if pe := (*pq.Error)(nil); errors.As(err, &pe) && (pe.Code == "22P02" || pe.Code == "42883" || pe.Code == "42804" || pe.Code == "22007") {
		kind = formEpoch
		res, err = s.run(ctx, s.query, map[string]any{"since": 0, "limit": 1}, 0)
	}
	if err != nil || res.sample == nil {
		return false, err
	}
	if _, ok := res.sample.(time.Time); ok && s.lite {
		if res.sample, err = s.rawSample(ctx, res.orderedBy, first); err != nil {
			return false, err
		}
	}
	f, err := s.formOf(kind, res)
	if err != nil {
		return false, err
	}
	s.form = f
	return true, nil
}

// rawSample reads the first ordering time as SQLite keeps it. SQLite's driver
// makes times of the columns that are declared as such, and so hides how :since
// must be written to compare with them.
func (s *Source) rawSample(ctx context.Context, column string, first any) (string, error) {
	st := statement{field: s.query.field, names: s.query.names, parts: slices.Clone(s.query.parts)}
	st.parts[0] = `SELECT CAST("` + column + `" AS TEXT) FROM (` + st.parts[0]
	st.parts[len(st.parts)-1] += "\n)"
	text, args := st.bind(s.lite, map[string]any{"since": first, "limit": 1})
	var raw string
	if err := s.db.QueryRowContext(ctx, text, args...).Scan(&raw); err != nil {
		return "", fmt.Errorf("finding out how %s is kept: %w", column, err)
	}
	return raw, nil
}

func (s *Source) formOf(kind string, res *result) (form, error) {
	f := form{kind: kind, zone: s.Zone}
	switch v := res.sample.(type) {
	case time.Time:
		return f, nil // PostgreSQL, perhaps with a number that the query turns into a time
	case int64, float64:
		t, err := s.parseTime(v)
		if err != nil {
			return form{}, fmt.Errorf("finding out how %s is kept: %w", res.orderedBy, err)
		}
		f.kind = epochKind(v, t)
		return f, nil
	case []byte:
		return s.textForm(f, string(v), res.orderedBy)
	case string:
		return s.textForm(f, v, res.orderedBy)
	}
	return form{}, fmt.Errorf("%s is a %T, which is no time", res.orderedBy, res.sample)
}

func epochKind(v any, t time.Time) string {
	n, ok := v.(int64)
	if !ok {
		n = int64(v.(float64))
	}
	switch n / max(1, t.Unix()) {
	case 0, 1:
		return formEpoch
	case 999, 1000, 1001:
		return formMilli
	default:
		return formMicro
	}
}

// textForm takes the sample's own layout, up to the seconds, so that :since
// compares with its like.
func (s *Source) textForm(f form, sample, column string) (form, error) {
	t, err := s.parseTime(sample)
	if err != nil {
		return form{}, &dispatcher.Error{Code: dispatcher.CodeInvalid, Field: "query", Message: column + ": " + err.Error(), Mend: "give times as timestamps, ISO texts or epoch numbers"}
	}
	if n, err := strconv.ParseFloat(strings.TrimSpace(sample), 64); err == nil { // numeric comes as text
		f.kind = epochKind(n, t)
		return f, nil
	}
	f.kind, f.layout = formText, "2006-01-02 15:04:05"
	if len(sample) > 10 && sample[10] == 'T' {
		f.layout = "2006-01-02T15:04:05"
	}
	if len(sample) > 19 && strings.ContainsAny(sample[19:], "Zz+-") {
		for _, l := range layouts {
			if at, err := time.Parse(l, sample); err == nil {
				_, offset := at.Zone()
				f.zone = time.FixedZone("", offset)
				break
			}
		}
	}
	return f, nil
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
