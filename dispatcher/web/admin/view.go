package admin

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// view is what every page shows.
type view struct {
	Title   string
	Nav     []navGroup
	Here    string // path of the navigation's item that is shown
	Back    string // path to come back to after a form of the frame
	Me      store.Admin
	Zone    string
	Sending sendingNow
	Notices []store.Notice
	More    int     // notices beyond those
	Faults  []fault // on the overview
	Flash   string
	Wrong   *dispatcher.Error
	Label   string // of the field that is wrong, "" for none
	Page    any
	Now     int64 // Unix milliseconds, by the daemon's clock

	v *visit
}

// bannerNotices is how many notices stand on every page.
const bannerNotices = 3

// bare is a page without what the database knows.
func (v *visit) bare(title string, page any) *view {
	return &view{Title: title, Page: page, Wrong: v.wrong, Label: v.label, Faults: v.faults, Zone: v.zone.String(), Now: v.now.UnixMilli(), v: v}
}

// top gathers what stands around a page.
func (v *visit) top(title string, page any) (*view, error) {
	t := v.bare(title, page)
	if v.me.ID == 0 {
		return t, nil
	}
	t.Me = v.me
	for _, g := range v.d.nav {
		mine := navGroup{Title: g.Title}
		for _, item := range g.Items {
			if v.me.Role.May(item.role) {
				mine.Items = append(mine.Items, item)
			}
		}
		if len(mine.Items) > 0 {
			t.Nav = append(t.Nav, mine)
		}
	}
	t.Here = v.here()
	if t.Back = t.Here; v.r.Method == http.MethodGet {
		t.Back = strings.TrimPrefix(v.r.URL.RequestURI(), "/admin")
	}
	switches, err := v.d.store.Switches(v.ctx())
	if err != nil {
		return nil, fmt.Errorf("read the sending switch: %w", err)
	}
	t.Sending = sendingOf(v, switches)
	notices, err := v.d.store.Notices(v.ctx())
	if err != nil {
		return nil, fmt.Errorf("read the notices: %w", err)
	}
	t.Notices, t.More = notices, 0
	if len(notices) > bannerNotices && t.Here != "/" {
		t.Notices, t.More = notices[:bannerNotices], len(notices)-bannerNotices
	}
	if v.session.Flash != "" && v.r.Method == http.MethodGet {
		t.Flash = v.session.Flash
		if err := v.d.store.SetFlash(v.ctx(), v.session, ""); err != nil {
			return nil, fmt.Errorf("take back what was told: %w", err)
		}
	}
	return t, nil
}

// here gives the navigation's item that the page belongs to: the longest one
// that its path begins with.
func (v *visit) here() string {
	path, best := strings.TrimPrefix(v.r.URL.Path, "/admin"), ""
	for _, g := range v.d.nav {
		for _, item := range g.Items {
			if path == item.Path || (item.Path != "/" && strings.HasPrefix(path, item.Path+"/")) {
				if len(item.Path) > len(best) {
					best = item.Path
				}
			}
		}
	}
	return best
}

// May says whether the visitor has a role; templates leave out what they may
// not do. The routes are what refuses it.
func (t *view) May(role string) bool { return t.Me.Role.May(store.Role(role)) }

// When makes a time readable for the visitor.
func (t *view) When(at any) moment { return t.v.when(at) }

// Form fills a form for the visitor, see [visit.form].
func (t *view) Form(f form) form { return t.v.form(f) }

// WrongField is the id of the field that is wrong, "" when it is none.
func (t *view) WrongField() string {
	if t.Wrong == nil || t.Wrong.Field == "" {
		return ""
	}
	return fieldID(t.Wrong.Field)
}

// funcs are what templates may call. href makes an address of a path of the
// desk; asset one of a file.
func (d *Desk) funcs() template.FuncMap {
	return template.FuncMap{
		"href":     func(path string) string { return d.root + path },
		"asset":    func(name string) string { return d.root + "/assets/" + name + "?v=" + d.files[name].version },
		"id":       fieldID,
		"manual":   func() string { return strings.TrimSuffix(d.root, "/admin") + "/docs/" },
		"sentence": sentence,
		"badge":    func(tone, text string) badge { return badge{tone, text} },
		"list":     func(items ...any) []any { return items },
	}
}
