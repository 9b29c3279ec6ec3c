package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/hearback/hearback/dispatcher"
)

// dialect is what must differ between the databases.
type dialect interface {
	name() string
	// skipLocked ends the inner select of a claim. It is speed, not
	// correctness: claims re-check the state in their outer WHERE.
	skipLocked() string
	// forUpdate locks the rows of a select until commit. On SQLite the write
	// transaction itself is the lock.
	forUpdate() string
	// bytewise makes text compare as bytes. Differs because PostgreSQL compares
	// in the database's collation, SQLite always as bytes.
	bytewise() string
	unique(err error) bool
	retry(err error) bool
	// refused says that the database will never take these bytes, whoever
	// tries again: the row is at fault, not the moment.
	refused(err error) bool
	// explain turns what an operator can mend into a dispatcher.Error.
	explain(err error) error
}

func appendInt(b []byte, i int64) []byte { return strconv.AppendInt(b, i, 10) }

type postgres struct{}

func (postgres) name() string       { return "postgres" }
func (postgres) skipLocked() string { return " FOR UPDATE SKIP LOCKED" }
func (postgres) forUpdate() string  { return " FOR UPDATE" }

func (postgres) bytewise() string { return ` COLLATE "C"` }

func (postgres) unique(err error) bool { return pqCode(err) == "23505" }

func (postgres) retry(err error) bool {
	switch pqCode(err) {
	case "40001", "40P01", "55P03":
		return true
	}
	return false
}

func (postgres) refused(err error) bool {
	c := pqCode(err)
	return strings.HasPrefix(c, "22") || (strings.HasPrefix(c, "23") && c != "23505")
}

func (postgres) explain(err error) error {
	if err == nil {
		return nil
	}
	e := &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "database", Err: err}
	var netErr *net.OpError
	switch c := pqCode(err); {
	case c == "28P01" || c == "28000":
		e.Message, e.Mend = "the database refused the user or password", "check the user and password in database.url"
	case c == "3D000":
		e.Message, e.Mend = "the database does not exist", "create it, for example with createdb, or correct database.url"
	case c == "53300":
		e.Message, e.Mend = "the database has no free connections", "raise max_connections or lower the daemons' number"
	case strings.HasPrefix(c, "57P0") || strings.HasPrefix(c, "08") || errors.Is(err, driver.ErrBadConn):
		e.Message, e.Mend = "the database is restarting or closed the connection", "wait; Hearback goes on by itself"
	case c == "53100":
		e.Message, e.Mend = "the database's disk is full", "free space; Hearback goes on by itself"
	case c == "25006":
		e.Message, e.Mend = "the database is read-only", "point database.url at the primary server"
	case c == "42P01":
		e.Message, e.Mend = "a table is missing", "run `hearback migrate`"
	case c == "42501":
		e.Message, e.Mend = "the database user lacks a right", "make the user the owner of Hearback's tables"
	case errors.As(err, &netErr):
		e.Message, e.Mend = "the database cannot be reached", "start it, or correct host and port in database.url"
	case strings.Contains(err.Error(), "SSL is not enabled"):
		e.Message, e.Mend = "the database offers no TLS", "add sslmode=disable to database.url if the network is trusted"
	default:
		return err
	}
	return e
}

func pqCode(err error) string {
	var e *pq.Error
	if errors.As(err, &e) {
		return string(e.Code)
	}
	return ""
}

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	s.d = postgres{}
	u, err := url.Parse(o.URL)
	if err != nil {
		return dispatcher.Invalid("database.url", "write postgres://user:password@host:5432/name", "is no URL")
	}
	q := u.Query()
	setDefault := func(k, v string) {
		if q.Get(k) == "" {
			q.Set(k, v)
		}
	}
	setDefault("connect_timeout", "10")
	setDefault("application_name", "hearback")
	setDefault("binary_parameters", "yes") // one round trip for a statement with arguments
	if q.Get("sslmode") == "" {
		q.Set("sslmode", defaultSSLMode(u.Hostname(), q.Get("host")))
	}
	u.RawQuery = q.Encode()
	s.dsn = u.String()
	db, err := sqlx.Open("postgres", s.dsn)
	if err != nil {
		return dispatcher.Invalid("database.url", "write postgres://user:password@host:5432/name", "cannot be used: %v", err)
	}
	n := o.Connections
	if n == 0 {
		n = 16
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s.db, s.read = db, db
	if err := s.Ping(ctx); err != nil {
		_ = db.Close()
		return err
	}
	return nil
}

// defaultSSLMode is "disable" on this machine and "require" elsewhere, so that
// a new default of the driver changes nothing.
func defaultSSLMode(host, socket string) string {
	ip := net.ParseIP(host)
	if strings.HasPrefix(socket, "/") || host == "" || host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return "disable"
	}
	return "require"
}

type sqliteDialect struct{}

func (sqliteDialect) name() string       { return "sqlite" }
func (sqliteDialect) skipLocked() string { return "" }
func (sqliteDialect) forUpdate() string  { return "" }

func (sqliteDialect) bytewise() string { return "" }

func (sqliteDialect) unique(err error) bool {
	switch sqliteCode(err) {
	case sqlitelib.SQLITE_CONSTRAINT_UNIQUE, sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return false
}

func (sqliteDialect) retry(err error) bool {
	switch sqliteCode(err) & 0xff {
	case sqlitelib.SQLITE_BUSY, sqlitelib.SQLITE_LOCKED:
		return true
	}
	return errors.Is(err, driver.ErrBadConn)
}

func (d sqliteDialect) refused(err error) bool {
	switch sqliteCode(err) & 0xff {
	case sqlitelib.SQLITE_TOOBIG, sqlitelib.SQLITE_MISMATCH:
		return true
	case sqlitelib.SQLITE_CONSTRAINT:
		return !d.unique(err)
	}
	return false
}

func (sqliteDialect) explain(err error) error {
	e := &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "database", Err: err}
	switch sqliteCode(err) & 0xff {
	case sqlitelib.SQLITE_FULL:
		e.Message, e.Mend = "the disk is full", "free space; Hearback goes on by itself"
	case sqlitelib.SQLITE_READONLY:
		e.Message, e.Mend = "the database file is read-only", "make the file and its folder writable for the daemon's user"
	case sqlitelib.SQLITE_CANTOPEN:
		e.Message, e.Mend = "the database file cannot be opened", "make its folder, and make it writable for the daemon's user"
	case sqlitelib.SQLITE_NOTADB:
		e.Message, e.Mend = "the file is no SQLite database", "correct database.url, or move the file away"
	case sqlitelib.SQLITE_CORRUPT:
		e.Message, e.Mend = "the database file is damaged", "restore a backup"
	case sqlitelib.SQLITE_IOERR:
		e.Message, e.Mend = "the disk gave an error", "check the disk and its free space"
	case sqlitelib.SQLITE_BUSY:
		e.Message, e.Mend = "another program holds the database file", "end it, or wait"
	default:
		return err
	}
	return e
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func (s *Store) openSQLite(ctx context.Context, o Options) error {
	s.d = sqliteDialect{}
	path, err := sqlitePath(o.URL)
	if err != nil {
		return err
	}
	if dir := filepath.Dir(path); dir != "." {
		if _, err := os.Stat(dir); err != nil {
			return dispatcher.Invalid("database.url", "make the folder, or correct the path", "the folder %s does not exist", dir)
		}
	}
	// A full sync for each commit: what was accepted survives a power cut.
	const pragmas = "&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)"
	name := "file:" + (&url.URL{Path: path}).EscapedPath()
	open := func(params string, conns int) (*sqlx.DB, error) {
		db, err := sql.Open("sqlite", name+"?"+params+pragmas)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return sqlx.NewDb(db, "sqlite3"), nil // sqlite3 is sqlx's name for "?" parameters
	}
	if s.db, err = open("_txlock=immediate", 1); err != nil {
		return s.d.explain(err)
	}
	if s.read, err = open("_pragma=query_only(1)", 4); err != nil {
		return s.d.explain(err)
	}
	if _, err := s.db.ExecContext(ctx, "SELECT 1"); err != nil {
		_ = s.Close()
		return s.d.explain(err)
	}
	return nil
}

// sqlitePath reads sqlite:///abs/file.db and sqlite:file.db.
func sqlitePath(raw string) (string, error) {
	p := strings.TrimPrefix(raw, "sqlite:")
	p = strings.TrimPrefix(p, "//")
	if strings.HasPrefix(p, "/./") { // sqlite:///./file.db, relative
		p = p[1:]
	}
	if p == "" || p == "/" {
		return "", dispatcher.Invalid("database.url", "write sqlite:///path/file.db", "names no file")
	}
	return filepath.Clean(p), nil
}
