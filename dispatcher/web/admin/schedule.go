package admin

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// Rehearsal says who would get what if a schedule fired now.
type Rehearsal struct {
	Mails   int
	Readers int // who were looked at
	Held    map[dispatcher.HoldReason]int
	First   []store.Rehearsed // the first who would get a mail
	Partly  bool              // there are more readers than were looked at
}

// scheduleWords say a cadence.
func scheduleWords(s *dispatcher.Schedule) string {
	if s.Name == dispatcher.Immediate {
		return "as soon as a comment has settled"
	}
	spec, err := schedule.Parse(s.Spec)
	if err != nil {
		return s.Spec
	}
	return spec.Words("en")
}

// zoneWords say whose clock a schedule goes by.
func zoneWords(s *dispatcher.Schedule) string {
	switch {
	case s.Name == dispatcher.Immediate:
		return ""
	case s.Zone == dispatcher.ZoneSite:
		return "each site's own"
	case s.Zone == dispatcher.ZoneSubscriber:
		return "each reader's own"
	}
	return s.Zone
}

// showZone is the zone in which a schedule's runs are shown: the one that was
// asked for, its own, or that of the first site.
func (d *Desk) showZone(s *dispatcher.Schedule, asked string) (*time.Location, error) {
	name := cmp.Or(asked, s.Zone)
	if asked == "" && (name == dispatcher.ZoneSite || name == dispatcher.ZoneSubscriber || name == "") {
		name = "UTC"
		if len(d.o.Sites) > 0 {
			name = cmp.Or(d.o.Sites[0].Zone, name)
		}
	}
	return schedule.LoadZone(name)
}

type schedulesView struct {
	Table table
	Form  form
	Runs  runsView
}

func (d *Desk) schedulesPage(v *visit) error {
	list, err := d.store.Schedules(v.ctx())
	if err != nil {
		return err
	}
	page := schedulesView{Table: table{Caption: "Schedules", Columns: []string{"Name", "When", "Time zone", "Next run", "State"}}}
	for i := range list {
		s := &list[i]
		next := text("")
		if spec, err := schedule.Parse(s.Spec); err == nil && !s.Paused {
			if zone, err := d.showZone(s, ""); err == nil {
				next = v.at(spec.Next(v.now, zone))
			}
		}
		state := tag("good", "running")
		if s.Paused {
			state = tag("warn", "paused")
		}
		if s.FromFile {
			state = state.soft("set in the config file")
		}
		page.Table.Rows = append(page.Table.Rows, []cell{link(s.Name, "/schedules/"+url.PathEscape(s.Name)), text(scheduleWords(s)).soft(s.Spec), text(zoneWords(s)), next, state})
	}
	made := schedule.New("", "")
	page.Form = v.form(scheduleForm("/schedules", "Make the schedule", &made))
	page.Runs = d.runs(v, v.field("cron"), v.field("time_zone"))
	return v.show("schedules", "Schedules", page)
}

// scheduleForm has the fields of a schedule. A new one has a name to choose.
func scheduleForm(action, submit string, s *dispatcher.Schedule) form {
	f := form{Action: action, Submit: submit}
	if s.Name == "" {
		f.Fields = append(f.Fields, field{Name: "name", Label: "Name", Placeholder: "daily", Required: true, Hint: "Subscriptions call it so: a-z, 0-9, - and _."})
	}
	if s.Name != dispatcher.Immediate {
		f.Fields = append(f.Fields,
			field{Name: "cron", Label: "When", Value: s.Spec, Mono: true, Placeholder: "0 8 * * *", Required: true, Hint: "Minute, hour, day, month, weekday; or @hourly, @daily, @weekly, @monthly; or @every 6h."},
			field{Name: "time_zone", Label: "Time zone", Value: s.Zone, Hint: "site: each site's own. subscriber: each reader's own. Or a name such as Europe/Berlin."})
	}
	f.Fields = append(f.Fields, field{Name: "label", Label: "What readers see", Value: s.Label, Hint: "Empty: words made from when it runs, in the reader's language."},
		field{Name: "quiet_hours", Label: "Quiet hours", Value: s.Quiet.String(), Placeholder: "22:00-07:00", Hint: "Nothing is mailed in these hours of the reader's day."},
		field{Name: "max_items", Label: "Comments in a mail, at most", Kind: "number", Value: strconv.Itoa(s.MaxItems), Hint: "More are counted and linked."})
	if s.Name != dispatcher.Immediate {
		f.Fields = append(f.Fields, field{Name: "min_items", Label: "Comments in a mail, at least", Kind: "number", Value: strconv.Itoa(s.MinItems), Hint: "Fewer wait for the next run, for 7 days at most."},
			field{Name: "misfire", Label: "Runs missed while nothing ran", Kind: "select", Options: []option{
				{Value: string(dispatcher.MisfireMerge), Label: "are made up for by one", Chosen: s.Misfire != dispatcher.MisfireSkip},
				{Value: string(dispatcher.MisfireSkip), Label: "are skipped; their comments come with the next", Chosen: s.Misfire == dispatcher.MisfireSkip}}},
			field{Name: "catch_up", Label: "Made up for at most", Value: schedule.FormatSpan(s.CatchUp), Hint: "Runs missed longer ago are skipped: 36h, 7d."})
	}
	return f
}

// typedSchedule reads the form over a schedule.
func (v *visit) typedSchedule(s dispatcher.Schedule) (dispatcher.Schedule, error) {
	whole := func(name string, dst *int) error {
		n, err := strconv.Atoi(v.field(name))
		if err != nil {
			return dispatcher.Invalid(name, "write a whole number", "%q is none", v.field(name))
		}
		*dst = n
		return nil
	}
	var err error
	if s.Quiet, err = dispatcher.ParseQuiet(v.field("quiet_hours")); err != nil {
		return s, err
	}
	s.Label = v.field("label")
	if err := whole("max_items", &s.MaxItems); err != nil {
		return s, err
	}
	if s.Name == dispatcher.Immediate {
		return s, schedule.Validate(s)
	}
	s.Spec, s.Zone, s.Misfire = v.field("cron"), v.field("time_zone"), dispatcher.Misfire(v.field("misfire"))
	if err := whole("min_items", &s.MinItems); err != nil {
		return s, err
	}
	if s.CatchUp, err = schedule.ParseSpan(v.field("catch_up")); err != nil {
		return s, inField(err, "catch_up")
	}
	return s, schedule.Validate(s)
}

// inField says in which field something is wrong.
func inField(err error, name string) error {
	var e *dispatcher.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	c.Field = name
	return &c
}

func (d *Desk) createSchedule(v *visit) error {
	s, err := v.typedSchedule(schedule.New(v.field("name"), ""))
	if err == nil {
		if _, known := d.store.Schedule(v.ctx(), s.Name); known == nil {
			err = &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "name", Message: fmt.Sprintf("there is a schedule %q already", s.Name), Mend: "choose another name, or change that one"}
		}
	}
	if err != nil {
		return v.again(err, d.schedulesPage)
	}
	if _, err := v.as("schedule.set", s.Name, "", cadenceNote(&s)).PutSchedule(v.ctx(), s); err != nil {
		return v.again(err, d.schedulesPage)
	}
	return v.done("/schedules/"+url.PathEscape(s.Name), "The schedule %s is made: %s.", s.Name, scheduleWords(&s))
}

// cadenceNote is how the audit log puts a schedule down.
func cadenceNote(s *dispatcher.Schedule) string {
	parts := []string{s.Spec}
	if s.Name != dispatcher.Immediate {
		parts = append(parts, s.Zone)
	}
	if !s.Quiet.None() {
		parts = append(parts, "quiet "+s.Quiet.String())
	}
	parts = append(parts, fmt.Sprintf("%d to %d comments", s.MinItems, s.MaxItems))
	return strings.TrimPrefix(strings.Join(parts, ", "), ", ")
}

type runsView struct {
	Words string
	Zone  string
	Wrong *dispatcher.Error
	Next  []schedule.Occurrence
	Ask   bool // nothing to show yet
}

// runs says what a spec means and when it runs next.
func (d *Desk) runs(v *visit, text, zoneName string) runsView {
	if text == "" {
		return runsView{Ask: true}
	}
	var e *dispatcher.Error
	spec, err := schedule.Parse(text)
	if err != nil {
		if errors.As(err, &e) {
			return runsView{Wrong: e}
		}
		return runsView{Wrong: dispatcher.Invalid("cron", "write it as 0 8 * * *", "%v", err)}
	}
	asked := zoneName
	if asked == dispatcher.ZoneSite || asked == dispatcher.ZoneSubscriber {
		asked = ""
	}
	zone, err := d.showZone(&dispatcher.Schedule{Zone: dispatcher.ZoneSite}, asked)
	if err != nil {
		if errors.As(err, &e) {
			return runsView{Wrong: e, Words: spec.Words("en")}
		}
		zone = time.UTC
	}
	return runsView{Words: spec.Words("en"), Zone: zone.String(), Next: spec.Upcoming(v.now, zone, 10)}
}

// checkSchedule answers the form while it is typed in, with a piece of the page.
func (d *Desk) checkSchedule(v *visit) error {
	return v.write("runs", v.bare("", d.runs(v, v.query("cron"), v.query("time_zone"))))
}

type scheduleView struct {
	Schedule  *dispatcher.Schedule
	Words     string
	Facts     []fact
	Runs      runsView
	ZoneField field
	Form      form
	Run       button
	Pause     button
	Rehearse  string // address of the dry run, "" without
	Would     *wouldView
	Slots     table
	Remove    form
	Removable bool
}

type wouldView struct {
	Sentence string
	Held     []fact
	Table    table
}

func (d *Desk) schedulePage(v *visit) error {
	s, err := d.store.Schedule(v.ctx(), v.r.PathValue("name"))
	if err != nil {
		return err
	}
	path := "/schedules/" + url.PathEscape(s.Name)
	page := scheduleView{Schedule: &s, Words: scheduleWords(&s), Facts: scheduleFacts(&s)}
	if s.Name != dispatcher.Immediate {
		zone, err := d.showZone(&s, v.query("zone"))
		asked := ""
		if err == nil {
			asked = zone.String()
		} else {
			asked = v.query("zone")
		}
		page.Runs = d.runs(v, s.Spec, asked)
		page.ZoneField = field{Name: "zone", Label: "Shown in the time zone", Value: asked}
	}
	page.Run = button{Action: path + "/run", Label: "Run now", Of: s.Name, Sure: "A mail is made now for everybody for whom something waits. The next regular run carries only what comes after it."}
	page.Pause = button{Action: path + "/pause", Label: "Pause", Of: s.Name, Sure: "Nothing of it is mailed until it is resumed; what comes meanwhile waits."}
	if s.Paused {
		page.Pause = button{Action: path + "/resume", Label: "Resume", Of: s.Name}
	}
	if d.o.Rehearse != nil && !s.Paused {
		page.Rehearse = path + "?dry-run=yes"
		if v.query("dry-run") != "" {
			if page.Would, err = d.would(v, s.Name); err != nil {
				return err
			}
		}
	}
	if !s.FromFile {
		page.Form = v.form(scheduleForm(path, "Save", &s))
	}
	if err := d.slotTable(v, &page, path); err != nil {
		return err
	}
	if page.Removable = !s.FromFile && s.Name != dispatcher.Immediate; page.Removable {
		f := field{Name: "move_to", Label: "Its readers go to", Kind: "select", Options: []option{{Label: "nowhere: it must have none"}}}
		list, err := d.store.Schedules(v.ctx())
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].Name != s.Name {
				f.Options = append(f.Options, option{Value: list[i].Name, Label: list[i].Name})
			}
		}
		page.Remove = v.form(form{Action: path + "/remove", Submit: "Remove the schedule", Danger: true, Fields: []field{f}})
	}
	return v.show("schedule", s.Name, page)
}

func scheduleFacts(s *dispatcher.Schedule) []fact {
	state := tag("good", "running")
	if s.Paused {
		state = tag("warn", "paused")
	}
	if s.FromFile {
		state = state.soft("set in the config file, and changed there")
	}
	out := []fact{{"State", state}}
	if s.Name != dispatcher.Immediate {
		misfire := "are made up for by one run, up to " + schedule.FormatSpan(s.CatchUp)
		if s.Misfire == dispatcher.MisfireSkip {
			misfire = "are skipped; their comments come with the next"
		}
		out = append(out, fact{"Spec", code(s.Spec)}, fact{"Time zone", text(zoneWords(s))}, fact{"Missed runs", text(misfire)})
	}
	return append(out, fact{"Comments in a mail", text(fmt.Sprintf("%d to %d", max(1, s.MinItems), s.MaxItems))}, fact{"Quiet hours", text(cmp.Or(s.Quiet.String(), "none"))},
		fact{"What readers see", text(cmp.Or(s.Label, "words made from when it runs"))})
}

// rehearsedRows is how many readers a dry run lists.
const rehearsedRows = 50

func (d *Desk) would(v *visit, name string) (*wouldView, error) {
	r, err := d.o.Rehearse(v.ctx(), name, rehearsedRows)
	if err != nil {
		return nil, err
	}
	out := &wouldView{Table: table{Caption: "Who would get what", Columns: []string{"Reader", "Mails", "Comments"}}}
	out.Sentence = fmt.Sprintf("If it ran now, %s would be made; %s looked at.", things(r.Mails, "mail", "mails"), things(r.Readers, "reader was", "readers were"))
	if r.Partly {
		out.Sentence += " There are more readers; these are the first."
	}
	for reason, n := range r.Held {
		out.Held = append(out.Held, fact{"Held: " + holdWords(reason), num(count(n))})
	}
	slices.SortFunc(out.Held, func(a, b fact) int { return strings.Compare(a.Name, b.Name) })
	for i := range r.First {
		x := &r.First[i]
		items, more := 0, 0
		for _, m := range x.Drafts {
			items, more = items+len(m.Items), more+m.More
		}
		n := things(items, "comment", "comments")
		if more > 0 {
			n += fmt.Sprintf(" and %s more", count(more))
		}
		out.Table.Rows = append(out.Table.Rows, []cell{link(x.Subscriber.Email, fmt.Sprintf("/subscribers/%d", x.Subscriber.ID)).soft(x.Subscriber.Site), num(count(len(x.Drafts))), text(n)})
	}
	return out, nil
}

// slotRows is how many past runs a page lists.
const slotRows = 20

func (d *Desk) slotTable(v *visit, page *scheduleView, path string) error {
	page.Slots = table{Caption: "Past runs", Columns: []string{"Run of", "Time zone", "Readers", "Mails", "Held", "Done"}, Empty: empty{What: "It has not run yet."}}
	list, err := d.store.Slots(v.ctx(), page.Schedule.Name, v.before(), slotRows+1)
	if err != nil {
		return err
	}
	if len(list) > slotRows {
		list = list[:slotRows]
		page.Slots.Next = path + "?before=" + strconv.FormatInt(list[slotRows-1].ID, 10)
	}
	if v.before() > 0 {
		page.Slots.First = path
	}
	for i := range list {
		s := &list[i]
		at := v.at(s.At)
		if s.Holds {
			at.Soft = "for readers whose hold ended"
		}
		done := v.at(s.DoneAt)
		if s.DoneAt.IsZero() {
			done = tag("info", "at work")
		}
		mails := num(count(s.Messages))
		if s.Messages > 0 {
			mails.Path, mails.Text = messagesPath(store.MessageFilter{Slot: s.ID}, "", 0), count(s.Messages)
		}
		page.Slots.Rows = append(page.Slots.Rows, []cell{at, text(s.Zone), num(count(s.Readers)), mails, num(count(s.Held)), done})
	}
	return nil
}

func (d *Desk) changeSchedule(v *visit) error {
	old, err := d.store.Schedule(v.ctx(), v.r.PathValue("name"))
	if err != nil {
		return err
	}
	s, err := v.typedSchedule(old)
	if err != nil {
		return v.again(err, d.schedulePage)
	}
	s.FromFile = false // the store refuses to change one of the configuration
	if _, err := v.as("schedule.set", s.Name, cadenceNote(&old), cadenceNote(&s)).PutSchedule(v.ctx(), s); err != nil {
		return v.again(err, d.schedulePage)
	}
	return v.done("/schedules/"+url.PathEscape(s.Name), "Saved: %s, %s.", s.Name, scheduleWords(&s))
}

func (d *Desk) pauseSchedule(v *visit) error  { return d.setPaused(v, true) }
func (d *Desk) resumeSchedule(v *visit) error { return d.setPaused(v, false) }

func (d *Desk) setPaused(v *visit, paused bool) error {
	name := v.r.PathValue("name")
	what, said := "schedule.resume", "The schedule %s runs again; its first run carries all that waited."
	if paused {
		what, said = "schedule.pause", "The schedule %s is paused; what comes meanwhile waits."
	}
	if err := v.as(what, name, "", "").PauseSchedule(v.ctx(), name, paused); err != nil {
		return err
	}
	return v.done("/schedules/"+url.PathEscape(name), said, name)
}

// runSchedule opens a slot of each of the schedule's chains now.
func (d *Desk) runSchedule(v *visit) error {
	name := v.r.PathValue("name")
	runs, err := d.store.RunNow(v.ctx(), name)
	if err != nil {
		return v.again(err, d.schedulePage)
	}
	opened := 0
	for _, r := range runs {
		if r.Opened {
			opened++
		}
	}
	path := "/schedules/" + url.PathEscape(name)
	if opened == 0 {
		return v.done(path, "Nothing ran: nobody follows it yet, or nothing is new.")
	}
	v.record("schedule.run", name, "", things(opened, "run", "runs"))
	return v.done(path, "It runs now, in %s.", things(opened, "time zone", "time zones"))
}

func (d *Desk) removeSchedule(v *visit) error {
	name, to := v.r.PathValue("name"), v.field("move_to")
	if err := v.as("schedule.remove", name, "", cmp.Or(to, "removed")).DeleteSchedule(v.ctx(), name, to); err != nil {
		return v.again(err, d.schedulePage)
	}
	return v.done("/schedules", "The schedule %s is removed.", name)
}
