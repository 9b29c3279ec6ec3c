package api_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web/api"
)

const ndjson = "application/x-ndjson"

func TestSubscriptionsComeOneALineWithAReceiptEach(t *testing.T) {
	d := open(t)
	d.Reader("blog", "ann")
	left := d.Reader("blog", "ben")
	_, err := d.Store.End(t.Context(), left.ID, nil, true, "everything", dispatcher.EndedByReader)
	d.Must(err)
	body := strings.Join([]string{
		`{"subscriber":"ann","target":{"type":"thread","id":"p1"}}`,
		`{"subscriber":"ann","target":{"type":"thread","id":"p1"},"schedule":"daily"}`, // the same again
		``,
		`{"subscriber":"nobody","target":{"type":"site"}}`,
		`{"subscriber":"ann","target":{"type":"thread"}}`,
		`{"subscriber":"ben","target":{"type":"site"}}`,
		`{"subscriber":"ann","target":{"type":"author","id":"u7"},"mute":true}`,
		`{"subscriber":"ann","target":{"type":"author","id":"u7"},"mute":true}`,
		`{"subscriber":"ann","target":{"type":"replies"},"consent":{"time":"2030-01-01T00:00:00Z","source":"form"}}`,
		`{"subscriber":"ann","taget":{"type":"site"}}`,
		`{"broken`,
		`{"subscriber":"ann","target":{"type":"replies","depth":"any"}}`,
	}, "\n")
	r := d.want(d.call("POST", "/v1/subscriptions", body, "Content-Type", ndjson).lines(), 200, "summary.created", 3, "summary.updated", 2, "summary.rejected", 6)
	for i, want := range []string{"created", "updated", "not_found", "target.id", "ended_by_reader", "created", "updated", "consent.time", "taget", "invalid", "created"} {
		line := r.json["lines"].([]any)[i].(map[string]any)
		if line["index"] != float64(i) {
			t.Errorf("line %d has the index %v", i, line["index"])
		}
		if why, ok := line["error"].(map[string]any); ok {
			if why["field"] != want && why["code"] != want || why["mend"] == nil {
				t.Errorf("line %d is rejected with %v, want %q", i, why, want)
			}
		} else if line["status"] != want {
			t.Errorf("line %d is %v, want %q", i, line, want)
		}
	}
	d.want(d.call("GET", "/v1/subscriptions?subscriber=ann", ""), 200, "items.0.schedule", "daily", "items.1.target.depth", "any", "mutes.0.target.id", "u7")
	d.wantProblem(d.call("POST", "/v1/subscriptions", body, "Content-Type", ndjson, "Idempotency-Key", "k1"), 422, dispatcher.CodeInvalid, "Idempotency-Key")
	d.wantProblem(d.call("POST", "/v1/subscriptions", "\n \n", "Content-Type", ndjson), 422, dispatcher.CodeInvalid, "")
	d.wantProblem(d.call("POST", "/v1/subscribers", ""), 422, dispatcher.CodeInvalid, "")
}

func TestAVouchingRightIsAskedForLineByLine(t *testing.T) {
	d := open(t)
	d.key = d.newKey([]string{"blog"}, store.RightSubscriptions)
	body := `{"id":"a","email":"a@example.org","confirmed":true}` + "\n" + `{"id":"b","email":"b@example.org"}`
	d.want(d.call("POST", "/v1/subscribers", body, "Content-Type", ndjson).lines(), 200, "lines.0.error.code", "forbidden", "lines.1.status", "created")
}

func TestManyLinesComeInBatchesAndATooLongOneStandsAlone(t *testing.T) {
	d := open(t)
	var b bytes.Buffer
	for i := range 1200 {
		if i == 700 {
			fmt.Fprintf(&b, `{"id":"long","email":"l@example.org","name":"%s"}`+"\n", strings.Repeat("x", dispatcher.MaxPayload))
		}
		fmt.Fprintf(&b, `{"id":"r%d","email":"r%d@example.org"}`+"\n", i, i)
	}
	r := d.want(d.call("POST", "/v1/subscribers", b.String()).lines(), 200, "summary.created", 1200, "summary.rejected", 1)
	if line := r.json["lines"].([]any)[700].(map[string]any); line["status"] != "rejected" || line["error"].(map[string]any)["code"] != "too_large" {
		t.Errorf("the long line is told %v", line)
	}
	// Sending it all again changes nothing.
	d.want(d.call("POST", "/v1/subscribers", b.String()).lines(), 200, "summary.created", 0, "summary.updated", 1200)
	subs, err := d.Store.Subscribers(t.Context(), "blog", "", 0, 2000)
	d.Must(err)
	if len(subs) != 1200 {
		t.Errorf("there are %d subscribers, want 1200", len(subs))
	}
}

func TestABodyOfLinesBeyondTheLimitIsRefusedBeforeAnyIsTaken(t *testing.T) {
	d := openWith(t, api.Options{LinesLimit: 64 << 10})
	line := fmt.Sprintf(`{"id":"a","email":"a@example.org","name":"Ann"}%s`+"\n", strings.Repeat(" ", 1000))
	for name, body := range map[string]io.Reader{"announced": strings.NewReader(strings.Repeat(line, 100)), "not announced": struct{ io.Reader }{strings.NewReader(strings.Repeat(line, 100))}} {
		req, err := http.NewRequest("POST", d.url+"/v1/subscribers", body)
		d.Must(err)
		req.Header.Set("Authorization", "Bearer "+d.key)
		res, err := d.client.Do(req)
		d.Must(err)
		b, err := io.ReadAll(res.Body)
		d.Must(err)
		d.Must(res.Body.Close())
		if res.StatusCode != http.StatusRequestEntityTooLarge || !bytes.Contains(b, []byte(`"mend"`)) {
			t.Errorf("%s: it is answered with %d %s", name, res.StatusCode, b)
		}
	}
	if subs, err := d.Store.Subscribers(t.Context(), "blog", "", 0, 1); err != nil || len(subs) != 0 {
		t.Errorf("there are %d subscribers, %v", len(subs), err)
	}
}
