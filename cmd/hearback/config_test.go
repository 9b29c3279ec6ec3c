package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/config"
)

func contextCancelled() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}

func readDoc(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInitWritesAConfigurationThatLoads(t *testing.T) {
	t.Parallel()
	h := fresh(t, "")
	file := h.path("new.yaml")
	h.bare("init", "--config", file, "--site", "blog", "--name", "The Blog", "--site-url", "https://blog.example.org", "--from", "The Blog <r@blog.example.org>",
		"--relay", "smtp://me@mail.example.org:587", "--time-zone", "Europe/Berlin", "--admin-notify", "me@example.org").says("wrote DIR/new.yaml")
	c, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Sites[0].Key != "blog" || c.Sites[0].Zone != "Europe/Berlin" || c.Relays[0].URL != "smtp://me@mail.example.org:587" || c.Admin.Notify != "me@example.org" {
		t.Errorf("the file does not say what was asked: %+v", c)
	}
	if info, err := os.Stat(file); err != nil || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Errorf("others can read the file: %v %v", info.Mode(), err)
	}
}

func TestInitLeavesAnExistingFileAloneUnlessForced(t *testing.T) {
	t.Parallel()
	h := fresh(t, "")
	file := h.write("mine.yaml", "# mine\n")
	h.bare("init", "--config", file).fails(exitConflict, "exists and is left alone", "--force")
	if b, err := os.ReadFile(file); err != nil || string(b) != "# mine\n" {
		t.Errorf("the file was changed: %q %v", b, err)
	}
	golden(t, "init.json", h.bare("init", "--config", file, "--force", "--json").ok())
	if b, _ := os.ReadFile(file); !strings.Contains(string(b), "hearback check") {
		t.Errorf("the file was not replaced: %q", b)
	}
}

func TestInitRefusesWhatWouldNotLoad(t *testing.T) {
	t.Parallel()
	h := fresh(t, "")
	file := h.path("bad.yaml")
	h.bare("init", "--config", file, "--site-url", "https://b.example.org", "--from", "not an address").fails(exitInvalid, "sites[0].from")
	h.bare("init", "--config", file, "--site-url", "https://b.example.org").fails(exitInvalid, "--from")
	h.bare("init", "--config", file, "--site", "blog").fails(exitInvalid, "--site-url")
	h.bare("init", "--config", file, "--site-url", "https://b.example.org", "--from", "r@b.example.org", "--time-zone", "Europe/Berln").fails(exitInvalid, "time_zone")
	left, err := os.ReadDir(h.dir)
	if err != nil || len(left) != 1 { // config.yaml of the installation
		t.Errorf("a refused init leaves files: %v %v", left, err)
	}
}

func TestMistakesOfTheConfigurationAreToldWithLineAndMend(t *testing.T) {
	t.Parallel()
	h := fresh(t, "")
	for _, tc := range []struct {
		yaml  string
		words []string
	}{
		{"htpp:\n  listen: x\n", []string{"line 1", "htpp", "http"}},
		{"schedules:\n  - name: never\n    cron: 0 8 31 2 *\n", []string{"schedules[0]"}},
		{"schedules:\n  - name: odd\n    cron: 0 8 * * *\n    time_zone: Mars/Base\n", []string{"schedules[0]", "Mars/Base"}},
		{"sites:\n  - name: nameless\n", []string{"sites[0].key"}},
		{"database:\n  url: mysql://x\n", []string{"database.url"}},
	} {
		if !strings.Contains(tc.yaml, "database:") {
			tc.yaml += "database:\n  url: sqlite://" + filepath.ToSlash(h.path("hb.db")) + "\n"
		}
		h.write("config.yaml", tc.yaml)
		h.run("schedule", "list").fails(exitInvalid, tc.words...)
		out := h.run("check", "--json")
		if out.code != exitFailed || out.errs != "" {
			t.Errorf("check of %q: exit %d, %q", tc.yaml, out.code, out.errs)
		}
		if v := value(t, out.out); v["ok"] != false {
			t.Errorf("check says ok of %q: %s", tc.yaml, out.out)
		}
	}
	h.bare("schedule", "list", "--config", h.path("none.yaml")).fails(exitInvalid, "--config", "there is no file", "hearback init")
}

func TestTheEnvironmentOverridesTheConfiguration(t *testing.T) {
	t.Parallel()
	h := fresh(t, plain)
	h.env = []string{"HEARBACK_DATABASE_URL=sqlite://" + filepath.ToSlash(h.path("other.db"))}
	h.run("migrate").says("DIR/other.db: migrated")
	if _, err := os.Stat(h.path("other.db")); err != nil {
		t.Error(err)
	}
}

func TestMigrateSaysWhatItDid(t *testing.T) {
	t.Parallel()
	h := fresh(t, plain)
	golden(t, "migrate_status.json", h.run("migrate", "--status", "--json").ok())
	h.run("migrate", "--status").says("migrations wait")
	h.run("migrate").says("migrated (")
	h.run("migrate").says("up to date")
	h.run("migrate", "x").fails(exitInvalid, "one word too many")
}

func TestMigratePrintsTheRoleOfASite(t *testing.T) {
	t.Parallel()
	h := fresh(t, plain)
	h.run("migrate", "--role", "blog", "blog_app").says(`GRANT INSERT (site, payload) ON hearback_inbox TO "blog_app"`, "site = 'blog'")
	if v := value(t, h.run("migrate", "--role", "blog", "blog_app", "--json").ok()); !strings.Contains(v["sql"].(string), "CREATE POLICY") {
		t.Errorf("%v", v)
	}
	h.run("migrate", "--role", "blgo", "blog_app").fails(exitInvalid, "did you mean blog?")
	h.run("migrate", "--role", "blog").fails(exitInvalid, "usage: hearback migrate --role SITE ROLE")
	if _, err := os.Stat(h.path("hb.db")); err == nil {
		t.Error("printing a role made a database")
	}
}

func TestADatabaseThatCannotBeUsedIsExplained(t *testing.T) {
	t.Parallel()
	h := fresh(t, plain)
	h.write("config.yaml", "database:\n  url: sqlite://"+h.path("gone/hb.db")+"\n")
	h.run("schedule", "list").fails(exitInvalid, "database.url", "does not exist", "make the folder")
	h.write("hb.db", strings.Repeat("this is no database\n", 100))
	h.write("config.yaml", "database:\n  url: sqlite://"+h.path("hb.db")+"\n")
	h.run("schedule", "list").fails(exitUnavailable, "no SQLite database")
	h.write("config.yaml", "database:\n  url: postgres://nobody@127.0.0.1:1/none\n")
	h.run("schedule", "list").fails(exitUnavailable, "cannot be reached", "start it")
}
