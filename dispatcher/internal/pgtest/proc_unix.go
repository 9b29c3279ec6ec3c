//go:build unix && !linux

package pgtest

import "syscall"

// sysProcAttr starts a child as another user, in a group of its own so that a
// Ctrl-C at the terminal does not reach it before us.
func sysProcAttr(cred *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: cred, Setpgid: true}
}
