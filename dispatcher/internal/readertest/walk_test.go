package readertest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/browsertest"
)

// inSnippet finds something in the snippet, which lives in a tree of its own.
func inSnippet(css string) string {
	return fmt.Sprintf("document.querySelector('.hearback').shadowRoot.querySelector(%q)", css)
}

// waitSnippet waits until the snippet is there and in a state.
func waitSnippet(p *browsertest.Page, state string) {
	browsertest.Eval[bool](p, fmt.Sprintf(`new Promise(done => {
		const look = () => { const b = document.querySelector('.hearback'); b && b.dataset.state === %q && done(true); };
		new MutationObserver(look).observe(document, {attributes: true, childList: true, subtree: true});
		look();
	})`, state))
}

// signUpBySnippet fills in the snippet as a person does.
func signUpBySnippet(p *browsertest.Page, email, cadence string) {
	waitSnippet(p, "ready")
	browsertest.Eval[bool](p, fmt.Sprintf("(%s.value = %q, %s.value = %q, %s.click(), true)", inSnippet("[name=email]"), email, inSnippet("[name=schedule]"), cadence, inSnippet("form button")))
}

func TestAReadersWayFromTheSnippetAndOutAgain(t *testing.T) {
	for _, view := range []browsertest.View{browsertest.Desktop(), browsertest.Phone().Dark()} {
		t.Run(view.Name, func(t *testing.T) {
			tw := open(t, "")
			tw.publish("blog", "post-7", "u-9", "A first word.")
			tw.known("blog", "post-7")

			site := browsertest.Open(t, view)
			site.Go(tw.blog + "/post-7?strict")
			waitSnippet(site, "ready")
			site.Shot("snippet")
			site.Fits()
			site.Accessible()
			if got := browsertest.Eval[string](site, inSnippet("form")+".innerText"); !strings.Contains(got, "answers to my own comments") || !strings.Contains(got, "Patrick u-9") {
				t.Errorf("the snippet offers %q", got)
			}
			signUpBySnippet(site, "no address", "daily")
			waitSnippet(site, "error")
			site.Shot("snippet-error")
			site.Complaints() // the 422 is in the browser's log
			signUpBySnippetAgain(site, "ann@example.org", "daily")
			waitSnippet(site, "ok")
			site.Shot("snippet-ok")
			site.Accessible()

			p := browsertest.Open(t, view.Plain()) // the readers' pages need no scripts
			p.Go(tw.link(tw.mail("ann@example.org", "confirm", ""), "confirm"))
			p.Shot("walk-confirm")
			p.Press("button.main")
			p.See("h1")
			p.Press(`a[href*="/manage/"]`)
			row := p.See(".rows li")
			if !strings.Contains(row, "On clocks and post-7") {
				t.Errorf("the reader follows %q", row)
			}
			p.Set(".rows select", "immediate")
			p.Press("button.main")
			if got := p.See(".notice"); got != "Saved." {
				t.Errorf("the page says %q", got)
			}

			tw.publish("blog", "post-7", "u-9", "A second word.")
			l := tw.mail("ann@example.org", "On clocks", "A second word.")
			p.Go(tw.link(l, "view"))
			if got := p.Text(); !strings.Contains(got, "A second word.") || !strings.Contains(got, "you follow the conversation") {
				t.Errorf("the mail in the browser says %q", got)
			}
			p.Go(tw.link(l, "unsubscribe"))
			p.Shot("walk-leave")
			p.Press("button.main")
			p.See("h1")
			before := tw.state()
			p.Press(`form:has([name=act]) button`)
			if got := p.See(".notice"); !strings.Contains(got, "Undone") {
				t.Errorf("the page says %q", got)
			}
			if tw.state() == before {
				t.Error("undo changed nothing")
			}
			tw.publish("blog", "post-7", "u-9", "A third word.")
			tw.mail("ann@example.org", "On clocks", "A third word.")
		})
	}
}

// signUpBySnippetAgain corrects what was wrong.
func signUpBySnippetAgain(p *browsertest.Page, email, cadence string) {
	browsertest.Eval[bool](p, fmt.Sprintf("(%s.value = %q, %s.value = %q, %s.click(), true)", inSnippet("[name=email]"), email, inSnippet("[name=schedule]"), cadence, inSnippet("form button")))
}

func TestAPlainFormOfAnotherOriginWorksWithoutScripts(t *testing.T) {
	tw := open(t, "")
	tw.publish("blog", "post-7", "u-9", "A first word.")
	tw.known("blog", "post-7")
	p := browsertest.Open(t, browsertest.Phone().Plain())
	p.Go(tw.blog + "/form")
	p.Type("[name=email]", "bob@example.org")
	p.Press("button")
	if got := p.See("h1"); got != "Look into your mailbox" {
		t.Errorf("the page says %q", got)
	}
	p.Go(tw.link(tw.mail("bob@example.org", "confirm", ""), "confirm"))
	p.Press("button.main")
	if got := p.See("h1"); got != "You’ll hear from us" {
		t.Errorf("the page says %q", got)
	}
}

func TestTheSnippetSpeaksThePagesLanguageAndSaysWhenItCannot(t *testing.T) {
	tw := open(t, "")
	tw.publish("blog", "post-7", "u-9", "A first word.")
	tw.known("blog", "post-7")
	p := browsertest.Open(t, browsertest.Phone())
	for _, lang := range []string{"de", "fr", "es", "uk", "ar"} {
		p.Go(tw.blog + "/post-7?lang=" + lang)
		waitSnippet(p, "ready")
		p.Shot("snippet-" + lang)
		p.Fits()
		if got := browsertest.Eval[string](p, "document.querySelector('.hearback').lang"); got != lang {
			t.Errorf("on a page in %s the snippet speaks %s", lang, got)
		}
	}
	if got := browsertest.Eval[string](p, "getComputedStyle(document.querySelector('.hearback').shadowRoot.querySelector('form')).direction"); got != "rtl" {
		t.Errorf("the Arabic snippet is written %s", got)
	}
	p.Complaints()
	p.Go(tw.blog + "/post-7?lang=fr&site=nosuch")
	waitSnippet(p, "error")
	p.Shot("snippet-fails")
	if got := browsertest.Eval[string](p, inSnippet(".say")+".innerText"); !strings.Contains(got, "Cela n’a pas marché") {
		t.Errorf("a snippet that cannot work says %q", got)
	}
	if got := strings.Join(p.Complaints(), "\n"); !strings.Contains(got, "422") {
		t.Errorf("the browser's console says %q", got)
	}
}
