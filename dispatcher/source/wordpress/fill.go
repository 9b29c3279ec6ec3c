package wordpress

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// titleAge is how long a thread's title is believed.
const titleAge = 10 * time.Minute

// Fill implements [source.Source]: it adds the threads' titles and addresses
// and, where the password shows them, the authors' mail addresses.
func (w *Source) Fill(ctx context.Context, comments []*source.Comment) error {
	if err := w.readPosts(ctx, comments); err != nil {
		return err
	}
	for _, c := range comments {
		id, _ := strconv.ParseInt(c.Thread.ID, 10, 64)
		if p := w.posts[id]; p.url != "" {
			c.Thread.URL = p.url
			c.Thread.Title = p.title
		}
	}
	return w.readAddresses(ctx, comments)
}

// readPosts reads the posts whose titles are unknown or old, as a stranger.
func (w *Source) readPosts(ctx context.Context, comments []*source.Comment) error {
	now := w.Clock.Now()
	stale := make(map[string][]int64)
	for _, c := range comments {
		id, err := strconv.ParseInt(c.Thread.ID, 10, 64)
		p := w.posts[id]
		if err != nil || p.route == "" || now.Sub(p.at) < titleAge || slices.Contains(stale[p.route], id) {
			continue
		}
		stale[p.route] = append(stale[p.route], id)
	}
	for route, ids := range stale {
		for part := range slices.Chunk(ids, pageSize) {
			if err := w.readSome(ctx, route, part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Source) readSome(ctx context.Context, route string, ids []int64) error {
	resp, err := w.ask(ctx, request{route: route, query: url.Values{
		"include": {join(ids)}, "per_page": {strconv.Itoa(pageSize)}, "_fields": {"id,link,title"},
	}})
	if err != nil {
		return err
	}
	var list []struct {
		ID    number `json:"id"`
		Link  string `json:"link"`
		Title struct {
			Rendered string `json:"rendered"`
		} `json:"title"`
	}
	// A kind of post that strangers cannot list has no title for us; its
	// comments, which strangers can read, go without.
	if resp.Status == http.StatusOK {
		if err := w.decode(resp, &list); err != nil {
			return err
		}
	}
	now := w.Clock.Now()
	for _, id := range ids { // also those that were not found: ask again later
		p := w.posts[id]
		p.at = now
		w.posts[id] = p
	}
	for _, l := range list {
		p := w.posts[int64(l.ID)]
		p.title, p.url = source.PlainText(l.Title.Rendered), html.UnescapeString(l.Link)
		w.posts[int64(l.ID)] = p
	}
	return nil
}

// readAddresses adds the mail addresses of comments that strangers can read.
func (w *Source) readAddresses(ctx context.Context, comments []*source.Comment) error {
	if !w.access.queue {
		return nil
	}
	byID := make(map[int64]*source.Comment, len(comments))
	var ids []int64
	for _, c := range comments {
		id, err := strconv.ParseInt(c.ID, 10, 64)
		if err == nil && c.State == dispatcher.Visible {
			byID[id] = c
			ids = append(ids, id)
		}
	}
	for part := range slices.Chunk(ids, pageSize) {
		resp, err := w.ask(ctx, request{route: "/wp/v2/comments", auth: true, fresh: true, query: url.Values{
			"include": {join(part)}, "context": {"edit"}, "per_page": {strconv.Itoa(pageSize)}, "_fields": {"id,author_email"},
		}})
		if err != nil {
			return err
		}
		if resp.Status != http.StatusOK {
			w.access = access{}
			return nil
		}
		var list []comment
		if err := w.decode(resp, &list); err != nil {
			return err
		}
		for _, l := range list {
			if c := byID[int64(l.ID)]; c != nil {
				c.Author.Email = l.Email
			}
		}
	}
	return nil
}
