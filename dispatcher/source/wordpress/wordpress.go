// Package wordpress reads the comments of a WordPress site over its REST API.
//
// The API tells neither when a comment was approved nor that one was edited or
// removed; an approval keeps its old id and date, and lists leave out what the
// caller may not see. So a round looks in three ways, from cheap to thorough:
//
//   - the head: the newest comments by id, each round;
//   - the sweep: all comments of the last two weeks, by ascending id, every ten
//     minutes, and those of the last five weeks every six hours. It finds late
//     approvals and edits, and what the ledger knows and the sweep does not meet
//     is suspected to be gone;
//   - the check: each suspect is asked for by id, because absence from a list
//     proves nothing: sticky comments are on none.
//
// Comments are always read as a stranger would, without the password, even
// where there is one: what a stranger cannot read is never told of, and no
// comment on a private post can leak. An application password serves for two
// things that a stranger is not told: which comments await moderation, so that
// an approval is found in the next round, and the authors' addresses, by which
// readers' own comments are recognised.
package wordpress

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/source"
)

// Kind names this adapter in the configuration and in event ids.
const Kind = "wordpress"

// Options say where a site is and how thoroughly it is read. URL and Fetcher
// are needed; zero values of the others mean the defaults.
type Options struct {
	URL      string // the site's address, as its readers know it
	Username string // with Password, an application password: optional
	Password string

	Fetcher *source.Fetcher
	Clock   dispatcher.Clock

	LookBack   time.Duration // how far back the sweep reaches. 14 days
	SweepEvery time.Duration // 10 min
	DeepBack   time.Duration // how far back the deep sweep reaches. 35 days
	DeepEvery  time.Duration // 6 h
}

// Source reads one site. It implements [source.Source].
type Source struct {
	Options
	base   *url.URL
	plain  bool // the site has no pretty permalinks: routes go into a parameter
	access access
	posts  map[int64]post      // titles and routes of threads, as they were met
	odd    map[int64]time.Time // visible, though on no list: when last checked
}

// overlap covers every way in which a site's clock can be read wrongly. The
// API compares local times, and an hour of them comes twice in autumn.
const overlap = 3 * time.Hour

// New makes a Source. It asks the site nothing yet.
func New(o Options) (*Source, error) {
	u, err := url.Parse(strings.TrimSpace(o.URL))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, dispatcher.Invalid("url", "give the site's address, such as https://blog.example.org", "%q is no web address", o.URL)
	}
	if u.User != nil {
		return nil, dispatcher.Invalid("url", "put them under username and password", "the address has a user name or password in it")
	}
	if (o.Username == "") != (o.Password == "") {
		return nil, dispatcher.Invalid("password", "give both, or neither to read as a stranger", "username and application password belong together")
	}
	if o.Password != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, dispatcher.Invalid("url", "use https, or leave the password out", "an application password would go over the net in the clear")
	}
	if o.Fetcher == nil {
		return nil, fmt.Errorf("wordpress: no fetcher was given")
	}
	if o.Clock == nil {
		o.Clock = dispatcher.SystemClock
	}
	for d, v := range map[*time.Duration]time.Duration{
		&o.LookBack: 14 * 24 * time.Hour, &o.SweepEvery: 10 * time.Minute,
		&o.DeepBack: 35 * 24 * time.Hour, &o.DeepEvery: 6 * time.Hour,
	} {
		if *d <= 0 {
			*d = v
		}
	}
	o.DeepBack = max(o.DeepBack, o.LookBack)
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/wp-json")
	u.RawQuery, u.Fragment = "", ""
	return &Source{Options: o, base: u, posts: make(map[int64]post), odd: make(map[int64]time.Time)}, nil
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}

// reading is one Poll: what it has seen so far and the cursor as it moves.
type reading struct {
	w     *Source
	round source.Round
	cur   cursor
	batch source.Batch
	met   map[int64]bool

	known     map[int64]source.Seen // the ledger's visible comments since knownFrom; nil until asked for
	knownFrom time.Time
	hidden    []int64 // the ledger's comments since then that were told of and are hidden now
}

// Poll implements [source.Source].
func (w *Source) Poll(ctx context.Context, r source.Round) (source.Batch, error) {
	cur, err := readCursor(r.Cursor)
	if err != nil {
		return source.Batch{}, err
	}
	rd := &reading{w: w, round: r, cur: cur, met: make(map[int64]bool)}
	if rd.batch.Warning, err = w.checkAccess(ctx); err != nil {
		return source.Batch{}, err
	}
	// The steps build on what stands in the cursor, so a later one that fails
	// takes nothing away from those before it.
	for i, step := range []func(context.Context) error{rd.head, rd.queue, rd.sweep, rd.check} {
		if err := step(ctx); err != nil {
			if i == 0 {
				return source.Batch{Warning: rd.batch.Warning}, err
			}
			rd.batch.Cursor = rd.cur.bytes()
			return rd.batch, err
		}
	}
	rd.batch.More = rd.cur.Sweep != nil || len(rd.cur.Check) > 0
	rd.batch.Cursor = rd.cur.bytes()
	return rd.batch, nil
}

// see adds what a list told of.
func (rd *reading) see(list []comment) {
	for _, c := range list {
		rd.w.remember(c)
		rd.met[int64(c.ID)] = true
		rd.batch.Comments = append(rd.batch.Comments, rd.w.seen(c))
	}
}

// Look implements [source.Source]. Ids that are no WordPress ids are left out.
func (w *Source) Look(ctx context.Context, ids []string) ([]source.Comment, error) {
	var numbers []int64
	for _, id := range ids {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	return w.look(ctx, numbers)
}
