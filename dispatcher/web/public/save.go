package public

import (
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
)

// save sets what differs from what stands. What a reader chose for themselves
// counts on every site of their address: they have one night and one zone.
func (p *Pages) save(v *visit, page *view) error {
	ctx := v.r.Context()
	all, err := p.desk.Everywhere(ctx, v.Visit)
	if err != nil {
		return err
	}
	// What each row asks for is held against what it showed, before a new
	// default cadence moves the rows that inherit it.
	moves := make([]map[string][]dispatcher.Subscription, len(all))
	for i := range all {
		if moves[i], err = p.moves(v, all[i]); err != nil {
			return err
		}
	}
	choice, err := p.choiceOf(v)
	if err != nil {
		return err
	}
	for i := range all {
		if choice != (subscribe.Choice{}) {
			changed, err := p.desk.Choose(ctx, all[i], choice)
			if err != nil {
				return err
			}
			if i == 0 {
				v.Visit = changed
			}
		}
		for name, some := range moves[i] {
			if err := p.desk.Cadence(ctx, all[i], some, name); err != nil {
				return err
			}
		}
	}
	v.lang = p.languages.of(v.Reader.Locale, v.Site.Locale, v.lang)
	page.Notice = p.words[v.lang].say("saved")
	return nil
}

// moves gives the subscriptions whose row asks for another cadence, by that.
func (p *Pages) moves(v *visit, there subscribe.Visit) (map[string][]dispatcher.Subscription, error) {
	subs, err := p.desk.Live(v.r.Context(), there)
	if err != nil {
		return nil, err
	}
	moves := map[string][]dispatcher.Subscription{}
	for i := range subs {
		if name := v.form("s-" + strconv.FormatInt(subs[i].ID, 10)); name != "" && name != subs[i].Schedule {
			moves[name] = append(moves[name], subs[i].Subscription)
		}
	}
	return moves, nil
}

// choiceOf reads the form's choices that differ from the reader's.
func (p *Pages) choiceOf(v *visit) (subscribe.Choice, error) {
	var c subscribe.Choice
	r := &v.Reader
	given := func(name string) bool { _, ok := v.r.PostForm[name]; return ok }
	if s := v.form("schedule"); given("schedule") && s != r.Schedule {
		c.Schedule = &s
	}
	if z := v.form("zone"); given("zone") && z != r.Zone {
		c.Zone = &z
	}
	if l := v.form("locale"); given("locale") && l != r.Locale && (l == "" || r.Locale == "" || p.languages.of(r.Locale) != l) { // "de" leaves a reader's "de-AT" as it is
		if _, ok := p.words[l]; !ok && l != "" {
			return c, dispatcher.Invalid("locale", "choose one of the list", "%q is not spoken here", l)
		}
		c.Locale = &l
	}
	if given("quiet_from") || given("quiet_to") {
		if err := quietOf(v, &c); err != nil {
			return c, err
		}
	}
	return c, pauseOf(v, &c)
}

// quietOf reads the quiet hours.
func quietOf(v *visit, c *subscribe.Choice) error {
	from, to := v.form("quiet_from"), v.form("quiet_to")
	quiet := ""
	switch {
	case from != "" && to != "":
		quiet = from + "-" + to
	case from != "" || to != "":
		return dispatcher.Invalid("quiet_hours", "give both times or none", "have one end only")
	}
	q, err := dispatcher.ParseQuiet(quiet)
	if err != nil {
		return err
	}
	if q != v.Reader.Quiet {
		text := q.String()
		c.QuietHours = &text
	}
	return nil
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
