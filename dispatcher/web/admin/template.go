package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

type templatesView struct {
	Kinds  []kindRow
	Stored table
}

// kindRow is a kind of mail with its languages.
type kindRow struct {
	Kind, Words string
	Locales     []option
}

// mailWords say what a kind of mail is for.
func mailWords(k dispatcher.Kind) string {
	switch k {
	case dispatcher.KindReply:
		return "one or a few comments of one conversation, at once"
	case dispatcher.KindDigest:
		return "what came since the last one"
	case dispatcher.KindConfirm:
		return "asks whether an address wants mail"
	case dispatcher.KindLink:
		return "the link to one's own page, for those who lost it"
	case dispatcher.KindTest:
		return "shows that mail arrives"
	case dispatcher.KindNotice:
		return "tells admins what needs a person"
	}
	return ""
}

func templatePath(k store.TemplateKey, rest string) string {
	p := "/templates/" + url.PathEscape(string(k.Kind)) + "/" + url.PathEscape(k.Locale) + rest
	if k.Site != "" {
		sep := "?"
		if strings.Contains(rest, "?") {
			sep = "&"
		}
		p += sep + "site=" + url.QueryEscape(k.Site)
	}
	return p
}

func (d *Desk) templatesPage(v *visit) error {
	page := templatesView{Stored: table{Caption: "Templates that differ from the built-in ones", Columns: []string{"Mail", "Language", "Site", "Version", "State", "By", "When"},
		Empty: empty{What: "All mails use the built-in templates.", Do: "Open one above to change it."}}}
	for _, k := range render.Kinds() {
		row := kindRow{Kind: string(k), Words: mailWords(k)}
		for _, l := range d.o.Renderer.Locales() {
			row.Locales = append(row.Locales, option{Label: l, Value: templatePath(store.TemplateKey{Kind: k, Locale: l}, "")})
		}
		page.Kinds = append(page.Kinds, row)
	}
	list, err := d.versions(v, "")
	if err != nil {
		return err
	}
	for i := range d.o.Sites {
		own, err := d.versions(v, d.o.Sites[i].Key)
		if err != nil {
			return err
		}
		list = append(list, own...)
	}
	for i := range list {
		if t := &list[i]; t.State != store.TemplateOld {
			page.Stored.Rows = append(page.Stored.Rows, []cell{link(string(t.Kind), templatePath(t.TemplateKey, "")), text(t.Locale), text(cmp.Or(t.Site, "all")),
				num(strconv.Itoa(t.Number)), versionState(t.State), text(t.Author), v.at(t.CreatedAt)})
		}
	}
	return v.show("templates", "Templates", page)
}

// versions lists the stored versions of a site's own templates, or with "" of
// those of all sites.
func (d *Desk) versions(v *visit, site string) ([]store.Template, error) {
	list, err := d.store.Templates(v.ctx(), site)
	return slices.DeleteFunc(list, func(t store.Template) bool { return t.Site != site }), err
}

func versionState(s store.TemplateState) cell {
	return tag(map[store.TemplateState]string{store.TemplateActive: "good", store.TemplateDraft: "info"}[s], map[store.TemplateState]string{
		store.TemplateActive: "in force", store.TemplateDraft: "draft", store.TemplateOld: "old"}[s])
}

// template gives the template that the path and ?site= name.
func (d *Desk) template(v *visit) (store.TemplateKey, error) {
	key := store.TemplateKey{Site: cmp.Or(v.r.PostForm.Get("site"), v.query("site")), Kind: dispatcher.Kind(v.r.PathValue("kind")), Locale: v.r.PathValue("locale")}
	if !slices.Contains(render.Kinds(), key.Kind) {
		return key, dispatcher.NotFound("kind of template", string(key.Kind))
	}
	if key.Site != "" {
		if _, err := d.store.Site(key.Site); err != nil {
			return key, err
		}
	}
	return key, nil
}

type templateView struct {
	Title     string
	Key       store.TemplateKey
	Parts     render.Parts // as they are edited
	From      string       // what the editor shows: "the draft", "version 3", "the built-in template"
	Typed     bool         // the editor shows what was typed and not saved
	Problems  []render.Problem
	Warnings  []render.Problem
	Scopes    []option
	Locales   []option
	Path      string // of the form, with its query
	Preview   string // address of the preview of what is stored
	Versions  table
	Diff      []diffLine
	DiffOf    string
	Discard   *button // of the draft
	Back      *button // to the version before, or to the built-in template
	Test      form
	Variables []variableGroup
	Draft     int // number of the draft, 0 for none
}

type variableGroup struct {
	Where string
	List  []render.Variable
}

// diffLine is one line of a unified diff.
type diffLine struct{ Tone, Text string }

func (d *Desk) templatePage(v *visit) error { return d.showTemplate(v, render.Report{}) }

func (d *Desk) showTemplate(v *visit, rep render.Report) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	all, err := d.versions(v, key.Site)
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(all, func(t store.Template) bool { return t.Kind != key.Kind || t.Locale != key.Locale })
	page := templateView{Title: string(key.Kind) + ", " + key.Locale, Key: key, Problems: rep.Errors, Warnings: rep.Warnings, Path: templatePath(key, "")}
	if err := d.edited(v, &page, list); err != nil {
		return err
	}
	page.Preview = templatePath(key, "/preview")
	page.Scopes = []option{{Label: "All sites", Value: templatePath(store.TemplateKey{Kind: key.Kind, Locale: key.Locale}, ""), Chosen: key.Site == ""}}
	for i := range d.o.Sites {
		s := &d.o.Sites[i]
		page.Scopes = append(page.Scopes, option{Label: cmp.Or(s.Name, s.Key), Value: templatePath(store.TemplateKey{Site: s.Key, Kind: key.Kind, Locale: key.Locale}, ""), Chosen: key.Site == s.Key})
	}
	for _, l := range d.o.Renderer.Locales() {
		page.Locales = append(page.Locales, option{Label: l, Value: templatePath(store.TemplateKey{Site: key.Site, Kind: key.Kind, Locale: l}, ""), Chosen: l == key.Locale})
	}
	d.versionTable(v, &page, list)
	if err := d.diff(v, &page, list); err != nil {
		return err
	}
	page.Test = v.form(form{Action: strings.SplitN(templatePath(store.TemplateKey{Kind: key.Kind, Locale: key.Locale}, "/test"), "?", 2)[0], Submit: "Send a test mail", Quiet: true, Fields: []field{
		{Name: "site", Kind: "hidden", Value: key.Site}, {Name: "to", Label: "To this address", Kind: "email", Required: true, Hint: "The draft, if there is one, else what is in force, with made-up comments."}}})
	for _, g := range [][2]string{{"mail", "Anywhere in the block “mail”, and in the subject"}, {"group", "Within {{range .Groups}}"}, {"item", "Within {{range .Items}}, and in the block “item”"}, {"parent", "There, within {{with .Parent}}"}} {
		vg := variableGroup{Where: g[1]}
		for _, x := range render.Variables() {
			if x.Where == g[0] {
				vg.List = append(vg.List, x)
			}
		}
		page.Variables = append(page.Variables, vg)
	}
	return v.show("template", page.Title, page)
}

// edited finds what the editor shows: what was typed, the version that was
// asked for, the draft, what is in force, or the built-in template.
func (d *Desk) edited(v *visit, page *templateView, list []store.Template) error {
	asked, _ := strconv.Atoi(v.query("version"))
	var active *store.Template
	for i := range list {
		t := &list[i]
		switch {
		case asked > 0 && t.Number == asked:
			page.Parts, page.From = t.Parts, fmt.Sprintf("version %d", t.Number)
		case t.State == store.TemplateDraft:
			page.Draft = t.Number
			if asked == 0 {
				page.Parts, page.From = t.Parts, fmt.Sprintf("the draft, version %d", t.Number)
			}
		case t.State == store.TemplateActive:
			active = t
		}
	}
	if page.From == "" && asked > 0 {
		return dispatcher.NotFound("version", strconv.Itoa(asked))
	}
	if page.From == "" && active != nil {
		page.Parts, page.From = active.Parts, fmt.Sprintf("what is in force, version %d", active.Number)
	}
	built, err := d.o.Renderer.Default(page.Key.Kind, page.Key.Locale)
	if err != nil {
		return err
	}
	page.Parts = render.Parts{Subject: cmp.Or(page.Parts.Subject, built.Subject), Text: cmp.Or(page.Parts.Text, built.Text), HTML: cmp.Or(page.Parts.HTML, built.HTML)}
	if page.From == "" {
		page.From = "the built-in template"
	}
	if v.post() && v.wrong != nil && v.r.PostForm.Has("html") {
		v.label = map[string]string{"subject": "Subject", "text": "Text", "html": "HTML"}[v.wrong.Field]
		page.Parts, page.Typed, page.From = typedParts(v), true, "what you typed; it is not saved"
	}
	return nil
}

// typedParts reads the editor's form. Browsers send CRLF.
func typedParts(v *visit) render.Parts {
	unix := func(name string) string { return strings.ReplaceAll(v.r.PostForm.Get(name), "\r\n", "\n") }
	return render.Parts{Subject: strings.TrimSpace(unix("subject")), Text: unix("text"), HTML: unix("html")}
}

func (d *Desk) versionTable(v *visit, page *templateView, list []store.Template) {
	page.Versions = table{Caption: "Versions", Columns: []string{"Version", "State", "By", "Saved", "Published", ""}, Empty: empty{What: "The built-in template is in force; nothing else was saved."}}
	may := v.me.Role.May(store.RoleEditor)
	for i := range list {
		t := &list[i]
		n := strconv.Itoa(t.Number)
		do := acts()
		if may && t.State != store.TemplateActive {
			do = acts(button{Action: strings.SplitN(page.Path, "?", 2)[0] + "/publish", Label: "Publish", Of: "version " + n, Hidden: []pair{{"site", page.Key.Site}, {"version", n}},
				Sure: "Mails use version " + n + " from now on."})
		}
		if may && t.State == store.TemplateDraft {
			page.Discard = &button{Action: strings.SplitN(page.Path, "?", 2)[0] + "/discard", Label: "Discard the draft", Of: "version " + n, Danger: true,
				Hidden: []pair{{"site", page.Key.Site}, {"version", n}}, Sure: "Version " + n + " is gone for good; mails stay as they are."}
		}
		page.Versions.Rows = append(page.Versions.Rows, []cell{link(n, templatePath(page.Key, "?version="+n)), versionState(t.State), text(t.Author), v.at(t.CreatedAt), v.at(t.PublishedAt), do})
		if may && t.State == store.TemplateActive {
			page.Back = &button{Action: strings.SplitN(page.Path, "?", 2)[0] + "/rollback", Label: "Roll back", Hidden: []pair{{"site", page.Key.Site}},
				Sure: "The version that was in force before counts again, or the built-in template where there was none."}
		}
	}
}

// diff shows what the edited version changes of what is in force.
func (d *Desk) diff(v *visit, page *templateView, list []store.Template) error {
	base, name := render.Parts{}, "the built-in template"
	for i := range list {
		if list[i].State == store.TemplateActive {
			base, name = list[i].Parts, fmt.Sprintf("version %d", list[i].Number)
		}
	}
	built, err := d.o.Renderer.Default(page.Key.Kind, page.Key.Locale)
	if err != nil {
		return err
	}
	base = render.Parts{Subject: cmp.Or(base.Subject, built.Subject), Text: cmp.Or(base.Text, built.Text), HTML: cmp.Or(base.HTML, built.HTML)}
	page.DiffOf = name
	for _, p := range [][3]string{{"subject", base.Subject, page.Parts.Subject}, {"text", base.Text, page.Parts.Text}, {"html", base.HTML, page.Parts.HTML}} {
		old, now := strings.TrimRight(p[1], "\n")+"\n", strings.TrimRight(p[2], "\n")+"\n"
		for line := range strings.Lines(udiff.Unified(p[0]+" of "+name, p[0]+" here", old, now)) {
			tone := map[byte]string{'+': "added", '-': "gone", '@': "at"}[line[0]]
			page.Diff = append(page.Diff, diffLine{tone, strings.TrimSuffix(line, "\n")})
		}
	}
	return nil
}

// saveTemplate saves what was typed as the draft, if it passes all checks.
func (d *Desk) saveTemplate(v *visit) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	parts := typedParts(v)
	rep, err := d.o.Renderer.Check(key.Kind, key.Locale, parts)
	if err != nil {
		return v.again(err, func(v *visit) error { return d.showTemplate(v, rep) })
	}
	t, err := v.as("template.draft", templateName(key), "", "draft").SaveDraft(v.ctx(), key, parts, v.me.Name)
	if err != nil {
		return v.again(err, d.templatePage)
	}
	said := "Saved as the draft, version %d. Mails do not change until it is published."
	if n := len(rep.Warnings); n > 0 {
		said += fmt.Sprintf(" %s: %s.", things(n, "warning", "warnings"), rep.Warnings[0].Message)
	}
	return v.done(templatePath(key, ""), said, t.Number)
}

func templateName(k store.TemplateKey) string {
	return strings.Join([]string{cmp.Or(k.Site, "all sites"), string(k.Kind), k.Locale}, "/")
}

func (d *Desk) publishTemplate(v *visit) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.field("version"))
	if err != nil {
		return dispatcher.NotFound("version", v.field("version"))
	}
	if err := v.as("template.publish", templateName(key), "", fmt.Sprintf("version %d", n)).Publish(v.ctx(), key, n); err != nil {
		return v.again(err, d.templatePage)
	}
	return v.done(templatePath(key, ""), "Version %d is in force.", n)
}

// discardTemplate removes the draft that the page showed.
func (d *Desk) discardTemplate(v *visit) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.field("version"))
	if err != nil {
		return dispatcher.NotFound("draft", v.field("version"))
	}
	if err := v.as("template.discard", templateName(key), fmt.Sprintf("version %d", n), "").DiscardDraft(v.ctx(), key, n); err != nil {
		return v.again(err, d.templatePage)
	}
	return v.done(templatePath(key, ""), "The draft, version %d, is gone.", n)
}

func (d *Desk) rollbackTemplate(v *visit) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	n, err := v.as("template.rollback", templateName(key), "", "the version before").Rollback(v.ctx(), key)
	if err != nil {
		return v.again(err, d.templatePage)
	}
	if n == 0 {
		return v.done(templatePath(key, ""), "The built-in template is in force again.")
	}
	return v.done(templatePath(key, ""), "Version %d is in force again.", n)
}

// previewTemplate shows in a frame what was typed (POST), or what the editor
// opens with (GET), with made-up comments.
func (d *Desk) previewTemplate(v *visit) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	parts := typedParts(v)
	if !v.post() {
		page := templateView{Key: key}
		list, err := d.versions(v, key.Site)
		if err != nil {
			return err
		}
		if err := d.edited(v, &page, slices.DeleteFunc(list, func(t store.Template) bool { return t.Kind != key.Kind || t.Locale != key.Locale })); err != nil {
			return err
		}
		parts = page.Parts
	}
	m := render.Sample(key.Kind, key.Locale, 5)
	if key.Site != "" {
		if m.Site, err = d.store.Site(key.Site); err != nil {
			return err
		}
	}
	out, err := d.o.Renderer.Preview(v.ctx(), key.Kind, key.Locale, &parts, m)
	var e *dispatcher.Error
	switch {
	case errors.As(err, &e) && e.Code == dispatcher.CodeInvalid:
		return v.frame(plainPage("This cannot be shown yet", e.Field+": "+e.Message+"\n"+e.Mend), v.query("scheme"))
	case err != nil:
		return err
	}
	if v.r.FormValue("show") == "text" {
		return v.frame(plainPage(out.Subject, out.Text), v.r.FormValue("scheme"))
	}
	return v.frame(out.HTML, v.r.FormValue("scheme"))
}

// plainPage is a document of a heading and a text, for the frame.
func plainPage(title, text string) string {
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Preview</title>` +
		`<style>body{margin:24px;font:15px/1.5 sans-serif}pre{white-space:pre-wrap;font:14px/1.5 monospace}</style></head><body><p dir="auto"><b>` +
		html.EscapeString(title) + `</b></p><pre dir="auto">` + html.EscapeString(text) + `</pre></body></html>`
}

// testTemplate mails the draft, or what is in force, to one address.
func (d *Desk) testTemplate(v *visit) error {
	key, err := d.template(v)
	if err != nil {
		return err
	}
	to, _, err := address.Parse(v.field("to"))
	if err != nil {
		return v.again(dispatcher.Invalid("to", "give one address such as ann@example.org", "%q is no mail address", v.field("to")), d.templatePage)
	}
	data := map[string]string{dispatcher.TestLocale: key.Locale}
	list, err := d.versions(v, key.Site)
	if err != nil {
		return err
	}
	for i := range list {
		if t := &list[i]; t.Kind == key.Kind && t.Locale == key.Locale && t.State == store.TemplateDraft {
			data[dispatcher.TestVersion] = strconv.Itoa(t.Number)
		}
	}
	site := key.Site
	if site == "" {
		site, data[dispatcher.TestScope] = d.o.Sites[0].Key, "all"
	}
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	id, err := v.as("template.test", templateName(key), "", "mailed").AddMessage(v.ctx(), dispatcher.Message{Site: site, Kind: key.Kind, Address: to, Data: string(b), Priority: dispatcher.PriorityConfirm})
	if err != nil {
		return v.again(err, d.templatePage)
	}
	return v.done(fmt.Sprintf("/messages/%d", id), "The test mail to %s is on its way; what becomes of it stands here.", to)
}
