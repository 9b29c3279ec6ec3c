package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/hearback/hearback/dispatcher"
)

// open opens the database for reading only.
func open(address string) (*sqlx.DB, bool, error) {
	switch scheme, _, _ := strings.Cut(address, ":"); scheme {
	case "postgres", "postgresql":
		c, err := pq.NewConnector(withTimeout(address))
		if err != nil {
			// The driver's error may quote the URL, and so the password.
			return nil, false, dispatcher.Invalid("database_url", "write postgres://user:password@host:5432/name?sslmode=require", "is no PostgreSQL address that the driver understands")
		}
		db := sqlx.NewDb(sql.OpenDB(c), "postgres")
		db.SetMaxOpenConns(2)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return db, false, nil
	case "sqlite":
		path, err := sqlitePath(address)
		if err != nil {
			return nil, false, err
		}
		// The file: form, else SQLite ignores mode=ro without a word.
		dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
			"mode": {"ro"}, "_pragma": {"query_only(1)", "busy_timeout(5000)"},
		}.Encode()}).String()
		db, err := sqlx.Open("sqlite", dsn)
		if err != nil {
			return nil, false, fmt.Errorf("opening %s: %w", path, err)
		}
		db.SetMaxOpenConns(1)
		return db, true, nil
	}
	return nil, false, dispatcher.Invalid("database_url", "write postgres://… or sqlite:///path/to/file.db", "is no address of a PostgreSQL or SQLite database")
}

// withTimeout has the driver give up on a host that does not answer; its own
// default is to wait for ever.
func withTimeout(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	if !q.Has("connect_timeout") {
		q.Set("connect_timeout", "10")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

func sqlitePath(address string) (string, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:"), "//")
	path, err := url.PathUnescape(path)
	if err != nil || path == "" {
		return "", dispatcher.Invalid("database_url", "write sqlite:///path/to/file.db", "names no file")
	}
	return path, nil
}

// run runs a statement in a transaction that may only read and has a time
// limit on both sides, and passes over the first skip rows.
func (s *Source) run(ctx context.Context, st statement, values map[string]any, skip int) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	res, err := s.inReadOnly(ctx, st, values, skip)
	if err == nil {
		return res, nil
	}
	if ctx.Err() != nil { // the driver's own error says less
		return nil, fmt.Errorf("the %s did not end within %s: %w", st.field, s.Timeout, context.Cause(ctx))
	}
	return nil, s.explain(st, err)
}

func (s *Source) inReadOnly(ctx context.Context, st statement, values map[string]any, skip int) (*result, error) {
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: !s.lite})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if !s.lite {
		if _, err := tx.ExecContext(ctx, "SET LOCAL statement_timeout = "+strconv.FormatInt(s.Timeout.Milliseconds(), 10)); err != nil {
			return nil, err
		}
	}
	text, args := st.bind(s.lite, values)
	rows, err := tx.QueryxContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return s.collect(st, rows, skip)
}

// explain turns what the database says into what the admin can mend.
func (s *Source) explain(st statement, err error) error {
	var own *dispatcher.Error
	var pe *pq.Error
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &pe):
		class := string(pe.Code[:2])
		if class == "42" || class == "25" || class == "22" {
			return &dispatcher.Error{Code: dispatcher.CodeInvalid, Field: st.field, Message: "PostgreSQL refuses it: " + pe.Message, Mend: "try it in psql, with values in place of the parameters", Err: err}
		}
	case s.lite && strings.Contains(err.Error(), "SQL logic error"):
		return &dispatcher.Error{Code: dispatcher.CodeInvalid, Field: st.field, Message: "SQLite refuses it", Mend: "try it in sqlite3, with values in place of the parameters", Err: err}
	case s.lite && strings.Contains(err.Error(), "unable to open"):
		path, _ := sqlitePath(s.URL)
		if _, serr := os.Stat(path); serr != nil {
			return &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "database_url", Message: "the file cannot be opened", Mend: "see whether it is there and may be read, with its folder", Err: serr}
		}
	}
	return fmt.Errorf("running the %s: %w", st.field, err)
}
