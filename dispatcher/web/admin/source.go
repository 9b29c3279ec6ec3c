package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Source is a place that the daemon polls, as it is shown. Zero times are
// "never".
type Source struct {
	Name, Site, Type string
	Paused           bool
	PauseReason      string
	PausedAt         time.Time
	Baseline         bool // the first attach is complete
	LastPoll, LastOK time.Time
	NextPoll         time.Time
	Errors           int // failed rounds since the last good one
	LastError        string
	Warning          string
	PerHour          float64 // new comments, a moving average
}

// Polled is what one round of a source brought.
type Polled struct {
	Published int // readers may be mailed
	Recorded  int // nobody is mailed
	Edited    int
	Removed   int
	Paused    bool // it brought so much that the source is paused now
}

// Sources are the places that the daemon polls. Stages are reached through
// what app hands over.
type Sources interface {
	// List gives the sources of all sites.
	List(ctx context.Context) ([]Source, error)
	// Poll reads a source now. Its error is a [dispatcher.Error].
	Poll(ctx context.Context, name string) (Polled, error)
	Pause(ctx context.Context, name, reason string) error
	Resume(ctx context.Context, name, admit string) error
}

// What becomes of the comments that a pause held back, as the form says it.
const (
	admitNotify = "notify"
	admitRecord = "record"
	admitAgain  = "again" // "" for the source: the guards look again
)

// latePoll is how long after its time a round is called late.
const latePoll = 2 * time.Minute

type sourcesView struct {
	Table table
}

type sourceView struct {
	Source Source
	Facts  []fact
	Mend   string // of its last error
	Poll   button
	Pause  form
	Resume form
}

// sources lists the sources; none where nothing is polled.
func (d *Desk) sources(v *visit) ([]Source, error) {
	if d.o.Sources == nil {
		return nil, nil
	}
	return d.o.Sources.List(v.ctx())
}

// source gives the path's source.
func (d *Desk) source(v *visit) (Source, error) {
	name := v.r.PathValue("name")
	list, err := d.sources(v)
	if err != nil {
		return Source{}, err
	}
	for _, s := range list {
		if s.Name == name {
			return s, nil
		}
	}
	e := dispatcher.NotFound("source", name)
	e.Mend = "the list of sources has those of the configuration"
	return Source{}, e
}

func sourcePath(name string) string { return "/sources/" + url.PathEscape(name) }

// state says how a source does, in a badge with the words that go with it.
func (s *Source) state(now time.Time) cell {
	switch {
	case s.Paused:
		return tag("warn", "paused").soft(cmp.Or(sentence(s.PauseReason), "No comments are read."))
	case s.Errors > 0:
		return tag("bad", "failing").soft(things(s.Errors, "round failed: ", "rounds failed in a row: ") + s.LastError)
	case s.LastPoll.IsZero():
		return tag("info", "not read yet").soft("The first reading only takes note of what is there; it mails nothing.")
	case !s.NextPoll.IsZero() && now.Sub(s.NextPoll) > latePoll:
		return tag("warn", "late").soft("Its next reading was due " + ago(now.Sub(s.NextPoll)) + ". Does a daemon run?")
	case !s.Baseline:
		return tag("info", "first reading").soft("It takes note of what is there and mails nothing.")
	case s.Warning != "":
		return tag("warn", "well, but").soft(sentence(s.Warning))
	}
	return tag("good", "well")
}

func (d *Desk) sourcesPage(v *visit) error {
	list, err := d.sources(v)
	if err != nil {
		return err
	}
	page := sourcesView{Table: table{Caption: "The sources", Columns: []string{"Source", "State", "Last read", "Next", "New an hour", ""},
		Empty: empty{What: "No source is polled.", Do: "Name a WordPress or a table of comments under sources in config.yaml, and the daemon reads it. A site that hands in its own events needs none."}}}
	for i := range list {
		s := &list[i]
		next := v.at(s.NextPoll)
		switch {
		case s.Paused:
			next = text("when it is resumed")
		case s.NextPoll.IsZero():
			next = text("now")
		}
		row := []cell{link(s.Name, sourcePath(s.Name)).soft(s.kind() + " of " + d.siteName(s.Site)), s.state(v.now), v.at(s.LastOK), next, num(perHour(s.PerHour))}
		if s.Paused {
			row = append(row, link("What to do", sourcePath(s.Name)))
		} else if v.me.Role.May(store.RoleEditor) {
			row = append(row, acts(s.poll()))
		} else {
			row = append(row, cell{})
		}
		page.Table.Rows = append(page.Table.Rows, row)
	}
	return v.show("sources", "Sources", page)
}

// kind says what a source reads.
func (s *Source) kind() string {
	switch s.Type {
	case "wordpress":
		return "WordPress"
	case "sql":
		return "database"
	}
	return s.Type
}

func (s *Source) poll() button {
	return button{Action: sourcePath(s.Name) + "/poll", Label: "Read it now", Of: s.Name}
}

// siteName is what readers call a site, its key where it left the
// configuration.
func (d *Desk) siteName(key string) string {
	for i := range d.o.Sites {
		if d.o.Sites[i].Key == key {
			return cmp.Or(d.o.Sites[i].Name, key)
		}
	}
	return key
}

// perHour writes a rate: small ones with a decimal.
func perHour(r float64) string {
	if r > 0 && r < 10 {
		return fmt.Sprintf("%.1f", r)
	}
	return count(int64(r))
}

func (d *Desk) sourcePage(v *visit) error {
	s, err := d.source(v)
	if err != nil {
		return err
	}
	state := s.state(v.now)
	if s.Errors > 0 && !s.Paused { // what it said stands in a line of its own
		state = state.soft(things(s.Errors, "round failed", "rounds failed in a row"))
	}
	page := sourceView{Source: s, Poll: s.poll(), Facts: []fact{{"State", state}, {"Kind", text(s.kind())}, {"Site", text(d.siteName(s.Site))}}}
	if s.Paused {
		page.Facts = append(page.Facts, fact{"Paused", v.at(s.PausedAt)})
	} else {
		page.Facts = append(page.Facts, fact{"Next reading", v.at(s.NextPoll)})
	}
	page.Facts = append(page.Facts, fact{"Last good reading", v.at(s.LastOK)}, fact{"Last tried", v.at(s.LastPoll)}, fact{"New comments an hour", text(perHour(s.PerHour)).soft("a moving average; far more at once pauses the source")})
	if s.Errors > 0 {
		page.Facts = append(page.Facts, fact{"It said", text(s.LastError)})
		page.Mend = "It is tried again by itself, each time after a longer wait, and nothing is lost when it comes back. `hearback check` tries the address, the password and the query, and says what is wrong with them."
	}
	if s.Warning != "" {
		page.Facts = append(page.Facts, fact{"Warning", text(s.Warning)})
	}
	page.Pause = v.form(form{Action: sourcePath(s.Name) + "/pause", Submit: "Pause it", Quiet: true, Fields: []field{
		{Name: "reason", Label: "Why", Hint: "For those who ask later. What is written meanwhile is read when it is resumed."}}})
	page.Resume = v.form(form{Action: sourcePath(s.Name) + "/resume", Submit: "Resume it", Fields: []field{{Name: "admit", Label: "The comments that came meanwhile", Kind: "radio", Options: []option{
		{Value: admitNotify, Label: "Mail them", Hint: "They are new: their readers hear of them as usual. Those older than max_age are taken in and mailed to nobody."},
		{Value: admitRecord, Label: "Take them in and mail nobody", Hint: "They were imported or restored: readers do not hear of them, and get what comes after them."},
		{Value: admitAgain, Label: "Look again", Hint: "As if nothing had been paused. A jump of comments pauses it once more."}}}}})
	return v.show("source", "Source "+s.Name, page)
}

// maxReason is the longest reason of a pause, in bytes.
const maxReason = dispatcher.MaxTitle

func (d *Desk) pauseSource(v *visit) error {
	s, err := d.source(v)
	if err != nil {
		return err
	}
	reason := v.field("reason")
	if len(reason) > maxReason {
		return v.again(dispatcher.Invalid("reason", "shorten it", "is longer than %d bytes", maxReason), d.sourcePage)
	}
	if s.Paused {
		return v.done(sourcePath(s.Name), "The source %s was paused already.", s.Name)
	}
	reason = cmp.Or(reason, "paused by "+v.me.Name)
	if err := d.o.Sources.Pause(v.ctx(), s.Name, reason); err != nil {
		return err
	}
	v.record("source.pause", s.Name, "", reason)
	return v.done(sourcePath(s.Name), "The source %s is paused. Nothing is read until it is resumed.", s.Name)
}

func (d *Desk) resumeSource(v *visit) error {
	s, err := d.source(v)
	if err != nil {
		return err
	}
	said := map[string]string{admitNotify: "What came meanwhile is mailed.", admitRecord: "What came meanwhile is taken in and mailed to nobody.", admitAgain: "What came meanwhile is looked at again."}
	admit := v.field("admit")
	if said[admit] == "" {
		return v.again(dispatcher.Invalid("admit", "choose one: once mailed, it cannot be taken back", "need a choice"), d.sourcePage)
	}
	if !s.Paused {
		return v.done(sourcePath(s.Name), "The source %s is not paused any more.", s.Name)
	}
	if err := d.o.Sources.Resume(v.ctx(), s.Name, strings.TrimPrefix(admit, admitAgain)); err != nil {
		return v.again(err, d.sourcePage)
	}
	v.record("source.resume", s.Name, "paused: "+s.PauseReason, map[string]string{admitNotify: "mail what was held back", admitRecord: "record what was held back", admitAgain: "look again"}[admit])
	return v.done(sourcePath(s.Name), "The source %s is read again. %s", s.Name, said[admit])
}

func (d *Desk) pollSource(v *visit) error {
	s, err := d.source(v)
	if err != nil {
		return err
	}
	got, err := d.o.Sources.Poll(v.ctx(), s.Name)
	if err != nil {
		return v.again(err, d.sourcePage)
	}
	v.record("source.poll", s.Name, "", got.words())
	return v.done(sourcePath(s.Name), "The source %s was read: %s.", s.Name, got.words())
}

// words says what a round brought.
func (p Polled) words() string {
	if p.Paused {
		return "so much came at once that it is paused now"
	}
	var parts []string
	for _, part := range []struct {
		n         int
		one, more string
	}{{p.Published, "new comment", "new comments"}, {p.Recorded, "comment that is mailed to nobody", "comments that are mailed to nobody"},
		{p.Edited, "edit", "edits"}, {p.Removed, "removal", "removals"}} {
		if part.n > 0 {
			parts = append(parts, things(part.n, part.one, part.more))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing new")
}
