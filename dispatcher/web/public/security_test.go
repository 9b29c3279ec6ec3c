package public_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	. "github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/token"
)

// pagesOf gives the paths of a reader's links, by scope.
func (d *door) pagesOf() map[token.Scope]string {
	d.TB.Helper()
	sub := d.Reader("blog", "annette", Thread("p1"))
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	d.Fire("immediate")
	m := d.Mail(sub)
	out := map[token.Scope]string{}
	for scope, page := range map[token.Scope]string{token.Unsubscribe: "unsubscribe", token.Manage: "manage", token.Fresh: "manage", token.Confirm: "confirm", token.MuteThread: "mute", token.View: "view"} {
		ref := m.ID
		if scope == token.MuteThread {
			ref = m.Thread
		}
		out[scope] = "/" + page + "/" + d.Token(sub, scope, ref)
	}
	return out
}

func TestALinkIsGoodForItsOwnPageAlone(t *testing.T) {
	d := open(t)
	for scope, path := range d.pagesOf() {
		_, text, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		for _, page := range []string{"unsubscribe", "manage", "confirm", "mute", "view"} {
			want := 403
			if strings.HasPrefix(path, "/"+page+"/") {
				want = 200
			}
			if got := d.get("/" + page + "/" + text).status; got != want {
				t.Errorf("a link for %v has status %d on /%s/, want %d", scope, got, page, want)
			}
		}
	}
}

func TestForgedAndCutLinksAreRefusedEverywhere(t *testing.T) {
	d := open(t)
	for scope, path := range d.pagesOf() {
		for _, bad := range []string{forged(path), path[:len(path)-1], path + "A", path + "%0a", path[:20]} {
			for _, method := range []string{"GET", "POST"} {
				if method == "POST" && scope == token.View {
					continue // it takes none at all
				}
				if got := d.do(method, bad, "application/x-www-form-urlencoded", strings.NewReader("do=end_all")).status; got != 403 && got != 422 {
					t.Errorf("%s of a bad link for %v has status %d", method, scope, got)
				}
			}
		}
	}
}

func TestALinkOfARetiredKeyIsRefused(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"))
	keys, err := token.ParseKeys("another-key-another-key-another-key-another-key")
	d.Must(err)
	text := token.NewSigner(keys).Sign(token.New(token.Manage, &sub, 0, d.Clock.Now()))
	d.shows(d.get("/manage/"+text), 403, "does not work here")
	d.shows(d.press("/manage/"+text, "do", "end_all"), 403)
	d.wantLive(sub, "thread:p1@immediate")
}

// A page that another site posts to can do only what a form without a link can,
// since nothing but the link says who is there.
func TestNothingButTheLinkSaysWhoIsThere(t *testing.T) {
	d := open(t)
	for _, path := range append([]string{"/subscribe?site=blog&thread=p1", "/link"}, func() (all []string) {
		for _, p := range d.pagesOf() {
			all = append(all, p)
		}
		return all
	}()...) {
		p := d.get(path)
		if p.header.Get("Set-Cookie") != "" {
			t.Errorf("%s sets a cookie", path)
		}
		if cors := p.header.Get("Access-Control-Allow-Origin"); cors != "" {
			t.Errorf("%s may be read by pages of %s", path, cors)
		}
	}
	for _, page := range []string{"unsubscribe", "manage", "confirm", "mute"} {
		req, err := http.NewRequest("POST", d.url+"/"+page+"/", strings.NewReader("do=end_all"))
		d.Must(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("Cookie", "token=x; session=y")
		if got := d.send(req).status; got != 404 {
			t.Errorf("a post without a link to /%s/ has status %d", page, got)
		}
	}
}

func TestNoPageSendsItsReaderElsewhere(t *testing.T) {
	d := open(t)
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	for _, there := range []string{"https://evil.example/", "//evil.example", "https://blog.example.evil.example/", "https://blog.example@evil.example/", "javascript:alert(1)", "https://evil.example\\@blog.example/"} {
		for _, name := range []string{"url", "next", "redirect", "return", "back"} {
			q := url.Values{"site": {"blog"}, "thread": {"p1"}, "email": {"a@example.org"}, name: {there}}
			for _, p := range []page{d.get("/subscribe?" + q.Encode()), d.do("POST", "/subscribe", "application/x-www-form-urlencoded", strings.NewReader(q.Encode())), d.do("POST", "/link", "application/x-www-form-urlencoded", strings.NewReader(q.Encode()))} {
				if p.status >= 300 && p.status < 400 || p.header.Get("Location") != "" || p.header.Get("Refresh") != "" || strings.Contains(p.text, `href="`+there) {
					t.Errorf("%s=%s leads away: %d %v", name, there, p.status, p.header)
				}
			}
		}
	}
	// The honeypot's thanks name no page but one of the site.
	p := d.press("/subscribe", "site", "blog", "thread", "p1", "email", "a@example.org", "website", "x", "url", "https://evil.example/")
	if d.shows(p, 200); strings.Contains(p.text, "evil") {
		t.Errorf("the thanks lead away: %s", p.text)
	}
}

func FuzzTheFormNeverBreaksTheDoor(f *testing.F) {
	d := openWith(f, limits{1e9, 1e9, 1e9})
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	f.Add("site=blog&thread=p1&email=a%40example.org", "application/x-www-form-urlencoded", true)
	f.Add("site=blog&what=replies&depth=any&lang=ar&email=a@b", "application/x-www-form-urlencoded", true)
	f.Add("--x\r\nContent-Disposition: form-data; name=\"site\"\r\n\r\nblog\r\n--x--", "multipart/form-data; boundary=x", true)
	f.Add("site=blog&thread=p1&author=u1&url=https://blog.example/%00", "text/plain", false)
	f.Fuzz(func(t *testing.T, text, kind string, post bool) {
		if strings.ContainsAny(kind, "\r\n\x00") || !validHeader(kind) {
			return // no client can send it
		}
		var p page
		if d := d.in(t); post {
			p = d.do("POST", "/subscribe", kind, strings.NewReader(text))
		} else {
			p = d.do("GET", "/embed.json?"+url.PathEscape(text), "", nil)
		}
		if p.status >= 500 || p.status < 200 || p.status >= 300 && p.status < 400 {
			t.Errorf("status %d: %s", p.status, p.text)
		}
		if strings.Contains(strings.ToLower(p.text), "<script") {
			t.Errorf("markup gets out: %s", p.text)
		}
	})
}

func FuzzALinkNeverBreaksTheDoor(f *testing.F) {
	d := open(f)
	for _, path := range d.pagesOf() {
		_, text, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		f.Add(text, "do=save&zone=UTC&act=1&end=2&paused_until=2026-07-01&quiet_from=1")
	}
	f.Fuzz(func(t *testing.T, text, form string) {
		if text == "" || strings.ContainsAny(text, "/.") {
			return // another path
		}
		d := d.in(t)
		for _, page := range []string{"manage", "unsubscribe", "mute", "confirm"} {
			if p := d.do("POST", "/"+page+"/"+url.PathEscape(text), "application/x-www-form-urlencoded", strings.NewReader(form)); p.status >= 500 {
				t.Errorf("/%s/ has status %d: %s", page, p.status, p.text)
			}
		}
	})
}

// in is the same door in one run of a fuzz target.
func (d *door) in(t *testing.T) *door {
	f := *d.Fixture
	f.TB = t
	return &door{&f, d.url, d.client}
}

func validHeader(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
