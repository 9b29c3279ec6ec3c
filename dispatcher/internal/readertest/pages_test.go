package readertest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/browsertest"
	"github.com/hearback/hearback/dispatcher/token"
)

// sign makes a link of a reader.
func (tw *town) sign(sub dispatcher.Subscriber, page string, scope token.Scope, ref int64) string {
	return tw.base + "/" + page + "/" + tw.Signer.Sign(token.New(scope, &sub, ref, time.Now()))
}

// anna makes a reader of both sites who got a mail, and has a mute.
func (tw *town) anna(locale string) (sub dispatcher.Subscriber, got letter) {
	tw.tb.Helper()
	id := "anna-" + locale
	first := "post-7"
	sub = tw.reader("blog", id, locale, thread(first), thread("post-8"), dispatcher.Target{Type: dispatcher.TargetReplies}, dispatcher.Target{Type: dispatcher.TargetAuthor, ID: "u-9"})
	tw.reader("shop", id, locale, thread("s1"))
	_, _, err := tw.Store.SetSubscription(tw.tb.Context(), "blog", dispatcher.EventSubscription{Subscriber: id, Target: dispatcher.Target{Type: dispatcher.TargetThread, ID: "post-9"}, Mute: true}, true)
	must(tw.tb, err)
	words := "To " + locale + ": a word that is long enough to be read twice, and once more on a Sunday."
	tw.publish("blog", first, "u-9", words)
	return sub, tw.mail(id+"@example.org", "clocks", "To "+locale)
}

// step is one page to look at, reached by an address and then by buttons.
type step struct {
	name, url string
	press     []string
	status    int
}

func (tw *town) steps(sub dispatcher.Subscriber, got letter) []step {
	manage, fresh := tw.sign(sub, "manage", token.Manage, 0), tw.sign(sub, "manage", token.Fresh, 0)
	leave := tw.link(got, "unsubscribe")
	email := "new@example.org"
	_, _, err := tw.Store.SetSubscriber(tw.tb.Context(), "blog", dispatcher.EventSubscriber{ID: "new", Email: &email, Locale: &sub.Locale}, false)
	must(tw.tb, err)
	_, _, err = tw.Store.SetSubscription(tw.tb.Context(), "blog", dispatcher.EventSubscription{Subscriber: "new", Target: thread("post-7")}, false)
	must(tw.tb, err)
	pending, err := tw.Store.Subscriber(tw.tb.Context(), "blog", "new")
	must(tw.tb, err)
	form := tw.base + "/subscribe?site=blog&thread=post-7&author=u-9&lang=" + sub.Locale
	return []step{
		{"subscribe", form, nil, 200},
		{"misbuilt", tw.base + "/subscribe?site=nosuch&lang=" + sub.Locale, nil, 422},
		{"confirm", tw.sign(pending, "confirm", token.Confirm, 1), nil, 200},
		{"manage", manage, nil, 200},
		{"manage-fresh", fresh, nil, 200},
		{"erase", fresh, []string{"form:has([value=erase]) button"}, 200},
		{"view", tw.link(got, "view"), nil, 200},
		{"mute", tw.link(got, "mute"), nil, 200},
		{"muted", tw.link(got, "mute"), []string{"button.main"}, 200},
		{"link", tw.base + "/link?site=blog&lang=" + sub.Locale, nil, 200},
		{"broken", manage[:len(manage)-3], nil, 422},
		{"leave", leave, nil, 200},
		{"left", leave, []string{"button.main"}, 200},
		{"undone", leave, []string{"form:has([name=act]) button"}, 200},
		{"all-ended", manage, []string{"form:has([value=end_everything]) button"}, 200},
	}
}

func TestEveryPageIsAccessibleAndFitsAPhone(t *testing.T) {
	for _, view := range []browsertest.View{browsertest.Desktop(), browsertest.Phone().Dark()} {
		for _, lang := range []string{"en", "ar"} {
			t.Run(view.Name+"-"+lang, func(t *testing.T) {
				tw := open(t, "")
				tw.publish("shop", "s1", "u-1", "Of the shop.")
				tw.publish("blog", "post-8", "u-1", "Of another.")
				tw.publish("blog", "post-9", "u-1", "Of a third.")
				tw.known("shop", "s1")
				p := browsertest.Open(t, view.In(lang))
				for _, s := range tw.steps(tw.anna(lang)) {
					if got := p.Go(s.url); len(s.press) == 0 && got != s.status {
						t.Errorf("%s has status %d, want %d", s.name, got, s.status)
					}
					for _, b := range s.press {
						p.Press(b)
					}
					if got := browsertest.Eval[string](p, "document.documentElement.lang"); got != lang {
						t.Errorf("%s is in %s, want %s", s.name, got, lang)
					}
					if text := p.Text(); strings.Contains(text, "[") && !strings.Contains(text, "thread=ID") || strings.Contains(text, "%!") {
						t.Errorf("%s says %q", s.name, text)
					}
					p.Shot(s.name + "-" + lang)
					p.Fits()
					p.Accessible()
					p.Complaints() // a page for a wrong link has its status in the browser's log
				}
			})
		}
	}
}

func TestThePageTellsTheTimeInTheZoneThatIsTyped(t *testing.T) {
	tw := open(t, "")
	sub := tw.reader("blog", "ann", "en", thread("post-7"))
	p := browsertest.Open(t, browsertest.Desktop())
	p.Go(tw.sign(sub, "manage", token.Manage, 0))
	p.Type("#zone", "Asia/Kathmandu")
	want := func() []string {
		kathmandu, err := time.LoadLocation("Asia/Kathmandu")
		must(t, err)
		now := time.Now().In(kathmandu)
		return []string{now.Format("15:04"), now.Add(-time.Minute).Format("15:04")}
	}
	if got := p.See("#clock"); !slices.Contains(want(), got) {
		t.Errorf("in Kathmandu it is %s, want one of %s", got, want())
	}
	p.Click("#here")
	if got := browsertest.Eval[string](p, "document.getElementById('zone').value"); got != "UTC" {
		t.Errorf("the device's zone is %q", got)
	}
}

func TestAScannerThatOpensEveryLinkAndRunsItsScriptsChangesNothing(t *testing.T) {
	tw := open(t, "")
	tw.publish("blog", "post-7", "u-9", "A first word.")
	tw.known("blog", "post-7")
	sub, got := tw.anna("en")
	p := browsertest.Open(t, browsertest.Desktop())
	p.Go(tw.base + "/subscribe?site=blog&thread=post-7&lang=en")
	p.Type("[name=email]", "new@example.org")
	p.Press("button.main")
	p.Go(tw.base + "/link?site=blog&lang=en")
	p.Type("[name=email]", sub.Email)
	p.Press("button.main")
	letters := []letter{got, tw.mail("new@example.org", "confirm", ""), tw.mail(sub.Email, "link", "")}
	before, opened := tw.state(), 0
	for _, l := range letters {
		for _, link := range l.links() {
			if !strings.HasPrefix(link, tw.base) {
				continue
			}
			opened++
			for _, query := range []string{"", "?do=end", "?do=erase_now&act=1", "?List-Unsubscribe=One-Click"} {
				p.Go(link + query)
				browsertest.Eval[bool](p, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
			}
			for _, deeper := range p.Links() { // what the page leads to, too
				if strings.HasPrefix(deeper, tw.base) {
					p.Go(deeper)
					p.Go(link)
				}
			}
		}
	}
	if opened < 6 {
		t.Errorf("only %d links were opened", opened)
	}
	if after := tw.state(); after != before {
		t.Errorf("opening the links changed something:\n%s\n%s", before, after)
	}
	p.Complaints()
}

func TestWhatOutsidersWriteNeverRuns(t *testing.T) {
	tw := open(t, "")
	const evil = `"><img src=x onerror="window.broken=1"><script>window.broken=1</script>`
	tw.n++
	_, err := tw.Store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "evil", Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread:  &dispatcher.EventThread{ID: "post-7" + evil, URL: tw.blog + "/7?a='", Title: "clocks " + evil},
		Comment: &dispatcher.EventComment{ID: "c" + evil, HTML: "<p>hello " + evil + `<a href="javascript:window.broken=1">x</a></p>`, URL: tw.blog + "/7#'"},
		Author:  &dispatcher.EventAuthor{ID: "u" + evil, Name: "Eve " + evil}}})
	must(t, err)
	tw.known("blog", "post-7"+evil)
	name, email, yes := "Ann "+evil, "ann@example.org", true
	sub, _, err := tw.Store.SetSubscriber(t.Context(), "blog", dispatcher.EventSubscriber{ID: "ann" + evil, Email: &email, Name: &name, Confirmed: &yes}, true)
	must(t, err)
	for _, target := range []dispatcher.Target{thread("post-7" + evil), {Type: dispatcher.TargetAuthor, ID: "u" + evil}, {Type: dispatcher.TargetComment, ID: "c" + evil}} {
		_, _, err = tw.Store.SetSubscription(t.Context(), "blog", dispatcher.EventSubscription{Subscriber: "ann" + evil, Target: target}, true)
		must(t, err)
	}
	_, err = tw.Store.Append(t.Context(), "blog", "api", []dispatcher.Event{{ID: "evil2", Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread:  &dispatcher.EventThread{ID: "post-7" + evil, URL: tw.blog + "/7?a='", Title: "clocks " + evil},
		Comment: &dispatcher.EventComment{ID: "d" + evil, ParentID: "c" + evil, HTML: "<p>again " + evil + "</p>"},
		Author:  &dispatcher.EventAuthor{ID: "u" + evil, Name: "Eve " + evil}}})
	must(t, err)
	got := tw.mail(email, "clocks", "again")
	p := browsertest.Open(t, browsertest.Desktop())
	for _, url := range []string{tw.link(got, "view"), tw.link(got, "unsubscribe"), tw.link(got, "mute"), tw.sign(sub, "manage", token.Manage, 0),
		fmt.Sprintf("%s/subscribe?site=blog&thread=%s&author=%s&what=%s&lang=%s&url=%s", tw.base, escape("post-7"+evil), escape("u"+evil), escape(evil), escape(evil), escape("javascript:alert(1)//"+evil))} {
		p.Go(url)
		if browsertest.Eval[bool](p, "!!window.broken || [...document.links].some(a => a.protocol === 'javascript:')") {
			t.Errorf("an outsider's script is on %s", url)
		}
		if !strings.Contains(p.Text(), "onerror") {
			t.Errorf("%s does not show the words as text: %s", url, p.Text())
		}
	}
	site := browsertest.Open(t, browsertest.Desktop())
	site.Go(tw.blog + "/evil?author=" + escape("u"+evil))
	waitSnippet(site, "ready")
	if browsertest.Eval[bool](site, "!!window.broken") {
		t.Error("an outsider's script runs in the snippet")
	}
}
