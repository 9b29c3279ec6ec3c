package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/store"
)

// at once: nothing settles for long, nothing is too old.
func atOnce() store.IntakeOptions {
	return store.IntakeOptions{
		Settle: func(string, store.Door) time.Duration { return 0 },
		MaxAge: func(string, store.Door) time.Duration { return 1e6 * time.Hour },
	}
}

func payload(id string) string {
	return fmt.Sprintf(`{"id":"%s","type":"comment.published","time":"2026-06-08T10:00:00Z","thread":{"id":"t"},"comment":{"id":"%s","text":"hello"}}`, id, id)
}

// TestARowThatIsCommittedLateIsNotLost inserts an event in a transaction that
// commits after ten later ones were settled: its row's number is lower than
// theirs, its position is higher.
func TestARowThatIsCommittedLateIsNotLost(t *testing.T) {
	u := postgresURL(t)
	clock := storetest.NewClock(time.Now())
	s := open(t, u, clock.Now, storetest.Sites())
	db := connect(t, u)
	const insert = `INSERT INTO hearback_inbox (site, payload, received_at) VALUES ('blog', $1, 1)`
	late, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.ExecContext(t.Context(), insert, payload("late")); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := db.ExecContext(t.Context(), insert, payload(fmt.Sprint("c", i))); err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.Intake(t.Context(), atOnce(), 100)
	if err != nil || r.Settled != 10 {
		t.Fatalf("settled %d before the late one: %v", r.Settled, err)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if r, err = s.Intake(t.Context(), atOnce(), 100); err != nil || r.Settled != 1 || r.Head != 11 {
		t.Fatalf("the late one: %+v, %v", r, err)
	}
	w, err := s.Window(t.Context(), 10, 11)
	if err != nil {
		t.Fatal(err)
	}
	cs, _, err := s.Content(t.Context(), []int64{w.Entry(0).Comment})
	if err != nil || cs[w.Entry(0).Comment].ExternalID != "late" {
		t.Fatalf("position 11 is %v, %v", cs, err)
	}
}

// TestARowThatTheDatabaseRefusesIsFoundByHalving adds a rule that only the
// database knows, as an operator might.
func TestARowThatTheDatabaseRefusesIsFoundByHalving(t *testing.T) {
	u := postgresURL(t)
	s := open(t, u, storetest.NewClock(storetest.Start()).Now, storetest.Sites())
	db := connect(t, u)
	must(t, db, `ALTER TABLE hearback_comment ADD CHECK (external_id <> 'bad')`)
	for _, id := range []string{"a", "b", "bad", "c"} {
		if err := s.Enqueue(t.Context(), "blog", []byte(payload(id))); err != nil {
			t.Fatal(err)
		}
	}
	batch, rejected := 4, 0
	for range 20 {
		r, err := s.Intake(t.Context(), atOnce(), batch)
		switch {
		case err == nil && r.Taken == 0:
			if rejected != 1 || r.Head != 3 {
				t.Fatalf("rejected %d, head %d", rejected, r.Head)
			}
			list, err := s.RejectedEvents(t.Context(), "blog", 0, 10)
			if err != nil || len(list) != 1 || !strings.Contains(list[0].Payload, `"bad"`) || !strings.Contains(list[0].Reason, "refuses") {
				t.Fatalf("rejected: %+v, %v", list, err)
			}
			return
		case err == nil:
			batch = 4
		case !s.Refused(err):
			t.Fatal(err)
		case batch > 1:
			batch /= 2
		default:
			if err := s.RejectOldest(t.Context(), err); err != nil {
				t.Fatal(err)
			}
			rejected++
		}
	}
	t.Fatal("the line stands still")
}

func TestRejectingNeedsTheRowsName(t *testing.T) {
	s := open(t, postgresURL(t), dispatcher.SystemClock, storetest.Sites())
	if err := s.Enqueue(t.Context(), "blog", []byte(payload("innocent"))); err != nil {
		t.Fatal(err)
	}
	if err := s.RejectOldest(t.Context(), errors.New("something else")); err == nil {
		t.Error("an innocent row was rejected")
	}
	if n, _, err := s.InboxDepth(t.Context()); err != nil || n != 1 {
		t.Errorf("depth %d, %v", n, err)
	}
}

func TestASitesRoleMayOnlyHandInItsOwnEvents(t *testing.T) {
	u := postgresURL(t)
	s := open(t, u, dispatcher.SystemClock, storetest.Sites())
	owner := connect(t, u)
	role := "site_" + strings.ToLower(strings.TrimPrefix(u[strings.LastIndex(u, "/")+1:], "t_"))
	if i := strings.IndexByte(role, '?'); i >= 0 {
		role = role[:i]
	}
	for range 2 { // running it again changes nothing
		must(t, owner, store.SiteRoleSQL("blog", role))
	}
	t.Cleanup(func() {
		for _, q := range []string{`DROP OWNED BY `, `DROP ROLE `} {
			if _, err := owner.Exec(q + pq.QuoteIdentifier(role)); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.User(role)
	site := connect(t, parsed.String())
	must(t, site, `CREATE TEMPORARY TABLE mine (id int)`) // a site's own work
	tx, err := site.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	must(t, tx, `INSERT INTO hearback_inbox (site, payload) VALUES ('blog', '`+payload("a")+`')`)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for what, q := range map[string]string{
		"hand in for another site": `INSERT INTO hearback_inbox (site, payload) VALUES ('shop', '` + payload("b") + `')`,
		"name a door":              `INSERT INTO hearback_inbox (site, payload, door) VALUES ('blog', '` + payload("c") + `', 'api+vouch')`,
		"read the inbox":           `SELECT payload FROM hearback_inbox`,
		"read subscribers":         `SELECT email FROM hearback_subscriber`,
		"change the inbox":         `UPDATE hearback_inbox SET payload = ''`,
		"empty the inbox":          `DELETE FROM hearback_inbox`,
		"write elsewhere":          `INSERT INTO hearback_suppression VALUES ('blog', 'a', '', '', 0, 0)`,
		"hand in 256 KB and more":  `INSERT INTO hearback_inbox (site, payload) VALUES ('blog', repeat('ä', 131073))`,
	} {
		if _, err := site.ExecContext(t.Context(), q); err == nil {
			t.Errorf("the role may %s", what)
		}
	}
	must(t, site, `INSERT INTO hearback_inbox (site, payload) VALUES ('blog', repeat('x', 262144))`)
	r, err := s.Intake(t.Context(), atOnce(), 100)
	if err != nil || r.Taken != 2 || r.Rejected != 1 {
		t.Errorf("intake: %+v, %v", r, err)
	}
}

func TestNamesInASitesRoleAreQuoted(t *testing.T) {
	u := postgresURL(t)
	db := connect(t, u)
	const role = `o'dd "role"`
	must(t, db, store.SiteRoleSQL(`bl'og`, role))
	t.Cleanup(func() {
		_, _ = db.Exec(`DROP OWNED BY ` + pq.QuoteIdentifier(role))
		if _, err := db.Exec(`DROP ROLE ` + pq.QuoteIdentifier(role)); err != nil {
			t.Error(err)
		}
	})
	var check string
	if err := db.QueryRowContext(t.Context(), `SELECT with_check FROM pg_policies WHERE policyname = $1`, "hearback_site_"+role).Scan(&check); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(check, `'bl''og'`) {
		t.Errorf("the policy checks %s", check)
	}
}

func TestHintsReachOtherDaemons(t *testing.T) {
	u := postgresURL(t)
	a, b := open(t, u, dispatcher.SystemClock, storetest.Sites()), open(t, u, dispatcher.SystemClock, storetest.Sites())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	for _, s := range []*store.Store{a, b} {
		go func() { done <- s.Spread(ctx) }()
	}
	heard, stop := b.Hints().Listen(store.TopicLog)
	defer stop()
	deadline := time.After(30 * time.Second)
	for got := false; !got; {
		a.Hints().Hint(store.TopicLog) // until both listen
		select {
		case <-heard:
			got = true
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatal("no hint came")
		}
	}
	// A connection that is cut comes back, and all topics are hinted.
	inbox, stopInbox := b.Hints().Listen(store.TopicInbox)
	defer stopInbox()
	db := connect(t, u)
	for cut := 0; cut < 2; {
		var n int
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%') AS x`).Scan(&n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		if cut += n; n == 0 {
			select {
			case <-deadline:
				t.Fatalf("%d listeners were found", cut)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	select {
	case <-inbox:
	case <-deadline:
		t.Fatal("no hint came after the connection was lost")
	}
	cancel()
	for range 2 {
		if err := <-done; err != nil {
			t.Errorf("spread: %v", err)
		}
	}
}
