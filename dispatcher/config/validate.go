package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without a zone database

	"github.com/hearback/hearback/dispatcher"
)

// derive fills in what follows from other values.
func (c *Config) derive() {
	if c.HTTP.BaseURL == "" {
		c.HTTP.BaseURL = baseURLOf(c.HTTP.Listen)
	}
	c.HTTP.BaseURL = strings.TrimRight(c.HTTP.BaseURL, "/")
	for i := range c.Sites {
		s := &c.Sites[i]
		s.BaseURL = strings.TrimRight(s.BaseURL, "/")
		if s.Name == "" {
			s.Name = s.Key
		}
	}
	for i := range c.Relays {
		r := &c.Relays[i]
		u, err := url.Parse(r.URL)
		if err != nil {
			continue // validate says so
		}
		if r.Name == "" {
			r.Name = u.Hostname()
		}
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		if s.Settle == unset {
			s.Settle = c.Settle
		}
		if s.MaxAge == unset {
			s.MaxAge = c.MaxAge
		}
		if s.Site == "" && len(c.Sites) == 1 {
			s.Site = c.Sites[0].Key
		}
	}
}

// baseURLOf makes a URL that works on this machine from a listen address.
func baseURLOf(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// DatabasePath gives the file of a SQLite database, or false when the database
// is another. "sqlite:///var/x.db" is absolute; "sqlite:x.db" and
// "sqlite://x.db" are in the working folder.
func DatabasePath(databaseURL string) (string, bool) {
	rest, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok {
		return "", false
	}
	rest = strings.TrimPrefix(rest, "//")
	rest, _, _ = strings.Cut(rest, "?")
	if unescaped, err := url.PathUnescape(rest); err == nil {
		rest = unescaped
	}
	return rest, rest != ""
}

// Mode takes a sending mode apart: "on", "hold" or "redirect", and for the
// last the address.
func Mode(text string) (mode, address string, err error) {
	mode, address, _ = strings.Cut(text, ":")
	mode, address = strings.TrimSpace(mode), strings.TrimSpace(address)
	switch {
	case (mode == "on" || mode == "hold") && address == "":
		return mode, "", nil
	case mode == "redirect":
		if a, perr := mail.ParseAddress(address); perr == nil && a.Name == "" {
			return mode, a.Address, nil
		}
		return "", "", dispatcher.Invalid("sending.mode", `write "redirect: me@example.org", in quotes`, "%q is no mail address to redirect to", address)
	}
	return "", "", dispatcher.Invalid("sending.mode", `use on, hold or "redirect: ADDRESS"`, "%q is no sending mode", text)
}

func (l *loader) validate(c *Config) {
	l.databaseURL("database.url", c.Database.URL)
	l.http(c.HTTP)
	l.sites(c.Sites)
	l.relays(c.Relays)
	l.schedules(c.Schedules)
	l.sources(c)
	l.atLeast("settle", c.Settle, 0)
	l.atLeast("max_age", c.MaxAge, time.Hour)
	l.atLeast("retention.log", c.Retention.Log, MinRetention)
	l.atLeast("retention.messages", c.Retention.Messages, MinRetention)
	l.atLeast("retention.events", c.Retention.Events, 30*day)
	l.atLeast("retention.rejected", c.Retention.Rejected, day)
	l.mode("sending.mode", c.Sending.Mode)
	l.count("sending.storm.mails", c.Sending.Storm.Mails, 1, 10000)
	l.atLeast("sending.storm.within", c.Sending.Storm.Within, time.Minute)
	l.count("sending.daily_cap", c.Sending.DailyCap, 1, 100000)
	l.oneOf("sending.unknown", c.Sending.Unknown, UnknownResend, UnknownHold)
	l.atLeast("sending.lease", c.Sending.Lease, time.Second)
	l.atLeast("sending.retry", c.Sending.Retry, 100*time.Millisecond)
	l.count("signup.per_client", c.SignUp.PerClient, 1, 1_000_000)
	l.count("signup.per_address", c.SignUp.PerAddress, 1, 1_000_000)
	l.count("signup.per_site", c.SignUp.PerSite, 1, 100_000_000)
	if c.Admin.Notify != "" {
		l.address("admin.notify", c.Admin.Notify)
	}
	if s := c.Security; s.Secret != "" && s.SecretFile != "" {
		l.bad("security.secret", "keep one of the two", "is given beside security.secret_file")
	} else if s.Secret != "" && len(s.Secret) < 32 {
		l.bad("security.secret", "make one with: openssl rand -hex 32", "has %d characters and needs at least 32", len(s.Secret))
	}
	for i, host := range c.Fetch.Allow {
		l.host(fmt.Sprintf("fetch.allow[%d]", i), host)
	}
	l.catcher(c.Catcher)
	l.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	l.oneOf("log.format", c.Log.Format, "text", "json")
}

func (l *loader) http(h HTTP) {
	if !l.listen("http.listen", h.Listen) {
		return
	}
	l.webURL("http.base_url", h.BaseURL)
	for i, p := range h.TrustedProxies {
		_, aerr := netip.ParseAddr(p)
		_, nerr := netip.ParsePrefix(p)
		if aerr != nil && nerr != nil {
			l.bad(fmt.Sprintf("http.trusted_proxies[%d]", i), "write an address such as 10.0.0.7 or a network such as 10.0.0.0/8", "%q is neither an address nor a network", p)
		}
	}
	for i, o := range h.CORSOrigins {
		l.browserOrigin(fmt.Sprintf("http.cors_origins[%d]", i), o)
	}
}

// browserOrigin takes an origin as browsers write it, RFC 6454 §6.2: anything
// else would never be equal to one.
func (l *loader) browserOrigin(path, text string) {
	const mend = "write scheme and host, and a port where it is not the scheme's own: https://app.example.org"
	if text == "*" || text == "null" {
		l.bad(path, "list the origins one by one", "%q would let any page call the API", text)
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || text != strings.ToLower(u.Scheme+"://"+u.Host):
		l.bad(path, mend, "%q is no origin", text)
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80":
		l.bad(path, "leave the port out, as browsers do", "%q names the scheme's own port", text)
	}
}

func (l *loader) catcher(c Catcher) {
	if l.listen("catcher.listen", c.Listen) {
		host, _, _ := net.SplitHostPort(c.Listen)
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			l.bad("catcher.listen", "use 127.0.0.1, for example 127.0.0.1:1025", "%q is not on this machine alone; the catcher takes mail from anybody who reaches it", c.Listen)
		}
	}
	l.count("catcher.mails", c.Mails, 1, 100000)
	l.count("catcher.megabytes", c.Megabytes, 1, 10000)
}

func (l *loader) databaseURL(path string, s Secret) {
	text := s.Reveal()
	if _, ok := DatabasePath(text); ok {
		return
	}
	// What is wrong is told without the text: it may hold a password.
	u, err := url.Parse(text)
	switch {
	case err != nil:
		l.bad(path, "percent-encode special characters of the password, such as %40 for @", "is no URL")
	case u.Scheme == "sqlite":
		l.bad(path, "write sqlite:///var/lib/hearback/hearback.db", "names no file")
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		l.bad(path, "write sqlite:///path/file.db or postgres://user:password@host/name", "begins with neither sqlite: nor postgres://")
	case strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "":
		l.bad(path, "write postgres://user:password@host/name", "names no database")
	}
}

func (l *loader) webURL(path, text string) bool {
	u, err := url.Parse(text)
	switch {
	case text == "":
		l.bad(path, "write it as https://example.org", "is missing")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		l.bad(path, "write it as https://example.org", "is no web address")
	case u.User != nil:
		l.bad(path, "leave user and password out of it", "holds a user")
	case u.RawQuery != "" || u.Fragment != "":
		l.bad(path, "leave out what follows ? and #", "%q has more than host and path", text)
	default:
		return true
	}
	return false
}

func (l *loader) listen(path, text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		l.bad(path, "write host and port, such as 127.0.0.1:8025 or :8025", "%q is no address to listen on", text)
	}
	return err == nil
}

func (l *loader) address(at, text string) {
	if _, err := mail.ParseAddress(text); err != nil {
		l.bad(at, `write it as me@example.org or "My Name <me@example.org>"`, "%q is no mail address", text)
	}
}

// host checks a host name, an address, a network or a name with port.
func (l *loader) host(at, text string) {
	if text == "" || strings.Contains(text, "://") || strings.ContainsAny(text, " ,@?#") || path.Base(text) != text && !isPrefix(text) {
		l.bad(at, "write a host such as wordpress.internal or an address such as 10.0.0.7", "%q is no host", text)
	}
}

func isPrefix(text string) bool {
	_, err := netip.ParsePrefix(text)
	return err == nil
}

func (l *loader) mode(at, text string) {
	if _, _, err := Mode(text); err != nil {
		e := asError(err)
		l.bad(at, e.Mend, "%s", e.Message)
	}
}

func (l *loader) zone(at, name string) {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		l.bad(at, "write an IANA name such as Europe/Berlin or UTC", "%q is no time zone", name)
	}
}

func (l *loader) atLeast(at string, have, least time.Duration) {
	if have < least {
		l.bad(at, "set it to "+formatDuration(least)+" or more", "is %s, which is too short", formatDuration(have))
	}
}

func (l *loader) count(at string, have, least, most int) {
	if have < least || have > most {
		l.bad(at, fmt.Sprintf("use %d to %d", least, most), "is %d", have)
	}
}

func (l *loader) oneOf(at, have string, allowed ...string) {
	for _, a := range allowed {
		if have == a {
			return
		}
	}
	mend := "use " + strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
	l.bad(at, mend, "%q is not known", have)
}

// name checks a name that stands in URLs, commands and variables, and that it
// is the first of its list.
func (l *loader) name(at, name string, most int, seen map[string]string) {
	ok := regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`).MatchString(name) && len(name) <= most
	switch {
	case name == "":
		l.bad(at, "give it a short name", "is missing")
	case !ok:
		l.bad(at, fmt.Sprintf("use a-z, 0-9, - and _, at most %d", most), "%q is no short name", name)
	case seen[name] != "":
		l.bad(at, "give each its own", "%q is also the name of %s", name, seen[name])
	}
	if seen[name] == "" {
		seen[name] = strings.TrimSuffix(strings.TrimSuffix(at, ".name"), ".key")
	}
}
