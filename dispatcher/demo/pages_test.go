package demo

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// paperAt makes a paper on a database of its own, with its pages.
func paperAt(t *testing.T) (*Paper, http.Handler) {
	t.Helper()
	at := time.Date(2026, 6, 8, 5, 40, 0, 0, time.UTC)
	clock := func() time.Time { at = at.Add(time.Second); return at }
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "hb.db")), Clock: clock,
		Log: slog.New(slog.DiscardHandler), Sites: []dispatcher.Site{{Key: SiteKey, Name: SiteName, Locale: "en", Zone: Zone, Schedule: dispatcher.Immediate}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]string{dispatcher.Immediate: "", Often: "@every 5m", Hourly: "@hourly", Daily: "0 8 * * *"} {
		if _, err := s.PutSchedule(t.Context(), dispatcher.Schedule{Name: name, Spec: spec, Zone: dispatcher.ZoneSite, Misfire: dispatcher.MisfireMerge, MaxItems: 50}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := NewPaper(s, clock, "http://127.0.0.1/demo", func(Happening) {})
	if err != nil {
		t.Fatal(err)
	}
	h, err := newPages(p, t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	return p, h
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func post(h http.Handler, path, from string, form url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", from)
	h.ServeHTTP(w, r)
	return w
}

func TestWhatAVisitorSaysIsOnThePageAndOnItsWayToHearback(t *testing.T) {
	p, h := paperAt(t)
	said := url.Values{"as": {"a02"}, "text": {"<script>alert(1)</script> & so on"}}
	w := post(h, "/demo/bench/say", "same-origin", said)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/demo/bench#v1" {
		t.Fatalf("%d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	said.Set("answer", "v1")
	post(h, "/demo/bench/say", "same-origin", said)
	body := get(h, "/demo/bench").Body.String()
	for _, want := range []string{`id="v1"`, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on", "answers Joost Meyer", "2 comments", `class="comment d1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if n, _, err := p.store.InboxDepth(t.Context()); err != nil || n != 2 {
		t.Errorf("%d events are in the inbox, want 2 (%v)", n, err)
	}
}

func TestThePageCarriesTheSnippetThatASiteWouldPaste(t *testing.T) {
	_, h := paperAt(t)
	want := `<script src="/embed.js" data-site="` + SiteKey + `" data-thread="tram" async></script>`
	if body := get(h, "/demo/tram").Body.String(); !strings.Contains(body, want) {
		t.Errorf("the page lacks %s: %s", want, body)
	}
}

func TestAVisitorWhoFollowsIsAskedToConfirm(t *testing.T) {
	p, h := paperAt(t)
	w := post(h, "/demo/tram/follow", "same-origin", url.Values{"email": {"Me@example.net"}, "schedule": {Often}})
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	list, err := p.store.Messages(t.Context(), store.MessageFilter{Limit: 10})
	if err != nil || len(list) != 1 || list[0].Kind != dispatcher.KindConfirm {
		t.Errorf("%+v, %v", list, err)
	}
	if body := get(h, strings.TrimSuffix(w.Header().Get("Location"), "#follow")).Body.String(); !strings.Contains(body, "<b>Me@example.net</b> is on its way") {
		t.Error("the page does not say that a mail is on its way")
	}
}

func TestThePagesRefuseWhatIsNotTheirs(t *testing.T) {
	p, h := paperAt(t)
	good := url.Values{"as": {"a02"}, "text": {"hello"}}
	for _, c := range []struct {
		path, from string
		form       url.Values
		want       int
	}{
		{"/demo/tram/say", "cross-site", good, http.StatusForbidden},
		{"/demo/nowhere/say", "same-origin", good, http.StatusNotFound},
		{"/demo/tram/say", "same-origin", url.Values{"as": {"a02"}, "text": {"  "}}, http.StatusUnprocessableEntity},
		{"/demo/tram/say", "same-origin", url.Values{"as": {"a91"}, "text": {"hello"}}, http.StatusUnprocessableEntity},
		{"/demo/tram/say", "same-origin", url.Values{"as": {"a02"}, "text": {strings.Repeat("ä", maxSaid+1)}}, http.StatusUnprocessableEntity},
		{"/demo/tram/follow", "same-origin", url.Values{"email": {"no address"}, "schedule": {Often}}, http.StatusUnprocessableEntity},
		{"/demo/tram/follow", "same-origin", url.Values{"email": {"me@example.net"}, "schedule": {"never"}}, http.StatusUnprocessableEntity},
	} {
		if w := post(h, c.path, c.from, c.form); w.Code != c.want {
			t.Errorf("%s %v: %d, want %d", c.path, c.form, w.Code, c.want)
		}
	}
	if w := get(h, "/demo/nowhere"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown thread: %d", w.Code)
	}
	if n, _, err := p.store.InboxDepth(t.Context()); err != nil || n != 0 {
		t.Errorf("%d events came through (%v)", n, err)
	}
}

func TestThePageGrowsWhileOneLooks(t *testing.T) {
	p, h := paperAt(t)
	srv := httptest.NewServer(h)
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + "/demo/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 256)
	if n, err := res.Body.Read(buf); err != nil || !strings.Contains(string(buf[:n]), "event: change") {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if _, err := p.Say(t.Context(), "linie", "", "a20", "Na so was"); err != nil {
		t.Fatal(err)
	}
	if n, err := res.Body.Read(buf); err != nil || !strings.Contains(string(buf[:n]), "event: change") {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if body := get(h, "/demo/linie/comments").Body.String(); !strings.Contains(body, "Na so was") || strings.Contains(body, "<form") {
		t.Errorf("%s", body)
	}
}

func TestARemovedCommentLeavesItsPlaceOnlyToItsAnswers(t *testing.T) {
	p, h := paperAt(t)
	for _, l := range []line{{id: "x", author: "a01", text: "rude words"}, {id: "y", parent: "x", author: "a02", text: "an answer"}, {id: "z", author: "a03", text: "spam"},
		{id: "x", act: removes}, {id: "z", act: removes}, {id: "y", act: edits, text: "a calmer answer"}} {
		l.thread = "bench"
		if err := p.play(t.Context(), l, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	body := get(h, "/demo/bench").Body.String()
	if strings.Contains(body, "rude words") || strings.Contains(body, "spam") || !strings.Contains(body, "removed by the editors") ||
		!strings.Contains(body, "a calmer answer") || !strings.Contains(body, "1 comment<") || !strings.Contains(body, "edited") {
		t.Errorf("%s", body)
	}
}
