package admin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

func TestAMailThatWaitsSaysWhy(t *testing.T) {
	trouble := ""
	r := open(t, func(o *Options) {
		o.RelayNow = func() RelayNow { return RelayNow{Name: "main"} }
		o.RelayTrouble = func() (time.Time, string) { return time.Time{}, trouble }
	})
	sub := r.reader("u-1")
	_, err := r.store.AddMessage(t.Context(), dispatcher.Message{Site: "blog", Kind: dispatcher.KindTest, Subscriber: sub.ID, Address: sub.Address})
	r.must(err)
	p := r.as(store.RoleViewer)
	says := func(words string) {
		t.Helper()
		p.get("/admin/messages/1").wants(http.StatusOK, "Why it waits", words)
	}
	says("No daemon sends mail: start one")
	w, err := r.store.RegisterWorker(t.Context(), "test", time.Hour)
	r.must(err)
	says("It is among 1 mail that a daemon takes in turn.")
	trouble = "connection refused"
	says("The relay cannot be used: Connection refused.")
	r.must(r.store.SetSwitch(t.Context(), store.Switch{Scope: "site:blog", Mode: "hold", Reason: "spam wave"}))
	says("Mail of The Blog is on hold. Spam wave.")
	r.must(r.store.SetSwitch(t.Context(), store.Switch{Scope: "site:blog", Mode: "on"}))
	r.must(r.store.SetSwitch(t.Context(), store.Switch{Scope: "relay:main", Mode: "hold"}))
	says("Mail by the relay main is on hold.")
	r.must(r.store.SetSwitch(t.Context(), store.Switch{Scope: "relay:main", Mode: "on"}))
	trouble = ""
	list, err := r.store.Claim(t.Context(), w, 1, nil)
	r.must(err)
	if len(list) != 1 {
		t.Fatalf("%d messages were claimed", len(list))
	}
	if page := p.get("/admin/messages/1"); strings.Contains(page.text, "Why it waits") {
		t.Error("a mail at a connection is said to wait")
	}
	_, err = r.store.Complete(t.Context(), []store.Completion{{Message: 1, Owner: w, State: dispatcher.StateDeferred, Why: "refused_for_now", DueAt: r.clock.Now().Add(4 * time.Minute)}})
	r.must(err)
	says("It is tried in 4 min.")
}
