package config

import (
	"log/slog"
	"net/url"
	"strings"
)

// Secret is a value that hides itself wherever it is printed: with fmt, as
// YAML, as JSON and in logs. [Secret.Reveal] gives it to whoever needs it.
type Secret string

const mask = "••••••"

// Reveal gives the value itself.
func (s Secret) Reveal() string { return string(s) }

// String gives what may be shown: nothing for nothing, a URL without its
// password and its query, dots for all else.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(string(s))
	if err != nil || (u.Scheme != "sqlite" && u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return mask
	}
	u.RawQuery, u.Fragment = "", "" // a query may hold a password too
	if _, has := u.User.Password(); has {
		// Not Redacted: "xxxxx" looks like something to type.
		return strings.Replace(u.Redacted(), ":xxxxx@", ":"+mask+"@", 1)
	}
	return u.String()
}

// GoString is as [Secret.String], for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText is as [Secret.String], for JSON and every other text form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is as [Secret.String].
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue is as [Secret.String].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
