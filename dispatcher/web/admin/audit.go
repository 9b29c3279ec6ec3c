package admin

import (
	"net/url"
	"strconv"

	"github.com/hearback/hearback/dispatcher/store"
)

// pageRows is how many rows a page of a list has.
const pageRows = 50

type auditView struct {
	Table table
	By    string
	What  string
}

// auditPage lists who changed what, the newest first.
func (d *Desk) auditPage(v *visit) error {
	by, what := v.query("by"), v.query("what")
	list, err := d.store.Acts(v.ctx(), by, what, v.before(), pageRows+1)
	if err != nil {
		return err
	}
	at := func(before int64) string {
		q := url.Values{}
		for k, s := range map[string]string{"by": by, "what": what} {
			if s != "" {
				q.Set(k, s)
			}
		}
		if before > 0 {
			q.Set("before", strconv.FormatInt(before, 10))
		}
		return "/audit?" + q.Encode()
	}
	page := auditView{By: by, What: what, Table: table{Caption: "The audit log", Columns: []string{"When", "Who", "What", "Before", "After"},
		Empty: empty{What: "Nothing is in the log.", Do: "Every change that is made at this desk, or by hearback admin, key and sending, is put down here."}}}
	if by != "" || what != "" {
		page.Table.Empty = empty{What: "Nothing matches.", Path: "/audit", Action: "Show all"}
	}
	if len(list) > pageRows {
		list = list[:pageRows]
		page.Table.Next = at(list[pageRows-1].ID)
	}
	if v.before() > 0 {
		page.Table.First = at(0)
	}
	for _, a := range list {
		if a.Subject == a.By {
			a.Subject = "" // of themselves
		}
		page.Table.Rows = append(page.Table.Rows, []cell{v.at(a.At), link(a.By, "/audit?"+url.Values{"by": {a.By}}.Encode()),
			link(actWords(a), "/audit?"+url.Values{"what": {a.What}}.Encode()).soft(a.Subject), text(a.Before), text(a.After)})
	}
	return v.show("audit", "Audit log", page)
}

// actWords says what was done, as far as it is known here; others keep their
// own word.
func actWords(a store.Act) string {
	words := map[string]string{
		"signed_in":      "signed in",
		"signed_in.link": "signed in by a link",
		"sending.set":    "set the switch",
		"notice.clear":   "put a notice away",

		// Access.
		"key.create":               "made an API key",
		"key.revoke":               "revoked an API key",
		"admin.add":                "added an admin",
		"admin.role":               "changed a role",
		"admin.link":               "made a sign-in link",
		"admin.remove":             "removed an admin",
		"admin.sign_out":           "signed somebody out",
		"admin.disable":            "disabled an admin",
		"admin.enable":             "enabled an admin",
		"admin.password":           "set their password",
		"admin.zone":               "set their time zone",
		"admin.sign_out_elsewhere": "signed out elsewhere",

		// Readers: subscribers, subscriptions, suppressions.
		"subscriber.erase":   "erased a reader",
		"subscription.end":   "ended a subscription",
		"suppression.add":    "suppressed an address",
		"suppression.remove": "lifted a suppression",
		"import":             "took readers in",
		"export":             "wrote readers out",

		// Mail: messages, relays.
		"message.retry": "sent a message again",

		// Content: schedules, templates.
		"template.draft":    "saved a template's draft",
		"template.discard":  "discarded a template's draft",
		"template.publish":  "published a template",
		"template.rollback": "rolled a template back",
		"template.test":     "mailed a test of a template",
		"schedule.set":      "set a schedule",
		"schedule.pause":    "paused a schedule",
		"schedule.resume":   "resumed a schedule",
		"schedule.run":      "ran a schedule",
		"schedule.remove":   "removed a schedule",

		// Intake: sources, events.
		"source.poll":   "read a source",
		"source.pause":  "paused a source",
		"source.resume": "resumed a source",
		"event.retry":   "retried rejected events",
		"event.discard": "discarded rejected events",
	}
	if w, ok := words[a.What]; ok {
		return w
	}
	return a.What
}
