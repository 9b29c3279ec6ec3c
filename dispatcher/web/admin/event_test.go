package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// reject leaves an event that could not be taken in, and gives its number.
func (r *rig) reject(site, id, payload string, cause error) int64 {
	r.Helper()
	r.must(r.store.RecordRejected(r.Context(), site, "api", []byte(payload), id, cause))
	list, err := r.store.RejectedEvents(r.Context(), site, 0, 1)
	r.must(err)
	return list[0].ID
}

func (r *rig) rejections() int {
	r.Helper()
	list, err := r.store.RejectedEvents(r.Context(), "", 0, 5000)
	r.must(err)
	return len(list)
}

func TestRejectedEventsSayWhyAndWhatHelps(t *testing.T) {
	r := open(t, nil)
	vic := r.as(store.RoleViewer)
	vic.get("/admin/events").wants(http.StatusOK, "No event was rejected.", "can be handed in again")
	id := r.reject("blog", "e-1", `{"id":"e-1","text":"`+strings.ReplaceAll(hostile, `"`, `'`)+`"}`, dispatcher.Invalid("comment", "tell the comment", "is missing"))
	r.reject("shop", "", "no JSON "+hostile, dispatcher.NotFound("subscriber", "ann"))
	for _, path := range []string{"/admin/events", "/admin/events?site=blog", fmt.Sprintf("/admin/events/%d", id), fmt.Sprintf("/admin/events/%d", id+1)} {
		page := vic.get(path).wants(http.StatusOK)
		if strings.Contains(page.text, "<script>alert") || strings.Contains(page.text, ">Retry") || strings.Contains(page.text, ">Discard") {
			t.Errorf("%s lets a hostile text through, or shows a viewer what they may not do:\n%s", path, page.text)
		}
	}
	vic.get("/admin/events").wants(http.StatusOK, "e-1", "by the API for The Blog", "is missing (tell the comment)", "number 2")
	if page := vic.get("/admin/events?site=blog").wants(http.StatusOK, "e-1"); strings.Contains(page.text, "number 2") {
		t.Error("the shop's event stands among the blog's")
	}
	vic.get(fmt.Sprintf("/admin/events/%d", id)).wants(http.StatusOK, "is missing (tell the comment)", "the site&#39;s back end", "&#34;id&#34;: &#34;e-1&#34;")
	vic.get(fmt.Sprintf("/admin/events/%d", id+1)).wants(http.StatusOK, "names what is not known here", "no JSON")
	vic.get("/admin/events/99").wants(http.StatusNotFound, "It was taken in, discarded")
	vic.get("/admin/events/x").wants(http.StatusNotFound)
}

func TestRejectedEventsAreRetriedAndDiscarded(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	bad := dispatcher.Invalid("comment", "tell the comment", "is missing")
	for i := range rejectedAtOnce + 3 {
		r.must(r.store.RecordRejected(t.Context(), "blog", "api", []byte("{}"), fmt.Sprint("b-", i), bad))
	}
	last := r.reject("shop", "s-1", "{}", bad)
	r.reject("shop", "s-2", "{}", bad)
	r.reject("shop", "s-3", "{}", bad)

	p.press(fmt.Sprintf("/admin/events/%d/retry", last)).wants(http.StatusSeeOther)
	p.get("/admin/events").wants(http.StatusOK, "The event s-1 is back in the inbox.")
	p.press(fmt.Sprintf("/admin/events/%d/retry", last)).wants(http.StatusNotFound, "It was taken in, discarded")
	waiting, _, err := r.store.InboxDepth(t.Context())
	r.must(err)
	if waiting != 1 {
		t.Errorf("%d events wait in the inbox, want 1", waiting)
	}
	p.press(fmt.Sprintf("/admin/events/%d/discard", last+1)).wants(http.StatusSeeOther)
	p.press("/admin/events/discard", "site", "blog").wants(http.StatusUnprocessableEntity, "does not say which events")
	p.press("/admin/events/discard", "site", "blog", "upto", fmt.Sprint(last+2)).wants(http.StatusSeeOther)
	if n := r.rejections(); n != 1 {
		t.Errorf("%d are left, want the shop's one", n)
	}
	p.press("/admin/events/retry", "site", "", "upto", fmt.Sprint(last+1)).wants(http.StatusSeeOther) // not the one that came after the list was shown
	if n := r.rejections(); n != 1 {
		t.Errorf("%d are left, want the one that came later", n)
	}
	p.press("/admin/events/retry", "site", "shop", "upto", fmt.Sprint(last+2)).wants(http.StatusSeeOther)
	p.get("/admin/events").wants(http.StatusOK, "1 event is back in the inbox", "No event was rejected.")
	p.get("/admin/audit?what=event").wants(http.StatusOK, "retried rejected events", "discarded rejected events", "503 events of blog", "s-1 of shop", "1 event of shop")
}
