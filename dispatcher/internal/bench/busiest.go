package main

import "context"

// watchStatements lets PostgreSQL count its statements from now on; the
// function that it gives tells which of them, by how they begin, took most of
// the time to execute (parsing and planning are not in it). On other
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
		if err := l.base.db.SelectContext(ctx, &rows, `SELECT sum(calls)::bigint AS calls, sum(rows)::bigint AS rows, sum(total_exec_time) AS total, max(max_exec_time) AS most,
				left(regexp_replace(query, '\s+', ' ', 'g'), 90) AS query
			FROM pg_stat_statements GROUP BY 5 ORDER BY total DESC LIMIT 12`); err != nil {
			return err
		}
		for _, r := range rows {
			l.report.row("statement", "%8.0f ms in %6d calls, at most %5.0f ms, %8d rows: %s", r.Total, r.Calls, r.Most, r.Rows, r.Text)
		}
		return nil
	}
}
