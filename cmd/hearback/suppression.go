package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
)

func newSuppression(r *root) *cobra.Command {
	return group("suppression", "See and change the addresses that get no mail",
		"  hearback suppression list\n  hearback suppression add ann@example.org --detail \"asked by phone\"",
		newSuppressionList(r), newSuppressionAdd(r), newSuppressionRemove(r))
}

func newSuppressionList(r *root) *cobra.Command {
	var site string
	var paging pageFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List suppressed addresses", Example: "  hearback suppression list", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			site, err := s.anySite(site)
			if err != nil {
				return err
			}
			list, err := s.store.Suppressions(ctx, site, paging.after, paging.limit+1)
			if err != nil {
				return err
			}
			out := listed(list, paging.limit, func(p *store.Suppression) string { return p.Address })
			return s.print(out, func(p *page) {
				if len(out.Items) == 0 {
					p.line("no suppressed addresses")
					return
				}
				p.row("SITE", "ADDRESS", "REASON", "SINCE", "DETAIL")
				for _, l := range out.Items {
					p.row(l.Site, l.Address, l.Reason, l.Since, l.Detail)
				}
				p.next(out.Next)
			})
		}),
	}
	siteFlag(cmd, &site)
	paging.register(cmd)
	return cmd
}

func newSuppressionAdd(r *root) *cobra.Command {
	var site, detail string
	cmd := &cobra.Command{
		Use: "add ADDRESS", Short: "Send no mail of a site to an address", Example: "  hearback suppression add ann@example.org --detail \"asked by phone\"", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			_, normal, err := address.Parse(args[0])
			if err != nil {
				return err
			}
			p := store.Suppression{Site: site.Key, Address: normal, Reason: "admin", Detail: detail, Since: s.store.Now()}
			if err := s.did("suppression.add", normal+" of "+site.Key, "", detail).PutSuppression(ctx, p); err != nil {
				return err
			}
			return s.print(p, func(p *page) { p.line("%s gets no mail of %s any more", normal, site.Key) })
		}),
	}
	siteFlag(cmd, &site)
	cmd.Flags().StringVar(&detail, "detail", "", "why, for those who ask later")
	return cmd
}

func newSuppressionRemove(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "remove ADDRESS", Short: "Let mail go to an address again", Example: "  hearback suppression remove ann@example.org", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			_, normal, err := address.Parse(args[0])
			if err != nil {
				return err
			}
			if err := s.did("suppression.remove", normal+" of "+site.Key, "", "").DeleteSuppression(ctx, site.Key, normal); err != nil {
				return err
			}
			return s.print(map[string]string{"removed": normal}, func(p *page) { p.line("%s may get mail of %s again", normal, site.Key) })
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}
