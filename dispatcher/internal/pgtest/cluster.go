//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Config says how a cluster is started. The zero value is for tests.
type Config struct {
	// Durable keeps fsync and synchronous commit on, as in production: for
	// benchmarks and for tests that kill the server.
	Durable bool
	// Settings are added to the server's command line, "name=value" each.
	Settings []string
}

// Cluster is a private PostgreSQL server in a temporary folder. Its methods are
// for one goroutine.
type Cluster struct {
	dir  string   // holds data, the socket, the log and the lock
	lock *os.File // held while the cluster is in use
	bin  string
	port int
	args []string
	cred *syscall.Credential
	proc *os.Process
	done chan struct{} // closed when the server process has ended
}

// Start makes a cluster and boots it. The caller stops it; if this process
// ends without, the kernel stops the server (Linux) and the next Start removes
// the folder.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	sweep()
	c := &Cluster{bin: bin}
	if c.cred, err = credential(); err != nil {
		return nil, err
	}
	// A short path: a Unix socket's name has at most 107 bytes.
	if c.dir, err = os.MkdirTemp("", folderPrefix); err != nil {
		return nil, fmt.Errorf("making a folder for the cluster: %w", err)
	}
	if err := c.init(ctx, cfg); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

const folderPrefix = "hbpg-"

func (c *Cluster) init(ctx context.Context, cfg Config) error {
	var err error
	if c.lock, err = lockFolder(c.dir); err != nil {
		return err
	}
	if c.cred != nil {
		if err := os.Chown(c.dir, int(c.cred.Uid), int(c.cred.Gid)); err != nil {
			return fmt.Errorf("giving the folder to the server's user: %w", err)
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"),
		"-D", filepath.Join(c.dir, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	initdb.Dir, initdb.Env = c.dir, c.environ()
	initdb.SysProcAttr = sysProcAttr(c.cred)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	c.args = []string{
		"-D", filepath.Join(c.dir, "data"), "-k", c.dir,
		"-c", "listen_addresses=127.0.0.1",
		"-c", "max_connections=300",
		"-c", "shared_buffers=128MB",
		// Far from UTC and not by whole hours: who forgets to say UTC fails here.
		"-c", "timezone=Asia/Kathmandu",
	}
	if !cfg.Durable {
		c.args = append(c.args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	for _, s := range cfg.Settings {
		c.args = append(c.args, "-c", s)
	}
	return c.Boot(ctx)
}

// Boot starts the server after a [Cluster.Crash], on the same data and, where
// it is still free, the same port.
func (c *Cluster) Boot(ctx context.Context) error {
	var err error
	for range 3 { // another program may take the free port before the server does
		port := c.port
		if port == 0 {
			if port, err = freePort(); err != nil {
				return err
			}
		}
		if err = c.boot(ctx, port); err == nil {
			c.port = port
			return nil
		}
		c.port = 0
	}
	return err
}

func (c *Cluster) boot(ctx context.Context, port int) error {
	logPath := filepath.Join(c.dir, "log")
	log, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("making the server's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), append([]string{"-p", strconv.Itoa(port)}, c.args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.environ(), log, log
	cmd.SysProcAttr = sysProcAttr(c.cred)
	started := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		// The kernel sends the parent-death signal when the thread that started
		// the child ends, so this goroutine keeps its thread for that long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // its exit status says nothing that the log doesn't
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	c.proc, c.done = cmd.Process, done
	if err := c.await(ctx, port); err != nil {
		c.end(syscall.SIGQUIT)
		text, _ := os.ReadFile(logPath)
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// await waits until the server answers queries.
func (c *Cluster) await(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	db, err := connect(serverURL(port))
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-c.done:
			return errors.New("postgres ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-tick.C:
		}
	}
}

// URL names the server's maintenance database, with the rights of a superuser.
func (c *Cluster) URL() string { return serverURL(c.port) }

func serverURL(port int) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
}

// Crash ends the server at once and without a checkpoint, as a power cut
// would, and returns when it is gone. [Cluster.Boot] recovers it.
func (c *Cluster) Crash() { c.end(syscall.SIGQUIT) }

// Stop ends the server and removes its folder. It may be called twice.
func (c *Cluster) Stop() {
	// Nothing in the folder is worth a checkpoint.
	c.end(syscall.SIGQUIT)
	os.RemoveAll(c.dir)
	if c.lock != nil {
		c.lock.Close()
		c.lock = nil
	}
}

func (c *Cluster) end(sig syscall.Signal) {
	if c.proc == nil {
		return
	}
	c.proc.Signal(sig)
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
		c.proc.Kill()
		<-c.done
	}
	c.proc = nil
}

// environ is what the server needs and nothing that would steer it (PGDATA,
// PGPORT, a foreign locale).
func (c *Cluster) environ() []string {
	return []string{"PATH=" + c.bin + string(os.PathListSeparator) + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + c.dir, "TZ=UTC"}
}

// credential names the user to run as: PostgreSQL refuses to run as root.
func credential() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// lockFolder takes the lock that tells other processes that the folder is in
// use. It falls with the process.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the cluster's folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking the cluster's folder: %w", err)
	}
	return f, nil
}

// sweep removes the folders of test runs that were killed: those whose lock
// nobody holds.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
			continue // being made just now, or not ours
		}
		if f, err := lockFolder(dir); err == nil {
			os.RemoveAll(dir)
			f.Close()
		}
	}
}
