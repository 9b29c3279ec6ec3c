package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

func renderer(t testing.TB, s *store.Store) *render.Renderer {
	t.Helper()
	r, err := render.New(render.Options{Stored: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const goodText = "{{define \"mail\"}}Dear {{.Reader.Name}}\n{{range .Groups}}{{range .Items}}{{template \"item\" .}}{{end}}{{end}}\n{{.Links.Unsubscribe}}\n{{end}}{{define \"item\"}}{{.Comment.Author}} says {{.Comment.Text}}\n{{end}}"

func TestATemplateIsSavedAsADraftPublishedComparedAndRolledBack(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	const at = "/admin/templates/digest/de"
	p.get("/admin/templates").wants(200, at, "All mails use the built-in templates")
	p.get(at).wants(200, "the built-in template", "{{.Comment.Author}}", "Nothing.", "Within {{range .Groups}}")

	p.press(at, "subject", "{{.Cuont}} neu", "text", "", "html", "").wants(422, "Did you mean .Count?", "subject", "what you typed; it is not saved", "{{.Cuont}} neu", `<a href="#f-subject">Subject</a> line 1: `).lacks("All that is wrong")
	p.press(at, "subject", "{{.Cuont}}", "text", `{{define "mail"}}{{.Cuont}}{{end}}`, "html", "").wants(422, "All that is wrong", "<b>subject, line 1:</b>", "<b>text, line 1:</b>")
	p.press(at, "subject", "{{.Count}} neu", "text", goodText, "html", "").wants(http.StatusSeeOther)
	p.get(at).wants(200, "Saved as the draft, version 1", "the draft, version 1", "-{{", "&#43;{{define &#34;mail&#34;}}Dear {{.Reader.Name}}", "Publish")
	p.get(at+"/preview?show=text").wants(200, "Dear Jana", "5 neu")
	if active, ok, err := r.store.Active(t.Context(), "", dispatcher.KindDigest, "de"); err != nil || ok {
		t.Errorf("a draft is in force: %+v %v", active, err)
	}
	p.press(at+"/publish", "version", "1").wants(http.StatusSeeOther)
	p.get(at).wants(200, "Version 1 is in force", "what is in force, version 1", "Nothing.", "Roll back")
	r.clock.Advance(time.Minute)
	p.press(at, "subject", "{{.Count}} noch neuer", "text", goodText, "html", "").wants(http.StatusSeeOther)
	p.press(at+"/publish", "version", "2").wants(http.StatusSeeOther)
	p.press(at + "/rollback").wants(http.StatusSeeOther)
	p.get(at).wants(200, "Version 1 is in force again")
	p.get(at+"?version=2").wants(200, "This is version 2", "-{{.Count}} neu", "&#43;{{.Count}} noch neuer")
	p.press(at + "/rollback").wants(http.StatusSeeOther)
	p.get(at).wants(200, "The built-in template is in force again")
	p.press(at + "/rollback").wants(404)
	p.press(at+"/publish", "version", "77").wants(404, "version")
	p.get("/admin/templates/postcard/de").wants(404)
	p.get(at+"?site=nowhere").wants(404, "nowhere")
	p.get(at+"?version=77").wants(404, "version")
	p.get("/admin/audit").wants(200, "saved a template&#39;s draft", "published a template", "rolled a template back", "all sites/digest/de")
}

func TestADraftIsDiscardedIfItIsTheOneThatWasSeen(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	const at = "/admin/templates/digest/de"
	p.press(at+"/discard", "version", "1").wants(404)
	p.press(at, "subject", "first", "text", "", "html", "").wants(http.StatusSeeOther)
	p.press(at, "subject", "second", "text", "", "html", "").wants(http.StatusSeeOther)
	p.get(at).wants(200, "the draft, version 2", "Discard the draft")
	r.as(store.RoleViewer).get(at).wants(200, "the draft, version 2").lacks("Discard the draft")
	p.press(at+"/publish", "version", "1").wants(404)
	p.press(at+"/discard", "version", "1").wants(404)
	p.press(at+"/discard", "version", "<script>").wants(404).lacks("<script>")
	p.press(at+"/discard", "version", "2").wants(http.StatusSeeOther)
	p.get(at).wants(200, "The draft, version 2, is gone", "the built-in template").lacks("Discard the draft")
	p.get("/admin/audit").wants(200, "discarded a template&#39;s draft", "all sites/digest/de")
}

func TestATemplateOfOneSiteLeavesTheOthers(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	const at = "/admin/templates/reply/en"
	p.press(at, "site", "shop", "subject", "Re: {{.Thread.Title}} (shop)", "text", "", "html", "").wants(http.StatusSeeOther)
	p.press(at+"/publish", "site", "shop", "version", "1").wants(http.StatusSeeOther)
	p.get(at+"?site=shop").wants(200, "what is in force, version 1", "(shop)")
	p.get(at).wants(200, "the built-in template")
	p.get("/admin/templates").wants(200, "/admin/templates/reply/en?site=shop")
}

func TestAPreviewMayDoNothingAndSaysWhatIsWrong(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	const at = "/admin/templates/reply/en/preview"
	got := p.press(at, "subject", "", "text", "", "html", "", "scheme", "dark").wants(200, "Jana", "color-scheme:dark")
	if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || strings.Contains(csp, "script-src") {
		t.Errorf("the frame's policy is %q", csp)
	}
	p.press(at, "subject", "{{", "text", "", "html", "").wants(200, "This cannot be shown yet", "subject")
	p.press(at, "subject", "", "text", `{{define "mail"}}{{range`, "html", "", "show", "text").wants(200, "This cannot be shown yet", "text")
	r.as(store.RoleViewer).press(at, "subject", "x").wants(http.StatusForbidden)
}

func TestATestMailCarriesTheDraft(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	const at = "/admin/templates/digest/de"
	p.press(at+"/test", "to", "nobody").wants(422, "is no mail address")
	p.press(at, "subject", "Probe", "text", goodText, "html", "").wants(http.StatusSeeOther)
	p.press(at+"/test", "to", "ann@example.org").wants(http.StatusSeeOther)
	list, err := r.store.Messages(t.Context(), store.MessageFilter{Limit: 5})
	r.must(err)
	if len(list) != 1 || list[0].Address != "ann@example.org" || list[0].Kind != dispatcher.KindDigest || !strings.Contains(list[0].Data, `"version":"1"`) || !strings.Contains(list[0].Data, `"scope":"all"`) {
		t.Fatalf("%+v", list)
	}
	p.get(fmt.Sprintf("/admin/messages/%d", list[0].ID)).wants(200, "ann@example.org", "is on its way")
}
