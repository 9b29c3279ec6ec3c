package main

import (
	"strings"
	"unicode"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// printRole prints the SQL of a role that may insert events of one site.
func (r *root) printRole(site, role string) error {
	c, err := r.config()
	if err != nil {
		return err
	}
	keys := (&session{cfg: c}).siteKeys()
	if _, err := oneOf("SITE", site, keys...); err != nil {
		return err
	}
	if role == "" || len(role) > 63 || strings.ContainsFunc(role, unicode.IsControl) { // PostgreSQL cuts longer names in silence
		return dispatcher.Invalid("ROLE", "use 1 to 63 letters, digits and _", "%q cannot be a role", role)
	}
	sql := store.SiteRoleSQL(site, role)
	return r.print(map[string]string{"sql": sql}, func(p *page) { p.block(sql) })
}
