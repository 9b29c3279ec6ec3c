package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Role is what an admin may do. Each role may all that the one before it may.
type Role string

// The roles.
const (
	RoleViewer Role = "viewer" // sees everything but people's secrets, changes nothing
	RoleEditor Role = "editor" // runs the mail: switch, schedules, templates, readers
	RoleAdmin  Role = "admin"  // gives others access: admins and API keys
)

// Roles lists all roles, the weakest first.
func Roles() []Role { return []Role{RoleViewer, RoleEditor, RoleAdmin} }

// May says whether the role includes another one. A role that is none may
// nothing.
func (r Role) May(need Role) bool {
	mine, asked := -1, len(Roles())
	for i, known := range Roles() {
		if known == r {
			mine = i
		}
		if known == need {
			asked = i
		}
	}
	return mine >= asked
}

// Admin is a person of the admin desk.
type Admin struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Role        Role      `json:"role"`
	Zone        string    `json:"time_zone,omitempty"` // IANA name, "" for UTC
	HasPassword bool      `json:"has_password"`        // else they come by links alone
	Disabled    bool      `json:"disabled,omitempty"`  // cannot come in until enabled again
	CreatedAt   time.Time `json:"created_at"`
	SeenAt      time.Time `json:"seen_at,omitzero"` // to the minute
}

type adminRow struct {
	ID         int64  `db:"id"`
	Name       string `db:"name"`
	Role       string `db:"role"`
	Password   string `db:"password"`
	Zone       string `db:"zone"`
	DisabledAt int64  `db:"disabled_at"`
	CreatedAt  int64  `db:"created_at"`
	SeenAt     int64  `db:"seen_at"`
}

const adminColumns = `id, name, role, password, zone, disabled_at, created_at, seen_at`

func (r *adminRow) domain() Admin {
	return Admin{ID: r.ID, Name: r.Name, Role: Role(r.Role), Zone: r.Zone, HasPassword: r.Password != "", Disabled: r.DisabledAt > 0, CreatedAt: fromMicros(r.CreatedAt), SeenAt: fromMicros(r.SeenAt)}
}

var adminName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// AdminName brings a name into the form in which names compare, or says what
// is wrong with it.
func AdminName(name string) (string, error) {
	n := strings.ToLower(strings.TrimSpace(name))
	if n == "" {
		return "", dispatcher.Invalid("name", "give a name such as ann, or a mail address", "is missing")
	}
	if !adminName.MatchString(n) {
		return "", dispatcher.Invalid("name", "use up to 64 letters, digits and . _ @ + -, a letter or digit first", "%q cannot be a name", name)
	}
	return n, nil
}

func checkRole(r Role) error {
	if !r.May(RoleViewer) {
		return dispatcher.Invalid("role", "use one of: viewer, editor, admin", "there is no role %q", string(r))
	}
	return nil
}

// AddAdmin makes an admin. password is the hash of their password, "" for one
// who comes by a link first. A name that is taken is a conflict.
func (s *Store) AddAdmin(ctx context.Context, name string, role Role, password string) (Admin, error) {
	a := Admin{Role: role, HasPassword: password != ""}
	var err error
	if a.Name, err = AdminName(name); err != nil {
		return Admin{}, err
	}
	if err := checkRole(role); err != nil {
		return Admin{}, err
	}
	err = s.write(ctx, func(t *tx) error { return t.addAdmin(ctx, &a, password) })
	return a, err
}

func (t *tx) addAdmin(ctx context.Context, a *Admin, password string) error {
	a.CreatedAt = fromMicros(t.now)
	err := t.get(ctx, &a.ID, `INSERT INTO hearback_admin (name, role, password, zone, disabled_at, created_at, seen_at) VALUES (?, ?, ?, '', 0, ?, 0) ON CONFLICT (name) DO NOTHING RETURNING id`,
		a.Name, string(a.Role), password, t.now)
	if dispatcher.CodeOf(notFound(err, "", "")) == dispatcher.CodeNotFound {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "name", Message: fmt.Sprintf("there is an admin %q already", a.Name), Mend: "choose another name"}
	}
	return err
}

// Admins lists all admins by name.
func (s *Store) Admins(ctx context.Context) ([]Admin, error) {
	var rows []adminRow
	if err := s.all(ctx, &rows, `SELECT `+adminColumns+` FROM hearback_admin ORDER BY name`); err != nil {
		return nil, fmt.Errorf("list admins: %w", err)
	}
	out := make([]Admin, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// AnyAdmin says whether there is an admin at all.
func (s *Store) AnyAdmin(ctx context.Context) (bool, error) {
	var n int
	err := s.get(ctx, &n, `SELECT count(*) FROM (SELECT 1 FROM hearback_admin LIMIT 1) AS one`)
	return n > 0, err
}

// AdminByName gives an admin, however the name is written.
func (s *Store) AdminByName(ctx context.Context, name string) (Admin, error) {
	a, _, err := s.AdminPassword(ctx, name)
	return a, err
}

// AdminPassword gives an admin with the hash of their password, "" for none.
func (s *Store) AdminPassword(ctx context.Context, name string) (Admin, string, error) {
	n, err := AdminName(name)
	if err != nil {
		return Admin{}, "", dispatcher.NotFound("admin", name)
	}
	var r adminRow
	if err := s.get(ctx, &r, `SELECT `+adminColumns+` FROM hearback_admin WHERE name = ?`, n); err != nil {
		return Admin{}, "", notFound(err, "admin", name)
	}
	return r.domain(), r.Password, nil
}

// SetAdminRole gives an admin another role, from their next page on. The last
// one who may let others in keeps it.
func (s *Store) SetAdminRole(ctx context.Context, id int64, role Role) error {
	if err := checkRole(role); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if role != RoleAdmin {
			if err := t.keepOneAdmin(ctx, id); err != nil {
				return err
			}
		}
		return t.updateAdmin(ctx, `UPDATE hearback_admin SET role = ? WHERE id = ?`, string(role), id)
	})
}

// keepOneAdmin refuses to take the role from the last one who has it. It locks
// the rows, so two who take it from one another meet.
func (t *tx) keepOneAdmin(ctx context.Context, but int64) error {
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT id FROM hearback_admin WHERE role = 'admin' AND disabled_at = 0 ORDER BY id`+t.d.forUpdate()); err != nil {
		return err
	}
	if len(ids) == 1 && ids[0] == but {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "this is the last one with the role admin", Mend: "give somebody else the role first"}
	}
	return nil
}

// updateAdmin changes the row of an admin, by a statement whose last parameter
// is their number.
func (t *tx) updateAdmin(ctx context.Context, q string, args ...any) error {
	n, err := t.exec(ctx, q, args...)
	if err == nil && n == 0 {
		return dispatcher.NotFound("admin", fmt.Sprint(args[len(args)-1]))
	}
	return err
}

// shutOut signs an admin out everywhere and ends their links.
func (t *tx) shutOut(ctx context.Context, id int64) error {
	for _, q := range []string{`DELETE FROM hearback_session WHERE admin = ?`, `DELETE FROM hearback_admin_link WHERE admin = ?`} {
		if _, err := t.exec(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// SignOutAdmin signs an admin out everywhere and ends their links.
func (s *Store) SignOutAdmin(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error { return t.shutOut(ctx, id) })
}

// DisableAdmin keeps an admin out, at once and until they are enabled again.
// What they did stays theirs.
func (s *Store) DisableAdmin(ctx context.Context, id int64, disabled bool) error {
	return s.write(ctx, func(t *tx) error {
		at := int64(0)
		if disabled {
			if err := t.keepOneAdmin(ctx, id); err != nil {
				return err
			}
			if err := t.shutOut(ctx, id); err != nil {
				return err
			}
			at = t.now
		}
		return t.updateAdmin(ctx, `UPDATE hearback_admin SET disabled_at = ? WHERE id = ?`, at, id)
	})
}

// RemoveAdmin removes an admin, who is signed out everywhere, and their links.
func (s *Store) RemoveAdmin(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.keepOneAdmin(ctx, id); err != nil {
			return err
		}
		if err := t.shutOut(ctx, id); err != nil {
			return err
		}
		return t.updateAdmin(ctx, `DELETE FROM hearback_admin WHERE id = ?`, id)
	})
}

// SetAdminPassword sets the hash of an admin's password, signs them out
// everywhere and ends their links.
func (s *Store) SetAdminPassword(ctx context.Context, id int64, password string) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.shutOut(ctx, id); err != nil {
			return err
		}
		return t.updateAdmin(ctx, `UPDATE hearback_admin SET password = ? WHERE id = ?`, password, id)
	})
}

// SetAdminZone sets the time zone in which an admin sees times.
func (s *Store) SetAdminZone(ctx context.Context, id int64, zone string) error {
	return s.write(ctx, func(t *tx) error {
		return t.updateAdmin(ctx, `UPDATE hearback_admin SET zone = ? WHERE id = ?`, zone, id)
	})
}
