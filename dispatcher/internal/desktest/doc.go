// Package desktest goes an admin's way with a real browser, a whole daemon and
// a relay that refuses: from the link for the first admin, over a schedule and
// a template, to a mail that failed, the reason, and its second try.
package desktest
