package wordpress

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// fields are what a list of comments is asked for.
const fields = "id,post,parent,author,author_name,date,date_gmt,content,link,status,type,_links"

// comment is one comment on the wire.
type comment struct {
	ID         number `json:"id"`
	Post       number `json:"post"`
	Parent     number `json:"parent"`
	Author     number `json:"author"`
	AuthorName string `json:"author_name"`
	Email      string `json:"author_email"`
	Date       string `json:"date"`
	DateGMT    string `json:"date_gmt"`
	Content    struct {
		Rendered string `json:"rendered"`
	} `json:"content"`
	Link   string `json:"link"`
	Status string `json:"status"`
	Type   string `json:"type"`
	Links  struct {
		Up []struct {
			Href string `json:"href"`
		} `json:"up"`
	} `json:"_links"`
}

// number is an integer that plugins sometimes make a string, null or false.
type number int64

// UnmarshalJSON reads what stands for an integer.
func (n *number) UnmarshalJSON(b []byte) error {
	s := string(bytes.Trim(b, `"`))
	if s == "null" || s == "false" || s == "" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return err
	}
	*n = number(v)
	return nil
}

// id gives the number as an id; 0, which many share, is none.
func (n number) id() string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// post is what is known of a thread.
type post struct {
	route string // of its collection, such as "/wp/v2/posts"; "" when the API has none
	title string
	url   string
	at    time.Time // when title and url were read; zero when they were not
}

// visibleTypes are the comment types that are written for everybody. Plugins
// have others: private ones, notes to editors, notes on orders.
var visibleTypes = map[string]bool{"": true, "comment": true, "wpdiscuz_sticky": true, "review": true}

// seen turns a comment that a stranger could read into what the poller takes.
func (w *Source) seen(c comment) source.Comment {
	s := source.Comment{
		ID: c.ID.id(), ParentID: c.Parent.id(), State: dispatcher.Visible,
		Thread: dispatcher.EventThread{ID: c.Post.id(), URL: threadURL(c.Link)},
		Author: dispatcher.EventAuthor{ID: c.Author.id(), Name: html.UnescapeString(c.AuthorName)},
		URL:    c.Link, HTML: c.Content.Rendered, WrittenAt: c.written(),
	}
	if !visibleTypes[c.Type] || c.Status != "" && c.Status != "approved" && c.Status != "approve" && c.Status != "1" {
		s.State = dispatcher.Held
	}
	return s
}

// written reads the date, which is printed without its zone: date_gmt is UTC.
func (c *comment) written() time.Time {
	for _, s := range []string{c.DateGMT, c.Date} {
		for _, layout := range []string{"2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05"} {
			if t, err := time.Parse(layout, s); err == nil && t.Year() > 1970 {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}

// remember keeps where a comment's thread is to be asked for.
func (w *Source) remember(c comment) {
	if len(w.posts) > 5000 {
		clear(w.posts)
	}
	p, ok := w.posts[int64(c.Post)]
	if ok && p.route != "" {
		return
	}
	for _, up := range c.Links.Up {
		p.route = route(up.Href, c.Post.id())
	}
	w.posts[int64(c.Post)] = p
}

// route finds the API's route of a collection in the address of its member.
func route(href, id string) string {
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	r := u.Query().Get("rest_route")
	if r == "" {
		if _, after, ok := strings.Cut(u.Path, "/wp-json"); ok {
			r = after
		}
	}
	if collection, ok := strings.CutSuffix(r, "/"+id); ok {
		return collection
	}
	return ""
}

var commentPage = regexp.MustCompile(`/comment-page-\d+/?$`)

// threadURL cuts a comment's address down to its page's.
func threadURL(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	u.Fragment = ""
	if cut := commentPage.ReplaceAllString(u.Path, "/"); cut != u.Path {
		u.Path, u.RawPath = cut, ""
	}
	q := u.Query()
	if q.Has("cpage") {
		q.Del("cpage")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// refusal is how the API says no.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func readRefusal(body []byte) refusal {
	var r refusal
	if json.Unmarshal(body, &r) != nil {
		return refusal{}
	}
	return r
}
