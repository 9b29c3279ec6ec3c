package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func lifetimes() store.Lifetimes { return store.Lifetimes{Idle: time.Hour, Whole: 3 * time.Hour} }

// admin makes an admin of a role.
func (e *env) admin(name string, role store.Role) store.Admin {
	e.Helper()
	a, err := e.s.AddAdmin(e.ctx, name, role, "a hash")
	e.ok(err)
	return a
}

func adminTests() []test {
	return []test{
		{"names of admins compare without case and are given once", func(e *env) {
			any, err := e.s.AnyAdmin(e.ctx)
			e.ok(err)
			equal(e, "an admin at first", any, false)
			a := e.admin(" Ann@Example.org ", store.RoleAdmin)
			equal(e, "name", a.Name, "ann@example.org")
			_, err = e.s.AddAdmin(e.ctx, "ANN@example.org", store.RoleViewer, "")
			e.code(err, dispatcher.CodeConflict)
			for _, bad := range []string{"", "a b", "-x", strings.Repeat("x", 65), "a\nb"} {
				_, err = e.s.AddAdmin(e.ctx, bad, store.RoleViewer, "")
				e.code(err, dispatcher.CodeInvalid)
			}
			_, err = e.s.AddAdmin(e.ctx, "ben", "owner", "")
			e.code(err, dispatcher.CodeInvalid)
			got, hash, err := e.s.AdminPassword(e.ctx, "ann@EXAMPLE.org")
			e.ok(err)
			equal(e, "number", got.ID, a.ID)
			equal(e, "hash", hash, "a hash")
			_, err = e.s.AdminByName(e.ctx, "nobody")
			e.code(err, dispatcher.CodeNotFound)
		}},
		{"the last who may let others in keeps the role", func(e *env) {
			a, b := e.admin("ann", store.RoleAdmin), e.admin("ben", store.RoleAdmin)
			e.ok(e.s.DisableAdmin(e.ctx, b.ID, true))
			e.code(e.s.SetAdminRole(e.ctx, a.ID, store.RoleEditor), dispatcher.CodeConflict)
			e.code(e.s.RemoveAdmin(e.ctx, a.ID), dispatcher.CodeConflict)
			e.code(e.s.DisableAdmin(e.ctx, a.ID, true), dispatcher.CodeConflict)
			e.ok(e.s.DisableAdmin(e.ctx, b.ID, false))
			e.ok(e.s.SetAdminRole(e.ctx, a.ID, store.RoleEditor))
			e.ok(e.s.RemoveAdmin(e.ctx, a.ID))
			e.code(e.s.RemoveAdmin(e.ctx, a.ID), dispatcher.CodeNotFound)
			e.code(e.s.RemoveAdmin(e.ctx, b.ID), dispatcher.CodeConflict)
		}},
		{"who is disabled, signed out or removed is out at once", func(e *env) {
			e.admin("root", store.RoleAdmin)
			for name, shut := range map[string]func(int64) error{
				"disabled":   func(id int64) error { return e.s.DisableAdmin(e.ctx, id, true) },
				"signed-out": func(id int64) error { return e.s.SignOutAdmin(e.ctx, id) },
				"removed":    func(id int64) error { return e.s.RemoveAdmin(e.ctx, id) },
				"password":   func(id int64) error { return e.s.SetAdminPassword(e.ctx, id, "another") },
			} {
				a := e.admin(name, store.RoleEditor)
				in, err := e.s.StartSession(e.ctx, a.ID, false, "a browser")
				e.ok(err)
				link, err := e.s.MakeLink(e.ctx, a.ID, time.Hour)
				e.ok(err)
				_, err = e.s.FindSession(e.ctx, in, lifetimes())
				e.ok(err)
				e.ok(shut(a.ID))
				_, err = e.s.FindSession(e.ctx, in, lifetimes())
				e.code(err, dispatcher.CodeUnauthorized)
				_, err = e.s.UseLink(e.ctx, link, "a browser")
				e.code(err, dispatcher.CodeUnauthorized)
			}
			a, err := e.s.AdminByName(e.ctx, "disabled")
			e.ok(err)
			_, err = e.s.MakeLink(e.ctx, a.ID, time.Hour)
			e.code(err, dispatcher.CodeConflict)
		}},
		{"a session ends by rest and by age, and tells its word once", func(e *env) {
			a := e.admin("ann", store.RoleAdmin)
			in, err := e.s.StartSession(e.ctx, a.ID, true, "a browser\x00"+strings.Repeat("x", 900))
			e.ok(err)
			other, err := e.s.StartSession(e.ctx, a.ID, false, "another")
			e.ok(err)
			for range 3 {
				e.clock.Advance(59 * time.Minute)
				x, err := e.s.FindSession(e.ctx, in, lifetimes())
				e.ok(err)
				equal(e, "by a link", x.ByLink, true)
				e.ok(e.s.SetFlash(e.ctx, x, "done"))
				x, err = e.s.FindSession(e.ctx, in, lifetimes())
				e.ok(err)
				equal(e, "word", x.Flash, "done")
			}
			_, err = e.s.FindSession(e.ctx, other, lifetimes()) // rested too long
			e.code(err, dispatcher.CodeUnauthorized)
			e.clock.Advance(4 * time.Minute) // three hours and a minute old
			_, err = e.s.FindSession(e.ctx, in, lifetimes())
			e.code(err, dispatcher.CodeUnauthorized)
			for _, wrong := range []string{"", in + "x", strings.ToLower(in), strings.Repeat("x", 5000)} {
				_, err = e.s.FindSession(e.ctx, wrong, lifetimes())
				e.code(err, dispatcher.CodeUnauthorized)
			}
		}},
		{"signing out elsewhere leaves this browser in", func(e *env) {
			a, b := e.admin("ann", store.RoleAdmin), e.admin("ben", store.RoleViewer)
			start := func(id int64) store.Session {
				plain, err := e.s.StartSession(e.ctx, id, false, "a browser")
				e.ok(err)
				x, err := e.s.FindSession(e.ctx, plain, lifetimes())
				e.ok(err)
				return x
			}
			here := start(a.ID)
			start(a.ID)
			start(a.ID)
			start(b.ID)
			n, err := e.s.EndOtherSessions(e.ctx, here)
			e.ok(err)
			equal(e, "ended", n, 2)
			list, err := e.s.SessionsOf(e.ctx, a.ID, lifetimes())
			e.ok(err)
			equal(e, "left", len(list) == 1 && list[0].Same(here), true)
			list, err = e.s.SessionsOf(e.ctx, b.ID, lifetimes())
			e.ok(err)
			equal(e, "of somebody else", len(list), 1)
		}},
		{"a link is good once and in time, and the first admin is one", func(e *env) {
			first, err := e.s.MakeLink(e.ctx, 0, time.Hour)
			e.ok(err)
			second, err := e.s.MakeLink(e.ctx, 0, time.Hour)
			e.ok(err)
			_, err = e.s.UseLink(e.ctx, first, "") // makes an admin and nothing else
			e.code(err, dispatcher.CodeUnauthorized)
			_, err = e.s.UseFirstLink(e.ctx, first, "", "h", "")
			e.code(err, dispatcher.CodeInvalid)
			in, err := e.s.UseFirstLink(e.ctx, first, "ann", "h", "")
			e.ok(err)
			x, err := e.s.FindSession(e.ctx, in, lifetimes())
			e.ok(err)
			equal(e, "role", x.Admin.Role, store.RoleAdmin)
			_, err = e.s.UseFirstLink(e.ctx, second, "eve", "h", "")
			e.code(err, dispatcher.CodeConflict)
			_, err = e.s.MakeLink(e.ctx, 0, time.Hour)
			e.code(err, dispatcher.CodeConflict)
			late, err := e.s.MakeLink(e.ctx, x.Admin.ID, time.Hour)
			e.ok(err)
			e.clock.Advance(time.Hour)
			_, err = e.s.UseLink(e.ctx, late, "")
			e.code(err, dispatcher.CodeUnauthorized)
		}},
	}
}

func auditTests() []test {
	return []test{
		{"a change and its line in the audit log are one", func(e *env) {
			does := func() *store.Store {
				return e.s.As(store.Act{By: "ann", What: "sending.set", Subject: "site:blog", Before: "on", After: "hold"})
			}
			e.code(does().SetAdminRole(e.ctx, 99, store.RoleViewer), dispatcher.CodeNotFound) // refused: no line
			e.ok(does().SetSwitch(e.ctx, store.Switch{Scope: "site:blog", Mode: "hold"}))
			s := does()
			e.ok(s.SetSwitch(e.ctx, store.Switch{Scope: "site:blog", Mode: "on"}))
			e.ok(s.SetSwitch(e.ctx, store.Switch{Scope: "site:blog", Mode: "hold"})) // the second of one act tells nothing
			e.ok(e.s.SetSwitch(e.ctx, store.Switch{Scope: "", Mode: "hold"}))        // the store itself is as it was
			list, err := e.s.Acts(e.ctx, "", "", 0, 10)
			e.ok(err)
			equal(e, "lines", len(list), 2)
			equal(e, "time", list[0].At, e.clock.Now())
			equal(e, "who", list[0].By, "ann")
			equal(e, "after", list[0].After, "hold")
		}},
		{"the audit log is read in pages, by who and by what", func(e *env) {
			for i := range 7 {
				by, what := "ann", "key.create"
				if i%2 == 1 {
					by, what = "ben", "keyring"
				}
				e.ok(e.s.Record(e.ctx, store.Act{By: by, What: what, Subject: strings.Repeat("ü", 2000) + "\x00"}))
			}
			all, err := e.s.Acts(e.ctx, "", "", 0, 3)
			e.ok(err)
			equal(e, "first page", len(all), 3)
			equal(e, "a long value is cut", len(all[0].Subject) <= 2000 && strings.HasSuffix(all[0].Subject, "…"), true)
			rest, err := e.s.Acts(e.ctx, "", "", all[2].ID, 10)
			e.ok(err)
			equal(e, "the rest", len(rest), 4)
			equal(e, "newest first", slices.IsSortedFunc(append(all, rest...), func(a, b store.Act) int { return int(b.ID - a.ID) }), true)
			anns, err := e.s.Acts(e.ctx, "ann", "", 0, 10)
			e.ok(err)
			equal(e, "of ann", len(anns), 4)
			keys, err := e.s.Acts(e.ctx, "", "key", 0, 10)
			e.ok(err)
			equal(e, "of keys, not of keyrings", len(keys), 4)
			none, err := e.s.Acts(e.ctx, "", "ke_", 0, 10)
			e.ok(err)
			equal(e, "of a pattern", len(none), 0)
		}},
	}
}

func tallyTests() []test {
	return []test{
		{"what daemons did adds up by the minute and is read in steps", func(e *env) {
			start := e.clock.Now()
			for i := range 10 {
				y := store.Tally{At: start.Add(time.Duration(i) * 30 * time.Second), Events: 1, Sent: 10, Lags: [store.LagBands]int64{1, 2, 3, 4, 5}}
				e.ok(e.s.AddTally(e.ctx, y))
			}
			got, err := e.s.Tallies(e.ctx, start.Add(-2*time.Minute), 2*time.Minute, 4)
			e.ok(err)
			for i, want := range []int64{0, 4, 4, 2} {
				equal(e, "events of a step", got[i].Events, want)
				equal(e, "sent", got[i].Sent, 10*want)
				equal(e, "slow ones", got[i].Lags[4], 5*want)
				equal(e, "begins", got[i].At, start.Add(time.Duration(i-1)*2*time.Minute))
			}
		}},
		{"bounced addresses are counted when they bounced", func(e *env) {
			start := e.clock.Now()
			put := func(address, reason string) {
				e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: "blog", Address: address, Reason: reason}))
			}
			put("a@x.example", "bounce")
			put("b@x.example", "admin")
			e.clock.Advance(time.Minute)
			put("c@x.example", "complaint")
			got, err := e.s.Bounced(e.ctx, start, time.Minute, 2)
			e.ok(err)
			equal(e, "at first", got[0], 1)
			equal(e, "then", got[1], 1)
		}},
	}
}
