package admin

import (
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/web"
)

type accountView struct {
	Facts    []fact
	Password form
	Zone     form
	Sessions table
	Others   bool // they are signed in elsewhere too
	First    bool // they have no password yet
}

func (d *Desk) accountPage(v *visit) error {
	sessions, err := d.store.SessionsOf(v.ctx(), v.me.ID, d.o.Lifetimes)
	if err != nil {
		return err
	}
	page := accountView{First: !v.me.HasPassword, Others: len(sessions) > 1,
		Facts: []fact{{"Name", text(v.me.Name)}, {"Role", text(string(v.me.Role))}, {"Added", v.at(v.me.CreatedAt)}}}
	f := form{Action: "/account/password", Submit: "Set the password"}
	if v.needsOld() {
		f.Fields = append(f.Fields, field{Name: "old", Label: "Present password", Kind: "password", Auto: "current-password", Required: true})
	}
	f.Fields = append(f.Fields, newPassword("New password"), repeatPassword())
	page.Password = v.form(f)
	page.Zone = v.form(form{Action: "/account/zone", Submit: "Set the time zone", Quiet: true, Fields: []field{
		{Name: "zone", Label: "Time zone", Value: v.me.Zone, Placeholder: d.zone(), Hint: "An IANA name such as Europe/Berlin. Times at this desk are shown in it; without one in the first site's."}}})
	page.Sessions = table{Caption: "Where you are signed in", Columns: []string{"Browser", "Since", "Last used"}}
	for _, s := range sessions {
		name := text(browserWords(s.Agent))
		if s.Same(v.session) {
			name = name.soft("this one")
		}
		page.Sessions.Rows = append(page.Sessions.Rows, []cell{name, v.at(s.CreatedAt), v.at(s.SeenAt)})
	}
	return v.show("account", "Your account", page)
}

// needsOld says that the present password is asked for: not of who came by a
// link, which stands for it.
func (v *visit) needsOld() bool { return v.me.HasPassword && !v.session.ByLink }

// setPassword sets the password. Everybody who is signed in as this admin is
// signed out, and this browser gets a new session.
func (d *Desk) setPassword(v *visit) error {
	ctx := v.ctx()
	if v.needsOld() {
		// Who sits at an open session must not try passwords either.
		if err := d.limits.try(web.Client(v.r, d.o.Proxies), v.me.Name, v.now); err != nil {
			return v.again(err, d.accountPage)
		}
		_, hash, err := d.store.AdminPassword(ctx, v.me.Name)
		if err != nil {
			return err
		}
		ok, err := d.o.Passwords.Matches(ctx, hash, v.r.PostForm.Get("old"))
		if err != nil {
			return v.again(err, d.accountPage)
		}
		if !ok {
			return v.again(dispatcher.Invalid("old", "type the one that you signed in with", "is not your password"), d.accountPage)
		}
		d.limits.forget(v.me.Name)
	}
	hash, err := d.hashTyped(v, v.me.Name)
	if err != nil {
		return v.again(err, d.accountPage)
	}
	if err := v.as("admin.password", v.me.Name, "", "").SetAdminPassword(ctx, v.me.ID, hash); err != nil {
		return err
	}
	secret, err := d.store.StartSession(ctx, v.me.ID, false, v.r.UserAgent())
	if err != nil {
		return err
	}
	v.keep(secret)
	if v.session, err = d.store.FindSession(ctx, secret, d.o.Lifetimes); err != nil {
		return err
	}
	return v.done("/account", "The password is set. You are signed out everywhere else.")
}

func (d *Desk) setZone(v *visit) error {
	zone := v.field("zone")
	if zone != "" {
		if _, err := schedule.LoadZone(zone); err != nil {
			return v.again(dispatcher.Invalid("zone", "give an IANA name such as Europe/Berlin", "%q is no time zone", zone), d.accountPage)
		}
	}
	if err := v.as("admin.zone", v.me.Name, v.me.Zone, zone).SetAdminZone(v.ctx(), v.me.ID, zone); err != nil {
		return err
	}
	return v.done("/account", "The time zone is set.")
}

func (d *Desk) endSessions(v *visit) error {
	n, err := v.as("admin.sign_out_elsewhere", v.me.Name, "", "").EndOtherSessions(v.ctx(), v.session)
	if err != nil {
		return err
	}
	if n == 1 {
		return v.done("/account", "You are signed out in 1 other browser.")
	}
	return v.done("/account", "You are signed out in %d other browsers.", n)
}

// browserWords names a browser and its system, as well as its own name tells.
func browserWords(agent string) string {
	pick := func(known ...string) string { // pairs of what to look for and what to say
		for i := 0; i < len(known); i += 2 {
			if strings.Contains(agent, known[i]) {
				return known[i+1]
			}
		}
		return ""
	}
	name := pick("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := pick("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "macOS", "Linux", "Linux")
	switch {
	case name == "" && agent == "":
		return "a browser that gave no name"
	case name == "":
		return agent
	case system == "":
		return name
	}
	return name + " on " + system
}
