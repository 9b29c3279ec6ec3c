package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func newKey(r *root) *cobra.Command {
	return group("key", "Make, list and revoke keys of the HTTP API",
		"  hearback key create backend --site blog --right events:write --right subscriptions:write\n  hearback key revoke 3",
		newKeyCreate(r), newKeyList(r), newKeyRevoke(r))
}

func newKeyCreate(r *root) *cobra.Command {
	var sites, rights []string
	var names []string
	for _, right := range store.Rights() {
		names = append(names, string(right))
	}
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a key and show it, this once", Args: asUsed,
		Example: "  hearback key create backend --site blog --right events:write,subscriptions:write",
		Long:    "Make a key and show it, this once: the database keeps only a fingerprint. Without --site it is\nfor all sites. Rights: " + strings.Join(names, ", ") + ".",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			if len(rights) == 0 {
				return dispatcher.Invalid("--right", "give one or more of: "+strings.Join(names, ", "), "a key needs a right")
			}
			var may []store.Right
			for _, right := range rights {
				known, err := oneOf("--right", right, store.Rights()...)
				if err != nil {
					return err
				}
				may = append(may, known)
			}
			key, plain, err := s.did("key.create", args[0], "", strings.Join(rights, ", ")).CreateKey(ctx, args[0], sites, may)
			if err != nil {
				return err
			}
			out := struct {
				Plain string `json:"key"`
				store.Key
			}{plain, key}
			return s.print(out, func(p *page) {
				p.line("%s", plain)
				p.line("")
				p.line("keep it now, it is not shown again. Use it as: Authorization: Bearer KEY")
			})
		}),
	}
	cmd.Flags().StringSliceVar(&sites, "site", nil, "only for this site (may be repeated)")
	cmd.Flags().StringSliceVar(&rights, "right", nil, "what it may do (may be repeated)")
	return cmd
}

func newKeyList(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List keys, revoked ones too", Example: "  hearback key list", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			keys, err := s.store.Keys(ctx)
			if err != nil {
				return err
			}
			out := listJSON[store.Key]{Items: append([]store.Key{}, keys...)}
			return s.print(out, func(p *page) {
				if len(keys) == 0 {
					p.line("no keys; make one with: hearback key create NAME --right RIGHT")
					return
				}
				p.row("NUMBER", "NAME", "BEGINS WITH", "SITES", "RIGHTS", "MADE", "USED", "REVOKED")
				for _, k := range keys {
					sites := "all"
					if len(k.Sites) > 0 {
						sites = strings.Join(k.Sites, ", ")
					}
					rights := make([]string, len(k.Rights))
					for i := range k.Rights {
						rights[i] = string(k.Rights[i])
					}
					p.row(k.ID, k.Name, k.Prefix, sites, rights, k.CreatedAt, k.UsedAt, k.RevokedAt)
				}
			})
		}),
	}
}

func newKeyRevoke(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NUMBER", Short: "Revoke a key; it is refused from now on", Example: "  hearback key revoke 3", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			id, err := number("NUMBER", args[0])
			if err != nil {
				return err
			}
			if err := s.did("key.revoke", args[0], "", "revoked").RevokeKey(ctx, id); err != nil {
				return err
			}
			return s.print(map[string]int64{"revoked": id}, func(p *page) { p.line("key %s is refused from now on", strconv.FormatInt(id, 10)) })
		}),
	}
}
