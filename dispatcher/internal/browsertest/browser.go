// Package browsertest drives a real Chromium for tests of pages: as a person
// sees them on a desktop, on a phone, in the dark, without scripts, and as
// axe-core judges them for people who use a screen reader.
//
// A test package that needs a browser writes
//
//	func TestMain(m *testing.M) { os.Exit(browsertest.Run(m)) }
//
// and its tests ask [Open] for pages. The first page starts the one Chromium
// of the test binary; it ends with the binary, also when that panics or is
// killed (Linux). Pages reach loopback and nothing else: names below .example
// lead to 127.0.0.1, every other name to nothing.
//
// Screenshots are for people, not for comparison: [Page.Shot] writes them only
// where [EnvShots] names a folder.
package browsertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// EnvShots is the environment variable that names the folder for screenshots.
const EnvShots = "HEARBACK_TEST_SCREENSHOTS"

// EnvChromium is the environment variable that names another Chromium than the
// one found on the PATH.
const EnvChromium = "HEARBACK_TEST_CHROMIUM"

// startTimeout is for a machine that runs many test packages at once.
const startTimeout = time.Minute

// shared is the browser of the test binary. It is a package variable because
// that is what it is: one for all tests of a process, and package testing has
// no place to hand such a thing from TestMain to the tests.
var shared lazyBrowser

// lazyBrowser starts when it is first asked for.
type lazyBrowser struct {
	mu     sync.Mutex
	inside bool // Run is there to end it
	ctx    context.Context
	cancel func()
	err    error
}

// Run runs a package's tests, ends their browser if they started one, and
// gives the exit code for os.Exit.
func Run(m *testing.M) int {
	shared.mu.Lock()
	shared.inside = true
	shared.mu.Unlock()
	defer shared.stop()
	return m.Run()
}

// context gives the chromedp context of the running browser.
func (b *lazyBrowser) context() (context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.inside:
		return nil, errors.New("nobody would end the browser: let TestMain call browsertest.Run")
	case b.ctx == nil && b.err == nil:
		b.ctx, b.cancel, b.err = start()
	}
	return b.ctx, b.err
}

func (b *lazyBrowser) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
		b.ctx, b.cancel = nil, nil
	}
}

// start starts a Chromium with an empty profile in a temporary folder. It is
// spoken to over a pipe, so it listens on no port.
func start() (context.Context, func(), error) {
	path, err := findChromium()
	if err != nil {
		return nil, nil, err
	}
	var said output
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.CombinedOutput(&said),
		chromedp.Flag("no-sandbox", os.Getuid() == 0), // as root it starts only without
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("lang", "en"),
		chromedp.Env("TZ=UTC", "LANGUAGE=en"),
	)
	outer, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(outer)
	stop := func() {
		cancel()
		end() // waits until the process and its folder are gone
	}
	// The context of the first call is the life of the browser, so a deadline
	// for starting stands beside it.
	late := time.AfterFunc(startTimeout, cancel)
	err = chromedp.Do(ctx)
	if !late.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("starting %s: %w\n%s", path, err, said.String())
	}
	return ctx, stop, nil
}

// output keeps what Chromium says while it starts. It is written to by another
// goroutine.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// maxOutput is plenty for the reason why it does not start.
const maxOutput = 8 << 10

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if room := maxOutput - o.buf.Len(); room > 0 {
		o.buf.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
