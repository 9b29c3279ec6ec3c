package exampletest_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheFiveMinutesGoAsThePageSays runs the page's part about HTTP literally,
// but for the clone (this checkout is one) and the port.
func TestTheFiveMinutesGoAsThePageSays(t *testing.T) {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "hearback"), "./cmd/hearback")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, os.CopyFS(filepath.Join(dir, "docs", "examples"), os.DirFS(examples)))
	page, err := os.ReadFile("../../../docs/five-minutes.md")
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	must(t, l.Close())
	blocks := strings.Split(strings.ReplaceAll(string(page), "127.0.0.1:8025", addr), "```sh\n")
	if len(blocks) < 4 {
		t.Fatalf("the page has %d blocks", len(blocks)-1)
	}
	block := func(i int) string {
		text, _, _ := strings.Cut(blocks[i], "```")
		return text
	}
	sh := func(ctx context.Context, script string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "sh", "-euc", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HEARBACK_HTTP_LISTEN="+addr, "HEARBACK_HTTP_BASE_URL=http://"+addr)
		return cmd
	}
	run := func(script string) string {
		out, err := sh(t.Context(), script).CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v\n%s", script, err, out)
		}
		return string(out)
	}

	_, first, found := strings.Cut(block(1), "go build -o hearback ./cmd/hearback\n")
	if !found {
		t.Fatalf("the page does not build the program:\n%s", block(1))
	}
	run(first)
	serve := sh(t.Context(), "exec env "+block(2))
	says, err := serve.StderrPipe()
	must(t, err)
	must(t, serve.Start())
	lines := bufio.NewScanner(says)
	for lines.Scan() && !strings.Contains(lines.Text(), "is up: http://"+addr) {
		t.Log(lines.Text())
	}
	rest := make(chan struct{})
	go func() { defer close(rest); _, _ = io.Copy(io.Discard, says) }()

	out := run(block(3))
	if !strings.Contains(out, `"accepted":1`) {
		t.Errorf("the second terminal does not say that the event was accepted:\n%s", out)
	}
	for end := time.Now().Add(30 * time.Second); !strings.Contains(run("./hearback message list"), " sent "); {
		if time.Now().After(end) {
			t.Fatalf("no mail was sent:\n%s", run("./hearback message list"))
		}
	}
	const why = "./hearback explain u-1 c-1"
	if out = run(why); !strings.Contains(block(3), why) || !strings.Contains(out, "thread:post-7") { // asked at once, the event may still be in the inbox
		t.Errorf("%s is not on the page, or says\n%s", why, out)
	}
	must(t, serve.Process.Signal(os.Interrupt))
	<-rest
	if err := serve.Wait(); err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
}
