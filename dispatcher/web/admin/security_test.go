package admin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/password"
	"github.com/hearback/hearback/dispatcher/store"
)

// concrete fills the wildcards of a path.
func concrete(path string) string {
	return strings.NewReplacer("{id}", "1", "{name}", "nobody", "{secret}", "x", "{key}", "x", "{kind}", "digest", "{locale}", "en", "{version}", "1", "{site}", "blog", "{number}", "1").Replace(path)
}

func TestEveryRouteAsksForItsRole(t *testing.T) {
	r := open(t, nil)
	people := map[store.Role]*person{"": r.stranger()}
	for _, role := range store.Roles() {
		people[role] = r.as(role)
	}
	for _, rt := range routes() {
		path := concrete(rt.path)
		if strings.Contains(path, "{") {
			t.Errorf("%s %s: concrete() does not know one of its wildcards", rt.method, rt.path)
		}
		for role, p := range people {
			if strings.HasPrefix(rt.path, "/sign-out") || rt.role == "" {
				continue // would sign the test's people out, or is for everybody
			}
			// Forbidden comes before anything else: before the form is read, or the thing looked up.
			var got answer
			if rt.method == post {
				got = p.press("/admin" + path)
			} else {
				got = p.get("/admin" + path)
			}
			name := fmt.Sprintf("%s %s as %q", rt.method, rt.path, role)
			switch {
			case role == "" && rt.method == get:
				if got.status != http.StatusSeeOther || !strings.Contains(got.header.Get("Location"), "/admin/sign-in") {
					t.Errorf("%s: %d, want the way to the sign-in page", name, got.status)
				}
			case role == "":
				if got.status != http.StatusUnauthorized {
					t.Errorf("%s: %d, want 401", name, got.status)
				}
			case !role.May(rt.role):
				if got.status != http.StatusForbidden {
					t.Errorf("%s: %d, want 403", name, got.status)
				}
			case got.status == http.StatusForbidden, got.status == http.StatusUnauthorized, got.status >= 500:
				t.Errorf("%s: %d", name, got.status)
			}
		}
	}
}

// TestAViewerChangesNothing is the rule behind the table: whatever a viewer
// may post is their own.
func TestAViewerChangesNothing(t *testing.T) {
	for _, rt := range routes() {
		switch {
		case rt.method != get && rt.method != post:
			t.Errorf("%s %s: forms know GET and POST", rt.method, rt.path)
		case rt.method == post && rt.role == store.RoleViewer && !rt.own:
			t.Errorf("POST %s: a viewer may change something", rt.path)
		case rt.role == "" && rt.path != "/sign-in" && rt.path != "/link/{secret}":
			t.Errorf("%s %s is open to everybody", rt.method, rt.path)
		case rt.role != "" && !rt.role.May(store.RoleViewer):
			t.Errorf("%s %s asks for a role that is none: %q", rt.method, rt.path, rt.role)
		}
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	r := open(t, func(o *Options) { o.BaseURL = "https://hearback.example" })
	p := r.stranger()
	a := r.admin("ann", store.RoleAdmin)
	secret, err := r.store.StartSession(t.Context(), a.ID, false, "test")
	r.must(err)
	p.header.Set("Cookie", "__Host-hearback_admin="+secret) // https: the jar would not send it here
	p.get("/admin/").wants(http.StatusOK)
	for _, h := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		{"Sec-Fetch-Site": "same-site", "Origin": "https://other.hearback.example"},
		{"Sec-Fetch-Site": "cross-site"},
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
	} {
		for k, v := range h {
			p.header.Set(k, v)
		}
		p.press("/admin/sending", "mode", "hold").wants(http.StatusForbidden, "another site")
		p.press("/admin/sign-in", "name", "ann", "password", secretWords).wants(http.StatusForbidden)
		for k := range h {
			p.header.Del(k)
		}
	}
	list, err := r.store.Switches(t.Context())
	r.must(err)
	if len(list) != 0 {
		t.Errorf("a refused form changed the switch: %+v", list)
	}
	// A proxy that changed Host is no other site: the origin is that of base_url.
	p.header.Set("Origin", "https://hearback.example")
	p.press("/admin/sending", "mode", "hold").wants(http.StatusSeeOther)
}

func TestTheCookieIsOutOfReach(t *testing.T) {
	for base, want := range map[string]string{
		"http://127.0.0.1:8025":       "hearback_admin; Path=/; HttpOnly; SameSite=Lax",
		"https://hearback.example":    "__Host-hearback_admin; Path=/; HttpOnly; Secure; SameSite=Lax",
		"https://blog.example/mails/": "hearback_admin; Path=/mails/; HttpOnly; Secure; SameSite=Lax",
	} {
		r := open(t, func(o *Options) { o.BaseURL = base })
		r.admin("ann", store.RoleViewer)
		got := r.stranger().press("/admin/sign-in", "name", "Ann ", "password", secretWords).wants(http.StatusSeeOther).header.Get("Set-Cookie")
		name, rest, _ := strings.Cut(got, "=")
		_, attributes, _ := strings.Cut(rest, "; ")
		if shown := name + "; " + strings.Replace(attributes, "Max-Age=604800; ", "", 1); shown != want || !strings.Contains(got, "Max-Age=604800") {
			t.Errorf("%s: the cookie is %q, want %q for seven days", base, got, want)
		}
	}
}

func TestASessionThatWasPlantedIsNotTakenUp(t *testing.T) {
	r := open(t, nil)
	r.admin("ann", store.RoleAdmin)
	mallory := r.admin("mallory", store.RoleViewer)
	for _, planted := range []string{"AAAAAAAAAAAAAAAAAAAAAAAAAA", mustSession(r, mallory.ID)} {
		p := r.stranger()
		u, err := url.Parse(r.url)
		r.must(err)
		p.client.Jar.SetCookies(u, []*http.Cookie{{Name: "hearback_admin", Value: planted, Path: "/"}})
		p.press("/admin/sign-in", "name", "ann", "password", secretWords).wants(http.StatusSeeOther)
		if got := p.client.Jar.Cookies(u)[0].Value; got == planted {
			t.Error("the planted session became the admin's")
		}
		if _, err := r.store.FindSession(t.Context(), planted, r.desk.o.Lifetimes); err == nil {
			t.Error("the browser's session before still lives")
		}
		p.get("/admin/account").wants(http.StatusOK, "ann")
	}
}

func mustSession(r *rig, admin int64) string {
	r.Helper()
	secret, err := r.store.StartSession(r.Context(), admin, false, "test")
	r.must(err)
	return secret
}

func TestASessionEndsByRestByAgeAndByAPassword(t *testing.T) {
	r := open(t, nil)
	r.admin("ann", store.RoleAdmin)
	in := func() *person {
		p := r.stranger()
		p.press("/admin/sign-in", "name", "ann", "password", secretWords).wants(http.StatusSeeOther)
		return p
	}
	rests := in()
	r.clock.Advance(11 * time.Hour)
	rests.get("/admin/").wants(http.StatusOK)
	r.clock.Advance(12*time.Hour + time.Minute)
	rests.get("/admin/").wants(http.StatusSeeOther)
	busy := in()
	for range 7 * 24 / 8 {
		busy.get("/admin/").wants(http.StatusOK)
		r.clock.Advance(8 * time.Hour)
	}
	busy.get("/admin/").wants(http.StatusSeeOther)
	here, elsewhere := in(), in()
	here.press("/admin/account/password", "old", "wrong wrong wrong", "password", "a quite new one", "repeat", "a quite new one").wants(http.StatusUnprocessableEntity, "is not your password")
	here.press("/admin/account/password", "old", secretWords, "password", "a quite new one", "repeat", "a quite new on").wants(http.StatusUnprocessableEntity, "differs from the password above")
	here.press("/admin/account/password", "old", secretWords, "password", "short", "repeat", "short").wants(http.StatusUnprocessableEntity, "12 characters")
	here.press("/admin/account/password", "old", secretWords, "password", "a quite new one", "repeat", "a quite new one").wants(http.StatusSeeOther)
	here.get("/admin/account").wants(http.StatusOK, "signed out everywhere else")
	elsewhere.get("/admin/").wants(http.StatusSeeOther)
	r.stranger().press("/admin/sign-in", "name", "ann", "password", secretWords).wants(http.StatusUnprocessableEntity, "do not belong together")
	here.press("/admin/sign-out").wants(http.StatusSeeOther)
	here.get("/admin/").wants(http.StatusSeeOther)
}

func TestALinkSignsInOnceAndInTime(t *testing.T) {
	r := open(t, nil)
	a := r.admin("ann", store.RoleEditor)
	link := func() string {
		s, err := r.store.MakeLink(t.Context(), a.ID, store.LinkLife)
		r.must(err)
		return "/admin/link/" + s
	}
	once := link()
	for range 3 { // scanners open links
		r.stranger().get(once).wants(http.StatusOK, "Sign in as ann")
	}
	p := r.stranger()
	p.press(once).wants(http.StatusSeeOther)
	p.get("/admin/").wants(http.StatusOK, "ann")
	p.press("/admin/account/password", "password", "no old one asked", "repeat", "no old one asked").wants(http.StatusSeeOther) // the link stands for it
	r.stranger().press(once).wants(http.StatusUnauthorized, "was used")
	r.stranger().get(once).wants(http.StatusUnauthorized, "was used")
	late := link()
	r.clock.Advance(time.Hour)
	r.stranger().press(late).wants(http.StatusUnauthorized, "older than an hour")
	older := link()
	newer := link()
	r.stranger().press(older).wants(http.StatusUnauthorized)
	r.stranger().press(newer).wants(http.StatusSeeOther)
	r.stranger().press("/admin/link/ABC").wants(http.StatusUnauthorized)
}

func TestTheFirstLinkMakesOneAdmin(t *testing.T) {
	r := open(t, nil)
	first, err := r.store.MakeLink(t.Context(), 0, store.LinkLife)
	r.must(err)
	second, err := r.store.MakeLink(t.Context(), 0, store.LinkLife) // of another daemon
	r.must(err)
	r.stranger().get("/admin/sign-in").wants(http.StatusOK, "no admin yet")
	p := r.stranger()
	p.get("/admin/link/"+first).wants(http.StatusOK, "first admin")
	p.press("/admin/link/"+first, "name", "Not A Name!", "password", secretWords, "repeat", secretWords).wants(http.StatusUnprocessableEntity, "cannot be a name")
	p.press("/admin/link/"+first, "name", "ann", "password", "ann", "repeat", "ann").wants(http.StatusUnprocessableEntity, "12 characters")
	p.press("/admin/link/"+first, "name", "Ann", "password", secretWords, "repeat", secretWords).wants(http.StatusSeeOther)
	p.get("/admin/admins").wants(http.StatusOK, "ann")
	r.stranger().press("/admin/link/"+second, "name", "eve", "password", secretWords, "repeat", secretWords).wants(http.StatusConflict, "There is an admin already")
	r.stranger().press("/admin/link/"+first, "name", "eve", "password", secretWords, "repeat", secretWords).wants(http.StatusUnauthorized)
	if _, err := r.store.MakeLink(t.Context(), 0, store.LinkLife); err == nil {
		t.Error("a link for the first admin was made though there is one")
	}
}

func TestSignInIsLimitedPerNameAndPerClient(t *testing.T) {
	r := open(t, func(o *Options) { o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	r.admin("ann", store.RoleAdmin)
	from := func(client, name, pass string) int {
		p := r.stranger()
		p.header.Set("X-Forwarded-For", client)
		return p.press("/admin/sign-in", "name", name, "password", pass).status
	}
	known, unknown := 0, 0
	for i := range 30 { // one name, many clients
		if from(fmt.Sprintf("192.0.2.%d", i), "ann", "wrong") == http.StatusTooManyRequests {
			known++
		}
		if from(fmt.Sprintf("198.51.100.%d", i), "nobody", "wrong") == http.StatusTooManyRequests {
			unknown++
		}
	}
	if known != 20 || unknown != 20 {
		t.Errorf("of 30 tries %d for a known name and %d for an unknown one were turned away, want 20 each", known, unknown)
	}
	if got := from("203.0.113.1", "ann", secretWords); got != http.StatusTooManyRequests {
		t.Errorf("the right password gets in while tries are used up: %d", got)
	}
	r.clock.Advance(30 * time.Second)
	if got := from("203.0.113.1", "ann", secretWords); got != http.StatusSeeOther {
		t.Errorf("after a while: %d", got)
	}
	away := 0
	for i := range 30 { // one client, many names
		if from("2001:db8::"+fmt.Sprint(i), fmt.Sprint("n", i), "wrong") == http.StatusTooManyRequests {
			away++
		}
	}
	if away != 20 {
		t.Errorf("of 30 tries of one network %d were turned away, want 20", away)
	}
}

func TestAFloodOfSignInsCannotEatTheMemory(t *testing.T) {
	k := password.NewKeeper(password.Cost{Memory: 8 << 10, Time: 3, Threads: 1})
	errs := make(chan error, 200)
	for range cap(errs) {
		go func() {
			_, err := k.Matches(t.Context(), "", "whatever it is")
			errs <- err
		}()
	}
	away := 0
	for range cap(errs) {
		if err := <-errs; err != nil {
			away++
		}
	}
	if away == 0 {
		t.Error("200 at once were all let into the line")
	}
}

func TestLimitsStayBounded(t *testing.T) {
	l, now := newLimits(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 * mostRemembered {
		addr := netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 1})
		_ = l.try(addr, fmt.Sprint(i), now)
	}
	if n := len(l.seen); n > mostRemembered {
		t.Errorf("%d are remembered, want %d at most", n, mostRemembered)
	}
}

func TestAPathNeverLeadsOutOfTheDesk(t *testing.T) {
	for _, to := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "evil", "", "/x\r\nSet-Cookie: a=b", "javascript:alert(1)"} {
		if got := inside(to); got != "/" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	for _, to := range []string{"/keys", "/audit?by=ann&before=3"} {
		if got := inside(to); got != to {
			t.Errorf("%q leads to %q", to, got)
		}
	}
}

func TestStoredTextsStayTexts(t *testing.T) {
	r := open(t, nil)
	lived(r)
	p := r.as(store.RoleAdmin)
	p.press("/admin/sending", "mode", "hold", "reason", hostile).wants(http.StatusSeeOther)
	p.press("/admin/keys", "name", hostile, "rights", hostile).wants(http.StatusUnprocessableEntity)
	p.press("/admin/admins", "name", hostile, "role", "viewer").wants(http.StatusUnprocessableEntity)
	p.client.Transport = agent{hostile}
	p.press("/admin/sign-in", "name", "the-admin", "password", secretWords).wants(http.StatusSeeOther)
	for _, path := range append(pagesOf(r), "/audit?by="+url.QueryEscape(hostile)+"&what="+url.QueryEscape(hostile), "/sign-in?to="+url.QueryEscape(hostile), "/"+url.PathEscape(hostile)) {
		if got := p.get("/admin" + path); strings.Contains(got.text, "<script>alert") || strings.Contains(got.text, "<img src=x") {
			t.Errorf("%s lets a stored text become markup", path)
		}
	}
}

// agent is a browser that calls itself something.
type agent struct{ name string }

func (a agent) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", a.name)
	return http.DefaultTransport.RoundTrip(req)
}

func TestAnAdminRunsTheAdmins(t *testing.T) {
	r := open(t, nil)
	p, eva := r.as(store.RoleAdmin), r.as(store.RoleEditor)
	eva.get("/admin/").wants(http.StatusOK)
	p.press("/admin/admins/the-editor/sign-out").wants(http.StatusSeeOther)
	eva.get("/admin/").wants(http.StatusSeeOther)
	eva.press("/admin/sign-in", "name", "the-editor", "password", secretWords).wants(http.StatusSeeOther)
	eva.get("/admin/").wants(http.StatusOK)
	p.press("/admin/admins/the-editor/disable").wants(http.StatusSeeOther)
	p.get("/admin/admins").wants(http.StatusOK, "disabled and signed out")
	eva.get("/admin/").wants(http.StatusSeeOther)
	eva.press("/admin/sign-in", "name", "the-editor", "password", secretWords).wants(http.StatusConflict, "is disabled")
	eva.press("/admin/sign-in", "name", "the-editor", "password", "a guess of mine").wants(http.StatusUnprocessableEntity, "do not belong together") // strangers learn nothing
	p.press("/admin/admins/the-editor/link").wants(http.StatusConflict)
	p.press("/admin/admins/the-editor/enable").wants(http.StatusSeeOther)
	eva.press("/admin/sign-in", "name", "the-editor", "password", secretWords).wants(http.StatusSeeOther)
	p.press("/admin/admins/the-editor/role", "role", "owner").wants(http.StatusUnprocessableEntity, "no role")
	p.press("/admin/admins/the-editor/role", "role", "viewer").wants(http.StatusSeeOther)
	eva.press("/admin/sending", "mode", "hold").wants(http.StatusForbidden, "you are viewer") // from the next page on
	for _, what := range []string{"sign-out", "disable", "remove"} {
		p.press("/admin/admins/the-admin/"+what).wants(http.StatusConflict, "yourself")
	}
	p.press("/admin/admins/the-admin/role", "role", "viewer").wants(http.StatusConflict, "last one with the role admin")
	p.press("/admin/admins/the-editor/remove").wants(http.StatusSeeOther)
	eva.get("/admin/").wants(http.StatusSeeOther)
	p.press("/admin/admins/the-editor/remove").wants(http.StatusNotFound)
	p.get("/admin/audit?by=the-admin").wants(http.StatusOK, "disabled an admin", "enabled an admin", "removed an admin", "signed somebody out")
}

func TestHeadersKeepBrowsersCareful(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleAdmin)
	for _, path := range []string{"/admin/", "/admin/sign-in", "/admin/nowhere", "/admin/keys"} {
		h := p.get(path).header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		if h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached: %q", path, h.Get("Cache-Control"))
		}
	}
	css := httptest.NewRecorder()
	r.desk.ServeHTTP(css, httptest.NewRequest(http.MethodGet, "/admin/assets/admin.css", nil))
	if css.Code != http.StatusOK || css.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style: %d %s", css.Code, css.Header().Get("Content-Type"))
	}
}
