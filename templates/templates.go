// Package templates holds Hearback's built-in mails. Each kind of mail has a
// subject, a text part and an HTML part (email/<kind>.subject.tmpl, .txt.tmpl,
// .html.tmpl); what they share stands in email/layout.*.tmpl, and the words of
// each language in email/words.<locale>. A template says [[key]] where the
// words of the reader's language go; the words may hold template actions
// themselves. docs/templates.md tells what a template sees.
package templates

import "embed"

// Email returns the built-in mails. Paths begin with "email/".
func Email() embed.FS { return email }

//go:embed email/*.tmpl email/words.*
var email embed.FS
