package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// daemon is the real binary with a sink of its own, killed and started again.
// Its methods are for one goroutine.
type daemon struct {
	binary, config, log string
	number              int
	addr                string // where it listens for HTTP
	sink                *mailtest.Sink
	cmd                 *exec.Cmd
	ended               chan error // gives how the running process ended
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// start runs the binary. Its process ends with ours, however ours ends.
func (d *daemon) start() error {
	out, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the process has its own
	d.cmd = exec.Command(d.binary, "serve", "--config", d.config)
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.Dir = out, out, filepath.Dir(d.config)
	d.cmd.Env = quietEnv()
	d.ended = make(chan error, 1)
	started := make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) {
		unlock := tieToUs(cmd)
		defer unlock()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}(d.cmd, d.ended)
	if err := <-started; err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	return nil
}

// quietEnv is our environment without what would configure the daemon.
func quietEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "HEARBACK_") {
			env = append(env, e)
		}
	}
	return env
}

// alive says that the process runs, or what it said before it ended by itself.
func (d *daemon) alive() error {
	select {
	case err := <-d.ended:
		d.ended <- err
		return fmt.Errorf("daemon %d ended by itself (%v); the end of its log:\n%s", d.number, err, d.tail(15))
	default:
		return nil
	}
}

// kill ends the process at any instruction and waits until it is gone.
func (d *daemon) kill() error {
	if err := d.alive(); err != nil {
		return err
	}
	if err := d.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the daemon: %w", err)
	}
	err := <-d.ended
	d.cmd = nil
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("the daemon ended otherwise than by the kill: %v\n%s", err, d.tail(15))
}

// stop ends the process in order.
func (d *daemon) stop() error {
	if d.cmd == nil {
		return nil
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the daemon: %w", err)
	}
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case err := <-d.ended:
		d.cmd = nil
		if err != nil {
			return fmt.Errorf("daemon %d stopped with %w\n%s", d.number, err, d.tail(15))
		}
		return nil
	case <-timer.C:
		d.destroy()
		return fmt.Errorf("daemon %d did not stop within 30s\n%s", d.number, d.tail(15))
	}
}

// destroy leaves nothing behind, whatever state things are in.
func (d *daemon) destroy() {
	if d.cmd != nil && d.cmd.Process != nil {
		_ = d.cmd.Process.Kill() // it may have ended already
		<-d.ended
		d.cmd = nil
	}
}

// tail gives the last lines of the daemon's log.
func (d *daemon) tail(n int) string {
	f, err := os.Open(d.log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		if lines = append(lines, s.Text()); len(lines) > n {
			lines = lines[1:]
		}
	}
	return strings.Join(lines, "\n")
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// settings are what the daemons' configurations are made of.
type settings struct {
	database, siteDatabase string
	connections            int
	lease                  time.Duration
}

// write makes the daemon's config file.
func (d *daemon) write(s settings) error {
	const text = `database:
  url: %q
http:
  listen: %s
  base_url: http://hearback.example
security:
  secret: 00000000000000000000000000000000000000000000
sites:
  - key: blog
    name: Blog
    base_url: https://blog.example
    from: Blog <replies@blog.example>
relays:
  - name: sink
    url: smtp://%s
    connections: %d
schedules:
  - name: minutely
    cron: "@every 1m"
settle: 0s
sources:
  - name: site
    site: blog
    type: sql
    database_url: %q
    since: epoch_us
    window: 1m
    interval_min: 1s
    interval_max: 1s
    jump: 0
    query: >-
      SELECT id AS comment_id, parent AS parent_id, thread AS thread_id, 'https://blog.example/' || thread AS thread_url,
      'On ' || thread AS thread_title, author AS author_id, author AS author_name, body AS text, state,
      published AS published_at, updated AS updated_at
      FROM site_comment WHERE updated >= :since ORDER BY updated, id LIMIT :limit
sending:
  lease: %s
  retry: 200ms
  daily_cap: 100000
  storm:
    mails: 10000
log:
  level: info
`
	return os.WriteFile(d.config, fmt.Appendf(nil, text, s.database, d.addr, d.sink.Addr(), s.connections, s.siteDatabase, s.lease), 0o600)
}
