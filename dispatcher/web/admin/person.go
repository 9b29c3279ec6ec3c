package admin

import (
	"fmt"
	"net/url"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

type adminsView struct {
	Made  *once
	Table table
	Form  form
}

func roleOptions(chosen store.Role) []option {
	hints := map[store.Role]string{store.RoleViewer: "sees everything, changes nothing", store.RoleEditor: "runs the mail: switch, schedules, templates, readers",
		store.RoleAdmin: "gives others access as well: admins and API keys"}
	var out []option
	for _, r := range store.Roles() {
		out = append(out, option{Value: string(r), Label: string(r), Hint: hints[r], Chosen: r == chosen})
	}
	return out
}

func (d *Desk) adminsPage(v *visit) error { return d.showAdmins(v, nil) }

func (d *Desk) showAdmins(v *visit, made *once) error {
	list, err := d.store.Admins(v.ctx())
	if err != nil {
		return err
	}
	page := adminsView{Made: made, Table: table{Caption: "Admins", Columns: []string{"Name", "Role", "Password", "Last seen", "Added", ""}}}
	for i := range list {
		a := &list[i]
		name := text(a.Name)
		if a.ID == v.me.ID {
			name = name.soft("you")
		}
		pass := text("set")
		if !a.HasPassword {
			pass = tag("info", "comes by links")
		}
		if a.Disabled {
			pass = tag("warn", "disabled")
		}
		page.Table.Rows = append(page.Table.Rows, []cell{name, text(string(a.Role)), pass, v.at(a.SeenAt), v.at(a.CreatedAt), acts(adminButtons(a, a.ID == v.me.ID)...)})
	}
	page.Form = v.form(form{Action: "/admins", Submit: "Add, and make a link", Fields: []field{
		{Name: "name", Label: "Name", Hint: "To sign in with; a mail address is fine.", Required: true},
		{Name: "role", Label: "Role", Kind: "radio", Options: roleOptions(store.RoleEditor)}}})
	return v.show("admins", "Admins", page)
}

// adminButtons are what can be done with an admin. Nobody shuts themselves out.
func adminButtons(a *store.Admin, me bool) []button {
	at := "/admins/" + url.PathEscape(a.Name)
	var out []button
	if a.Disabled {
		out = append(out, button{Action: at + "/enable", Label: "Enable", Of: a.Name})
	} else {
		out = append(out, button{Action: at + "/link", Label: "Make a link", Of: a.Name})
		for _, r := range store.Roles() {
			if r != a.Role {
				out = append(out, button{Action: at + "/role", Label: "Make " + string(r), Of: a.Name, Hidden: []pair{{"role", string(r)}},
					Sure: fmt.Sprintf("%s is %s now and would be %s from the next page on.", a.Name, a.Role, r)})
			}
		}
		if !me {
			out = append(out, button{Action: at + "/sign-out", Label: "Sign out", Of: a.Name, Sure: a.Name + " is signed out everywhere, and may sign in again."},
				button{Action: at + "/disable", Label: "Disable", Danger: true, Of: a.Name, Sure: a.Name + " is signed out everywhere and cannot come in until enabled again."})
		}
	}
	if !me {
		out = append(out, button{Action: at + "/remove", Label: "Remove", Danger: true, Of: a.Name, Sure: a.Name + " is signed out everywhere at once. What they did stays in the audit log."})
	}
	return out
}

// addAdmin makes an admin, who comes by a link first and chooses a password.
func (d *Desk) addAdmin(v *visit) error {
	role := store.Role(v.field("role"))
	name, err := store.AdminName(v.field("name"))
	if err != nil {
		return v.again(err, d.adminsPage)
	}
	a, err := v.as("admin.add", name, "", string(role)).AddAdmin(v.ctx(), name, role, "")
	if err != nil {
		return v.again(err, d.adminsPage)
	}
	return d.showLink(v, a)
}

func (d *Desk) makeLink(v *visit) error {
	a, err := d.store.AdminByName(v.ctx(), v.r.PathValue("name"))
	if err != nil {
		return err
	}
	return d.showLink(v, a)
}

func (d *Desk) showLink(v *visit, a store.Admin) error {
	secret, err := v.as("admin.link", a.Name, "", "").MakeLink(v.ctx(), a.ID, store.LinkLife)
	if err != nil {
		return err
	}
	return d.showAdmins(v, &once{Title: "A link for " + a.Name, Secret: LinkURL(d.o.BaseURL, secret),
		Text: "It signs in once, within an hour. Give it to " + a.Name + " in a way that nobody else reads; whoever opens it first is " + a.Name + "."})
}

func (d *Desk) setRole(v *visit) error {
	a, err := d.store.AdminByName(v.ctx(), v.r.PathValue("name"))
	if err != nil {
		return err
	}
	role := store.Role(v.field("role"))
	if err := v.as("admin.role", a.Name, string(a.Role), string(role)).SetAdminRole(v.ctx(), a.ID, role); err != nil {
		return v.again(err, d.adminsPage)
	}
	if a.ID == v.me.ID {
		return v.done("/account", "You are %s now.", role)
	}
	return v.done("/admins", "%s is %s now.", a.Name, role)
}

// other gives the admin that the path names, who must be somebody else.
func (d *Desk) other(v *visit, what string) (store.Admin, error) {
	a, err := d.store.AdminByName(v.ctx(), v.r.PathValue("name"))
	if err == nil && a.ID == v.me.ID {
		err = &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "you cannot " + what + " yourself", Mend: "ask another admin to do it"}
	}
	return a, err
}

func (d *Desk) signOutAdmin(v *visit) error {
	a, err := d.other(v, "sign out here")
	if err != nil {
		return v.again(err, d.adminsPage)
	}
	if err := v.as("admin.sign_out", a.Name, "", "").SignOutAdmin(v.ctx(), a.ID); err != nil {
		return err
	}
	return v.done("/admins", "%s is signed out everywhere.", a.Name)
}

func (d *Desk) disableAdmin(v *visit) error {
	a, err := d.other(v, "disable")
	if err != nil {
		return v.again(err, d.adminsPage)
	}
	if err := v.as("admin.disable", a.Name, "", "").DisableAdmin(v.ctx(), a.ID, true); err != nil {
		return v.again(err, d.adminsPage)
	}
	return v.done("/admins", "%s is disabled and signed out.", a.Name)
}

func (d *Desk) enableAdmin(v *visit) error {
	a, err := d.store.AdminByName(v.ctx(), v.r.PathValue("name"))
	if err != nil {
		return err
	}
	if err := v.as("admin.enable", a.Name, "", "").DisableAdmin(v.ctx(), a.ID, false); err != nil {
		return err
	}
	return v.done("/admins", "%s may sign in again.", a.Name)
}

func (d *Desk) removeAdmin(v *visit) error {
	a, err := d.other(v, "remove")
	if err != nil {
		return v.again(err, d.adminsPage)
	}
	if err := v.as("admin.remove", a.Name, string(a.Role), "").RemoveAdmin(v.ctx(), a.ID); err != nil {
		return v.again(err, d.adminsPage)
	}
	return v.done("/admins", "%s is removed and signed out.", a.Name)
}
