package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// sampleTime is when the sample comments were written, so that previews do not
// change from one look to the next.
func sampleTime() time.Time { return time.Date(2026, time.June, 8, 8, 15, 0, 0, time.UTC) }

// Sample gives a mail of a kind with made-up content: believable comments in
// the language (English where there are none), n of them for the kinds that
// carry items. Previews and checks use it.
func Sample(kind dispatcher.Kind, locale string, n int) *Mail {
	m := sampleFrame(kind, locale)
	if !needsItems(kind) {
		return m
	}
	talks := talksIn(locale)
	if kind == dispatcher.KindReply {
		talks = talks[:1]
		m.References = []string{"thread.1@blog.example"}
	}
	m.Groups = sampleGroups(talks, n, 100)
	m.More, m.MoreURL = 0, m.Site.BaseURL+"/comments"
	if n >= 50 {
		m.More = 12
	}
	return m
}

func sampleFrame(kind dispatcher.Kind, locale string) *Mail {
	w := sampleWordsIn(locale)
	m := &Mail{
		Kind: kind, Locale: locale, Zone: time.UTC,
		Site: dispatcher.Site{Key: "workshop", Name: w.site, BaseURL: "https://workshop.example",
			From: w.site + " <comments@workshop.example>", Locale: locale},
		To: "jana@reader.example", ToName: "Jana Berger", ReaderName: "Jana",
		Date: sampleTime().Add(3 * time.Hour), MessageID: "sample.1@workshop.example",
		ListID: "comments.workshop.example", FeedbackID: "digest:workshop:hearback",
		Links: Links{
			Unsubscribe: "https://workshop.example/hearback/leave/sample",
			OneClick:    "https://workshop.example/hearback/leave/sample",
			Manage:      "https://workshop.example/hearback/manage/sample",
			View:        "https://workshop.example/hearback/view/sample",
		},
	}
	switch kind {
	case dispatcher.KindDigest:
		m.Schedule, m.Since = w.schedule, sampleTime().Add(-21*time.Hour)
		m.Links.Scope = w.digest
	case dispatcher.KindReply:
		m.Links.Scope = w.reply
	case dispatcher.KindConfirm:
		m.Links = Links{Confirm: "https://workshop.example/hearback/confirm/k1.9f3a7c52b8e04d61a7f2"}
		m.Data = map[string]string{"what": w.what}
	case dispatcher.KindLink:
		m.Links = Links{Manage: "https://workshop.example/hearback/manage/k1.9f3a7c52b8e04d61a7f2"}
	case dispatcher.KindTest:
		m.Links = Links{}
		m.Data = map[string]string{"relay": "smtp.workshop.example:587"}
	case dispatcher.KindNotice:
		m.Links = Links{}
		m.Data = map[string]string{
			"title": "The source “blog” is paused",
			"text":  "At 08:02 it brought 4,212 new comments at once; usually there are fewer than 40.\nNothing was mailed. The comments are recorded and wait for you.",
			"mend":  "Look at them and resume the source, or baseline it if they come from an import.",
			"url":   "https://workshop.example/hearback/admin/sources/blog",
		}
	}
	return m
}

// sampleGroups gives n comments, numbered after next.
func sampleGroups(talks []talk, n int, next int64) []Group {
	var groups []Group
	for i := 0; n > 0; i++ {
		t := talks[i%len(talks)]
		if len(talks) == 1 && i > 0 { // one conversation stays one
			more := sampleGroups([]talk{t}, min(n, len(t.said)-1), next)
			next += int64(len(t.said))
			groups[0].Items = append(groups[0].Items, more[0].Items...)
			n -= len(more[0].Items)
			continue
		}
		g := Group{
			Thread:  dispatcher.Thread{ID: int64(i + 1), ExternalID: fmt.Sprintf("post-%d", i+1), URL: t.url, Title: t.title, Revision: 1},
			MuteURL: fmt.Sprintf("https://workshop.example/hearback/mute/%d", i+1),
		}
		made := make([]dispatcher.Comment, len(t.said))
		for j, s := range t.said {
			next++
			at := sampleTime().Add(time.Duration(j*17-240) * time.Minute)
			made[j] = dispatcher.Comment{
				ID: next, Thread: g.Thread.ID, AuthorName: s.author, HTML: s.html, State: dispatcher.Visible,
				URL: fmt.Sprintf("%s#comment-%d", t.url, next), WrittenAt: at, PublishedAt: at, Revision: 1,
			}
			if s.reason == 0 || n == 0 { // what the others answer; read before
				continue
			}
			c := made[j]
			it := Item{Comment: &c, Reason: s.reason}
			if s.parent >= 0 {
				it.Parent = &made[s.parent]
				it.Comment.Parent = it.Parent.ID
			}
			switch {
			case next%11 == 5:
				it.Comment.EditedAt = at.Add(9 * time.Minute)
			case next%11 == 8:
				it.Comment.WrittenAt = at.Add(-49 * time.Hour)
			}
			g.Items = append(g.Items, it)
			n--
		}
		groups = append(groups, g)
	}
	return groups
}

// hostile gives a mail whose every text was written by somebody who wants to
// break it.
func hostile(kind dispatcher.Kind, locale string) *Mail {
	m := Sample(kind, locale, 3)
	nasty := "\r\nBcc: everybody@example.org\x00\u202egnp.exe</title><script>alert(1)</script>{{.Reader}}\"'><b>"
	m.ReaderName, m.ToName, m.Schedule, m.Links.Scope = nasty, nasty, nasty, nasty
	for key := range m.Data {
		m.Data[key] = nasty + "\n.\n" + nasty
	}
	deep := strings.Repeat("<blockquote><ul><li><b>", 3000) + "bottom"
	long := "<p>" + strings.Repeat("All work and no play. ", 50000) + "</p>"
	for g := range m.Groups {
		m.Groups[g].Thread.Title, m.Groups[g].Thread.Revision = nasty, 2
		for i := range m.Groups[g].Items {
			it := &m.Groups[g].Items[i]
			it.Comment.AuthorName, it.Comment.Revision = nasty, 2
			it.Comment.HTML = []string{
				`<script>alert(1)</script><img src="https://x.example/p.gif" onerror="alert(1)"><a href="javascript:alert(1)">click</a><style>*{display:none}</style><p style="position:fixed" onclick="x()">hello` + nasty,
				deep, long,
			}[i%3]
			if it.Parent != nil {
				it.Parent.HTML, it.Parent.AuthorName, it.Parent.Revision = long, nasty, 2
			}
		}
	}
	return m
}
