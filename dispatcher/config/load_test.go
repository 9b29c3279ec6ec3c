package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// file writes text into a private file and gives its path.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// problems loads text and gives its mistakes, one in a line.
func problems(t *testing.T, text string, env ...string) string {
	t.Helper()
	_, err := Load(file(t, text), env)
	if err == nil {
		return ""
	}
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("not a list of problems: %v", err)
	}
	return ps.Error()
}

func TestNothingAtAllGivesAWorkingConfiguration(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database.URL != "sqlite:hearback.db" || c.HTTP.Listen != "127.0.0.1:8025" || c.HTTP.BaseURL != "http://127.0.0.1:8025" {
		t.Errorf("%+v", c)
	}
	if len(c.Sites) != 1 || c.Sites[0].Key != "default" || c.Sites[0].Schedule != dispatcher.Immediate || len(c.Relays) != 0 {
		t.Errorf("%+v", c)
	}
	if path, ok := DatabasePath(c.Database.URL.Reveal()); !ok || path != "hearback.db" {
		t.Errorf("%q %v", path, ok)
	}
}

func TestAFileThatIsNotThereIsAnErrorThatNamesIt(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if err == nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestAFileOfCommentsGivesTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "http:\nsites:\ndatabase:\n  url:\n"} {
		c, err := Load(file(t, text), nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		c.origins = nil
		if !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

func TestAFullFileIsRead(t *testing.T) {
	c, err := Load(file(t, `
database: {url: "postgres://hb@db/hearback"}
http: {listen: ":80", base_url: "https://mail.example.org/", trusted_proxies: [10.0.0.0/8, "::1"]}
sites:
  - {key: blog, name: The Blog, base_url: "https://blog.example.org/", from: "The Blog <r@example.org>", locale: de-AT, time_zone: Europe/Vienna, schedule: daily}
  - {key: shop, base_url: "https://shop.example.org", from: s@example.org, sending: hold}
relays:
  - {url: "smtps://me@example.org@mail.example.org", password: 012345, connections: 4, rate: 2.5, pipelining: off}
schedules:
  - {name: daily, cron: "0 8 * * *", time_zone: subscriber, misfire: skip, catch_up: 2d12h, min_items: 3, max_items: 20, quiet_hours: "22:00-07:00", label: each morning}
sources:
  - {name: blog, site: blog, type: wordpress, url: "https://blog.example.org", settle: 0, allow_private: wordpress.internal}
  - {name: shop, site: shop, type: sql, database_url: "sqlite:shop.db", query: SELECT 1}
settle: 90s
sending: {mode: "redirect: me@example.org", storm: {mails: 3, within: 30m}, daily_cap: 10}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Sites[0].Domain(); s != (dispatcher.Site{Key: "blog", Name: "The Blog", BaseURL: "https://blog.example.org", From: "The Blog <r@example.org>", Locale: "de-AT", Zone: "Europe/Vienna", Schedule: "daily"}) {
		t.Errorf("%+v", s)
	}
	if s := c.Sites[1]; s.Name != "shop" || s.Zone != "UTC" || s.Sending != "hold" {
		t.Errorf("%+v", s)
	}
	if r := c.Relays[0]; r.Name != "mail.example.org" || r.TLS != "" || r.Password.Reveal() != "012345" || r.Rate != 2.5 || r.Pipelining != "off" {
		t.Errorf("%+v", r)
	}
	want := dispatcher.Schedule{Name: "daily", Spec: "0 8 * * *", Zone: "subscriber", Misfire: dispatcher.MisfireSkip, CatchUp: 60 * time.Hour,
		MinItems: 3, MaxItems: 20, Quiet: dispatcher.Quiet{From: 22 * 60, To: 7 * 60}, Label: "each morning", FromFile: true}
	if s := c.Schedules[0].Domain(); s != want {
		t.Errorf("%+v", s)
	}
	if s := c.Sources[0]; s.Settle != 0 || s.MaxAge != 14*day || !reflect.DeepEqual(s.AllowPrivate, []string{"wordpress.internal"}) {
		t.Errorf("%+v", s)
	}
	if s := c.Sources[1]; s.Settle != 90*time.Second {
		t.Errorf("a source follows the top level: %+v", s)
	}
	if o := c.Origin("relays[0].rate"); o.Line != 8 {
		t.Errorf("rate comes from %v", o)
	}
}

func TestEveryFieldOfASiteReachesTheDomain(t *testing.T) {
	s := Site{Key: "1", Name: "2", BaseURL: "3", From: "4", Locale: "5", Zone: "6", Schedule: "7", Sending: "8"}
	d := reflect.ValueOf(s.Domain())
	for i := range d.NumField() {
		if d.Field(i).IsZero() {
			t.Errorf("%s is not carried over", d.Type().Field(i).Name)
		}
	}
}

func TestMistakesAreAllToldWithLineAndMend(t *testing.T) {
	got := problems(t, `databse:
  url: x
http:
  listn: 127.0.0.1:80
  base_url: ftp://x
relays:
  - url: smtp://mail.example.org
    tls: ssl
    connections: many
settle: 5
sending: {mode: maybe, sending: 1}
retention: {log: 20d, messages: 1w}
from: x
`)
	for _, want := range []string{
		`line 1: databse is no known key (did you mean "database"?)`,
		`line 4: http.listn is no known key (did you mean "listen"?)`,
		`line 5: http.base_url is no web address`,
		`line 8: relays[0].tls "ssl" is not known (use starttls, implicit, opportunistic or none)`,
		`line 9: relays[0].connections "many" is no whole number`,
		`line 10: settle "5" is no length of time`,
		`line 11: sending.mode "maybe" is no sending mode`,
		`line 11: sending.sending is no known key`,
		`line 12: retention.log is 20d, which is too short (set it to 35d or more)`,
		`line 12: retention.messages is 7d`,
		`line 13: from is no known key (did you mean sites[].from?)`,
		`has 11 mistakes:`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func TestOneMistakeAtATime(t *testing.T) {
	site := "sites: [{key: blog, base_url: \"https://b.example\", from: b@b.example%s}]\n"
	relay := "relays: [{url: \"%s\"%s}]\n"
	source := "sources: [{name: s%s}]\n"
	for _, c := range []struct{ text, want string }{
		{"http: 7\n", `http needs keys of its own and is a single value`},
		{"sites: {key: x}\n", `sites is a list and was given a group of keys (begin each entry with "- ")`},
		{"sites: []\n", `sites is empty`},
		{"database: {url: [a]}\n", `database.url is a list (write one value)`},
		{"settle: 1m\nsettle: 2m\n", `settle is already in line 1 (keep one of the two)`},
		{"settle: 1m\n---\nsettle: 2m\n", `a second document`},
		{"a: b: c\n", `line 1: is not YAML: mapping values are not allowed in this context (put quotes round`},
		{"http:\n\tlisten: x\n", `is not YAML`},
		{"settle: -5m\n", `"-5m" is no length of time`},
		{"settle: 1000000d\n", `too long`},
		{"max_age: 1m\n", `max_age is 1m, which is too short`},
		{"database: {url: mysql://x/y}\n", `database.url begins with neither sqlite: nor postgres://`},
		{"database: {url: \"postgres://host\"}\n", `database.url names no database`},
		{"database: {url: \"sqlite:\"}\n", `database.url names no file`},
		{"http: {listen: 8025}\n", `http.listen "8025" is no address to listen on (write host and port`},
		{"http: {listen: \"127.0.0.1:http-nope\"}\n", `no address to listen on`},
		{"http: {trusted_proxies: [proxy]}\n", `http.trusted_proxies[0] "proxy" is neither an address nor a network`},
		{"http: {cors_origins: [\"*\"]}\n", `http.cors_origins[0] "*" would let any page call the API (list the origins one by one)`},
		{"http: {cors_origins: [https://app.example.org, \"https://app.example.org/\"]}\n", `http.cors_origins[1] "https://app.example.org/" is no origin (write scheme and host`},
		{"http: {cors_origins: [app.example.org]}\n", `http.cors_origins[0] "app.example.org" is no origin`},
		{"http: {cors_origins: [https://App.example.org]}\n", `http.cors_origins[0] "https://App.example.org" is no origin`},
		{"http: {cors_origins: [\"https://app.example.org:443\"]}\n", `names the scheme's own port`},
		{strings.Replace(site, "key: blog", "key: The Blog", 1), `sites[0].key "The Blog" is no short name`},
		{strings.Replace(site, "key: blog", "key: a-key-that-is-far-too-long-for-links", 1), `at most 24`},
		{"sites: [{key: b, from: b@b.example}]\n", `sites[0].base_url is missing`},
		{"sites: [{key: b, base_url: \"https://b.example\"}]\n", `sites[0].from is missing`},
		{strings.Replace(site, "%s", ", time_zone: Mars/Olympus", 1), `sites[0].time_zone "Mars/Olympus" is no time zone`},
		{strings.Replace(site, "%s", ", time_zone: Local", 1), `"Local" is no time zone`},
		{strings.Replace(site, "%s", ", locale: \"../x\"", 1), `sites[0].locale "../x" is no language`},
		{strings.Replace(site, "%s", ", sending: \"redirect: nobody\"", 1), `sites[0].sending "nobody" is no mail address`},
		{strings.Replace(relay, "%s", "http://x", 1), `relays[0].url begins with neither smtp:// nor smtps://`},
		{strings.Replace(relay, "%s", "smtps://u@h\", tls: \"starttls", 1), `smtps:// means implicit TLS`},
		{strings.Replace(strings.Replace(relay, "%s", "smtp://h", 1), "%s", ", password: x", 1), `names no user for the password`},
		{"relays: [{url: \"smtp://h\"}, {url: \"smtp://h\"}]\n", `relays[1].name "h" is also the name of relays[0]`},
		{"schedules: [{name: a, cron: x}, {name: a, cron: y}]\n", `schedules[1].name "a" is also the name of schedules[0]`},
		{"schedules: [{name: immediate, cron: x}]\n", `built-in schedule`},
		{"schedules: [{name: a, cron: x, quiet_hours: night}]\n", `schedules[0].quiet_hours "night" is no span of hours`},
		{"schedules: [{name: a, cron: x, min_items: 60}]\n", `schedules[0].min_items is 60 (use 0 to 50)`},
		{"schedules: [{name: a, cron: x, misfire: ignore}]\n", `use merge or skip`},
		{strings.Replace(source, "%s", ", type: drupal", 1), `sources[0].type "drupal" is not known (use wordpress or sql)`},
		{strings.Replace(source, "%s", ", type: wordpress", 1), `sources[0].url is missing`},
		{strings.Replace(source, "%s", ", type: sql, query: q", 1), `sources[0].database_url is missing`},
		{strings.Replace(source, "%s", ", type: sql, database_url: \"sqlite:x\"", 1), `sources[0].query is missing`},
		{strings.Replace(source, "%s", ", site: other, type: wordpress, url: \"https://x\"", 1), `sources[0].site "other" is no site (use the key of a site: default)`},
		{strings.Replace(source, "%s", ", type: wordpress, url: \"https://x\", interval_min: 1h", 1), `interval_max is 5m and below interval_min, 1h`},
		{strings.Replace(source, "%s", ", type: wordpress, url: \"https://x\", username: u", 1), `belong together`},
		{strings.Replace(source, "%s", ", type: sql, database_url: \"sqlite:x\", query: q, since: dates", 1), `sources[0].since "dates" is not known`},
		{strings.Replace(source, "%s", ", type: sql, database_url: \"sqlite:x\", query: q, absent: gone", 1), `sources[0].absent "gone" is not known (write removed`},
		{"catcher: {listen: \":1025\"}\n", `catcher.listen ":1025" is not on this machine alone`},
		{"log: {level: loud}\n", `log.level "loud" is not known (use debug, info, warn or error)`},
		{"security: {secret: short}\n", `security.secret has 5 characters and needs at least 32`},
		{"fetch: {allow: [\"http://x\"]}\n", `fetch.allow[0] "http://x" is no host`},
		{"admin: {notify: nobody}\n", `admin.notify "nobody" is no mail address`},
		{"retention: {events: 1d}\n", `retention.events is 1d, which is too short (set it to 30d or more)`},
		{"relays: [{url: \"smtp://u@h\", password: a, password_file: b}]\n", `password and password_file are both given`},
		{"relays: [{url: \"smtp://u@h\", password_file: /nowhere/at/all}]\n", `relays[0].password_file cannot be read`},
	} {
		text := strings.ReplaceAll(c.text, "%s", "")
		if got := problems(t, text); !strings.Contains(got, c.want) {
			t.Errorf("%s: want %q in\n%s", text, c.want, got)
		}
	}
}

func TestMistakesUnwrapToErrorsOfTheDomain(t *testing.T) {
	_, err := Load(file(t, "settle: x\n"), nil)
	if dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
		t.Errorf("code of %v", err)
	}
	var e *dispatcher.Error
	if !errors.As(err, &e) || e.Field != "settle" || e.Mend == "" {
		t.Errorf("%+v", e)
	}
}

func TestRetentionIsHeldAgainstTheSchedules(t *testing.T) {
	c, err := Load(file(t, "retention:\n  log: 40d\n  messages: 90d\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Default().CheckRetention(400 * day); err != nil {
		t.Errorf("a default is raised, not refused: %v", err)
	}
	if err := c.CheckRetention(40 * day); err != nil {
		t.Error(err)
	}
	err = c.CheckRetention(50*day + time.Hour)
	if err == nil || !strings.Contains(err.Error(), "line 2: retention.log is 40d") || !strings.Contains(err.Error(), "set it to 51d or more") {
		t.Errorf("got %v", err)
	}
	if err := c.CheckRetention(400 * day); err == nil || !strings.Contains(err.Error(), "retention.messages is 90d") {
		t.Errorf("got %v", err)
	}
}

func TestALaterCheckTellsTheLineToo(t *testing.T) {
	c, err := Load(file(t, "schedules:\n  - name: odd\n    cron: 0 8 30 2 *\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := c.Problem("schedules[0].cron", "never fires", "choose a day that exists")
	if !strings.HasSuffix(p.String(), "line 3: schedules[0].cron never fires (choose a day that exists)") {
		t.Error(p.String())
	}
}

func TestDurationsReadBackAsWritten(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "90s": 90 * time.Second, "2m": 2 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute,
		"14d": 14 * day, "2w": 14 * day, "1d 12h": 36 * time.Hour, "500ms": 500 * time.Millisecond, "3min": 3 * time.Minute,
	} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
		again, err := parseDuration(formatDuration(want))
		if err != nil || again != want {
			t.Errorf("%v is written %q and read as %v %v", want, formatDuration(want), again, err)
		}
	}
	for _, text := range []string{"", "5", "m", "5x", "1h30", "-1h", "1..5h", ".h", "٣m", "1e3s"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestSQLiteURLsNameTheirFile(t *testing.T) {
	for text, want := range map[string]string{
		"sqlite:hearback.db": "hearback.db", "sqlite://hearback.db": "hearback.db", "sqlite:///var/lib/h.db": "/var/lib/h.db",
		"sqlite:/var/lib/h.db": "/var/lib/h.db", "sqlite:./my%20data.db?x=1": "./my data.db", "sqlite:": "", "postgres://h/x": "",
	} {
		if got, ok := DatabasePath(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v", text, got, ok)
		}
	}
}

func TestSendingModesAreTakenApart(t *testing.T) {
	for text, want := range map[string]string{"on": "on ", "hold": "hold ", "redirect: me@example.org": "redirect me@example.org", "redirect:me@example.org": "redirect me@example.org"} {
		mode, address, err := Mode(text)
		if err != nil || mode+" "+address != want {
			t.Errorf("%q: %q %q %v", text, mode, address, err)
		}
	}
	for _, text := range []string{"", "off", "redirect", "redirect: ", "redirect: Me <me@example.org>", "on: x"} {
		if _, _, err := Mode(text); dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(Example())
	f.Add(Initial(Start{}))
	f.Add("a: &a [*a]")
	f.Add("sites: [{key: x}]\n<<: *x")
	f.Add("x: &x {database: *x}\ndatabase: *x")
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
	})
}

func TestARelayThatWouldTakeNoMailIsWarnedOf(t *testing.T) {
	c, err := Load("", []string{"HEARBACK_RELAYS_0_URL=smtp://a.example", "HEARBACK_RELAYS_1_URL=smtp://b.example"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "relays[1] (b.example) takes no mail") {
		t.Errorf("%q", c.Warnings)
	}
}
