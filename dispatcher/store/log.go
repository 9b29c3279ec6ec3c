package store

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/hearback/hearback/dispatcher"
)

// maxDepth bounds how many ancestors of a comment are looked at, so that a
// circle of parents ends.
const maxDepth = 256

type settling struct {
	ID         int64  `db:"id"`
	Site       string `db:"site"`
	Parent     int64  `db:"parent"`
	Thread     int64  `db:"thread"`
	ThreadID   string `db:"thread_id"`
	AuthorKey  int64  `db:"author_key"`
	AddressKey int64  `db:"address_key"`
	Published  int64  `db:"published_at"`
	First      int64  `db:"first_position"`
}

// settle gives the next positions to publications whose time has come.
func (b *batch) settle(ctx context.Context, limit int) error {
	var due []settling
	if err := b.t.all(ctx, &due, `
		SELECT c.id, c.site, c.parent, c.thread, t.external_id AS thread_id, c.author_key, c.address_key, c.published_at, c.first_position
		FROM hearback_comment c JOIN hearback_thread t ON t.id = c.thread
		WHERE c.settles_at IS NOT NULL AND c.settles_at <= ? ORDER BY c.settles_at, c.id LIMIT ?`, b.t.now, limit); err != nil {
		return err
	}
	if len(due) == 0 {
		return nil
	}
	ids := make([]int64, len(due))
	var answers []int64
	for i := range due {
		ids[i] = due[i].ID
		if due[i].Parent != 0 {
			answers = append(answers, due[i].ID)
		}
	}
	paths, err := b.t.paths(ctx, answers)
	if err != nil {
		return err
	}
	old := b.position
	for part := range slices.Chunk(due, 500) {
		args := make([]any, 0, len(part)*11)
		for i := range part {
			c := &part[i]
			b.position++
			first := c.First
			if first == 0 {
				first = b.position
			}
			args = append(args, b.position, c.Site, c.ID, c.Thread, int64(dispatcher.ThreadKey(c.Site, c.ThreadID)), c.AuthorKey, c.AddressKey,
				append([]byte{}, paths[c.ID]...), c.Published, first, b.t.now)
		}
		if _, err := b.t.exec(ctx, `INSERT INTO hearback_log (position, site, comment, thread, thread_key, author_key, address_key, path, visible_at, first_position, settled_at)
			VALUES `+marks(len(part), 11), args...); err != nil {
			return err
		}
	}
	if _, err := b.t.exec(ctx, `UPDATE hearback_comment SET position = l.position, first_position = l.first_position, settles_at = NULL
		FROM hearback_log AS l WHERE l.comment = hearback_comment.id AND l.position > ? AND hearback_comment.id IN `+ints(ids), old); err != nil {
		return err
	}
	b.res.Settled = len(due)
	return nil
}

// paths gives the packed ancestors of each comment, nearest first.
func (t *tx) paths(ctx context.Context, ids []int64) (map[int64][]byte, error) {
	paths := make(map[int64][]byte, len(ids))
	if len(ids) == 0 {
		return paths, nil
	}
	rows, err := t.rows(ctx, `
		WITH RECURSIVE up (origin, parent, depth) AS (
			SELECT id, parent, 1 FROM hearback_comment WHERE parent <> 0 AND id IN `+ints(ids)+`
			UNION ALL
			SELECT up.origin, c.parent, up.depth + 1 FROM up JOIN hearback_comment c ON c.id = up.parent
			WHERE c.parent <> 0 AND up.depth < ?)
		SELECT up.origin, a.comment_key, a.author_key, a.address_key FROM up JOIN hearback_comment a ON a.id = up.parent
		ORDER BY up.origin, up.depth`, maxDepth)
	var origin, comment, author, address int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&origin, &comment, &author, &address); err != nil {
			return err
		}
		p := paths[origin]
		for _, k := range [...]int64{comment, author, address} {
			p = binary.BigEndian.AppendUint64(p, uint64(k))
		}
		paths[origin] = p
		return nil
	})
	return paths, err
}

func unpackPath(dst []dispatcher.Ancestor, p []byte) []dispatcher.Ancestor {
	for ; len(p) >= 24; p = p[24:] {
		dst = append(dst, dispatcher.Ancestor{
			Comment: dispatcher.Key(binary.BigEndian.Uint64(p)),
			Author:  dispatcher.Key(binary.BigEndian.Uint64(p[8:])),
			Address: dispatcher.Key(binary.BigEndian.Uint64(p[16:])),
		})
	}
	return dst
}

// Head gives the log's head: the position given last.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var p int64
	err := s.get(ctx, &p, `SELECT position FROM hearback_head WHERE id = 1`)
	return p, err
}

func (t *tx) head(ctx context.Context) (int64, error) {
	var p int64
	err := t.get(ctx, &p, `SELECT position FROM hearback_head WHERE id = 1`)
	return p, err
}

// headHeld is the head for whoever holds the buckets that it is asked for. Many
// at once ask but once: what settles meanwhile is after it, and no slice of
// theirs passes before they are done.
func (t *tx) headHeld(ctx context.Context) (int64, error) {
	if t.held == nil {
		return t.head(ctx)
	}
	if t.position == nil {
		p, err := t.head(ctx)
		if err != nil {
			return 0, err
		}
		t.position = &p
	}
	return *t.position, nil
}

const entryColumns = `l.position, l.first_position, l.site, l.comment, l.thread, l.thread_key, l.author_key, l.address_key, l.path, l.visible_at,
	c.state, t.removed_at`

const entryTables = `hearback_log l JOIN hearback_comment c ON c.id = l.comment JOIN hearback_thread t ON t.id = l.thread`

// Window reads the log in (from, upto] and indexes it. A comment published
// again stands in it twice; selection takes it once.
func (s *Store) Window(ctx context.Context, from, upto int64) (*dispatcher.Window, error) {
	w := &dispatcher.Window{}
	if upto > from {
		rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT `+entryColumns+` FROM `+entryTables+` WHERE l.position > ? AND l.position <= ? ORDER BY l.position`), from, upto)
		if err := scanEntries(rows, err, w); err != nil {
			return nil, ctxErr(ctx, err)
		}
	}
	w.Seal()
	return w, nil
}

// windowOf reads single positions into a window.
func (t *tx) windowOf(ctx context.Context, positions []int64) (*dispatcher.Window, error) {
	w := &dispatcher.Window{}
	if len(positions) > 0 {
		rows, err := t.rows(ctx, `SELECT `+entryColumns+` FROM `+entryTables+` WHERE l.position IN `+ints(positions)+` ORDER BY l.position`)
		if err := scanEntries(rows, err, w); err != nil {
			return nil, err
		}
	}
	w.Seal()
	return w, nil
}

type scanner interface {
	Scan(...any) error
	Next() bool
	Close() error
	Err() error
}

func scanEntries(rows scanner, err error, w *dispatcher.Window) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	var ancestors []dispatcher.Ancestor
	var path []byte
	sites := map[string]dispatcher.Key{}
	for rows.Next() {
		var e dispatcher.Entry
		var site, state string
		var removed int64
		if err := rows.Scan(&e.Position, &e.First, &site, &e.Comment, &e.Thread, &e.ThreadKey, &e.Author, &e.Address, &path, &e.VisibleAt, &state, &removed); err != nil {
			return err
		}
		e.Visible = state == string(dispatcher.Visible) && removed == 0
		k, ok := sites[site]
		if !ok {
			k = dispatcher.SiteKey(site)
			sites[site] = k
		}
		ancestors = unpackPath(ancestors[:0], path)
		w.Add(e, k, ancestors)
	}
	return rows.Err()
}
