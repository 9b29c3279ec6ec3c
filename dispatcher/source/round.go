package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Result is what one round did.
type Result struct {
	Published int  `json:"published"` // told of, readers may be mailed
	Recorded  int  `json:"recorded"`  // told of, nobody is mailed
	Edited    int  `json:"edited"`
	Removed   int  `json:"removed"`
	Paused    bool `json:"paused"` // the round found a jump and paused the source
}

// Bounds of one round.
const (
	maxUncommitted = 10000 // comments held in memory while a jump is looked out for
	maxDepth       = 20    // ancestors looked up for one comment
	lookAtOnce     = 100   // ids in one Look
	seenAtOnce     = 500   // ids in one look at the ledger
	// patience is how many rounds in a row may fail over the extras (unknown
	// parents, titles) before comments go without them.
	patience = 3
)

// round is one reading of one source. It lives for one goroutine.
type round struct {
	p  *Poller
	s  *Config
	st State // as claimed; Progress moves with the commits
	stage
	failures int                 // rounds that failed right before this one
	ending   bool                // the next commit is the last
	cursor   []byte              // as last committed
	found    map[string]*finding // to be committed
	told     tally               // committed by this round so far
	result   Result
	warnings []string
}

// tally counts comments told of for the first time.
type tally struct {
	news   int // that readers may be mailed
	recent int // younger than the source's MaxAge, mailed or not
}

func (p *Poller) newRound(s *Config, st State, now time.Time) *round {
	r := &round{p: p, s: s, st: st, failures: st.Errors, cursor: st.Cursor, found: map[string]*finding{}}
	if r.st.AttachedAt.IsZero() {
		r.st.AttachedAt = now
	}
	r.stage = stage{
		kind: s.Kind, name: s.Name, site: s.Site, now: now, maxAge: s.MaxAge,
		lastOK: st.LastOK, attached: r.st.AttachedAt, baseline: !st.Baseline,
	}
	if st.AdmitAt.After(st.Admitted) {
		r.admit, r.admitAt = st.Admit, st.AdmitAt
	}
	return r
}

// guarded says whether a jump would pause the source: not while the baseline
// is made, nor after an admin has said what shall become of a jump.
func (r *round) guarded() bool { return !r.baseline && r.admit == AdmitNone }

// run reads the source to its end and commits. Whatever it returns, what is
// committed is whole.
func (r *round) run(ctx context.Context) error {
	for {
		was := r.st.Cursor
		batch, err := r.poll(ctx)
		if batch.Warning != "" {
			r.warnings = append(r.warnings, batch.Warning)
		}
		if batch.Cursor != nil {
			if terr := r.take(ctx, batch.Comments, false); terr != nil {
				return r.drop(ctx, terr)
			}
			r.st.Cursor = batch.Cursor
		}
		if r.guarded() && jumps(r.s, r.st.Rate, r.told.news+r.pending().news, r.since()) {
			return r.pause(ctx)
		}
		switch {
		case err != nil:
			return r.fail(ctx, err, batch.Cursor != nil)
		case !batch.More:
			return r.finish(ctx)
		case string(batch.Cursor) == string(was):
			return r.drop(ctx, errors.New("the source says that there is more and does not move on"))
		}
		// Held back in memory while it may still turn out to be a jump.
		if !r.guarded() || len(r.found) > maxUncommitted {
			if err := r.commit(ctx, Commit{}); err != nil {
				return r.drop(ctx, err)
			}
		}
	}
}

func (r *round) poll(ctx context.Context) (Batch, error) {
	ctx, cancel := context.WithTimeout(ctx, r.p.PollTimeout)
	defer cancel()
	return r.s.Source.Poll(ctx, Round{Cursor: r.st.Cursor, Now: r.now, Known: known{r.p.Ledger, r.s.Name}})
}

func (r *round) since() time.Duration {
	last := r.st.LastOK
	if last.IsZero() {
		last = r.st.AttachedAt
	}
	return max(r.now.Sub(last), r.s.MinInterval)
}

// take adds what was seen to the findings.
func (r *round) take(ctx context.Context, comments []Comment, wanted bool) error {
	latest := make(map[string]Comment, len(comments))
	var ids []string
	for _, c := range comments {
		if !plausibleID(c.ID) {
			r.warnings = append(r.warnings, fmt.Sprintf("a comment was left out: %q cannot be an id", clip(c.ID, 80)))
			continue
		}
		if _, ok := latest[c.ID]; !ok {
			ids = append(ids, c.ID)
		}
		tidy(&c)
		latest[c.ID] = c
	}
	prev, err := r.seen(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if f, ok := r.stage.find(latest[id], prev[id], wanted); ok {
			r.found[id] = &f
		} else {
			delete(r.found, id)
		}
	}
	return nil
}

func plausibleID(id string) bool {
	return id != "" && len(id) <= dispatcher.MaxID && clean(id) == id && oneLine(id) == id
}

// seen asks the ledger.
func (r *round) seen(ctx context.Context, ids []string) (map[string]*Seen, error) {
	known := make(map[string]*Seen, len(ids))
	for part := range slices.Chunk(ids, seenAtOnce) {
		rows, err := r.p.Ledger.Seen(ctx, r.s.Name, part)
		if err != nil {
			return nil, fmt.Errorf("reading the ledger: %w", err)
		}
		for i := range rows {
			known[rows[i].Comment] = &rows[i]
		}
	}
	return known, nil
}

func (r *round) pending() tally {
	var t tally
	for _, f := range r.found {
		if f.news() {
			t.news++
		}
		if f.verb == published && f.next.Change == 1 && r.now.Sub(f.comment.WrittenAt) <= r.maxAge {
			t.recent++
		}
	}
	return t
}

// complete looks up parents that nobody knows and has the source fill in what
// lists leave out. After some failed rounds comments go without.
func (r *round) complete(ctx context.Context) error {
	err := r.parents(ctx)
	if err == nil {
		err = r.fill(ctx)
	}
	if err != nil && ctx.Err() == nil && r.failures >= patience {
		r.warnings = append(r.warnings, "comments are told of without their parents or titles: "+err.Error())
		return nil
	}
	return err
}

func (r *round) parents(ctx context.Context) error {
	asked := map[string]bool{}
	for range maxDepth {
		var ids []string
		for _, f := range r.found {
			p := f.comment.ParentID
			if f.verb == none || f.verb == removed || p == "" || asked[p] || r.found[p] != nil || !plausibleID(p) {
				continue
			}
			asked[p] = true
			ids = append(ids, p)
		}
		known, err := r.seen(ctx, ids)
		if err != nil {
			return err
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return known[id] != nil })
		if len(ids) == 0 {
			return nil
		}
		slices.Sort(ids)
		for part := range slices.Chunk(ids, lookAtOnce) {
			comments, err := r.look(ctx, part)
			if err != nil {
				return fmt.Errorf("looking up parents: %w", err)
			}
			if err := r.take(ctx, comments, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *round) look(ctx context.Context, ids []string) ([]Comment, error) {
	ctx, cancel := context.WithTimeout(ctx, r.p.PollTimeout)
	defer cancel()
	return r.s.Source.Look(ctx, ids)
}

func (r *round) fill(ctx context.Context) error {
	var comments []*Comment
	for _, f := range r.found {
		if f.verb == published || f.verb == edited {
			comments = append(comments, &f.comment)
		}
	}
	if len(comments) == 0 {
		return nil
	}
	slices.SortFunc(comments, func(a, b *Comment) int { return strings.Compare(a.ID, b.ID) })
	ctx, cancel := context.WithTimeout(ctx, r.p.PollTimeout)
	defer cancel()
	if err := r.s.Source.Fill(ctx, comments); err != nil {
		return fmt.Errorf("reading titles: %w", err)
	}
	for _, c := range comments {
		tidy(c)
	}
	return nil
}

// commit writes the findings, with the progress that r.st has by now.
func (r *round) commit(ctx context.Context, c Commit) error {
	if err := r.complete(ctx); err != nil {
		return err
	}
	found := make([]*finding, 0, len(r.found))
	for _, f := range r.found {
		found = append(found, f)
	}
	// Oldest first, so that parents come before their answers.
	slices.SortFunc(found, func(a, b *finding) int {
		return cmp.Or(a.comment.WrittenAt.Compare(b.comment.WrittenAt), compareIDs(a.comment.ID, b.comment.ID))
	})
	sum := r.result
	for _, f := range found {
		c.Seen = append(c.Seen, f.next)
		if f.verb == none {
			continue
		}
		row, err := r.stage.row(*f)
		if err != nil {
			// It stays in the ledger, so that it is not tried again each round.
			r.warnings = append(r.warnings, "a comment was left out: "+err.Error())
			r.p.Log.WarnContext(ctx, "a comment cannot be told of", "source", r.s.Name, "comment", f.comment.ID, "err", err)
			continue
		}
		c.Rows = append(c.Rows, row)
		sum.count(f)
	}
	pending := r.pending()
	c.Source, c.Term, c.Now, c.Progress = r.s.Name, r.st.Term, r.p.Clock.Now(), r.st.Progress
	if r.ending {
		c.Progress.Warning = r.warning()
	}
	if err := r.p.Store.Commit(ctx, c); err != nil {
		return &storeError{err}
	}
	r.result, r.found, r.cursor = sum, map[string]*finding{}, r.st.Cursor
	r.told.news += pending.news
	r.told.recent += pending.recent
	if len(c.Rows) > 0 {
		r.p.Hint()
	}
	return nil
}

// compareIDs orders comments that were written at one time, as sites count them:
// many note no more than the second, and 10 was written after 9.
func compareIDs(a, b string) int {
	if isNumber(a) && isNumber(b) {
		if n := cmp.Compare(len(a), len(b)); n != 0 {
			return n
		}
	}
	return strings.Compare(a, b)
}

func isNumber(id string) bool {
	return id != "" && id[0] != '0' && strings.Trim(id, "0123456789") == ""
}

func (res *Result) count(f *finding) {
	switch {
	case f.verb == removed:
		res.Removed++
	case f.verb == edited:
		res.Edited++
	case f.notify:
		res.Published++
	default:
		res.Recorded++
	}
}

// storeError is a failure of our own database, not of the site.
type storeError struct{ err error }

func (e *storeError) Error() string { return "writing what a source brought: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }
