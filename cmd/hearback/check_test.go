package main

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/store"
)

// checked runs check and gives the findings by "area status", and the exit code.
func (h *hb) checked(args ...string) (map[string][]string, int) {
	h.t.Helper()
	r := h.run(append([]string{"check", "--json"}, args...)...)
	if r.errs != "" {
		h.t.Fatalf("check: %s", r.errs)
	}
	found := map[string][]string{}
	v := value(h.t, r.out)
	for _, f := range v["findings"].([]any) {
		m := f.(map[string]any)
		key := m["area"].(string) + " " + m["status"].(string)
		mend, _ := m["mend"].(string)
		found[key] = append(found[key], m["says"].(string)+" ["+mend+"]")
		if m["status"] == statusFail && v["ok"] != false {
			h.t.Errorf("something failed and all is ok: %s", r.out)
		}
	}
	return found, r.code
}

// want demands a finding with words.
func want(t *testing.T, found map[string][]string, key string, words ...string) {
	t.Helper()
	text := strings.Join(found[key], "\n")
	if len(found[key]) == 0 {
		t.Errorf("nothing is %q in %v", key, found)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q: %s", key, w, text)
		}
	}
}

func TestCheckOfAFreshInstallationFindsNothingWrongAndChangesNothing(t *testing.T) {
	t.Parallel()
	h := fresh(t, plain)
	found, code := h.checked()
	if code != exitOK {
		t.Errorf("exit %d: %v", code, found)
	}
	want(t, found, "database warn", "is not there yet")
	want(t, found, "relay warn", "stays in the built-in catcher")
	want(t, found, "schedule ok", "daily: every day at 08:00 (site), next Tue 2026-06-09 08:00 +02:00")
	want(t, found, "retention ok", "35d")
	left, err := os.ReadDir(h.dir)
	if err != nil || len(left) != 1 {
		t.Errorf("check left files: %v %v", left, err)
	}
	h.run("migrate").ok()
	golden(t, "check.json", mask(h.run("check", "--json").ok(), h.dir, "DIR"))
	golden(t, "check.txt", h.run("check").ok())
}

func TestCheckSaysWhatARelayRefuses(t *testing.T) {
	t.Parallel()
	sink := newRelay(t, "right")
	h := install(t, plain+"relays:\n  - name: main\n    url: smtp://me@"+sink.addr+"\n    tls: none\n    password: wrong\n")
	found, code := h.checked()
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	want(t, found, "relay ok", "main: connected to ")
	want(t, found, "relay fail", "main: ", "password")
	if n := len(sink.delivered()); n != 0 {
		t.Errorf("check sent %d mails", n)
	}
	found, code = h.checked("--offline")
	if code != exitOK || len(found["relay fail"]) != 0 {
		t.Errorf("--offline asks the relay: %d %v", code, found)
	}
	found, _ = install(t, plain+"relays:\n  - name: main\n    url: smtp://127.0.0.1:1\n    tls: none\n").checked()
	want(t, found, "relay fail", "main: ")
}

func TestCheckOfAWorkingRelayIsContent(t *testing.T) {
	t.Parallel()
	sink := newRelay(t, "right")
	h := install(t, plain+"relays:\n  - name: main\n    url: smtp://me@"+sink.addr+"\n    tls: none\n    password: right\n")
	found, code := h.checked()
	if code != exitOK || len(found["relay fail"]) != 0 {
		t.Errorf("exit %d: %v", code, found)
	}
}

func TestCheckJudgesWhetherReadersReachTheLinks(t *testing.T) {
	t.Parallel()
	away := "relays:\n  - name: main\n    url: smtp://mail.example.org:587\n"
	for _, tc := range []struct{ yaml, key, words string }{
		{plain, "web ok", "on this machine only"},
		{plain + away, "web fail", "only this machine can open"},
		{plain + away + "http:\n  base_url: http://mail.example.org\n", "web warn", "no button for unsubscribing"},
		{plain + away + "http:\n  base_url: https://mail.example.org\n", "web ok", "https://mail.example.org"},
	} {
		found, _ := install(t, tc.yaml).checked("--offline")
		want(t, found, tc.key, tc.words)
	}
}

func TestCheckTellsOfWhatWaitsForAPerson(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	st := h.store()
	if err := st.Raise(t.Context(), "source:shop", "the source shop is paused", "look at the site"); err != nil {
		t.Fatal(err)
	}
	if err := st.SetSwitch(t.Context(), store.Switch{Mode: "hold", Reason: "moving"}); err != nil {
		t.Fatal(err)
	}
	h.run("schedule", "pause", "daily").ok()
	h.in = "{}\n" + event(1)
	h.run("enqueue")
	h.now = h.now.Add(3600e9)
	found, code := h.checked()
	if code != exitOK {
		t.Errorf("warnings make the exit code %d", code)
	}
	want(t, found, "notice warn", "the source shop is paused", "1 time", "[look at the site]")
	want(t, found, "sending warn", "all mail is on hold: moving", "hearback sending on", "no daemon is running")
	want(t, found, "schedule warn", "daily is paused")
	want(t, found, "event warn", "1 event was rejected", "1 event waits in the inbox, the oldest for 1h")
}

func TestCheckReadsSourcesAndKeepsNothing(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.write("config.yaml", h.config()+sqlSource(h.comments(3)))
	found, _ := h.checked()
	want(t, found, "source ok", "shop answers with 3 comments")
	if n, _, err := h.store().InboxDepth(t.Context()); err != nil || n != 0 {
		t.Errorf("check put %d events into the inbox: %v", n, err)
	}
	h.write("config.yaml", h.config()+strings.Replace(sqlSource(h.path("site.db")), "FROM comment", "FROM nothing", 1))
	found, code := h.checked()
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	want(t, found, "source fail", "shop: ", "nothing")
}

func TestCheckFindsWhatTheConfigurationAloneCannotShow(t *testing.T) {
	t.Parallel()
	h := install(t, plain+"  - name: never\n    cron: 0 8 31 2 *\nretention:\n  log: 35d\n")
	found, code := h.checked("--offline")
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	want(t, found, "schedule fail", "schedules[1].cron", "config.yaml line")
	h = install(t, plain+"  - name: yearly\n    cron: 0 8 1 1 *\n")
	found, _ = h.checked("--offline")
	want(t, found, "retention ok", "kept for 381d") // a default is raised to what is needed
	h = install(t, plain+"  - name: yearly\n    cron: 0 8 1 1 *\nretention:\n  log: 40d\n")
	found, _ = h.checked("--offline")
	want(t, found, "retention fail", "retention.log", "set it to")
	h = install(t, strings.Replace(plain, "    time_zone: Europe/Berlin", "    schedule: hourly", 1))
	found, _ = h.checked("--offline")
	want(t, found, "schedule fail", `there is no schedule "hourly"`)
	h = install(t, plain+"security:\n  secret_file: "+h.path("none")+"\n")
	found, _ = h.checked("--offline")
	want(t, found, "secret fail", "none")
}

func TestAReadOnlyDatabaseIsExplained(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.freeze()
	found, code := h.checked("--offline")
	if code != exitFailed {
		t.Errorf("exit %d: %v", code, found)
	}
	want(t, found, "database fail")
	r := h.run("subscriber", "add", "u-1", "ann@example.org")
	if said := regexp.MustCompile(`^hearback: .*read-?only`); r.code == exitOK || !said.MatchString(r.errs) || !said.MatchString("hearback: "+found["database fail"][0]) {
		t.Errorf("exit %d, %q and %q do not say why", r.code, r.errs, found["database fail"])
	}
}

// freeze makes the database file one that SQLite reads and does not write, for
// every user: the file says that it was written by a later version.
func (h *hb) freeze() {
	h.t.Helper()
	f, err := os.OpenFile(h.path("hb.db"), os.O_RDWR, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{3}, 18) // "file format write version"
	if err = errors.Join(err, f.Close()); err != nil {
		h.t.Fatal(err)
	}
}
