package storetest

import (
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func keyTests() []test {
	return []test{
		{"a key is shown once, found by its text and ended by its number", func(e *env) {
			k, plain, err := e.s.CreateKey(e.ctx, "back end", []string{"blog"}, []store.Right{store.RightEvents, store.RightRead})
			e.ok(err)
			if !strings.HasPrefix(plain, "hb_") || len(plain) < 40 || !strings.HasPrefix(plain, k.Prefix) {
				e.Errorf("odd key %q with prefix %q", plain, k.Prefix)
			}
			got, err := e.s.FindKey(e.ctx, plain)
			e.ok(err)
			equal(e, "number", got.ID, k.ID)
			equal(e, "may write events", got.May(store.RightEvents), true)
			equal(e, "may vouch", got.May(store.RightVouch), false)
			equal(e, "reaches the blog", got.Reaches("blog"), true)
			equal(e, "reaches the shop", got.Reaches("shop"), false)
			for _, wrong := range []string{"", "hb_", plain[:len(plain)-1] + "!", strings.ToUpper(plain), "x" + plain} {
				_, err := e.s.FindKey(e.ctx, wrong)
				e.code(err, dispatcher.CodeUnauthorized)
			}
			e.ok(e.s.RevokeKey(e.ctx, k.ID))
			e.ok(e.s.RevokeKey(e.ctx, k.ID))
			_, err = e.s.FindKey(e.ctx, plain)
			e.code(err, dispatcher.CodeUnauthorized)
			e.code(e.s.RevokeKey(e.ctx, k.ID+1), dispatcher.CodeNotFound)
		}},
		{"the use of a key is noted at most once a minute", func(e *env) {
			_, plain, err := e.s.CreateKey(e.ctx, "all", nil, []store.Right{store.RightAdmin})
			e.ok(err)
			first := e.clock.Now()
			used := func() store.Key {
				_, err := e.s.FindKey(e.ctx, plain)
				e.ok(err)
				list, err := e.s.Keys(e.ctx)
				e.ok(err)
				return list[0]
			}
			equal(e, "used", used().UsedAt, first)
			e.clock.Advance(59 * time.Second)
			equal(e, "used within a minute", used().UsedAt, first)
			e.clock.Advance(time.Second)
			last := used()
			equal(e, "used after a minute", last.UsedAt, first.Add(time.Minute))
			equal(e, "an admin may everything", last.May(store.RightVouch) && last.Reaches("shop"), true)
		}},
		{"a key for nothing, nobody or nowhere is refused", func(e *env) {
			_, _, err := e.s.CreateKey(e.ctx, "x", nil, nil)
			e.code(err, dispatcher.CodeInvalid)
			_, _, err = e.s.CreateKey(e.ctx, "x", nil, []store.Right{"everything"})
			e.code(err, dispatcher.CodeInvalid)
			_, _, err = e.s.CreateKey(e.ctx, " ", nil, store.Rights())
			e.code(err, dispatcher.CodeInvalid)
			_, _, err = e.s.CreateKey(e.ctx, "x", []string{"nowhere"}, store.Rights())
			e.code(err, dispatcher.CodeNotFound)
		}},
	}
}

func idempotencyTests() []test {
	return []test{
		{"a repeat gets the first answer, for a day", func(e *env) {
			begin := func(hash string) (*store.Replay, error) { return e.s.BeginRequest(e.ctx, "blog", "k", hash) }
			r, err := begin("h")
			e.ok(err)
			if r != nil {
				e.Fatal("the first request is a replay")
			}
			_, err = begin("h")
			e.code(err, dispatcher.CodeConflict)
			_, err = begin("other")
			e.code(err, dispatcher.CodeInvalid)
			e.ok(e.s.FinishRequest(e.ctx, "blog", "k", store.Replay{Status: 201, Response: `{"id":1}`}))
			r, err = begin("h")
			e.ok(err)
			equal(e, "answer", *r, store.Replay{Status: 201, Response: `{"id":1}`})
			_, err = begin("other")
			e.code(err, dispatcher.CodeInvalid)
			if r, err := e.s.BeginRequest(e.ctx, "shop", "k", "h"); err != nil || r != nil {
				e.Errorf("another site's key is not free: %v, %v", r, err)
			}
			e.clock.Advance(store.IdempotencyWindow)
			r, err = begin("other")
			e.ok(err)
			equal(e, "free after a day", r == nil, true)
		}},
		{"an abandoned or a dead request frees its key", func(e *env) {
			_, err := e.s.BeginRequest(e.ctx, "blog", "k", "h")
			e.ok(err)
			e.ok(e.s.AbandonRequest(e.ctx, "blog", "k"))
			_, err = e.s.BeginRequest(e.ctx, "blog", "k", "h")
			e.ok(err)
			e.clock.Advance(time.Minute)
			_, err = e.s.BeginRequest(e.ctx, "blog", "k", "h")
			e.ok(err)
			_, err = e.s.BeginRequest(e.ctx, "blog", "", "h")
			e.code(err, dispatcher.CodeInvalid)
		}},
	}
}

func guardTests() []test {
	return []test{
		{"a database that is served elsewhere holds all mail until somebody releases it", func(e *env) {
			changed, _, err := e.s.Guard(e.ctx, "https://mail.example.org/")
			e.ok(err)
			equal(e, "changed at first", changed, false)
			id, err := e.s.Instance(e.ctx)
			e.ok(err)
			changed, _, err = e.s.Guard(e.ctx, "https://mail.example.org")
			e.ok(err)
			equal(e, "changed", changed, false)
			changed, was, err := e.s.Guard(e.ctx, "https://staging.example.org")
			e.ok(err)
			equal(e, "changed elsewhere", changed, true)
			equal(e, "was", was, "https://mail.example.org")
			w, err := e.s.Switches(e.ctx)
			e.ok(err)
			equal(e, "mode", w[0].Mode, "hold")
			if !strings.Contains(w[0].Reason, "sending on") {
				e.Errorf("the reason does not say how to release: %s", w[0].Reason)
			}
			e.ok(e.s.SetSwitch(e.ctx, store.Switch{Mode: "on"}))
			changed, _, err = e.s.Guard(e.ctx, "https://staging.example.org")
			e.ok(err)
			equal(e, "changed after the release", changed, false)
			again, err := e.s.Instance(e.ctx)
			e.ok(err)
			equal(e, "instance", again, id)
			if id == "" {
				e.Error("the database has no id")
			}
		}},
		{"the numbers of a database are told", func(e *env) {
			e.mailsDue(2)
			e.claim()
			e.mailsDue(1) // the two readers again, as due00 follows already
			e.append(e.published("x", "t", ""))
			e.intake()
			e.append(e.published("y", "t", ""))
			e.ok(e.s.Enqueue(e.ctx, "blog", []byte("broken")))
			e.ok(e.s.Raise(e.ctx, "x", "y", ""))
			e.clock.Advance(time.Second)
			got, err := e.s.Stats(e.ctx)
			e.ok(err)
			want := store.Stats{Inbox: 2, InboxAge: time.Second, Settling: 1, Head: 2, Waiting: 2, InFlight: 2, OverdueAge: time.Second, Notices: 1}
			if got.Workers = 0; got != want {
				e.Errorf("got %+v, want %+v", got, want)
			}
			e.send()
			finished, err := e.s.FinishedSince(e.ctx, e.clock.Now(), 100)
			e.ok(err)
			equal(e, "sent since", finished[dispatcher.StateSent], 2)
		}},
	}
}

func noticeTests() []test {
	return []test{
		{"a notice is counted, mailed once and cleared", func(e *env) {
			mails := 0
			mail := func() int {
				n, err := e.s.MailNotices(e.ctx, func(ns []store.Notice) ([]dispatcher.Message, error) {
					mails++
					return []dispatcher.Message{{Site: "blog", Kind: dispatcher.KindNotice, Address: "admin@blog.example", Data: ns[0].Text}}, nil
				})
				e.ok(err)
				return n
			}
			equal(e, "mailed of nothing", mail(), 0)
			first := e.clock.Now()
			e.ok(e.s.Raise(e.ctx, "relay:main", "refuses the password", "correct it"))
			e.clock.Advance(time.Minute)
			e.ok(e.s.Raise(e.ctx, "relay:main", "refuses the password still", "correct it"))
			list, err := e.s.Notices(e.ctx)
			e.ok(err)
			equal(e, "notices", len(list), 1)
			want := store.Notice{Topic: "relay:main", Text: "refuses the password still", Mend: "correct it", Count: 2, RaisedAt: first, SeenAt: e.clock.Now()}
			equal(e, "notice", list[0], want)
			equal(e, "mailed", mail(), 1)
			e.ok(e.s.Raise(e.ctx, "relay:main", "again", ""))
			equal(e, "mailed again", mail(), 0)
			e.ok(e.s.Clear(e.ctx, "relay:main"))
			e.ok(e.s.Clear(e.ctx, "never raised"))
			list, err = e.s.Notices(e.ctx)
			e.ok(err)
			equal(e, "notices that are cleared", len(list), 0)
			e.ok(e.s.Raise(e.ctx, "relay:main", "anew", ""))
			equal(e, "mailed when it came back", mail(), 1)
			equal(e, "calls", mails, 2)
			_, ms := e.claim()
			equal(e, "mails", len(ms), 2)
		}},
	}
}
