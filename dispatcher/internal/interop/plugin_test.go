//go:build interop

package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher/internal/interop"
)

// TestThePluginTellsOfWhatHappensInWordPress runs docs/examples/wordpress.php in
// a real WordPress, without a source that reads it.
func TestThePluginTellsOfWhatHappensInWordPress(t *testing.T) {
	site := interop.NewWordPress(t)
	site.Option("timezone_string", "America/St_Johns") // not UTC, and not a whole hour from it
	b := &blog{T: t, site: site, post: interop.NewPost(t)}
	b.hearback = interop.NewHearback(t, site.URL, fmt.Sprintf("relays:\n  - url: smtp://%s\nsettle: 3s\n", b.post.Addr()))
	b.hearback.Serve()
	b.hearback.Reader("all", all, "site")
	var made struct{ Key string }
	b.hearback.JSON(&made, "key", "create", "wordpress", "--right", "events:write,subscriptions:write,subscribers:vouch")
	site.Plugin("../../../docs/examples/wordpress.php", map[string]string{"HEARBACK_URL": "http://" + b.hearback.Addr, "HEARBACK_KEY": made.Key})

	post := site.Post("Clocks & bells", nil)
	if _, page := site.Page(fmt.Sprintf("%s/?p=%d", site.URL, post)); !strings.Contains(page, "hearback_follow") {
		if _, page = site.Page(site.URL + "/clocks-bells/"); !strings.Contains(page, `name="hearback_follow"`) {
			t.Error("the comment form has no box")
		}
	}
	site.Follow(post, "Gus", "gus@reader.example", "word-first")
	b.post.Await(all, "word-first")
	b.post.Await("gus@reader.example", "/confirm/")

	ids := site.Insert(
		interop.Comment{Post: post, Name: "Held", Email: "held@reader.example", Text: "word-held", Held: true},
		interop.Comment{Post: post, Name: "Spam", Email: "spam@reader.example", Text: "word-spam"},
		interop.Comment{Post: post, Name: "Gone", Email: "gone@reader.example", Text: "word-gone"},
		interop.Comment{Post: post, Name: "Edit", Email: "edit@reader.example", Text: "word-before-edit"},
		interop.Comment{Post: post, Name: "Back", Email: "back@reader.example", Text: "word-back"},
		interop.Comment{Post: post, Name: "Ping", Text: "word-ping", Type: "pingback"})
	site.Call(nil, "wp_spam_comment", ids[1])
	site.Call(nil, "wp_delete_comment", ids[2], true)
	site.Call(nil, "wp_update_comment", map[string]any{"comment_ID": ids[3], "comment_content": "word-edited"})
	site.Call(nil, "wp_trash_comment", ids[4])
	site.Call(nil, "wp_set_comment_status", ids[0], "approve")
	site.Call(nil, "wp_untrash_comment", ids[4])
	b.post.Await(all, "word-held")
	b.post.Await(all, "word-edited")
	b.post.Await(all, "word-back")
	b.fence()
	b.once(all, "word-held")
	b.once(all, "word-edited")
	b.once(all, "word-back")
	for _, word := range []string{"word-spam", "word-gone", "word-before-edit", "word-ping"} {
		b.never(all, word)
	}
	if n := len(b.post.To("gus@reader.example")); n != 1 { // the question
		t.Errorf("a guest who has not confirmed got %d mails", n)
	}
	var rejected struct{ Items []map[string]any }
	b.hearback.JSON(&rejected, "event", "list")
	if len(rejected.Items) > 0 {
		t.Errorf("events were rejected: %v", rejected.Items)
	}
}
