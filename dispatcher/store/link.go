package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// LinkLife is how long a link of an admin is valid.
const LinkLife = time.Hour

var errLinkSpent = &dispatcher.Error{Code: dispatcher.CodeUnauthorized, Message: "this link was used, or is older than an hour",
	Mend: "ask for a new one; `hearback admin link NAME` makes it"}

// MakeLink makes a link that signs an admin in, once, within ttl, and gives
// its secret, this once. The admin's older links end. Admin 0 is the first
// admin, who is made when the link is used.
func (s *Store) MakeLink(ctx context.Context, admin int64, ttl time.Duration) (string, error) {
	plain, hash := newSecret()
	err := s.write(ctx, func(t *tx) error {
		if admin != 0 {
			var disabled int64
			if err := t.get(ctx, &disabled, `SELECT disabled_at FROM hearback_admin WHERE id = ?`, admin); err != nil {
				return notFound(err, "admin", fmt.Sprint(admin))
			}
			if disabled > 0 {
				return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "this admin is disabled", Mend: "enable them first"}
			}
		} else if err := t.noAdmin(ctx); err != nil {
			return err
		}
		// Several daemons may each have told of a link for the first admin.
		if _, err := t.exec(ctx, `DELETE FROM hearback_admin_link WHERE (admin = ? AND admin > 0) OR until <= ?`, admin, t.now); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO hearback_admin_link (hash, admin, made_at, until, used_at) VALUES (?, ?, ?, ?, 0)`, hash, admin, t.now, t.now+ttl.Microseconds())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make a link: %w", err)
	}
	return plain, nil
}

// noAdmin refuses what is for the first admin when there is one.
func (t *tx) noAdmin(ctx context.Context) error {
	var n int64
	if err := t.get(ctx, &n, `SELECT count(*) FROM hearback_admin`); err != nil || n == 0 {
		return err
	}
	return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "there is an admin already", Mend: "sign in, or make a link with `hearback admin link NAME`"}
}

// LookLink says whom a link signs in, without using it up. The zero admin
// stands for the first one, who is yet to be made. A link that is spent is an
// unauthorized error.
func (s *Store) LookLink(ctx context.Context, plain string) (Admin, error) {
	var id int64
	err := s.get(ctx, &id, `SELECT admin FROM hearback_admin_link WHERE hash = ? AND used_at = 0 AND until > ?`, hashKey(plain), micros(s.clock.Now()))
	if errors.Is(err, sql.ErrNoRows) {
		return Admin{}, errLinkSpent
	}
	if err != nil || id == 0 {
		return Admin{}, err
	}
	var r adminRow
	if err := s.get(ctx, &r, `SELECT `+adminColumns+` FROM hearback_admin WHERE id = ?`, id); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = errLinkSpent
		}
		return Admin{}, err
	}
	return r.domain(), nil
}

// takeLink uses a link up.
func (t *tx) takeLink(ctx context.Context, plain string) (int64, error) {
	var id int64
	err := t.get(ctx, &id, `UPDATE hearback_admin_link SET used_at = ? WHERE hash = ? AND used_at = 0 AND until > ? RETURNING admin`, t.now, hashKey(plain), t.now)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, errLinkSpent
	}
	return id, err
}

// UseLink uses a link up and signs its admin in, both or neither. It gives
// what the browser keeps.
func (s *Store) UseLink(ctx context.Context, plain, agent string) (string, error) {
	session, hash := newSecret()
	err := s.write(ctx, func(t *tx) error {
		id, err := t.takeLink(ctx, plain)
		if err != nil {
			return err
		}
		if id == 0 {
			return errLinkSpent // it makes the first admin, and does nothing else
		}
		return t.startSession(ctx, id, hash, true, agent)
	})
	return session, err
}

// UseFirstLink uses the first admin's link up, makes the admin and signs them
// in, all or nothing. password is the hash of theirs.
func (s *Store) UseFirstLink(ctx context.Context, plain, name, password, agent string) (string, error) {
	a := Admin{Role: RoleAdmin}
	var err error
	if a.Name, err = AdminName(name); err != nil {
		return "", err
	}
	session, hash := newSecret()
	err = s.write(ctx, func(t *tx) error {
		id, err := t.takeLink(ctx, plain)
		if err != nil {
			return err
		}
		if id != 0 {
			return errLinkSpent
		}
		if err := t.noAdmin(ctx); err != nil {
			return err
		}
		if err := t.addAdmin(ctx, &a, password); err != nil {
			return err
		}
		return t.startSession(ctx, a.ID, hash, false, agent)
	})
	return session, err
}
