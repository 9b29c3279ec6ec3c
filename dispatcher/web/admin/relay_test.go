package admin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/store"
)

func TestRelaysSayHowTheyDoAndWhatTheyRefused(t *testing.T) {
	trouble := ""
	now := RelayNow{Name: "main"}
	r := open(t, func(o *Options) {
		o.Relays = append(o.Relays, Relay{Name: "second", Host: "other.example:465", TLS: "implicit", Connections: 4, Rate: 2.5})
		o.RelayNow = func() RelayNow { return now }
		o.RelayTrouble = func() (time.Time, string) { return time.Time{}, trouble }
	})
	vic := r.as(store.RoleViewer)
	page := vic.get("/admin/relays").wants(http.StatusOK, "main", "mail.example:587, STARTTLS", "16 at most", ">not used<", "hearback check", "second", "TLS from the first byte", "2.5 at most", ">spare<", "Nothing was refused.")
	if strings.Contains(page.text, ">Hold: ") || strings.Contains(page.text, `value="relay:main"`) {
		t.Error("a viewer is shown what they may not do")
	}
	r.reader("u-1")
	r.comment("c-1")
	ids := r.messages("no such mailbox " + hostile)
	r.must(r.store.AddTally(t.Context(), store.Tally{At: r.clock.Now(), Sent: 1234, Deferred: 5}))
	page = vic.get("/admin/relays").wants(http.StatusOK, "550 5.1.1", "no such mailbox", "for good", ">well<", `href="/admin/messages/1"`, "1,234")
	if strings.Contains(page.text, "<script>alert") || len(ids) != 1 {
		t.Errorf("a hostile text is let through, or %d mails were made", len(ids))
	}
	now.OneByOne = "a reply was out of step"
	vic.get("/admin/relays").wants(http.StatusOK, ">well<", "Commands go one by one: a reply was out of step")
	trouble = "dial tcp: connection refused"
	vic.get("/admin/relays").wants(http.StatusOK, "cannot be used", "dial tcp: connection refused")
}

func TestARelayIsHeldAndLetGo(t *testing.T) {
	r := open(t, nil)
	p := r.as(store.RoleEditor)
	p.get("/admin/relays").wants(http.StatusOK, `value="relay:main"`, "Nothing is lost.")
	if to := p.press("/admin/sending", "scope", "relay:main", "mode", "hold", "to", "/relays").wants(http.StatusSeeOther).header.Get("Location"); to != "/admin/relays" {
		t.Errorf("holding it ends at %s", to)
	}
	p.get("/admin/relays").wants(http.StatusOK, "Mail by the relay main is on hold.", "on hold", "Let it go out")
	p.get("/admin/audit").wants(http.StatusOK, "relay:main")
}

func TestWithoutARelayTheCatcherIsNamed(t *testing.T) {
	r := open(t, func(o *Options) { o.Relays, o.Catcher = nil, "/catcher/" })
	r.as(store.RoleViewer).get("/admin/relays").wants(http.StatusOK, "No relay is configured.", "config.yaml", `href="/catcher/"`)
}
