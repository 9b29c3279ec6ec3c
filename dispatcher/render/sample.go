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

// said is one sample comment.
type said struct {
	author, html string
	parent       int // index of what it answers, -1 at the top
	reason       dispatcher.Reason
}

// talk is one sample conversation.
type talk struct {
	title, url string
	said       []said
}

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
	german := strings.HasPrefix(locale, "de")
	m := &Mail{
		Kind: kind, Locale: locale, Zone: time.UTC,
		Site: dispatcher.Site{Key: "workshop", Name: "The Small Workshop", BaseURL: "https://workshop.example",
			From: "The Small Workshop <comments@workshop.example>", Locale: locale},
		To: "jana@reader.example", ToName: "Jana Berger", ReaderName: "Jana",
		Date: sampleTime().Add(3 * time.Hour), MessageID: "sample.1@workshop.example",
		ListID: "comments.workshop.example", FeedbackID: "digest:workshop:hearback",
		Links: Links{
			Unsubscribe: "https://workshop.example/hearback/leave/sample",
			OneClick:    "https://workshop.example/hearback/leave/sample",
			Manage:      "https://workshop.example/hearback/manage/sample",
		},
	}
	if german {
		m.Site.Name, m.Site.From = "Kleine Werkbank", "Kleine Werkbank <kommentare@werkbank.example>"
	}
	switch kind {
	case dispatcher.KindDigest:
		m.Schedule, m.Since = "every morning at 08:00", sampleTime().Add(-21*time.Hour)
		m.Links.Scope = "the daily digest of " + m.Site.Name
		if german {
			m.Schedule, m.Links.Scope = "jeden Morgen um 8 Uhr", "die tägliche Übersicht von "+m.Site.Name
		}
	case dispatcher.KindReply:
		m.Links.Scope = "mails about this conversation"
		if german {
			m.Links.Scope = "die Mails zu diesem Gespräch"
		}
	case dispatcher.KindConfirm:
		m.Links = Links{Confirm: "https://workshop.example/hearback/confirm/k1.9f3a7c52b8e04d61a7f2"}
		m.Data = map[string]string{"what": "“How I sharpen chisels”"}
		if german {
			m.Data["what"] = "„Wie ich Stecheisen schärfe“"
		}
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
			it := Item{Comment: made[j], Reason: s.reason}
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

func talksIn(locale string) []talk {
	switch {
	case strings.HasPrefix(locale, "de"):
		return germanTalks()
	case direction(locale) == "rtl":
		return hebrewTalks()
	}
	return englishTalks()
}

func englishTalks() []talk {
	const reply, subtree, thread, author = dispatcher.ReasonReply, dispatcher.ReasonSubtree, dispatcher.ReasonThread, dispatcher.ReasonAuthor
	return []talk{
		{"How I sharpen chisels without a machine", "https://workshop.example/posts/sharpening", []said{
			{"Jana", "<p>I never get the back of the iron flat. After an hour on the 400 stone there is still a hollow in the middle. Do I need a coarser stone, or more patience?</p>", -1, 0},
			{"Patrick Lindqvist", "<p>A coarser stone, definitely. I start at 220 and only go on when the scratches reach all the way to the edge. It took me <em>twenty minutes</em> for the last one.</p><p>And check the stone itself: mine was hollow, so everything I flattened on it became round. There is a good test with a pencil grid <a href=\"https://woodjournal.example/flat-stones\">over here</a>.</p>", 0, reply},
			{"Maren K.", "<p>What Patrick says about the stone. I would add: you only need the first centimetre flat, not the whole back.</p>", 1, subtree},
			{"T. Okafor", "<blockquote><p>you only need the first centimetre flat</p></blockquote><p>This saved me years. Three things that I keep on a card above the bench:</p><ul><li>flatten the stone before every session</li><li>press on the edge, not on the handle</li><li>stop when it catches a fingernail</li></ul>", 2, thread},
		}},
		{"A bench for a very small flat", "https://workshop.example/posts/small-bench", []said{
			{"Ines", "<p>The folding one at the window looks right for us. How much does it wobble when you plane?</p>", -1, 0},
			{"Hannes Vogt", "<p>Hardly at all, as long as the legs stand against the wall. I screwed a batten to the floor, <b>behind</b> the rear legs, and since then nothing moves.</p><p>Drawing: <code>bench-batten.pdf</code> in the download area.</p>", 0, author},
			{"Ines", "<p>A batten! So simple. Thank you.</p>", 1, thread},
		}},
		{"Which glue for end grain?", "https://workshop.example/posts/end-grain", []said{
			{"Rosa Delgado", "<p>I sized the end grain with thinned glue, waited ten minutes and glued as usual. The joint held when I stood on it (62 kg, for the record).</p>", -1, thread},
			{"Bengt", "<p>Same here with hide glue. The second coat is what does it.</p>", 0, thread},
		}},
	}
}

func germanTalks() []talk {
	const reply, subtree, thread, author = dispatcher.ReasonReply, dispatcher.ReasonSubtree, dispatcher.ReasonThread, dispatcher.ReasonAuthor
	return []talk{
		{"Wie ich Stecheisen ohne Maschine schärfe", "https://werkbank.example/beitraege/schaerfen", []said{
			{"Jana", "<p>Ich bekomme die Spiegelseite nie plan. Nach einer Stunde auf dem 400er ist in der Mitte immer noch eine Mulde. Brauche ich einen gröberen Stein oder mehr Geduld?</p>", -1, 0},
			{"Patrick Lindqvist", "<p>Einen gröberen Stein, ganz sicher. Ich fange bei 220 an und wechsle erst, wenn die Riefen bis zur Schneide reichen. Beim letzten Eisen waren das <em>zwanzig Minuten</em>.</p><p>Und prüf den Stein selbst: Meiner war hohl, also wurde alles darauf rund. Einen guten Test mit Bleistiftgitter gibt es <a href=\"https://holzjournal.example/plane-steine\">hier</a>.</p>", 0, reply},
			{"Maren K.", "<p>Das mit dem Stein stimmt. Außerdem muss nur der erste Zentimeter plan sein, nicht die ganze Rückseite.</p>", 1, subtree},
			{"T. Okafor", "<blockquote><p>nur der erste Zentimeter</p></blockquote><p>Das hat mir Jahre gespart. Drei Dinge, die bei mir auf einer Karte über der Bank stehen:</p><ul><li>vor jeder Sitzung den Stein abrichten</li><li>auf die Schneide drücken, nicht auf das Heft</li><li>aufhören, wenn es am Fingernagel greift</li></ul>", 2, thread},
		}},
		{"Eine Werkbank für eine sehr kleine Wohnung", "https://werkbank.example/beitraege/kleine-bank", []said{
			{"Ines", "<p>Die klappbare am Fenster würde bei uns passen. Wie sehr wackelt sie beim Hobeln?</p>", -1, 0},
			{"Hannes Vogt", "<p>Kaum, solange die Beine an der Wand stehen. Ich habe <b>hinter</b> die hinteren Beine eine Leiste auf den Boden geschraubt, seitdem rührt sich nichts mehr.</p>", 0, author},
			{"Ines", "<p>Eine Leiste! So einfach. Danke.</p>", 1, thread},
		}},
	}
}

func hebrewTalks() []talk {
	return []talk{{"איך משחיזים אזמלים בבית", "https://workshop.example/he/sharpening", []said{
		{"נועה", "<p>האבן שלי כבר לא ישרה. איך מיישרים אותה?</p>", -1, 0},
		{"דוד לוי", "<p>עם נייר לטש על זכוכית, גרעין 220. זה לוקח חמש דקות בלבד (ראו <a href=\"https://woodjournal.example/flat-stones\">כאן</a>).</p>", 0, dispatcher.ReasonReply},
		{"T. Okafor", "<p>I use a diamond plate: תוצאה מצוינת.</p>", 1, dispatcher.ReasonThread},
	}}}
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
