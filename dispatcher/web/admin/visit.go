package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// visit is one request for a page.
type visit struct {
	d        *Desk
	w        http.ResponseWriter
	r        *http.Request
	session  store.Session
	me       store.Admin // its number is 0 when nobody is signed in
	now      time.Time
	zone     *time.Location
	wrong    *dispatcher.Error // what is wrong with what was typed
	label    string            // of the field that is wrong, "" when it is none of the page
	faults   []fault           // that the overview found
	status   int               // of the page, 0 for 200
	answered bool
}

func (v *visit) ctx() context.Context { return v.r.Context() }

func (v *visit) post() bool { return v.r.Method == http.MethodPost }

// field gives what was typed into a field of the posted form.
func (v *visit) field(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }

// query gives one parameter of the address.
func (v *visit) query(name string) string { return v.r.URL.Query().Get(name) }

// number gives a number of the path, or a not-found error.
func (v *visit) number(name, what string) (int64, error) {
	text := v.r.PathValue(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, dispatcher.NotFound(what, text)
	}
	return n, nil
}

// before gives where a page of a list begins: below a number, 0 for the newest.
func (v *visit) before() int64 {
	n, err := strconv.ParseInt(v.query("before"), 10, 64)
	if err != nil || n < 0 {
		return 0 // a bent link shows the first page
	}
	return n
}

// as gives the store as it works for this admin: what it changes and the line
// in the audit log are one transaction.
func (v *visit) as(what, subject, before, after string) *store.Store {
	return v.d.store.As(store.Act{By: v.me.Name, What: what, Subject: subject, Before: before, After: after})
}

// record puts a change into the audit log that was made elsewhere, as by a
// stage. The change stands already, so a log that fails is told of and no more.
func (v *visit) record(what, subject, before, after string) {
	act := store.Act{By: v.me.Name, What: what, Subject: subject, Before: before, After: after}
	if err := v.d.store.Record(context.WithoutCancel(v.ctx()), act); err != nil {
		v.d.o.Log.ErrorContext(v.ctx(), "a change is missing from the audit log", "what", what, "error", err)
	}
}

// redirect sends the browser to a path of the desk, by GET.
func (v *visit) redirect(path string) {
	v.answered = true
	http.Redirect(v.w, v.r, v.d.root+path, http.StatusSeeOther)
}

// done ends a change: the browser goes to a path of the desk, which says what
// was done.
func (v *visit) done(path, format string, args ...any) error {
	if err := v.d.store.SetFlash(v.ctx(), v.session, fmt.Sprintf(format, args...)); err != nil {
		v.d.o.Log.WarnContext(v.ctx(), "what was done cannot be told", "error", err)
	}
	v.redirect(path)
	return nil
}

// again shows a page anew with what is wrong with what was typed. What nobody
// can mend by typing is given on.
func (v *visit) again(err error, page func(*visit) error) error {
	var e *dispatcher.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case dispatcher.CodeInvalid, dispatcher.CodeConflict, dispatcher.CodeInUse, dispatcher.CodeNotFound, dispatcher.CodeEnded, dispatcher.CodeTooLarge, dispatcher.CodeLimited:
		v.wrong, v.status = e, web.Status(e.Code)
		return page(v)
	}
	return err
}

// show writes a page. It is made whole before the first byte goes out.
func (v *visit) show(name, title string, page any) error {
	top, err := v.top(title, page)
	if err != nil {
		return err
	}
	return v.write(name, top)
}

func (v *visit) write(name string, top *view) error {
	var b bytes.Buffer
	if err := v.d.templates.ExecuteTemplate(&b, name, top); err != nil {
		return fmt.Errorf("make the page %s: %w", name, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.status != 0 {
		v.w.WriteHeader(v.status)
	}
	v.answered = true
	_, _ = v.w.Write(b.Bytes()) // nobody is left to be told
	return nil
}

// trouble is the page for what goes wrong.
type trouble struct{ What, Mend, Request string }

// fail shows what went wrong and what to do.
func (v *visit) fail(err error) {
	if errors.Is(err, context.Canceled) && v.ctx().Err() != nil {
		return // nobody is there any more
	}
	p := web.ProblemOf(err)
	if p.Status >= http.StatusInternalServerError {
		v.d.o.Log.ErrorContext(v.ctx(), "an admin's page failed", "route", v.r.Pattern, "request", web.RequestID(v.w), "error", err)
	}
	t := trouble{What: sentence(p.Detail), Mend: sentence(p.Mend)}
	if p.Code == dispatcher.CodeInternal {
		t.Request = web.RequestID(v.w)
	}
	v.status = p.Status
	top, terr := v.top(p.Title, t)
	if terr != nil { // the database is away, most likely; the page does without
		top = v.bare(p.Title, t)
	}
	if err := v.write("trouble", top); err != nil {
		v.d.o.Log.ErrorContext(v.ctx(), "the page for an error failed", "error", err)
		http.Error(v.w, t.What, p.Status)
	}
}

// sentence makes words of an error a sentence.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.ContainsRune(".!?…", rune(s[len(s)-1])) {
		s += "."
	}
	return s
}
