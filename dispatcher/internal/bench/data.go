package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// siteKey names the one site of the bench.
const siteKey = "blog"

// The schedules of the readers: all of them, and the tenth that the memory is
// compared with.
const (
	scheduleAll = "all"
	scheduleFew = "few"
)

// sizes say how much of everything there is.
type sizes struct {
	Readers  int // on scheduleAll
	Few      int // on scheduleFew, beside those
	Follows  int // threads each of them follows
	Threads  int
	Portion  int // events for one digest run
	Runs     int // digest runs, each followed by one of go-mail
	GoMail   int // mails of one go-mail run
	Batch    int // events handed in by 1,000 a call
	Single   int // events handed in one a call
	Rows     int // events handed in by INSERT
	Posts    int // events whose way to the sink is timed
	Text     int // characters of a comment, about
	MaxItems int
}

func fullSizes() sizes {
	return sizes{Readers: 100_000, Few: 10_000, Follows: 10, Threads: 4000, Portion: 40_000, Runs: 5, GoMail: 20_000,
		Batch: 100_000, Single: 20_000, Rows: 20_000, Posts: 500, Text: 600, MaxItems: 20}
}

// smallSizes are for a look whether all of it works.
func smallSizes() sizes {
	return sizes{Readers: 2000, Few: 200, Follows: 10, Threads: 100, Portion: 2000, Runs: 1, GoMail: 2000,
		Batch: 3000, Single: 500, Rows: 500, Posts: 50, Text: 600, MaxItems: 20}
}

// world draws readers and comments from a seed: the same seed gives the same
// world. Threads are popular by Zipf's law, among readers and writers alike.
type world struct {
	sizes
	seed  uint64
	start time.Time
	rng   *rand.Rand
	zipf  *rand.Zipf
	next  int              // number of the next comment
	last  map[int][]string // the latest comments of a thread, for answers
}

func newWorld(s sizes, seed uint64, start time.Time) *world {
	w := &world{sizes: s, seed: seed, start: start, rng: rand.New(rand.NewPCG(seed, 0)), last: map[int][]string{}}
	w.zipf = popular(w.rng, s.Threads)
	return w
}

// popular draws numbers below n; the lower, the more often.
func popular(rng *rand.Rand, n int) *rand.Zipf { return rand.NewZipf(rng, 1.1, 30, uint64(n-1)) }

func readerID(n int) string      { return "u" + strconv.Itoa(n) }
func readerAddress(n int) string { return "u" + strconv.Itoa(n) + "@readers.example" }
func threadID(n int) string      { return "t" + strconv.Itoa(n) }
func pingThread(n int) string    { return "ping" + strconv.Itoa(n) }

// follows gives the threads that reader n follows, all different.
func (w *world) follows(n int) []string {
	rng := rand.New(rand.NewPCG(w.seed, uint64(n)+1))
	zipf := popular(rng, w.Threads)
	out := make([]string, 0, w.Follows)
	for len(out) < min(w.Follows, w.Threads) {
		if t := threadID(int(zipf.Uint64())); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// authors is how many people write comments.
const authors = 5000

// comment makes the next comment in a popular thread; two of five answer one
// of the latest there.
func (w *world) comment() dispatcher.Event {
	t := int(w.zipf.Uint64())
	e := w.commentIn(threadID(t), "Notes on number "+strconv.Itoa(t))
	latest := w.last[t]
	if len(latest) > 0 && w.rng.IntN(5) < 2 {
		e.Comment.ParentID = latest[w.rng.IntN(len(latest))]
	}
	if len(latest) == 8 {
		latest = latest[:copy(latest, latest[1:])]
	}
	w.last[t] = append(latest, e.Comment.ID)
	return e
}

// commentIn makes the next comment in a thread of its own kind.
func (w *world) commentIn(thread, title string) dispatcher.Event {
	n := w.next
	w.next++
	author := w.rng.IntN(authors)
	id := "c" + strconv.Itoa(n)
	return dispatcher.Event{ID: id + "-published", Type: dispatcher.CommentPublished, Time: w.start.Add(time.Duration(n) * time.Millisecond).UTC(), Site: siteKey,
		Thread:  &dispatcher.EventThread{ID: thread, URL: "https://blog.example/" + thread, Title: title},
		Comment: &dispatcher.EventComment{ID: id, URL: "https://blog.example/" + thread + "#" + id, HTML: w.text()},
		Author:  &dispatcher.EventAuthor{ID: "a" + strconv.Itoa(author), Name: "Author " + strconv.Itoa(author)}}
}

// text writes one or two paragraphs.
func (w *world) text() string {
	words := [...]string{"the", "clock", "in", "hall", "says", "quarter", "past", "but", "nobody", "who", "lives", "here", "believes", "it", "since",
		"winter", "when", "pendulum", "was", "taken", "down", "and", "hung", "again", "by", "somebody", "else", "I", "would", "ask", "before", "moving", "anything"}
	var b strings.Builder
	b.WriteString("<p>")
	size := w.Text*3/4 + w.rng.IntN(w.Text/2+1)
	broken := false
	for b.Len() < size {
		if !broken && b.Len() > size*2/3 && size > 200 {
			broken = true
			b.WriteString(".</p>\n<p>")
		}
		b.WriteString(words[w.rng.IntN(len(words))])
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String()) + ".</p>"
}

// batch makes the next n comments.
func (w *world) batch(n int) []dispatcher.Event {
	out := make([]dispatcher.Event, n)
	for i := range out {
		out[i] = w.comment()
	}
	return out
}

// quiet makes the next n comments in threads that nobody follows.
func (w *world) quiet(n int) []dispatcher.Event {
	out := make([]dispatcher.Event, n)
	for i := range out {
		t := w.rng.IntN(w.Threads)
		out[i] = w.commentIn(fmt.Sprintf("quiet%d", t), "Nobody reads this")
	}
	return out
}
