package public

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/token"
)

// managePage is the page with all of a reader's choices.
type managePage struct {
	Address     string
	Groups      []group // this site first, then the others of the same address
	Normal      []option
	Languages   []option
	QuietFrom   string
	QuietTo     string
	Zone        string
	SiteZone    string
	Zones       []string
	Clock       string // the time of day in the zone
	PausedUntil string // a date, "" when not paused
	Today       string
	Ended       bool // everything was ended
	Fresh       bool // the link was mailed within the hour
}

// group is one site of the page.
type group struct {
	Site  dispatcher.Site
	Rows  []managed
	Muted []mutedRow
}

// Several says that the address has something on other sites too.
func (p managePage) Several() bool { return len(p.Groups) > 1 }

// AnyMuted says that something is muted anywhere.
func (p managePage) AnyMuted() bool {
	return slices.ContainsFunc(p.Groups, func(g group) bool { return len(g.Muted) > 0 })
}

// managed is one subscription.
type managed struct {
	ID      int64
	Target  target
	Pending bool
	Options []option
}

// mutedRow is one mute.
type mutedRow struct {
	Value  string // names it in the form
	Target target
}

// clockPolicy lets the one script of the readers' pages run: it shows what
// time it is in the zone that is being typed. Nothing waits for it.
const clockPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (p *Pages) manage(v *visit) error {
	if err := p.open(v, token.Manage, token.Fresh); err != nil {
		return err
	}
	v.w.Header().Set("Content-Security-Policy", clockPolicy)
	var page view
	if v.post {
		done, err := p.manageBy(v, &page)
		if done {
			return err
		}
		switch dispatcher.CodeOf(err) {
		case dispatcher.CodeInvalid, dispatcher.CodeEnded:
			page.Wrong = p.wrongField(v, err)
		default:
			if err != nil {
				return err
			}
		}
	}
	return p.managing(v, page)
}

// wrongField says which field cannot be as it was given.
func (p *Pages) wrongField(v *visit, err error) string {
	w := p.words[v.lang]
	switch fieldOf(err) {
	case "time_zone":
		return w.say("wrong_zone")
	case "paused_until":
		return w.say("wrong_pause")
	case "quiet_hours":
		return w.say("wrong_quiet")
	}
	return w.say("wrong_other")
}

// managing shows the page.
func (p *Pages) managing(v *visit, page view) error {
	ctx, w := v.r.Context(), p.words[v.lang]
	schedules, err := p.desk.Schedules(ctx)
	if err != nil {
		return err
	}
	all, err := p.desk.Everywhere(ctx, v.Visit)
	if err != nil {
		return err
	}
	r, now := &v.Reader, p.desk.Now().In(zoneOf(v))
	mp := managePage{Address: masked(r.Email), Zone: r.Zone, SiteZone: siteZone(v.Site), Zones: zoneNames(), Clock: now.Format("15:04"), Today: now.Format(time.DateOnly),
		Ended: !r.EndedAt.IsZero(), Fresh: v.Claims.Scope == token.Fresh}
	for i := range all {
		g, err := p.group(v, &all[i], schedules)
		if err != nil {
			return err
		}
		if i == 0 || len(g.Rows)+len(g.Muted) > 0 {
			mp.Groups = append(mp.Groups, g)
		}
	}
	mp.Normal = append([]option{{Value: "", Label: w.say("as_site", label(w, schedules, orImmediate(v.Site.Schedule))), Chosen: r.Schedule == ""}}, options(w, schedules, r.Schedule)...)
	mp.Languages = p.languageOptions(v)
	if !r.Quiet.None() {
		mp.QuietFrom, mp.QuietTo, _ = strings.Cut(r.Quiet.String(), "-")
	}
	if r.PausedUntil.After(p.desk.Now()) {
		mp.PausedUntil = r.PausedUntil.In(zoneOf(v)).Format(time.DateOnly)
	}
	page.Title, page.Page = w.say("manage_title"), mp
	if mp.Ended && len(page.Undo) == 0 {
		if l, err := p.desk.Leaving(ctx, v.Visit); err == nil && l.Undo.Number != 0 {
			page.Undo = []int64{l.Undo.Number}
		}
	}
	return p.show(v, http.StatusOK, "manage", page)
}

// group lists what the reader follows and mutes on one site.
func (p *Pages) group(v *visit, there *subscribe.Visit, schedules []dispatcher.Schedule) (group, error) {
	ctx, w, g := v.r.Context(), p.words[v.lang], group{Site: there.Site}
	subs, err := p.desk.Live(ctx, *there)
	if err != nil {
		return g, err
	}
	mutes, err := p.desk.Mutes(ctx, *there)
	if err != nil {
		return g, err
	}
	for i := range subs {
		s := &subs[i]
		g.Rows = append(g.Rows, managed{s.ID, targetOf(w, s.Target, s.Comment, s.Thread), s.ConfirmedAt.IsZero(), options(w, schedules, s.Schedule)})
	}
	for i := range mutes {
		m := &mutes[i]
		g.Muted = append(g.Muted, mutedRow{there.Site.Key + ":" + string(m.Target.Type) + ":" + m.Target.ID, targetOf(w, m.Target, m.Comment, m.Thread)})
	}
	return g, nil
}

// languageOptions lists the languages by the names they have for themselves.
func (p *Pages) languageOptions(v *visit) []option {
	w := p.words[v.lang]
	chosen := ""
	if v.Reader.Locale != "" {
		chosen = p.languages.of(v.Reader.Locale)
	}
	out := []option{{Value: "", Label: w.say("as_site", p.words[p.languages.of(v.Site.Locale)].name), Chosen: chosen == ""}}
	for _, lang := range p.languages.names {
		out = append(out, option{lang, p.words[lang].name, lang == chosen})
	}
	return out
}

// manageBy does what a button of the page asks for. done says that it has
// shown another page.
func (p *Pages) manageBy(v *visit, page *view) (done bool, err error) {
	w := p.words[v.lang]
	if id := v.form("end"); id != "" {
		return false, p.endOne(v, page, id)
	}
	if name := v.form("unmute"); name != "" {
		page.Notice = w.say("unmuted")
		return false, p.unmuteOne(v, name)
	}
	switch v.form("do") {
	case "save":
		return false, p.save(v, page)
	case "end_all", "end_everything":
		return false, p.endAll(v, page)
	case "undo":
		if err := p.undo(v, page); err != nil {
			return false, err
		}
		v.Visit.Reader.EndedAt = time.Time{}
		return false, nil
	case "keep":
		return false, nil
	case "link", "export", "erase", "erase_now":
		return p.mine(v, page)
	}
	page.Wrong = w.say("no_choice")
	return false, nil
}

func (p *Pages) endOne(v *visit, page *view, id string) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return dispatcher.Invalid("end", "go back and try again", "is no number")
	}
	all, err := p.desk.Everywhere(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	for i := range all {
		act, err := p.desk.End(v.r.Context(), all[i], []int64{n})
		if err != nil {
			return err
		}
		if act.Number != 0 {
			page.Undo, page.Notice = []int64{act.Number}, p.words[v.lang].say("ended_one")
		}
	}
	return nil
}

func (p *Pages) unmuteOne(v *visit, name string) error {
	site, rest, _ := strings.Cut(name, ":")
	kind, id, _ := strings.Cut(rest, ":")
	all, err := p.desk.Everywhere(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].Site.Key == site {
			return p.desk.Unmute(v.r.Context(), all[i], dispatcher.Target{Type: dispatcher.TargetType(kind), ID: id})
		}
	}
	return dispatcher.Invalid("unmute", "go back and try again", "names no site of this reader")
}

// endAll ends everything here, or on every site.
func (p *Pages) endAll(v *visit, page *view) error {
	var acts []subscribe.Act
	var err error
	if v.form("do") == "end_everything" {
		acts, err = p.desk.LeaveEverywhere(v.r.Context(), v.Visit)
	} else {
		var act subscribe.Act
		if act, err = p.desk.LeaveAll(v.r.Context(), v.Visit); act.Number != 0 {
			acts = append(acts, act)
		}
	}
	if err != nil {
		return err
	}
	for _, a := range acts {
		page.Undo = append(page.Undo, a.Number)
	}
	page.Notice = p.words[v.lang].say("ended_all")
	v.Visit.Reader.EndedAt = p.desk.Now()
	return nil
}
