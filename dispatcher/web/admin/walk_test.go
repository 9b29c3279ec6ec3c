package admin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/store"
)

// TestWhyDidTheyGetNoMailIsAnsweredInAFewClicks is what a new admin does when a
// reader complains: find them, see why, lift what is in the way, send again.
func TestWhyDidTheyGetNoMailIsAnsweredInAFewClicks(t *testing.T) {
	r := open(t, all)
	r.admin("eva", store.RoleEditor)
	r.reader("u-1")
	r.comment("c-1")
	id := r.messages("no such mailbox")[0]
	r.must(r.store.PutSuppression(t.Context(), store.Suppression{Site: "blog", Address: "u-1@example.org", Reason: "bounce", Detail: "550 5.1.1 no such mailbox", Message: id}))
	for _, view := range []browsertest.View{desktop(), browsertest.Phone().Plain()} {
		t.Run(view.Name, func(t *testing.T) {
			p := browsertest.Open(t, view)
			enter(r, p, "eva")
			p.Go(r.url + "/admin/subscribers")
			p.Type("#f-q", "u-1@exam")
			p.Press("form.row button")
			p.Press(".list a[href^='/admin/subscribers/']")
			if said := p.Text(); !strings.Contains(said, "550 5.1.1 no such mailbox") {
				t.Errorf("the reader's page does not say why:\n%s", said)
			}
			p.Shot("walk-reader")
			p.Press(".list a[href^='/admin/messages/']")
			if said := p.Text(); !strings.Contains(said, "no such mailbox") || !strings.Contains(said, "refused by the server for good") {
				t.Errorf("the mail's page does not say why:\n%s", said)
			}
			p.Shot("walk-mail")
			p.Go(r.url + "/admin/suppressions?q=u-1")
			p.Click(".list .sure summary")
			p.Shot("walk-lift")
			if status := p.Press(".list .sure[open] button"); status != http.StatusOK {
				t.Errorf("lifting ends with %d", status)
			}
			if said := p.See(".said.good"); !strings.Contains(said, "u-1@example.org again") {
				t.Errorf("it says %q", said)
			}
			left, err := r.store.SuppressionOf(t.Context(), "blog", "u-1@example.org")
			r.must(err)
			if left != nil {
				t.Errorf("it is still suppressed: %+v", left)
			}
			r.must(r.store.PutSuppression(t.Context(), store.Suppression{Site: "blog", Address: "u-1@example.org", Reason: "bounce", Detail: "550 5.1.1 no such mailbox", Message: id})) // for the next view
		})
	}
}

// TestAPausedSourceIsFoundFromItsNoticeAndResumed goes from the strip on
// another page to the choice that has to be made.
func TestAPausedSourceIsFoundFromItsNoticeAndResumed(t *testing.T) {
	src := &sources{}
	r := open(t, func(o *Options) { o.Sources = src })
	src.some(r.clock.Now())
	r.admin("eva", store.RoleEditor)
	r.must(r.store.Raise(t.Context(), store.SourceTopic("forum"), "The source forum: 812 new comments came at once", "Look at the site; then resume it."))
	p := browsertest.Open(t, browsertest.Phone())
	enter(r, p, "eva")
	p.Go(r.url + "/admin/audit")
	p.Press(".notice a.button")
	if where := p.Location(); !strings.HasSuffix(where, "/sources/forum") {
		t.Fatalf("the notice leads to %s", where)
	}
	if status := p.Press(".form button"); status != http.StatusUnprocessableEntity { // nothing chosen
		t.Errorf("without a choice it ends with %d", status)
	}
	p.Complaints() // of the 422
	p.Accessible()
	p.Fits()
	p.Shot("walk-resume-wrong")
	p.Click("input[value=record]")
	p.Press(".form button")
	if said := p.See(".said.good"); !strings.Contains(said, "mailed to nobody") || len(src.told) != 1 || src.told[0] != "resume forum record" {
		t.Errorf("it says %q, and the source was told %q", said, src.told)
	}
}
