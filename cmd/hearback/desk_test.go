package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
)

func TestAdminsAreAddedDisabledAndRemoved(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.in = "four tame owls sing\n"
	h.run("admin", "add", "Ann").says("added ann as admin") // the first one
	h.in = "four tame owls sing\n"
	h.run("admin", "add", "ann").fails(exitConflict, `an admin "ann" already`)
	h.in = "short\n"
	h.run("admin", "add", "ben").fails(exitInvalid, "password: needs 12 characters at least, and has 5")
	h.run("admin", "add", "ben").fails(exitInvalid, "password: is missing", "--link")
	h.run("admin", "add", "a b", "--link").fails(exitInvalid, "name:", "cannot be a name")
	h.run("admin", "add", "ben", "--link", "--role", "owner").fails(exitInvalid, "viewer, editor")
	out := h.run("admin", "add", "ben", "--link", "--json").ok()
	if v := value(t, out); v["role"] != "editor" || !strings.Contains(v["link"].(string), "/admin/link/") {
		t.Errorf("added %v", v)
	}
	h.run("admin", "role", "ben", "viewer").says("ben is viewer now")
	h.run("admin", "role", "ann", "viewer").fails(exitConflict, "last one with the role admin")
	h.run("admin", "disable", "ann").fails(exitConflict, "last one with the role admin")
	h.run("admin", "disable", "ben").says("ben is disabled and signed out")
	h.run("admin", "link", "ben").fails(exitConflict, "is disabled")
	h.run("admin", "enable", "ben").says("ben may sign in again")
	h.run("admin", "link", "ben").says("/admin/link/")
	h.run("admin", "list").says("ann", "ben", "viewer")
	h.run("admin", "remove", "ben").says("ben is removed")
	h.run("admin", "remove", "ben").fails(exitNotFound, "ben")
	acts, err := h.store().Acts(t.Context(), "(command line)", "", 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, a := range acts {
		what = append(what, a.What+" "+a.Subject)
		if strings.Contains(a.Before+a.After, "owls") {
			t.Errorf("a password is in the audit log: %+v", a)
		}
	}
	if got := strings.Join(what, ", "); got != "admin.remove ben, admin.link ben, admin.enable ben, admin.disable ben, admin.role ben, admin.link ben, admin.add ben, admin.add ann" {
		t.Errorf("the audit log has %s", got)
	}
}

func TestTheFirstLinkGoesIntoAFileAndNowhereElse(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.write("first-admin-link", "of an earlier start") // and readable by others
	if err := os.Chmod(h.path("first-admin-link"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(h.path("config.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log, errs bytes.Buffer
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	r := &root{errs: &errs}
	if err := r.tellFirstLink(t.Context(), a, c); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(h.path("first-admin-link"))
	if err != nil {
		t.Fatal(err)
	}
	link := strings.TrimSpace(string(text))
	_, secret, ok := strings.Cut(link, "/admin/link/")
	if !ok || len(secret) < 26 {
		t.Fatalf("the file holds %q", link)
	}
	if info, err := os.Stat(h.path("first-admin-link")); err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if strings.Contains(errs.String()+log.String(), secret) {
		t.Error("the link was told to what may be a log")
	}
	if !strings.Contains(errs.String(), h.path("first-admin-link")) {
		t.Errorf("it does not say where the link is: %q", errs.String())
	}
	h.in = "four tame owls sing\n"
	h.run("admin", "add", "ann").ok()
	if err := r.tellFirstLink(t.Context(), a, c); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.path("first-admin-link")); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
}

func TestWhatTheCommandsChangeIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("schedule", "set", "weekly", "--cron", "0 8 * * 1").ok()
	h.run("schedule", "pause", "weekly").ok()
	h.run("schedule", "resume", "weekly").ok()
	h.run("schedule", "remove", "weekly").ok()
	h.run("schedule", "remove", "weekly").fails(exitNotFound) // nothing happened: no line
	h.run("suppression", "add", "ann@example.org", "--detail", "asked by phone").ok()
	h.run("suppression", "remove", "ann@example.org").ok()
	h.run("subscriber", "add", "u-9", "ann@example.org").ok()
	h.run("subscriber", "remove", "u-9").ok()
	h.run("sending", "hold", "--reason", "spam wave").ok()
	h.run("key", "create", "shop", "--right", "read").ok()
	h.run("export").ok()
	h.in = `{"subscriber":{"id":"u-1","email":"ben@example.org"}}`
	h.run("import", "--dry-run").ok()
	h.in = `{"subscriber":{"id":"u-1","email":"ben@example.org"}}`
	h.run("import").ok()
	acts, err := h.store().Acts(t.Context(), "(command line)", "", 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, a := range acts {
		what = append(what, strings.TrimRight(a.What+" "+a.Subject+" "+a.After, " "))
	}
	want := []string{"import readers of blog 1 record", "export readers of blog", "key.create shop read", "sending.set all mail hold: spam wave", "subscriber.erase u-9 of blog", "suppression.remove ann@example.org of blog",
		"suppression.add ann@example.org of blog asked by phone", "schedule.remove weekly", "schedule.resume weekly", "schedule.pause weekly", "schedule.set weekly 0 8 * * 1"}
	if !slices.Equal(what, want) {
		t.Errorf("the audit log has\n%s\nwant\n%s", strings.Join(what, "\n"), strings.Join(want, "\n"))
	}
}
