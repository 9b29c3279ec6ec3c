package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// digestOf gives a digest as a daemon sends them: comments of about so many
// characters, four to a conversation, with links as long as real ones; two of
// five quote what they answer when quote says so.
func digestOf(items, chars int, quote bool) *Mail {
	m := Sample(dispatcher.KindDigest, "en", 1)
	seal := strings.Repeat("Q", 50) // of a token
	m.Links.Unsubscribe, m.Links.Manage = "https://blog.example/unsubscribe/"+seal, "https://blog.example/manage/"+seal
	m.Links.OneClick = m.Links.Unsubscribe
	m.Groups = nil
	said := func(n int) string {
		words := strings.Fields("the clock in hall says quarter past but nobody who lives here believes it since winter when pendulum was taken down")
		var b strings.Builder
		for i := n; b.Len() < chars; i++ {
			b.WriteString(words[i*7%len(words)] + " ")
			if b.Len() > chars*2/3 && chars > 200 && !strings.Contains(b.String(), "</p>") {
				b.WriteString(".</p>\n<p>")
			}
		}
		return "<p>" + strings.TrimSpace(b.String()) + ".</p>"
	}
	at := sampleTime().Add(-time.Hour)
	for i := range items {
		if i%4 == 0 {
			th := fmt.Sprintf("t%d", 100+i)
			m.Groups = append(m.Groups, Group{MuteURL: "https://blog.example/mute/" + seal,
				Thread: dispatcher.Thread{ID: int64(i + 1), Revision: 1, ExternalID: th, URL: "https://blog.example/" + th, Title: fmt.Sprintf("Notes on number %d", 100+i)}})
		}
		g := &m.Groups[len(m.Groups)-1]
		comment := func(n int) *dispatcher.Comment {
			return &dispatcher.Comment{ID: int64(n), State: dispatcher.Visible, AuthorName: fmt.Sprintf("Author %d", n), HTML: said(n), Revision: int64(chars),
				URL: fmt.Sprintf("%s#c%d", g.Thread.URL, n), PublishedAt: at.Add(time.Duration(n) * time.Second), WrittenAt: at.Add(time.Duration(n) * time.Second)}
		}
		it := Item{Comment: comment(3000 + i), Reason: dispatcher.ReasonThread}
		if quote && i%5 < 2 {
			it.Parent = comment(2000 + i)
		}
		g.Items = append(g.Items, it)
	}
	return m
}

// TestLooksAreSmallBesideWhatIsSaid holds the bounds that keep the bulk of
// mail fast: bytes count twice, for us and for the relay.
func TestLooksAreSmallBesideWhatIsSaid(t *testing.T) {
	r := newRenderer(t, Options{})
	size := func(m *Mail) int {
		raw, _ := compose(t, r, m)
		return len(raw)
	}
	for _, c := range []struct {
		name  string
		chars int
		quote bool
		most  int
	}{
		{"20 comments of 600 characters", 600, true, 42_200},
		{"20 comments of 150 characters", 150, true, 23_400},
		{"20 comments of 150 characters that answer nobody", 150, false, 20_200},
	} {
		n := size(digestOf(20, c.chars, c.quote))
		t.Logf("%s: %d bytes", c.name, n)
		if n > c.most {
			t.Errorf("%s take %d bytes, %d are allowed", c.name, n, c.most)
		}
	}
	// What one more comment costs beside its text, in both parts together: name,
	// time, reason and link, and the markup around them.
	const chars, name, when, reason, link = 150, "Author 3000", "Mon 8 June, 08:05", "you follow along", "https://blog.example/t100#c3000"
	m := digestOf(4, chars, false)
	one := digestOf(3, chars, false)
	text := len(m.Groups[0].Items[3].Comment.HTML) - len("<p></p>")
	markup := size(m) - size(one) - 2*(text+len(name+when+reason+link))
	t.Logf("markup of a comment: %d bytes", markup)
	if markup > 170 {
		t.Errorf("the markup of a comment takes %d bytes, 170 are allowed", markup)
	}
}
