package wordpress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// request is one question to the API.
type request struct {
	route string // such as "/wp/v2/comments"
	query url.Values
	auth  bool // with the password
	fresh bool // past all caches
}

// ask sends a request. Where the site has no pretty permalinks, that is found
// out at the first answer and remembered.
func (w *Source) ask(ctx context.Context, r request) (*source.Response, error) {
	resp, err := w.fetch(ctx, r, w.plain)
	if err != nil || looksJSON(resp.Body) || resp.Status >= http.StatusInternalServerError {
		return resp, err
	}
	other, err := w.fetch(ctx, r, !w.plain)
	if err == nil && looksJSON(other.Body) {
		w.plain = !w.plain
		return other, nil
	}
	return resp, nil
}

func looksJSON(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) > 0 && (body[0] == '[' || body[0] == '{')
}

func (w *Source) fetch(ctx context.Context, r request, plain bool) (*source.Response, error) {
	u := *w.base
	q := url.Values{}
	for k, v := range r.query {
		q[k] = v
	}
	if plain {
		u.Path += "/"
		q.Set("rest_route", r.route)
	} else {
		u.Path += "/wp-json" + r.route
	}
	u.RawQuery = q.Encode()
	fr := source.Request{URL: u.String(), Fresh: r.fresh}
	if r.auth {
		fr.Username, fr.Password = w.Username, w.Password
	}
	return w.Fetcher.Get(ctx, fr)
}

// list reads a page of comments as a stranger. total is what the site says
// there are in all, or -1.
func (w *Source) list(ctx context.Context, q url.Values, mayBeCached bool) (list []comment, total int, err error) {
	q.Set("_fields", fields)
	resp, err := w.ask(ctx, request{route: "/wp/v2/comments", query: q, fresh: !mayBeCached})
	if err != nil {
		return nil, 0, err
	}
	if err := w.decode(resp, &list); err != nil {
		return nil, 0, err
	}
	return list, totalOf(resp), nil
}

func totalOf(resp *source.Response) int {
	n, err := strconv.Atoi(resp.Header.Get("X-WP-Total"))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// decode reads a document, or says what came in its place.
func (w *Source) decode(resp *source.Response, into any) error {
	body := bytes.TrimPrefix(bytes.TrimSpace(resp.Body), []byte("\xef\xbb\xbf"))
	if resp.Status == http.StatusOK {
		err := json.Unmarshal(body, into)
		if err == nil {
			return nil
		}
		if !bytes.HasPrefix(body, []byte("<")) {
			return fmt.Errorf("the answer of %s is no valid JSON (%d bytes, beginning %q): %w", w.base.Redacted(), len(body), begin(body), err)
		}
	}
	no := readRefusal(body)
	e := &dispatcher.Error{Code: dispatcher.CodeUnavailable, Field: "url"}
	switch {
	case resp.Status == http.StatusUnauthorized || resp.Status == http.StatusForbidden:
		e.Message = fmt.Sprintf("%s does not let strangers read its comments over the REST API (%d %s)", w.base.Redacted(), resp.Status, no.Code)
		e.Mend = "allow /wp-json/wp/v2/comments for visitors in the plugin or firewall that refuses it, or read the comments by a source of type sql"
	case no.Code != "":
		e.Message = fmt.Sprintf("%s answered %d %s: %s", w.base.Redacted(), resp.Status, no.Code, no.Message)
		e.Mend = "see whether this is the address of a WordPress site of version 4.7 or later"
	case resp.Status >= 500:
		return &source.StatusError{URL: w.base.Redacted(), Status: resp.Status, Says: begin(body)}
	default:
		e.Message = fmt.Sprintf("%s answered %d with something that is not JSON, beginning %q", w.base.Redacted(), resp.Status, begin(body))
		e.Mend = "see whether this is the address of a WordPress site, and whether a maintenance page or a bot check stands before it"
	}
	return e
}

func begin(body []byte) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 200)]), "")), " ")
	return s[:min(len(s), 80)]
}

// look finds the present state of comments, as a stranger sees them.
func (w *Source) look(ctx context.Context, ids []int64) ([]source.Comment, error) {
	var seen []source.Comment
	for part := range slices.Chunk(ids, pageSize) {
		list, _, err := w.list(ctx, url.Values{
			"include": {join(part)}, "per_page": {strconv.Itoa(pageSize)},
		}, false)
		if err != nil {
			return nil, err
		}
		met := make(map[int64]bool, len(list))
		for _, c := range list {
			w.remember(c)
			met[int64(c.ID)] = true
			seen = append(seen, w.seen(c))
		}
		for _, id := range part {
			if met[id] {
				continue
			}
			c, err := w.one(ctx, id)
			if err != nil {
				return nil, err
			}
			seen = append(seen, c)
		}
	}
	return seen, nil
}

// one asks for a comment by its id: the only way to tell what is gone from what
// no list shows.
func (w *Source) one(ctx context.Context, id int64) (source.Comment, error) {
	gone := source.Comment{ID: strconv.FormatInt(id, 10)}
	resp, err := w.ask(ctx, request{
		route: "/wp/v2/comments/" + gone.ID, query: url.Values{"_fields": {fields}}, fresh: true,
	})
	if err != nil {
		return gone, err
	}
	// Only WordPress's own words count: a firewall says 403 and a lost
	// permalink setting 404 as well, and neither removes a comment.
	switch no := readRefusal(resp.Body); {
	case (resp.Status == http.StatusNotFound || resp.Status == http.StatusGone) &&
		(no.Code == "rest_comment_invalid_id" || no.Code == "rest_post_invalid_id"):
		gone.State = dispatcher.Removed
		return gone, nil
	case (resp.Status == http.StatusUnauthorized || resp.Status == http.StatusForbidden) &&
		(strings.HasPrefix(no.Code, "rest_cannot_read") || no.Code == "rest_forbidden"):
		gone.State = dispatcher.Held
		return gone, nil
	}
	var c comment
	if err := w.decode(resp, &c); err != nil {
		return gone, err
	}
	if int64(c.ID) != id {
		return gone, fmt.Errorf("asked for comment %d, %s gave %d", id, w.base.Redacted(), c.ID)
	}
	w.remember(c)
	return w.seen(c), nil
}

func join(ids []int64) string {
	s := make([]string, len(ids))
	for i, id := range ids {
		s[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(s, ",")
}
