package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/store"
)

var update = flag.Bool("update", false, "rewrite the golden outputs")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hb is one installation: a folder with a configuration and a SQLite file, and
// a clock that only moves when it is told to.
type hb struct {
	t   *testing.T
	dir string
	now time.Time
	in  string   // the next command's standard input
	env []string // of all commands
}

// plain is the configuration of most tests: one site, two schedules.
const plain = `
sites:
  - key: blog
    name: The Blog
    base_url: https://blog.example.org
    from: The Blog <replies@blog.example.org>
    time_zone: Europe/Berlin
schedules:
  - name: daily
    cron: 0 8 * * *
`

// install makes an installation with a migrated database.
func install(t *testing.T, yaml string) *hb {
	t.Helper()
	h := fresh(t, yaml)
	db, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	h.write("hb.db", string(db))
	return h
}

// migrated is the file of a migrated database, made once for all tests.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "hearback-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "hb.db")
	var errs strings.Builder
	if code := run(context.Background(), []string{"migrate"}, strings.NewReader(""), io.Discard, &errs, []string{"HEARBACK_DATABASE_URL=sqlite://" + filepath.ToSlash(file)}); code != exitOK {
		return nil, errors.New(errs.String())
	}
	return os.ReadFile(file)
})

// fresh makes an installation that nothing has run on yet.
func fresh(t *testing.T, yaml string) *hb {
	t.Helper()
	h := &hb{t: t, dir: t.TempDir(), now: time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)}
	h.write("config.yaml", "database:\n  url: sqlite://"+filepath.ToSlash(h.path("hb.db"))+"\n"+yaml)
	return h
}

func (h *hb) path(name string) string { return filepath.Join(h.dir, name) }

func (h *hb) write(name, text string) string {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return h.path(name)
}

// result is what a command left behind.
type result struct {
	t         *testing.T
	args      []string
	code      int
	out, errs string
}

// run runs the whole program with the installation's configuration.
func (h *hb) run(args ...string) result {
	h.t.Helper()
	return h.bare(slices.Concat(args, []string{"--config", h.path("config.yaml")})...)
}

func (h *hb) bare(args ...string) result {
	h.t.Helper()
	var out, errs bytes.Buffer
	r := &root{in: strings.NewReader(h.in), out: &out, errs: &errs, env: h.env, clock: func() time.Time { return h.now }}
	h.in = ""
	code := r.run(h.t.Context(), args)
	// The folder's name changes with each run.
	return result{h.t, args, code, strings.ReplaceAll(out.String(), h.dir, "DIR"), strings.ReplaceAll(errs.String(), h.dir, "DIR")}
}

// ok demands success and gives the output.
func (r result) ok() string {
	r.t.Helper()
	if r.code != exitOK || r.errs != "" {
		r.t.Fatalf("%v: exit %d, stderr %q, stdout:\n%s", r.args, r.code, r.errs, r.out)
	}
	return r.out
}

// fails demands an exit code and the words in the error.
func (r result) fails(code int, words ...string) {
	r.t.Helper()
	if r.code != code {
		r.t.Errorf("%v: exit %d, want %d; stderr %q, stdout %q", r.args, r.code, code, r.errs, r.out)
	}
	if !strings.HasPrefix(r.errs, "hearback: ") {
		r.t.Errorf("%v: the error %q does not say whose it is", r.args, r.errs)
	}
	if r.out != "" {
		r.t.Errorf("%v: an error left text on standard output: %q", r.args, r.out)
	}
	for _, w := range words {
		if !strings.Contains(r.errs, w) {
			r.t.Errorf("%v: the error %q does not say %q", r.args, r.errs, w)
		}
	}
}

// says demands words in the output of a command that succeeded.
func (r result) says(words ...string) {
	r.t.Helper()
	out := r.ok()
	for _, w := range words {
		if !strings.Contains(out, w) {
			r.t.Errorf("%v does not say %q:\n%s", r.args, w, out)
		}
	}
}

// golden holds an output against a file of testdata. Versions of Go, sizes and
// random keys are masked by the caller.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update rewrites it):\n%s", name, got)
	}
}

// value demands one JSON value, and nothing else, and gives it.
func value(t *testing.T, text string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("no JSON value: %v in %q", err, text)
	}
	if dec.More() {
		t.Fatalf("more than one JSON value: %q", text)
	}
	return v
}

// store opens the installation's database beside the commands.
func (h *hb) store() *store.Store {
	h.t.Helper()
	c, err := config.Load(h.path("config.yaml"), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	st, err := app.OpenStore(h.t.Context(), c, func() time.Time { return h.now }, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := st.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return st
}

// intake does what the daemon's second stage does, at the clock's time.
func (h *hb) intake(st *store.Store) {
	h.t.Helper()
	settle := func(string, store.Door) time.Duration { return 2 * time.Minute }
	age := func(string, store.Door) time.Duration { return 14 * 24 * time.Hour }
	if _, err := st.Intake(context.Background(), store.IntakeOptions{Settle: settle, MaxAge: age}, 100); err != nil {
		h.t.Fatal(err)
	}
}

func mask(text, pattern, with string) string {
	return regexp.MustCompile(pattern).ReplaceAllString(text, with)
}

const published = `{"id":"c-1-published","type":"comment.published","time":"2026-06-08T09:59:00Z","thread":{"id":"post-7","url":"https://blog.example.org/7","title":"Seven"},"comment":{"id":"c-1","html":"<p>Hello</p>"},"author":{"id":"u-2","name":"Ben"}}`
