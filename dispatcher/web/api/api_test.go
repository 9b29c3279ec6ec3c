package api_test

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/token"
	"github.com/hearback/hearback/dispatcher/web/api"
)

func TestACallWithoutAGoodKeyIsUnauthorized(t *testing.T) {
	d := open(t)
	for _, header := range []string{"", "Basic abc", "Bearer ", "Bearer hb_wrong", "Bearer wrong"} {
		r := d.call("GET", "/v1/schedules", "", "Authorization", header)
		d.want(r, 401, "code", "unauthorized")
		if r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q is answered without WWW-Authenticate", header)
		}
	}
	keys, err := d.Store.Keys(t.Context())
	d.Must(err)
	d.Must(d.Store.RevokeKey(t.Context(), keys[0].ID))
	d.want(d.call("GET", "/v1/schedules", ""), 401)
}

func TestWhatIsNearlyRightIsAnsweredWithWhatWasMeant(t *testing.T) {
	d := open(t)
	for _, c := range [][4]string{
		{"POST", "/v1/events", `{"id":"e1","type":"comment.publishd","time":"2026-06-08T09:59:00Z"}`, `did you mean \"comment.published\"?`},
		{"POST", "/v1/subscriptions", `{"subscriber":"ann","target":{"type":"tread","id":"7"}}`, `did you mean \"thread\"?`},
		{"GET", "/v1/events", "", "add ?state=rejected ("},
		{"GET", "/v1/messages?state=snet", "", `did you mean \"sent\"?`},
		{"GET", "/v1/messages?state=zzzzzz", "", "use due, sending, sent, deferred, failed, unknown, cancelled or suppressed"},
		{"GET", "/v1/events?state=x", "", "use rejected"},
		{"PUT", "/v1/sending", `{"mode":"off"}`, "use on, hold or redirect"},
		{"GET", "/v1/subscriptions?subscrber=ann", "", `did you mean \"subscriber\"?`},
	} {
		if r := d.want(d.call(c[0], c[1], c[2]), 422); !strings.Contains(r.text, c[3]) {
			t.Errorf("%s %s does not say %s: %s", c[0], c[1], c[3], r.text)
		}
	}
	if r := d.want(d.call("GET", "/v1/schedules", "", "Authorization", d.key), 401); !strings.Contains(r.text, "the word Bearer is missing") {
		t.Errorf("a key without its word is answered %s", r.text)
	}
}

func TestAKeyReachesItsOwnSiteOnly(t *testing.T) {
	d := open(t)
	d.Reader("blog", "ann", subscribetest.Thread("p1"))
	sub := d.Follow("blog", "ann", subscribetest.Thread("p2"), "")
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	d.Fire(dispatcher.Immediate)
	ann, err := d.Store.Subscriber(t.Context(), "blog", "ann")
	d.Must(err)
	mail := d.Mail(ann).ID
	d.key = d.newKey([]string{"shop"}, store.RightAdmin)
	d.wantProblem(d.call("GET", "/v1/subscribers/ann?site=blog", ""), 403, dispatcher.CodeForbidden, "site")
	for _, path := range []string{"/v1/subscribers/ann", "/v1/subscriptions?subscriber=ann", fmt.Sprint("/v1/subscriptions/", sub.ID), fmt.Sprint("/v1/messages/", mail), "/v1/messages?subscriber=ann"} {
		d.wantProblem(d.call("GET", path, ""), 404, dispatcher.CodeNotFound, "")
	}
	for _, c := range [][2]string{{"DELETE", "/v1/subscribers/ann"}, {"DELETE", fmt.Sprint("/v1/subscriptions/", sub.ID)}, {"POST", fmt.Sprint("/v1/messages/", mail, "/retry")}, {"POST", "/v1/sources/blog-wp/poll"}} {
		d.wantProblem(d.call(c[0], c[1], ""), 404, dispatcher.CodeNotFound, "")
	}
	for _, c := range [][3]string{{"PUT", "/v1/schedules/mine", `{"cron":"0 9 * * *"}`}, {"POST", "/v1/schedules/daily/run", ""}, {"DELETE", "/v1/schedules/daily", ""}} {
		d.wantProblem(d.call(c[0], c[1], c[2]), 403, dispatcher.CodeForbidden, "")
	}
	d.wantProblem(d.call("PUT", "/v1/sending", `{"mode":"hold","scope":"all"}`), 403, dispatcher.CodeForbidden, "scope")
	if got := d.Live(ann); len(got) != 2 {
		t.Errorf("another site's key changed the reader's subscriptions to %q", got)
	}
}

func TestAKeyForSeveralSitesNamesOne(t *testing.T) {
	d := open(t)
	d.key = d.newKey(nil, store.RightAdmin)
	d.wantProblem(d.call("GET", "/v1/subscribers", ""), 422, dispatcher.CodeInvalid, "site")
	d.want(d.call("PUT", "/v1/subscribers/ann?site=shop", `{"email":"ann@example.org"}`), 201)
	d.want(d.call("GET", "/v1/subscribers/ann?site=shop", ""), 200, "email", "ann@example.org")
	d.wantProblem(d.call("GET", "/v1/subscribers/ann?site=blog", ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("GET", "/v1/subscribers?site=other", ""), 403, dispatcher.CodeForbidden, "site")
}

func TestEachRightOpensItsRoutesOnly(t *testing.T) {
	d := open(t)
	d.key = d.newKey([]string{"blog"}, store.RightRead)
	d.want(d.call("GET", "/v1/messages", ""), 200)
	d.wantProblem(d.call("POST", "/v1/events", event("e1", "c1")), 403, dispatcher.CodeForbidden, "")
	d.wantProblem(d.call("PUT", "/v1/subscribers/ann", `{"email":"ann@example.org"}`), 403, dispatcher.CodeForbidden, "")
	d.wantProblem(d.call("PUT", "/v1/sending", `{"mode":"on"}`), 403, dispatcher.CodeForbidden, "")
	d.key = d.newKey([]string{"blog"}, store.RightSubscriptions)
	d.want(d.call("PUT", "/v1/subscribers/ann", `{"email":"ann@example.org"}`), 201, "confirmed", false)
	d.wantProblem(d.call("PUT", "/v1/subscribers/bob", `{"email":"bob@example.org","confirmed":true}`), 403, dispatcher.CodeForbidden, "confirmed")
	d.wantProblem(d.call("GET", "/v1/messages", ""), 403, dispatcher.CodeForbidden, "")
}

func TestUnknownPathsAndMethodsAreProblems(t *testing.T) {
	d := open(t)
	d.wantProblem(d.call("GET", "/v1/nothing", ""), 404, dispatcher.CodeNotFound, "")
	r := d.want(d.call("DELETE", "/v1/events", ""), 405)
	if r.header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow is %q", r.header.Get("Allow"))
	}
}

func TestSubscribersLiveByTheSitesOwnIDs(t *testing.T) {
	d := open(t)
	d.want(d.call("PUT", "/v1/subscribers/ann", `{"email":"Ann@Example.org","name":"Ann","time_zone":"Asia/Tokyo","author_ids":["u1","u2"],"confirmed":true}`),
		201, "id", "ann", "email", "Ann@Example.org", "confirmed", true, "author_ids.1", "u2")
	d.want(d.call("PUT", "/v1/subscribers/ann", `{"name":"Anne"}`), 200, "name", "Anne", "time_zone", "Asia/Tokyo")
	d.want(d.call("PUT", "/v1/subscribers/second", `{"email":"ann@example.ORG"}`), 200, "id", "second", "name", "Anne")
	d.want(d.call("PATCH", "/v1/subscribers/ann", `{"quiet_hours":"22:00-07:00"}`), 200, "quiet_hours", "22:00-07:00")
	d.want(d.call("GET", "/v1/subscribers/ann", ""), 200, "quiet_hours", "22:00-07:00", "ids.0", "ann", "ids.1", "second")
	d.want(d.call("PUT", "/v1/subscribers/a%2Fb%20c", `{"email":"slash@example.org"}`), 201, "id", "a/b c")
	d.want(d.call("GET", "/v1/subscribers/a%2Fb%20c", ""), 200, "email", "slash@example.org")
	d.want(d.call("DELETE", "/v1/subscribers/ann", ""), 204)
	for method, body := range map[string]string{"GET": "", "DELETE": "", "PATCH": `{"name":"x"}`} {
		d.wantProblem(d.call(method, "/v1/subscribers/ann", body), 404, dispatcher.CodeNotFound, "")
	}
}

func TestWrongSubscribersAreRefusedByField(t *testing.T) {
	d := open(t)
	for body, field := range map[string]string{
		`{}`: "email", `{"email":"nobody"}`: "email", `{"email":"a@example.org","time_zone":"Mars"}`: "time_zone",
		`{"email":"a@example.org","schedule":"never"}`: "schedule", `{"email":"a@example.org","quiet_hours":"x"}`: "quiet_hours",
		`{"email":"a@example.org","paused_until":"soon"}`: "paused_until", `{"emial":"a@example.org"}`: "emial", `{"id":"other","email":"a@example.org"}`: "id",
	} {
		d.wantProblem(d.call("PUT", "/v1/subscribers/ann", body), 422, dispatcher.CodeInvalid, field)
	}
	d.wantProblem(d.call("PUT", "/v1/subscribers/"+strings.Repeat("x", 201), `{"email":"a@example.org"}`), 422, dispatcher.CodeInvalid, "id")
	d.want(d.call("PUT", "/v1/subscribers/ann", `{"email":"a@example.org"}`), 201)
	d.want(d.call("PUT", "/v1/subscribers/bob", `{"email":"b@example.org"}`), 201)
	d.wantProblem(d.call("PATCH", "/v1/subscribers/bob", `{"email":"a@example.org"}`), 409, dispatcher.CodeConflict, "email")
}

func TestSubscribersAreListedInPagesThatLeaveNobodyOut(t *testing.T) {
	d := open(t)
	var lines strings.Builder
	for i := range 7 {
		fmt.Fprintf(&lines, `{"id":"r%d","email":"r%d@example.org","name":"Reader %d"}`+"\n", i, i, i)
	}
	lines.WriteString(`{"id":"bad","email":"nobody"}` + "\n" + `{"id":"r1","name":"Again"}` + "\n")
	d.want(d.call("POST", "/v1/subscribers", lines.String()).lines(), 200, "summary.created", 7, "summary.updated", 1, "summary.rejected", 1,
		"lines.7.index", 7, "lines.7.status", "rejected", "lines.7.id", "bad", "lines.7.error.field", "email", "lines.8.status", "updated")
	seen, next := map[string]bool{}, ""
	for range 10 {
		r := d.want(d.call("GET", "/v1/subscribers?limit=3&after="+next, ""), 200)
		for _, item := range r.at("items").([]any) {
			seen[item.(map[string]any)["id"].(string)] = true
		}
		more, ok := r.at("next").(string)
		if !ok {
			break
		}
		next = more
	}
	if len(seen) != 7 {
		t.Errorf("the pages have %d subscribers: %v", len(seen), seen)
	}
	d.want(d.call("GET", "/v1/subscribers?q=r3%40ex", ""), 200, "items.0.id", "r3", "items.1", nil)
}

func TestSubscriptionsAreMadeChangedAndEnded(t *testing.T) {
	d := open(t)
	d.Reader("blog", "ann")
	body := `{"subscriber":"ann","target":{"type":"thread","id":"p1"},"schedule":"daily"}`
	r := d.want(d.call("POST", "/v1/subscriptions", body), 201, "subscriber", "ann", "target.id", "p1", "schedule", "daily", "state", "live", "own_schedule", true)
	path := fmt.Sprint("/v1/subscriptions/", r.at("id"))
	d.want(d.call("POST", "/v1/subscriptions", body), 200, "id", int(r.at("id").(float64)))
	d.want(d.call("GET", path, ""), 200, "target.type", "thread", "subscriber", "ann")
	d.want(d.call("PATCH", path, `{"schedule":"weekly"}`), 200, "schedule", "weekly")
	d.wantProblem(d.call("PATCH", path, `{"schedule":"never"}`), 422, dispatcher.CodeInvalid, "schedule")
	d.want(d.call("POST", "/v1/subscriptions", `{"subscriber":"ann","target":{"type":"replies","depth":"any"}}`), 201, "target.depth", "any")
	d.want(d.call("POST", "/v1/subscriptions", `{"subscriber":"ann","target":{"type":"author","id":"u7"},"mute":true}`), 201, "mute", true)
	d.want(d.call("POST", "/v1/subscriptions", `{"subscriber":"ann","target":{"type":"author","id":"u7"},"mute":true}`), 200)
	d.want(d.call("GET", "/v1/subscriptions?subscriber=ann", ""), 200, "items.0.schedule", "weekly", "items.1.target.type", "replies", "mutes.0.target.id", "u7")
	d.want(d.call("DELETE", path, ""), 204)
	d.want(d.call("DELETE", path, ""), 204)
	d.want(d.call("GET", path, ""), 200, "state", "ended", "ended_by", "site")
	d.wantProblem(d.call("PATCH", path, `{"schedule":"daily"}`), 409, dispatcher.CodeConflict, "")
	d.want(d.call("DELETE", "/v1/subscriptions?subscriber=ann&type=replies", ""), 204)
	d.want(d.call("DELETE", "/v1/subscriptions?subscriber=ann&type=author&id=u7&mute=true", ""), 204)
	d.want(d.call("GET", "/v1/subscriptions?subscriber=ann&state=live", ""), 200, "items.0", nil, "mutes.0", nil)
	d.want(d.call("POST", "/v1/subscriptions", body), 201) // the site ended it, so the site renews it
}

func TestWrongSubscriptionsAreRefusedByField(t *testing.T) {
	d := open(t)
	d.Reader("blog", "ann")
	for body, field := range map[string]string{
		`{"target":{"type":"site"}}`: "subscriber", `{"subscriber":"ann","target":{"type":"thread"}}`: "target.id", `{"subscriber":"ann"}`: "target.type",
		`{"subscriber":"ann","target":{"type":"trhead","id":"1"}}`: "target.type", `{"subscriber":"ann","target":{"tpye":"thread"}}`: "target.tpye",
		`{"subscriber":"ann","target":{"type":"comment","id":"1"},"mute":true}`:        "target.type",
		`{"subscriber":"ann","target":{"type":"site"},"consent":{"source":"form"}}`:    "consent.time",
		`{"subscriber":"ann","target":{"type":"replies","depth":"deep"}}`:              "target.depth",
		`{"subscriber":"ann","target":{"type":"thread","id":"1"},"schedule":"dailly"}`: "schedule",
	} {
		d.wantProblem(d.call("POST", "/v1/subscriptions", body), 422, dispatcher.CodeInvalid, field)
	}
	d.wantProblem(d.call("POST", "/v1/subscriptions", `{"subscriber":"nobody","target":{"type":"site"}}`), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("GET", "/v1/subscriptions?subscriber=ann&state=alive", ""), 422, dispatcher.CodeInvalid, "state")
	d.wantProblem(d.call("GET", "/v1/subscriptions/0", ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("DELETE", "/v1/subscriptions?subscriber=ann&type=thread", ""), 422, dispatcher.CodeInvalid, "target.id")
}

func TestWhatAReaderEndedIsRenewedByALaterConsentOnly(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "ann", subscribetest.Thread("p1"))
	v, err := d.Desk.Open(t.Context(), d.Token(sub, token.Unsubscribe, 0), token.Unsubscribe)
	d.Must(err)
	_, err = d.Desk.Leave(t.Context(), v)
	d.Must(err)
	d.Clock.Advance(time.Hour)
	body := `{"subscriber":"ann","target":{"type":"thread","id":"p1"}%s}`
	d.wantProblem(d.call("POST", "/v1/subscriptions", fmt.Sprintf(body, "")), 409, dispatcher.CodeEnded, "subscription")
	d.wantProblem(d.call("POST", "/v1/subscriptions", fmt.Sprintf(body, `,"consent":{"time":"2026-06-08T09:00:00Z","source":"form"}`)), 409, dispatcher.CodeEnded, "subscription")
	d.want(d.call("POST", "/v1/subscriptions", fmt.Sprintf(body, `,"consent":{"time":"2026-06-08T10:30:00Z","source":"form"}`)), 201, "state", "live")
}

func TestSchedulesAreValidatedShownPausedRunAndRemoved(t *testing.T) {
	d := open(t)
	d.key = d.newKey(nil, store.RightAdmin)
	put := func(name, body string) reply { return d.call("PUT", "/v1/schedules/"+name+"?site=blog", body) }
	d.want(put("noon", `{"cron":"0 12 * * *","time_zone":"Europe/Berlin","min_items":2,"catch_up":"48h","quiet_hours":"22:00-07:00"}`),
		201, "name", "noon", "words", "every day at 12:00", "catch_up", "48h0m0s", "max_items", 50, "next.0.local", "Tue 2026-06-09 12:00 +02:00")
	d.want(put("noon", `{"cron":"0 12 * * 1-5"}`), 200, "words", "on weekdays at 12:00", "min_items", 0)
	for body, field := range map[string]string{
		`{"cron":"61 * * * *"}`: "cron", `{"cron":"0 0 31 2 *"}`: "cron", `{}`: "cron", `{"cron":"@daily","time_zone":"Mars"}`: "time_zone",
		`{"cron":"@daily","catch_up":"soon"}`: "catch_up", `{"cron":"@daily","misfire":"maybe"}`: "misfire", `{"corn":"@daily"}`: "corn", `{"cron":"@daily","max_items":0}`: "max_items",
	} {
		d.wantProblem(put("bad", body), 422, dispatcher.CodeInvalid, field)
	}
	d.wantProblem(put("Bad%20Name", `{"cron":"@daily"}`), 422, dispatcher.CodeInvalid, "name")
	d.want(d.call("GET", "/v1/schedules?site=blog", ""), 200, "items.0.name", "daily", "items.1.name", "immediate", "items.1.words", "at once")
	d.want(d.call("GET", "/v1/schedules/noon?site=blog", ""), 200, "name", "noon")
	d.want(d.call("GET", "/v1/schedules/daily/next?site=blog&count=2&zone=Asia/Tokyo", ""), 200, "time_zone", "Asia/Tokyo", "next.1.local", "Wed 2026-06-10 08:00 +09:00", "next.2", nil)
	d.wantProblem(d.call("GET", "/v1/schedules/daily/next?site=blog&zone=Mars", ""), 422, dispatcher.CodeInvalid, "zone")
	d.wantProblem(d.call("GET", "/v1/schedules/daily/next?site=blog&count=0", ""), 422, dispatcher.CodeInvalid, "count")
	d.wantProblem(d.call("GET", "/v1/schedules/immediate/next?site=blog", ""), 409, dispatcher.CodeConflict, "")
	d.Reader("blog", "ann")
	d.Follow("blog", "ann", subscribetest.Thread("p1"), "noon")
	d.want(d.call("POST", "/v1/schedules/noon/run?site=blog", ""), 202, "opened", 1)
	slots, err := d.Store.Slots(t.Context(), "noon", 0, 10)
	d.Must(err)
	if len(slots) != 1 {
		t.Errorf("running it opened %d slots", len(slots))
	}
	d.want(d.call("POST", "/v1/schedules/noon/pause?site=blog", ""), 200, "paused", true)
	d.wantProblem(d.call("POST", "/v1/schedules/noon/run?site=blog", ""), 409, dispatcher.CodeConflict, "")
	d.want(d.call("POST", "/v1/schedules/noon/resume?site=blog", ""), 200, "paused", false)
	d.wantProblem(d.call("DELETE", "/v1/schedules/noon?site=blog", ""), 409, dispatcher.CodeInUse, "name")
	d.want(d.call("DELETE", "/v1/schedules/noon?site=blog&move_to=daily", ""), 204)
	d.wantProblem(d.call("GET", "/v1/schedules/noon?site=blog", ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("POST", "/v1/schedules/noon/pause?site=blog", ""), 404, dispatcher.CodeNotFound, "")
}

func TestMessagesAreListedShownAndExplained(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "ann", subscribetest.Thread("p1"))
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	d.Fire(dispatcher.Immediate)
	id := fmt.Sprint(d.Mail(sub).ID)
	d.want(d.call("GET", "/v1/messages?subscriber=ann&state=due", ""), 200, "items.0.kind", "reply", "items.0.subscriber", "ann", "items.0.items.0.comment", "c1", "items.0.items.0.reason", "thread")
	d.want(d.call("GET", "/v1/messages?state=sent", ""), 200, "items.0", nil)
	d.want(d.call("GET", "/v1/messages/"+id, ""), 200, "state", "due", "items.0.comment", "c1")
	d.wantProblem(d.call("POST", "/v1/messages/"+id+"/retry", ""), 409, dispatcher.CodeConflict, "")
	w, err := d.Store.RegisterWorker(t.Context(), "test", time.Minute)
	d.Must(err)
	ms, err := d.Store.Claim(t.Context(), w, 1, nil)
	d.Must(err)
	_, err = d.Store.Complete(t.Context(), []store.Completion{{Message: ms[0].ID, Owner: w, State: dispatcher.StateFailed, Why: "refused", Charge: 1,
		Attempt: &dispatcher.Attempt{At: d.Clock.Now(), Relay: "smtp", Outcome: dispatcher.OutcomeFailed, Code: 550, Text: "no such user"}}})
	d.Must(err)
	d.want(d.call("GET", "/v1/messages/"+id, ""), 200, "state", "failed", "history.0.code", 550, "history.0.text", "no such user")
	d.want(d.call("POST", "/v1/messages/"+id+"/retry", ""), 202, "state", "due")
	d.wantProblem(d.call("GET", "/v1/messages?state=lost", ""), 422, dispatcher.CodeInvalid, "state")
	d.wantProblem(d.call("GET", "/v1/messages/999", ""), 404, dispatcher.CodeNotFound, "")
	d.want(d.call("GET", "/v1/explain?subscriber=ann&comment=c1", ""), 200, "subscriber", "ann", "comment", "c1", "verdict", "will_be_sent", "subscriptions.0.reason", "thread")
	d.wantProblem(d.call("GET", "/v1/explain?subscriber=ann", ""), 422, dispatcher.CodeInvalid, "comment")
	d.wantProblem(d.call("GET", "/v1/explain?comment=c1", ""), 422, dispatcher.CodeInvalid, "subscriber")
	d.want(d.call("GET", "/v1/explain?subscriber=nobody&comment=c1", ""), 200, "verdict", "unknown_subscriber")
}

func TestTemplatesAreCheckedSavedPublishedAndRolledBack(t *testing.T) {
	d := open(t)
	bad := `{"subject":"{{.Nonsense}}"}`
	r := d.want(d.call("PUT", "/v1/templates/test/en", bad), 422, "code", "invalid", "field", "subject")
	if len(r.at("errors").([]any)) == 0 {
		t.Errorf("the report is %s", r.text)
	}
	d.want(d.call("PUT", "/v1/templates/test/en", `{"subject":"One"}`), 201, "version", 1, "state", "draft", "subject", "One", "site", "blog")
	d.want(d.call("POST", "/v1/templates/test/en/versions/1/publish", ""), 200, "state", "active")
	d.want(d.call("PUT", "/v1/templates/test/en", `{"subject":"Two"}`), 201, "version", 2)
	d.Clock.Advance(time.Minute)
	d.want(d.call("POST", "/v1/templates/test/en/versions/2/publish", ""), 200)
	d.want(d.call("GET", "/v1/templates", ""), 200, "items.0.version", 2, "items.0.state", "active", "items.1.state", "old")
	d.want(d.call("POST", "/v1/templates/test/en/preview", ""), 200, "subject", "Two")
	d.want(d.call("POST", "/v1/templates/test/en/rollback", ""), 200, "version", 1)
	d.want(d.call("POST", "/v1/templates/test/en/preview", `{"subject":"Three for {{.Site.Name}}"}`), 200, "subject", "Three for Kleine Werkbank")
	d.wantProblem(d.call("POST", "/v1/templates/test/en/preview", `{"subject":"{{"}`), 422, dispatcher.CodeInvalid, "subject")
	d.wantProblem(d.call("POST", "/v1/templates/test/en/versions/9/publish", ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("PUT", "/v1/templates/letter/en", `{}`), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("PUT", "/v1/templates/test/en?scope=all", `{"subject":"All"}`), 403, dispatcher.CodeForbidden, "scope")
	r = d.want(d.call("POST", "/v1/templates/test/en/test", `{"to":"admin@example.org"}`), 202, "to", "admin@example.org")
	m, _, err := d.Store.Message(t.Context(), int64(r.at("message").(float64)))
	if err != nil || m.Kind != dispatcher.KindTest || m.Address != "admin@example.org" {
		t.Errorf("the test mail is %+v, %v", m, err)
	}
	d.wantProblem(d.call("POST", "/v1/templates/test/en/test", `{"to":"nobody"}`), 422, dispatcher.CodeInvalid, "to")
}

func TestTheSendingSwitchTellsWhatCountsForTheSite(t *testing.T) {
	d := open(t)
	d.want(d.call("GET", "/v1/sending", ""), 200, "mode", "on")
	d.want(d.call("PUT", "/v1/sending", `{"mode":"redirect","redirect":"qa@example.org"}`), 200, "mode", "redirect", "redirect", "qa@example.org")
	d.Must(d.Store.SetSwitch(t.Context(), store.Switch{Mode: "hold", Reason: "restored"}))
	d.want(d.call("GET", "/v1/sending", ""), 200, "mode", "hold", "reason", "restored", "redirect", nil)
	d.Must(d.Store.SetSwitch(t.Context(), store.Switch{Mode: "on"}))
	d.want(d.call("PUT", "/v1/sending", `{"mode":"on"}`), 200, "mode", "on")
	d.Must(d.Store.SetSwitch(t.Context(), store.Switch{Scope: "site:shop", Mode: "hold"}))
	d.want(d.call("GET", "/v1/sending", ""), 200, "mode", "on")
	for body, field := range map[string]string{`{"mode":"off"}`: "mode", `{}`: "mode", `{"mode":"redirect"}`: "redirect", `{"mode":"on","redirect":"x@example.org"}`: "redirect", `{"mode":"on","scope":"moon"}`: "scope"} {
		d.wantProblem(d.call("PUT", "/v1/sending", body), 422, dispatcher.CodeInvalid, field)
	}
	d.key = d.newKey(nil, store.RightAdmin)
	d.want(d.call("PUT", "/v1/sending?site=blog", `{"mode":"hold","scope":"all"}`), 200, "mode", "hold")
}

func TestSuppressionsComparePostalStyleAddresses(t *testing.T) {
	d := open(t)
	path := "/v1/suppressions/" + url.PathEscape("Ann@Example.ORG")
	d.want(d.call("PUT", path, `{"detail":"asked by phone"}`), 200, "address", "ann@example.org", "reason", "admin", "detail", "asked by phone")
	d.want(d.call("PUT", path, ""), 200, "detail", "asked by phone")
	d.want(d.call("PUT", "/v1/suppressions/annb@example.org", ""), 200)
	d.want(d.call("GET", "/v1/suppressions/ann@example.org", ""), 200, "reason", "admin")
	r := d.want(d.call("GET", "/v1/suppressions?limit=1", ""), 200, "items.0.address", "ann@example.org")
	d.want(d.call("GET", "/v1/suppressions?limit=1&after="+url.QueryEscape(r.at("next").(string)), ""), 200, "items.0.address", "annb@example.org", "next", nil)
	d.want(d.call("DELETE", path, ""), 204)
	d.wantProblem(d.call("DELETE", path, ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("GET", path, ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("GET", "/v1/suppressions/nobody", ""), 422, dispatcher.CodeInvalid, "address")
}

func TestSourcesAreThoseOfTheSite(t *testing.T) {
	d := open(t)
	d.want(d.call("GET", "/v1/sources", ""), 200, "items.0.name", "blog-wp", "items.1", nil)
	d.want(d.call("POST", "/v1/sources/blog-wp/poll", ""), 200, "name", "blog-wp")
	d.want(d.call("POST", "/v1/sources/blog-wp/pause", `{"reason":"import"}`), 200)
	d.want(d.call("POST", "/v1/sources/blog-wp/resume", `{"admit":"record"}`), 200)
	if got := strings.Join(d.sources.told, ", "); got != "poll blog-wp, pause blog-wp import, resume blog-wp record" {
		t.Errorf("the sources were told %q", got)
	}
	d.wantProblem(d.call("POST", "/v1/sources/shop-wp/poll", ""), 404, dispatcher.CodeNotFound, "")
}

func TestADaemonWithoutSourcesListsNone(t *testing.T) {
	d := openWith(t, api.Options{}, func(o *api.Options) { o.Sources = nil })
	if r := d.want(d.call("GET", "/v1/sources", ""), 200); r.text != "{\"items\":[]}\n" {
		t.Errorf("the list is %s", r.text)
	}
	d.wantProblem(d.call("POST", "/v1/sources/wp/poll", ""), 404, dispatcher.CodeNotFound, "")
}

func TestARepeatWithTheSameIdempotencyKeyGetsTheSameAnswer(t *testing.T) {
	d := open(t)
	d.Reader("blog", "ann")
	body := `{"subscriber":"ann","target":{"type":"thread","id":"p1"}}`
	first := d.want(d.call("POST", "/v1/subscriptions", body, "Idempotency-Key", "k1"), 201)
	again := d.want(d.call("POST", "/v1/subscriptions", body, "Idempotency-Key", "k1"), 201)
	if first.text != again.text || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != "application/json" {
		t.Errorf("the repeat got %q %v, the first %q", again.text, again.header, first.text)
	}
	d.want(d.call("POST", "/v1/subscriptions", body), 200)
	d.wantProblem(d.call("POST", "/v1/subscriptions", `{"subscriber":"ann","target":{"type":"site"}}`, "Idempotency-Key", "k1"), 422, dispatcher.CodeInvalid, "Idempotency-Key")
	d.wantProblem(d.call("POST", "/v1/subscriptions", body, "Idempotency-Key", "two words"), 422, dispatcher.CodeInvalid, "Idempotency-Key")
	// A refusal is an answer too, and another key has answers of its own.
	refused := d.call("POST", "/v1/subscriptions", `{}`, "Idempotency-Key", "k2")
	d.wantProblem(d.call("POST", "/v1/subscriptions", `{}`, "Idempotency-Key", "k2"), refused.status, dispatcher.CodeInvalid, "subscriber")
	d.key = d.newKey([]string{"blog"}, store.RightAdmin)
	d.want(d.call("POST", "/v1/subscriptions", body, "Idempotency-Key", "k1"), 200)
	d.Clock.Advance(25 * time.Hour)
	d.want(d.call("POST", "/v1/subscriptions", `{"subscriber":"ann","target":{"type":"site"}}`, "Idempotency-Key", "k1"), 201)
}

func TestACallThatStillRunsIsAConflictForItsRepeat(t *testing.T) {
	d := open(t)
	keys, err := d.Store.Keys(t.Context())
	d.Must(err)
	body := event("e1", "c1")
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte("POST /v1/events?\n"+body)))
	_, err = d.Store.BeginRequest(t.Context(), "blog", fmt.Sprintf("%d/k1", keys[0].ID), hash)
	d.Must(err)
	d.wantProblem(d.call("POST", "/v1/events", body, "Idempotency-Key", "k1"), 409, dispatcher.CodeConflict, "Idempotency-Key")
	if n := d.inbox(); n != 0 {
		t.Errorf("the inbox has %d events, want none", n)
	}
}
