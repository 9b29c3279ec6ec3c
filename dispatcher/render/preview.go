package render

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
)

// Preview shows a template: as given in parts, or, when parts is nil, as it
// would be used now. The content is m, or a sample when m is nil. Nothing is
// cut to the size of a mail. parts that could not be saved give the error that
// [Renderer.Check] gives.
func (r *Renderer) Preview(ctx context.Context, kind dispatcher.Kind, locale string, parts *Parts, m *Mail) (Rendered, error) {
	if m == nil {
		n := 5
		if kind == dispatcher.KindReply {
			n = 2
		}
		m = Sample(kind, locale, n)
	}
	asked := *m
	asked.Kind, asked.Locale = kind, locale
	p, err := r.previewPlan(ctx, &asked, parts)
	if err != nil {
		return Rendered{}, err
	}
	out, bad := r.bounded(p, &asked)
	if bad != nil {
		return Rendered{}, dispatcher.Invalid(bad.part, bad.mend, "%s", bad.message)
	}
	return out, nil
}

func (r *Renderer) previewPlan(ctx context.Context, m *Mail, parts *Parts) (*plan, error) {
	if parts == nil {
		return r.planFor(ctx, m)
	}
	tag := cleanTag(m.Locale)
	if tag == "" {
		tag = fallbackLocale
	}
	lang := r.language(tag)
	src, err := r.sources(m.Kind, lang, *parts)
	if err != nil {
		return nil, err
	}
	return passing(compile(m.Kind, m.Site, lang, "preview", src))
}

// passing marks a plan that is used once.
func passing(p *plan, err error) (*plan, error) {
	if err == nil {
		p.passing = true
	}
	return p, err
}
