package admin

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
)

// The reasons of a suppression.
const (
	reasonBounce    = "bounce"
	reasonComplaint = "complaint"
	reasonAdmin     = "admin"
)

type suppressionsView struct {
	Filter []field
	All    string // address of the whole list, "" on it
	Table  table
	Form   form
}

// suppressionWords says in a badge why an address gets no mail.
func suppressionWords(reason string) badge {
	switch reason {
	case reasonBounce:
		return badge{"bad", "bounced"}
	case reasonComplaint:
		return badge{"bad", "complained"}
	case reasonAdmin:
		return badge{"", "by an admin"}
	}
	return badge{"", reason}
}

// liftQuestion says what lifting a suppression means.
func liftQuestion(p *store.Suppression) string {
	switch p.Reason {
	case reasonBounce:
		return "The mailbox was not there. Lift it when it is there again: mail that bounces often makes providers distrust the sender."
	case reasonComplaint:
		return "Its reader called a mail spam. Lift it only when they asked for that."
	}
	return "Comments to come are mailed there again, as far as the reader still follows something. What was held back is not made up."
}

// suppressionsPage finds suppressed addresses, the newest first.
func (d *Desk) suppressionsPage(v *visit) error {
	q := v.r.URL.Query()
	f := store.SuppressionFilter{Site: q.Get("site"), Reason: q.Get("reason"), Text: strings.TrimSpace(q.Get("q")), Before: markOf(q), Limit: pageRows + 1}
	list, err := d.store.NewestSuppressions(v.ctx(), f)
	if err != nil {
		return err
	}
	page := suppressionsView{Table: table{Caption: "Suppressed addresses", Columns: []string{"Address", "Site", "Why", "Since", ""},
		Empty: empty{What: "No address is suppressed.", Do: "An address comes here by itself when its server says that it is not there, or when its reader complains; or by hand, below."}}}
	page.Filter = []field{{Name: "q", Label: "Part of an address", Kind: "search", Value: f.Text}, d.siteField(f.Site),
		{Name: "reason", Label: "Why", Kind: "select", Options: []option{{Label: "any reason", Chosen: f.Reason == ""}, {Value: reasonBounce, Label: "bounced", Chosen: f.Reason == reasonBounce},
			{Value: reasonComplaint, Label: "complained", Chosen: f.Reason == reasonComplaint}, {Value: reasonAdmin, Label: "by an admin", Chosen: f.Reason == reasonAdmin}}}}
	if f.Site != "" || f.Reason != "" || f.Text != "" {
		page.All = "/suppressions"
		page.Table.Empty = empty{What: "No suppressed address is like that.", Do: "Then a suppression is not why somebody gets no mail.", Path: "/suppressions", Action: "Show all"}
	}
	if len(list) > pageRows {
		list = list[:pageRows]
		last := &list[pageRows-1]
		page.Table.Next = suppressionsPath(&f, store.SuppressionMark{Since: last.Since, Site: last.Site, Address: last.Address})
	}
	if !f.Before.Since.IsZero() {
		page.Table.First = suppressionsPath(&f, store.SuppressionMark{})
	}
	for i := range list {
		page.Table.Rows = append(page.Table.Rows, d.suppressionRow(v, &list[i]))
	}
	page.Form = v.form(form{Action: "/suppressions", Submit: "Suppress it", Fields: []field{
		{Name: "address", Label: "Address", Kind: "email", Required: true, Value: q.Get("address")}, d.oneSiteField(),
		{Name: "detail", Label: "Why", Hint: "For those who ask later.", Placeholder: "asked by phone", Required: true}}})
	return v.show("suppressions", "Suppressions", page)
}

func (d *Desk) suppressionRow(v *visit, p *store.Suppression) []cell {
	why := suppressionWords(p.Reason)
	reason := cell{Badge: &why}.soft(p.Detail)
	if p.Message > 0 {
		reason.Text, reason.Path = "the mail", fmt.Sprintf("/messages/%d", p.Message)
	}
	row := []cell{link(p.Address, "/subscribers?"+url.Values{"q": {p.Address}, "site": {p.Site}}.Encode()), text(d.siteName(p.Site)), reason, v.at(p.Since)}
	if !v.me.Role.May(store.RoleEditor) {
		return append(row, cell{})
	}
	return append(row, acts(button{Action: "/suppressions/lift", Label: "Lift", Of: p.Address, Sure: liftQuestion(p), Hidden: []pair{{"site", p.Site}, {"address", p.Address}}}))
}

// oneSiteField chooses one of the sites; where there is but one it is not
// asked.
func (d *Desk) oneSiteField() field {
	if len(d.o.Sites) == 1 {
		return field{Name: "of", Kind: "hidden", Value: d.o.Sites[0].Key}
	}
	f := d.siteField("")
	f.Name, f.Options = "of", f.Options[1:]
	return f
}

// markOf reads the place where a page of the list begins; a bent link shows
// the first page.
func markOf(q url.Values) store.SuppressionMark {
	at, err := strconv.ParseInt(q.Get("before"), 10, 64)
	if err != nil || at < 1 {
		return store.SuppressionMark{}
	}
	return store.SuppressionMark{Since: time.UnixMicro(at).UTC(), Site: q.Get("at"), Address: q.Get("after")}
}

func suppressionsPath(f *store.SuppressionFilter, m store.SuppressionMark) string {
	q := url.Values{}
	for k, s := range map[string]string{"site": f.Site, "reason": f.Reason, "q": f.Text} {
		if s != "" {
			q.Set(k, s)
		}
	}
	if !m.Since.IsZero() {
		q.Set("before", strconv.FormatInt(m.Since.UnixMicro(), 10))
		q.Set("at", m.Site)
		q.Set("after", m.Address)
	}
	if len(q) == 0 {
		return "/suppressions"
	}
	return "/suppressions?" + q.Encode()
}

func (d *Desk) addSuppression(v *visit) error {
	p, err := d.askedSuppression(v)
	if err != nil {
		return v.again(err, d.suppressionsPage)
	}
	old, err := d.store.SuppressionOf(v.ctx(), p.Site, p.Address)
	if err != nil {
		return err
	}
	if old != nil {
		e := dispatcher.Invalid("address", "lift it first if the reason should be another", "%s is suppressed already: %s", p.Address, suppressionWords(old.Reason).Text)
		return v.again(e, d.suppressionsPage)
	}
	subject, err := d.suppressed(v, p.Site, p.Address)
	if err != nil {
		return err
	}
	if err := v.as("suppression.add", subject, "", p.Detail).PutSuppression(v.ctx(), p); err != nil {
		return v.again(err, d.suppressionsPage)
	}
	return v.done("/suppressions", "%s gets no mail of %s any more.", p.Address, d.siteName(p.Site))
}

// askedSuppression reads the form.
func (d *Desk) askedSuppression(v *visit) (store.Suppression, error) {
	p := store.Suppression{Site: v.field("of"), Reason: reasonAdmin, Detail: v.field("detail")}
	_, normal, err := address.Parse(v.field("address"))
	switch {
	case err != nil:
		return p, dispatcher.Invalid("address", "give one address such as ann@example.org", "%q is no mail address", clipped(v.field("address")))
	case p.Detail == "":
		return p, dispatcher.Invalid("detail", "say it in a few words", "is missing")
	case len(p.Detail) > dispatcher.MaxTitle:
		return p, dispatcher.Invalid("detail", "shorten it", "is longer than %d bytes", dispatcher.MaxTitle)
	}
	if _, err := d.store.Site(p.Site); err != nil {
		return p, dispatcher.Invalid("of", "choose one of the list", "there is no site %q", clipped(p.Site))
	}
	p.Address = normal
	return p, nil
}

// clipped shortens what somebody typed for a sentence.
func clipped(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func (d *Desk) liftSuppression(v *visit) error {
	site, addr := v.field("site"), v.field("address")
	old, err := d.store.SuppressionOf(v.ctx(), site, addr)
	if err != nil {
		return err
	}
	if old == nil {
		e := dispatcher.NotFound("suppression", clipped(addr))
		e.Mend = "somebody lifted it already; the list has those there are"
		return e
	}
	subject, err := d.suppressed(v, site, addr)
	if err != nil {
		return err
	}
	if err := v.as("suppression.remove", subject, suppressionWords(old.Reason).Text+": "+old.Detail, "").DeleteSuppression(v.ctx(), site, addr); err != nil {
		return err
	}
	return v.done("/suppressions", "Mail of %s goes to %s again.", d.siteName(site), addr)
}

// suppressed is how the audit log calls an address: as its reader, so that an
// erased one's address does not stay in the log, and by itself where it is
// nobody's.
func (d *Desk) suppressed(v *visit, site, addr string) (string, error) {
	list, err := d.store.SameAddress(v.ctx(), addr)
	if err != nil {
		return "", err
	}
	for i := range list {
		if list[i].Site == site {
			return readerName(&list[i]), nil
		}
	}
	return addr + " of " + site, nil
}
