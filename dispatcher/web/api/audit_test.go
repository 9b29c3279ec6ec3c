package api_test

import (
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestWhatAKeyChangesIsInTheAuditLog(t *testing.T) {
	d := open(t)
	d.key = d.newKey(nil, store.RightAdmin)
	d.want(d.call("PUT", "/v1/schedules/monthly?site=blog", `{"cron": "0 8 1 * *"}`), 201)
	d.wantProblem(d.call("PUT", "/v1/schedules/monthly?site=blog", `{"cron": "never"}`), 422, dispatcher.CodeInvalid, "cron") // refused: no line
	d.want(d.call("PUT", "/v1/sending?site=blog", `{"mode": "hold", "reason": "spam wave"}`), 200)
	for range 2 { // made once, whatever is asked again
		d.want(d.call("PUT", "/v1/suppressions/ann@example.org?site=blog", "", "Idempotency-Key", "k-1"), 200)
	}
	acts, err := d.Store.Acts(t.Context(), "", "", 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, a := range acts {
		if !strings.HasPrefix(a.By, "key ") {
			t.Errorf("done by %q", a.By)
		}
		what = append(what, a.What+" "+a.Subject)
	}
	if got := strings.Join(what, ", "); got != "suppression.add ann@example.org of blog, sending.set site:blog, schedule.set monthly" {
		t.Errorf("the audit log has %s", got)
	}
}
