package desktest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Run(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is a daemon at work with its relay.
type house struct {
	*app.App
	t    *testing.T
	base string
	sink *mailtest.Sink
}

func open(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{t: t}
	var err error
	h.sink, err = mailtest.New(mailtest.Options{Keep: mailtest.KeepBytes})
	must(t, err)
	t.Cleanup(func() { _ = h.sink.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h.base = "http://" + l.Addr().String()
	path := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, `database: {url: "sqlite://%s"}
http: {listen: %q, base_url: %q}
security: {secret: 0123456789abcdef0123456789abcdef0123456789abcdef}
sites:
  - {key: blog, name: Kleine Werkbank, base_url: "https://blog.example", from: "Kleine Werkbank <post@blog.example>", time_zone: Europe/Berlin}
relays: [{name: main, url: "smtp://%s"}]
settle: 0s
`, filepath.ToSlash(filepath.Join(dir, "hearback.db")), l.Addr(), h.base, h.sink.Addr()), 0o600))
	c, err := config.Load(path, nil)
	must(t, err)
	h.App, err = app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Listener: l})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	return h
}

// mailed waits for a mail to an address.
func (h *house) mailed(to string) mailtest.Mail {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	defer cancel()
	for n := 0; ; n++ {
		if err := h.sink.Wait(ctx, n); err != nil {
			h.t.Fatalf("no mail to %s came within 30 s", to)
		}
		for _, m := range h.sink.Mails() {
			if m.To == to {
				return m
			}
		}
	}
}

// failed waits until a message has failed.
func (h *house) failed() dispatcher.Message {
	h.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		list, err := h.Store.Messages(h.t.Context(), store.MessageFilter{State: dispatcher.StateFailed, Limit: 1})
		must(h.t, err)
		if len(list) == 1 {
			return list[0]
		}
		<-tick.C
	}
	h.t.Fatal("no mail failed within 30 s")
	return dispatcher.Message{}
}

func TestAnAdminsWayFromTheFirstLinkToAMailThatIsSentAgain(t *testing.T) {
	for _, view := range []browsertest.View{browsertest.Desktop(), browsertest.Phone().Dark()} {
		t.Run(view.Name, func(t *testing.T) { walk(t, view) })
	}
}

func walk(t *testing.T, view browsertest.View) {
	h := open(t)
	p := browsertest.Open(t, view)
	press := func(css string) {
		t.Helper()
		if status := p.Press(css); status != http.StatusOK {
			t.Fatalf("pressing %s at %s ends with %d: %s", css, p.Location(), status, p.Text())
		}
	}
	says := func(words string) {
		t.Helper()
		if got := p.Text(); !strings.Contains(got, words) {
			t.Errorf("%s does not say %q:\n%s", p.Location(), words, got)
		}
	}
	looked := func(name string) {
		t.Helper()
		p.Accessible()
		p.Fits()
		p.Shot("admin-" + name)
	}

	// The first admin.
	link, err := h.FirstLink(t.Context())
	must(t, err)
	p.Go(link)
	says("first admin")
	p.Type("#f-name", "ann")
	p.Type("#f-password", "four tame owls sing")
	p.Type("#f-repeat", "four tame owls sing")
	looked("first")
	press("button.main")
	says("Nothing is wrong")
	looked("overview")

	// A schedule.
	p.Go(h.base + "/admin/schedules")
	p.Type("#f-name", "evening")
	p.Type("#f-cron", "0 18 * * *")
	press(".form button.main")
	says("every day at 18:00")
	looked("schedule")

	// A template: a draft, its test mail, its publication.
	p.Go(h.base + "/admin/templates/reply/en")
	p.Type("#f-subject", "{{.Cuont}} new")
	if status := p.Press(".editor button.main"); status != http.StatusUnprocessableEntity {
		t.Errorf("a misspelt template is saved with %d", status)
	}
	p.Complaints() // the 422 is in the browser's log
	says("Did you mean .Count?")
	looked("template-wrong")
	browsertest.Eval[bool](p, `document.querySelector("iframe[name=preview]").addEventListener("load", e => { e.target.dataset.shown = "again" }), true`)
	p.Type("#f-subject", "{{.Count}} new words for you")
	p.See("iframe[data-shown=again]") // the preview followed what was typed
	press(".editor button.main")
	says("Saved as the draft")
	p.Type("#f-to", "boss@example.org")
	press(`form[action$="/test"] button`)
	says("is on its way")
	if m := h.mailed("boss@example.org"); !bytes.Contains(m.Data, []byte("Subject: 2 new words for you")) && !bytes.Contains(m.Data, []byte("new words for you")) {
		t.Errorf("the test mail does not carry the draft:\n%.600s", m.Data)
	}
	p.Go(h.base + "/admin/templates/reply/en")
	says("Discard the draft")
	browsertest.Eval[bool](p, `(document.querySelector("iframe[name=preview]").scrollIntoView(), true)`) // a frame out of sight is not painted
	looked("template-draft")
	p.Click(`details.sure summary[aria-label^="Publish"]`)
	press(`form[action$="/publish"] button`)
	says("is in force")
	looked("template")

	// A mail that the relay refuses.
	h.sink.SetFaults([]mailtest.Fault{{At: mailtest.AtRcpt, Do: mailtest.Refuse, Reply: "554 5.7.1 rejected by policy", To: "reader@*"}})
	yes, email := true, "reader@example.org"
	_, _, err = h.Store.SetSubscriber(t.Context(), "blog", dispatcher.EventSubscriber{ID: "u-1", Email: &email, Confirmed: &yes}, true)
	must(t, err)
	_, _, err = h.Store.SetSubscription(t.Context(), "blog", dispatcher.EventSubscription{Subscriber: "u-1", Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "t-1"}}, true)
	must(t, err)
	_, err = h.Store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "e-1", Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread: &dispatcher.EventThread{ID: "t-1", URL: "https://blog.example/t-1", Title: "On clocks"}, Comment: &dispatcher.EventComment{ID: "c-1", HTML: "<p>Who winds them?</p>"},
		Author: &dispatcher.EventAuthor{ID: "u-9", Name: "Patrick"}}})
	must(t, err)
	h.failed()

	// Found, explained, sent again.
	p.Go(h.base + "/admin/messages?state=failed")
	looked("messages")
	press(`td[data-name="What"] a`)
	says("554 5.7.1 rejected by policy")
	looked("message")
	press(`td[data-name="Comment"] a`)
	says("rejected by policy")
	says("Mails that carry it")
	looked("explain")
	press(`td[data-name="Mail"] a`)
	h.sink.SetFaults(nil)
	p.Click("details.sure summary[aria-label^='Send again']")
	press(`form[action$="/retry"] button`)
	says("is due now")
	if m := h.mailed("reader@example.org"); !bytes.Contains(m.Data, []byte("1 new words for you")) {
		t.Errorf("the mail does not follow the published template:\n%.600s", m.Data)
	}
	press(`a[href$="/mail"]`)
	says("Who winds them?")
	looked("mail")
	p.Go(h.base + "/admin/audit")
	for _, words := range []string{"set a schedule", "saved a template's draft", "mailed a test of a template", "published a template", "sent a message again"} {
		says(words)
	}
	looked("audit")
}
