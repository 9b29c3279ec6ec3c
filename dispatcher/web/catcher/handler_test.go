package catcher

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher/outbox/catcher"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC) }

// inbox is a catcher with its page on a real port.
type inbox struct {
	*catcher.Catcher
	url string
	t   *testing.T
}

func open(t *testing.T, change func(*Options)) *inbox {
	t.Helper()
	c, err := catcher.New(catcher.Options{Store: catcher.NewMemory(0, 0), Clock: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	o := Options{Catcher: c, Prefix: "/catcher", Local: true, Zone: time.UTC, Clock: noon}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &inbox{c, srv.URL + "/catcher", t}
}

func (in *inbox) keep(to, mail string) {
	in.t.Helper()
	if err := in.Keep(in.t.Context(), "b@example.org", []string{to}, []byte(strings.ReplaceAll(mail, "\n", "\r\n"))); err != nil {
		in.t.Fatal(err)
	}
}

// get gives status, headers and body of a page.
func (in *inbox) get(path string) (int, http.Header, string) {
	in.t.Helper()
	resp, err := http.Get(in.url + path)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

const hostile = `From: "<i>Eve</i>" <eve@example.org>
To: ann@example.org
Subject: </title><script>alert(1)</script>
X-Hearback-Kind: reply
X-Hearback-Reason: thread
X-Hearback-Thread: "><script>alert(2)</script>
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain

Hello <script>alert(3)</script> https://example.org/a?b=1&c=2). javascript:alert(4)
--b
Content-Type: text/html

<html><head><style>p{color:red}</style></head><body onload="alert(5)"><p>Hello</p><script>alert(6)</script></body></html>
--b--
`

func TestTheListShowsWhatWasCaughtNewestFirst(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", "From: The Blog <b@example.org>\nSubject: First\nX-Hearback-Kind: digest\n\nGood morning")
	in.keep("bob@example.org", "From: The Blog <b@example.org>\nSubject: Second\n\nGood day")
	status, _, page := in.get("/")
	if status != 200 {
		t.Fatal(status)
	}
	for _, want := range []string{"ann@example.org", "Second", "The Blog", "Good morning", `<span class="chip">digest</span>`, "12:00", "2 mails", `href="/catcher/mail/1"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Index(page, "Second") > strings.Index(page, "First") {
		t.Error("the oldest stands first")
	}
	if _, _, page = in.get("/?to=ANN"); strings.Contains(page, "Second") || !strings.Contains(page, "First") {
		t.Error("the search for a recipient shows others")
	}
	if _, _, page = in.get("/?to=%3Cb%3Ecarl"); !strings.Contains(page, "No mail was caught for a recipient with “&lt;b&gt;carl”") {
		t.Error("a search without results does not say so")
	}
}

func TestAnEmptyCatcherExplainsItself(t *testing.T) {
	in := open(t, nil)
	_, _, page := in.get("/")
	for _, want := range []string{"No mail yet", "relays:", in.Addr()} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestALongListIsPaged(t *testing.T) {
	in := open(t, nil)
	for i := range listed + 5 {
		in.keep("ann@example.org", fmt.Sprintf("Subject: No-%d-\n\nx", i+1))
	}
	_, _, page := in.get("/?to=ann")
	if strings.Count(page, "<li>") != listed || strings.Contains(page, "No-5-") {
		t.Errorf("%d rows", strings.Count(page, "<li>"))
	}
	link := regexp.MustCompile(`href="/catcher([^"]*)">Older`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("no link to older mails")
	}
	_, _, page = in.get(strings.ReplaceAll(link[1], "&amp;", "&"))
	if strings.Count(page, "<li>") != 5 || !strings.Contains(page, "No-1-") || !strings.Contains(page, "Back to the newest") {
		t.Errorf("%d rows", strings.Count(page, "<li>"))
	}
}

func TestAMailIsShownInFourWays(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", hostile)
	for view, want := range map[string]string{
		"":        `<iframe src="/catcher/mail/1/body" title="The mail as its reader sees it" sandbox="allow-popups allow-popups-to-escape-sandbox"`,
		"html":    "<iframe",
		"text":    `<a href="https://example.org/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">https://example.org/a?b=1&amp;c=2</a>). javascript:alert(4)`,
		"headers": `<th scope="row">X-Hearback-Reason</th><td>thread</td>`,
		"source":  "--b\r\nContent-Type: text/html",
	} {
		status, _, page := in.get("/mail/1?view=" + view)
		if status != 200 || !strings.Contains(page, want) {
			t.Errorf("%s: %d, %q is missing", view, status, want)
		}
		if !strings.Contains(page, "in a thread they follow") || !strings.Contains(page, `aria-current="true"`) {
			t.Errorf("%s: the head of the mail is not there", view)
		}
	}
	if _, _, page := in.get("/mail/1?width=phone&scheme=dark"); !strings.Contains(page, `class="stage phone"`) || !strings.Contains(page, "/mail/1/body?scheme=dark") || !strings.Contains(page, "no dark look") {
		t.Error("the phone in dark is not what is shown")
	}
}

func TestAMailWithoutHTMLIsShownAsText(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", "Subject: x\n\nOnly words")
	if _, _, page := in.get("/mail/1"); strings.Contains(page, "<iframe") || !strings.Contains(page, "Only words") {
		t.Error("the text is not shown")
	}
	if _, _, page := in.get("/mail/1?view=html"); !strings.Contains(page, "This mail has no HTML part.") {
		t.Error("it is not said that there is no HTML")
	}
}

func TestNothingOfAMailBecomesMarkupOrScriptOfThePage(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", hostile)
	for _, path := range []string{"/", "/mail/1", "/mail/1?view=text", "/mail/1?view=headers", "/mail/1?view=source", "/list?selected=1", "/?to=%22%3E%3Cscript%3E", "/mail/1?view=%22%3E%3Cscript%3Ealert(1)"} {
		status, head, page := in.get(path)
		if status != 200 {
			t.Errorf("%s: %d", path, status)
		}
		if strings.Contains(page, "<script>") || strings.Contains(page, "<i>") || regexp.MustCompile(`\son[a-z]+=`).MatchString(regexp.MustCompile(`(?s)<pre.*?</pre>`).ReplaceAllString(page, "")) {
			t.Errorf("%s has markup of the mail", path)
		}
		if strings.Contains(page, "<style") || strings.Contains(page, "style=") {
			t.Errorf("%s has styles that its own policy forbids", path)
		}
		csp := head.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

func TestTheDocumentOfAMailMayNotRunAnything(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", hostile)
	_, head, page := in.get("/mail/1/body?scheme=dark")
	csp := head.Get("Content-Security-Policy")
	directives := map[string]string{}
	for d := range strings.SplitSeq(csp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), " ")
		directives[name] = value
	}
	if directives["default-src"] != "'none'" || directives["form-action"] != "'none'" || directives["base-uri"] != "'none'" || directives["frame-ancestors"] != "'self'" {
		t.Error(csp)
	}
	if s := directives["sandbox"]; s == "" || strings.Contains(s, "scripts") || strings.Contains(s, "same-origin") || strings.Contains(s, "forms") || strings.Contains(s, "top-navigation") {
		t.Errorf("sandbox %q", s)
	}
	if _, has := directives["script-src"]; has {
		t.Error("scripts have a policy of their own")
	}
	if head.Get("Content-Type") != "text/html; charset=utf-8" || head.Get("X-Content-Type-Options") != "nosniff" || head.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", head)
	}
	if !strings.Contains(page, `<base target="_blank">`) {
		t.Error("links would open inside of the frame")
	}
}

func TestAMailIsDownloadedAsItCame(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", hostile)
	status, head, body := in.get("/mail/1/mail.eml")
	if status != 200 || body != strings.ReplaceAll(hostile, "\n", "\r\n") || head.Get("Content-Type") != "message/rfc822" || head.Get("Content-Disposition") != `attachment; filename="mail-1.eml"` {
		t.Errorf("%d %v", status, head)
	}
}

func TestMailsThatAreGoneAndPathsThatNeverWereAreNotFound(t *testing.T) {
	in := open(t, nil)
	for _, path := range []string{"/mail/1", "/mail/x", "/mail/1/body", "/mail/-1/mail.eml", "/assets/page.tmpl", "/assets/none.css", "/assets/..%2fhandler.go", "/other"} {
		if status, _, _ := in.get(path); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestThePagesFilesAreServedWithTheirTypes(t *testing.T) {
	in := open(t, nil)
	_, _, page := in.get("/")
	found := regexp.MustCompile(`/catcher(/assets/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(found) < 3 {
		t.Fatalf("%v", found)
	}
	for _, m := range found {
		status, head, _ := in.get(m[1])
		kind, _, _ := strings.Cut(head.Get("Content-Type"), ";")
		if status != 200 || !map[string]bool{"text/css": true, "text/javascript": true, "image/svg+xml": true}[kind] {
			t.Errorf("%s: %d %s", m[1], status, kind)
		}
	}
}

func TestEmptyingNeedsAPostFromThePageItself(t *testing.T) {
	in := open(t, nil)
	in.keep("ann@example.org", hostile)
	post := func(header, value string) int {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", in.url+"/clear", nil)
		req.Header.Set(header, value)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		if status := post(header, value); status != 403 {
			t.Errorf("%s: %s gives %d", header, value, status)
		}
	}
	if status, _, _ := in.get("/clear"); status != 405 {
		t.Errorf("GET gives %d", status)
	}
	if n, _ := in.Store().CountCaught(t.Context()); n != 1 {
		t.Fatalf("%d mails", n)
	}
	if status := post("Sec-Fetch-Site", "same-origin"); status != 303 {
		t.Errorf("the page's own button gives %d", status)
	}
	if n, _ := in.Store().CountCaught(t.Context()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

func TestThePageHearsOfMailsAsTheyCome(t *testing.T) {
	done := make(chan struct{})
	in := open(t, func(o *Options) { o.Done = done })
	resp, err := http.Get(in.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Error(resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() bool {
		for lines.Scan() {
			if lines.Text() == "event: change" {
				return true
			}
		}
		return false
	}
	if !next() { // at once, for what came while the page was loading
		t.Fatal("no first event")
	}
	in.keep("ann@example.org", hostile)
	if !next() {
		t.Fatal("no event for a mail")
	}
	if err := in.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !next() {
		t.Fatal("no event for the emptying")
	}
	close(done)
	if next() {
		t.Error("events after the end")
	}
}

func TestAPageThatGoesAwayIsForgotten(t *testing.T) {
	in := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", in.url+"/events", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	// The server's Close in the clean-up waits for the handler; a handler that
	// went on would hang the test.
}

func TestOnlyThisMachineOrAnAdminSeesThePage(t *testing.T) {
	h := func(local, admin bool) *Handler {
		return &Handler{local: local, authorise: func(*http.Request) bool { return admin }}
	}
	for _, c := range []struct {
		remote, host, header string
		want                 bool
	}{
		{"127.0.0.1:5", "127.0.0.1:8025", "", true},
		{"[::1]:5", "[::1]:8025", "", true},
		{"[::ffff:127.0.0.1]:5", "localhost", "", true},
		{"127.0.0.9:5", "LOCALHOST:8025", "", true},
		{"127.0.0.1:5", "hearback.localhost:8025", "", true},
		{"127.0.0.1:5", "evil.example:8025", "", false}, // a name that was pointed here
		{"127.0.0.1:5", "localhost.evil.example", "", false},
		{"127.0.0.1:5", "127.0.0.1.evil.example", "", false},
		{"127.0.0.1:5", "", "", false},
		{"127.0.0.1:5", "mail.example.org", "", false},
		{"192.0.2.7:5", "127.0.0.1:8025", "", false},
		{"192.0.2.7:5", "localhost", "", false},
		{"@", "localhost", "", false},
		{"127.0.0.1:5", "127.0.0.1:8025", "X-Forwarded-For", false},
		{"127.0.0.1:5", "127.0.0.1:8025", "Forwarded", false},
		{"127.0.0.1:5", "127.0.0.1:8025", "Via", false},
	} {
		r := &http.Request{RemoteAddr: c.remote, Host: c.host, Header: http.Header{}, URL: &url.URL{}}
		if c.header != "" {
			r.Header.Set(c.header, "192.0.2.7")
		}
		if got := h(true, false).allowed(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
		if h(false, false).allowed(r) {
			t.Errorf("%+v is shown by a daemon that is not local", c)
		}
		if !h(false, true).allowed(r) {
			t.Errorf("%+v is refused to an admin", c)
		}
	}
}

func TestARefusalShowsNothing(t *testing.T) {
	in := open(t, func(o *Options) { o.Local = false })
	in.keep("ann@example.org", hostile)
	for _, path := range []string{"/", "/mail/1", "/mail/1/body", "/mail/1/mail.eml", "/list", "/events", "/assets/catcher.css"} {
		if status, _, body := in.get(path); status != 403 || strings.Contains(body, "ann@") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
