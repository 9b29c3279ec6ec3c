package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher/store"
)

func newExplain(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "explain SUBSCRIBER COMMENT", Short: "Say why a reader got a comment, or did not", Example: "  hearback explain u-9 c-123", Args: asUsed,
		Long: "Say why a reader got a comment, will get it, or did not, from the same rules that select it.\nBoth are named by the site's own ids.",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			x, err := s.store.Explain(ctx, site.Key, args[0], args[1])
			if err != nil {
				return err
			}
			return s.print(x, func(p *page) { showExplanation(p, &x) })
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}

func showExplanation(p *page, x *store.Explanation) {
	p.line("%s", x.Sentence) // it begins with the verdict
	p.line("")
	if st := x.State; st != nil {
		p.row("comment", string(st.Visibility))
		p.row("published", st.PublishedAt)
		if !st.SettlesAt.IsZero() {
			p.row("settles", st.SettlesAt)
		}
	}
	for _, s := range x.Subscriptions {
		how := s.Reason
		if s.Why != "" {
			how = "does not count: " + string(s.Why)
		}
		p.row("subscription", typed(s.Target), s.Schedule, how)
	}
	for _, m := range x.Mutes {
		p.row("mute", typed(m))
	}
	if !x.ReadUpTo.IsZero() {
		p.row("read on the site", x.ReadUpTo)
	}
	for _, m := range x.Messages {
		p.row("message", m.ID, string(m.State), m.Why, m.LastWords)
	}
	for _, h := range x.Holds {
		p.row("held", h.Schedule, string(h.Reason), "until "+when(h.NotBefore))
	}
}
