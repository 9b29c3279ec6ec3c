package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// peak gives the most memory that a process has held so far, in bytes.
func peak(pid int) (int64, error) {
	kb, err := procNumber(pid, "status", "VmHWM:")
	return kb * 1024, err
}

// wroteBytes gives how many bytes a process has sent towards the disk.
func wroteBytes(pid int) (int64, error) { return procNumber(pid, "io", "write_bytes:") }

func procNumber(pid int, file, field string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	if err != nil {
		return 0, err
	}
	s := bufio.NewScanner(bytes.NewReader(text))
	for s.Scan() {
		if f := strings.Fields(s.Text()); len(f) > 1 && f[0] == field {
			return strconv.ParseInt(f[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/%d/%s has no %s", pid, file, field)
}

// tick is the kernel's unit of CPU time in /proc.
const tick = 10 * time.Millisecond

// cpu gives the CPU time that a process has used, and with family also that of
// its children, living and gone.
func cpu(pid int, family bool) time.Duration {
	if pid == 0 {
		return 0
	}
	own, gone, ok := cpuOf(pid)
	if !ok || !family {
		return own
	}
	sum := own + gone
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || parentOf(path) != pid {
			continue
		}
		if own, gone, ok := cpuOf(child); ok {
			sum += own + gone
		}
	}
	return sum
}

// stat gives the fields of a stat file after the name, which may hold blanks.
func stat(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

func parentOf(path string) int {
	f := stat(path)
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1]) // the kernel wrote a number
	return n
}

func cpuOf(pid int) (own, gone time.Duration, ok bool) {
	f := stat(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if len(f) < 15 {
		return 0, 0, false
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.ParseInt(f[i], 10, 64) // the kernel wrote a number
		return time.Duration(n) * tick
	}
	return ticks(11) + ticks(12), ticks(13) + ticks(14), true
}
