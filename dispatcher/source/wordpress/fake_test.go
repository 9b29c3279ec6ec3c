package wordpress_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"encoding/json"
)

// wp is a WordPress site as its REST API shows it, with the habits that were
// measured on a real one: filters on local time, pages cut before they are
// filtered, no validators, a wrong password taken for none, and so on.
type wp struct {
	*httptest.Server
	mu       sync.Mutex
	zone     *time.Location
	now      func() time.Time
	comments map[int64]*entry
	posts    map[int64]*page
	last     int64
	plain    bool // no pretty permalinks
	editor   bool // the application user may moderate
	requests []string
	fault    func(w http.ResponseWriter, r *http.Request) bool // answers in our place
	between  func()                                            // called after each list, without the lock
}

type entry struct {
	id, post, parent, author int64
	name, email, text        string
	at                       time.Time
	status, kind             string // "approve", "hold", "trash", "spam"; "comment", …
}

type page struct {
	title, status, password string
	collection              string
}

func newWP(t *testing.T, now func() time.Time) *wp {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := &wp{
		zone: zone, now: now, comments: map[int64]*entry{}, editor: true,
		posts: map[int64]*page{7: {title: "Caf&#233; &#8220;Olé&#8221; &amp; more", status: "publish", collection: "posts"}},
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// write adds a comment that is written now.
func (s *wp) write(post, parent int64, text, status string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last += 1 + s.last%3 // ids have gaps
	e := &entry{
		id: s.last, post: post, parent: parent, name: "Ann & Bob's", email: fmt.Sprintf("u%d@example.org", s.last),
		text: text, at: s.now().UTC().Truncate(time.Second), status: status, kind: "comment",
	}
	s.comments[e.id] = e
	return e
}

func (s *wp) setFault(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// readable says whether a stranger may read the comment by its id.
func (s *wp) readable(e *entry) bool {
	p := s.posts[e.post]
	return e.status == "approve" && p != nil && p.status == "publish" && p.password == ""
}

// remove deletes a comment for good: its answers move up.
func (s *wp) remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.comments[id]
	delete(s.comments, id)
	for _, c := range s.comments {
		if c.parent == id {
			c.parent = e.parent
		}
	}
}

func (s *wp) count(part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

func (s *wp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	auth := ""
	if u, p, ok := r.BasicAuth(); ok {
		auth = " as " + u + ":" + p
	}
	raw, _ := url.QueryUnescape(r.URL.String())
	s.requests = append(s.requests, raw+auth)
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	s.answer(w, r)
	if s.between != nil && r.URL.Query().Get("offset") != "" {
		s.between()
	}
}

func (s *wp) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	route := q.Get("rest_route")
	if route == "" {
		if s.plain || !strings.HasPrefix(r.URL.Path, "/wp-json/") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<!DOCTYPE html><html><title>Page not found</title>")
			return
		}
		route = strings.TrimPrefix(r.URL.Path, "/wp-json")
	}
	user, password, _ := r.BasicAuth()
	known := user == "editor" && password == "abcd efgh"
	admin := known && s.editor
	switch {
	case route == "/wp/v2/users/me" && known:
		send(w, map[string]any{"id": 1})
	case route == "/wp/v2/users/me":
		refuse(w, 401, "rest_not_logged_in")
	case route == "/wp/v2/comments":
		s.list(w, q, admin)
	case strings.HasPrefix(route, "/wp/v2/comments/"):
		s.one(w, strings.TrimPrefix(route, "/wp/v2/comments/"), admin)
	case route == "/wp/v2/posts" || route == "/wp/v2/pages":
		s.listPosts(w, strings.TrimPrefix(route, "/wp/v2/"), q)
	default:
		refuse(w, 404, "rest_no_route")
	}
}

func send(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"code": code, "message": "No.", "data": map[string]any{"status": status}})
}

func (s *wp) list(w http.ResponseWriter, q url.Values, admin bool) {
	status, kind := "approve", "comment"
	for name, v := range map[string]*string{"status": &status, "type": &kind} {
		if q.Has(name) && q.Get(name) != *v {
			if !admin {
				refuse(w, 401, "rest_forbidden_param")
				return
			}
			*v = q.Get(name)
		}
	}
	if q.Get("context") == "edit" && !admin {
		refuse(w, 401, "rest_forbidden_context")
		return
	}
	size := number(q, "per_page", 10)
	if size < 1 || size > 100 {
		refuse(w, 400, "rest_invalid_param")
		return
	}
	var rows []*entry
	for _, e := range s.comments {
		if e.status == status && e.kind == kind && s.posts[e.post] != nil && s.posts[e.post].status != "trash" && s.matches(e, q) {
			rows = append(rows, e)
		}
	}
	slices.SortFunc(rows, func(a, b *entry) int {
		n := int(a.id - b.id)
		if q.Get("orderby") != "id" && q.Get("orderby") != "include" {
			n = a.at.Compare(b.at)
		}
		if q.Get("order") != "asc" {
			n = -n
		}
		return n
	})
	w.Header().Set("X-WP-Total", strconv.Itoa(len(rows)))
	w.Header().Set("X-WP-TotalPages", strconv.Itoa((len(rows)+size-1)/size))
	from := min(number(q, "offset", (number(q, "page", 1)-1)*size), len(rows))
	out := []any{}
	for _, e := range rows[from:min(from+size, len(rows))] {
		if admin || s.readable(e) {
			out = append(out, s.show(e, q.Get("context") == "edit"))
		}
	}
	send(w, out)
}

func number(q url.Values, name string, otherwise int) int {
	if n, err := strconv.Atoi(q.Get(name)); err == nil {
		return n
	}
	return otherwise
}

func (s *wp) matches(e *entry, q url.Values) bool {
	if inc := q.Get("include"); inc != "" && !slices.Contains(strings.Split(inc, ","), fmt.Sprint(e.id)) {
		return false
	}
	if after := q.Get("after"); after != "" {
		t, err := time.Parse(time.RFC3339, after)
		if err != nil {
			return false
		}
		// The column is local time, and in autumn one hour of it comes twice.
		const layout = "2006-01-02T15:04:05"
		return e.at.In(s.zone).Format(layout) > t.In(s.zone).Format(layout)
	}
	return true
}

func (s *wp) show(e *entry, edit bool) map[string]any {
	status := map[string]string{"approve": "approved"}[e.status]
	if status == "" {
		status = e.status
	}
	m := map[string]any{
		"id": e.id, "post": e.post, "parent": e.parent, "author": e.author,
		"author_name": html.EscapeString(e.name), "status": status, "type": e.kind,
		"date": e.at.In(s.zone).Format("2006-01-02T15:04:05"), "date_gmt": e.at.Format("2006-01-02T15:04:05"),
		"content": map[string]any{"rendered": "<p>" + html.EscapeString(e.text) + "</p>\n"},
		"link":    fmt.Sprintf("%s/%d/comment-page-2/#comment-%d", s.URL, e.post, e.id),
		"_links": map[string]any{"up": []any{map[string]any{
			"embeddable": true, "post_type": "post", "href": fmt.Sprintf("%s/wp-json/wp/v2/%s/%d", s.URL, s.posts[e.post].collection, e.post),
		}}},
	}
	if edit {
		m["author_email"] = e.email
	}
	return m
}

func (s *wp) one(w http.ResponseWriter, id string, admin bool) {
	n, _ := strconv.ParseInt(id, 10, 64)
	e := s.comments[n]
	switch {
	case e == nil:
		refuse(w, 404, "rest_comment_invalid_id")
	case s.posts[e.post] == nil:
		refuse(w, 404, "rest_post_invalid_id")
	case !admin && e.status != "approve":
		refuse(w, 401, "rest_cannot_read")
	case !admin && !s.readable(e):
		refuse(w, 401, "rest_cannot_read_post")
	default:
		send(w, s.show(e, false))
	}
}

func (s *wp) listPosts(w http.ResponseWriter, collection string, q url.Values) {
	out := []any{}
	for id, p := range s.posts {
		if p.collection == collection && p.status == "publish" && slices.Contains(strings.Split(q.Get("include"), ","), fmt.Sprint(id)) {
			out = append(out, map[string]any{
				"id": id, "link": fmt.Sprintf("%s/%d/", s.URL, id), "title": map[string]any{"rendered": p.title},
			})
		}
	}
	send(w, out)
}
