package public

import (
	"encoding/json"
	"net/http"

	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/token"
)

// mine does what concerns a reader's data. A copy of it, and having it erased,
// need a link that was mailed within the hour: a mail that was passed on, or a
// page left open, is not enough.
func (p *Pages) mine(v *visit, page *view) (done bool, err error) {
	w := p.words[v.lang]
	do := v.form("do")
	switch {
	case do == "link":
		if !p.mayAsk(v) {
			return true, p.limited()
		}
		page.Notice = w.say("link_sent", masked(v.Reader.Email))
		return false, p.desk.AskLink(v.r.Context(), v.Site.Key, v.Reader.Email)
	case v.Claims.Scope != token.Fresh:
		page.Wrong = w.say("needs_link")
		return false, nil
	case do == "export":
		return true, p.export(v)
	case do == "erase_now":
		if err := p.desk.Erase(v.r.Context(), v.Visit); err != nil {
			return true, err
		}
		return true, p.show(v, http.StatusOK, "erased", view{Title: w.say("erased_title")})
	}
	return true, p.erasing(v)
}

// erasing asks once more.
func (p *Pages) erasing(v *visit) error {
	all, err := p.desk.Everywhere(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	var sites []string
	for i := range all {
		sites = append(sites, all[i].Site.Name)
	}
	return p.show(v, http.StatusOK, "erase", view{Title: p.words[v.lang].say("erase_title"), Page: erasePage{masked(v.Reader.Email), sites}})
}

// erasePage names what would be erased.
type erasePage struct {
	Address string
	Sites   []string
}

// export answers with a file.
func (p *Pages) export(v *visit) error {
	data, err := p.desk.Export(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="hearback.json"`)
	enc := json.NewEncoder(v.w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(data) // nobody is left to be told
	return nil
}

// linkPage is the page for those who lost their links.
type linkPage struct {
	Site  string // key, "" for none
	Email string
}

// link mails a fresh link. It says the same for every address.
func (p *Pages) link(v *visit) error {
	v.lang = p.languages.asked(v.given("lang"), v.r.Header.Get("Accept-Language"))
	w := p.words[v.lang]
	page := linkPage{Email: v.form("email")}
	if site, err := p.desk.Site(v.given("site")); err == nil {
		v.Site, page.Site = site, site.Key
	}
	if !v.post {
		return p.show(v, http.StatusOK, "link", view{Title: w.say("link_title"), Page: page})
	}
	_, addr, err := address.Parse(page.Email)
	if err != nil {
		return p.show(v, http.StatusUnprocessableEntity, "link", view{Title: w.say("link_title"), Wrong: w.say("wrong_email"), Page: page})
	}
	if v.form(trap) == "" {
		if !p.mayAsk(v) {
			return p.limited()
		}
		if p.counts.take("address "+addr, p.limits.PerAddress, p.desk.Now()) {
			if err := p.desk.AskLink(v.r.Context(), page.Site, page.Email); err != nil {
				return err
			}
		}
	}
	return p.show(v, http.StatusOK, "asked", view{Title: w.say("asked_title"), Page: askedPage{Text: w.say("link_asked")}})
}
