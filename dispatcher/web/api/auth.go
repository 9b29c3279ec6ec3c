package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// admit authenticates a call, bounds its key's rate and finds its site.
func (a *API) admit(c *call, rt *route) error {
	scheme, plain, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	plain = strings.TrimSpace(plain)
	if !strings.EqualFold(scheme, "Bearer") || plain == "" {
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="hearback"`)
		if strings.HasPrefix(scheme, "hb_") {
			return &dispatcher.Error{Code: dispatcher.CodeUnauthorized, Field: "Authorization", Message: "the word Bearer is missing before the key", Mend: "send the header Authorization: Bearer KEY"}
		}
		return &dispatcher.Error{Code: dispatcher.CodeUnauthorized, Field: "Authorization", Message: "the call brings no key",
			Mend: "send the header Authorization: Bearer KEY; `hearback key create` makes one"}
	}
	var err error
	if c.key, err = a.o.Store.FindKey(c.context(), plain); err != nil {
		if dispatcher.CodeOf(err) == dispatcher.CodeUnauthorized {
			c.w.Header().Set("WWW-Authenticate", `Bearer realm="hearback", error="invalid_token"`)
		}
		return err
	}
	if wait := a.limits.spend(c.w.Header(), c.key.ID, a.o.Clock()); wait > 0 {
		c.w.Header().Set("Retry-After", fmt.Sprint(seconds(wait)))
		return &dispatcher.Error{Code: dispatcher.CodeLimited, Message: "this key makes too many calls", Mend: "wait as long as Retry-After says, and send events in batches"}
	}
	if !slices.ContainsFunc(rt.rights, c.key.May) {
		return &dispatcher.Error{Code: dispatcher.CodeForbidden, Message: fmt.Sprintf("the key lacks the right %s", words(rt.rights)),
			Mend: "use a key that has it; `hearback key list` shows them"}
	}
	if rt.global && !a.everySite(c.key) {
		return &dispatcher.Error{Code: dispatcher.CodeForbidden, Message: "this concerns all sites, and the key is for some", Mend: "use a key for all sites"}
	}
	if c.site, err = a.siteOf(c); err != nil {
		return err
	}
	return c.checkText(rt)
}

// checkText refuses what no name and no text can be. Databases do not agree on
// what they do with it.
func (c *call) checkText(rt *route) error {
	bad := func(text string) bool { return !utf8.ValidString(text) || strings.ContainsRune(text, 0) }
	for _, name := range pathNames(rt.path) {
		if bad(c.r.PathValue(name)) {
			return dispatcher.Invalid(name, "percent-encode UTF-8 without control characters", "no %s can be called that", name)
		}
	}
	for name, values := range c.r.URL.Query() {
		if bad(name) || slices.ContainsFunc(values, bad) {
			return dispatcher.Invalid(strings.ToValidUTF8(clip(name), "�"), "percent-encode UTF-8 without control characters", "is no text")
		}
	}
	return nil
}

func words(rights []store.Right) string {
	s := make([]string, len(rights))
	for i, r := range rights {
		s[i] = string(r)
	}
	return strings.Join(s, " or ")
}

// sitesOf lists the configured sites that a key is for.
func (a *API) sitesOf(k store.Key) []string {
	var sites []string
	for i := range a.o.Sites {
		if key := a.o.Sites[i].Key; k.Reaches(key) {
			sites = append(sites, key)
		}
	}
	return sites
}

func (a *API) everySite(k store.Key) bool { return len(a.sitesOf(k)) == len(a.o.Sites) }

// siteOf gives the one site that the call belongs to.
func (a *API) siteOf(c *call) (string, error) {
	mine := a.sitesOf(c.key)
	asked := c.r.URL.Query().Get("site")
	switch {
	case asked != "" && slices.Contains(mine, asked):
		return asked, nil
	case asked != "":
		return "", &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "site", Message: fmt.Sprintf("the key is not for the site %q", asked),
			Mend: "use one of: " + strings.Join(mine, ", ")}
	case len(mine) == 1:
		return mine[0], nil
	case len(mine) == 0:
		return "", &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "site", Message: "none of the key's sites is configured", Mend: "add the site to the configuration, or make another key"}
	}
	return "", dispatcher.Invalid("site", "add ?site= with one of: "+strings.Join(mine, ", "), "the key is for several sites")
}

// limits bounds the rate of each key. There are as many as keys, so they are
// never dropped.
type limits struct {
	rate  rate.Limit
	burst int
	mu    sync.Mutex
	keys  map[int64]*rate.Limiter
}

func newLimits(perSecond float64, burst int) *limits {
	return &limits{rate: rate.Limit(perSecond), burst: burst, keys: map[int64]*rate.Limiter{}}
}

// spend takes one call off what a key has, and writes what is left of it into
// the answer's headers (draft-ietf-httpapi-ratelimit-headers). It gives how long
// the key has to wait; nothing when it may go on.
func (l *limits) spend(h http.Header, key int64, now time.Time) time.Duration {
	l.mu.Lock()
	lim := l.keys[key]
	if lim == nil {
		lim = rate.NewLimiter(l.rate, l.burst)
		l.keys[key] = lim
	}
	l.mu.Unlock()
	r := lim.ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	left := max(0, lim.TokensAt(now))
	full := func(tokens float64) int {
		return seconds(time.Duration(tokens / float64(l.rate) * float64(time.Second)))
	}
	h.Set("RateLimit-Policy", fmt.Sprintf(`"key";q=%d;w=%d`, l.burst, full(float64(l.burst))))
	h.Set("RateLimit", fmt.Sprintf(`"key";r=%d;t=%d`, int(left), full(float64(l.burst)-left)))
	return d
}

// seconds rounds up: whoever waits that long has waited long enough.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
