package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hearback/hearback/dispatcher/demo"
	"github.com/hearback/hearback/dispatcher/outbox/catcher"
)

// numbered gives "t1" … "tN".
func numbered(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = prefix + strconv.Itoa(i+1)
	}
	return ids
}

func TestTheDemosStoryReachesEverybodyWhoShouldHearOfItAndNobodyElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mails")
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"demo", "--exit", "--json", "--mails", dir}, nil, &out, &errs, nil); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var told demo.Outcome
	if err := json.Unmarshal(out.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	tram, bench, linie := numbered("t", 51), numbered("b", 8), numbered("d", 6)
	want := map[string][]string{
		"ann":      {"t2", "t13", "t23", "t25", "t26", "b7"},
		"ben":      {"t4", "t6", "t7", "t14", "t15", "t16", "t18", "t19", "t21", "t22"},
		"roswitha": {"t17"},
		"tomasz":   tram,
		"priya":    {"t27", "t28", "t31", "t33", "t34", "t36", "t39"},
		"walter":   {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t13", "t14", "t15", "t16", "b1", "b2", "b3", "d1"},
		"heike":    append([]string{"d2", "d4", "d5", "d6"}, tram...),
		"mia":      append(slices.Clone(bench), linie...),
		"ines":     bench,
		"noor":     nil, "paul": nil, "leo": nil, "bo": nil,
	}
	got := map[string]demo.Got{}
	for _, g := range told.Readers {
		got[g.Reader] = g
		var ids []string
		for _, m := range g.Mails {
			for _, it := range m.Items {
				ids = append(ids, it.Comment)
			}
		}
		slices.Sort(ids)
		expected := slices.Sorted(slices.Values(want[g.Reader]))
		if !slices.Equal(ids, expected) {
			t.Errorf("%s got %v, want %v", g.Reader, ids, expected)
		}
	}
	if len(got) != len(want) || told.Twice != 0 {
		t.Errorf("%v were told of, want %v; %d comments came twice", slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want)), told.Twice)
	}
	checkSpecials(t, got)
	checkAnswers(t, &told)
	checkMails(t, dir, told.Mails)
}

// checkSpecials looks at the readers whose way was not the plain one.
func checkSpecials(t *testing.T, got map[string]demo.Got) {
	t.Helper()
	storms := 0
	for _, m := range got["tomasz"].Mails {
		if m.Storm {
			storms++
			if len(m.Items) < 30 {
				t.Errorf("the storm's mail carries %d comments", len(m.Items))
			}
		}
	}
	if storms != 1 || len(got["tomasz"].Mails) > 12 {
		t.Errorf("tomasz got %d mails, %d of them after a storm", len(got["tomasz"].Mails), storms)
	}
	if n := len(got["leo"].Mails); n != 1 || got["leo"].Mails[0].Kind != "confirm" {
		t.Errorf("leo got %d mails, and should be asked to confirm", n)
	}
	states := map[string]int{}
	for _, m := range got["bo"].Unsent {
		states[string(m.State)]++
	}
	if states["failed"] != 1 || states["suppressed"] == 0 || len(states) != 2 {
		t.Errorf("mails to the address that is gone are %v, want one failed and the others suppressed", states)
	}
	if u := got["noor"].Unsent; len(u) != 1 || u[0].Why != "nothing_left" {
		t.Errorf("noor's digest: %+v", u)
	}
}

func checkAnswers(t *testing.T, told *demo.Outcome) {
	t.Helper()
	why := map[string]string{"walter t-spam": "removed", "walter b-rude": "not_visible", "noor b-rude": "cancelled", "mia t1": "muted", "ines t1": "read_on_site",
		"roswitha t20": "own_comment", "paul t1": "pause", "leo t1": "not_confirmed", "bo t51": "suppressed", "priya t5": "no_match"}
	for _, a := range told.WhyNot {
		if got, want := a.Why, why[a.Reader+" "+a.Comment]; got != want || a.Words == "" {
			t.Errorf("%s did not get %s because of %q (%s), want %q", a.Reader, a.Comment, got, a.Words, want)
		}
	}
	if len(told.WhyNot) != len(why) {
		t.Errorf("%d questions were answered, want %d", len(told.WhyNot), len(why))
	}
}

// checkMails reads what was really sent.
func checkMails(t *testing.T, dir string, n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(files) != n {
		t.Fatalf("%d files for %d mails (%v)", len(files), n, err)
	}
	german := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p := catcher.Parse(raw)
		if text := p.Text + p.HTML; len(p.Problems) > 0 || strings.Contains(text, "WATCHES") || strings.Contains(text, "clapping") {
			t.Errorf("%s carries what was removed, or cannot be read: %v", name, p.Problems)
		}
		if strings.Contains(p.Text, "Hallo Heike") {
			german++
		}
	}
	if german == 0 || !regexp.MustCompile(`^001-leo-confirm-[a-z0-9-]+\.eml$`).MatchString(filepath.Base(files[0])) {
		t.Errorf("%d German mails; the first file is %s", german, files[0])
	}
}

// trigger is a terminal that does something once when a text was written to it.
type trigger struct {
	mu   sync.Mutex
	all  bytes.Buffer
	text string
	do   func()
}

func (w *trigger) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}

func (w *trigger) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all.Write(b)
	if w.do != nil && strings.Contains(w.all.String(), w.text) {
		w.do()
		w.do = nil
	}
	return len(b), nil
}

// visit fetches a page as a browser does, and follows where it leads.
func visit(t *testing.T, method, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s, %v", method, url, res.Status, err)
	}
	return string(body)
}

func TestTheLiveDemoServesItsPagesAndEndsInOrderWithTheReader(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mailed := make(chan struct{})
	w := &trigger{text: "reply with 1 comment: t1", do: func() { close(mailed) }}
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"demo", "--no-browser", "--port", port}, nil, w, io.Discard, nil) }()
	select {
	case <-mailed:
	case c := <-code:
		t.Fatalf("it ended with exit code %d", c)
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(w.said())
	if page := visit(t, http.MethodGet, url+"/demo/tram"); !strings.Contains(page, "I live above the bakery") {
		t.Errorf("the paper does not show what is going on: %s", page)
	}
	if page := visit(t, http.MethodGet, url+"/catcher/"); !strings.Contains(page, "tomasz@example.org") {
		t.Errorf("the catcher does not show what is going on: %s", page)
	}
	// Leo opens his mail and presses the button of its page.
	mail := regexp.MustCompile(`/catcher/mail/\d+`).FindString(visit(t, http.MethodGet, url+"/catcher/list?to=leo"))
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+/confirm/\S+`).FindString(catcher.Parse([]byte(visit(t, http.MethodGet, url+mail+"/mail.eml"))).Text)
	if page := visit(t, http.MethodGet, link); !strings.Contains(page, "<form") {
		t.Errorf("the page of the confirm mail has no button: %s", page)
	}
	visit(t, http.MethodPost, link)
	cancel()
	if c := <-code; c != exitOK {
		t.Fatalf("exit code %d", c)
	}
	said := w.said()
	for _, want := range []string{"One minute passes each second", `\n 07:4\d  comment   Ann Verlinden `, `\n 07:4\d  settled   t1 +may be mailed`, `\n 07:4\d  mail      tomasz@example.org `, "Who got what, and why", "mails are in"} {
		if !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("the terminal does not say %q", want)
		}
	}
	if strings.Contains(said, "never confirmed") {
		t.Error("leo pressed the button, and it is still said that he did not")
	}
	dir := regexp.MustCompile(`mails are in (.*mails)`).FindStringSubmatch(said)
	if dir == nil {
		t.Fatal("the terminal does not say where the mails are")
	}
	if files, err := filepath.Glob(filepath.Join(dir[1], "*.eml")); err != nil || len(files) < 2 {
		t.Errorf("%d mails are there (%v)", len(files), err)
	}
}

func TestTheDemoOpensABrowserOnlyWhereThereIsADesktop(t *testing.T) {
	for _, env := range [][]string{{"CI=1", "DISPLAY=:0"}, {"SSH_CONNECTION=1", "DISPLAY=:0"}} {
		if wait := openBrowser("http://127.0.0.1/", env, false); wait != nil {
			wait()
			t.Errorf("a browser was opened with %v", env)
		}
	}
	if wait := openBrowser("http://127.0.0.1/", []string{"DISPLAY=:0"}, true); wait != nil {
		wait()
		t.Error("a browser was opened in spite of --no-browser")
	}
}
