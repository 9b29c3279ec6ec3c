package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// View is how a person looks at a page.
type View struct {
	Name          string // part of the names of screenshots
	Width, Height int64
	Phone         bool   // a touch screen, and a page laid out for it
	DarkMode      bool   // prefers-color-scheme: dark
	NoScripts     bool   // scripts of pages do not run
	Language      string // of the browser, as in Accept-Language; "" for English
}

// Desktop is a window on a desk.
func Desktop() View { return View{Name: "desktop", Width: 1100, Height: 800} }

// Phone is a common phone, held upright.
func Phone() View { return View{Name: "phone", Width: 390, Height: 844, Phone: true} }

// Dark is the view at night.
func (v View) Dark() View { v.Name, v.DarkMode = v.Name+"-dark", true; return v }

// Plain is the view without scripts.
func (v View) Plain() View { v.Name, v.NoScripts = v.Name+"-plain", true; return v }

// In is the view of somebody whose browser speaks another language.
func (v View) In(language string) View { v.Language = language; return v }

// actionTimeout bounds each single thing that a test does with a page.
const actionTimeout = 20 * time.Second

// Page is one tab with cookies of its own. Its methods end the test when what
// they ask for does not happen in time. They are for the test's goroutine.
type Page struct {
	tb   testing.TB
	ctx  context.Context
	view View

	mu         sync.Mutex
	complaints []string
}

// Open opens an empty page; it is closed when the test ends. What the page
// then has complained about and the test has not taken with [Page.Complaints]
// fails the test: an exception, a blocked script, a failed request.
func Open(tb testing.TB, view View) *Page {
	tb.Helper()
	parent, err := shared.context()
	if err != nil {
		tb.Fatalf("browsertest: %v", err)
	}
	p := &Page{tb: tb, view: view}
	var closeTab context.CancelFunc
	p.ctx, closeTab = chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	tb.Cleanup(func() {
		closeTab()
		for _, c := range p.Complaints() {
			tb.Errorf("browsertest: the page complained: %s", c)
		}
	})
	p.must("opening a tab", chromedp.Listen(p.ctx, p.listen))
	var viewport []chromedp.EmulateViewportOption
	if view.Phone {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	scheme := "light"
	if view.DarkMode {
		scheme = "dark"
	}
	p.do("setting the view", chromedp.EmulateViewport(view.Width, view.Height, viewport...),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: view.NoScripts}))
	if view.Language != "" {
		p.do("setting the language", call(emulation.SetUserAgentOverride,
			emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (browsertest) Chrome", AcceptLanguage: view.Language}))
	}
	return p
}

// listen collects what the page complains about. It runs inside chromedp's
// reader, so it does no more than that.
func (p *Page) listen(ev any) {
	var text string
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		text = ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			text += " " + e.Description
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level != log.EntryLevelError {
			return
		}
		text = ev.Entry.Text + " " + ev.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, strings.TrimSpace(text))
}

// Complaints gives what the page has complained about since they were last
// taken.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.complaints
	p.complaints = nil
	return got
}

// Go opens an address and waits until the page is loaded. It gives the HTTP
// status.
func (p *Page) Go(url string) int {
	p.tb.Helper()
	return p.response("opening "+url, chromedp.Navigate(url))
}

// Press clicks an element that leads to another page, and waits for that. It
// gives the HTTP status.
func (p *Page) Press(css string) int {
	p.tb.Helper()
	return p.response("pressing "+css, click(css))
}

// Click clicks an element that stays on the page.
func (p *Page) Click(css string) {
	p.tb.Helper()
	p.do("clicking "+css, click(css))
}

func click(css string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible)
}

// Type writes into a field in place of what is there, key by key.
func (p *Page) Type(css, text string) {
	p.tb.Helper()
	p.do("typing into "+css, chromedp.WaitVisible(chromedp.CSS(css)))
	Eval[bool](p, fmt.Sprintf(`document.querySelector(%q).value = "", true`, css)) // chromedp.Clear leaves what was typed
	p.do("typing into "+css, chromedp.SendKeys(chromedp.CSS(css), text, chromedp.NodeVisible))
}

// Set gives a field a value at once: of a select, a date, a time.
func (p *Page) Set(css, value string) {
	p.tb.Helper()
	p.do("setting "+css, chromedp.WaitVisible(chromedp.CSS(css)), chromedp.SetValue(chromedp.CSS(css), value))
}

// See waits until an element can be seen and gives its text.
func (p *Page) See(css string) string {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(css), chromedp.NodeVisible))
	p.must("looking for "+css, err)
	return strings.TrimSpace(text)
}

// Has says whether the page has such an element now.
func (p *Page) Has(css string) bool {
	p.tb.Helper()
	return Eval[bool](p, fmt.Sprintf("!!document.querySelector(%q)", css))
}

// Text gives all text of the page that can be seen now.
func (p *Page) Text() string {
	p.tb.Helper()
	return Eval[string](p, "document.body.innerText")
}

// Location gives the address of the page.
func (p *Page) Location() string {
	p.tb.Helper()
	return Eval[string](p, "location.href")
}

// Links gives the addresses that the page links to, without those of the same
// page, each once.
func (p *Page) Links() []string {
	p.tb.Helper()
	all := Eval[[]string](p, "[...document.querySelectorAll('a[href]')].map(a => a.href.split('#')[0])")
	slices.Sort(all)
	return slices.Compact(all)
}

// Eval gives the value of a JavaScript expression in the page, a promise's
// once it is there. It works with the page's own scripts off too.
func Eval[T any](p *Page, script string) T {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	p.must("evaluating "+script, err)
	return v
}

// Fits fails the test when the page is wider than the view, so that a phone
// would have to scroll sideways.
func (p *Page) Fits() {
	p.tb.Helper()
	if wide := Eval[int64](p, "document.documentElement.scrollWidth"); wide > p.view.Width {
		p.tb.Errorf("%s is %d pixels wide in a view of %d", p.Location(), wide, p.view.Width)
	}
}

// Shot writes a screenshot of the whole page as NAME-VIEW.png into the folder
// that [EnvShots] names; without one it does nothing.
func (p *Page) Shot(name string) {
	p.tb.Helper()
	dir := os.Getenv(EnvShots)
	if dir == "" {
		return
	}
	if !filepath.IsAbs(dir) {
		p.tb.Fatalf("browsertest: %s is %q: give a whole path, each package's tests run in their own folder", EnvShots, dir)
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	p.must("taking a screenshot", err)
	p.must("making the folder for screenshots", os.MkdirAll(dir, 0o755))
	p.must("writing a screenshot", os.WriteFile(filepath.Join(dir, name+"-"+p.view.Name+".png"), png, 0o644))
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	p.must(what, chromedp.Do(ctx, steps...))
}

func (p *Page) response(what string, step chromedp.Action[chromedp.Void]) int {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, actionTimeout)
	defer cancel()
	var r *network.Response
	r, err := chromedp.RunResponse(ctx, step)
	p.must(what, err)
	if r == nil {
		return 0 // a page without a server, as about:blank
	}
	return int(r.Status)
}

func (p *Page) must(what string, err error) {
	p.tb.Helper()
	if err != nil {
		p.tb.Fatalf("browsertest: %s: %v", what, err)
	}
}
