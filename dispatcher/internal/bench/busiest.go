package main

import (
	"context"
	"strings"
)

// watchStatements lets PostgreSQL count its statements from now on; the
// function that it gives tells which of them took most of the time. On other
// databases, and without -statements, both do nothing.
func (l *lab) watchStatements(ctx context.Context) (tell func() error) {
	if !l.o.busiest || l.base.cluster == nil {
		return func() error { return nil }
	}
	for _, q := range []string{"CREATE EXTENSION IF NOT EXISTS pg_stat_statements", "SELECT pg_stat_statements_reset()"} {
		if _, err := l.base.db.ExecContext(ctx, q); err != nil {
			return func() error { return err }
		}
	}
	return func() error {
		var rows []struct {
			Calls int64   `db:"calls"`
			Rows  int64   `db:"rows"`
			Total float64 `db:"total"`
			Most  float64 `db:"most"`
			Text  string  `db:"query"`
		}
		if err := l.base.db.SelectContext(ctx, &rows, `SELECT calls, rows, total_exec_time AS total, max_exec_time AS most, left(query, 400) AS query
			FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 8`); err != nil {
			return err
		}
		for _, r := range rows {
			text := strings.Join(strings.Fields(r.Text), " ")
			l.report.row("statement", "%8.0f ms in %6d calls, at most %5.0f ms, %8d rows: %.150s", r.Total, r.Calls, r.Most, r.Rows, text)
		}
		return nil
	}
}
