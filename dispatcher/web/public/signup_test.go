package public_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	. "github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/token"
)

// mails lists the mails of a kind, oldest first.
func (d *door) mails(kind dispatcher.Kind) []dispatcher.Message {
	d.TB.Helper()
	all, err := d.Store.Messages(d.Context(), store.MessageFilter{Limit: 1000})
	d.Must(err)
	all = slices.DeleteFunc(all, func(m dispatcher.Message) bool { return m.Kind != kind })
	slices.Reverse(all)
	return all
}

// question gives the path of the newest confirm mail's link, and its reader.
func (d *door) question() (string, dispatcher.Subscriber) {
	d.TB.Helper()
	all := d.mails(dispatcher.KindConfirm)
	if len(all) == 0 {
		d.TB.Fatal("no confirm mail was queued")
	}
	m := all[len(all)-1]
	sub, err := d.Store.SubscriberByNumber(d.Context(), m.Subscriber)
	d.Must(err)
	return "/confirm/" + d.Token(sub, token.Confirm, m.ID), sub
}

// ask posts the form as the snippet does.
func (d *door) ask(fields ...string) (page, map[string]any) {
	d.TB.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	req, err := http.NewRequest("POST", d.url+"/subscribe", strings.NewReader(v.Encode()))
	d.Must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Origin", "https://blog.example")
	p := d.send(req)
	var said map[string]any
	if err := json.Unmarshal([]byte(p.text), &said); err != nil {
		d.TB.Fatalf("the answer is no JSON: %s", p.text)
	}
	return p, said
}

func TestAFormOnAnyPageSubscribesAfterTheAddressSaidYes(t *testing.T) {
	d := open(t)
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	d.shows(d.get("/subscribe?site=blog&thread=p1&author=u1&lang=en"), 200, "new comments in this conversation", "answers to my own comments", "whatever Name of u1 writes", `name="schedule"`)
	d.shows(d.press("/subscribe", "site", "blog", "thread", "p1", "email", "New.Reader@Example.org", "schedule", "weekly", "url", "https://blog.example/p1"), 200, "Look into your mailbox", `href="https://blog.example/p1"`)
	path, sub := d.question()
	d.wantLive(sub)
	d.shows(d.get(path), 200, "Shall we write to you?", "On p1")
	d.wantLive(sub)
	d.shows(d.press(path, "do", "confirm"), 200, "You’ll hear from us")
	d.wantLive(sub, "thread:p1@weekly")
	if sub.Email != "New.Reader@Example.org" || sub.Locale != "en" {
		t.Errorf("the reader is %+v", sub)
	}
}

func TestAReaderWhoIsKnownSaysYesToWhatIsNew(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"))
	d.Publish("blog", [3]string{"p2", "c1", "u1"})
	for range 3 {
		d.Clock.Advance(time.Minute)
		d.shows(d.press("/subscribe", "site", "blog", "thread", "p2", "email", "annette@example.org"), 200, "Look into your mailbox")
	}
	d.Clock.Advance(time.Minute)
	d.shows(d.press("/subscribe", "site", "blog", "what", "replies", "email", "annette@example.org"), 200, "Look into your mailbox")
	if n := len(d.mails(dispatcher.KindConfirm)); n != 1 {
		t.Errorf("%d confirm mails were queued in one day, want 1", n)
	}
	d.wantLive(sub, "thread:p1@immediate")
	path, _ := d.question()
	p := d.shows(d.get(path), 200, "On p2", "answers to what you write")
	if strings.Contains(p.text, "thread:p1") {
		t.Errorf("the question is about what the reader follows already: %s", p.text)
	}
	d.press(path, "do", "confirm")
	d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate", "replies:@immediate")
}

func TestTheAnswerDoesNotTellWhetherAnAddressIsKnown(t *testing.T) {
	d := open(t)
	d.Reader("blog", "annette", Thread("p1"))
	err := d.Store.PutSuppression(t.Context(), store.Suppression{Site: "blog", Address: "gone@example.org", Reason: "bounce"})
	d.Must(err)
	texts, headers := map[string]bool{}, map[string]bool{}
	for _, email := range []string{"annette@example.org", "nobody@example.org", "gone@example.org", "ANNETTE@EXAMPLE.ORG"} {
		for range 2 {
			p := d.press("/subscribe", "site", "blog", "thread", "p1", "email", email)
			p.header.Del("X-Request-Id")
			p.header.Del("Date")
			texts[p.text], headers[fmt.Sprint(p.status, p.header)] = true, true
		}
	}
	if len(texts) != 1 || len(headers) != 1 {
		t.Errorf("there are %d answers and %d kinds of headers, want 1", len(texts), len(headers))
	}
}

func TestTheSnippetIsAnsweredInJSONAcrossOrigins(t *testing.T) {
	d := open(t)
	p, said := d.ask("site", "shop", "thread", "p1", "email", "a@example.org", "lang", "de-AT")
	if d.shows(p, 200); said["ok"] != true || !strings.Contains(said["said"].(string), "Postfach") {
		t.Errorf("the answer is %v", said)
	}
	if p.header.Get("Access-Control-Allow-Origin") != "*" || p.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("the headers are %v", p.header)
	}
	p, said = d.ask("site", "shop", "thread", "p1", "email", "no address", "lang", "de")
	if d.shows(p, 422); said["ok"] != false || said["field"] != "email" {
		t.Errorf("the answer is %v", said)
	}
}

func TestWhatAFormMayNotAskForIsRefusedWithTheMend(t *testing.T) {
	d := open(t)
	for name, fields := range map[string][]string{
		"site: there is no site":            {"site", "nosuch", "thread", "p1"},
		"site: is missing":                  {"thread", "p1"},
		"target.id: a thread target needs":  {"site", "blog"},
		"target.type: unknown target":       {"site", "blog", "what", "everything"},
		"does not lie under https://blog":   {"site", "blog", "thread", "p1", "url", "https://evil.example/p1"},
		"does not lie under https://blog. ": {"site", "blog", "thread", "p1", "url", "javascript:alert(1)//blog.example"},
		"schedule: there is no schedule":    {"site", "blog", "thread", "p1", "schedule", "never"},
		"target.depth: unknown depth":       {"site", "blog", "what", "replies", "depth", "abyss"},
	} {
		p := d.press("/subscribe", append(fields, "email", "a@example.org")...)
		d.shows(p, 422, "not set up right", strings.TrimSuffix(strings.TrimSpace(name), "."))
	}
	d.shows(d.press("/subscribe", "site", "blog", "thread", "p1", "email", "nobody"), 422, "no mail address", `value="nobody"`)
	d.shows(d.get("/subscribe?site=blog"), 422, "not set up right", "thread=ID")
	if n := len(d.mails(dispatcher.KindConfirm)); n != 0 {
		t.Errorf("%d confirm mails were queued", n)
	}
}

func TestAProgramThatFillsInEveryFieldIsThankedAndIgnored(t *testing.T) {
	d := open(t)
	d.shows(d.press("/subscribe", "site", "blog", "thread", "p1", "email", "a@example.org", "website", "https://spam.example"), 200, "Look into your mailbox")
	if n := len(d.mails(dispatcher.KindConfirm)); n != 0 {
		t.Errorf("%d confirm mails were queued", n)
	}
}

func TestAFloodOfSignUpsIsHeldBack(t *testing.T) {
	d := openWith(t, limits{client: 8, address: 2, site: 1000})
	status := map[int]int{}
	for i := range 20 {
		status[d.press("/subscribe", "site", "blog", "thread", "p1", "email", fmt.Sprintf("r%d@example.org", i)).status]++
	}
	if status[200] != 8 || status[429] != 12 {
		t.Errorf("one client was answered %v, want 8 times 200", status)
	}
	if n := len(d.mails(dispatcher.KindConfirm)); n != 8 {
		t.Errorf("%d confirm mails were queued, want 8", n)
	}
	d = openWith(t, limits{client: 1000, address: 2, site: 1000})
	for i := range 5 {
		d.shows(d.press("/subscribe", "site", "blog", "thread", fmt.Sprint("p", i), "email", "a@example.org"), 200)
	}
	_, sub := d.question()
	asked, err := d.Store.SignUps(t.Context(), sub.ID)
	if err != nil || len(asked) != 2 {
		t.Errorf("an address with two sign-ups an hour has %d, %v", len(asked), err)
	}
	d = openWith(t, limits{client: 1000, address: 2, site: 3})
	for i := range 3 {
		d.shows(d.press("/subscribe", "site", "blog", "thread", "p1", "email", fmt.Sprintf("r%d@example.org", i)), 200)
	}
	d.shows(d.press("/subscribe", "site", "blog", "thread", "p1", "email", "r9@example.org"), 429, "a lot at once")
	d.shows(d.press("/subscribe", "site", "shop", "thread", "p1", "email", "r9@example.org"), 200)
}

func TestAHeaderCannotBeSmuggledInByTheForm(t *testing.T) {
	d := open(t)
	for _, email := range []string{"a@example.org\r\nBcc: b@example.org", "a@example.org\nX: y", "a@example.org, b@example.org", "\"a\r\n\"@example.org", "<a@example.org> x", "a@example.org\x00"} {
		d.shows(d.press("/subscribe", "site", "blog", "thread", "p1", "email", email), 422, "no mail address")
	}
	if n := len(d.mails(dispatcher.KindConfirm)); n != 0 {
		t.Errorf("%d confirm mails were queued", n)
	}
}

func TestWhatIsPutIntoTheFormComesBackAsText(t *testing.T) {
	d := open(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`
	for _, name := range []string{"site", "what", "thread", "comment", "author", "url", "schedule", "depth", "lang", "email"} {
		fields := map[string]string{"site": "blog", "thread": "p1", "author": "u1", "email": "nobody"}
		fields[name] = evil
		v := url.Values{}
		for k, text := range fields {
			v.Set(k, text)
		}
		for _, p := range []page{d.get("/subscribe?" + v.Encode()), d.do("POST", "/subscribe", "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))} {
			if strings.Contains(p.text, "<script") || strings.Contains(p.text, "<img") {
				t.Errorf("%s comes back as markup: %s", name, p.text)
			}
		}
	}
}

func TestTheSnippetIsSmallAndSpeaksThePagesLanguage(t *testing.T) {
	d := open(t)
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	p := d.shows(d.get("/embed.js"), 200, "Hearback", "Einen Moment", "لحظة")
	if len(p.text) > 6<<10 {
		t.Errorf("the snippet has %d bytes, 6144 are allowed", len(p.text))
	}
	for _, no := range []string{"innerHTML", "document.write", "eval(", "cookie", "localStorage"} {
		if strings.Contains(p.text, no) {
			t.Errorf("the snippet has %s", no)
		}
	}
	p = d.shows(d.get("/embed.json?site=blog&thread=p1&author=u1&lang=ar-EG"), 200, `"dir":"rtl"`, `"lang":"ar"`, "Name of u1", `"value":"weekly"`)
	if p.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the headers are %v", p.header)
	}
	d.shows(d.get("/embed.json?site=nosuch&thread=p1"), 422, "there is no site")
	d.shows(d.get("/embed.json?site=blog"), 422, "data-thread")
}
