package interop

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Plugin puts a plugin of one file into the site, always on, with constants as
// an administrator has them in wp-config.php.
func (w *WordPress) Plugin(file string, constants map[string]string) {
	w.t.Helper()
	code, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	var root string
	w.Call(&root, "constant", "ABSPATH")
	folder := filepath.Join(root, "wp-content", "mu-plugins")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		w.t.Fatal(err)
	}
	var defines strings.Builder
	for name, value := range constants {
		fmt.Fprintf(&defines, "define('%s', '%s');\n", name, value)
	}
	write(w.t, 0o600, filepath.Join(folder, "0.php"), "<?php\n%s", defines.String())
	write(w.t, 0o600, filepath.Join(folder, filepath.Base(file)), "%s", code)
}

// Follow sends the comment form with the plugin's box ticked.
func (w *WordPress) Follow(post int64, name, email, text string) {
	w.t.Helper()
	form := url.Values{"comment_post_ID": {fmt.Sprint(post)}, "comment_parent": {"0"}, "author": {name}, "email": {email}, "comment": {text}, "hearback_follow": {"1"}}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.URL+"/wp-comments-post.php", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, header, body := w.do(req); status != http.StatusFound || !strings.Contains(header.Get("Location"), "#comment-") {
		w.t.Fatalf("the form answered %d %s\n%.1500s", status, header.Get("Location"), body)
	}
}
