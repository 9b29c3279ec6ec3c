package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/digest"
	"github.com/hearback/hearback/dispatcher/store"
)

const hostileText = `<script>alert("x")</script>`

// looks composes no mail; it gives the same one for each message.
type looks struct{}

func (looks) Look(_ context.Context, message int64) (Mail, error) {
	if message == 404 {
		return Mail{}, dispatcher.NotFound("message", "404")
	}
	return Mail{Subject: "Re: " + hostileText, Text: "Hello " + hostileText, HTML: "<p>Hello</p>" + hostileText, Source: []byte("Subject: " + hostileText)}, nil
}

// reader makes a confirmed subscriber whose name and texts are hostile, who
// follows a thread.
func (r *rig) reader(id string) dispatcher.Subscriber {
	r.Helper()
	_, err := r.store.PutSchedule(r.Context(), dispatcher.Schedule{Name: dispatcher.Immediate, Misfire: dispatcher.MisfireMerge, MaxItems: 50, CatchUp: time.Hour})
	r.must(err)
	email, name, yes := id+"@example.org", hostileText, true
	sub, _, err := r.store.SetSubscriber(r.Context(), "blog", dispatcher.EventSubscriber{ID: id, Email: &email, Name: &name, Confirmed: &yes}, true)
	r.must(err)
	_, _, err = r.store.SetSubscription(r.Context(), "blog", dispatcher.EventSubscription{Subscriber: id, Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "t1"}}, true)
	r.must(err)
	return sub
}

// comment tells of a comment and lets intake take it.
func (r *rig) comment(id string) {
	r.Helper()
	_, err := r.store.Append(r.Context(), "blog", "api", []dispatcher.Event{{ID: "e-" + id, Type: dispatcher.CommentPublished, Time: r.clock.Now(),
		Thread: &dispatcher.EventThread{ID: "t1", URL: "https://blog.example/t1", Title: "About " + hostileText}, Comment: &dispatcher.EventComment{ID: id, HTML: "<p>Hi</p>"},
		Author: &dispatcher.EventAuthor{ID: "a", Name: hostileText}}})
	r.must(err)
	_, err = r.store.Intake(r.Context(), store.IntakeOptions{Settle: func(string, store.Door) time.Duration { return 0 }, MaxAge: func(string, store.Door) time.Duration { return 1 << 62 }}, 100)
	r.must(err)
}

// messages lets the slot that is due make mails, has a relay refuse them with
// these words, and gives their numbers.
func (r *rig) messages(words string) []int64 {
	r.Helper()
	ctx := r.Context()
	known := map[string]dispatcher.Site{}
	for _, s := range sites() {
		known[s.Key] = s
	}
	stage := digest.New(digest.Options{Store: r.store, Owner: "test", Clock: r.clock.Now, Log: slog.New(slog.DiscardHandler), Limits: dispatcher.DefaultLimits(), Sites: known})
	r.clock.Advance(time.Minute)
	_, err := stage.Tick(ctx)
	r.must(err)
	for did := true; did; {
		did, err = stage.WorkOnce(ctx, "test/0")
		r.must(err)
	}
	w, err := r.store.RegisterWorker(ctx, "test", time.Hour)
	r.must(err)
	list, err := r.store.Claim(ctx, w, 10, nil)
	r.must(err)
	var ids []int64
	for _, m := range list {
		ids = append(ids, m.ID)
		_, err := r.store.Complete(ctx, []store.Completion{{Message: m.ID, Owner: w, State: dispatcher.StateFailed, Why: "refused", Charge: 1,
			Attempt: &dispatcher.Attempt{Message: m.ID, At: r.clock.Now(), Relay: "main", Outcome: dispatcher.OutcomeFailed, Code: 550, Enhanced: "5.1.1", Text: words, Duration: time.Second}}})
		r.must(err)
	}
	return ids
}

// noScript demands that what was hostile comes out as text.
func (a answer) noScript() answer {
	a.Helper()
	if strings.Contains(a.text, hostileText) {
		a.Errorf("the page holds a script of a stranger:\n%s", a.text)
	}
	return a
}

func TestAMailIsFoundExplainedAndSentAgain(t *testing.T) {
	r := open(t, func(o *Options) { o.Mails = looks{} })
	sub := r.reader("u-1")
	r.reader("u-2")
	r.comment("c-1")
	ids := r.messages("no such mailbox " + hostileText)
	if len(ids) != 2 {
		t.Fatalf("%d mails were made, want one for each reader", len(ids))
	}
	id := ids[0]
	p := r.as(store.RoleEditor)
	at := fmt.Sprintf("/admin/messages/%d", id)

	p.get("/admin/messages").wants(200, "u-1@example.org", "u-2@example.org", "refused by the server for good", "1 comment").noScript()
	if only := p.get("/admin/messages?reader=u-1").wants(200, at); strings.Contains(only.text, "u-2@example.org") {
		t.Error("the filter by reader shows others")
	}
	p.get("/admin/messages?state=sent").wants(200, "No mail is like that")
	p.get("/admin/messages?reader=example.org").wants(http.StatusSeeOther)
	p.get(at).wants(200, "550 5.1.1 no such mailbox", "c-1", "in a conversation that they follow", "Send again").noScript()
	p.get(fmt.Sprintf("/admin/subscribers/%d?comment=c-1", sub.ID)).wants(200, "Mails that carry it", "no such mailbox", "u-1@example.org").noScript()
	p.get(fmt.Sprintf("/admin/subscribers/%d?comment=nobody-knows", sub.ID)).wants(200, "unknown comment")

	p.press(at + "/retry").wants(http.StatusSeeOther)
	p.get(at).wants(200, "due now", "due")
	p.press(at+"/retry").wants(http.StatusConflict, "The message is due")
	m, _, err := r.store.Message(t.Context(), id)
	r.must(err)
	if m.State != dispatcher.StateDue {
		t.Errorf("after sending again it is %s", m.State)
	}
	p.get("/admin/audit").wants(200, "sent a message again")
	p.get("/admin/messages/999").wants(404)
	p.get("/admin/messages/x").wants(404)
}

func TestAMailIsShownInAFrameThatMayDoNothing(t *testing.T) {
	r := open(t, func(o *Options) { o.Mails = looks{} })
	p := r.as(store.RoleEditor)
	p.get("/admin/messages/1/mail").wants(200, `sandbox="allow-popups allow-popups-to-escape-sandbox"`, "Phone").noScript()
	frame := p.get("/admin/messages/1/mail/html").wants(200, "<p>Hello</p>")
	if csp := frame.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") {
		t.Errorf("the frame's policy is %q", csp)
	}
	if kind := p.get("/admin/messages/1/mail/source").wants(200, "Subject: ").header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("the source is %s", kind)
	}
	p.get("/admin/messages/404/mail").wants(404)
	r.as(store.RoleViewer).get("/admin/messages/1/mail").wants(http.StatusForbidden) // its links let the reader in
}

func TestAReaderIsFoundSuppressedLiftedEndedAndErased(t *testing.T) {
	r := open(t, nil)
	sub := r.reader("u-1")
	r.comment("c-1")
	p := r.as(store.RoleEditor)
	at := fmt.Sprintf("/admin/subscribers/%d", sub.ID)
	p.get("/admin/subscribers").wants(200, "u-1@example.org", "active").noScript()
	p.get("/admin/subscribers?q=U-1@EXAMPLE").wants(200, at)
	p.get("/admin/subscribers?q=u-1").wants(200, at)
	p.get("/admin/subscribers?q=zzz").wants(200, "Nobody is like that")
	p.get(at).wants(200, "About &lt;script&gt;", "conversation t1", "live").noScript()

	p.press(at+"/suppress", "detail", "").wants(422, "Say it in a few words")
	p.press(at+"/suppress", "detail", "asked by phone").wants(http.StatusSeeOther)
	p.get(at).wants(200, "The address is suppressed", "Asked by phone")
	p.press(at + "/lift").wants(http.StatusSeeOther)
	p.press(at+"/lift").wants(404, "suppression")
	if s, err := r.store.SuppressionOf(t.Context(), "blog", sub.Address); err != nil || s != nil {
		t.Errorf("after lifting it: %+v, %v", s, err)
	}

	list, err := r.store.Subscriptions(t.Context(), sub.ID)
	r.must(err)
	p.press(at+"/end", "subscription", "12345").wants(404)
	p.press(at+"/end", "subscription", fmt.Sprint(list[0].ID)).wants(http.StatusSeeOther)
	p.get(at).wants(200, "ended", "by the site or an admin")

	p.press(at + "/erase").wants(http.StatusSeeOther)
	p.get(at).wants(404)
	p.get("/admin/subscribers").wants(200, "There are no subscribers yet")
	log := p.get("/admin/audit").wants(200, "erased a reader", "ended a subscription", "suppressed an address", "lifted a suppression", "blog/u-1")
	if strings.Contains(log.text, sub.Address) {
		t.Error("the audit log keeps an erased reader's address")
	}
}

func TestListsGoOnPageByPage(t *testing.T) {
	r := open(t, nil)
	for i := range pageRows + 5 {
		r.reader(fmt.Sprintf("u-%d", i))
	}
	p := r.as(store.RoleViewer)
	first := p.get("/admin/subscribers?site=blog").wants(200, "u-54@example.org", "Older")
	if strings.Contains(first.text, "u-4@example.org") {
		t.Error("the first page has more than its rows")
	}
	p.get("/admin/subscribers?site=blog&before=6").wants(200, "u-4@example.org", "u-0@example.org", "Newest")
}
