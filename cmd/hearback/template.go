package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

type templateJSON struct {
	Site        string              `json:"site"` // "" for all sites
	Kind        dispatcher.Kind     `json:"kind"`
	Locale      string              `json:"locale"`
	Version     int                 `json:"version"` // 0 for the built-in one
	State       store.TemplateState `json:"state"`   // draft, active, old or built_in
	Subject     string              `json:"subject"`
	Text        string              `json:"text"`
	HTML        string              `json:"html"`
	Author      string              `json:"author,omitempty"`
	CreatedAt   time.Time           `json:"created_at,omitzero"`
	PublishedAt time.Time           `json:"published_at,omitzero"`
}

// stateBuiltIn is the state of a template that nobody has changed.
const stateBuiltIn store.TemplateState = "built_in"

func templateOf(t *store.Template) templateJSON {
	return templateJSON{Site: t.Site, Kind: t.Kind, Locale: t.Locale, Version: t.Number, State: t.State, Subject: t.Subject, Text: t.Text, HTML: t.HTML,
		Author: t.Author, CreatedAt: t.CreatedAt, PublishedAt: t.PublishedAt}
}

func newTemplate(r *root) *cobra.Command {
	return group("template", "See, change and try the texts of mails",
		"  hearback template show digest --locale de\n  hearback template edit digest --subject subject.tmpl\n  hearback template publish digest 3",
		newTemplateList(r), newTemplateShow(r), newTemplateEdit(r), newTemplatePreview(r), newTemplatePublish(r), newTemplateRollback(r), newTemplateTest(r))
}

// templateFlags say which template is meant.
type templateFlags struct {
	site, locale string
	version      int
}

func (f *templateFlags) register(cmd *cobra.Command, versions bool) {
	cmd.Flags().StringVar(&f.site, "site", "", "the template of this site (default that of all sites)")
	cmd.Flags().StringVar(&f.locale, "locale", "", "its language, such as de (default the site's)")
	if versions {
		cmd.Flags().IntVar(&f.version, "version", 0, "this version (default the one in force)")
	}
}

// key names the template of a kind that the flags mean.
func (s *session) key(f *templateFlags, kind string) (store.TemplateKey, error) {
	known, err := oneOf("KIND", kind, render.Kinds()...)
	if err != nil {
		return store.TemplateKey{}, err
	}
	site := s.cfg.Sites[0].Domain()
	if f.site != "" {
		if site, err = s.store.Site(f.site); err != nil {
			return store.TemplateKey{}, err
		}
	}
	return store.TemplateKey{Site: f.site, Kind: known, Locale: cmp.Or(f.locale, site.Locale, "en")}, nil
}

// template gives the version that the flags mean: the active one if none is
// named, and the built-in one if there is none.
func (s *session) template(ctx context.Context, key store.TemplateKey, version int) (templateJSON, error) {
	if version > 0 {
		t, err := s.store.Template(ctx, key, version)
		return templateOf(&t), err
	}
	list, err := s.store.Templates(ctx, key.Site)
	if err != nil {
		return templateJSON{}, err
	}
	for i := range list {
		if list[i].TemplateKey == key && list[i].State == store.TemplateActive {
			return templateOf(&list[i]), nil
		}
	}
	rend, err := s.renderer()
	if err != nil {
		return templateJSON{}, err
	}
	parts, err := rend.Default(key.Kind, key.Locale)
	return templateJSON{Site: key.Site, Kind: key.Kind, Locale: key.Locale, State: stateBuiltIn, Subject: parts.Subject, Text: parts.Text, HTML: parts.HTML}, err
}

// renderer makes mails from what is stored.
func (s *session) renderer() (*render.Renderer, error) {
	if s.rend != nil {
		return s.rend, nil
	}
	var err error
	s.rend, err = render.New(render.Options{Stored: s.store, Clock: s.clock})
	return s.rend, err
}

func newTemplateList(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "list", Short: "List stored versions, and the kinds and languages that are built in", Example: "  hearback template list", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			site, err := s.anySite(site)
			if err != nil {
				return err
			}
			list, err := s.store.Templates(ctx, site)
			if err != nil {
				return err
			}
			rend, err := s.renderer()
			if err != nil {
				return err
			}
			out := struct {
				Items   []templateJSON    `json:"items"`
				Kinds   []dispatcher.Kind `json:"kinds"`
				Locales []string          `json:"locales"`
			}{[]templateJSON{}, render.Kinds(), rend.Locales()}
			for i := range list {
				out.Items = append(out.Items, templateOf(&list[i]))
			}
			return s.print(out, func(p *page) {
				p.line("built in: %s, each in %s", fmt.Sprint(out.Kinds), fmt.Sprint(out.Locales))
				if len(out.Items) == 0 {
					return
				}
				p.row("KIND", "LOCALE", "SITE", "VERSION", "STATE", "MADE", "PUBLISHED", "BY")
				for _, t := range out.Items {
					p.row(string(t.Kind), t.Locale, cmp.Or(t.Site, "all"), t.Version, string(t.State), t.CreatedAt, t.PublishedAt, t.Author)
				}
			})
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}

func newTemplateShow(r *root) *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use: "show KIND", Short: "Show a template's sources", Example: "  hearback template show digest --locale de > digest.txt", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			key, err := s.key(&f, args[0])
			if err != nil {
				return err
			}
			t, err := s.template(ctx, key, f.version)
			if err != nil {
				return err
			}
			return s.print(t, func(p *page) {
				p.line("-- %s, %s, version %d (%s) --", string(t.Kind), t.Locale, t.Version, string(t.State))
				p.line("-- subject --")
				p.block(t.Subject)
				p.line("-- text --")
				p.block(t.Text)
				p.line("-- html --")
				p.block(t.HTML)
			})
		}),
	}
	f.register(cmd, true)
	return cmd
}

func newTemplatePreview(r *root) *cobra.Command {
	var f templateFlags
	var html bool
	cmd := &cobra.Command{
		Use: "preview KIND", Short: "Show a mail of a template with made-up comments", Example: "  hearback template preview digest --version 3\n  hearback template preview digest --html > digest.html", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			key, err := s.key(&f, args[0])
			if err != nil {
				return err
			}
			out, err := s.preview(ctx, key, f.version)
			if err != nil {
				return err
			}
			return s.print(out, func(p *page) {
				if html {
					p.block(out.HTML)
					return
				}
				p.line("Subject: %s", out.Subject)
				p.line("")
				p.block(out.Text)
			})
		}),
	}
	f.register(cmd, true)
	cmd.Flags().BoolVar(&html, "html", false, "print the HTML part")
	return cmd
}

func (s *session) preview(ctx context.Context, key store.TemplateKey, version int) (render.Rendered, error) {
	rend, err := s.renderer()
	if err != nil {
		return render.Rendered{}, err
	}
	var parts *render.Parts
	if version > 0 {
		t, err := s.store.Template(ctx, key, version)
		if err != nil {
			return render.Rendered{}, err
		}
		parts = &t.Parts
	}
	return rend.Preview(ctx, key.Kind, key.Locale, parts, s.sample(key))
}

// sample is a mail with made-up comments of the site that a key names.
func (s *session) sample(key store.TemplateKey) *render.Mail {
	n := 5
	if key.Kind == dispatcher.KindReply {
		n = 2
	}
	m := render.Sample(key.Kind, key.Locale, n)
	m.Site = s.cfg.Sites[0].Domain()
	if site, err := s.store.Site(key.Site); err == nil {
		m.Site = site
	}
	return m
}

func newTemplatePublish(r *root) *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use: "publish KIND VERSION", Short: "Make a version the one that mails are made from", Example: "  hearback template publish digest 3 --locale de", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			key, err := s.key(&f, args[0])
			if err != nil {
				return err
			}
			n, err := number("VERSION", args[1])
			if err != nil {
				return err
			}
			if err := s.did("template.publish", templateName(key), "", "version "+args[1]).Publish(ctx, key, int(n)); err != nil {
				return err
			}
			return s.activated(key, int(n))
		}),
	}
	f.register(cmd, false)
	return cmd
}

func newTemplateRollback(r *root) *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use: "rollback KIND", Short: "Go back to the version before the active one, or to the built-in template", Example: "  hearback template rollback digest", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			key, err := s.key(&f, args[0])
			if err != nil {
				return err
			}
			n, err := s.did("template.rollback", templateName(key), "", "").Rollback(ctx, key)
			if err != nil {
				return err
			}
			return s.activated(key, n)
		}),
	}
	f.register(cmd, false)
	return cmd
}

// activated tells which version is in force now; 0 is the built-in one.
func (s *session) activated(key store.TemplateKey, n int) error {
	out := struct {
		store.TemplateKey
		Version int                 `json:"version"`
		State   store.TemplateState `json:"state"`
	}{key, n, store.TemplateActive}
	if n == 0 {
		out.State = stateBuiltIn
	}
	return s.print(out, func(p *page) {
		if n == 0 {
			p.line("%s in %s: the built-in template is in force", string(key.Kind), key.Locale)
			return
		}
		p.line("%s in %s: version %d is in force", string(key.Kind), key.Locale, n)
	})
}

// templateName is how the audit log calls a template.
func templateName(k store.TemplateKey) string {
	name := string(k.Kind) + " " + k.Locale
	if k.Site != "" {
		name += " of " + k.Site
	}
	return name
}
