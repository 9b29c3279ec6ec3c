package sql_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
	"github.com/hearback/hearback/dispatcher/source/sql"
)

func TestOneBadRowIsLeftOutAndNamed(t *testing.T) {
	for _, tb := range []table{tables[3], tables[7]} {
		t.Run(tb.name, func(t *testing.T) {
			r := newRig(t, tb)
			r.write(1, 0, "good", t0)
			r.after(0)
			r.write(2, 0, "bad state", t0.Add(time.Second))
			r.set(2, "state", "dunno", t0.Add(time.Second))
			r.write(3, 0, "bad time", t0.Add(time.Second))
			r.exec(`UPDATE comment SET written = 'yesterday' WHERE id = 3`)
			r.write(4, 0, "good", t0.Add(2*time.Second))
			told := r.after(time.Minute)
			if told["4"] == nil || told["2"] != nil || told["3"] != nil {
				t.Fatalf("%v", told)
			}
			if w := r.warning(); !strings.Contains(w, "2 rows") || !strings.Contains(w, `comment 2: state "dunno"`) {
				t.Fatalf("warning %q", w)
			}
		})
	}
}

func TestMistakesInTheQueryAreNamed(t *testing.T) {
	for _, tb := range []table{tables[0], tables[7]} {
		r := newRig(t, tb)
		r.write(1, 0, "x", t0)
		r.write(2, 0, "x", t0.Add(time.Minute))
		for name, c := range map[string]struct{ query, field, want string }{
			"no since":       {`SELECT 1 LIMIT :limit`, "query", ":since"},
			"no limit":       {`SELECT 1 WHERE 1 > :since`, "query", ":limit"},
			"another":        {`SELECT :since, :limit, :offset`, "query", ":offset"},
			"two":            {`SELECT :since, :limit; DROP TABLE comment`, "query", "semicolon"},
			"empty":          {` `, "query", "missing"},
			"missing column": {strings.Replace(query, "thread AS thread_id", "thread AS topic_id", 1), "query", "no column thread_id; its columns are comment_id, parent_id, topic_id"},
			"no text":        {strings.Replace(query, "body AS html", "body AS url", 1), "query", "no column html or text"},
			"no time":        {strings.Replace(query, "written AS written_at", "written AS url", 1), "query", "no column written_at or published_at"},
			"unknown column": {strings.Replace(query, "name AS author_name", "name", 1), "query", "unknown column name"},
			"no order":       {strings.Replace(query, "ORDER BY updated", "ORDER BY updated DESC", 1), "query", "out of order"},
			"bad table":      {strings.Replace(query, "FROM comment", "FROM commnet", 1), "query", "commnet"},
			"writes": {map[bool]string{
				false: strings.Replace(query, "SELECT id", "WITH gone AS (DELETE FROM comment RETURNING 1) SELECT id", 1),
				true:  `DELETE FROM comment WHERE updated >= :since AND id < :limit RETURNING id AS comment_id, thread AS thread_id, body AS html, updated AS updated_at, written AS written_at`,
			}[tb.lite], "query", map[bool]string{false: "read-only", true: "readonly"}[tb.lite]},
		} {
			t.Run(tb.name+" "+name, func(t *testing.T) {
				s, err := sql.New(sql.Options{URL: r.url, Query: c.query})
				if err == nil {
					defer s.Close()
					_, err = s.Poll(t.Context(), source.Round{Now: t0.Add(time.Hour)})
				}
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("%v", err)
				}
				var e *dispatcher.Error
				if name != "writes" && (!errors.As(err, &e) || e.Field != c.field || e.Mend == "") {
					t.Errorf("%#v", err)
				}
				var n int
				if err := r.db.QueryRow(`SELECT count(*) FROM comment`).Scan(&n); err != nil || n != 2 {
					t.Fatalf("%d rows, %v", n, err)
				}
			})
		}
	}
}

func TestMistakesInTheOptionsAreNamed(t *testing.T) {
	for field, o := range map[string]sql.Options{
		"database_url": {URL: "mysql://x", Query: query},
		"since":        {URL: "sqlite:///x.db", Query: query, Since: "timestamp"},
		"absent":       {URL: "sqlite:///x.db", Query: query, Absent: "gone"},
		"lookup":       {URL: "sqlite:///x.db", Query: query, Lookup: "SELECT 1"},
	} {
		_, err := sql.New(o)
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Field != field || e.Mend == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, url := range []string{"postgres://ann:secret@127.0.0.1:1/x?sslmode=disable", "postgres://ann:secret@[::1", "sqlite:///no/such/file.db"} {
		s, err := sql.New(sql.Options{URL: url, Query: query})
		if err == nil {
			_, err = s.Poll(t.Context(), source.Round{Now: t0})
			s.Close()
		}
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := os.Stat("/no/such/file.db"); err == nil {
		t.Error("the database was made")
	}
}

func TestAStatementThatTakesTooLongIsEnded(t *testing.T) {
	for _, tb := range []table{tables[0], tables[7]} {
		t.Run(tb.name, func(t *testing.T) {
			slow := map[bool]string{
				false: strings.Replace(query, "WHERE", "WHERE pg_sleep(60) IS NOT NULL AND", 1),
				true:  strings.Replace(query, "WHERE", "WHERE (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n) > 0 AND", 1),
			}[tb.lite]
			r := newRig(t, tb, func(o *sql.Options) { o.Query, o.Timeout = slow, 200*time.Millisecond })
			r.write(1, 0, "x", t0)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := r.poller.PollNow(ctx, "blog")
			if err == nil || ctx.Err() != nil {
				t.Fatalf("err = %v, ctx %v", err, ctx.Err())
			}
		})
	}
}
