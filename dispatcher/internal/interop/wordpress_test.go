//go:build interop

package interop_test

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/internal/interop"
)

// all follows everything on the site; what must not be mailed is not mailed to
// them either.
const all = "all@reader.example"

// blog is a WordPress site that a daemon reads, and the mail that came of it.
type blog struct {
	*testing.T
	site     *interop.WordPress
	hearback *interop.Hearback
	post     *interop.Post
	fences   int
}

// attach serves a site by a daemon. user is who reads it, "" for a stranger.
func attach(t *testing.T, site *interop.WordPress, user string) *blog {
	b := &blog{T: t, site: site, post: interop.NewPost(t)}
	login := ""
	if user != "" {
		login = fmt.Sprintf("\n    username: %s\n    password: %s", user, site.Passwords[user])
	}
	b.hearback = interop.NewHearback(t, site.URL, fmt.Sprintf(`relays:
  - url: smtp://%s
sources:
  - name: blog
    type: wordpress
    url: %s%s
    allow_private: [127.0.0.1]
    interval_min: 1s
    interval_max: 1s
    settle: 3s
`, b.post.Addr(), site.URL, login))
	b.hearback.Run("source", "poll", "blog") // the baseline
	b.hearback.Serve()
	b.hearback.Reader("all", all, "site")
	return b
}

// fence writes a comment and waits for its mail, and does so twice: a comment
// that is found late, such as an approved one, settles a little after a new one
// that was found with it. What came before and was not mailed by then will not be.
func (b *blog) fence() {
	b.Helper()
	b.picket()
	b.picket()
}

func (b *blog) picket() {
	b.Helper()
	b.fences++
	word := fmt.Sprintf("fence-%d-fence", b.fences)
	post := b.site.Post("Fence", nil)
	b.site.Insert(interop.Comment{Post: post, Name: "Fence", Email: "fence@reader.example", Text: word})
	b.post.Await(all, word)
	b.hearback.Quiet() // other mails of the same slot go on other connections
}

// once checks that an address was told of a word in one mail, once.
func (b *blog) once(address, word string) {
	b.Helper()
	if got := b.post.With(address, word); len(got) != 1 || strings.Count(got[0].Text, word) != 1 {
		b.Errorf("%s was told of %q in %d mails", address, word, len(got))
	}
}

func (b *blog) never(address, word string) {
	b.Helper()
	for _, l := range b.post.To(address) {
		if strings.Contains(l.Text+l.HTML+l.Subject, word) {
			b.Errorf("%s was told of %q:\n%s", address, word, l.Text)
		}
	}
}

func TestWordPressIsReadToTheMail(t *testing.T) {
	site := interop.NewWordPress(t)
	site.Option("timezone_string", "Pacific/Auckland") // half a day ahead of UTC
	before := site.Post("Before", nil)
	site.Insert(interop.Comment{Post: before, Name: "Old", Email: "old@reader.example", Text: "word-before"})
	b := attach(t, site, "editor")
	t.Logf("WordPress %s", site.Version)
	t.Run("guests talk and are known by their addresses", b.guests)
	t.Run("a user has an author id and no guest shares one", b.authors)
	t.Run("a late approval comes with its old date", b.approval)
	t.Run("an edit makes no mail and is in the mail that was not made yet", b.edits)
	t.Run("what is removed before it settles is never mailed", b.removals)
	t.Run("comments of one second all come once", b.oneSecond)
	t.Run("a flood comes once while the pages shift", b.flood)
	t.Run("what visitors cannot read is never mailed", b.hidden)
	t.Run("pingbacks are no comments", b.pingbacks)
	t.Run("titles come without entities", b.titles)
	t.Run("pages of comments lead to the comment", b.pages)
	t.Run("plain permalinks are found by themselves", b.plain)
	b.never(all, "word-before")
	var sources struct{ Items []map[string]any }
	b.hearback.JSON(&sources, "source", "list")
	t.Logf("source: %v", sources.Items)
}

func (b *blog) sub(t *testing.T) *blog {
	c := *b
	c.T = t
	return &c
}

func (b *blog) guests(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("Guests", nil)
	c.hearback.Reader("ann", "ann@reader.example", "replies", fmt.Sprint("thread:", post))
	c.hearback.Reader("ben", "ben@reader.example", fmt.Sprint("thread:", post))
	asks := b.site.Form(post, 0, "Ann O'Hara & Sons", "Ann@Reader.example", "word-asks <b>bold</b> & \"quoted\" — 日本語 👋")
	b.post.Await("ben@reader.example", "word-asks")
	// The form takes one comment in 15 seconds from one address of the net.
	answers := b.site.Insert(interop.Comment{Post: post, Parent: asks, Name: "Ben", Email: "ben@reader.example", Text: "word-answers"})[0]
	got := b.post.Await("ann@reader.example", "word-answers")
	c.fence()
	c.once("ben@reader.example", "word-asks")
	c.never("ann@reader.example", "Ann had written: word-asks") // her own words stand above the answer only
	if n := len(b.post.To("ann@reader.example")); n != 1 {
		t.Errorf("Ann got %d mails, one was due", n)
	}
	if why := got.Header.Get("X-Hearback-Reason"); why != "reply" {
		t.Errorf("Ann was told for the reason %q", why)
	}
	first := b.post.With("ben@reader.example", "word-asks")[0]
	for _, want := range []string{"Ann O'Hara & Sons", `*bold* & "quoted" — 日本語 👋`, fmt.Sprintf("%s/guests/#comment-%d", b.site.URL, asks)} {
		text := strings.NewReplacer("“", `"`, "”", `"`, "&quot;", `"`, "’", "'").Replace(first.Text)
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the mail:\n%s", want, first.Text)
		}
	}
	c.opens(got.Text, answers)
}

// opens follows the link to a comment as its reader would.
func (b *blog) opens(text string, comment int64) {
	b.Helper()
	anchor := fmt.Sprintf("#comment-%d", comment)
	link := regexp.MustCompile(`https?://\S+` + anchor + `\b`).FindString(text)
	if link == "" {
		b.Errorf("no link ends in %s:\n%s", anchor, text)
		return
	}
	status, page := b.site.Page(strings.TrimSuffix(link, anchor))
	if status != 200 || !strings.Contains(page, fmt.Sprintf(`id="comment-%d"`, comment)) {
		b.Errorf("%s answers %d, and the comment is not on that page", link, status)
	}
}

func (b *blog) authors(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("Authors", nil)
	c.hearback.Run("subscriber", "add", "u3", "bob@elsewhere.example", "--confirmed", "--author-id", fmt.Sprint(b.site.IDs["bob"]))
	c.hearback.Run("subscription", "add", "u3", fmt.Sprint("thread:", post))
	c.hearback.Reader("fan", "fan@reader.example", fmt.Sprint("author:", b.site.IDs["bob"]))
	var made struct{ ID int64 }
	b.site.Must("bob", "POST", "/wp/v2/comments", map[string]any{"post": post, "content": "word-bobs"}, &made)
	b.post.Await("fan@reader.example", "word-bobs")
	b.site.Insert(
		interop.Comment{Post: post, Parent: made.ID, Name: "Guest one", Email: "g1@reader.example", Text: "word-guest-one"},
		interop.Comment{Post: post, Parent: made.ID, Name: "Guest two", Email: "g2@reader.example", Text: "word-guest-two"},
		interop.Comment{Post: post, Parent: made.ID, Name: "Nobody", Text: "word-nobody"})
	for _, word := range []string{"word-guest-one", "word-guest-two", "word-nobody"} {
		b.post.Await("bob@elsewhere.example", word)
	}
	c.fence()
	c.never("bob@elsewhere.example", "word-bobs: ")
	c.once("fan@reader.example", "word-bobs")
	c.never("fan@reader.example", "word-guest")
	for _, mailed := range b.post.To("bob@elsewhere.example") {
		if !strings.Contains(mailed.Text, "word-guest") && !strings.Contains(mailed.Text, "word-nobody") {
			t.Errorf("Bob was told of his own comment:\n%s", mailed.Text)
		}
	}
}

func (b *blog) approval(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("Approval", nil)
	written := time.Now().Add(-75 * time.Hour)
	ids := b.site.Insert(
		interop.Comment{Post: post, Name: "Late", Email: "late@reader.example", Text: "word-late", At: written, Held: true},
		interop.Comment{Post: post, Name: "Never", Email: "never@reader.example", Text: "word-not-approved", Held: true})
	c.fence() // the queue was seen
	began := time.Now()
	b.site.Must("editor", "POST", fmt.Sprint("/wp/v2/comments/", ids[0]), map[string]any{"status": "approved"}, nil)
	got := b.post.Await(all, "word-late")
	t.Logf("the approval was mailed after %s", time.Since(began).Round(100*time.Millisecond))
	if want := written.UTC().Format("written on Mon 2 January"); !strings.Contains(got.Text, want) {
		t.Errorf("the mail does not say that it was written on %s:\n%s", want, got.Text)
	}
	c.never(all, "word-not-approved")
	c.once(all, "word-late")
}

func (b *blog) edits(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("Edits", nil)
	ids := b.site.Insert(
		interop.Comment{Post: post, Name: "Ed", Email: "ed@reader.example", Text: "word-early draft"},
		interop.Comment{Post: post, Name: "Ed", Email: "ed@reader.example", Text: "word-mailed"})
	b.site.Must("editor", "POST", fmt.Sprint("/wp/v2/comments/", ids[0]), map[string]any{"content": "word-early final"}, nil)
	b.post.Await(all, "word-early")
	b.post.Await(all, "word-mailed")
	b.site.Must("editor", "POST", fmt.Sprint("/wp/v2/comments/", ids[1]), map[string]any{"content": "word-mailed and changed"}, nil)
	c.fence()
	c.never(all, "draft")
	c.never(all, "and changed")
	c.once(all, "word-early final")
	c.once(all, "word-mailed")
}

func (b *blog) removals(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post, going := b.site.Post("Removals", nil), b.site.Post("Going", nil)
	ids := b.site.Insert(
		interop.Comment{Post: post, Name: "A", Email: "a@reader.example", Text: "word-trashed"},
		interop.Comment{Post: post, Name: "B", Email: "b@reader.example", Text: "word-spam"},
		interop.Comment{Post: post, Name: "C", Email: "c@reader.example", Text: "word-deleted"},
		interop.Comment{Post: post, Name: "D", Email: "d@reader.example", Text: "word-held-again"},
		interop.Comment{Post: going, Name: "E", Email: "e@reader.example", Text: "word-with-its-post"},
		interop.Comment{Post: post, Name: "F", Email: "f@reader.example", Text: "word-stays"})
	back := b.site.Insert(interop.Comment{Post: post, Name: "G", Email: "g@reader.example", Text: "word-back"})[0]
	for _, id := range append(ids[:5:5], back) { // the daemon has met them, and they settle
		b.known(t, id)
	}
	b.site.Must("editor", "DELETE", fmt.Sprint("/wp/v2/comments/", ids[0]), nil, nil)
	b.site.Must("editor", "POST", fmt.Sprint("/wp/v2/comments/", ids[1]), map[string]any{"status": "spam"}, nil)
	b.site.Must("editor", "DELETE", fmt.Sprint("/wp/v2/comments/", ids[2], "?force=true"), nil, nil)
	b.site.Must("editor", "POST", fmt.Sprint("/wp/v2/comments/", ids[3]), map[string]any{"status": "hold"}, nil)
	b.site.Must("editor", "DELETE", fmt.Sprint("/wp/v2/posts/", going), nil, nil)
	b.site.Call(nil, "wp_trash_comment", back)
	c.fence() // it is seen to be gone
	b.site.Call(nil, "wp_untrash_comment", back)
	b.post.Await(all, "word-stays")
	b.post.Await(all, "word-back")
	c.fence()
	c.once(all, "word-back")
	for _, word := range []string{"word-trashed", "word-spam", "word-deleted", "word-held-again", "word-with-its-post"} {
		c.never(all, word)
	}
}

// known waits until the daemon has met a comment.
func (b *blog) known(t *testing.T, id int64) {
	t.Helper()
	interop.Until(t, fmt.Sprint("comment ", id, " to be met"), 20*time.Second, func() bool {
		code, _, _ := b.hearback.Try("explain", "all", fmt.Sprint(id))
		return code == 0
	})
}

func (b *blog) oneSecond(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("One second", nil)
	now := time.Now()
	var comments []interop.Comment
	for i := range 12 {
		comments = append(comments, interop.Comment{Post: post, Name: "Quick", Email: "quick@reader.example", Text: fmt.Sprintf("word-quick-%02d.", i), At: now})
	}
	b.site.Insert(comments[:6]...)
	c.fence()
	b.site.Insert(comments[6:]...) // the same second, met a round later
	for i := range 12 {
		b.post.Await(all, fmt.Sprintf("word-quick-%02d.", i))
	}
	c.fence()
	for i := range 12 {
		c.once(all, fmt.Sprintf("word-quick-%02d.", i))
	}
}

func (b *blog) flood(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("Flood", nil)
	gone := map[int]bool{}
	const many = 240
	last := int64(0)
	for i := 0; i < many; i += 40 {
		var comments []interop.Comment
		for k := range 40 {
			comments = append(comments, interop.Comment{Post: post, Name: "Many", Email: fmt.Sprintf("many%d@reader.example", i+k), Text: fmt.Sprintf("word-many-%03d.", i+k)})
		}
		ids := b.site.Insert(comments...)
		for k := 0; k < 40; k += 7 { // what follows moves up, also between two pages
			b.site.Call(nil, "wp_delete_comment", ids[k], true)
			gone[i+k] = true
			last = ids[39]
		}
	}
	b.known(t, last)
	b.post.Await(all, "word-many-")
	c.fence()
	told := 0
	for i := range many {
		word := fmt.Sprintf("word-many-%03d.", i)
		if gone[i] {
			c.never(all, word)
		} else if got := len(b.post.With(all, word)); got > 1 {
			t.Errorf("%s was told of in %d mails", word, got)
		} else {
			told += got
		}
	}
	counted := 0
	for _, l := range b.post.To(all) {
		if !strings.Contains(l.Subject, "Flood") {
			continue
		}
		if m := regexp.MustCompile(`and (\d+) more\.`).FindStringSubmatch(l.Text); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			counted += n
		}
	}
	if due := many - len(gone); told+counted != due {
		t.Errorf("%d comments were told of and %d counted, %d were due", told, counted, due)
	}
}

func (b *blog) hidden(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	for word, more := range map[string]map[string]any{
		"word-private": {"post_status": "private"}, "word-draft": {"post_status": "draft"},
		"word-password": {"post_password": "secret"},
	} {
		post := b.site.Post("Hidden "+word, more)
		b.site.Insert(interop.Comment{Post: post, Name: "Hidden", Email: "hidden@reader.example", Text: word})
	}
	// One that becomes private while its comment settles.
	post := b.site.Post("Closing", nil)
	id := b.site.Insert(interop.Comment{Post: post, Name: "Hidden", Email: "hidden@reader.example", Text: "word-closing"})[0]
	b.known(t, id)
	b.site.Must("editor", "POST", fmt.Sprint("/wp/v2/posts/", post), map[string]any{"status": "private"}, nil)
	c.fence()
	c.fence()
	for _, word := range []string{"word-private", "word-draft", "word-password", "word-closing"} {
		c.never(all, word)
	}
}

func (b *blog) pingbacks(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post("Pingbacks", nil)
	b.site.Insert(
		interop.Comment{Post: post, Name: "Other blog", Text: "word-pingback", Type: "pingback"},
		interop.Comment{Post: post, Name: "Other blog", Text: "word-trackback", Type: "trackback"})
	c.fence()
	c.never(all, "word-pingback")
	c.never(all, "word-trackback")
}

func (b *blog) titles(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	post := b.site.Post(`Caf\u00e9 "Zum Löwen" & 'Söhne' -- <em>neu</em> 5 < 6`, nil)
	id := b.site.Insert(interop.Comment{Post: post, Name: `Ren\u00e9e "R" <x> & Co`, Email: "renee@reader.example", Text: "word-title"})[0]
	got := b.post.Await(all, "word-title")
	t.Logf("subject %q", got.Subject)
	for _, bad := range []string{"&amp;", "&#", "&quot;", "<em>", "&lt;"} {
		if strings.Contains(got.Subject+got.Text, bad) {
			t.Errorf("%q is in the mail: %s\n%s", bad, got.Subject, got.Text)
		}
	}
	if !strings.Contains(got.Subject, "Löwen” &") {
		t.Errorf("subject %q", got.Subject)
	}
	c.opens(got.Text, id)
}

func (b *blog) pages(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	b.site.Option("page_comments", 1)
	b.site.Option("comments_per_page", 3)
	defer b.site.Option("page_comments", 0)
	post := b.site.Post("Pages", nil)
	var comments []interop.Comment
	for i := range 8 {
		comments = append(comments, interop.Comment{
			Post: post, Name: "P", Email: "p@reader.example", Text: fmt.Sprintf("word-page-%d.", i),
			At: time.Now().Add(time.Duration(i-20) * time.Second), // WordPress pages by the second
		})
	}
	ids := b.site.Insert(comments...)
	got := b.post.Await(all, "word-page-7.")
	c.opens(got.Text, ids[7])
}

func (b *blog) plain(t *testing.T) {
	c := b.sub(t)
	defer func() { b.fences = c.fences }()
	b.site.Option("permalink_structure", "")
	b.site.Call(nil, "flush_rewrite_rules")
	defer func() {
		b.site.Option("permalink_structure", "/%postname%/")
		b.site.Call(nil, "flush_rewrite_rules")
	}()
	post := b.site.Post("Plain", nil)
	id := b.site.Insert(interop.Comment{Post: post, Name: "P", Email: "p@reader.example", Text: "word-plain"})[0]
	got := b.post.Await(all, "word-plain")
	c.opens(got.Text, id)
}

func TestWordPressIsReadByAStranger(t *testing.T) {
	site := interop.NewWordPress(t)
	b := attach(t, site, "")
	post := site.Post("Strangers", nil)
	site.Insert(
		interop.Comment{Post: post, Name: "Open", Email: "open@reader.example", Text: "word-open"},
		interop.Comment{Post: post, Name: "Held", Email: "held@reader.example", Text: "word-held", Held: true})
	got := b.post.Await(all, "word-open")
	b.fence()
	b.never(all, "word-held")
	if list, err := mail.ParseAddressList(got.Header.Get("To")); err != nil || list[0].Address != all {
		t.Errorf("To is %q (%v)", got.Header.Get("To"), err)
	}
	for user, want := range map[string]string{"editor": "ok", "bob": "may not see", "": "ok"} {
		h := interop.NewHearback(t, site.URL, "")
		login := ""
		if user != "" {
			login = fmt.Sprintf("\n    username: %s\n    password: %s", user, site.Passwords[user])
		}
		h.Configure(site.URL, fmt.Sprintf("sources:\n  - name: blog\n    type: wordpress\n    url: %s%s\n    allow_private: [127.0.0.1]\n", site.URL, login))
		said, _ := json.Marshal(h.Check("source"))
		t.Logf("check as %q: %s", user, said)
		if !strings.Contains(string(said), want) {
			t.Errorf("check as %q does not say %q: %s", user, want, said)
		}
	}
}
