package store

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/hearback/hearback/migrations"
)

// Migrate brings the database's shape up to date and gives the versions it
// applied. On PostgreSQL a lease row keeps two daemons from migrating at once.
func (s *Store) Migrate(ctx context.Context) ([]int64, error) {
	p, err := s.provider()
	if err != nil {
		return nil, err
	}
	res, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", s.d.explain(err))
	}
	var applied []int64
	for _, r := range res {
		applied = append(applied, r.Source.Version)
	}
	return applied, nil
}

// Pending says whether migrations wait, or whether the database is newer than
// this binary.
func (s *Store) Pending(ctx context.Context) (bool, error) {
	p, err := s.provider()
	if err != nil {
		return false, err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return false, s.d.explain(err)
	}
	return pending, nil
}

func (s *Store) provider() (*goose.Provider, error) {
	fsys, err := migrations.FS(s.d.name())
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithTableName("hearback_migration")}
	d := goose.DialectSQLite3
	if s.d.name() == "postgres" {
		d = goose.DialectPostgres
		l, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(l))
	}
	return goose.NewProvider(d, s.db.DB, fsys, opts...)
}
