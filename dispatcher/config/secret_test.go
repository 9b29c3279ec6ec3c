package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestASecretHidesItselfWhereverItIsPrinted(t *testing.T) {
	for _, secret := range []Secret{"hunter2", "postgres://hb:hunter2@db/x", "postgresql://db/x?password=hunter2", "postgres://hb:hunter2 @db", "http://x:hunter2@y", "host=db password=hunter2"} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "relay", Relay{Password: secret})
		js, err := json.Marshal(map[string]any{"s": secret, "r": Relay{Password: secret}})
		if err != nil {
			t.Fatal(err)
		}
		ym, err := yaml.Marshal(Relay{Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		all := []string{log.String(), string(js), string(ym)}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			all = append(all, fmt.Sprintf(format, secret), fmt.Sprintf(format, Relay{Password: secret}), fmt.Sprintf(format, &Config{Relays: []Relay{{Password: secret}}}))
		}
		for _, s := range all {
			if strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("%s", s)
			}
		}
		if !strings.Contains(secret.Reveal(), "hunter2") {
			t.Error("Reveal hides it too")
		}
	}
}

func TestADatabaseIsStillToldApartWhenItsPasswordIsHidden(t *testing.T) {
	for secret, want := range map[Secret]string{
		"": "", "sqlite:hearback.db": "sqlite:hearback.db", "sqlite:///var/h.db": "sqlite:///var/h.db",
		"postgres://hb:pw@db:5432/hearback?sslmode=disable": "postgres://hb:" + mask + "@db:5432/hearback", "postgres://hb@db/hearback": "postgres://hb@db/hearback",
	} {
		if got := secret.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNoMistakeShowsASecret(t *testing.T) {
	got := problems(t, `database: {url: "postgres://hb:hunter2%zz@db"}
relays:
  - {url: "smtp://u:hunter2@h"}
  - {url: "smtp://u:hunter2%zz@h"}
  - {name: x, url: "smtp://h", password: hunter2}
  - {name: y, url: "smtp://u@h", password: [hunter2]}
sources:
  - {name: s, type: sql, query: q, database_url: "mysql://u:hunter2@h/x"}
  - {name: w, type: wordpress, url: "https://u:hunter2@blog.example.org"}
security: {secret: hunter2}
`)
	if strings.Contains(got, "hunter2") {
		t.Error(got)
	}
	if n := strings.Count(got, "\n"); n != 8 {
		t.Errorf("%d lines:\n%s", n, got)
	}
}

func TestAPasswordInAFileThatAllCanReadIsWarnedOf(t *testing.T) {
	for text, want := range map[string]int{
		"relays: [{url: \"smtp://u@h\", password: hunter2}]\n": 1,
		"database: {url: \"postgres://hb:hunter2@db/x\"}\n":    1,
		"database: {url: \"sqlite:x.db\"}\n":                   0,
	} {
		path := file(t, text)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Warnings) != want || want == 1 && !strings.Contains(c.Warnings[0], "chmod 600") {
			t.Errorf("%s: %q", text, c.Warnings)
		}
	}
}
