package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/store"
)

type migrateJSON struct {
	Database string  `json:"database"`
	Applied  []int64 `json:"applied"`
	Pending  bool    `json:"pending"`
}

func newMigrate(r *root) *cobra.Command {
	var status, role bool
	cmd := &cobra.Command{
		Use: "migrate [SITE] [ROLE]", Short: "Bring the database's shape up to date",
		Long: `Bring the database's shape up to date. The daemon does the same when it starts; run this
where the daemon's user may not change tables.

With --role, nothing is changed: the SQL of a PostgreSQL role is printed that may do one thing,
insert events of one site. Pipe it into psql.`,
		Example: "  hearback migrate\n  hearback migrate --status\n  hearback migrate --role blog blog_backend | psql hearback",
		Args:    asUsed,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case role && len(args) == 2:
				return r.printRole(args[0], args[1])
			case role:
				return dispatcher.Invalid("--role", "usage: hearback migrate --role SITE ROLE", "needs a site and the name of a role")
			case len(args) > 0:
				return dispatcher.Invalid("", "usage: hearback migrate [--status]", "%q is one word too many", args[0])
			}
			return r.migrate(cmd.Context(), status)
		},
	}
	cmd.Flags().BoolVar(&status, "status", false, "only say whether migrations wait")
	cmd.Flags().BoolVar(&role, "role", false, "print the SQL of a role that may only insert events of SITE")
	return cmd
}

func (r *root) migrate(ctx context.Context, status bool) (err error) {
	c, err := r.config()
	if err != nil {
		return err
	}
	st, err := r.openPlain(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	out := migrateJSON{Database: c.Database.URL.String(), Applied: []int64{}}
	if !status {
		applied, err := st.Migrate(ctx)
		if err != nil {
			return err
		}
		out.Applied = append(out.Applied, applied...)
	}
	if out.Pending, err = st.Pending(ctx); err != nil {
		return err
	}
	return r.print(out, func(p *page) {
		switch {
		case out.Pending:
			p.line("%s: migrations wait; run: hearback migrate", out.Database)
		case len(out.Applied) > 0:
			p.line("%s: migrated (%s)", out.Database, count(len(out.Applied), "step", "steps"))
		default:
			p.line("%s: up to date", out.Database)
		}
	})
}

// openPlain opens the database as it is, without migrating it.
func (r *root) openPlain(ctx context.Context, c *config.Config) (*store.Store, error) {
	sites := make([]dispatcher.Site, len(c.Sites))
	for i := range c.Sites {
		sites[i] = c.Sites[i].Domain()
	}
	return store.Open(ctx, store.Options{URL: c.Database.URL.Reveal(), Clock: r.clock, Log: slog.New(slog.DiscardHandler), Sites: sites})
}
