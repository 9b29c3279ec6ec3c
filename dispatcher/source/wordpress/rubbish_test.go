package wordpress_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func TestRubbishIsAClearErrorAndLosesNothing(t *testing.T) {
	cases := map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   string
		code   dispatcher.Code
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<!DOCTYPE html><title>Just a moment…</title>")
		}, "not JSON", dispatcher.CodeUnavailable},
		"a cut answer": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `[{"id":5,"post":7,"content":{"rend`)
		}, "no valid JSON", dispatcher.CodeInternal},
		"a notice before it": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "<br />\n<b>Deprecated</b>: foo in /x.php\n[]")
		}, "not JSON", dispatcher.CodeUnavailable},
		"50 MB": {func(w http.ResponseWriter, _ *http.Request) {
			for range 50 {
				w.Write(make([]byte, 1<<20))
			}
		}, "larger than", dispatcher.CodeInternal},
		"a private place": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, "private address", dispatcher.CodeForbidden},
		"a closed API": {func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 401, "rest_login_required")
		}, "does not let strangers read", dispatcher.CodeUnavailable},
		"a firewall": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			io.WriteString(w, "<html>Access denied</html>")
		}, "does not let strangers read", dispatcher.CodeUnavailable},
		"no such route": {func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 404, "rest_no_route")
		}, "rest_no_route", dispatcher.CodeUnavailable},
		"a fatal error": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			io.WriteString(w, "<p>There has been a critical error on this website.</p>")
		}, "500", dispatcher.CodeInternal},
		"another shape": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"comments":[]}`)
		}, "no valid JSON", dispatcher.CodeInternal},
		"429": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1800")
			w.WriteHeader(429)
		}, "429", dispatcher.CodeInternal},
		"a cut connection": {func(w http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler)
		}, "EOF", dispatcher.CodeInternal},
	}
	for _, only := range []string{"", "/comments/", "include=", "order=asc"} {
		for name, c := range cases {
			t.Run(name+" at "+only, func(t *testing.T) {
				r := newRig(t)
				stays := r.site.write(7, 0, "stays", "approve")
				sticky := r.site.write(7, 0, "sticky", "approve")
				r.after(0)
				sticky.kind = "wpdiscuz_sticky"
				fresh := r.site.write(7, 0, "new", "approve")
				var hit atomic.Bool
				r.site.setFault(func(w http.ResponseWriter, req *http.Request) bool {
					if at, _ := url.QueryUnescape(req.URL.String()); !strings.Contains(at, only) {
						return false
					}
					hit.Store(true)
					c.answer(w, req)
					return true
				})
				err := r.try(11 * time.Minute)
				if !hit.Load() {
					t.Fatal("the fault was never met")
				}
				if name == "another shape" && only == "/comments/" {
					c.want = "asked for comment"
				}
				if err == nil || !strings.Contains(err.Error(), c.want) || dispatcher.CodeOf(err) != c.code {
					t.Fatalf("err = %v (%s)", err, dispatcher.CodeOf(err))
				}
				st := r.state()
				if st.Errors != 1 || st.LastError == "" || st.NextPoll.Before(r.now) {
					t.Fatalf("%+v", st)
				}
				if name == "429" && st.NextPoll.Sub(r.now) < 30*time.Minute {
					t.Fatalf("it comes back after %s", st.NextPoll.Sub(r.now))
				}
				r.site.setFault(nil)
				r.after(time.Minute)
				told := r.after(time.Hour)
				for e, mailed := range map[*entry]int{stays: 0, sticky: 0, fresh: 1} {
					if got := told[id(e)]; got == nil || !got.Visible || got.Gone != 0 || got.Mailed != mailed {
						t.Errorf("%s: %v", e.text, got)
					}
				}
			})
		}
	}
}

func TestABrokenSweepDoesNotHoldBackTheHead(t *testing.T) {
	r := newRig(t)
	r.after(0)
	r.site.setFault(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.String(), "order=asc") {
			w.WriteHeader(500)
			return true
		}
		return false
	})
	c := r.site.write(7, 0, "x", "approve")
	if err := r.try(11 * time.Minute); err == nil {
		t.Fatal("no error")
	}
	if got := r.mem.Told(t)[id(c)]; got == nil || got.Mailed != 1 {
		t.Fatalf("%v", got)
	}
}
