package public

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	"github.com/hearback/hearback/dispatcher/token"
)

// leavePage is the page of an unsubscribe link.
type leavePage struct {
	Digest    string   // the cadence of a digest, in words; "" for an immediate mail
	Ends      []target // what the button ends
	More      int      // of them, not listed
	Stays     int      // what the reader still gets
	Thread    string   // offers to mute it
	Author    string   // offers to mute them
	Schedules []option // other cadences
	Muted     target   // was just muted
	Elsewhere bool     // the address has something on other sites too
}

// listedTargets is how many targets the page names before "and N more".
const listedTargets = 8

// isOneClick says that a mail program posts, RFC 8058 §3.2. The field's name
// and value are fixed there; both encodings of a form are in use.
func isOneClick(v *visit) bool {
	return v.post && strings.EqualFold(v.r.PostFormValue("List-Unsubscribe"), "One-Click")
}

func (p *Pages) unsubscribe(v *visit) error {
	if err := p.open(v, token.Unsubscribe); err != nil {
		if isOneClick(v) && dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
			plain(v, http.StatusOK, p.words[v.lang].say("oneclick_done")) // erased: nothing is left to end
			return nil
		}
		return err
	}
	if isOneClick(v) {
		if _, err := p.desk.Leave(v.r.Context(), v.Visit); err != nil {
			return err
		}
		plain(v, http.StatusOK, p.words[v.lang].say("oneclick_done"))
		return nil
	}
	if v.post {
		return p.leaveBy(v)
	}
	return p.leaving(v, view{}, nil)
}

// leaving shows what the link ends, or that it has ended already.
func (p *Pages) leaving(v *visit, page view, muted *subscribe.Muted) error {
	l, err := p.desk.Leaving(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	w := p.words[v.lang]
	lp := leavePage{Stays: len(l.Stays), Thread: threadTitle(w, l.Thread), Author: l.Author.AuthorName}
	if muted != nil {
		lp.Muted = targetOf(w, muted.Target, muted.Comment, muted.Thread)
	}
	shown, err := p.desk.Describe(v.r.Context(), v.Visit, l.Ends[:min(len(l.Ends), listedTargets)])
	if err != nil {
		return err
	}
	for i := range shown {
		lp.Ends = append(lp.Ends, targetOf(w, shown[i].Target, shown[i].Comment, shown[i].Thread))
	}
	lp.More = len(l.Ends) - len(shown)
	schedules, err := p.desk.Schedules(v.r.Context())
	if err != nil {
		return err
	}
	if l.Kind == dispatcher.KindDigest {
		lp.Digest = label(w, schedules, l.Schedule)
	}
	if len(l.Ends) > 0 {
		lp.Schedules = others(w, schedules, l.Ends)
	}
	if len(l.Ends) == 0 && len(page.Undo) == 0 && l.Undo.Number != 0 {
		page.Undo = []int64{l.Undo.Number}
	}
	all, err := p.desk.Everywhere(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	lp.Elsewhere = len(all) > 1
	name := "leave"
	page.Title = w.say("leave_title")
	if len(l.Ends) == 0 {
		name, page.Title = "left", w.say("left_title")
		if len(page.Undo) == 0 {
			page.Title = w.say("nothing_title")
		}
	}
	page.Page = lp
	return p.show(v, http.StatusOK, name, page)
}

// others gives the cadences that not all of the subscriptions have.
func others(w words, schedules []dispatcher.Schedule, subs []dispatcher.Subscription) []option {
	have := map[string]bool{}
	for i := range subs {
		have[subs[i].Schedule] = true
	}
	var out []option
	for i := range schedules {
		s := &schedules[i]
		if !have[s.Name] || len(have) > 1 && s.Name != dispatcher.Immediate {
			out = append(out, option{Value: s.Name, Label: labelOf(w, s)})
		}
	}
	return out
}

// leaveBy does what a button of the page asks for.
func (p *Pages) leaveBy(v *visit) error {
	ctx, w := v.r.Context(), p.words[v.lang]
	var page view
	var muted *subscribe.Muted
	switch v.form("do") {
	case "end":
		act, err := p.desk.Leave(ctx, v.Visit)
		if err != nil {
			return err
		}
		page.Undo = undoOf(act)
	case "end_all":
		act, err := p.desk.LeaveAll(ctx, v.Visit)
		if err != nil {
			return err
		}
		page.Undo = undoOf(act)
	case "end_everything":
		acts, err := p.desk.LeaveEverywhere(ctx, v.Visit)
		if err != nil {
			return err
		}
		page.Undo = undoOf(acts...)
	case "undo":
		if err := p.undo(v, &page); err != nil {
			return err
		}
	case "mute_thread", "mute_author":
		m, err := p.muteFromMail(v)
		if err != nil {
			return err
		}
		muted = m
	case "pause":
		if err := p.pauseFor(v, &page); err != nil {
			return err
		}
	case "cadence":
		if err := p.slowDown(v, &page); err != nil {
			return err
		}
	default:
		page.Wrong = w.say("no_choice") // opened by a program that posts at random
	}
	return p.leaving(v, page, muted)
}

// undoOf gives the numbers of acts that ended something.
func undoOf(acts ...subscribe.Act) []int64 {
	var out []int64
	for _, a := range acts {
		if a.Number != 0 {
			out = append(out, a.Number)
		}
	}
	return out
}

// undo takes back the acts that the form names.
func (p *Pages) undo(v *visit, page *view) error {
	w, undone := p.words[v.lang], false
	for _, text := range v.r.PostForm["act"] {
		act, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return dispatcher.Invalid("act", "go back and try again", "is no number")
		}
		err = p.desk.UndoAny(v.r.Context(), v.Visit, act)
		if err != nil && dispatcher.CodeOf(err) != dispatcher.CodeConflict {
			return err
		}
		undone = undone || err == nil
	}
	if !undone {
		page.Wrong = w.say("undo_late")
		return nil
	}
	page.Notice = w.say("undone")
	return nil
}

// muteFromMail mutes the one thread or author of the link's mail.
func (p *Pages) muteFromMail(v *visit) (*subscribe.Muted, error) {
	l, err := p.desk.Leaving(v.r.Context(), v.Visit)
	if err != nil {
		return nil, err
	}
	m := &subscribe.Muted{Comment: l.Author, Thread: l.Thread}
	if v.form("do") == "mute_thread" {
		m.Target = dispatcher.Target{Type: dispatcher.TargetThread, ID: l.Thread.ExternalID}
	} else {
		m.Target = dispatcher.Target{Type: dispatcher.TargetAuthor, ID: l.Author.AuthorID}
	}
	if m.Target.ID == "" {
		return nil, dispatcher.NotFound("one thread or author of the mail", "")
	}
	return m, p.desk.Mute(v.r.Context(), v.Visit, m.Target)
}

// pauseFor pauses for the number of days of the form.
func (p *Pages) pauseFor(v *visit, page *view) error {
	days, err := strconv.Atoi(v.form("days"))
	if err != nil || days < 1 || days > 366 {
		return dispatcher.Invalid("days", "go back and try again", "is no number of days")
	}
	until := p.desk.Now().Add(time.Duration(days) * 24 * time.Hour)
	if v.Visit, err = p.desk.Choose(v.r.Context(), v.Visit, subscribe.Choice{PausedUntil: &until}); err != nil {
		return err
	}
	w := p.words[v.lang]
	page.Notice = w.say("paused_until", w.day(until.In(zoneOf(v))))
	return nil
}

// slowDown puts what the link would end on another cadence.
func (p *Pages) slowDown(v *visit, page *view) error {
	l, err := p.desk.Leaving(v.r.Context(), v.Visit)
	if err != nil {
		return err
	}
	name := v.form("schedule")
	schedules, err := p.desk.Schedules(v.r.Context())
	if err != nil {
		return err
	}
	if err := p.desk.Cadence(v.r.Context(), v.Visit, l.Ends, name); err != nil {
		return err
	}
	w := p.words[v.lang]
	page.Notice = w.say("cadence_set", label(w, schedules, name))
	return nil
}
