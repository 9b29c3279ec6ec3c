package sql_test

import (
	stdsql "database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"go.uber.org/goleak"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/pgtest"
	"github.com/hearback/hearback/dispatcher/internal/sourcetest"
	"github.com/hearback/hearback/dispatcher/source"
	"github.com/hearback/hearback/dispatcher/source/sql"
)

func TestMain(m *testing.M) {
	code := pgtest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

var t0 = time.Date(2026, 6, 8, 10, 0, 0, 123456000, time.UTC)

// table is one way in which a site keeps its comments.
type table struct {
	name   string
	lite   bool
	column string              // the type of the times
	value  func(time.Time) any // a time as the site writes it
	zone   string              // what its times mean, where they do not say
	unit   time.Duration       // how fine they are
}

var tables = []table{
	{"postgres timestamptz", false, "timestamptz", func(t time.Time) any { return t }, "", time.Microsecond},
	{"postgres timestamp in UTC", false, "timestamp", func(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05.000000") }, "", time.Microsecond},
	{"postgres timestamp in New York", false, "timestamp", wall("America/New_York", "2006-01-02 15:04:05.000000"), "America/New_York", time.Microsecond},
	{"postgres text", false, "text", func(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05Z") }, "", time.Second},
	{"postgres bigint seconds", false, "bigint", func(t time.Time) any { return t.Unix() }, "", time.Second},
	{"postgres bigint milliseconds", false, "bigint", func(t time.Time) any { return t.UnixMilli() }, "", time.Millisecond},
	{"postgres numeric seconds", false, "numeric", func(t time.Time) any { return fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000) }, "", time.Millisecond},
	{"sqlite text", true, "TEXT", func(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05") }, "", time.Second},
	{"sqlite text with T and fractions", true, "TEXT", func(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }, "", time.Microsecond},
	{"sqlite text in Kathmandu", true, "TEXT", wall("Asia/Kathmandu", "2006-01-02 15:04:05"), "Asia/Kathmandu", time.Second},
	{"sqlite datetime", true, "DATETIME", func(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05") }, "", time.Second},
	{"sqlite datetime with T", true, "TIMESTAMP", func(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05.000Z") }, "", time.Millisecond},
	{"sqlite seconds", true, "INTEGER", func(t time.Time) any { return t.Unix() }, "", time.Second},
	{"sqlite seconds as datetime", true, "DATETIME", func(t time.Time) any { return t.Unix() }, "", time.Second},
	{"sqlite milliseconds", true, "INTEGER", func(t time.Time) any { return t.UnixMilli() }, "", time.Millisecond},
	{"sqlite microseconds", true, "INTEGER", func(t time.Time) any { return t.UnixMicro() }, "", time.Microsecond},
	{"sqlite fractional seconds", true, "REAL", func(t time.Time) any { return float64(t.UnixMilli()) / 1000 }, "", time.Millisecond},
}

func wall(zone, layout string) func(time.Time) any {
	return func(t time.Time) any {
		z, err := time.LoadLocation(zone)
		if err != nil {
			panic(err)
		}
		return t.In(z).Format(layout)
	}
}

const query = `
	SELECT id AS comment_id, parent AS parent_id, thread AS thread_id, 'https://blog.example/' || thread AS thread_url,
	       'Thread: ' || thread AS thread_title, author AS author_id, name AS author_name, mail AS author_email,
	       body AS html, state, written AS written_at, updated AS updated_at
	FROM comment
	WHERE updated >= :since -- not :before
	ORDER BY updated, id LIMIT :limit;`

// rig is a poller over a real table, with a clock that only the test moves.
type rig struct {
	*testing.T
	table
	url    string
	db     *stdsql.DB
	mem    *sourcetest.Memory
	poller *source.Poller
	now    time.Time
}

func newRig(t *testing.T, tb table, change ...func(*sql.Options)) *rig {
	t.Helper()
	r := &rig{T: t, table: tb, mem: sourcetest.NewMemory(), now: t0}
	if tb.lite {
		path := filepath.Join(t.TempDir(), "site's 100% own.db")
		db, err := stdsql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		if _, err := db.Exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF`); err != nil {
			t.Fatal(err)
		}
		r.url, r.db = "sqlite://"+strings.ReplaceAll(path, "%", "%25"), db
	} else {
		r.url = pgtest.New(t)
		c, err := pq.NewConnector(r.url)
		if err != nil {
			t.Fatal(err)
		}
		r.db = stdsql.OpenDB(c)
	}
	t.Cleanup(func() { r.db.Close() })
	r.exec(`CREATE TABLE comment (id bigint PRIMARY KEY, parent bigint, thread text, author bigint, name text, mail text,
		body text, state text, written ` + tb.column + `, updated ` + tb.column + `)`)
	r.attach(change...)
	return r
}

// attach makes a new poller and adapter, as a restart of the daemon would.
func (r *rig) attach(change ...func(*sql.Options)) {
	r.Helper()
	o := sql.Options{URL: r.url, Query: query, Limit: 40}
	if r.zone != "" {
		z, err := time.LoadLocation(r.zone)
		if err != nil {
			r.Fatal(err)
		}
		o.Zone = z
	}
	for _, f := range change {
		f(&o)
	}
	s, err := sql.New(o)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { s.Close() })
	r.poller, err = source.New(source.Options{Store: r.mem, Ledger: r.mem, Holder: "me", Clock: func() time.Time { return r.now }},
		source.Config{Name: "blog", Kind: sql.Kind, Site: "blog", Source: s, Jump: -1})
	if err != nil {
		r.Fatal(err)
	}
}

// exec runs a statement with ? for its parameters.
func (r *rig) exec(stmt string, args ...any) {
	r.Helper()
	if _, err := r.db.Exec(r.rebind(stmt), args...); err != nil {
		r.Fatalf("%s: %v", stmt, err)
	}
}

func (r *rig) rebind(stmt string) string {
	for i := 1; !r.lite && strings.Contains(stmt, "?"); i++ {
		stmt = strings.Replace(stmt, "?", fmt.Sprintf("$%d", i), 1)
	}
	return stmt
}

const insert = `INSERT INTO comment (id, parent, thread, author, name, mail, body, state, written, updated) VALUES (?, ?, 'p1', ?, 'Ann', 'ann@example.org', ?, 'visible', ?, ?)`

func (r *rig) write(id, parent int, text string, at time.Time) {
	r.Helper()
	r.exec(insert, id, parent, 0, text, r.value(at), r.value(at))
}

func (r *rig) set(id int, column, value string, at time.Time) {
	r.Helper()
	r.exec(`UPDATE comment SET `+column+` = ?, updated = ? WHERE id = ?`, value, r.value(at), id)
}

func (r *rig) try(d time.Duration) error {
	r.now = r.now.Add(d)
	_, err := r.poller.PollNow(r.Context(), "blog")
	return err
}

func (r *rig) after(d time.Duration) map[string]*sourcetest.Told {
	r.Helper()
	if err := r.try(d); err != nil {
		r.Fatal(err)
	}
	return r.mem.Told(r)
}

func (r *rig) warning() string {
	r.Helper()
	all, err := r.poller.States(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return all[0].Warning
}

func each(t *testing.T, f func(t *testing.T, tb table)) {
	for _, tb := range tables {
		t.Run(tb.name, func(t *testing.T) { f(t, tb) })
	}
}

// some is [each] for tests that take longer: one table of each unit and database.
func some(t *testing.T, f func(t *testing.T, tb table)) {
	for _, i := range []int{0, 2, 3, 5, 8, 11, 12} {
		t.Run(tables[i].name, func(t *testing.T) { f(t, tables[i]) })
	}
}

func TestTheStoryOfACommentIsToldFromEachKindOfTable(t *testing.T) {
	each(t, func(t *testing.T, tb table) {
		r := newRig(t, tb)
		r.after(0) // an empty table
		r.write(1, 0, "<p>first</p>", t0.Add(time.Minute))
		told := r.after(2 * time.Minute)
		got := told["1"]
		if got == nil || got.Mailed != 1 || got.Text != "first" {
			t.Fatalf("%v", got)
		}
		e := got.First
		if e.Thread.ID != "p1" || e.Thread.URL != "https://blog.example/p1" || e.Thread.Title != "Thread: p1" ||
			*e.Author != (dispatcher.EventAuthor{Name: "Ann", Email: "ann@example.org"}) || e.Comment.ParentID != "" {
			t.Errorf("%+v %+v %+v", e.Thread, e.Author, e.Comment)
		}
		if want := t0.Add(time.Minute).Truncate(tb.unit); !e.Comment.WrittenAt.Equal(want) || !e.Time.Equal(want) {
			t.Errorf("written %s, time %s, want %s", e.Comment.WrittenAt, e.Time, want)
		}
		r.set(1, "body", "<p>edited</p>", t0.Add(3*time.Minute))
		r.write(2, 1, "second", t0.Add(3*time.Minute))
		told = r.after(2 * time.Minute)
		if got := told["1"]; got.Edits != 1 || got.Text != "edited" || !got.Time.Equal(t0.Add(3*time.Minute).Truncate(tb.unit)) {
			t.Errorf("the edit: %v at %s", got, got.Time)
		}
		if got := told["2"]; got == nil || got.Mailed != 1 || got.Parent != "1" {
			t.Errorf("the answer: %v", got)
		}
		r.set(1, "state", "trash", t0.Add(5*time.Minute))
		if got := r.after(2 * time.Minute)["1"]; got.Visible {
			t.Errorf("the removal: %v", got)
		}
		r.set(1, "state", "approved", t0.Add(48*time.Hour))
		if got := r.after(48 * time.Hour)["1"]; !got.Visible || got.Mailed != 2 {
			t.Errorf("the return: %v", got)
		}
	})
}

func TestMoreRowsThanFitAPageAndManyOfOneInstantAreAllTold(t *testing.T) {
	some(t, func(t *testing.T, tb table) {
		r := newRig(t, tb)
		r.after(0)
		for i := range 30 {
			r.write(i, 0, "x", t0.Add(time.Duration(i)*time.Second))
		}
		for i := range 250 {
			r.write(1000+i, 0, "x", t0.Add(40*time.Second))
		}
		for i := range 30 {
			r.write(2000+i, 0, "x", t0.Add(time.Duration(41+i)*time.Second))
		}
		told := r.after(5 * time.Minute)
		if len(told) != 309 { // an id of 0 is none
			t.Fatalf("%d comments were told of, want 309", len(told))
		}
		for id, c := range told {
			if c.Mailed != 1 {
				t.Fatalf("%s: %v", id, c)
			}
		}
	})
}

func TestARowThatCommitsLateIsNotMissed(t *testing.T) {
	for _, tb := range []table{tables[0], tables[4]} {
		t.Run(tb.name, func(t *testing.T) {
			r := newRig(t, tb)
			r.after(0)
			slow, err := r.db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer slow.Rollback()
			if _, err := slow.Exec(r.rebind(insert), 1, 0, 0, "slow", r.value(t0.Add(time.Second)), r.value(t0.Add(time.Second))); err != nil {
				t.Fatal(err)
			}
			r.write(2, 0, "quick", t0.Add(5*time.Minute))
			if told := r.after(6 * time.Minute); told["1"] != nil || told["2"] == nil {
				t.Fatalf("%v", told)
			}
			if err := slow.Commit(); err != nil {
				t.Fatal(err)
			}
			if got := r.after(time.Minute)["1"]; got == nil || got.Mailed != 1 || !got.First.Time.Equal(r.now) {
				t.Fatalf("%v", got)
			}
		})
	}
}

func TestAChangeThatMovesNoTimeIsFoundByTheSweep(t *testing.T) {
	r := newRig(t, tables[0])
	r.write(1, 0, "x", t0.Add(-5*24*time.Hour))
	r.write(2, 0, "x", t0)
	r.exec(`UPDATE comment SET state = 'hold' WHERE id = 1`)
	r.after(time.Minute)
	r.exec(`UPDATE comment SET state = 'visible' WHERE id = 1`)
	if told := r.after(time.Minute); told["1"] != nil {
		t.Fatal("found without a sweep: the test is too easy")
	}
	if got := r.after(15 * time.Minute)["1"]; got == nil || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
}

func TestARowThatHasGoneIsARemovalOnlyIfTheOptionSaysSo(t *testing.T) {
	for _, tb := range []table{tables[0], tables[7]} {
		for _, absent := range []string{"", "removed"} {
			t.Run(tb.name+" "+absent, func(t *testing.T) {
				r := newRig(t, tb, func(o *sql.Options) { o.Absent = absent })
				for i := range 100 {
					r.write(1+i, 0, "x", t0.Add(-time.Duration(100-i)*time.Hour))
				}
				r.write(500, 0, "x", t0.Add(-90*24*time.Hour))
				r.write(200, 0, "x", t0)
				r.after(time.Minute)
				r.after(time.Minute)
				r.exec(`DELETE FROM comment WHERE id IN (30, 200)`)
				r.exec(`UPDATE comment SET state = 'what?' WHERE id = 31`) // unreadable is not gone
				told := r.after(time.Minute)
				if told["200"].Visible == (absent == "removed") {
					t.Errorf("within the window: %v", told["200"])
				}
				r.attach(func(o *sql.Options) { o.Absent = absent })
				told = r.after(15 * time.Minute)
				if told["30"].Visible == (absent == "removed") {
					t.Errorf("by the sweep: %v", told["30"])
				}
				for id, c := range told {
					if id != "30" && id != "200" && !c.Visible {
						t.Errorf("comment %s is taken for removed", id)
					}
				}
			})
		}
	}
}

func TestOldParentsAreFoundByTheLookup(t *testing.T) {
	for _, tb := range []table{tables[0], tables[4], tables[7], tables[12]} {
		t.Run(tb.name, func(t *testing.T) {
			lookup := strings.NewReplacer("updated >= :since -- not :before", "id = :id", "LIMIT :limit", "").Replace(query)
			r := newRig(t, tb, func(o *sql.Options) { o.Lookup = lookup })
			r.write(1, 0, "root", t0.Add(-300*24*time.Hour))
			r.write(2, 1, "middle", t0.Add(-200*24*time.Hour))
			r.after(0)
			r.write(3, 2, "answer", t0.Add(time.Second))
			r.write(4, 99, "orphan", t0.Add(time.Second))
			told := r.after(time.Minute)
			if told["1"] == nil || told["2"] == nil || told["2"].Parent != "1" || told["1"].Mailed+told["2"].Mailed != 0 {
				t.Errorf("parents: %v, %v", told["1"], told["2"])
			}
			if told["99"] == nil || told["99"].Visible || told["4"].Mailed != 1 || told["3"].Mailed != 1 {
				t.Errorf("%v", told)
			}
		})
	}
}

func TestARowFromTheFutureHidesNothing(t *testing.T) {
	each(t, func(t *testing.T, tb table) {
		r := newRig(t, tb)
		r.write(1, 0, "future", t0.Add(3*365*24*time.Hour))
		r.after(0)
		r.write(2, 0, "now", t0.Add(time.Minute))
		if got := r.after(2 * time.Minute)["2"]; got == nil || got.Mailed != 1 {
			t.Fatalf("%v", got)
		}
	})
}

func TestAnExplicitFormOfSinceIsTaken(t *testing.T) {
	r := newRig(t, tables[0], func(o *sql.Options) {
		o.Since = "epoch"
		o.Query = strings.Replace(query, "updated >= :since", "updated >= to_timestamp(CAST(:since AS double precision)::double precision)", 1)
	})
	r.after(0)
	r.write(1, 0, "x", t0.Add(time.Second))
	if got := r.after(time.Minute)["1"]; got == nil || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
}

// TestEveryHistoryIsToldTrulyAndOnce lets random things happen to a table, with
// restarts between, and compares what was told with the truth.
func TestEveryHistoryIsToldTrulyAndOnce(t *testing.T) {
	some(t, func(t *testing.T, tb table) {
		rng := rand.New(rand.NewPCG(uint64(len(tb.name)), 3))
		opt := func(o *sql.Options) { o.Absent, o.Limit = "removed", 1+rng.IntN(30) }
		r := newRig(t, tb, opt)
		type row struct{ text, state string }
		truth := map[int]row{}
		next := 0
		for range 40 {
			for range rng.IntN(8) {
				late := r.now.Add(-time.Duration(rng.IntN(300)) * time.Second)
				ids := slices.Sorted(maps.Keys(truth))
				if len(ids) == 0 || rng.IntN(2) == 0 {
					next++
					truth[next] = row{fmt.Sprint("text ", next), "visible"}
					r.write(next, 0, truth[next].text, late)
					continue
				}
				id := ids[rng.IntN(len(ids))]
				c := truth[id]
				switch rng.IntN(4) {
				case 0:
					c.text = fmt.Sprint("edit ", rng.IntN(1e6))
					r.set(id, "body", c.text, late)
				case 1, 2:
					c.state = []string{"visible", "hold", "removed"}[rng.IntN(3)]
					r.set(id, "state", c.state, late)
				default:
					r.exec(`DELETE FROM comment WHERE id = ?`, id)
					delete(truth, id)
					continue
				}
				truth[id] = c
			}
			if rng.IntN(5) == 0 {
				r.attach(opt)
			}
			r.after(time.Duration(rng.IntN(300)) * time.Second)
		}
		r.after(time.Minute)
		told := r.after(16 * time.Minute)
		for id, c := range told {
			want, stands := truth[atoi(id)]
			if visible := stands && want.state == "visible"; c.Visible != visible || visible && c.Text != want.text || c.Mailed+c.Silent > c.Gone+1 {
				t.Errorf("comment %s is %+v, told %v", id, want, c)
			}
		}
		for id, c := range truth {
			if c.state == "visible" && told[fmt.Sprint(id)] == nil {
				t.Errorf("comment %d was never told of", id)
			}
		}
	})
}

func atoi(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}
