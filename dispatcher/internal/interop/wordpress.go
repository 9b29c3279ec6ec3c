package interop

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

//go:embed site
var site embed.FS

const doorKey = "interop-0123456789"

// WordPress is a running WordPress site on loopback.
type WordPress struct {
	URL     string
	Version string
	// Passwords are application passwords, by user: editor, bob, carol, admin.
	Passwords map[string]string
	// IDs are the users' numbers.
	IDs map[string]int64

	t      testing.TB
	server *Process
}

// NewWordPress installs WordPress into a database of its own and serves it
// with pretty permalinks: comments appear at once unless a test has them held.
func NewWordPress(t testing.TB) *WordPress {
	t.Helper()
	socket := MariaDB(t, "wordpress")
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	Run(t, exec.Command("cp", "-a", Unpacked(t, "usr/share/wordpress"), root))
	addr := FreeAddr(t)
	w := &WordPress{URL: "http://" + addr, Passwords: map[string]string{}, IDs: map[string]int64{}, t: t}
	for _, name := range []string{"router.php", "door.php", "install.php", "wp-config.php"} {
		b, err := site.ReadFile("site/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("{{SOCKET}}", socket, "{{URL}}", w.URL, "{{KEY}}", doorKey).Replace(string(b))
		to := filepath.Join(dir, name)
		if name == "wp-config.php" {
			to = filepath.Join(root, name)
		}
		write(t, 0o600, to, "%s", text)
	}
	settings := []string{"-d", "sendmail_path=/bin/true", "-d", "opcache.enable_cli=1", "-d", "display_errors=stderr", "-d", "log_errors=0", "-d", "memory_limit=256M"}
	w.Version = Run(t, exec.Command("php", append(settings, filepath.Join(dir, "install.php"), root)...))
	w.server = Start(t, "wordpress", exec.Command("php", append(settings, "-S", addr, "-t", root, filepath.Join(dir, "router.php"))...))
	w.server.Until("the site", 30*time.Second, func() bool { return Listening(addr) })
	for _, name := range []string{"admin", "editor", "bob", "carol"} {
		var user struct{ ID int64 }
		w.Call(&user, "get_user_by", "login", name)
		w.IDs[name] = user.ID
		var made []any
		w.Call(&made, "WP_Application_Passwords::create_new_application_password", user.ID, map[string]string{"name": "interop"})
		w.Passwords[name] = made[0].(string)
	}
	return w
}

// Call calls a function of WordPress and reads what it gave into v, which may
// be nil.
func (w *WordPress) Call(v any, function string, args ...any) {
	w.t.Helper()
	if args == nil {
		args = []any{}
	}
	answers := w.calls([]any{map[string]any{"call": function, "args": args}})
	if v != nil {
		if err := json.Unmarshal(answers[0], v); err != nil {
			w.t.Fatalf("%s gave %s: %v", function, answers[0], err)
		}
	}
}

func (w *WordPress) calls(calls []any) []json.RawMessage {
	w.t.Helper()
	body, err := json.Marshal(calls)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.URL+"/interop-door", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Interop-Key", doorKey)
	status, _, said := w.do(req)
	var answers []struct {
		Value json.RawMessage
		Error *string
	}
	if err := json.Unmarshal(said, &answers); err != nil || status != http.StatusOK || len(answers) != len(calls) {
		w.t.Fatalf("the door answered %d %s (%v)", status, said, err)
	}
	values := make([]json.RawMessage, len(answers))
	for i, a := range answers {
		if a.Error != nil {
			w.t.Fatalf("%v: WordPress said: %s", calls[i], *a.Error)
		}
		values[i] = a.Value
	}
	return values
}

func (w *WordPress) do(req *http.Request) (status int, header http.Header, body []byte) {
	w.t.Helper()
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

// REST asks the site's API as a user ("" for a stranger) and reads the answer
// into v, which may be nil.
func (w *WordPress) REST(user, method, route string, body map[string]any, v any) (status int, header http.Header) {
	w.t.Helper()
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		payload = bytes.NewReader(b)
	}
	path, query, _ := strings.Cut(route, "?")
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+"/?rest_route="+url.QueryEscape(path)+"&"+query, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if user != "" {
		req.SetBasicAuth(user, w.Passwords[user])
	}
	status, header, said := w.do(req)
	if v != nil {
		if err := json.Unmarshal(said, v); err != nil {
			w.t.Fatalf("%s %s answered %d %.500s", method, route, status, said)
		}
	}
	return status, header
}

// Must is REST, and fails the test unless the site says 2xx.
func (w *WordPress) Must(user, method, route string, body map[string]any, v any) {
	w.t.Helper()
	var raw json.RawMessage
	if status, _ := w.REST(user, method, route, body, &raw); status/100 != 2 {
		w.t.Fatalf("%s %s as %q: %d %.500s", method, route, user, status, raw)
	}
	if v != nil {
		if err := json.Unmarshal(raw, v); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Post publishes a post, or changes what more says, and gives its number.
func (w *WordPress) Post(title string, more map[string]any) (id int64) {
	w.t.Helper()
	post := map[string]any{"post_title": title, "post_content": "<p>Text.</p>", "post_status": "publish", "post_author": w.IDs["admin"], "comment_status": "open", "ping_status": "open"}
	for k, v := range more {
		post[k] = v
	}
	w.Call(&id, "wp_insert_post", post, true)
	return id
}

// Comment is what is said of one when it is put in past the form.
type Comment struct {
	Post, Parent, User int64
	Name, Email, Text  string
	At                 time.Time // zero for now
	Held               bool
	Type               string // "comment" when empty
}

// Insert puts comments in by wp_insert_comment, all in one request.
func (w *WordPress) Insert(comments ...Comment) (ids []int64) {
	w.t.Helper()
	const layout = "2006-01-02 15:04:05"
	var calls []any
	for _, c := range comments {
		approved := 1
		if c.Held {
			approved = 0
		}
		row := map[string]any{
			"comment_post_ID": c.Post, "comment_parent": c.Parent, "user_id": c.User, "comment_author": c.Name,
			"comment_author_email": c.Email, "comment_content": c.Text, "comment_approved": approved, "comment_type": c.Type,
		}
		if !c.At.IsZero() {
			var local string
			w.Call(&local, "get_date_from_gmt", c.At.UTC().Format(layout))
			row["comment_date_gmt"], row["comment_date"] = c.At.UTC().Format(layout), local
		}
		calls = append(calls, map[string]any{"call": "wp_insert_comment", "args": []any{row}})
	}
	for _, raw := range w.calls(calls) {
		var id int64
		if err := json.Unmarshal(raw, &id); err != nil || id == 0 {
			w.t.Fatalf("wp_insert_comment gave %s", raw)
		}
		ids = append(ids, id)
	}
	return ids
}

// Form sends the comment form as a visitor does and gives the comment's
// number.
func (w *WordPress) Form(post, parent int64, name, email, text string) (id int64) {
	w.t.Helper()
	form := url.Values{
		"comment_post_ID": {fmt.Sprint(post)}, "comment_parent": {fmt.Sprint(parent)},
		"author": {name}, "email": {email}, "comment": {text}, "submit": {"Post Comment"},
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.URL+"/wp-comments-post.php", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, header, body := w.do(req)
	_, number, ok := strings.Cut(header.Get("Location"), "#comment-")
	if status != http.StatusFound || !ok {
		w.t.Fatalf("the form answered %d %s\n%.1500s", status, header.Get("Location"), body)
	}
	if _, err := fmt.Sscan(number, &id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// Page reads a page as a visitor's browser does and follows no redirect.
func (w *WordPress) Page(address string) (status int, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	status, _, b := w.do(req)
	return status, string(b)
}

// Option sets an option of the site.
func (w *WordPress) Option(name string, value any) {
	w.t.Helper()
	w.Call(nil, "update_option", name, value)
}
