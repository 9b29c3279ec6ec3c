package store

import (
	"strings"

	"github.com/lib/pq"
)

// SiteRoleSQL gives the statements by which the owner of a PostgreSQL database
// makes a role that may do one thing: put events of one site into the inbox,
// in transactions of its own. It may not read, change or remove anything, nor
// set any other column, and row-level security pins it to the site. The role
// has no password yet. Running it again changes nothing.
func SiteRoleSQL(site, role string) string {
	name := pq.QuoteIdentifier(role)
	policy := pq.QuoteIdentifier("hearback_site_" + role)
	return strings.NewReplacer("{role}", name, "{'role}", pq.QuoteLiteral(role), "{policy}", policy, "{'site}", strings.TrimSpace(pq.QuoteLiteral(site))).Replace(`DO $hearback$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {'role}) THEN
        CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
    END IF;
END $hearback$;
GRANT INSERT (site, payload) ON hearback_inbox TO {role};
DROP POLICY IF EXISTS {policy} ON hearback_inbox;
CREATE POLICY {policy} ON hearback_inbox FOR INSERT TO {role} WITH CHECK (site = {'site});
-- Then give it a way in, for example: ALTER ROLE {role} PASSWORD '…';
`)
}
