package sql_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/source/sql"
)

// fixtures are tables as the manual's queries expect them, with two comments
// each: a visible one and an answer that waits for approval.
var fixtures = map[string]string{
	"a table of one's own, PostgreSQL": `
		CREATE TABLE pages (id int, slug text, title text);
		CREATE TABLE users (id int, name text, email text);
		CREATE TABLE comments (id bigint, parent_id bigint, page_id int, user_id int, body_html text, status text, created_at timestamptz, updated_at timestamptz);
		INSERT INTO pages VALUES (7, 'first', 'First');
		INSERT INTO users VALUES (1, 'Ann', 'ann@example.org');
		INSERT INTO comments VALUES (1, NULL, 7, 1, 'hello', 'visible', '2026-06-08T10:01:00Z', '2026-06-08T10:01:00Z'),
			(2, 1, 7, NULL, 'held', 'pending', '2026-06-08T10:01:00Z', '2026-06-08T10:01:00Z')`,
	"Isso, SQLite": `
		CREATE TABLE threads (id INTEGER PRIMARY KEY, uri VARCHAR(256) UNIQUE, title VARCHAR(256));
		CREATE TABLE comments (tid REFERENCES threads(id), id INTEGER PRIMARY KEY, parent INTEGER, created FLOAT NOT NULL, modified FLOAT, mode INTEGER, text VARCHAR, author VARCHAR, email VARCHAR);
		INSERT INTO threads VALUES (7, '/first', 'First');
		INSERT INTO comments VALUES (7, 1, NULL, 1780912860.25, NULL, 1, 'hello', 'Ann', 'ann@example.org'), (7, 2, 1, 1780912861.5, NULL, 2, 'held', 'Bob', NULL)`,
}

func TestTheQueriesOfTheManualRun(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, fixture := range fixtures {
		t.Run(name, func(t *testing.T) {
			_, rest, ok := strings.Cut(string(manual), "```sql\n-- "+name+"\n")
			query, _, _ := strings.Cut(rest, "```")
			if !ok {
				t.Fatal("the manual has no such query")
			}
			tb := tables[0]
			if strings.HasSuffix(name, "SQLite") {
				tb = tables[7]
			}
			r := newRig(t, tb)
			r.attach(func(o *sql.Options) { o.Query = query })
			r.exec(`DROP TABLE comment`)
			for stmt := range strings.SplitSeq(fixture, ";") {
				r.exec(stmt)
			}
			told := r.after(2 * time.Minute)
			got := told["1"]
			if len(told) != 1 || got == nil || got.Text != "hello" || got.Thread.Title != "First" || got.Author.Name != "Ann" ||
				!strings.HasSuffix(got.Thread.URL, ".example.org/first") {
				t.Fatalf("%v: %+v", told, got)
			}
		})
	}
}

func TestTheManualNamesEveryColumn(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range sql.Columns {
		if !strings.Contains(string(manual), "`"+c+"`") {
			t.Errorf("the manual does not name %s", c)
		}
	}
}
