package storetest

import (
	"fmt"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/caught"
	"github.com/hearback/hearback/dispatcher/store"
)

func templateTests() []test {
	key := store.TemplateKey{Site: "blog", Kind: dispatcher.KindDigest, Locale: "de"}
	parts := func(s string) dispatcher.Parts { return dispatcher.Parts{Subject: s, Text: "text", HTML: "<p>"} }
	active := func(e *env) string {
		v, ok, err := e.s.Active(e.ctx, key.Site, key.Kind, key.Locale)
		e.ok(err)
		equal(e, "has an id", v.ID != "", ok)
		return v.Subject
	}
	return []test{
		{"a template goes from draft to active and back", func(e *env) {
			equal(e, "active at first", active(e), "")
			for i, s := range []string{"one", "two", "three"} {
				v, err := e.s.SaveDraft(e.ctx, key, parts(s), "me")
				e.ok(err)
				equal(e, "number", v.Number, i+1)
				e.clock.Advance(1000)
				e.ok(e.s.Publish(e.ctx, key, v.Number))
				equal(e, "active", active(e), s)
				e.clock.Advance(1000)
			}
			for _, want := range []string{"two", "one", ""} {
				_, err := e.s.Rollback(e.ctx, key)
				e.ok(err)
				equal(e, "active after a roll-back", active(e), want)
			}
			_, err := e.s.Rollback(e.ctx, key)
			e.code(err, dispatcher.CodeNotFound)
			e.ok(e.s.Publish(e.ctx, key, 2))
			equal(e, "active", active(e), "two")
			e.code(e.s.Publish(e.ctx, key, 9), dispatcher.CodeNotFound)
			equal(e, "active after a publication that failed", active(e), "two")
		}},
		{"there is one draft, and mails do not see it", func(e *env) {
			_, err := e.s.SaveDraft(e.ctx, key, parts("one"), "me")
			e.ok(err)
			second, err := e.s.SaveDraft(e.ctx, key, parts("two"), "me")
			e.ok(err)
			all, err := e.s.Templates(e.ctx, "blog")
			e.ok(err)
			equal(e, "versions", len(all), 1)
			equal(e, "version", all[0], second)
			equal(e, "number of the changed draft", second.Number, 2)
			e.code(e.s.Publish(e.ctx, key, 1), dispatcher.CodeNotFound)
			equal(e, "active", active(e), "")
			got, err := e.s.Template(e.ctx, key, second.Number)
			e.ok(err)
			equal(e, "the draft", got.Subject, "two")
			_, err = e.s.Template(e.ctx, key, 9)
			e.code(err, dispatcher.CodeNotFound)
			_, err = e.s.SaveDraft(e.ctx, store.TemplateKey{Site: "nowhere"}, parts("x"), "")
			e.code(err, dispatcher.CodeNotFound)
		}},
		{"a draft is discarded as long as it is the one that was seen", func(e *env) {
			_, err := e.s.SaveDraft(e.ctx, key, parts("one"), "me")
			e.ok(err)
			e.ok(e.s.Publish(e.ctx, key, 1))
			e.code(e.s.DiscardDraft(e.ctx, key, 1), dispatcher.CodeNotFound)
			v, err := e.s.SaveDraft(e.ctx, key, parts("two"), "me")
			e.ok(err)
			e.code(e.s.DiscardDraft(e.ctx, key, v.Number-1), dispatcher.CodeNotFound)
			e.ok(e.s.DiscardDraft(e.ctx, key, v.Number))
			e.code(e.s.DiscardDraft(e.ctx, key, v.Number), dispatcher.CodeNotFound)
			equal(e, "active", active(e), "one")
			list, err := e.s.Templates(e.ctx, "blog")
			e.ok(err)
			equal(e, "versions", len(list), 1)
		}},
		{"a template of all sites is one of its own", func(e *env) {
			all := store.TemplateKey{Kind: key.Kind, Locale: key.Locale}
			v, err := e.s.SaveDraft(e.ctx, all, parts("all"), "")
			e.ok(err)
			e.ok(e.s.Publish(e.ctx, all, v.Number))
			equal(e, "the blog's", active(e), "")
			list, err := e.s.Templates(e.ctx, "shop")
			e.ok(err)
			equal(e, "templates that the shop sees", len(list), 1)
		}},
	}
}

func caughtTests() []test {
	mail := func(to, subject string, size int) caught.Mail {
		return caught.Mail{Summary: caught.Summary{ReceivedAt: Start(), EnvelopeFrom: "blog@blog.example", EnvelopeTo: []string{to, "second@x.example"},
			From: "The Blog", To: to, Subject: subject, Kind: "digest", Reason: "thread", Thread: "t", Snippet: "Hello"}, Raw: []byte(strings.Repeat("x", size))}
	}
	return []test{
		{"a caught mail comes back as it came", func(e *env) {
			c := e.s.Caught()
			m := mail("Ann@readers.example", "Grüße", 10)
			m.Raw = []byte("a\x00\xff\r\n")
			id, err := c.AddCaught(e.ctx, m)
			e.ok(err)
			got, err := c.GetCaught(e.ctx, id)
			e.ok(err)
			m.ID, m.Size = id, len(m.Raw)
			equal(e, "mail", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", m))
			_, err = c.GetCaught(e.ctx, id+1)
			e.code(err, dispatcher.CodeNotFound)
		}},
		{"the list pages and finds addressees without case", func(e *env) {
			c := e.s.Caught()
			for i := range 5 {
				_, err := c.AddCaught(e.ctx, mail(fmt.Sprintf("R%d_a@x.example", i), "s", 1))
				e.ok(err)
			}
			page, err := c.ListCaught(e.ctx, "", 0, 3)
			e.ok(err)
			equal(e, "newest", page[0].To, "R4_a@x.example")
			page, err = c.ListCaught(e.ctx, "", page[2].ID, 3)
			e.ok(err)
			equal(e, "second page", len(page), 2)
			for to, want := range map[string]int{"r3_A": 1, "SECOND@": 5, "r3%a": 0, "nobody": 0} {
				page, err = c.ListCaught(e.ctx, to, 0, 10)
				e.ok(err)
				equal(e, "to "+to, len(page), want)
			}
			n, err := c.CountCaught(e.ctx)
			e.ok(err)
			equal(e, "mails", n, 5)
			e.ok(c.ClearCaught(e.ctx))
			id, err := c.AddCaught(e.ctx, mail("a@x.example", "s", 1))
			e.ok(err)
			equal(e, "ids go on", id > page0(page), true)
		}},
		{"the oldest mails go when they are too many bytes", func(e *env) {
			c := e.s.Caught()
			const size = 20 << 20
			for range 5 {
				_, err := c.AddCaught(e.ctx, mail("a@x.example", "s", size))
				e.ok(err)
			}
			n, err := c.CountCaught(e.ctx)
			e.ok(err)
			equal(e, "mails", n, int(caught.DefaultBytes)/size)
		}},
	}
}

func page0(p []caught.Summary) int64 {
	if len(p) == 0 {
		return 5
	}
	return p[0].ID
}
