package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestSchedulesAreSetListedPausedAndRemoved(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	golden(t, "schedule_set.json", h.run("schedule", "set", "weekly", "--cron", "0 8 * * 1", "--time-zone", "subscriber", "--catch-up", "3d", "--json").ok())
	golden(t, "schedule_list.json", h.run("schedule", "list", "--json").ok())
	h.run("schedule", "set", "weekly", "--min-items", "3").says("changed the schedule weekly", "on Mondays at 08:00", "3 to 50", "up to 3d")
	h.run("schedule", "pause", "weekly").says("weekly is paused")
	h.run("schedule", "run", "weekly").fails(exitConflict, "is paused", "hearback schedule resume weekly")
	h.run("schedule", "resume", "weekly").says("weekly is running")
	h.run("schedule", "show", "weekly").says("merge", "Mon 2026-06-15 08:00 +02:00")
	h.run("subscriber", "add", "u-1", "ann@example.org", "--schedule", "weekly").ok()
	h.run("schedule", "remove", "weekly").fails(exitConflict, "move_to")
	h.run("schedule", "remove", "weekly", "--move-to", "daily").says("removed weekly")
	h.run("schedule", "remove", "weekly").fails(exitNotFound)
	h.run("schedule", "remove", "immediate").fails(exitConflict, "built in")
	h.run("schedule", "set", "immediate", "--quiet-hours", "22:00-07:00").says("22:00-07:00")
}

func TestASchedulesMistakesAreExplained(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("schedule", "set", "never", "--cron", "0 8 31 2 *").fails(exitInvalid, "cron: ", "never")
	h.run("schedule", "set", "odd", "--cron", "TZ=UTC").fails(exitInvalid, "cron: ")
	h.run("schedule", "set", "odd", "--cron", "0 8 * * *", "--time-zone", "Mars/Base").fails(exitInvalid, "time_zone: ", "Europe/Berlin")
	h.run("schedule", "set", "odd").fails(exitInvalid, "cron: ")
	h.run("schedule", "set", "odd", "--cron", "@daily", "--catch-up", "soon").fails(exitInvalid, "--catch-up", "36h or 7d")
	h.run("schedule", "set", "odd", "--cron", "0 23 * * *", "--quiet-hours", "22:00-07:00").fails(exitInvalid, "quiet_hours: ")
	h.run("schedule", "set", "Odd Name", "--cron", "@daily").fails(exitInvalid, "name: ")
	h.run("schedule", "set", "daily", "--cron", "@weekly").fails(exitConflict, "config file", "change it there")
	h.run("schedule", "show", "dialy").fails(exitNotFound, `"dialy"`)
}

func TestTheNextRunsAreShownAcrossClockChanges(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	spring := []string{"schedule", "next", "--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--from", "2026-03-28T00:00:00Z", "--count", "3"}
	golden(t, "schedule_next.json", h.run(append(spring, "--json")...).ok())
	h.run(spring...).says("Sun 2026-03-29 03:00 +02:00", "02:30 is left out")
	h.run("schedule", "next", "daily", "--count", "1").says("in the time zone Europe/Berlin", "Tue 2026-06-09 08:00 +02:00")
	h.run("schedule", "next", "daily", "--zone", "Mars/Base").fails(exitInvalid, "Mars/Base")
	h.run("schedule", "next", "daily", "--from", "tomorrow").fails(exitInvalid, "--from")
	h.run("schedule", "next", "daily", "--count", "0").fails(exitInvalid, "--count")
	h.run("schedule", "next", "immediate").fails(exitInvalid, "not by the clock")
	h.run("schedule", "next").fails(exitInvalid, "NAME")
	h.run("schedule", "next", "--cron", "61 * * * *").fails(exitInvalid, "cron: ")
}

func TestRunOpensASlotInEachTimeZoneThatHasReaders(t *testing.T) {
	t.Parallel()
	h := install(t, plain+"  - name: morning\n    cron: 0 7 * * *\n    time_zone: subscriber\n")
	h.run("schedule", "run", "morning").says("no reader is on the schedule morning yet")
	for id, zone := range map[string]string{"u-1": "Europe/Berlin", "u-2": "Asia/Tokyo"} {
		h.run("subscriber", "add", id, id+"@example.org", "--confirmed", "--time-zone", zone).ok()
		h.run("subscription", "add", id, "site", "--schedule", "morning").ok()
	}
	h.now = h.now.Add(60e9)
	golden(t, "schedule_run.json", h.run("schedule", "run", "morning", "--json").ok())
	slots, err := h.store().Slots(t.Context(), "morning", 0, 10)
	if err != nil || len(slots) != 2 {
		t.Errorf("%d slots were opened: %v", len(slots), err)
	}
}

func TestTheSwitchHoldsRedirectsAndReleases(t *testing.T) {
	t.Parallel()
	h := install(t, plain+"relays:\n  - name: main\n    url: smtp://mail.example.org:587\n")
	golden(t, "sending.json", h.run("sending", "--json").ok())
	h.run("sending", "hold", "--reason", "moving").says("all mail  hold", "moving")
	golden(t, "sending_hold.json", h.run("sending", "--json").ok())
	h.run("sending", "redirect", "me@example.org", "--site", "blog").says("site:blog  redirect to me@example.org")
	h.run("sending", "hold", "--relay", "main").says("relay:main")
	h.run("sending", "on").says("all mail    on")
	h.run("sending", "redirect", "me").fails(exitInvalid, "email: ")
	h.run("sending", "redirect").fails(exitInvalid, "ADDRESS: is missing")
	h.run("sending", "hold", "--relay", "mian").fails(exitInvalid, "did you mean main?")
	h.run("sending", "hold", "--site", "x").fails(exitNotFound, "blog")
	h.run("sending", "hold", "--site", "blog", "--relay", "main").fails(exitInvalid, "--relay")
	h.run("sending", "hodl").fails(exitInvalid, "did you mean: hearback sending hold")
}

func TestAKeyIsShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	out := h.run("key", "create", "backend", "--site", "blog", "--right", "events:write,read", "--json").ok()
	plainKey := value(t, out)["key"].(string)
	golden(t, "key_create.json", mask(out, `hb_[\w-]+`, "hb_…"))
	if key, err := h.store().FindKey(t.Context(), plainKey); err != nil || key.Name != "backend" {
		t.Errorf("the key that was shown is not found: %+v %v", key, err)
	}
	list := h.run("key", "list", "--json").ok()
	if strings.Contains(list, plainKey) {
		t.Error("the list shows the key")
	}
	golden(t, "key_list.json", mask(list, `hb_[\w-]+`, "hb_…"))
	h.run("key", "revoke", "1").says("key 1 is refused")
	if _, err := h.store().FindKey(t.Context(), plainKey); dispatcher.CodeOf(err) != dispatcher.CodeUnauthorized {
		t.Errorf("a revoked key is still good: %v", err)
	}
	h.run("key", "revoke", "9").fails(exitNotFound)
	h.run("key", "create", "backend").fails(exitInvalid, "--right", "events:write")
	h.run("key", "create", "backend", "--right", "read", "--site", "x").fails(exitNotFound, "blog")
}

func TestMessagesAreListedShownAndSentAgain(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("message", "list").says("no messages")
	golden(t, "template_test.json", h.run("template", "test", "test", "me@example.org", "--json").ok())
	golden(t, "message_list.json", h.run("message", "list", "--json").ok())
	golden(t, "message_show.json", h.run("message", "show", "1", "--json").ok())
	h.run("message", "list", "--state", "due").says("me@example.org", "due")
	h.run("message", "list", "--subscriber", "u-1").fails(exitNotFound, `"u-1"`)
	h.run("message", "show", "7").fails(exitNotFound, `no message "7"`)
	h.run("message", "retry", "1").fails(exitConflict, "the message is due")
	h.run("message", "retry", "7").fails(exitNotFound)
	h.fail(1)
	h.run("message", "show", "1").says("failed", "550", "no such user")
	h.run("message", "retry", "1").says("message 1 is due now")
}

// fail lets a worker end a message as a relay's 550 does.
func (h *hb) fail(id int64) {
	h.t.Helper()
	st := h.store()
	worker, err := st.RegisterWorker(h.t.Context(), "test", 60e9)
	if err != nil {
		h.t.Fatal(err)
	}
	claimed, err := st.Claim(h.t.Context(), worker, 10, nil)
	if err != nil || len(claimed) != 1 || claimed[0].ID != id {
		h.t.Fatalf("claimed %+v: %v", claimed, err)
	}
	attempt := dispatcher.Attempt{Message: id, At: h.now, Relay: "main", Outcome: dispatcher.OutcomeFailed, Code: 550, Text: "5.1.1 no such user"}
	if _, err := st.Complete(h.t.Context(), completions(id, worker, &attempt)); err != nil {
		h.t.Fatal(err)
	}
}

func TestATemplateIsEditedTriedPublishedAndRolledBack(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("template", "list").says("built in: ", "digest")
	h.run("template", "show", "digest").says("version 0 (built_in)", "-- html --")
	subject := h.write("subject.tmpl", `News from {{.Site.Name}}`)
	h.run("template", "edit", "digest", "--subject", subject).says("saved version 1 as a draft", "hearback template preview digest --locale en --version 1")
	h.run("template", "preview", "digest", "--version", "1").says("Subject: News from The Blog")
	preview := value(t, h.run("template", "preview", "digest", "--json").ok())
	if len(preview) != 3 || preview["subject"] == "" || strings.Contains(preview["subject"].(string), "News from") {
		t.Errorf("a draft is in force, or the keys are others: %v", preview)
	}
	golden(t, "template_publish.json", h.run("template", "publish", "digest", "1", "--json").ok())
	h.run("template", "preview", "digest").says("Subject: News from The Blog")
	h.run("template", "list").says("active")
	h.run("template", "rollback", "digest").says("the built-in template is in force")
	h.run("template", "rollback", "digest").fails(exitNotFound)
	h.run("template", "publish", "digest", "9").fails(exitNotFound)
	h.run("template", "preview", "reply", "--html").says("<html")
}

func TestABadTemplateIsRefusedWithPartAndMend(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.in = "{{.Nonsense}}"
	h.run("template", "edit", "digest", "--subject", "-").fails(exitInvalid, "subject", "Nonsense")
	h.run("template", "edit", "digest", "--html", h.path("none")).fails(exitInvalid, "--html", "none")
	h.run("template", "edit", "digest").fails(exitInvalid, "EDITOR")
	h.run("template", "preview", "digest", "--version", "3").fails(exitNotFound)
}

func TestATemplateIsEditedInTheAdminsEditor(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	// An editor that changes the second of html, subject and text.
	h.env = []string{"EDITOR=" + h.write("ed", "#!/bin/sh\nprintf 'From the editor' > \"$2\"\n"), "PATH=/usr/bin:/bin"}
	makeExecutable(t, h.path("ed"))
	h.run("template", "edit", "test").says("saved version 1")
	h.run("template", "preview", "test", "--version", "1").says("Subject: From the editor")
	h.env = []string{"EDITOR=true", "PATH=/usr/bin:/bin"}
	h.run("template", "edit", "test").fails(exitInvalid, "nothing was changed")
	h.env = []string{"EDITOR=false", "PATH=/usr/bin:/bin"}
	h.run("template", "edit", "test").fails(exitInvalid, "EDITOR")
}

func TestATemplateIsTriedThroughTheRelay(t *testing.T) {
	t.Parallel()
	sink := newRelay(t, "")
	h := install(t, plain+"relays:\n  - name: main\n    url: smtp://"+sink.addr+"\n    tls: none\n")
	h.run("template", "test", "digest", "me@example.org").says("sent to me@example.org: main says: 250")
	mails := sink.delivered()
	if len(mails) != 1 || mails[0].to != "me@example.org" || mails[0].from != "replies@blog.example.org" {
		t.Fatalf("%+v", mails)
	}
	if !strings.Contains(mails[0].data, "text/plain") || !strings.Contains(mails[0].data, "text/html") {
		t.Errorf("the mail has not both parts:\n%s", mails[0].data)
	}
	gone := h.run("template", "test", "digest", "gone@example.org", "--json")
	if gone.code != exitFailed || value(t, gone.out)["outcome"] != "failed" {
		t.Errorf("exit %d, %s", gone.code, gone.out)
	}
	h.run("sending", "redirect", "boss@example.org").ok()
	h.run("template", "test", "digest", "me@example.org").says("sent to boss@example.org")
	h.run("sending", "hold").ok()
	h.run("template", "test", "digest", "me@example.org").fails(exitConflict, "held back")
	install(t, plain).run("template", "test", "digest", "me@example.org").fails(exitConflict, "relays", "preview")
}

func TestSourcesArePolledPausedAndResumed(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	golden(t, "source_none.json", h.run("source", "list", "--json").ok())
	h.run("source", "poll", "shop").fails(exitNotFound, "sources: none are configured")
	h.write("config.yaml", h.config()+sqlSource(h.comments(3)))
	golden(t, "source_list.json", h.run("source", "list", "--json").ok())
	golden(t, "source_poll.json", h.run("source", "poll", "shop", "--json").ok())
	h.run("source", "list").says("shop", "ready")
	h.run("source", "pause", "shop", "--reason", "moving").says("paused", "moving")
	h.run("source", "poll", "shop").fails(exitConflict, "is paused", "resume it first")
	h.run("source", "resume", "shop", "--admit", "some").fails(exitInvalid, "notify")
	h.run("source", "resume", "shop", "--admit", "record").says("ready")
	h.run("source", "poll", "shpo").fails(exitNotFound, `"shpo"`)
}

func (h *hb) config() string {
	return "database:\n  url: sqlite://" + filepath.ToSlash(h.path("hb.db")) + "\n" + plain
}
