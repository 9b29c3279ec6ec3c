package public_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/subscribe"
	. "github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/token"
)

// twoSites makes one person who follows something on both sites, and gives the
// path of their page for the blog.
func (d *door) twoSites(scope token.Scope) (blog, shop dispatcher.Subscriber, manage string) {
	d.TB.Helper()
	blog = d.Reader("blog", "annette", Thread("p1"), Thread("p2"))
	shop = d.Reader("shop", "annette", Thread("s1"))
	d.Publish("blog", [3]string{"p1", "c1", "u1"})
	d.Publish("shop", [3]string{"s1", "c2", "u1"})
	return blog, shop, "/manage/" + d.Token(blog, scope, 0)
}

func TestThePageShowsAndChangesEverySiteOfTheAddress(t *testing.T) {
	d := open(t)
	blog, shop, manage := d.twoSites(token.Manage)
	d.Reader("shop", "somebody.else", Thread("s9"))
	p := d.shows(d.get(manage), 200, "Kleine Werkbank", "Der Laden", "On p1", "On s1", "Stop everything, on every site")
	if strings.Contains(p.text, "s9") {
		t.Error("the page shows what another address follows")
	}
	v := formOf(p.text)
	v.Set("do", "save")
	v.Set("zone", "Asia/Tokyo")
	v.Set("quiet_from", "22:00")
	v.Set("quiet_to", "07:00")
	v.Set("locale", "uk")
	subs, err := d.Store.Subscriptions(t.Context(), shop.ID)
	d.Must(err)
	v.Set(fmt.Sprintf("s-%d", subs[0].ID), "weekly")
	d.shows(d.do("POST", manage, "application/x-www-form-urlencoded", strings.NewReader(v.Encode())), 200, "Збережено", `lang="uk"`)
	for _, sub := range []dispatcher.Subscriber{blog, shop} {
		now, err := d.Store.SubscriberByNumber(t.Context(), sub.ID)
		d.Must(err)
		if now.Zone != "Asia/Tokyo" || now.Quiet.String() != "22:00-07:00" || now.Locale != "uk" {
			t.Errorf("the reader of %s is %+v", sub.Site, now)
		}
	}
	d.wantLive(shop, "thread:s1@weekly")
	p = d.press(manage, "end", fmt.Sprint(subs[0].ID))
	d.wantLive(shop)
	d.press(manage, "do", "undo", "act", act(d, p))
	d.wantLive(shop, "thread:s1@weekly")
	p = d.press(manage, "do", "end_everything")
	d.wantLive(blog)
	d.wantLive(shop)
	undo := url.Values{"do": {"undo"}}
	for _, m := range regexp.MustCompile(`name="act" value="(\d+)"`).FindAllStringSubmatch(p.text, -1) {
		undo.Add("act", m[1])
	}
	d.do("POST", manage, "application/x-www-form-urlencoded", strings.NewReader(undo.Encode()))
	d.wantLive(blog, "thread:p1@immediate", "thread:p2@immediate")
	d.wantLive(shop, "thread:s1@weekly")
}

func TestNobodyEndsOrUndoesWhatIsAnothers(t *testing.T) {
	d := open(t)
	_, _, manage := d.twoSites(token.Manage)
	bob := d.Reader("blog", "bob", Thread("p1"))
	subs, err := d.Store.Subscriptions(t.Context(), bob.ID)
	d.Must(err)
	d.press(manage, "end", fmt.Sprint(subs[0].ID))
	d.press(manage, "do", "save", fmt.Sprintf("s-%d", subs[0].ID), "weekly")
	d.wantLive(bob, "thread:p1@immediate")
	ended, err := d.Store.End(t.Context(), bob.ID, nil, true, "everything", dispatcher.EndedByReader)
	d.Must(err)
	d.shows(d.press(manage, "do", "undo", "act", fmt.Sprint(ended)), 200, "can no longer be undone")
	d.wantLive(bob)
	d.shows(d.press(manage, "unmute", "elsewhere:thread:p1"), 200, "could not be saved")
}

func TestTheUnsubscribePageEndsEverythingOnEverySite(t *testing.T) {
	d := open(t)
	blog, shop, _ := d.twoSites(token.Manage)
	d.Fire(dispatcher.Immediate)
	d.Publish("blog", [3]string{"p1", "c9", "u1"})
	d.Fire(dispatcher.Immediate)
	leave := "/unsubscribe/" + d.Token(blog, token.Unsubscribe, d.Mail(blog).ID)
	d.shows(d.get(leave), 200, "Stop everything from Kleine Werkbank", "Stop everything, on every site")
	d.shows(d.press(leave, "do", "end_everything"), 200, "These mails have stopped")
	d.wantLive(blog)
	d.wantLive(shop)
}

func TestALinkIsMailedToThoseWhoLostTheirs(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"))
	d.shows(d.get("/link?site=blog"), 200, "Lost your link?", "Kleine Werkbank")
	var answers []string
	for _, email := range []string{"annette@example.org", "nobody@example.org", "annette@example.org"} {
		p := d.shows(d.press("/link", "site", "blog", "email", email), 200, "If mails go to this address")
		answers = append(answers, p.text)
	}
	if answers[0] != answers[1] || answers[0] != answers[2] {
		t.Error("the answer tells whether the address is known")
	}
	all := d.mails(dispatcher.KindLink)
	if len(all) != 1 || all[0].Subscriber != sub.ID {
		t.Errorf("the mails are %+v", all)
	}
	d.shows(d.press("/link", "site", "blog", "email", "annette"), 422, "no mail address")
	d.shows(d.press("/link", "email", "x@example.org", "website", "spam"), 200)
	d.shows(d.get("/link?site=nosuch"), 200, "Lost your link?")
}

func TestAnExpiredLinkLeadsToANewOne(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"))
	manage := "/manage/" + d.Token(sub, token.Manage, 0)
	d.Clock.Advance(91 * 24 * time.Hour)
	d.shows(d.get(manage), 403, `href="../link?site=blog"`)
	if p := d.get(forged(manage)); strings.Contains(p.text, "site=blog") {
		t.Error("a forged link is believed about its site")
	}
}

func TestDataNeedsAFreshLink(t *testing.T) {
	d := open(t)
	blog, shop, manage := d.twoSites(token.Manage)
	d.shows(d.get(manage), 200, "we mail you a fresh link first")
	for _, do := range []string{"export", "erase", "erase_now"} {
		d.shows(d.press(manage, "do", do), 200, "within the last hour")
	}
	d.shows(d.press(manage, "do", "link"), 200, "on its way to an…@example.org")
	if all := d.mails(dispatcher.KindLink); len(all) != 1 {
		t.Errorf("the mails are %+v", all)
	}
	_, err := d.Store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "seen", Type: dispatcher.ThreadRead, Time: d.Clock.Now(), Thread: &dispatcher.EventThread{ID: "p1"}, Reader: "annette"}})
	d.Must(err)
	d.Intake()
	fresh := "/manage/" + d.Token(blog, token.Fresh, 0)
	p := d.shows(d.press(fresh, "do", "export"), 200)
	var data subscribe.Data
	d.Must(json.Unmarshal([]byte(p.text), &data))
	if len(data.Sites) != 2 || data.Sites[0].Email != "annette@example.org" || len(data.Sites[0].Subscriptions) != 2 || len(data.Sites[1].Subscriptions) != 1 || len(data.Sites[0].Seen) != 1 || len(data.Sites[0].Mails) != 1 {
		t.Errorf("the data is %s", p.text)
	}
	if got := p.header.Get("Content-Disposition"); got != `attachment; filename="hearback.json"` {
		t.Errorf("it is offered as %q", got)
	}
	d.shows(d.press(fresh, "do", "erase"), 200, "Erase your data?", "Kleine Werkbank", "Der Laden")
	d.shows(d.press(fresh, "do", "keep"), 200, "What you get")
	d.wantLive(blog, "thread:p1@immediate", "thread:p2@immediate")
	d.shows(d.press(fresh, "do", "erase_now"), 200, "Your data is erased")
	for _, sub := range []dispatcher.Subscriber{blog, shop} {
		if _, err := d.Store.SubscriberByNumber(t.Context(), sub.ID); dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
			t.Errorf("%s still knows the reader: %v", sub.Site, err)
		}
	}
	d.shows(d.get(fresh), 404, "no longer there")
}

func TestAFreshLinkWorksForAnHour(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"))
	fresh := "/manage/" + d.Token(sub, token.Fresh, 0)
	d.shows(d.get(fresh), 200, "Download a copy")
	d.Clock.Advance(61 * time.Minute)
	d.shows(d.get(fresh), 403, "has run out")
}

func TestAMailIsShownAsItStandsNowWithTheReasons(t *testing.T) {
	d := open(t)
	sub := d.Reader("blog", "annette", Thread("p1"), Author("u2"))
	d.Publish("blog", [3]string{"p1", "c1", "u1"}, [3]string{"p1", "c2", "u2"})
	d.Fire(dispatcher.Immediate)
	m := d.Mail(sub)
	path := "/view/" + d.Token(sub, token.View, m.ID)
	p := d.shows(d.get(path), 200, "This mail, as it stands now", "Words of c1", "Words of c2", "you follow the conversation", "Name of u2", "On p1")
	if strings.Contains(p.text, "/manage/") {
		t.Error("a page that only shows gives a link that changes")
	}
	_, err := d.Store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "r", Type: dispatcher.CommentRemoved, Time: d.Clock.Now(), Comment: &dispatcher.EventComment{ID: "c1"}}})
	d.Must(err)
	d.Intake()
	p = d.shows(d.get(path), 200, "can no longer be seen", "Words of c2")
	if strings.Contains(p.text, "Words of c1") {
		t.Error("a removed comment is shown")
	}
	d.shows(d.press(path, "do", "end"), 405)
	other := d.Reader("blog", "bob", Thread("p1"))
	d.shows(d.get("/view/"+d.Token(other, token.View, m.ID)), 404, "no longer there")
	d.shows(d.get(strings.Replace(path, "/view/", "/manage/", 1)), 403)
}
