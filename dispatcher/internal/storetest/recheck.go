package storetest

import (
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func recheckTests() []test {
	// Each change is made while a mail with a and b, in thread t, waits.
	change := func(f func(e *env, ann int64), want ...string) func(*env) {
		return func(e *env) {
			ann := e.reader("ann")
			e.follow("ann", "thread:t", "")
			e.follow("ann", "author:u1", "")
			e.settled(e.published("a", "t", "", author("u1")), e.published("b", "t", "", author("u2")))
			e.now()
			_, ms := e.claim()
			equal(e, "mails", len(ms), 1)
			f(e, ann)
			got, err := e.s.Recheck(e.ctx, ms)
			e.ok(err)
			r := got[ms[0].ID]
			items := r.Items
			if !r.Judged {
				items = ms[0].Items
			}
			same(e, "items left", e.names(items), want)
		}
	}
	return []test{
		{"nothing changed, nothing is asked", func(e *env) {
			change(func(*env, int64) {}, "a", "b")(e)
			_, ms := e.claim()
			got, err := e.s.Recheck(e.ctx, ms)
			e.ok(err)
			for _, r := range got {
				equal(e, "judged", r.Judged, false)
			}
		}},
		{"a mute takes the items of its author", change(func(e *env, _ int64) { e.mute("ann", "author:u1") }, "b")},
		{"a mute takes the items of its thread", change(func(e *env, _ int64) { e.mute("ann", "thread:t") })},
		{"who left a thread still hears of an author", change(func(e *env, _ int64) {
			e.ok(e.s.EndSubscription(e.ctx, "blog", dispatcher.EventSubscription{Subscriber: "ann", Target: target("thread:t")}, dispatcher.EndedByReader))
		}, "a")},
		{"who left everything hears nothing", change(func(e *env, ann int64) {
			_, err := e.s.End(e.ctx, ann, nil, true, "everything", dispatcher.EndedByReader)
			e.ok(err)
		})},
		{"what was read on the site is not mailed", change(func(e *env, _ int64) {
			e.take(e.event(dispatcher.ThreadRead, func(ev *dispatcher.Event) { ev.Reader, ev.Thread = "ann", &dispatcher.EventThread{ID: "t"} }))
		})},
		{"another cadence takes nothing away", change(func(e *env, _ int64) { e.follow("ann", "thread:t", "daily") }, "a", "b")},
		{"a new author id makes a comment one's own", change(func(e *env, _ int64) {
			e.change("ann", func(in *dispatcher.EventSubscriber) { in.AuthorIDs = &[]string{"u2"} })
		}, "a")},
		{"a removed comment is not visible to who reads the content", func(e *env) {
			change(func(e *env, _ int64) {
				e.take(e.event(dispatcher.CommentRemoved, comment("a", "", "")))
				equal(e, "state", e.known("a").State, dispatcher.Removed)
			}, "a", "b")(e)
			equal(e, "visible in the log", e.entry("a").Visible, false)
		}},
		{"a suppressed address and an erased reader are told", func(e *env) {
			e.mailsDue(2)
			_, ms := e.claim()
			bySub := map[string]int64{}
			for i := range ms {
				sub, err := e.s.SubscriberByNumber(e.ctx, ms[i].Subscriber)
				e.ok(err)
				bySub[sub.Address] = ms[i].ID
			}
			e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: "blog", Address: "due00@readers.example", Reason: "complaint"}))
			e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: "shop", Address: "due01@readers.example", Reason: "bounce"}))
			got, err := e.s.Recheck(e.ctx, ms)
			e.ok(err)
			equal(e, "suppressed", got[bySub["due00@readers.example"]].Suppressed, "complaint")
			equal(e, "suppressed elsewhere", got[bySub["due01@readers.example"]].Suppressed, "")
			e.ok(e.s.Erase(e.ctx, "blog", "due01"))
			got, err = e.s.Recheck(e.ctx, ms)
			e.ok(err)
			equal(e, "gone", got[bySub["due01@readers.example"]].Gone, true)
		}},
		{"a PUT lifts no suppression", func(e *env) {
			e.mailsDue(1)
			_, ms := e.claim()
			e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: "blog", Address: "due00@readers.example", Reason: "complaint"}))
			e.change("due00", func(in *dispatcher.EventSubscriber) {
				in.Email, in.Confirmed = ptr("due00@readers.example"), ptr(true)
			})
			e.follow("due00", "thread:another", "")
			got, err := e.s.Recheck(e.ctx, ms)
			e.ok(err)
			equal(e, "suppressed", got[ms[0].ID].Suppressed, "complaint")
		}},
		{"the first suppression of an address counts, and can be lifted", func(e *env) {
			for _, reason := range []string{"bounce", "admin"} {
				e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: "blog", Address: "a@x.example", Reason: reason}))
			}
			list, err := e.s.Suppressions(e.ctx, "", "", 10)
			e.ok(err)
			equal(e, "suppressions", len(list), 1)
			equal(e, "reason", list[0].Reason, "bounce")
			e.ok(e.s.DeleteSuppression(e.ctx, "blog", "a@x.example"))
			e.code(e.s.DeleteSuppression(e.ctx, "blog", "a@x.example"), dispatcher.CodeNotFound)
		}},
		{"suppressions are found, the newest first, page by page", func(e *env) {
			put := func(site, addr, reason string) {
				e.ok(e.s.PutSuppression(e.ctx, store.Suppression{Site: site, Address: addr, Reason: reason}))
			}
			put("shop", "b@x.example", "admin") // the same instant for three
			put("blog", "b@x.example", "bounce")
			put("blog", "a_1@x.example", "bounce")
			e.clock.Advance(time.Minute)
			put("blog", "late@y.example", "complaint")
			list := func(f store.SuppressionFilter) string {
				var all []string
				for f.Limit = 2; ; {
					page, err := e.s.NewestSuppressions(e.ctx, f)
					e.ok(err)
					for _, p := range page {
						all = append(all, p.Site+" "+p.Address)
					}
					if len(page) < f.Limit {
						return strings.Join(all, ", ")
					}
					last := page[len(page)-1]
					f.Before = store.SuppressionMark{Since: last.Since, Site: last.Site, Address: last.Address}
				}
			}
			equal(e, "all", list(store.SuppressionFilter{}), "blog late@y.example, blog a_1@x.example, blog b@x.example, shop b@x.example")
			equal(e, "of the shop", list(store.SuppressionFilter{Site: "shop"}), "shop b@x.example")
			equal(e, "that bounced", list(store.SuppressionFilter{Reason: "bounce"}), "blog a_1@x.example, blog b@x.example")
			equal(e, "like", list(store.SuppressionFilter{Text: "A_"}), "blog a_1@x.example")
			equal(e, "like nothing", list(store.SuppressionFilter{Text: "%"}), "")
		}},
		{"switches are remembered by scope", func(e *env) {
			none, err := e.s.Switches(e.ctx)
			e.ok(err)
			equal(e, "switches at first", len(none), 0)
			e.ok(e.s.SetSwitch(e.ctx, store.Switch{Mode: "hold", Reason: "because"}))
			e.ok(e.s.SetSwitch(e.ctx, store.Switch{Scope: "site:blog", Mode: "redirect", Redirect: "me@x.example"}))
			e.ok(e.s.SetSwitch(e.ctx, store.Switch{Mode: "on"}))
			all, err := e.s.Switches(e.ctx)
			e.ok(err)
			equal(e, "switches", len(all), 2)
			equal(e, "of all", all[0].Mode, "on")
			equal(e, "of the blog", all[1].Redirect, "me@x.example")
		}},
	}
}
