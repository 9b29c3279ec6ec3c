package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Hearback is the real binary with a configuration and a database of its own.
type Hearback struct {
	Dir  string
	Addr string
	Env  []string // beside ours, such as SSL_CERT_FILE

	t      testing.TB
	binary string
	config string
	key    string
	daemon *Process
}

// Binary builds the program once for a test run, below dir.
func Binary(t testing.TB) string {
	t.Helper()
	if given := os.Getenv("HEARBACK_BINARY"); given != "" {
		abs, err := filepath.Abs(filepath.Join("..", "..", "..", given))
		if err != nil {
			t.Fatal(err)
		}
		return abs
	}
	t.Fatal("HEARBACK_BINARY is not set: run `make interop`")
	return ""
}

// NewHearback prepares a Hearback on SQLite. rest is what its configuration has
// beside database, http, security and one site: relays, sources and so on.
func NewHearback(t testing.TB, siteURL, rest string) *Hearback {
	t.Helper()
	h := &Hearback{t: t, Dir: t.TempDir(), Addr: FreeAddr(t), binary: Binary(t)}
	h.config = filepath.Join(h.Dir, "config.yaml")
	h.Configure(siteURL, rest)
	return h
}

// Configure writes the configuration anew; a daemon that runs keeps its own.
func (h *Hearback) Configure(siteURL, rest string) {
	h.t.Helper()
	write(h.t, 0o600, h.config, `database:
  url: sqlite://%s
http:
  listen: %s
  base_url: https://hearback.blog.example
security:
  secret: 00000000000000000000000000000000000000000000
sites:
  - key: blog
    name: The Blog
    base_url: %s
    from: The Blog <replies@blog.example>
sending:
  daily_cap: 100000
  retry: 500ms
  storm:
    mails: 10000
%s`, filepath.Join(h.Dir, "hearback.db"), h.Addr, siteURL, rest)
}

func (h *Hearback) command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.binary, append(args, "--config", h.config)...)
	cmd.Dir = h.Dir
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "HEARBACK_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, h.Env...)
	return cmd
}

// Run runs a command that must succeed and gives its standard output.
func (h *Hearback) Run(args ...string) string {
	h.t.Helper()
	code, out, errs := h.Try(args...)
	if code != 0 {
		h.t.Fatalf("hearback %s: code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// Try runs a command and gives its exit code and what it said.
func (h *Hearback) Try(args ...string) (code int, out, errs string) {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := h.command(args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// JSON runs a command with --json and reads its answer into v.
func (h *Hearback) JSON(v any, args ...string) {
	h.t.Helper()
	out := h.Run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		h.t.Fatalf("hearback %s --json: %v\n%.500s", strings.Join(args, " "), err, out)
	}
}

// Serve starts the daemon and waits until it is ready.
func (h *Hearback) Serve() {
	h.t.Helper()
	h.daemon = Start(h.t, "hearback", h.command("serve"))
	h.daemon.Until("the daemon to be ready", 30*time.Second, func() bool {
		resp, err := http.Get("http://" + h.Addr + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// Stop stops the daemon in order.
func (h *Hearback) Stop() { h.daemon.Stop() }

// Log gives what the daemon has said.
func (h *Hearback) Log() string { return h.daemon.Log() }

// Key gives a key that may hand in events and people's wishes.
func (h *Hearback) Key() string {
	h.t.Helper()
	if h.key == "" {
		var made struct{ Key string }
		h.JSON(&made, "key", "create", "interop", "--right", "events:write,subscriptions:write,subscribers:vouch")
		h.key = made.Key
	}
	return h.key
}

// API calls the HTTP API with a key that may do everything, and fails the test
// unless the answer is 2xx. A string is sent as NDJSON.
func (h *Hearback) API(method, path string, body any) []byte {
	h.t.Helper()
	kind, payload := "application/json", []byte(nil)
	switch b := body.(type) {
	case nil:
	case string:
		kind, payload = "application/x-ndjson", []byte(b)
	default:
		var err error
		if payload, err = json.Marshal(b); err != nil {
			h.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.Addr+path, bytes.NewReader(payload))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.Key())
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var said bytes.Buffer
	if _, err := said.ReadFrom(resp.Body); err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode/100 != 2 {
		h.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, said.String())
	}
	return said.Bytes()
}

// Reader adds a confirmed reader who follows targets as they come.
func (h *Hearback) Reader(id, address string, targets ...string) {
	h.t.Helper()
	h.Run("subscriber", "add", id, address, "--confirmed", "--name", id)
	for _, target := range targets {
		h.Run("subscription", "add", id, target)
	}
}

// Message is a mail as `message list` shows it.
type Message struct {
	ID         int64  `json:"id"`
	Subscriber string `json:"subscriber"`
	State      string `json:"state"`
	Address    string `json:"to"`
	Attempts   int    `json:"attempts"`
}

// Messages lists mails, all of a state or of a reader where these are given.
func (h *Hearback) Messages(state, subscriber string) (all []json.RawMessage) {
	h.t.Helper()
	args := []string{"message", "list", "--limit", "1000"}
	if state != "" {
		args = append(args, "--state", state)
	}
	if subscriber != "" {
		args = append(args, "--subscriber", subscriber)
	}
	for after := ""; ; {
		var page struct {
			Items []json.RawMessage
			Next  string
		}
		if after == "" {
			h.JSON(&page, args...)
		} else {
			h.JSON(&page, append(args, "--after", after)...)
		}
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

// Quiet waits until no mail waits or is on its way.
func (h *Hearback) Quiet() {
	h.t.Helper()
	Until(h.t, "the outbox to be empty", 60*time.Second, func() bool {
		return len(h.Messages("due", "")) == 0 && len(h.Messages("sending", "")) == 0
	})
}

// Finding is one line of `check`.
type Finding struct{ Area, Status, Says, Mend string }

func (f Finding) String() string {
	return fmt.Sprintf("%s %s: %s (%s)", f.Status, f.Area, f.Says, f.Mend)
}

// Check runs `check` and gives what it says of an area.
func (h *Hearback) Check(area string) (findings []Finding) {
	h.t.Helper()
	_, out, errs := h.Try("check", "--json")
	var all struct{ Findings []Finding }
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		h.t.Fatalf("hearback check --json: %v\n%s%s", err, out, errs)
	}
	for _, f := range all.Findings {
		if strings.HasPrefix(f.Area, area) {
			findings = append(findings, f)
		}
	}
	return findings
}
