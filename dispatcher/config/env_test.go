package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, err := Load(file(t, text), env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	c := load(t, "http: {listen: \"127.0.0.1:1\"}\nsettle: 1m\nsending: {storm: {mails: 9}}\n",
		"HEARBACK_HTTP_LISTEN=127.0.0.1:2", "HEARBACK_SETTLE=3m", "HEARBACK_SENDING_STORM_MAILS=7", "HEARBACK_FETCH_ALLOW=a.internal, 10.0.0.7,",
		"HEARBACK_DATABASE_URL=postgres://hb@db/x", "OTHER=1", "HEARBACK_LOG_LEVEL=", "nonsense")
	if c.HTTP.Listen != "127.0.0.1:2" || c.HTTP.BaseURL != "http://127.0.0.1:2" || c.Settle != 3*time.Minute || c.Sending.Storm.Mails != 7 {
		t.Errorf("%+v", c)
	}
	if c.Database.URL.Reveal() != "postgres://hb@db/x" || !reflect.DeepEqual(c.Fetch.Allow, []string{"a.internal", "10.0.0.7"}) || c.Log.Level != "info" {
		t.Errorf("%+v", c)
	}
	if o := c.Origin("settle"); o.Env != "HEARBACK_SETTLE" {
		t.Errorf("settle comes from %v", o)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("%q", c.Warnings)
	}
}

func TestEveryScalarKeyCanComeFromTheEnvironment(t *testing.T) {
	// One value per key, of its type; each must end up in its field.
	text := "relays: [{url: \"smtp://u@h\"}]\nschedules: [{name: n, cron: c}]\nsources: [{name: n}]\n"
	walk(reflect.TypeFor[Config](), "", func(at string, f field, ft reflect.Type) {
		if !scalar(ft) {
			return
		}
		value := map[string]string{"int": "37", "float64": "3.5", "string": "word"}[ft.Kind().String()]
		switch {
		case ft == reflect.TypeFor[time.Duration]():
			value = "37h"
		case ft.Name() == "Quiet":
			value = "21:00-06:00"
		}
		l := &loader{origins: map[string]Origin{}, files: map[string]Origin{}, env: newEnvironment([]string{envOf(at, "0") + "=" + value})}
		c := bare()
		l.parse([]byte(text), c)
		l.override(reflect.ValueOf(c).Elem(), "", envPrefix)
		if len(l.problems) > 0 {
			t.Fatalf("%s: %v", at, l.problems)
		}
		if got := strings.Trim(yamlText(lookup(reflect.ValueOf(c).Elem(), at)), `"`); got != value {
			t.Errorf("%s: %s=%s gives %q", at, envOf(at, "0"), value, got)
		}
	})
}

// lookup finds the field at a path as walk makes it; [] is the first entry.
func lookup(v reflect.Value, path string) reflect.Value {
	for part := range strings.SplitSeq(path, ".") {
		key, list := strings.CutSuffix(part, "[]")
		for _, f := range fieldsOf(v.Type()) {
			if f.key == key {
				v = v.Field(f.index)
				break
			}
		}
		if list {
			v = v.Index(0)
		}
	}
	return v
}

func TestEntriesOfListsAreNamedByNumberOrByName(t *testing.T) {
	text := "relays: [{name: my-relay, url: \"smtp://u@one\"}, {name: 2, url: \"smtp://u@two\"}]\n"
	c := load(t, text, "HEARBACK_RELAYS_MY_RELAY_PASSWORD=first", "HEARBACK_RELAYS_1_PASSWORD=second", "HEARBACK_RELAYS_1_RATE=5")
	if c.Relays[0].Password.Reveal() != "first" || c.Relays[1].Password.Reveal() != "second" || c.Relays[1].Rate != 5 {
		t.Errorf("%+v", c.Relays)
	}
}

func TestAContainerNeedsNoFile(t *testing.T) {
	c, err := Load("", []string{
		"HEARBACK_RELAYS_0_URL=smtp://u@mail.example.org:587", "HEARBACK_RELAYS_0_PASSWORD=pw",
		"HEARBACK_SITES_0_BASE_URL=https://blog.example.org", "HEARBACK_SITES_0_FROM=Blog <b@example.org>",
		"HEARBACK_SITES_1_KEY=shop", "HEARBACK_SITES_1_BASE_URL=https://shop.example.org", "HEARBACK_SITES_1_FROM=s@example.org",
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Relays) != 1 || c.Relays[0].Connections != 16 {
		t.Errorf("%+v", c.Relays)
	}
	if len(c.Sites) != 2 || c.Sites[0].Key != "default" || c.Sites[0].BaseURL != "https://blog.example.org" || c.Sites[1].Locale != "en" {
		t.Errorf("%+v", c.Sites)
	}
}

func TestMistakesInTheEnvironmentNameTheVariable(t *testing.T) {
	got := problems(t, "settle: 1m\n", "HEARBACK_SETTLE=soon", "HEARBACK_RELAYS_0_PASSWORD=pw", "HEARBACK_CATCHER_LISTEN=0.0.0.0:25")
	for _, want := range []string{`HEARBACK_SETTLE: settle "soon" is no length of time`, `HEARBACK_RELAYS_0_…: relays[0].url is missing`, `HEARBACK_CATCHER_LISTEN: catcher.listen`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	password, dsn := file(t, "  s p a c e s \r\n"), file(t, "postgres://hb:pw@db/hearback\n")
	c := load(t, "relays: [{url: \"smtp://u@h\", password_file: "+password+"}]\n", "HEARBACK_DATABASE_URL_FILE="+dsn)
	if got := c.Relays[0].Password.Reveal(); got != "  s p a c e s " {
		t.Errorf("%q", got)
	}
	if got := c.Database.URL.Reveal(); got != "postgres://hb:pw@db/hearback" {
		t.Errorf("%q", got)
	}
	if o := c.Origin("relays[0].password"); o.Line != 1 {
		t.Errorf("%v", o)
	}
	// The environment wins over a file that the file names.
	c = load(t, "relays: [{url: \"smtp://u@h\", password_file: "+password+"}]\n", "HEARBACK_RELAYS_0_PASSWORD=env")
	if got := c.Relays[0].Password.Reveal(); got != "env" {
		t.Errorf("%q", got)
	}
	if got := problems(t, "", "HEARBACK_DATABASE_URL_FILE="+dsn, "HEARBACK_DATABASE_URL=sqlite:x"); !strings.Contains(got, "is given twice") {
		t.Error(got)
	}
	if got := problems(t, "", "HEARBACK_DATABASE_URL_FILE="+file(t, "\n")); !strings.Contains(got, "HEARBACK_DATABASE_URL_FILE: database.url_file names") || !strings.Contains(got, "which is empty") {
		t.Error(got)
	}
}

func TestTheSigningSecretsFileIsNamedNotRead(t *testing.T) {
	c := load(t, "", "HEARBACK_SECURITY_SECRET_FILE=/run/secrets/none")
	if c.Security.SecretFile != "/run/secrets/none" || c.Security.Secret != "" {
		t.Errorf("%+v", c.Security)
	}
}

func TestAMistypedVariableIsWarnedOf(t *testing.T) {
	c := load(t, "", "HEARBACK_HTPP_LISTEN=x", "HEARBACK_SERVICE_HOST=10.0.0.1", "HEARBACK_PORT_8025_TCP=tcp://x", "HEARBACK_PORT=tcp://x", "HEARBACK_TEST_POSTGRES=x")
	if len(c.Warnings) != 1 || c.Warnings[0] != "the environment variable HEARBACK_HTPP_LISTEN sets nothing (did you mean HEARBACK_HTTP_LISTEN?)" {
		t.Errorf("%q", c.Warnings)
	}
}
