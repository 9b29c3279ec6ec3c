package admin

import (
	"fmt"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// once is a secret that a page shows this once.
type once struct{ Title, Text, Secret string }

type keysView struct {
	Made  *once
	Table table
	Form  form
}

// rightWords says what a right is good for.
func rightWords(r store.Right) string {
	switch r {
	case store.RightEvents:
		return "hand in events"
	case store.RightSubscriptions:
		return "make and change subscribers and subscriptions"
	case store.RightVouch:
		return "say that an address is confirmed"
	case store.RightRead:
		return "read everything"
	case store.RightAdmin:
		return "all of these, and schedules, templates, sources and the switch"
	}
	return ""
}

func (d *Desk) keysPage(v *visit) error { return d.showKeys(v, nil) }

func (d *Desk) showKeys(v *visit, made *once) error {
	keys, err := d.store.Keys(v.ctx())
	if err != nil {
		return err
	}
	page := keysView{Made: made, Table: table{Caption: "API keys", Columns: []string{"Name", "Begins with", "Sites", "Rights", "Made", "Last used", ""},
		Empty: empty{What: "There are no keys.", Do: "A site's back end needs one to hand in events. Make it below."}}}
	for i := len(keys) - 1; i >= 0; i-- {
		k := keys[i]
		sites := "all"
		if len(k.Sites) > 0 {
			sites = strings.Join(k.Sites, ", ")
		}
		last := acts()
		if !k.RevokedAt.IsZero() {
			last = tag("", "revoked")
			m := v.when(k.RevokedAt)
			last.Time = &m
		} else if v.me.Role.May(store.RoleAdmin) {
			last = acts(button{Action: fmt.Sprintf("/keys/%d/revoke", k.ID), Label: "Revoke", Danger: true, Of: k.Name,
				Sure: fmt.Sprintf("Whoever uses the key %q is refused from then on. This cannot be undone.", k.Name)})
		}
		page.Table.Rows = append(page.Table.Rows, []cell{text(k.Name), code(k.Prefix + "…"), text(sites), text(rightsWords(k.Rights)), v.at(k.CreatedAt), v.at(k.UsedAt), last})
	}
	sites := field{Name: "site", Label: "Sites", Kind: "checks", Hint: "None chosen: all sites, also later ones."}
	for i := range d.o.Sites {
		sites.Options = append(sites.Options, option{Value: d.o.Sites[i].Key, Label: d.o.Sites[i].Name})
	}
	rights := field{Name: "rights", Label: "It may", Kind: "checks"}
	for _, r := range store.Rights() {
		rights.Options = append(rights.Options, option{Value: string(r), Label: string(r), Hint: rightWords(r)})
	}
	page.Form = v.form(form{Action: "/keys", Submit: "Make the key", Fields: []field{
		{Name: "name", Label: "What it is for", Placeholder: "shop back end", Required: true}, sites, rights}})
	return v.show("keys", "API keys", page)
}

func rightsWords(rights []store.Right) string {
	s := make([]string, len(rights))
	for i, r := range rights {
		s[i] = string(r)
	}
	return strings.Join(s, ", ")
}

// maxKeyName is the longest name of a key, in bytes.
const maxKeyName = 100

func (d *Desk) createKey(v *visit) error {
	name := v.field("name")
	if len(name) > maxKeyName {
		return v.again(dispatcher.Invalid("name", "shorten it", "is longer than %d bytes", maxKeyName), d.keysPage)
	}
	var rights []store.Right
	for _, r := range v.r.PostForm["rights"] {
		rights = append(rights, store.Right(r))
	}
	sites := v.r.PostForm["site"]
	after := rightsWords(rights) + " on all sites"
	if len(sites) > 0 {
		after = rightsWords(rights) + " on " + strings.Join(sites, ", ")
	}
	k, plain, err := v.as("key.create", name, "", after).CreateKey(v.ctx(), name, sites, rights)
	if err != nil {
		return v.again(err, d.keysPage)
	}
	return d.showKeys(v, &once{Title: fmt.Sprintf("The key %q is made", k.Name), Secret: plain,
		Text: "Keep it now; it is not shown again. Use it as Authorization: Bearer KEY."})
}

func (d *Desk) revokeKey(v *visit) error {
	id, err := v.number("id", "key")
	if err != nil {
		return err
	}
	keys, err := d.store.Keys(v.ctx())
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID != id {
			continue
		}
		if err := v.as("key.revoke", k.Name, rightsWords(k.Rights), "revoked").RevokeKey(v.ctx(), id); err != nil {
			return err
		}
		return v.done("/keys", "The key %q is refused from now on.", k.Name)
	}
	return dispatcher.NotFound("key", fmt.Sprint(id))
}
