package public

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/web"
)

// trap is the field that people do not see and programs fill in.
const trap = "website"

// askPage is the page with the form.
type askPage struct {
	Given    map[string]string // the form's fields, as they came
	Site     string            // key
	Ways     []option          // what may be followed
	Cadences []option
	Email    string
	Detail   string // for whoever builds the form, in English
}

// askFields are the form's fields besides the address.
var askFields = [...]string{"site", "what", "thread", "comment", "author", "url", "schedule", "depth", "lang"}

// subscribe shows the form, and takes it from any page that posts it.
func (p *Pages) subscribe(v *visit) error {
	given := map[string]string{}
	for _, name := range askFields {
		given[name] = v.given(name)
	}
	v.lang = p.languages.asked(given["lang"], v.r.Header.Get("Accept-Language"))
	site, err := p.desk.Site(given["site"])
	if err != nil {
		return p.misbuilt(v, err)
	}
	v.Site = site
	page := askPage{Given: given, Site: site.Key, Email: v.form("email")}
	if !v.post {
		return p.asking(v, http.StatusOK, page, "")
	}
	if v.form(trap) != "" {
		return p.asked(v, given["url"]) // a program; it learns nothing
	}
	_, addr, err := address.Parse(page.Email)
	if err != nil {
		return p.asking(v, http.StatusUnprocessableEntity, page, p.words[v.lang].say("wrong_email"))
	}
	if !p.mayAsk(v) {
		return p.limited()
	}
	if p.counts.take("address "+addr, p.limits.PerAddress, p.desk.Now()) {
		err = p.desk.SignUp(v.r.Context(), subscribe.Ask{Site: site.Key, Email: page.Email, Target: targetAsked(given), Page: given["url"], Schedule: given["schedule"], Locale: v.lang})
	}
	var e *dispatcher.Error
	switch {
	case err == nil:
		return p.asked(v, given["url"])
	case errors.As(err, &e) && e.Code == dispatcher.CodeInvalid && e.Field == "email":
		return p.asking(v, http.StatusUnprocessableEntity, page, p.words[v.lang].say("wrong_email"))
	case errors.As(err, &e) && e.Code == dispatcher.CodeInvalid:
		return p.misbuilt(v, err)
	}
	return err
}

// mayAsk counts one for the visit's client and its site.
func (p *Pages) mayAsk(v *visit) bool {
	now := p.desk.Now()
	return p.counts.take(clientKey(web.Client(v.r, p.proxies)), p.limits.PerClient, now) && p.counts.take("site "+v.Site.Key, p.limits.PerSite, now)
}

func (p *Pages) limited() error {
	return &dispatcher.Error{Code: dispatcher.CodeLimited, Message: "too many sign-ups", Mend: "try again in a few minutes"}
}

// targetAsked reads what is to be followed. A form that says nothing of it is
// about its conversation.
func targetAsked(given map[string]string) dispatcher.Target {
	t := dispatcher.Target{Type: dispatcher.TargetType(cmp.Or(given["what"], string(dispatcher.TargetThread)))}
	switch t.Type {
	case dispatcher.TargetThread:
		t.ID = given["thread"]
	case dispatcher.TargetComment:
		t.ID = given["comment"]
	case dispatcher.TargetAuthor:
		t.ID = given["author"]
	case dispatcher.TargetReplies:
		t.Depth = dispatcher.Depth(given["depth"])
	}
	return t
}

// asking shows the form.
func (p *Pages) asking(v *visit, status int, page askPage, wrong string) error {
	if v.json {
		return sayJSON(v, status, "email", wrong)
	}
	w := p.words[v.lang]
	var err error
	if page.Ways, err = p.ways(v, page.Given); err != nil {
		return err
	}
	if len(page.Ways) == 0 {
		return p.misbuilt(v, errNoWay())
	}
	schedules, err := p.desk.Schedules(v.r.Context())
	if err != nil {
		return err
	}
	page.Cadences = cadences(w, schedules, &v.Site, page.Given["schedule"])
	return p.show(v, status, "subscribe", view{Title: w.say("ask_title"), Wrong: wrong, Page: page})
}

// errNoWay says that a form tells of nothing that could be followed.
func errNoWay() error {
	return dispatcher.Invalid("thread", "give thread=ID, the site's own id of the conversation, in the link or the form, or data-thread in the snippet", "is missing")
}

// ways lists what the form's fields can be about.
func (p *Pages) ways(v *visit, given map[string]string) ([]option, error) {
	w := p.words[v.lang]
	var out []option
	add := func(t dispatcher.TargetType, label string) {
		out = append(out, option{string(t), label, given["what"] == string(t) || given["what"] == "" && len(out) == 0})
	}
	if given["thread"] != "" {
		add(dispatcher.TargetThread, w.say("ask_thread"))
	}
	if given["comment"] != "" {
		add(dispatcher.TargetComment, w.say("ask_comment"))
	}
	if given["thread"] != "" || given["what"] == string(dispatcher.TargetReplies) {
		add(dispatcher.TargetReplies, w.say("ask_replies"))
	}
	if id := given["author"]; id != "" {
		name, err := p.desk.AuthorName(v.r.Context(), v.Site.Key, id)
		if err != nil {
			return nil, err
		}
		if label := w.say("ask_author"); name == "" {
			add(dispatcher.TargetAuthor, label)
		} else {
			add(dispatcher.TargetAuthor, w.say("ask_author_named", name))
		}
	}
	if given["what"] == string(dispatcher.TargetSite) {
		add(dispatcher.TargetSite, w.say("ask_site", v.Site.Name))
	}
	return out, nil
}

// cadences lists the schedules for a form; the site's own is chosen where none
// is.
func cadences(w words, schedules []dispatcher.Schedule, site *dispatcher.Site, chosen string) []option {
	return options(w, schedules, cmp.Or(chosen, orImmediate(site.Schedule)))
}

// asked says that a question was mailed. It says the same to a program, and
// for an address that is known.
func (p *Pages) asked(v *visit, back string) error {
	w := p.words[v.lang]
	if v.json {
		return sayJSON(v, http.StatusOK, "", w.say("asked_title")+". "+w.say("asked_text"))
	}
	if !subscribe.Under(v.Site.BaseURL, back) || v.Site.BaseURL == "" {
		back = ""
	}
	return p.show(v, http.StatusOK, "asked", view{Title: w.say("asked_title"), Page: askedPage{Text: w.say("asked_text"), Back: back}})
}

// askedPage says what comes next.
type askedPage struct {
	Text string
	Back string // the page that the form stood on, "" when unknown
}

// misbuilt tells a reader that the form is at fault and not they, and whoever
// built it what to mend.
func (p *Pages) misbuilt(v *visit, err error) error {
	w := p.words[v.lang]
	detail := ""
	if e := (*dispatcher.Error)(nil); errors.As(err, &e) {
		detail = strings.TrimPrefix(e.Field+": "+e.Message, ": ") + "; " + e.Mend
	}
	if v.json {
		return sayJSON(v, http.StatusUnprocessableEntity, fieldOf(err), w.say("misbuilt_what")+" ("+detail+")")
	}
	return p.show(v, http.StatusUnprocessableEntity, "trouble", view{Title: w.say("misbuilt_what"), Page: trouble{What: w.say("misbuilt_what"), Do: w.say("misbuilt_do"), Detail: detail}})
}

// sayJSON answers the snippet.
func sayJSON(v *visit, status int, field, text string) error {
	web.WriteJSON(v.w, status, struct {
		OK    bool   `json:"ok"`
		Field string `json:"field,omitempty"`
		Said  string `json:"said"`
	}{status == http.StatusOK, field, text})
	return nil
}
