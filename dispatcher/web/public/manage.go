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

// managePage is the page with all of a reader's choices.
type managePage struct {
	Address     string
	Rows        []managed
	Muted       []mutedRow
	Normal      []option // the default cadence
	QuietFrom   string
	QuietTo     string
	Zone        string
	SiteZone    string
	Zones       []string
	PausedUntil string // a date, "" when not paused
	Today       string
	Ended       bool // everything was ended
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

func (p *Pages) manage(v *visit) error {
	if err := p.open(v, token.Manage); err != nil {
		return err
	}
	var page view
	if v.post {
		err := p.manageBy(v, &page)
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
	subs, err := p.desk.Live(ctx, v.Visit)
	if err != nil {
		return err
	}
	mutes, err := p.desk.Mutes(ctx, v.Visit)
	if err != nil {
		return err
	}
	r := &v.Reader
	mp := managePage{Address: masked(r.Email), Zone: r.Zone, SiteZone: siteZone(v.Site), Zones: zoneNames(), Today: p.desk.Now().In(zoneOf(v)).Format(time.DateOnly), Ended: !r.EndedAt.IsZero()}
	for i := range subs {
		s := &subs[i]
		mp.Rows = append(mp.Rows, managed{s.ID, targetOf(w, s.Target, s.Comment, s.Thread), s.ConfirmedAt.IsZero(), options(w, schedules, s.Schedule)})
	}
	for i := range mutes {
		m := &mutes[i]
		mp.Muted = append(mp.Muted, mutedRow{string(m.Target.Type) + ":" + m.Target.ID, targetOf(w, m.Target, m.Comment, m.Thread)})
	}
	mp.Normal = append([]option{{Value: "", Label: w.say("as_site", label(w, schedules, orImmediate(v.Site.Schedule))), Chosen: r.Schedule == ""}}, options(w, schedules, r.Schedule)...)
	if !r.Quiet.None() {
		mp.QuietFrom, mp.QuietTo, _ = strings.Cut(r.Quiet.String(), "-")
	}
	if r.PausedUntil.After(p.desk.Now()) {
		mp.PausedUntil = r.PausedUntil.In(zoneOf(v)).Format(time.DateOnly)
	}
	page.Title, page.Page = w.say("manage_title"), mp
	if mp.Ended && page.Undo == 0 {
		if l, err := p.desk.Leaving(ctx, v.Visit); err == nil {
			page.Undo = l.Undo.Number
		}
	}
	return p.show(v, http.StatusOK, "manage", page)
}

// manageBy does what a button of the page asks for.
func (p *Pages) manageBy(v *visit, page *view) error {
	ctx, w := v.r.Context(), p.words[v.lang]
	if id := v.form("end"); id != "" {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return dispatcher.Invalid("end", "go back and try again", "is no number")
		}
		act, err := p.desk.End(ctx, v.Visit, []int64{n})
		page.Undo = act.Number
		if act.Number != 0 {
			page.Notice = w.say("ended_one")
		}
		return err
	}
	if name := v.form("unmute"); name != "" {
		kind, id, _ := strings.Cut(name, ":")
		page.Notice = w.say("unmuted")
		return p.desk.Unmute(ctx, v.Visit, dispatcher.Target{Type: dispatcher.TargetType(kind), ID: id})
	}
	switch v.form("do") {
	case "save":
		return p.save(v, page)
	case "end_all":
		act, err := p.desk.LeaveAll(ctx, v.Visit)
		page.Undo, page.Notice = act.Number, w.say("ended_all")
		if err == nil {
			v.Visit.Reader.EndedAt = p.desk.Now()
		}
		return err
	case "undo":
		if err := p.undo(v, page); err != nil {
			return err
		}
		v.Visit.Reader.EndedAt = time.Time{}
		return nil
	}
	page.Wrong = w.say("no_choice")
	return nil
}

// save sets what differs from what stands.
func (p *Pages) save(v *visit, page *view) error {
	ctx := v.r.Context()
	subs, err := p.desk.Live(ctx, v.Visit)
	if err != nil {
		return err
	}
	// What each row asks for is held against what it showed, before a new
	// default cadence moves the rows that inherit it.
	moves := map[string][]dispatcher.Subscription{}
	for i := range subs {
		if name := v.form("s-" + strconv.FormatInt(subs[i].ID, 10)); name != "" && name != subs[i].Schedule {
			moves[name] = append(moves[name], subs[i].Subscription)
		}
	}
	choice, err := choiceOf(v)
	if err != nil {
		return err
	}
	if choice != (subscribe.Choice{}) {
		if v.Visit, err = p.desk.Choose(ctx, v.Visit, choice); err != nil {
			return err
		}
	}
	for name, some := range moves {
		if err := p.desk.Cadence(ctx, v.Visit, some, name); err != nil {
			return err
		}
	}
	page.Notice = p.words[v.lang].say("saved")
	return nil
}

// choiceOf reads the form's choices that differ from the reader's.
func choiceOf(v *visit) (subscribe.Choice, error) {
	var c subscribe.Choice
	r := &v.Reader
	given := func(name string) bool { _, ok := v.r.PostForm[name]; return ok }
	if s := v.form("schedule"); given("schedule") && s != r.Schedule {
		c.Schedule = &s
	}
	if z := v.form("zone"); given("zone") && z != r.Zone {
		c.Zone = &z
	}
	if given("quiet_from") || given("quiet_to") {
		from, to := v.form("quiet_from"), v.form("quiet_to")
		quiet := ""
		switch {
		case from != "" && to != "":
			quiet = from + "-" + to
		case from != "" || to != "":
			return c, dispatcher.Invalid("quiet_hours", "give both times or none", "have one end only")
		}
		q, err := dispatcher.ParseQuiet(quiet)
		if err != nil {
			return c, err
		}
		if q != r.Quiet {
			text := q.String()
			c.QuietHours = &text
		}
	}
	return c, pauseOf(v, &c)
}

// pauseOf reads the date until which nothing is mailed. It ends with the start
// of that day, where the reader lives.
func pauseOf(v *visit, c *subscribe.Choice) error {
	if _, given := v.r.PostForm["paused_until"]; !given {
		return nil
	}
	text := v.form("paused_until")
	was := ""
	if !v.Reader.PausedUntil.IsZero() {
		was = v.Reader.PausedUntil.In(zoneOf(v)).Format(time.DateOnly)
	}
	switch {
	case text == was:
		return nil
	case text == "":
		c.PausedUntil = &time.Time{}
		return nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return dispatcher.Invalid("paused_until", "choose a day", "%q is no day", text)
	}
	at := dispatcher.WallTime(day.Year(), day.Month(), day.Day(), 0, 0, zoneOf(v))
	c.PausedUntil = &at
	return nil
}
