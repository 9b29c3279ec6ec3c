package store_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/lib/pq"
)

// connect opens a database beside the store, as a site's back end or an
// operator does.
func connect(tb testing.TB, url string) *sql.DB {
	tb.Helper()
	c, err := pq.NewConnector(url)
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(c)
	tb.Cleanup(func() { db.Close() })
	return db
}

// must runs statements.
func must(tb testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statements ...string) {
	tb.Helper()
	for _, q := range statements {
		if _, err := db.ExecContext(tb.Context(), q); err != nil {
			tb.Fatalf("%s: %v", q, err)
		}
	}
}

// reset puts a migrated database back to how the migrations left it.
func reset(tb testing.TB, db *sql.DB) {
	tb.Helper()
	must(tb, db, `DO $$ DECLARE t text; BEGIN
		FOR t IN SELECT tablename FROM pg_tables WHERE tablename LIKE 'hearback_%' AND tablename NOT IN ('hearback_migration', 'hearback_head', 'hearback_bucket', 'hearback_schedule') LOOP
			EXECUTE 'DELETE FROM ' || quote_ident(t);
		END LOOP;
		DELETE FROM hearback_schedule WHERE name <> 'immediate';
		UPDATE hearback_head SET position = 0, change = 0;
	END $$`)
}
