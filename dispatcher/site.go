package dispatcher

import "time"

// Site is one sender identity and base URL. Sites are configured, not stored.
type Site struct {
	Key      string // short stable name, used in events and keys
	Name     string // shown to readers
	BaseURL  string // the site's own pages; threads must lie under it
	From     string // RFC 5322 mailbox of the sender, "Name <address>"
	Locale   string // BCP 47, the default language of its mails
	Zone     string // IANA name, the default time zone of its readers
	Schedule string // the schedule of a subscription that names none
}

// Clock tells the time. It is injected wherever time matters, so that tests
// can move it.
type Clock func() time.Time

// Now gives the clock's time in UTC, cut to microseconds: the precision that
// both databases keep.
func (c Clock) Now() time.Time { return c().UTC().Truncate(time.Microsecond) }

// SystemClock is the machine's clock.
func SystemClock() time.Time { return time.Now() }
