package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// event writes a publication as a site's back end does.
func event(id, comment string) string {
	return fmt.Sprintf(`{"id":%q,"type":"comment.published","time":"2026-06-08T09:59:00Z","thread":{"id":"p1","url":"https://blog.example/p1","title":"On p1"},
		"comment":{"id":%q,"html":"<p>Words</p>"},"author":{"id":"u1","name":"Ann"}}`, id, comment)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (d *door) inbox() int64 {
	d.TB.Helper()
	n, _, err := d.Store.InboxDepth(d.Context())
	d.Must(err)
	return n
}

func TestAnEventIsInTheInboxWhenItIsAnswered(t *testing.T) {
	d := open(t)
	d.want(d.call("POST", "/v1/events", event("e1", "c1")), 202, "accepted", 1, "duplicates", 0)
	if n := d.inbox(); n != 1 {
		t.Errorf("the inbox has %d events, want 1", n)
	}
	d.want(d.call("POST", "/v1/events", event("e1", "c1")), 202, "accepted", 0, "duplicates", 1)
	r := d.wantProblem(d.call("POST", "/v1/events", event("e1", "c2")), 422, dispatcher.CodeIDReused, "id")
	d.want(r, 422, "rejected.0.index", 0, "rejected.0.id", "e1", "rejected.0.error.code", "id_reused")
}

func TestABatchTakesTheGoodAndTellsOfTheBad(t *testing.T) {
	d := open(t)
	body := `{"events":[` + event("e1", "c1") + `,{"id":"bad","type":"comment.published"},` + event("e2", "c2") + `,` + event("e1", "c1") + `,` + event("e2", "other") + `]}`
	d.want(d.call("POST", "/v1/events", body), 202, "accepted", 2, "duplicates", 1,
		"rejected.0.index", 1, "rejected.0.id", "bad", "rejected.0.error.field", "time", "rejected.1.index", 4, "rejected.1.error.code", "id_reused")
	if n := d.inbox(); n != 2 {
		t.Errorf("the inbox has %d events, want 2", n)
	}
}

func TestLinesAreTakenWithAndWithoutTheirMediaType(t *testing.T) {
	for _, kind := range []string{"application/x-ndjson", "application/json", ""} {
		d := open(t)
		body := oneLine(event("e1", "c1")) + "\n\n" + "{broken\n" + oneLine(event("e2", "c2")) + "\n"
		r := d.want(d.call("POST", "/v1/events", body, "Content-Type", kind), 202, "accepted", 2, "rejected.0.index", 1, "rejected.0.error.code", "invalid")
		if len(r.at("rejected").([]any)) != 1 {
			t.Errorf("with %q it answers %s", kind, r.text)
		}
	}
}

func TestManyLinesGoInInSeveralTransactions(t *testing.T) {
	d := open(t)
	var b strings.Builder
	for i := range 2500 {
		b.WriteString(oneLine(event(fmt.Sprint("e", i), fmt.Sprint("c", i))) + "\n")
	}
	b.WriteString("{}\n")
	d.want(d.call("POST", "/v1/events", b.String(), "Content-Type", "application/x-ndjson"), 202, "accepted", 2500, "rejected.0.index", 2500)
	if n := d.inbox(); n != 2500 {
		t.Errorf("the inbox has %d events", n)
	}
}

func TestWhatIsWrongWithAnEventIsToldAndKept(t *testing.T) {
	d := open(t)
	huge := strings.Repeat("x", dispatcher.MaxPayload)
	angles := strings.Repeat("<", dispatcher.MaxPayload/2)
	many := `{"events":[` + strings.TrimSuffix(strings.Repeat("{},", 1001), ",") + `]}`
	for _, c := range []struct {
		name, body, field string
		code              dispatcher.Code
		status            int
		kept              bool
	}{
		{"broken JSON", `{"id":"e1",`, "", dispatcher.CodeInvalid, 422, true},
		{"nothing", ``, "", dispatcher.CodeInvalid, 422, true},
		{"a list", `[]`, "", dispatcher.CodeInvalid, 422, true},
		{"an empty batch", `{"events":[]}`, "events", dispatcher.CodeInvalid, 422, true},
		{"a batch that is no list", `{"events":7}`, "events", dispatcher.CodeInvalid, 422, true},
		{"too many events", many, "events", dispatcher.CodeTooLarge, 413, false},
		{"an unknown field", strings.Replace(event("e1", "c1"), `"author"`, `"auhtor"`, 1), "auhtor", dispatcher.CodeInvalid, 422, true},
		{"an unknown field in a comment", strings.Replace(event("e1", "c1"), `"html"`, `"htlm"`, 1), "comment.htlm", dispatcher.CodeInvalid, 422, true},
		{"an unknown type", strings.Replace(event("e1", "c1"), `.published`, `.shouted`, 1), "type", dispatcher.CodeInvalid, 422, true},
		{"a NUL character", strings.Replace(event("e1", "c1"), `Words`, `Wo\u0000rds`, 1), "comment.html", dispatcher.CodeInvalid, 422, true},
		{"another site's name", strings.Replace(event("e1", "c1"), `{"id"`, `{"site":"shop","id"`, 1), "site", dispatcher.CodeForbidden, 422, true},
		{"a huge event", strings.Replace(event("e1", "c1"), `Words`, huge, 1), "", dispatcher.CodeTooLarge, 422, true},
		{"an event that grows too large", strings.Replace(event("e1", "c1"), `Words`, angles, 1), "comment", dispatcher.CodeTooLarge, 422, true},
		{"text that is not UTF-8", strings.Replace(event("e1", "c1"), `Words`, "W\xff", 1), "", dispatcher.CodeInvalid, 422, true},
		{"a time without an offset", strings.Replace(event("e1", "c1"), `2026-06-08T09:59:00Z`, `2026-06-08`, 1), "time", dispatcher.CodeInvalid, 422, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.TB = t
			before, err := d.Store.RejectedEvents(t.Context(), "blog", 0, 1)
			d.Must(err)
			d.wantProblem(d.call("POST", "/v1/events", c.body), c.status, c.code, c.field)
			after, err := d.Store.RejectedEvents(t.Context(), "blog", 0, 1)
			d.Must(err)
			isNew := len(after) == 1 && (len(before) == 0 || after[0].ID > before[0].ID)
			if isNew != c.kept {
				t.Errorf("kept for the admin: %v, want %v", isNew, c.kept)
			}
		})
	}
	d.TB = t
	if n := d.inbox(); n != 0 {
		t.Errorf("the inbox has %d events, want none", n)
	}
	d.wantProblem(d.call("POST", "/v1/events", strings.Repeat(" ", 10<<20)+"{}"), 413, dispatcher.CodeTooLarge, "")
}

func TestEventsAboutSubscribersNeedTheRightForThem(t *testing.T) {
	d := open(t)
	d.key = d.newKey([]string{"blog"}, store.RightEvents)
	body := `{"id":"s1","type":"subscriber.set","time":"2026-06-08T09:59:00Z","subscriber":{"id":"ann","email":"ann@example.org"}}`
	d.wantProblem(d.call("POST", "/v1/events", body), 422, dispatcher.CodeForbidden, "type")
	d.key = d.newKey([]string{"blog"}, store.RightEvents, store.RightSubscriptions)
	d.want(d.call("POST", "/v1/events", body), 202, "accepted", 1)
}

func TestOnlyAVouchingKeysEventsConfirmAddresses(t *testing.T) {
	d := open(t)
	for i, rights := range [][]store.Right{{store.RightEvents, store.RightSubscriptions}, {store.RightEvents, store.RightSubscriptions, store.RightVouch}} {
		d.key = d.newKey([]string{"blog"}, rights...)
		id := fmt.Sprint("ann", i)
		d.want(d.call("POST", "/v1/events", fmt.Sprintf(`{"id":"s-%s","type":"subscriber.set","time":"2026-06-08T09:59:00Z","subscriber":{"id":%q,"email":"%s@example.org","confirmed":true}}`, id, id, id)), 202, "accepted", 1)
	}
	d.Intake()
	if _, err := d.Store.Subscriber(t.Context(), "blog", "ann0"); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
		t.Errorf("without the right the subscriber is there: %v", err)
	}
	sub, err := d.Store.Subscriber(t.Context(), "blog", "ann1")
	if err != nil || sub.ConfirmedAt.IsZero() {
		t.Errorf("with the right the subscriber is %+v, %v", sub, err)
	}
}

func TestRejectedEventsAreListedShownAndTriedAgain(t *testing.T) {
	d := open(t)
	for i := range 3 {
		d.call("POST", "/v1/events", fmt.Sprintf(`{"id":"bad%d","type":"nonsense","time":"2026-06-08T09:59:00Z"}`, i))
	}
	r := d.want(d.call("GET", "/v1/events?state=rejected&limit=2", ""), 200, "items.0.event_id", "bad2", "items.0.code", "invalid", "items.1.event_id", "bad1")
	r = d.want(d.call("GET", "/v1/events?state=rejected&limit=2&after="+r.at("next").(string), ""), 200, "items.0.event_id", "bad0", "next", nil)
	id := fmt.Sprint(r.at("items.0.id"))
	d.want(d.call("GET", "/v1/events/"+id, ""), 200, "event_id", "bad0")
	d.want(d.call("POST", "/v1/events/"+id+"/retry", ""), 202, "state", "waiting")
	if n := d.inbox(); n != 1 {
		t.Errorf("the inbox has %d events, want the one that is tried again", n)
	}
	d.wantProblem(d.call("POST", "/v1/events/"+id+"/retry", ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("GET", "/v1/events/abc", ""), 404, dispatcher.CodeNotFound, "")
	d.wantProblem(d.call("GET", "/v1/events", ""), 422, dispatcher.CodeInvalid, "state")
	d.wantProblem(d.call("GET", "/v1/events?state=rejected&after=x", ""), 422, dispatcher.CodeInvalid, "after")
	d.wantProblem(d.call("GET", "/v1/events?state=rejected&limit=501", ""), 422, dispatcher.CodeInvalid, "limit")
	d.wantProblem(d.call("GET", "/v1/events?sate=rejected", ""), 422, dispatcher.CodeInvalid, "sate")
	d.key = d.newKey([]string{"shop"}, store.RightAdmin)
	d.wantProblem(d.call("GET", "/v1/events/1", ""), 404, dispatcher.CodeNotFound, "")
}

func TestManyEventsAtOnceAreEachToldTheirOwnFate(t *testing.T) {
	d := open(t)
	d.client.Transport = nil
	d.want(d.call("POST", "/v1/events", event("old", "c-old")), 202, "accepted", 1)
	const each = 40
	var mu sync.Mutex
	got := map[string]int{}
	var wg sync.WaitGroup
	for i := range each {
		// New ones; each twice; repeats of an old one; and reuses of its id.
		for kind, body := range map[string]string{
			"new": event(fmt.Sprint("n", i), "c"), "twice": event(fmt.Sprint("t", i/2), "c"), "old": event("old", "c-old"), "reused": event("old", fmt.Sprint("x", i)),
		} {
			wg.Go(func() {
				r, err := d.send("POST", "/v1/events", body)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					got[err.Error()]++
					return
				}
				switch {
				case r.status == 422:
					got[kind+" rejected as "+fmt.Sprint(r.at("code"))]++
				case r.at("duplicates") == 1.0:
					got[kind+" duplicate"]++
				default:
					got[kind+" accepted"]++
				}
			})
		}
	}
	wg.Wait()
	want := map[string]int{"new accepted": each, "twice accepted": each / 2, "twice duplicate": each / 2, "old duplicate": each, "reused rejected as id_reused": each}
	if a, b := fmt.Sprint(got), fmt.Sprint(want); a != b {
		t.Errorf("the fates are %s, want %s", a, b)
	}
	if n := d.inbox(); n != 1+each+each/2 {
		t.Errorf("the inbox has %d events, want %d", n, 1+each+each/2)
	}
}

func FuzzPostedEventsNeverBreakTheDoor(f *testing.F) {
	for _, s := range []string{event("e1", "c1"), `{"events":[` + event("e2", "c2") + `]}`, oneLine(event("e3", "c3")) + "\n{}", `{"events":null}`, `{"events":[null]}`, `{"events":[{}],"type":"x"}`, "\xef\xbb\xbf{}", `"x"`, "7\n8"} {
		f.Add(s)
	}
	d := open(f)
	f.Fuzz(func(t *testing.T, body string) {
		d.TB = t
		r := d.call("POST", "/v1/events", body)
		var doc struct {
			Accepted, Duplicates int
			Rejected             []any
		}
		if err := json.Unmarshal([]byte(r.text), &doc); err != nil {
			t.Fatalf("%q is answered with %d %q", body, r.status, r.text)
		}
		switch {
		case r.status == 202 && doc.Accepted+doc.Duplicates > 0:
		case (r.status == 422 || r.status == 413) && doc.Accepted+doc.Duplicates == 0 && r.at("mend") != nil:
		default:
			t.Errorf("%q is answered with %d %s", body, r.status, r.text)
		}
	})
}
