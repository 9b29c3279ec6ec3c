package admin

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// cookieFor is the session's cookie. Where the whole host is ours and reached
// by https, its name keeps other hosts of the domain from setting it
// (RFC 6265bis §4.1.3.2).
func cookieFor(base *url.URL, whole time.Duration) http.Cookie {
	c := http.Cookie{Name: "hearback_admin", Path: strings.TrimRight(base.Path, "/") + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: base.Scheme == "https", MaxAge: int(whole / time.Second)}
	if c.Secure && c.Path == "/" {
		c.Name = "__Host-" + c.Name
	}
	return c
}

// keep gives the browser its session; "" takes it away.
func (v *visit) keep(secret string) {
	c := v.d.cookie
	c.Value = secret
	if secret == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, &c)
}

// recognise finds out who is there; nobody is no error.
func (d *Desk) recognise(v *visit) error {
	c, err := v.r.Cookie(d.cookie.Name)
	if err != nil {
		return nil
	}
	s, err := d.store.FindSession(v.ctx(), c.Value, d.o.Lifetimes)
	if dispatcher.CodeOf(err) == dispatcher.CodeUnauthorized {
		return nil
	}
	if err != nil {
		return err
	}
	v.session, v.me = s, s.Admin
	if z, err := schedule.LoadZone(cmp.Or(s.Admin.Zone, d.zone())); err == nil {
		v.zone = z
	}
	return nil
}

// zone is the time zone of an admin who has chosen none: the first site's.
func (d *Desk) zone() string {
	for i := range d.o.Sites {
		if d.o.Sites[i].Zone != "" {
			return d.o.Sites[i].Zone
		}
	}
	return "UTC"
}

// Allows says whether a request comes from somebody who has a role at the
// desk, for other doors that show things to admins only.
func (d *Desk) Allows(r *http.Request, role store.Role) bool {
	v := &visit{d: d, r: r}
	return d.recognise(v) == nil && v.me.ID != 0 && v.me.Role.May(role)
}
