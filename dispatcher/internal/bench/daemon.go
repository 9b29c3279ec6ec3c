package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemon is the real binary, so that its memory and CPU time are its own.
type daemon struct {
	binary, dir string
	addr, pprof string // where it listens
	base        *base
	key         string
	cmd         *exec.Cmd
	ended       chan error
	client      *http.Client
}

// config is what the daemon runs with.
const config = `database:
  url: %q
http:
  listen: %s
  base_url: http://hearback.example
security:
  secret: 00000000000000000000000000000000000000000000
sites:
  - key: ` + siteKey + `
    name: Blog
    base_url: https://blog.example
    from: Blog <replies@blog.example>
relays:
  - name: sink
    url: smtp://%s
    connections: %d
schedules:
  - name: ` + scheduleAll + `
    cron: 0 0 1 1 *
    max_items: %d
  - name: ` + scheduleFew + `
    cron: 0 0 1 1 *
    max_items: %d
settle: 0s
sending:
  daily_cap: 100000
  storm:
    mails: 10000
log:
  level: %s
`

// connections is how many the daemon keeps to the sink, and how many clients
// go-mail gets.
const connections = 16

// start runs the daemon on a database and waits until it is ready.
func start(ctx context.Context, o *options, b *base, sink, key string) (*daemon, error) {
	d := &daemon{binary: o.binary, dir: o.dir, key: key, ended: make(chan error, 1)}
	var err error
	if d.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if d.pprof, err = freeAddr(); err != nil {
		return nil, err
	}
	d.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	path := filepath.Join(o.dir, "config.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, config, b.url, d.addr, sink, connections, o.sizes.MaxItems, o.sizes.MaxItems, o.level), 0o600); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(o.dir, "daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	d.cmd = exec.Command(d.binary, "serve", "--config", path)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = o.dir, log, log
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "HEARBACK_") {
			d.cmd.Env = append(d.cmd.Env, e)
		}
	}
	if o.profile != "" {
		d.cmd.Env = append(d.cmd.Env, "HEARBACK_PPROF="+d.pprof)
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	go func() { d.ended <- d.cmd.Wait() }()
	for {
		r, err := d.client.Get("http://" + d.addr + "/readyz")
		if err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return d, nil
			}
		}
		if err := d.alive(); err != nil {
			return nil, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			d.destroy()
			return nil, fmt.Errorf("the daemon does not become ready: %w", err)
		}
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// alive says that the process runs, or what it said before it ended.
func (d *daemon) alive() error {
	select {
	case err := <-d.ended:
		d.ended <- err
		text, _ := os.ReadFile(filepath.Join(d.dir, "daemon.log"))
		return fmt.Errorf("the daemon ended by itself (%v); its log ends with:\n%s", err, text[max(0, len(text)-2000):])
	default:
		return nil
	}
}

// stop ends the daemon in order.
func (d *daemon) stop() error {
	if err := d.alive(); err != nil {
		return err
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the daemon: %w", err)
	}
	t := time.NewTimer(30 * time.Second)
	defer t.Stop()
	select {
	case err := <-d.ended:
		d.ended <- nil
		return err
	case <-t.C:
		d.destroy()
		return fmt.Errorf("the daemon did not stop within 30 s")
	}
}

func (d *daemon) destroy() {
	_ = d.cmd.Process.Kill() // it may have ended already
	d.ended <- <-d.ended
}

// post calls the API and gives an error unless the answer is the wanted one.
func (d *daemon) post(ctx context.Context, path string, body []byte, want int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.addr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+d.key)
	r.Header.Set("Content-Type", "application/json")
	res, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != want {
		err = fmt.Errorf("POST %s gave %s: %.300s", path, res.Status, text)
	}
	return err
}

// runSchedule opens the schedule's slot now.
func (d *daemon) runSchedule(ctx context.Context, name string) error {
	return d.post(ctx, "/v1/schedules/"+name+"/run", nil, http.StatusAccepted)
}

func (d *daemon) postEvents(ctx context.Context, events any) error {
	body, err := json.Marshal(events)
	if err != nil {
		return err
	}
	return d.post(ctx, "/v1/events", body, http.StatusAccepted)
}

// fetchProfile writes what the daemon's profiler gives to a file.
func (d *daemon) fetchProfile(ctx context.Context, query, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.pprof+"/debug/pprof/"+query, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{}).Do(r)
	if err != nil {
		return fmt.Errorf("fetch the profile %s: %w", query, err)
	}
	defer res.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, res.Body); err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	return f.Close()
}
