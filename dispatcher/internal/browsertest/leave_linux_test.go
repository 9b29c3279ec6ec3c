package browsertest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/browsertest"
)

// envRole makes a copy of this test binary play a test run that ends well, or
// that is killed while its page is open.
const envRole = "BROWSERTEST_ROLE"

func TestNoProcessIsLeftBehind(t *testing.T) {
	if role := os.Getenv(envRole); role != "" {
		browsertest.Open(t, browsertest.Desktop())
		os.Stdout.WriteString("open\n")
		if role == "killed" {
			select {}
		}
		return
	}
	for _, role := range []string{"ends", "killed"} {
		tmp := t.TempDir() // its name is in the command line of each of its Chromium's processes
		cmd := exec.Command(os.Args[0], "-test.run", "^TestNoProcessIsLeftBehind$")
		cmd.Env = append(os.Environ(), envRole+"="+role, "TMPDIR="+tmp)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "open" {
		}
		if role == "killed" {
			if n := len(processes(tmp)); n == 0 {
				t.Errorf("no browser was found while a page was open")
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		for lines.Scan() {
		}
		cmd.Wait() // what it says is in the role
		gone(t, role, tmp)
	}
}

// gone waits until no process names the folder any more.
func gone(t *testing.T, role, folder string) {
	t.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		left := processes(folder)
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after a run that %s these are left: %q", role, left)
		}
	}
}

// processes gives the command lines that name a folder, but not this test's.
func processes(folder string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		line, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(line), folder) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
