package admin

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/storetest"
	"github.com/hearback/hearback/dispatcher/store"
)

// sources are some that a test sets. It notes what it is told to do.
type sources struct {
	list  []Source
	told  []string
	polls Polled
	fails error
}

func (s *sources) List(context.Context) ([]Source, error) { return s.list, nil }

func (s *sources) Poll(_ context.Context, name string) (Polled, error) {
	s.told = append(s.told, "poll "+name)
	return s.polls, s.fails
}

func (s *sources) Pause(_ context.Context, name, reason string) error {
	s.told = append(s.told, "pause "+name+": "+reason)
	return nil
}

func (s *sources) Resume(_ context.Context, name, admit string) error {
	s.told = append(s.told, "resume "+name+" "+admit)
	return nil
}

// some gives a source in each state.
func (s *sources) some(now time.Time) *sources {
	well := Source{Name: "wp", Site: "blog", Type: "wordpress", Baseline: true, LastPoll: now.Add(-time.Minute), LastOK: now.Add(-time.Minute), NextPoll: now.Add(time.Minute), PerHour: 3.24}
	s.list = []Source{well, well, well, well, well, well}
	s.list[1].Name, s.list[1].Errors, s.list[1].LastError = "db", 3, "no such table: comments "+hostile
	s.list[2].Name, s.list[2].Paused, s.list[2].PauseReason, s.list[2].PausedAt = "forum", true, "812 new comments came at once, 5 would be usual", now.Add(-time.Hour)
	s.list[3] = Source{Name: "new", Site: "shop", Type: "sql"}
	s.list[4].Name, s.list[4].NextPoll = "late", now.Add(-time.Hour)
	s.list[5].Name, s.list[5].Warning = "shy", "the application password was refused; held comments are not seen"
	return s
}

func TestSourcesSayHowTheyDo(t *testing.T) {
	src := &sources{}
	r := open(t, func(o *Options) { o.Sources = src })
	p := r.as(store.RoleViewer)
	p.get("/admin/sources").wants(http.StatusOK, "No source is polled.", "config.yaml")
	src.some(r.clock.Now())
	page := p.get("/admin/sources").wants(http.StatusOK, "WordPress of The Blog", ">well<", "3.2", "3 rounds failed in a row: no such table", ">paused<", "812 new comments came at once",
		"not read yet", "mails nothing", "was due 60 min ago", "well, but", "The application password was refused")
	if strings.Contains(page.text, "<script>alert") || strings.Contains(page.text, "Read it now") {
		t.Errorf("a hostile text is let through, or a viewer is shown what they may not do:\n%s", page.text)
	}
	p.get("/admin/sources/db").wants(http.StatusOK, "tried again by itself", "hearback check", "no such table")
	if page := p.get("/admin/sources/forum").wants(http.StatusOK, "It is paused", "An editor can resume it"); strings.Contains(page.text, "Resume it") {
		t.Error("a viewer is shown the form")
	}
	p.get("/admin/sources/none").wants(http.StatusNotFound, "configuration")
}

func TestASourceIsReadPausedAndResumed(t *testing.T) {
	src := &sources{polls: Polled{Published: 2, Edited: 1}}
	r := open(t, func(o *Options) { o.Sources = src.some(storetest.Start()) })
	p := r.as(store.RoleEditor)
	p.press("/admin/sources/wp/poll").wants(http.StatusSeeOther)
	p.get("/admin/sources/wp").wants(http.StatusOK, "The source wp was read: 2 new comments, 1 edit.")
	src.fails = &dispatcher.Error{Code: dispatcher.CodeConflict, Message: "the source db could not be read", Err: context.DeadlineExceeded}
	p.press("/admin/sources/db/poll").wants(http.StatusConflict, "The source db could not be read.", "Context deadline exceeded.")
	p.press("/admin/sources/wp/pause", "reason", strings.Repeat("x", maxReason+1)).wants(http.StatusUnprocessableEntity, "Shorten it", "Why")
	p.press("/admin/sources/wp/pause", "reason", "moving house").wants(http.StatusSeeOther)
	p.press("/admin/sources/forum/pause").wants(http.StatusSeeOther) // is paused: stays as it is
	p.press("/admin/sources/forum/resume").wants(http.StatusUnprocessableEntity, "The comments that came meanwhile", "Choose one")
	p.press("/admin/sources/forum/resume", "admit", "all of them").wants(http.StatusUnprocessableEntity, "Choose one")
	p.press("/admin/sources/forum/resume", "admit", "record").wants(http.StatusSeeOther)
	p.press("/admin/sources/forum/resume", "admit", "again").wants(http.StatusSeeOther)
	p.press("/admin/sources/none/poll").wants(http.StatusNotFound)
	if got, want := strings.Join(src.told, ", "), "poll wp, poll db, pause wp: moving house, resume forum record, resume forum "; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	p.get("/admin/audit?what=source").wants(http.StatusOK, "read a source", "2 new comments, 1 edit", "paused a source", "moving house", "resumed a source",
		"paused: 812 new comments came at once", "record what was held back")
}
