package admin

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/store"
)

// lived fills a desk with what a few days leave behind, hostile texts too.
func lived(r *rig) {
	r.Helper()
	ctx := r.Context()
	for i := range 60 {
		n := int64(i * i % 37)
		y := store.Tally{At: r.clock.Now().Add(-time.Duration(i) * time.Minute), Events: 3 + n/4, Rejected: n / 30, Settled: 2 + n/4, Made: 40 * n, Sent: 40 * n, Deferred: n / 3, Failed: n / 12}
		y.Lags = [store.LagBands]int64{0, 30 * n, 8 * n, n, n / 9}
		r.must(r.store.AddTally(ctx, y))
	}
	for i := range 60 {
		r.must(r.store.Record(ctx, store.Act{By: "ann", What: "sending.set", Subject: "site:blog", Before: "on", After: "hold: " + strings.Repeat("spam wave ", i%4)}))
	}
	_, _, err := r.store.CreateKey(ctx, "shop back end", []string{"shop"}, []store.Right{store.RightEvents, store.RightSubscriptions})
	r.must(err)
	_, _, err = r.store.CreateKey(ctx, hostile, nil, []store.Right{store.RightAdmin})
	r.must(err)
	r.reader("u-1")
	r.comment("c-1")
	r.messages("no such mailbox " + hostile)
	r.reject("blog", "comment-17", `{"id":"comment-17","type":"comment.published","thread":{"id":"t"},"text":"`+strings.Repeat("a long line ", 30)+`"}`, dispatcher.Invalid("comment", "tell the comment", "is missing"))
	r.reject("shop", hostile, "no JSON "+hostile, dispatcher.NotFound("subscriber", "ann"))
	r.must(r.store.PutSuppression(ctx, store.Suppression{Site: "blog", Address: "gone@x.example", Reason: "bounce", Detail: "550 5.1.1 no such user " + hostile, Message: 1}))
	r.must(r.store.PutSuppression(ctx, store.Suppression{Site: "shop", Address: "a-quite-long-address-of-somebody-who-asked@mail.subdomain.example", Reason: "admin", Detail: "asked by phone"}))
	r.must(r.store.Raise(ctx, "source:wp", "The source wp is paused: 812 comments came at once, more than jump (500). "+hostile, "Look at what came; then resume it with or without mailing."))
}

// all gives a desk everything that a page may show.
func all(o *Options) {
	o.Mails = looks{}
	o.Relays = append(o.Relays, Relay{Name: "second", Host: "smtp.other.example:465", TLS: "implicit", Connections: 4, Rate: 20})
	o.RelayNow = func() RelayNow { return RelayNow{Name: "main", AtHand: 3, OneByOne: "a reply was out of step"} }
	o.Sources = new(sources).some(storetest.Start())
}

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)> ‮evil`

// desktop is wide enough for the desk's column of pages.
func desktop() browsertest.View { v := browsertest.Desktop(); v.Width = 1280; return v }

// enter signs a page's person in by the form.
func enter(r *rig, p *browsertest.Page, name string) {
	p.Go(r.url + "/admin/")
	p.Type("#f-name", name)
	p.Type("#f-password", secretWords)
	if status := p.Press("button.main"); status != http.StatusOK {
		r.Fatalf("signing in ends at %s with %d", p.Location(), status)
	}
}

// pagesOf lists the pages of the navigation, and those beside it.
func pagesOf(r *rig) []string {
	paths := []string{"/account", "/subscribers/1?comment=c-1", "/messages/1", "/messages/1/mail", "/templates/digest/en"}
	paths = append(paths, "/sources/wp", "/sources/db", "/sources/forum", "/events/1")
	for _, g := range r.desk.nav {
		for _, i := range g.Items {
			paths = append(paths, i.Path)
		}
	}
	return paths
}

func shotName(path string) string {
	if path == "/" {
		return "desk-overview"
	}
	return "desk-" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(strings.Trim(path, "/"))
}

func TestEveryPageIsReachableForEverybodyAndFits(t *testing.T) {
	r := open(t, all)
	lived(r)
	r.admin("ann", store.RoleAdmin)
	for _, view := range []browsertest.View{desktop(), desktop().Dark(), browsertest.Phone(), browsertest.Phone().Dark()} {
		t.Run(view.Name, func(t *testing.T) {
			p := browsertest.Open(t, view)
			p.Go(r.url + "/admin/sign-in")
			p.Accessible()
			p.Fits()
			p.Shot("desk-sign-in")
			enter(r, p, "ann")
			for _, path := range pagesOf(r) {
				if status := p.Go(r.url + "/admin" + path); status != http.StatusOK {
					t.Errorf("%s: %d", path, status)
				}
				p.Accessible()
				p.Fits()
				p.Shot(shotName(path))
			}
		})
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	r := open(t, all)
	lived(r)
	p := r.as(store.RoleAdmin)
	b := browsertest.Open(t, desktop())
	enter(r, b, "the-admin")
	seen := map[string]bool{}
	for _, path := range pagesOf(r) {
		b.Go(r.url + "/admin" + path)
		for _, to := range b.Links() {
			in, ok := strings.CutPrefix(to, r.url)
			if !ok || seen[in] || !strings.HasPrefix(in, "/admin") {
				continue
			}
			seen[in] = true
			if got := p.get(in); got.status != http.StatusOK {
				t.Errorf("%s links to %s: %d", path, in, got.status)
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d links were found", len(seen))
	}
}

// TestTheSwitchWorksWithoutScripts holds all mail from another page and lets
// it go again, as somebody whose browser runs no scripts.
func TestTheSwitchWorksWithoutScripts(t *testing.T) {
	r := open(t, nil)
	r.admin("eva", store.RoleEditor)
	p := browsertest.Open(t, browsertest.Phone().Plain())
	enter(r, p, "eva")
	p.Go(r.url + "/admin/audit")
	p.Click(".switch summary")
	p.Type("#hold-reason", "spam wave")
	p.Press(".switch .ask button")
	if at := p.Location(); at != r.url+"/admin/audit" {
		t.Errorf("holding mail leads away, to %s", at)
	}
	if said := p.See(".said.good"); !strings.Contains(said, "on hold") {
		t.Errorf("it says %q", said)
	}
	for _, path := range []string{"/", "/keys", "/audit"} {
		p.Go(r.url + "/admin" + path)
		if strip := p.See(".held"); !strings.Contains(strip, "All mail is on hold") || !strings.Contains(strip, "Spam wave") {
			t.Errorf("%s does not tell of the hold: %q", path, strip)
		}
		p.Fits()
	}
	p.Shot("desk-held")
	p.Press(".held button")
	list, err := r.store.Switches(context.Background())
	r.must(err)
	if len(list) != 1 || list[0].Mode != modeOn {
		t.Errorf("the switch is %+v", list)
	}
	acts, err := r.store.Acts(context.Background(), "eva", "sending", 0, 10)
	r.must(err)
	if len(acts) != 2 || acts[1].After != "hold: spam wave" || acts[0].Before != "hold: spam wave" {
		t.Errorf("the audit log has %+v", acts)
	}
}
