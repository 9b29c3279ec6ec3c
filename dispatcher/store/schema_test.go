package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestMigratingFromEmptyTwiceIsMigratingOnce(t *testing.T) {
	for name, url := range map[string]string{"sqlite": "sqlite://" + filepath.Join(t.TempDir(), "new.db"), "postgres": pgtest.New(t)} {
		t.Run(name, func(t *testing.T) {
			s := open(t, url, dispatcher.SystemClock, nil)
			if pending, err := s.Pending(t.Context()); err != nil || !pending {
				t.Fatalf("pending in an empty database: %v, %v", pending, err)
			}
			first, err := s.Migrate(t.Context())
			if err != nil || len(first) == 0 {
				t.Fatalf("migrated %v: %v", first, err)
			}
			again, err := s.Migrate(t.Context())
			if err != nil || len(again) != 0 {
				t.Fatalf("migrated again %v: %v", again, err)
			}
			if pending, err := s.Pending(t.Context()); err != nil || pending {
				t.Fatalf("pending afterwards: %v, %v", pending, err)
			}
			if s.Dialect() != name {
				t.Errorf("dialect %q", s.Dialect())
			}
		})
	}
}

// TestBothDatabasesHaveOneShape compares tables, columns with their
// nullability, and indexes.
func TestBothDatabasesHaveOneShape(t *testing.T) {
	lite, err := sql.Open("sqlite", strings.TrimPrefix(sqliteURL(t), "sqlite://"))
	if err != nil {
		t.Fatal(err)
	}
	defer lite.Close()
	pg := connect(t, postgresURL(t))
	want := shape(t, pg,
		`SELECT table_name, column_name, CASE is_nullable WHEN 'YES' THEN 'null' ELSE '' END FROM information_schema.columns WHERE table_name LIKE 'hearback\_%' ORDER BY 1`,
		`SELECT tablename, indexdef FROM pg_indexes WHERE tablename LIKE 'hearback\_%' AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname) ORDER BY 1`)
	got := shape(t, lite,
		`SELECT m.name, c.name, CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN '' ELSE 'null' END FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name LIKE 'hearback~_%' ESCAPE '~' ORDER BY 1`,
		`SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name LIKE 'hearback~_%' ESCAPE '~' ORDER BY 1`)
	if len(want) < 30 {
		t.Fatalf("only %d tables were found", len(want))
	}
	for _, table := range slices.Sorted(maps.Keys(want)) {
		if w, g := strings.Join(want[table], "\n"), strings.Join(got[table], "\n"); w != g {
			t.Errorf("table %s\nPostgreSQL:\n%s\nSQLite:\n%s", table, w, g)
		}
		delete(got, table)
	}
	for table := range got {
		t.Errorf("only SQLite has %s", table)
	}
}

// shape describes each table by its columns and indexes, in words that do not
// depend on the database. hearback_migration is goose's own.
func shape(t *testing.T, db *sql.DB, columns, indexes string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	add := func(q string, line func(rows *sql.Rows) (string, string, error)) {
		rows, err := db.QueryContext(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			table, text, err := line(rows)
			if err != nil {
				t.Fatal(err)
			}
			if table != "hearback_migration" {
				out[table] = append(out[table], text)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	add(columns, func(rows *sql.Rows) (table, text string, err error) {
		var column, null string
		err = rows.Scan(&table, &column, &null)
		return table, strings.TrimSpace("column " + column + " " + null), err
	})
	add(indexes, func(rows *sql.Rows) (table, text string, err error) {
		err = rows.Scan(&table, &text)
		return table, normalIndex(text), err
	})
	for table := range out {
		slices.Sort(out[table])
	}
	return out
}

var (
	notWords = regexp.MustCompile(`public\.|USING btree|::[a-z]+(\[\])?|[()'"\s\[\]]|COLLATE"C"`)
	anyArray = regexp.MustCompile(`=ANYARRAY`)
)

// normalIndex takes off what PostgreSQL adds when it prints an index.
func normalIndex(def string) string {
	s := notWords.ReplaceAllString(def, "")
	return strings.ToLower(anyArray.ReplaceAllString(s, "IN"))
}

func TestOpeningWhatCannotBeOpenedSaysHowToMendIt(t *testing.T) {
	for name, c := range map[string]struct{ url, words string }{
		"an unknown database":           {"mysql://x:secret@h/db", "sqlite:///path/file.db"},
		"a folder that is not there":    {"sqlite:///nowhere/at/all/x.db", "folder"},
		"no file":                       {"sqlite://", "names no file"},
		"a server that is not there":    {"postgres://u:secret@127.0.0.1:1/db?connect_timeout=1", "cannot be reached"},
		"a database that is not there":  {strings.Replace(pgtest.New(t), "/t_", "/gone_", 1), "does not exist"},
		"a file that is no SQLite file": {"sqlite://" + textFile(t), "no SQLite database"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), store.Options{URL: c.url})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error %q does not say %q, or tells the password", err, c.words)
			}
			if dispatcher.CodeOf(err) == dispatcher.CodeInternal {
				t.Errorf("the error is internal: %v", fmt.Sprintf("%#v", err))
			}
		})
	}
}
