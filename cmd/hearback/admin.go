package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/password"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web/admin"
)

func newAdmin(r *root) *cobra.Command {
	return group("admin", "Say who may use the admin pages",
		"  hearback admin add ann\n  hearback admin link ann",
		newAdminAdd(r), newAdminList(r), newAdminRole(r), newAdminLink(r),
		newAdminDisable(r, true), newAdminDisable(r, false), newAdminRemove(r))
}

// linkJSON is a link that signs in once.
type linkJSON struct {
	store.Admin
	Link string `json:"link,omitempty"`
}

func newAdminAdd(r *root) *cobra.Command {
	var role string
	var byLink bool
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add an admin", Args: asUsed,
		Example: "  hearback admin add ann\n  hearback admin add ben@example.org --role viewer --link",
		Long: "Add an admin. The password is asked for, or read from standard input; with --link none is set, and\n" +
			"a link is shown that signs in once, within an hour. Roles: viewer sees everything, editor runs the\n" +
			"mail, admin gives others access too.",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			name, err := store.AdminName(args[0])
			if err != nil {
				return err
			}
			as, err := s.roleFor(ctx, role)
			if err != nil {
				return err
			}
			hash := ""
			if !byLink {
				if hash, err = s.askPassword(ctx, name); err != nil {
					return err
				}
			}
			a, err := s.did("admin.add", name, "", string(as)).AddAdmin(ctx, name, as, hash)
			if err != nil {
				return err
			}
			out := linkJSON{Admin: a}
			if byLink {
				if out.Link, err = s.link(ctx, a); err != nil {
					return err
				}
			}
			return s.print(out, func(p *page) {
				p.line("added %s as %s", a.Name, a.Role)
				if out.Link != "" {
					p.line("%s", out.Link)
					p.line("signs in once, within an hour")
				}
			})
		}),
	}
	cmd.Flags().StringVar(&role, "role", "", "viewer, editor or admin (the first is admin, later ones editor unless you say so)")
	cmd.Flags().BoolVar(&byLink, "link", false, "set no password, and show a link that signs in once")
	return cmd
}

// did gives the store as it works for the command line.
func (s *session) did(what, subject, before, after string) *store.Store {
	return s.store.As(store.Act{By: store.ByCommand, What: what, Subject: subject, Before: before, After: after})
}

// record puts a change into the audit log that was not made by the store alone.
func (s *session) record(ctx context.Context, what, subject, after string) error {
	return s.store.Record(ctx, store.Act{By: store.ByCommand, What: what, Subject: subject, After: after})
}

func (s *session) roleFor(ctx context.Context, asked string) (store.Role, error) {
	if asked != "" {
		return oneOf("--role", asked, store.Roles()...)
	}
	any, err := s.store.AnyAdmin(ctx)
	if err != nil || any {
		return store.RoleEditor, err
	}
	return store.RoleAdmin, nil
}

// link makes a link that signs an admin in once.
func (s *session) link(ctx context.Context, a store.Admin) (string, error) {
	secret, err := s.did("admin.link", a.Name, "", "").MakeLink(ctx, a.ID, store.LinkLife)
	if err != nil {
		return "", err
	}
	return admin.LinkURL(s.cfg.HTTP.BaseURL, secret), nil
}

// askPassword reads a password, twice from a terminal, once from a pipe, and
// hashes it.
func (s *session) askPassword(ctx context.Context, name string) (string, error) {
	typed, err := s.readPassword()
	if err != nil {
		return "", err
	}
	if typed == "" {
		return "", dispatcher.Invalid("password", "type it, pipe it in, or use --link", "is missing")
	}
	if err := password.Check(typed, name); err != nil {
		return "", err
	}
	return password.NewKeeper(password.Cost{}).Hash(ctx, typed)
}

func (s *session) readPassword() (string, error) {
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(s.in, 2*password.MaxLength)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(s.errs, prompt)
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(s.errs)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", dispatcher.Invalid("password", "type the same twice", "differs the second time")
	}
	return typed[0], nil
}

func newAdminList(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who may use the admin pages", Example: "  hearback admin list", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			list, err := s.store.Admins(ctx)
			if err != nil {
				return err
			}
			return s.print(listJSON[store.Admin]{Items: append([]store.Admin{}, list...)}, func(p *page) {
				if len(list) == 0 {
					p.line("no admins; add one with: hearback admin add NAME")
					return
				}
				p.row("NAME", "ROLE", "PASSWORD", "DISABLED", "TIME ZONE", "ADDED", "LAST SEEN")
				for _, a := range list {
					p.row(a.Name, a.Role, a.HasPassword, a.Disabled, cmp.Or(a.Zone, "UTC"), a.CreatedAt, a.SeenAt)
				}
			})
		}),
	}
}

func newAdminRole(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "role NAME ROLE", Short: "Give an admin another role", Example: "  hearback admin role ann editor", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			role, err := oneOf("ROLE", args[1], store.Roles()...)
			if err != nil {
				return err
			}
			a, err := s.store.AdminByName(ctx, args[0])
			if err != nil {
				return err
			}
			if err := s.did("admin.role", a.Name, string(a.Role), string(role)).SetAdminRole(ctx, a.ID, role); err != nil {
				return err
			}
			a.Role = role
			return s.print(a, func(p *page) { p.line("%s is %s now", a.Name, role) })
		}),
	}
}

func newAdminLink(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "link NAME", Short: "Show a link that signs an admin in once, within an hour", Example: "  hearback admin link ann", Args: asUsed,
		Long: "Show a link that signs an admin in once, within an hour: for somebody new, or who has forgotten\ntheir password. Whoever opens it first is that admin.",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			a, err := s.store.AdminByName(ctx, args[0])
			if err != nil {
				return err
			}
			link, err := s.link(ctx, a)
			if err != nil {
				return err
			}
			return s.print(linkJSON{a, link}, func(p *page) { p.line("%s", link) })
		}),
	}
}

func newAdminDisable(r *root, disable bool) *cobra.Command {
	word, short, said := "enable", "Let a disabled admin in again", "%s may sign in again"
	if disable {
		word, short, said = "disable", "Keep an admin out until they are enabled again", "%s is disabled and signed out"
	}
	return &cobra.Command{
		Use: word + " NAME", Short: short, Example: "  hearback admin " + word + " ann", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			a, err := s.store.AdminByName(ctx, args[0])
			if err != nil {
				return err
			}
			if err := s.did("admin."+word, a.Name, "", "").DisableAdmin(ctx, a.ID, disable); err != nil {
				return err
			}
			a.Disabled = disable
			return s.print(a, func(p *page) { p.line(said, a.Name) })
		}),
	}
}

func newAdminRemove(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove an admin and sign them out", Example: "  hearback admin remove ann", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			a, err := s.store.AdminByName(ctx, args[0])
			if err != nil {
				return err
			}
			if err := s.did("admin.remove", a.Name, string(a.Role), "").RemoveAdmin(ctx, a.ID); err != nil {
				return err
			}
			return s.print(map[string]string{"removed": a.Name}, func(p *page) { p.line("%s is removed and signed out", a.Name) })
		}),
	}
}
