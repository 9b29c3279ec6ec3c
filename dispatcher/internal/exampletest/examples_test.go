package exampletest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
	"github.com/hearback/hearback/dispatcher/store"
)

// examples is where they stand.
const examples = "../../../docs/examples"

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// daemon is a whole one, at work until the test ends. Comments settle at once
// and mails stay in its catcher.
type daemon struct {
	*app.App
	url, key string
}

func serve(t *testing.T, database string) *daemon {
	t.Helper()
	dir := t.TempDir()
	if database == "" {
		database = "sqlite://" + filepath.ToSlash(filepath.Join(dir, "hearback.db"))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	file := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `database: {url: %q}
http: {listen: %q, base_url: "http://%s"}
security: {secret: 0123456789abcdef0123456789abcdef0123456789abcdef}
sites: [{key: blog, name: The Blog, base_url: "https://blog.example.org", from: "The Blog <blog@blog.example.org>"}]
settle: 0s
`, database, l.Addr(), l.Addr()), 0o600))
	c, err := config.Load(file, nil)
	must(t, err)
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Listener: l})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	_, key, err := a.Store.CreateKey(t.Context(), "example", []string{"blog"}, []store.Right{store.RightEvents, store.RightSubscriptions, store.RightVouch})
	must(t, err)
	return &daemon{a, "http://" + l.Addr().String(), key}
}

// mail waits for a mail to the address with the words.
func (d *daemon) mail(t *testing.T, to, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	changes, stop := d.Catcher.Watch()
	defer stop()
	for {
		list, err := d.Catcher.Store().ListCaught(ctx, to, 0, 10)
		must(t, err)
		for _, s := range list {
			m, err := d.Catcher.Store().GetCaught(ctx, s.ID)
			must(t, err)
			// As it is read: without the line ends of quoted-printable and of plain text.
			if strings.Contains(strings.NewReplacer("=\r\n", "", "\r\n", " ").Replace(string(m.Raw)), words) {
				return
			}
		}
		select {
		case <-changes:
		case <-ctx.Done():
			t.Fatalf("no mail to %s says %q within 30 s; there are %+v", to, words, list)
		}
	}
}

// run runs a program in a process of its own.
func (d *daemon) run(t *testing.T, program string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("the example is run by %s, which is not on the PATH: run `make tools`, or install it (%v)", program, err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = examples
	cmd.Env = append(os.Environ(), "HEARBACK_URL="+d.url, "HEARBACK_KEY="+d.key)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out.String())
	}
	return out.String()
}

func TestEachExampleLeadsToAMail(t *testing.T) {
	for _, tc := range []struct{ name, words, program string }{
		{"curl.sh", "with curl?", "sh"},
		{"node.mjs", "with Node?", "node"},
		{"python.py", "with Python?", "python3"},
		{"testdata/wordpress.php", "them, with WordPress", "php"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := serve(t, "")
			if tc.name == "curl.sh" {
				d.run(t, "curl", "--version")
			}
			d.run(t, tc.program, tc.name)
			d.mail(t, "ann@example.org", tc.words)
			rejected, err := d.Store.RejectedEvents(t.Context(), "blog", 0, 10)
			must(t, err)
			if len(rejected) > 0 {
				t.Errorf("events were rejected: %+v", rejected)
			}
		})
	}
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		d := serve(t, "")
		if out := d.run(t, "go", "run", "./go"); out != "1 accepted\n" {
			t.Errorf("it says %q", out)
		}
		d.mail(t, "ann@example.org", "with Go?")
	})
}

func TestARefusalIsToldWithItsMend(t *testing.T) {
	d := serve(t, "")
	d.key = "hb_unknown"
	for program, file := range map[string]string{"sh": "curl.sh", "node": "node.mjs", "python3": "python.py"} {
		cmd := exec.CommandContext(t.Context(), program, file)
		cmd.Dir = examples
		cmd.Env = append(os.Environ(), "HEARBACK_URL="+d.url, "HEARBACK_KEY="+d.key)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "hearback key create") {
			t.Errorf("%s ends with %v and says %s", file, err, out)
		}
	}
}

func TestThePluginWithoutItsKeySaysSoAndHarmsNothing(t *testing.T) {
	d := serve(t, "")
	out := d.run(t, "php", "-r", `define("ABSPATH", "/"); function add_action($hook, $f) { echo "$hook: "; $f(); } function add_filter() { echo "a filter"; } require "wordpress.php";`)
	if !strings.HasPrefix(out, "admin_notices: ") || !strings.Contains(out, "wp-config.php") || strings.Contains(out, "a filter") {
		t.Errorf("it does %q", out)
	}
}

func TestTheSQLExampleLeadsToAMail(t *testing.T) {
	base := pgtest.New(t)
	d := serve(t, base)
	yes, email := true, "ann@example.org"
	_, _, err := d.Store.SetSubscriber(t.Context(), "blog", dispatcher.EventSubscriber{ID: "u-1", Email: &email, Confirmed: &yes}, true)
	must(t, err)
	_, _, err = d.Store.SetSubscription(t.Context(), "blog", dispatcher.EventSubscription{Subscriber: "u-1", Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "post-7"}}, true)
	must(t, err)

	owner, err := sql.Open("postgres", base)
	must(t, err)
	t.Cleanup(func() { must(t, owner.Close()) })
	// The role as the manual shows it, but for its name: tests share a server.
	at, err := url.Parse(base)
	must(t, err)
	role := "blog_" + strings.Trim(at.Path, "/")
	block := sqlOf(t, "../../../docs/sql.md", "CREATE ROLE")
	if want := store.SiteRoleSQL("blog", "blog_backend"); !strings.Contains(block, strings.TrimSpace(want[:strings.Index(want, "-- Then")])) {
		t.Errorf("docs/sql.md differs from what the command prints:\n%s", want)
	}
	block = strings.NewReplacer(`hearback_site_blog_backend`, "hearback_site_"+role, `blog_backend`, role).Replace(block)
	_, err = owner.Exec(block)
	must(t, err)
	t.Cleanup(func() {
		for _, q := range []string{"DROP OWNED BY " + pq.QuoteIdentifier(role) + " CASCADE", "DROP ROLE " + pq.QuoteIdentifier(role)} {
			_, err := owner.Exec(q)
			must(t, err)
		}
	})
	_, err = owner.Exec("CREATE SCHEMA blog AUTHORIZATION " + pq.QuoteIdentifier(role))
	must(t, err)

	at.User = url.User(role)
	site, err := sql.Open("postgres", at.String())
	must(t, err)
	defer site.Close()
	text, err := os.ReadFile(filepath.Join(examples, "comment.sql"))
	must(t, err)
	_, err = site.Exec(string(text))
	must(t, err)
	d.mail(t, "ann@example.org", "with SQL?")

	// The manual says what the role may not do; the server says the same.
	for what, q := range map[string]string{
		"read the inbox":        "SELECT * FROM hearback_inbox",
		"read readers":          "SELECT * FROM hearback_subscriber",
		"speak for another":     `INSERT INTO hearback_inbox (site, payload) VALUES ('shop', '{}')`,
		"change what waits":     "UPDATE hearback_inbox SET site = 'shop'",
		"remove what waits":     "DELETE FROM hearback_inbox",
		"set another column":    `INSERT INTO hearback_inbox (site, payload, door) VALUES ('blog', '{}', 'api+vouch')`,
		"send more than 256 KB": `INSERT INTO hearback_inbox (site, payload) VALUES ('blog', repeat('x', 262145))`,
	} {
		if _, err := site.Exec(q); err == nil {
			t.Errorf("the role may %s", what)
		}
	}
}

// sqlOf gives the first block of SQL in a page that has the words.
func sqlOf(t *testing.T, page, words string) string {
	t.Helper()
	b, err := os.ReadFile(page)
	must(t, err)
	for i, part := range strings.Split(string(b), "```") {
		if text, ok := strings.CutPrefix(part, "sql\n"); i%2 == 1 && ok && strings.Contains(text, words) {
			return text
		}
	}
	t.Fatalf("%s shows no SQL with %q", page, words)
	return ""
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
