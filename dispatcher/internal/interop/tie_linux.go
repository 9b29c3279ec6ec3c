package interop

import (
	"os/exec"
	"runtime"
	"syscall"
)

// tieToUs has the kernel kill the child when we end. The signal comes when the
// thread that started the child ends, so the caller keeps its thread until
// then.
func tieToUs(cmd *exec.Cmd) (unlock func()) {
	runtime.LockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return runtime.UnlockOSThread
}
