package interop

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a program that a test has started. It ends with the test.
type Process struct {
	Name string

	t     testing.TB
	cmd   *exec.Cmd
	log   *logbook
	ended chan struct{} // closed when it has ended
	err   error         // how it ended, once ended is closed
}

// logbook keeps what a program says. It is safe for concurrent use.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Start starts a program. Where our own process ends without a word, the
// kernel ends the program.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Name: name, t: t, cmd: cmd, log: &logbook{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	// A child that outlives its parent may keep the pipe: don't wait for it.
	cmd.WaitDelay = 5 * time.Second
	started := make(chan error, 1)
	go func() {
		defer close(p.ended)
		unlock := tieToUs(cmd)
		defer unlock()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("the end of what %s said:\n%s", name, tail(p.Log(), 3000))
		}
	})
	return p
}

// Log gives what the program has said so far.
func (p *Process) Log() string { return p.log.String() }

// Alive says whether the program runs.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Stop asks the program to end, and makes it end after 20 s. It may be called
// more than once.
func (p *Process) Stop() {
	if !p.Alive() {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended meanwhile
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.t.Errorf("%s did not end within 20 s", p.Name)
		p.Kill()
	}
}

// Kill ends the program at any instruction.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended meanwhile
	<-p.ended
}

// Until waits until ok says yes, and fails the test when that takes too long
// or the program has ended.
func (p *Process) Until(what string, limit time.Duration, ok func() bool) {
	p.t.Helper()
	Until(p.t, what, limit, func() bool {
		if ok() {
			return true
		}
		if !p.Alive() {
			p.t.Fatalf("%s ended (%v) while waiting for %s:\n%s", p.Name, p.err, what, tail(p.Log(), 3000))
		}
		return false
	})
}

// Until waits until ok says yes, and fails the test when that takes too long.
func Until(t testing.TB, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s in vain for %s", limit, what)
		case <-tick.C:
		}
	}
}

// Listening says whether something takes connections there.
func Listening(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// FreeAddr gives an address on loopback where nothing listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Run runs a program to its end and gives what it said.
func Run(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, tail(string(out), 3000))
	}
	return string(out)
}

// Unpacked gives the path of a file of the packages that .ci/interop unpacks.
func Unpacked(t testing.TB, path string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", "..", "build", "interop", "root", path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("%v: run `make interop`, which fetches what lacks", err)
	}
	return file
}

// write makes a file.
func write(t testing.TB, mode os.FileMode, path, format string, args ...any) string {
	t.Helper()
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// folder makes a folder that accounts of mail servers may enter.
func folder(t testing.TB, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(path, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
