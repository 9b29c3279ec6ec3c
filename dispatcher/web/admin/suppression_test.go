package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestSuppressionsAreFoundAddedAndLifted(t *testing.T) {
	r := open(t, nil)
	r.reader("u-1")
	p, vic := r.as(store.RoleEditor), r.as(store.RoleViewer)
	vic.get("/admin/suppressions").wants(http.StatusOK, "No address is suppressed.", "by itself when its server says")
	r.must(r.store.PutSuppression(t.Context(), store.Suppression{Site: "blog", Address: "gone@x.example", Reason: "bounce", Detail: "550 no such user " + hostile, Message: 7}))
	page := vic.get("/admin/suppressions").wants(http.StatusOK, "gone@x.example", "bounced", "550 no such user", `href="/admin/messages/7"`, "The Blog")
	if strings.Contains(page.text, "<script>alert") || strings.Contains(page.text, "Lift") || strings.Contains(page.text, "Suppress it") {
		t.Errorf("a hostile text is let through, or a viewer is shown what they may not do:\n%s", page.text)
	}
	p.get("/admin/suppressions?q=GONE&reason=bounce&site=blog").wants(http.StatusOK, "gone@x.example", "makes providers distrust the sender", "Show all")
	p.get("/admin/suppressions?site=shop").wants(http.StatusOK, "No suppressed address is like that.")

	for _, x := range [][]string{
		{"", "blog", "asked", "Address", "is no mail address"},
		{"two words", "blog", "asked", "Address", "is no mail address"},
		{"ann@x.example", "nowhere", "asked", "Site", "Choose one of the list"},
		{"ann@x.example", "blog", "", "Why", "Say it in a few words"},
		{"ann@x.example", "blog", strings.Repeat("x", dispatcher.MaxTitle+1), "Why", "Shorten it"},
		{"gone@x.example", "blog", "asked", "Address", "is suppressed already: bounced"},
	} {
		p.press("/admin/suppressions", "address", x[0], "of", x[1], "detail", x[2]).wants(http.StatusUnprocessableEntity, x[3], x[4])
	}
	p.press("/admin/suppressions", "address", " U-1@Example.org", "of", "blog", "detail", "asked by phone").wants(http.StatusSeeOther)
	p.press("/admin/suppressions", "address", "nobody@x.example", "of", "shop", "detail", "a trap").wants(http.StatusSeeOther)
	p.get("/admin/suppressions").wants(http.StatusOK, "nobody@x.example gets no mail of The Shop any more.", "u-1@example.org", "asked by phone")
	p.press("/admin/suppressions/lift", "site", "blog", "address", "gone@x.example").wants(http.StatusSeeOther)
	p.press("/admin/suppressions/lift", "site", "blog", "address", "gone@x.example").wants(http.StatusNotFound, "Somebody lifted it already")
	if page := p.get("/admin/suppressions"); strings.Contains(page.text, ">gone@x.example<") {
		t.Error("a lifted suppression is still listed")
	}
	log := p.get("/admin/audit?what=suppression").wants(http.StatusOK, "suppressed an address", "lifted a suppression", "bounced: 550 no such user", "blog/u-1", "nobody@x.example of shop")
	if strings.Contains(log.text, "u-1@example.org") {
		t.Error("the audit log has a reader's address")
	}
}

func TestTheListOfSuppressionsGoesOnPageByPage(t *testing.T) {
	r := open(t, nil)
	for i := range 2*pageRows + 1 { // all at one instant: the address tells them apart
		r.must(r.store.PutSuppression(t.Context(), store.Suppression{Site: "blog", Address: fmt.Sprintf("%03d@x.example", i), Reason: "bounce"}))
	}
	p := r.as(store.RoleViewer)
	seen, at := map[string]bool{}, "/admin/suppressions?reason=bounce"
	for pages := 0; at != ""; pages++ {
		page := p.get(at).wants(http.StatusOK)
		for _, part := range strings.Split(page.text, `dir="auto">`)[1:] {
			if addr, _, ok := strings.Cut(part, "@x.example</a>"); ok {
				if seen[addr] {
					t.Errorf("%s stands there twice", addr)
				}
				seen[addr] = true
			}
		}
		at = ""
		if _, rest, ok := strings.Cut(page.text, "Newest</a>"); ok || pages == 0 {
			if pages == 0 {
				rest = page.text
			}
			if head, _, ok := strings.Cut(rest, `" rel="next"`); ok {
				at = strings.ReplaceAll(head[strings.LastIndex(head, `"`)+1:], "&amp;", "&")
			}
		}
		if pages > 3 {
			t.Fatal("the list has no end")
		}
	}
	if len(seen) != 2*pageRows+1 {
		t.Errorf("%d addresses were seen, want %d", len(seen), 2*pageRows+1)
	}
}
