package api

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/wire"
)

func partsOf(p wire.TemplateParts) render.Parts {
	return render.Parts{Subject: p.Subject, Text: p.Text, HTML: p.HTML}
}

func templateOf(t *store.Template) wire.Template {
	return wire.Template{Site: t.Site, Kind: t.Kind, Locale: t.Locale, Version: t.Number, State: wire.TemplateState(t.State), Author: t.Author,
		CreatedAt: t.CreatedAt, PublishedAt: t.PublishedAt, TemplateParts: wire.TemplateParts{Subject: t.Subject, Text: t.Text, HTML: t.HTML}}
}

// scopeQuery says whose template is meant.
type scopeQuery struct {
	Scope string `query:"scope" enum:"site,all" doc:"site (default), or all for the template of all sites"`
}

// templateKey names the template of the path: the site's own, or with
// ?scope=all that of all sites.
func (a *API) templateKey(c *call, q scopeQuery) (store.TemplateKey, error) {
	kind, err := c.kind()
	if err != nil {
		return store.TemplateKey{}, err
	}
	k := store.TemplateKey{Site: c.site, Kind: kind, Locale: c.r.PathValue("locale")}
	if q.Scope == "all" {
		k.Site = ""
		if !a.everySite(c.key) {
			return k, &dispatcher.Error{Code: dispatcher.CodeForbidden, Field: "scope", Message: "this concerns all sites, and the key is for some", Mend: "leave scope out, or use a key for all sites"}
		}
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
	e := dispatcher.NotFound("kind of template", clip(string(k)))
	e.Mend = "use one of: " + strings.Join(known, ", ")
	return k, e
}

// listTemplates lists the stored versions, and the kinds and languages that
// have built-in ones.
func (a *API) listTemplates(c *call, _ none) (wire.Templates, error) {
	all, err := a.o.Store.Templates(c.context(), c.site)
	rows := make([]wire.Template, len(all))
	for i := range all {
		rows[i] = templateOf(&all[i])
	}
	return wire.Templates{Items: rows, Kinds: render.Kinds(), Locales: a.o.Renderer.Locales()}, err
}

// putTemplate saves a draft, if it passes all checks.
func (a *API) putTemplate(c *call, q scopeQuery, in wire.TemplateParts) (int, wire.TemplateSaved, error) {
	key, err := a.templateKey(c, q)
	if err != nil {
		return 0, wire.TemplateSaved{}, err
	}
	rep, err := a.o.Renderer.Check(key.Kind, key.Locale, partsOf(in))
	if err != nil {
		return 0, wire.TemplateSaved{}, &faulty{err, rep}
	}
	t, err := a.o.Store.SaveDraft(c.context(), key, partsOf(in), c.key.Name)
	return http.StatusCreated, wire.TemplateSaved{Template: templateOf(&t), Warnings: problemsOf(rep.Warnings)}, err
}

func problemsOf(list []render.Problem) []wire.TemplateProblem {
	out := make([]wire.TemplateProblem, len(list))
	for i := range list {
		out[i] = wire.TemplateProblem(list[i])
	}
	return out
}

// faulty is the error of a template with all that is wrong with it.
type faulty struct {
	error
	report render.Report
}

func (f *faulty) Unwrap() error { return f.error }

// WriteProblem answers with the first problem, and all of them in it.
func (f *faulty) WriteProblem(w http.ResponseWriter) {
	p := web.ProblemOf(f.error)
	web.WriteBody(w, p.Status, problemType, wire.TemplateRefused{Problem: p, Errors: problemsOf(f.report.Errors), Warnings: problemsOf(f.report.Warnings)})
}

// publishTemplate makes a version the active one, a draft or an old one.
func (a *API) publishTemplate(c *call, q scopeQuery) (wire.TemplateVersion, error) {
	key, err := a.templateKey(c, q)
	if err != nil {
		return wire.TemplateVersion{}, err
	}
	n, err := c.number("version", "version")
	if err != nil {
		return wire.TemplateVersion{}, err
	}
	if n > math.MaxInt32 {
		return wire.TemplateVersion{}, dispatcher.NotFound("version", c.r.PathValue("version"))
	}
	return wire.TemplateVersion{Kind: key.Kind, Locale: key.Locale, Version: int(n), State: wire.TemplateActive}, a.o.Store.Publish(c.context(), key, int(n))
}

// rollbackTemplate puts the version before the active one in its place;
// version 0 says that the built-in template counts again.
func (a *API) rollbackTemplate(c *call, q scopeQuery) (wire.TemplateVersion, error) {
	key, err := a.templateKey(c, q)
	if err != nil {
		return wire.TemplateVersion{}, err
	}
	n, err := a.o.Store.Rollback(c.context(), key)
	return wire.TemplateVersion{Kind: key.Kind, Locale: key.Locale, Version: n, State: wire.TemplateActive}, err
}

// previewTemplate renders a sample with the sources of the body, or, without a
// body, with what would be used now.
func (a *API) previewTemplate(c *call, _ none, in *wire.TemplateParts) (int, wire.Rendered, error) {
	kind, err := c.kind()
	if err != nil {
		return 0, wire.Rendered{}, err
	}
	var given *render.Parts
	if in != nil {
		p := partsOf(*in)
		given = &p
	}
	site, err := a.o.Store.Site(c.site)
	if err != nil {
		return 0, wire.Rendered{}, err
	}
	locale := c.r.PathValue("locale")
	n := 5
	if kind == dispatcher.KindReply {
		n = 2
	}
	m := render.Sample(kind, locale, n)
	m.Site = site
	out, err := a.o.Renderer.Preview(c.context(), kind, locale, given, m)
	return http.StatusOK, wire.Rendered{Subject: out.Subject, Text: out.Text, HTML: out.HTML}, err
}

// testMail queues a test mail to one address.
func (a *API) testMail(c *call, _ none, in wire.TestMail) (int, wire.TestQueued, error) {
	kind, err := c.kind()
	if err != nil {
		return 0, wire.TestQueued{}, err
	}
	if kind != dispatcher.KindTest {
		return 0, wire.TestQueued{}, dispatcher.Invalid("kind", "send a test of kind test; preview shows the others", "a %s cannot be mailed without its comments", kind)
	}
	sent, _, err := address.Parse(in.To)
	if err != nil {
		return 0, wire.TestQueued{}, dispatcher.Invalid("to", "give one address such as ann@example.org", "%q is no mail address", clip(in.To))
	}
	id, err := a.o.Store.AddMessage(c.context(), dispatcher.Message{Site: c.site, Kind: dispatcher.KindTest, Address: sent, Priority: dispatcher.PriorityConfirm})
	return http.StatusAccepted, wire.TestQueued{Message: id, To: sent}, err
}
