package public

import (
	"net/http"
	"slices"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/token"
)

// confirmPage is the page of a confirm link.
type confirmPage struct {
	Address string // as much of it as its reader needs to recognise it
	Targets []target
	More    int
	Manage  string // path of the manage page, relative to this one
}

func (p *Pages) confirm(v *visit) error {
	if err := p.open(v, token.Confirm); err != nil {
		return err
	}
	w := p.words[v.lang]
	subs, err := p.desk.Live(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	asked, err := p.desk.SignUps(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	known := !v.Reader.ConfirmedAt.IsZero()
	waits := len(asked) > 0 || anyPending(subs)
	if known { // then the question is about what waits, not about what they follow
		subs = slices.DeleteFunc(subs, func(s subscribe.Listed) bool { return !s.ConfirmedAt.IsZero() })
	}
	for i := range asked {
		if !slices.ContainsFunc(subs, func(s subscribe.Listed) bool { return s.Target == asked[i].Target }) {
			subs = append(subs, asked[i])
		}
	}
	cp := confirmPage{Address: masked(v.Reader.Email), Manage: "../manage/" + p.desk.Link(v.Visit, token.Manage, 0)}
	for i := range subs {
		if len(cp.Targets) == listedTargets {
			cp.More = len(subs) - listedTargets
			break
		}
		cp.Targets = append(cp.Targets, targetOf(w, subs[i].Target, subs[i].Comment, subs[i].Thread))
	}
	if v.post {
		if err := p.desk.Confirm(v.r.Context(), v.Visit); err != nil {
			return err
		}
		return p.show(v, http.StatusOK, "confirmed", view{Title: w.say("confirmed_title"), Page: cp})
	}
	if known && !waits {
		return p.show(v, http.StatusOK, "confirmed", view{Title: w.say("confirmed_title"), Page: cp})
	}
	return p.show(v, http.StatusOK, "confirm", view{Title: w.say("confirm_title"), Page: cp})
}

// mutePage is the page of a mute link.
type mutePage struct {
	Target target
	Text   string // what muting does
	Muted  bool
}

func (p *Pages) mute(v *visit) error {
	if err := p.open(v, token.MuteThread, token.MuteAuthor); err != nil {
		return err
	}
	ctx, w := v.r.Context(), p.words[v.lang]
	m, err := p.desk.MuteTarget(ctx, v.Visit)
	if err != nil {
		return err
	}
	var page view
	if v.post {
		switch v.form("do") {
		case "mute":
			err = p.desk.Mute(ctx, v.Visit, m.Target)
		case "unmute":
			err = p.desk.Unmute(ctx, v.Visit, m.Target)
			page.Notice = w.say("unmuted")
		default:
			page.Wrong = w.say("no_choice")
		}
		if err != nil {
			return err
		}
	}
	mutes, err := p.desk.Mutes(ctx, v.Visit)
	if err != nil {
		return err
	}
	mp := mutePage{Target: targetOf(w, m.Target, m.Comment, m.Thread), Text: w.say("mute_" + string(m.Target.Type) + "_text")}
	for i := range mutes {
		mp.Muted = mp.Muted || mutes[i].Target == m.Target
	}
	page.Page, page.Title = mp, w.say("mute_"+string(m.Target.Type)+"_title")
	if mp.Muted {
		page.Title = w.say("muted_title")
	}
	return p.show(v, http.StatusOK, "mute", page)
}

// masked shows of an address what its owner recognises and a passer-by cannot
// use.
func masked(email string) string {
	for i := len(email) - 1; i >= 0; i-- {
		if email[i] != '@' {
			continue
		}
		local := []rune(email[:i])
		if len(local) > 2 {
			return string(local[:2]) + "…" + email[i:]
		}
		return "…" + email[i:]
	}
	return "…"
}

func threadTitle(w words, t dispatcher.Thread) string {
	switch {
	case t.ExternalID == "":
		return ""
	case t.Title != "":
		return t.Title
	}
	return w.say("untitled")
}
