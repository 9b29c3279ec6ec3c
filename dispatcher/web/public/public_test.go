package public_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	. "github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/token"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/web/public"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type door struct {
	*Fixture
	url    string
	client *http.Client
}

func open(t testing.TB) *door { t.Helper(); return openWith(t, limits{}) }

type limits struct{ client, address, site int }

func openWith(t testing.TB, l limits) *door {
	t.Helper()
	d := &door{Fixture: Open(t)}
	p, err := public.New(public.Options{Desk: d.Desk, Limits: public.Limits{PerClient: l.client, PerAddress: l.address, PerSite: l.site}})
	d.Must(err)
	s, err := web.New(web.Options{Mounts: p.Mounts()})
	d.Must(err)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	d.url, d.client = srv.URL, srv.Client()
	d.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return d
}

type page struct {
	status int
	header http.Header
	text   string
}

func (d *door) do(method, path, kind string, body io.Reader) page {
	d.TB.Helper()
	req, err := http.NewRequest(method, d.url+path, body)
	d.Must(err)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return d.send(req)
}

func (d *door) send(req *http.Request) page {
	d.TB.Helper()
	res, err := d.client.Do(req)
	d.Must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	d.Must(err)
	return page{res.StatusCode, res.Header, string(b)}
}

func (d *door) get(path string) page { return d.do("GET", path, "", nil) }

// press posts a form, given as name, value, …
func (d *door) press(path string, fields ...string) page {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return d.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

func (d *door) shows(p page, status int, words ...string) page {
	d.TB.Helper()
	if p.status != status {
		d.TB.Errorf("the page has status %d, want %d: %s", p.status, status, p.text)
	}
	for _, w := range words {
		if !strings.Contains(p.text, w) {
			d.TB.Errorf("the page lacks %q: %s", w, p.text)
		}
	}
	return p
}

func (d *door) wantLive(sub dispatcher.Subscriber, want ...string) {
	d.TB.Helper()
	if got := d.Live(sub); !slices.Equal(got, append([]string{}, want...)) {
		d.TB.Errorf("the reader follows %q, want %q", got, want)
	}
}

// mailed makes a reader of two threads who got a mail about the first, and
// gives the paths of its links.
func (d *door) mailed() (sub dispatcher.Subscriber, leave, manage, mute string) {
	d.TB.Helper()
	sub = d.Reader("blog", "annette", Thread("p1"), Thread("p2"))
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	d.Fire(dispatcher.Immediate)
	m := d.Mail(sub)
	return sub, "/unsubscribe/" + d.Token(sub, token.Unsubscribe, m.ID), "/manage/" + d.Token(sub, token.Manage, 0), "/mute/" + d.Token(sub, token.MuteThread, m.Thread)
}

// forged changes one letter of a link's seal.
func forged(path string) string {
	at, letter := len(path)-5, "A"
	if path[at:at+1] == letter {
		letter = "B"
	}
	return path[:at] + letter + path[at+1:]
}

// act finds the number that an undo button carries.
func act(d *door, p page) string {
	d.TB.Helper()
	m := regexp.MustCompile(`name="act" value="(\d+)"`).FindStringSubmatch(p.text)
	if m == nil {
		d.TB.Fatalf("the page offers no undo: %s", p.text)
	}
	return m[1]
}

func TestOpeningALinkChangesNothing(t *testing.T) {
	d := open(t)
	sub, leave, manage, mute := d.mailed()
	email := "pending@example.org"
	pending, _, err := d.Desk.SetSubscriber(t.Context(), "blog", subscribe.Caller{}, dispatcher.EventSubscriber{ID: "pending", Email: &email})
	d.Must(err)
	_, _, err = d.Desk.Subscribe(t.Context(), "blog", subscribe.Caller{}, dispatcher.EventSubscription{Subscriber: "pending", Target: Thread("p1")})
	d.Must(err)
	confirm := "/confirm/" + d.Token(pending, token.Confirm, 1)
	before, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	for _, path := range []string{leave, manage, mute, confirm} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, query := range []string{"", "?do=end", "?List-Unsubscribe=One-Click", "?do=end_all"} {
				if p := d.do(method, path+query, "", nil); p.status != 200 {
					t.Errorf("%s %s has status %d", method, query, p.status)
				}
			}
		}
	}
	after, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	if before.Revision != after.Revision {
		t.Errorf("the reader changed from revision %d to %d", before.Revision, after.Revision)
	}
	d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate")
	if p, err := d.Store.SubscriberByNumber(t.Context(), pending.ID); err != nil || !p.ConfirmedAt.IsZero() {
		t.Errorf("opening the confirm link confirmed the address: %v, %v", p.ConfirmedAt, err)
	}
}

func TestOneClickActsAtOnceInBothEncodingsAndMayBeRepeated(t *testing.T) {
	for _, kind := range []string{"urlencoded", "multipart"} {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			sub, leave, _, _ := d.mailed()
			for range 2 {
				var p page
				if kind == "urlencoded" {
					p = d.do("POST", leave, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
				} else {
					var b bytes.Buffer
					w := multipart.NewWriter(&b)
					d.Must(w.WriteField("List-Unsubscribe", "One-Click"))
					d.Must(w.Close())
					p = d.do("POST", leave, w.FormDataContentType(), &b)
				}
				d.shows(p, 200, "unsubscribed")
				if got := p.header.Get("Content-Type"); got != "text/plain; charset=utf-8" || p.header.Get("Location") != "" {
					t.Errorf("the answer is %q with Location %q", got, p.header.Get("Location"))
				}
				d.wantLive(sub, "thread:p2@immediate")
			}
			p := d.shows(d.get(leave), 200, "These mails have stopped")
			d.shows(d.press(leave, "do", "undo", "act", act(d, p)), 200, "Undone")
			d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate")
		})
	}
}

func TestOneClickOfALinkThatIsNotOursIsRefusedInPlainText(t *testing.T) {
	d := open(t)
	sub, leave, manage, _ := d.mailed()
	swapped := strings.Replace(manage, "/manage/", "/unsubscribe/", 1)
	for path, status := range map[string]int{forged(leave): 403, swapped: 403, leave[:40]: 422} {
		p := d.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
		d.shows(p, status)
		if strings.Contains(p.text, "<") {
			t.Errorf("a program is answered with a page: %s", p.text)
		}
	}
	d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate")
	d.Must(d.Store.Erase(t.Context(), "blog", "annette"))
	d.shows(d.do("POST", leave, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click")), 200, "unsubscribed")
}

func TestOtherPostsWithoutAChoiceChangeNothing(t *testing.T) {
	d := open(t)
	sub, leave, manage, mute := d.mailed()
	for _, path := range []string{leave, manage, mute} {
		d.shows(d.press(path), 200, "Nothing was changed")
		d.shows(d.press(path, "do", "explode"), 200, "Nothing was changed")
	}
	d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate")
}

func TestTheUnsubscribePageNamesItsScopeAndEndsItByAButton(t *testing.T) {
	d := open(t)
	sub, leave, _, _ := d.mailed()
	p := d.shows(d.get(leave), 200, "Stop these mails?", "On p1", "https://blog.example/p1", "Kleine Werkbank", "Pause for a week", "Hear no more from Name of u1")
	if strings.Contains(p.text, "On p2") {
		t.Error("the page names what the link does not end")
	}
	p = d.shows(d.press(leave, "do", "end"), 200, "These mails have stopped", "One other subscription")
	d.wantLive(sub, "thread:p2@immediate")
	d.shows(d.press(leave, "do", "undo", "act", act(d, p)), 200, "Undone", "Stop these mails?")
	d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate")
	p = d.shows(d.press(leave, "do", "end_all"), 200, "These mails have stopped")
	d.wantLive(sub)
	d.shows(d.press(leave, "do", "undo", "act", act(d, p)), 200, "Undone")
	d.shows(d.press(leave, "do", "undo", "act", act(d, p)), 200, "can no longer be undone")
}

func TestTheUnsubscribePageOffersNarrowerChoices(t *testing.T) {
	d := open(t)
	sub, leave, _, _ := d.mailed()
	d.shows(d.press(leave, "do", "mute_thread"), 200, "Muted: On p1")
	d.shows(d.press(leave, "do", "mute_author"), 200, "Muted: Name of u1")
	mutes, err := d.Store.Mutes(t.Context(), sub.ID)
	d.Must(err)
	if len(mutes) != 2 {
		t.Errorf("the mutes are %+v", mutes)
	}
	d.shows(d.press(leave, "do", "pause", "days", "7"), 200, "Paused until 15 June 2026")
	now, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	if got := now.PausedUntil.Sub(d.Clock.Now()); got < 7*24*time.Hour-time.Second || got > 7*24*time.Hour {
		t.Errorf("the pause lasts %v", got)
	}
	d.shows(d.press(leave, "do", "cadence", "schedule", "weekly"), 200, "From now on they come on Mondays at 08:00")
	d.wantLive(sub, "thread:p1@weekly", "thread:p2@immediate")
	d.shows(d.press(leave, "do", "pause", "days", "9999"), 422)
	d.shows(d.press(leave, "do", "cadence", "schedule", "never"), 422)
}

func TestTheMutePageMutesAndUnmutes(t *testing.T) {
	d := open(t)
	sub, _, _, mute := d.mailed()
	d.shows(d.get(mute), 200, "Mute this conversation?", "On p1", "not even of answers to you")
	d.shows(d.press(mute, "do", "mute"), 200, "Muted", "You hear no more of it")
	d.shows(d.press(mute, "do", "mute"), 200, "You hear no more of it")
	d.shows(d.get(mute), 200, "Unmute")
	d.shows(d.press(mute, "do", "unmute"), 200, "No longer muted")
	if mutes, err := d.Store.Mutes(t.Context(), sub.ID); err != nil || len(mutes) != 0 {
		t.Errorf("the mutes are %+v, %v", mutes, err)
	}
	author := "/mute/" + d.Token(sub, token.MuteAuthor, d.Mail(sub).Items[0].Comment)
	d.shows(d.get(author), 200, "Mute this person?", "Name of u1", "what they write")
	d.shows(d.press(author, "do", "mute"), 200, "You hear no more of it")
	d.shows(d.press(author, "do", "unmute"), 200, "No longer muted")
	gone := "/mute/" + d.Token(sub, token.MuteThread, 4711)
	d.shows(d.get(gone), 404, "no longer there")
}

func TestTheConfirmPageConfirmsByAButton(t *testing.T) {
	d := open(t)
	email := "annette@example.org"
	sub, _, err := d.Desk.SetSubscriber(t.Context(), "shop", subscribe.Caller{}, dispatcher.EventSubscriber{ID: "annette", Email: &email})
	d.Must(err)
	_, _, err = d.Desk.Subscribe(t.Context(), "shop", subscribe.Caller{}, dispatcher.EventSubscription{Subscriber: "annette", Target: Thread("p1")})
	d.Must(err)
	path := "/confirm/" + d.Token(sub, token.Confirm, 1)
	p := d.shows(d.get(path), 200, `lang="de"`, "Dürfen wir dir schreiben?", "Der Laden", "an…@example.org")
	if strings.Contains(p.text, email) {
		t.Error("the page shows the whole address")
	}
	p = d.shows(d.press(path, "do", "confirm"), 200, "Du hörst von uns")
	link := regexp.MustCompile(`href="\.\.(/manage/[^"]+)"`).FindStringSubmatch(p.text)
	if link == nil {
		t.Fatalf("the page leads nowhere: %s", p.text)
	}
	d.shows(d.get(link[1]), 200, "Was du bekommst")
	d.shows(d.get(path), 200, "Du hörst von uns")
	now, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	if err != nil || now.ConfirmedAt.IsZero() {
		t.Errorf("the address is not confirmed: %v", err)
	}
	d.wantLive(sub, "thread:p1@daily")
}

// formOf reads what a browser would send with the manage page's form as it
// stands, without any button.
func formOf(text string) url.Values {
	v := url.Values{}
	for _, m := range regexp.MustCompile(`(?s)<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>`).FindAllStringSubmatch(text, -1) {
		if chosen := regexp.MustCompile(`<option value="([^"]*)" selected>`).FindStringSubmatch(m[2]); chosen != nil {
			v.Set(m[1], chosen[1])
		}
	}
	for _, m := range regexp.MustCompile(`<input[^>]*>`).FindAllString(text, -1) {
		name := regexp.MustCompile(` name="([^"]+)"`).FindStringSubmatch(m)
		value := regexp.MustCompile(` value="([^"]*)"`).FindStringSubmatch(m)
		if name != nil && name[1] != "act" && name[1] != "do" {
			v.Set(name[1], value[1])
		}
	}
	return v
}

func TestTheManagePageSavesWhatWasChangedAndNothingElse(t *testing.T) {
	d := open(t)
	sub, _, manage, _ := d.mailed()
	d.Follow("blog", "annette", Author("u1"), "daily")
	p := d.shows(d.get(manage), 200, "What you get", "On p1", "Name of u1", "an…@example.org", "Europe/Berlin")
	save := func(change ...string) page {
		v := formOf(d.get(manage).text)
		v.Set("do", "save")
		for i := 0; i+1 < len(change); i += 2 {
			v.Set(change[i], change[i+1])
		}
		return d.do("POST", manage, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
	}
	before, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	d.shows(save(), 200, "Saved")
	after, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	if before.Revision != after.Revision {
		t.Error("saving without a change changed the reader")
	}
	p1 := regexp.MustCompile(`name="(s-\d+)"`).FindStringSubmatch(p.text)[1]
	d.shows(save("schedule", "daily", "quiet_from", "22:00", "quiet_to", "07:00", "zone", "Asia/Tokyo", "paused_until", "2026-06-20", p1, "weekly"), 200, "Saved")
	now, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	d.Must(err)
	if now.Schedule != "daily" || now.Quiet.String() != "22:00-07:00" || now.Zone != "Asia/Tokyo" || now.PausedUntil.IsZero() {
		t.Errorf("the reader is %+v", now)
	}
	d.wantLive(sub, "thread:p1@weekly", "thread:p2@daily", "author:u1@daily")
	d.shows(save("paused_until", ""), 200, "Saved")
	d.shows(save("paused_until", "2026-06-21"), 200, "Saved")
	now, err = d.Store.SubscriberByNumber(t.Context(), sub.ID)
	d.Must(err)
	if want := time.Date(2026, 6, 21, 0, 0, 0, 0, tokyo); !now.PausedUntil.Equal(want) {
		t.Errorf("paused until %v, want the start of that day in Tokyo, %v", now.PausedUntil, want)
	}
	d.shows(save("quiet_from", "", "quiet_to", ""), 200, "Saved")
	for field, c := range map[string][]string{"zone": {"zone", "Mars/Crater"}, "quiet": {"quiet_from", "22:00", "quiet_to", ""}, "day": {"paused_until", "2020-01-01"}, "year": {"paused_until", "2030-01-01"}} {
		if p := save(c...); !strings.Contains(p.text, `class="notice wrong"`) || p.status != 200 {
			t.Errorf("a wrong %s is answered with %d %s", field, p.status, p.text)
		}
	}
}

func TestTheManagePageEndsOneAndAllAndTakesItBack(t *testing.T) {
	d := open(t)
	sub, _, manage, mute := d.mailed()
	d.press(mute, "do", "mute")
	id := regexp.MustCompile(`name="end" value="(\d+)"`).FindStringSubmatch(d.get(manage).text)[1]
	p := d.shows(d.press(manage, "end", id), 200, "Stopped.")
	d.wantLive(sub, "thread:p2@immediate")
	d.shows(d.press(manage, "do", "undo", "act", act(d, p)), 200, "Undone")
	d.shows(d.press(manage, "unmute", "blog:thread:p1"), 200, "No longer muted")
	d.shows(d.press(manage, "do", "end_all"), 200, "Everything has stopped")
	d.wantLive(sub)
	p = d.shows(d.get(manage), 200, "You have stopped everything", "You follow nothing")
	d.shows(d.press(manage, "do", "undo", "act", act(d, p)), 200, "Undone")
	d.wantLive(sub, "thread:p1@immediate", "thread:p2@immediate")
}

func TestWrongLinksGetAPageThatSaysWhatToDo(t *testing.T) {
	d := open(t)
	_, leave, manage, _ := d.mailed()
	d.shows(d.get(manage[:30]), 422, "not complete", "copy the whole link")
	d.shows(d.get(forged(manage)), 403, "does not work here")
	d.shows(d.get(strings.Replace(leave, "/unsubscribe/", "/manage/", 1)), 403, "does not work here")
	d.Clock.Advance(91 * 24 * time.Hour)
	d.shows(d.get(manage), 403, "has run out", "latest mail")
	d.shows(d.get(leave), 200)
	d.Must(d.Store.Erase(t.Context(), "blog", "annette"))
	d.shows(d.get(leave), 404, "no longer there")
	req, err := http.NewRequest("GET", d.url+"/manage/nonsense", nil)
	d.Must(err)
	req.Header.Set("Accept-Language", "fr;q=0.1, de-AT, en;q=0.5")
	res, err := d.client.Do(req)
	d.Must(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	d.Must(err)
	if !strings.Contains(string(b), "nicht vollständig") {
		t.Errorf("a German browser gets %s", b)
	}
}

func TestPagesAreKeptFromCachesSearchEnginesScriptsAndOtherSites(t *testing.T) {
	d := open(t)
	_, leave, manage, _ := d.mailed()
	for _, p := range []page{d.get(leave), d.get(manage), d.get(manage[:30]), d.press(leave, "do", "end")} {
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"} {
			want = strings.Replace(want, "form-action", map[bool]string{true: "script-src 'self'; "}[strings.Contains(p.text, "reader.js")]+"form-action", 1)
			if got := p.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		p.text = strings.Replace(p.text, `<script src="../reader.js" defer></script>`, "", 1) // tells the time, see assets
		tags := strings.Join(regexp.MustCompile(`<[^>]*>`).FindAllString(p.text, -1), "")
		for _, no := range []string{"<script", "style=", "src=", " onclick", " onload"} {
			if strings.Contains(tags, no) {
				t.Errorf("the page has %q", no)
			}
		}
	}
	css := d.get("/reader.css")
	if css.status != 200 || css.header.Get("Content-Type") != "text/css; charset=utf-8" || strings.Contains(css.text, "url(") {
		t.Errorf("the style is %d %s", css.status, css.header.Get("Content-Type"))
	}
}

func TestHostileNamesAreShownAsText(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"))
	r, err := d.Store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "x", Type: dispatcher.CommentPublished, Time: d.Clock.Now(),
		Thread:  &dispatcher.EventThread{ID: "p1", URL: `https://blog.example/x?a='`, Title: `</title><script>alert(1)</script>`},
		Comment: &dispatcher.EventComment{ID: "c1", Text: "x"}, Author: &dispatcher.EventAuthor{ID: "u1", Name: `"><img src=x onerror=alert(1)>`}}})
	d.Must(err)
	if r.Accepted != 1 {
		t.Fatalf("the inbox took %+v", r)
	}
	d.Intake()
	d.Fire(dispatcher.Immediate)
	for _, path := range []string{"/unsubscribe/" + d.Token(sub, token.Unsubscribe, d.Mail(sub).ID), "/manage/" + d.Token(sub, token.Manage, 0)} {
		p := d.shows(d.get(path), 200, "&lt;script&gt;")
		if strings.Contains(p.text, "<script>") || strings.Contains(p.text, "<img") {
			t.Errorf("hostile markup gets out: %s", p.text)
		}
	}
}

func TestADigestsPageNamesItsCadence(t *testing.T) {
	d := open(t)
	sub := d.Reader("shop", "annette", Thread("p1"), Thread("p2"))
	for i := range 12 {
		d.Follow("shop", "annette", Thread(fmt.Sprint("q", i)), "")
	}
	d.Publish("shop", [3]string{"p1", "c1", "u1"})
	d.Fire("daily")
	leave := "/unsubscribe/" + d.Token(sub, token.Unsubscribe, d.Mail(sub).ID)
	d.shows(d.get(leave), 200, "Diese Mails beenden?", "täglich um 08:00 Uhr", "On p1", "und 6 weitere")
	d.shows(d.press(leave, "do", "end"), 200, "Diese Mails sind beendet", "30 Tage")
	d.wantLive(sub)
}
