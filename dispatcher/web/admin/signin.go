package admin

import (
	"net/url"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/password"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// signInView is the page to sign in.
type signInView struct {
	Form  form
	First bool // nobody could sign in: there is no admin
}

func (d *Desk) signInPage(v *visit) error {
	if v.me.ID != 0 {
		v.redirect("/")
		return nil
	}
	any, err := d.store.AnyAdmin(v.ctx())
	if err != nil {
		return err
	}
	to := v.query("to")
	if v.post() {
		to = v.field("to")
	}
	f := form{Action: "/sign-in", Submit: "Sign in", Fields: []field{
		{Name: "name", Label: "Name", Auto: "username", Required: true, First: true},
		{Name: "password", Label: "Password", Kind: "password", Auto: "current-password", Required: true},
		{Name: "to", Kind: "hidden", Value: to},
	}}
	return v.show("sign_in", "Sign in", signInView{v.form(f), !any})
}

// signIn checks name and password. A name that nobody has costs the same time
// and gets the same answer.
func (d *Desk) signIn(v *visit) error {
	ctx, typed := v.ctx(), v.r.PostForm.Get("password")
	name := strings.ToLower(v.field("name"))
	if len(name) > 64 {
		name = name[:64]
	}
	if err := d.limits.try(web.Client(v.r, d.o.Proxies), name, v.now); err != nil {
		return v.again(err, d.signInPage)
	}
	a, hash, err := d.store.AdminPassword(ctx, name)
	if err != nil && dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		return err
	}
	ok, err := d.o.Passwords.Matches(ctx, hash, typed)
	if err != nil {
		return v.again(err, d.signInPage)
	}
	if !ok {
		// Without the name: people type their password into its field.
		d.o.Log.WarnContext(ctx, "a sign-in to the admin pages failed", "client", web.Client(v.r, d.o.Proxies).String())
		return v.again(dispatcher.Invalid("", "check both; who has forgotten theirs asks for a one-time link", "name and password do not belong together"), d.signInPage)
	}
	d.limits.forget(name)
	if a.Disabled {
		return v.again(&dispatcher.Error{Code: dispatcher.CodeConflict, Message: a.Name + " is disabled", Mend: "ask another admin, or run on the daemon's machine: hearback admin enable " + a.Name}, d.signInPage)
	}
	secret, err := d.store.As(store.Act{By: a.Name, What: "signed_in", Subject: a.Name}).StartSession(ctx, a.ID, false, v.r.UserAgent())
	if err != nil {
		return err
	}
	return d.enter(v, secret, v.field("to"))
}

// enter begins a session that is new in any case: one that a stranger may have
// planted in the browser is never taken up, and an old one of the browser ends.
func (d *Desk) enter(v *visit, secret, to string) error {
	if v.me.ID != 0 {
		if err := d.store.EndSession(v.ctx(), v.session); err != nil {
			return err
		}
	}
	v.keep(secret)
	v.redirect(inside(to))
	return nil
}

// inside makes sure that a path leads to the desk and nowhere else.
func inside(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") {
		return "/"
	}
	return path
}

func (d *Desk) signOut(v *visit) error {
	if err := d.store.EndSession(v.ctx(), v.session); err != nil {
		return err
	}
	v.keep("")
	v.redirect("/sign-in")
	return nil
}

// linkView is the page of a one-time link.
type linkView struct {
	Name string // who it signs in, "" for the first admin
	Form form
}

// linkPage shows what the link does. Opening it uses nothing up: mail scanners
// open links too.
func (d *Desk) linkPage(v *visit) error {
	secret := v.r.PathValue("secret")
	a, err := d.store.LookLink(v.ctx(), secret)
	if err != nil {
		return err
	}
	v.w.Header().Set("Referrer-Policy", "no-referrer") // the address is the secret
	f := form{Action: "/link/" + secret, Submit: "Sign in as " + a.Name}
	title := "Sign in as " + a.Name
	if a.ID == 0 {
		title = "The first admin"
		f.Submit = "Begin"
		f.Fields = []field{
			{Name: "name", Label: "Your name", Hint: "To sign in with; a mail address is fine.", Auto: "username", Required: true},
			newPassword("Password"), repeatPassword(),
		}
	}
	return v.show("link", title, linkView{a.Name, v.form(f)})
}

func newPassword(label string) field {
	return field{Name: "password", Label: label, Kind: "password", Auto: "new-password", Required: true, Hint: "12 characters or more. A few words in a row are easy to remember."}
}

func repeatPassword() field {
	return field{Name: "repeat", Label: "Once more", Kind: "password", Auto: "new-password", Required: true}
}

// useLink signs in by the link and uses it up.
func (d *Desk) useLink(v *visit) error {
	secret := v.r.PathValue("secret")
	// Guessing is hopeless; this keeps it from costing anything.
	if err := d.limits.try(web.Client(v.r, d.o.Proxies), "", v.now); err != nil {
		return err
	}
	d.limits.forget("")
	a, err := d.store.LookLink(v.ctx(), secret)
	if err != nil {
		return err
	}
	if a.ID == 0 {
		return d.beFirst(v, secret)
	}
	session, err := d.store.As(store.Act{By: a.Name, What: "signed_in.link", Subject: a.Name}).UseLink(v.ctx(), secret, v.r.UserAgent())
	if err != nil {
		return err
	}
	if !a.HasPassword {
		return d.enter(v, session, "/account")
	}
	return d.enter(v, session, "/")
}

// beFirst makes the first admin.
func (d *Desk) beFirst(v *visit, secret string) error {
	name, err := store.AdminName(v.field("name"))
	if err != nil {
		return v.again(err, d.linkPage)
	}
	hash, err := d.hashTyped(v, name)
	if err != nil {
		return v.again(err, d.linkPage)
	}
	session, err := d.store.As(store.Act{By: name, What: "admin.add", Subject: name, After: string(store.RoleAdmin)}).UseFirstLink(v.ctx(), secret, name, hash, v.r.UserAgent())
	if err != nil {
		return err
	}
	return d.enter(v, session, "/")
}

// hashTyped checks the password that was typed twice, and hashes it.
func (d *Desk) hashTyped(v *visit, name string) (string, error) {
	typed := v.r.PostForm.Get("password")
	if err := password.Check(typed, name); err != nil {
		return "", err
	}
	if v.r.PostForm.Get("repeat") != typed {
		return "", dispatcher.Invalid("repeat", "type the same password in both fields", "differs from the password above")
	}
	return d.o.Passwords.Hash(v.ctx(), typed)
}
