package interop

import (
	"os/exec"
	"strconv"
	"testing"
)

// guard ends a program when we end without a word, for those that the kernel
// lets go: who changes accounts, as Postfix does, loses the tie of [Start].
// The guard waits for the end of a pipe whose other end only we hold.
func guard(t testing.TB, p *Process) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `read -r _; kill "$1"`, "guard", strconv.Itoa(p.cmd.Process.Pid))
	held, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // before the program itself is stopped
		_ = cmd.Process.Kill()
		_ = held.Close()
		_ = cmd.Wait() // killed, as was asked
	})
}
