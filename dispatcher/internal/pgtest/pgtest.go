// Package pgtest gives tests a real PostgreSQL of their own.
//
// A test package that needs one writes
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
//
// and each of its tests asks [New] for a fresh, empty database, dropped when
// the test ends. Run starts a private cluster from the installed binaries and
// stops it for sure, also when the test binary panics or is killed. Where the
// environment variable [EnvURL] names a server, that server is used instead, so
// that one cluster can serve many test packages: `pgrun go test ./...`.
//
// The tests of crashes and the benchmarks [Start] a cluster of their own with
// Durable set, which they can [Cluster.Crash] and [Cluster.Boot] again.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
)

// EnvURL is the environment variable that names a running server to use: a
// postgres:// URL of a role that may create databases.
const EnvURL = "HEARBACK_TEST_POSTGRES"

// Run runs a package's tests with a server at hand and gives the exit code for
// os.Exit. It starts a cluster unless [EnvURL] names a server.
func Run(m *testing.M) int {
	if os.Getenv(EnvURL) != "" {
		return m.Run()
	}
	c, err := Start(context.Background(), Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return 1
	}
	// The environment is how the tests of this binary, and processes that they
	// start, find the server; so this package needs no variable of its own.
	if err := os.Setenv(EnvURL, c.URL()); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		c.Stop()
		return 1
	}
	defer c.Stop()
	return m.Run()
}

// New makes an empty database and gives its URL. The database is dropped, with
// whatever is still connected to it, when the test ends.
func New(tb testing.TB) string {
	tb.Helper()
	return create(tb, "")
}

// NewFrom is [New] with content: build is run once per server on a database
// that then serves as the template of all tests with the same key, which
// should name the content (for instance a hash of the migrations). build must
// close what it opens.
func NewFrom(tb testing.TB, key string, build func(url string) error) string {
	tb.Helper()
	template := "tpl_" + strings.ToLower(key)
	admin := open(tb, server(tb))
	defer admin.Close()
	if err := ensureTemplate(admin, server(tb), template, build); err != nil {
		tb.Fatalf("pgtest: making the template %s: %v", template, err)
	}
	return create(tb, template)
}

// ensureTemplate builds the template unless it is there and finished. An
// advisory lock keeps other test binaries on the same server waiting.
func ensureTemplate(admin *sql.DB, base, template string, build func(string) error) error {
	ctx := context.Background()
	conn, err := admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext($1))`, template); err != nil {
		return err
	}
	defer conn.ExecContext(ctx, `SELECT pg_advisory_unlock(hashtext($1))`, template)
	var done bool
	err = conn.QueryRowContext(ctx, `SELECT datistemplate FROM pg_database WHERE datname = $1`, template).Scan(&done)
	if err == nil && done {
		return nil
	}
	if err != nil && err != sql.ErrNoRows {
		return err
	}
	name := pq.QuoteIdentifier(template)
	if _, err := conn.ExecContext(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `CREATE DATABASE `+name); err != nil {
		return err
	}
	if err := build(withDatabase(base, template)); err != nil {
		return err
	}
	// Marked only now: a build that failed or was killed is made anew.
	_, err = conn.ExecContext(ctx, `ALTER DATABASE `+name+` IS_TEMPLATE true`)
	return err
}

func create(tb testing.TB, template string) string {
	tb.Helper()
	base := server(tb)
	admin := open(tb, base)
	defer admin.Close()
	name := "t_" + strings.ToLower(rand.Text())
	stmt := `CREATE DATABASE ` + pq.QuoteIdentifier(name)
	if template != "" {
		stmt += ` TEMPLATE ` + pq.QuoteIdentifier(template)
	}
	if _, err := admin.Exec(stmt); err != nil {
		tb.Fatalf("pgtest: making a database: %v", err)
	}
	tb.Cleanup(func() {
		admin := open(tb, base)
		defer admin.Close()
		if _, err := admin.Exec(`DROP DATABASE IF EXISTS ` + pq.QuoteIdentifier(name) + ` WITH (FORCE)`); err != nil {
			tb.Errorf("pgtest: dropping the database: %v", err)
		}
	})
	return withDatabase(base, name)
}

func server(tb testing.TB) string {
	tb.Helper()
	u := os.Getenv(EnvURL)
	if u == "" {
		tb.Fatalf("pgtest: no server: let TestMain call pgtest.Run, or name one in %s", EnvURL)
	}
	return u
}

func open(tb testing.TB, url string) *sql.DB {
	tb.Helper()
	db, err := connect(url)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	return db
}

func connect(url string) (*sql.DB, error) {
	c, err := pq.NewConnector(url)
	if err != nil {
		return nil, fmt.Errorf("reading the server's URL: %w", err)
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(2)
	db.SetConnMaxLifetime(time.Minute)
	return db, nil
}

func withDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base // the connection will say what is wrong with it
	}
	u.Path = "/" + name
	return u.String()
}
