package store

import (
	"context"
	"slices"

	"github.com/hearback/hearback/dispatcher"
)

// threadRow and commentRow are rows as intake changes them in memory.
type threadRow struct {
	ID         int64  `db:"id"`
	Site       string `db:"site"`
	ExternalID string `db:"external_id"`
	URL        string `db:"url"`
	Title      string `db:"title"`
	ToldAt     int64  `db:"told_at"`
	Revision   int64  `db:"revision"`
	RemovedAt  int64  `db:"removed_at"`
	Changed    int64  `db:"changed"`
	dirty      bool
}

const threadColumns = `id, site, external_id, url, title, told_at, revision, removed_at, changed`

type commentRow struct {
	ID            int64  `db:"id"`
	Site          string `db:"site"`
	ExternalID    string `db:"external_id"`
	Key           int64  `db:"comment_key"`
	Thread        int64  `db:"thread"`
	ParentID      string `db:"parent_id"`
	Parent        int64  `db:"parent"`
	AuthorID      string `db:"author_id"`
	AuthorName    string `db:"author_name"`
	AuthorKey     int64  `db:"author_key"`
	AddressKey    int64  `db:"address_key"`
	HTML          string `db:"html"`
	Plain         bool   `db:"plain"`
	URL           string `db:"url"`
	State         string `db:"state"`
	StateTime     int64  `db:"state_time"`
	ContentTime   int64  `db:"content_time"`
	WrittenAt     int64  `db:"written_at"`
	PublishedAt   int64  `db:"published_at"`
	ArrivedAt     int64  `db:"arrived_at"`
	EditedAt      int64  `db:"edited_at"`
	Revision      int64  `db:"revision"`
	Changed       int64  `db:"changed"`
	Position      int64  `db:"position"`
	FirstPosition int64  `db:"first_position"`
	SettlesAt     *int64 `db:"settles_at"`
	Unmailed      string `db:"unmailed"`
	dirty         bool
	waits         bool // settles for the first time in this batch
}

const commentColumns = `id, site, external_id, comment_key, thread, parent_id, parent, author_id, author_name, author_key, address_key,
	html, plain, url, state, state_time, content_time, written_at, published_at, arrived_at, edited_at, revision, changed,
	position, first_position, settles_at, unmailed`

func (c *commentRow) args() []any {
	return []any{c.ID, c.Site, c.ExternalID, c.Key, c.Thread, c.ParentID, c.Parent, c.AuthorID, c.AuthorName, c.AuthorKey, c.AddressKey,
		c.HTML, c.Plain, c.URL, c.State, c.StateTime, c.ContentTime, c.WrittenAt, c.PublishedAt, c.ArrivedAt, c.EditedAt, c.Revision, c.Changed,
		c.Position, c.FirstPosition, c.SettlesAt, c.Unmailed}
}

func (c *commentRow) domain() dispatcher.Comment {
	return dispatcher.Comment{
		ID: c.ID, Site: c.Site, ExternalID: c.ExternalID, Thread: c.Thread, ParentID: c.ParentID, Parent: c.Parent,
		AuthorID: c.AuthorID, AuthorName: c.AuthorName, AuthorKey: dispatcher.Key(c.AuthorKey), AddressKey: dispatcher.Key(c.AddressKey),
		HTML: c.HTML, Plain: c.Plain, URL: c.URL, State: dispatcher.Visibility(c.State), StateTime: fromMicros(c.StateTime),
		ContentTime: fromMicros(c.ContentTime), WrittenAt: fromMicros(c.WrittenAt), PublishedAt: fromMicros(c.PublishedAt),
		ArrivedAt: fromMicros(c.ArrivedAt), EditedAt: fromMicros(c.EditedAt), Revision: c.Revision, Position: c.Position,
	}
}

// fill takes over what dispatcher.Comment.Apply may change.
func (c *commentRow) fill(d *dispatcher.Comment) {
	c.AuthorID, c.AuthorName = d.AuthorID, d.AuthorName
	c.HTML, c.Plain, c.URL = d.HTML, d.Plain, d.URL
	c.State, c.StateTime, c.ContentTime = string(d.State), micros(d.StateTime), micros(d.ContentTime)
	c.WrittenAt, c.PublishedAt, c.EditedAt = micros(d.WrittenAt), micros(d.PublishedAt), micros(d.EditedAt)
	c.Revision = d.Revision
}

func (r *threadRow) domain() dispatcher.Thread {
	return dispatcher.Thread{ID: r.ID, Site: r.Site, ExternalID: r.ExternalID, URL: r.URL, Title: r.Title, Revision: r.Revision, RemovedAt: fromMicros(r.RemovedAt)}
}

// load reads the threads, comments and parents that the arrivals name.
func (b *batch) load(ctx context.Context, arrivals []arrival) error {
	b.threads, b.comments = map[siteID]*threadRow{}, map[siteID]*commentRow{}
	threads, comments, parents, authors := map[string][]any{}, map[string][]any{}, map[string][]any{}, map[string][]any{}
	asked := map[siteID]bool{}
	for i := range arrivals {
		e := &arrivals[i].event
		if e.Thread != nil && e.Thread.ID != "" {
			k := siteID{e.Site, e.Thread.ID}
			if b.threads[k] == nil {
				b.threads[k] = &threadRow{}
				threads[e.Site] = append(threads[e.Site], e.Thread.ID)
			}
		}
		if e.Comment == nil || e.Comment.ID == "" {
			continue
		}
		k := siteID{e.Site, e.Comment.ID}
		if b.comments[k] == nil {
			b.comments[k] = &commentRow{}
			comments[e.Site] = append(comments[e.Site], e.Comment.ID)
		}
		if p := e.Comment.ParentID; p != "" {
			parents[e.Site] = append(parents[e.Site], p)
		}
		if a := e.Author; a != nil && a.ID != "" && !asked[siteID{e.Site, a.ID}] {
			asked[siteID{e.Site, a.ID}] = true
			authors[e.Site] = append(authors[e.Site], a.ID)
		}
	}
	if err := b.loadErased(ctx, authors); err != nil {
		return err
	}
	for site, ids := range threads {
		for part := range slices.Chunk(ids, 500) {
			known, err := b.t.numbersOf(ctx, "hearback_thread", site, part)
			if err != nil {
				return err
			}
			var rows []threadRow
			if err := b.t.all(ctx, &rows, `SELECT `+threadColumns+` FROM hearback_thread WHERE id IN `+ints(known)); err != nil {
				return err
			}
			for _, r := range rows {
				b.threads[siteID{site, r.ExternalID}] = &r
			}
		}
	}
	for _, want := range []map[string][]any{comments, parents} {
		for site, ids := range want {
			if err := b.loadComments(ctx, site, ids); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) loadComments(ctx context.Context, site string, ids []any) error {
	for part := range slices.Chunk(ids, 500) {
		known, err := b.t.numbersOf(ctx, "hearback_comment", site, part)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			continue
		}
		var rows []commentRow
		if err := b.t.all(ctx, &rows, `SELECT `+commentColumns+` FROM hearback_comment WHERE id IN `+ints(known)); err != nil {
			return err
		}
		for _, r := range rows {
			k := siteID{site, r.ExternalID}
			if old := b.comments[k]; old == nil || old.ID == 0 {
				b.comments[k] = &r
			}
		}
	}
	return nil
}

// numbersOf gives the numbers of those rows of a table whose site calls them by
// one of the ids. It asks for each id by itself: given them as a list
// PostgreSQL goes by the site alone until it has statistics, and reads all of
// the site's rows for each batch.
func (t *tx) numbersOf(ctx context.Context, table, site string, ids []any) ([]int64, error) {
	var numbers []int64
	err := t.all(ctx, &numbers, `WITH v (id) AS (VALUES `+marks(len(ids), 1)+`)
		SELECT number FROM (SELECT (SELECT k.id FROM `+table+` AS k WHERE k.site = ? AND k.external_id = v.id) AS number FROM v) AS known
		WHERE number IS NOT NULL`, append(slices.Clone(ids), site)...)
	return numbers, err
}

// save writes what the batch changed.
func (b *batch) save(ctx context.Context) error {
	var threads []*threadRow
	for _, th := range b.threads {
		if th.dirty {
			b.change++
			th.Changed = b.change
			threads = append(threads, th)
		}
	}
	slices.SortFunc(threads, func(x, y *threadRow) int { return int(x.ID - y.ID) })
	for part := range slices.Chunk(threads, 500) {
		var args []any
		for _, r := range part {
			args = append(args, r.ID, r.Site, r.ExternalID, r.URL, r.Title, r.ToldAt, r.Revision, r.RemovedAt, r.Changed)
		}
		if _, err := b.t.exec(ctx, `INSERT INTO hearback_thread (`+threadColumns+`) VALUES `+marks(len(part), 9)+`
			ON CONFLICT (id) DO UPDATE SET url = excluded.url, title = excluded.title, told_at = excluded.told_at,
				revision = excluded.revision, removed_at = excluded.removed_at, changed = excluded.changed`, args...); err != nil {
			return err
		}
	}
	return b.saveComments(ctx)
}

func (b *batch) saveComments(ctx context.Context) error {
	var dirty []*commentRow
	var born []int64 // comments that others may wait for as their parent
	for _, c := range b.comments {
		if !c.dirty {
			continue
		}
		if c.Changed == 0 {
			born = append(born, c.ID)
		}
		b.change++
		c.Changed = b.change
		b.findParent(c)
		dirty = append(dirty, c)
	}
	slices.SortFunc(dirty, func(x, y *commentRow) int { return int(x.ID - y.ID) })
	for part := range slices.Chunk(dirty, 500) {
		args := make([]any, 0, len(part)*27)
		for _, c := range part {
			args = append(args, c.args()...)
		}
		if _, err := b.t.exec(ctx, `INSERT INTO hearback_comment (`+commentColumns+`) VALUES `+marks(len(part), 27)+`
			ON CONFLICT (id) DO UPDATE SET thread = excluded.thread, parent_id = excluded.parent_id, parent = excluded.parent,
				author_id = excluded.author_id, author_name = excluded.author_name, author_key = excluded.author_key, address_key = excluded.address_key,
				html = excluded.html, plain = excluded.plain, url = excluded.url, state = excluded.state, state_time = excluded.state_time,
				content_time = excluded.content_time, written_at = excluded.written_at, published_at = excluded.published_at,
				edited_at = excluded.edited_at, revision = excluded.revision, changed = excluded.changed,
				settles_at = excluded.settles_at, unmailed = excluded.unmailed`, args...); err != nil {
			return err
		}
	}
	if len(born) == 0 {
		return nil
	}
	// Children that arrived before their parent find it now and wait no longer.
	b.change++
	_, err := b.t.exec(ctx, `UPDATE hearback_comment SET parent = p.id, changed = ?, settles_at = hearback_comment.settles_at - ?
		FROM (SELECT id, site, external_id FROM hearback_comment WHERE id IN `+ints(born)+`) AS p
		WHERE hearback_comment.parent = 0 AND hearback_comment.parent_id <> '' AND hearback_comment.site = p.site AND hearback_comment.parent_id = p.external_id`,
		b.change, dispatcher.ParentWait.Microseconds())
	return err
}

// findParent resolves the parent; a publication whose parent is unknown waits
// for it a little longer.
func (b *batch) findParent(c *commentRow) {
	if c.ParentID == "" || c.Parent != 0 {
		return
	}
	if p := b.comments[siteID{c.Site, c.ParentID}]; p != nil && p.ID != 0 {
		c.Parent = p.ID
		return
	}
	if c.waits && c.SettlesAt != nil {
		later := *c.SettlesAt + dispatcher.ParentWait.Microseconds()
		c.SettlesAt = &later
	}
}
