package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// parts are a template's sources as they are put; an empty part stands for the
// built-in one.
type parts struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

func (p parts) render() render.Parts {
	return render.Parts{Subject: p.Subject, Text: p.Text, HTML: p.HTML}
}

// template is one stored version as the API tells of it.
type template struct {
	Site        string              `json:"site,omitempty"` // "" for all sites
	Kind        dispatcher.Kind     `json:"kind"`
	Locale      string              `json:"locale"`
	Version     int                 `json:"version"`
	State       store.TemplateState `json:"state"`
	Author      string              `json:"author,omitempty"`
	CreatedAt   *string             `json:"created_at,omitempty"`
	PublishedAt *string             `json:"published_at,omitempty"`
	parts
}

func templateOf(t *store.Template) template {
	return template{Site: t.Site, Kind: t.Kind, Locale: t.Locale, Version: t.Number, State: t.State, Author: t.Author,
		CreatedAt: moment(t.CreatedAt), PublishedAt: moment(t.PublishedAt), parts: parts{t.Subject, t.Text, t.HTML}}
}

// templateKey names the template of the path: the site's own, or with
// ?scope=all that of all sites.
func (a *API) templateKey(c *call) (store.TemplateKey, error) {
	kind, err := c.kind()
	if err != nil {
		return store.TemplateKey{}, err
	}
	k := store.TemplateKey{Site: c.site, Kind: kind, Locale: c.r.PathValue("locale")}
	switch scope := c.query("scope"); {
	case scope == "all" && !a.everySite(c.key):
		return k, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "scope", Message: "this concerns all sites, and the key is for some", Mend: "leave scope out, or use a key for all sites"}
	case scope == "all":
		k.Site = ""
	case scope != "" && scope != "site":
		return k, dispatcher.Invalid("scope", "use site or all", "unknown scope %q", scope)
	}
	return k, nil
}

// kind reads the kind of the path.
func (c *call) kind() (dispatcher.Kind, error) {
	k := dispatcher.Kind(c.r.PathValue("kind"))
	if slices.Contains(render.Kinds(), k) {
		return k, nil
	}
	known := make([]string, 0, 5)
	for _, k := range render.Kinds() {
		known = append(known, string(k))
	}
	e := dispatcher.NotFound("kind of template", string(k))
	e.Mend = "use one of: " + strings.Join(known, ", ")
	return k, e
}

// listTemplates lists the stored versions, and the kinds and languages that
// have built-in ones.
func (a *API) listTemplates(c *call) error {
	all, err := a.o.Store.Templates(c.context(), c.site)
	if err != nil {
		return err
	}
	rows := make([]template, len(all))
	for i := range all {
		rows[i] = templateOf(&all[i])
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"items": rows, "kinds": render.Kinds(), "locales": a.o.Renderer.Locales()})
	return nil
}

// putTemplate saves a draft, if it passes all checks.
func (a *API) putTemplate(c *call) error {
	key, err := a.templateKey(c)
	if err != nil {
		return err
	}
	var in parts
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return err
	}
	rep, err := a.o.Renderer.Check(key.Kind, key.Locale, in.render())
	if err != nil {
		writeReport(c.w, rep, err)
		return nil
	}
	t, err := a.o.Store.SaveDraft(c.context(), key, in.render(), c.key.Name)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusCreated, struct {
		template
		Warnings []render.Problem `json:"warnings"`
	}{templateOf(&t), problems(rep.Warnings)})
	return nil
}

func problems(p []render.Problem) []render.Problem {
	if p == nil {
		return []render.Problem{}
	}
	return p
}

// writeReport answers with the first problem, and all of them in it.
func writeReport(w http.ResponseWriter, rep render.Report, err error) {
	p := web.ProblemOf(err)
	web.WriteBody(w, p.Status, "application/problem+json", struct {
		web.Problem
		Errors   []render.Problem `json:"errors"`
		Warnings []render.Problem `json:"warnings"`
	}{p, problems(rep.Errors), problems(rep.Warnings)})
}

// publishTemplate makes a version the active one, a draft or an old one.
func (a *API) publishTemplate(c *call) error {
	key, err := a.templateKey(c)
	if err != nil {
		return err
	}
	n, err := c.number("version", "version")
	if err != nil {
		return err
	}
	if err := a.o.Store.Publish(c.context(), key, int(n)); err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"kind": key.Kind, "locale": key.Locale, "version": n, "state": store.TemplateActive})
	return nil
}

// rollbackTemplate puts the version before the active one in its place;
// version 0 says that the built-in template counts again.
func (a *API) rollbackTemplate(c *call) error {
	key, err := a.templateKey(c)
	if err != nil {
		return err
	}
	n, err := a.o.Store.Rollback(c.context(), key)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, map[string]any{"kind": key.Kind, "locale": key.Locale, "version": n, "state": store.TemplateActive})
	return nil
}

// previewTemplate renders a sample with the sources of the body, or, without a
// body, with what would be used now.
func (a *API) previewTemplate(c *call) error {
	kind, err := c.kind()
	if err != nil {
		return err
	}
	var given *render.Parts
	if c.r.ContentLength != 0 {
		var in parts
		if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
			return err
		}
		p := in.render()
		given = &p
	}
	site, err := a.o.Store.Site(c.site)
	if err != nil {
		return err
	}
	locale := c.r.PathValue("locale")
	n := 5
	if kind == dispatcher.KindReply {
		n = 2
	}
	m := render.Sample(kind, locale, n)
	m.Site = site
	out, err := a.o.Renderer.Preview(c.context(), kind, locale, given, m)
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusOK, out)
	return nil
}

// testMail queues a test mail to one address.
func (a *API) testMail(c *call) error {
	kind, err := c.kind()
	if err != nil {
		return err
	}
	if kind != dispatcher.KindTest {
		return dispatcher.Invalid("kind", "send a test of kind test; preview shows the others", "a %s cannot be mailed without its comments", kind)
	}
	var in struct {
		To string `json:"to"`
	}
	if err := web.DecodeBody(c.w, c.r, MaxSmall, &in); err != nil {
		return err
	}
	sent, _, err := address.Parse(in.To)
	if err != nil {
		return dispatcher.Invalid("to", "give one address such as ann@example.org", "%q is no mail address", in.To)
	}
	id, err := a.o.Store.AddMessage(c.context(), dispatcher.Message{Site: c.site, Kind: dispatcher.KindTest, Address: sent, Priority: dispatcher.PriorityConfirm})
	if err != nil {
		return err
	}
	web.WriteJSON(c.w, http.StatusAccepted, map[string]any{"message": id, "to": sent})
	return nil
}
