package source_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/sourcetest"
	"github.com/hearback/hearback/dispatcher/source"
)

// site is a Source in memory: what stands there, and how it misbehaves.
type site struct {
	mu       sync.Mutex
	comments map[string]source.Comment
	err      error // of Poll
	with     bool  // the error comes with what was read
	lookErr  error
	polls    int
	looks    int
	page     int           // comments in a Batch; 0 is all
	hook     func()        // called within Poll
	hang     chan struct{} // Poll waits for it or for its context
}

func (s *site) Poll(ctx context.Context, r source.Round) (source.Batch, error) {
	s.mu.Lock()
	s.polls++
	hook, hang := s.hook, s.hang
	s.mu.Unlock()
	if hook != nil {
		hook()
	}
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return source.Batch{}, context.Cause(ctx)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil && !s.with {
		return source.Batch{}, s.err
	}
	var all []source.Comment
	for _, c := range s.comments {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b source.Comment) int { return strings.Compare(a.ID, b.ID) })
	b := source.Batch{Comments: all, Cursor: []byte("end")}
	if s.page > 0 {
		from := 0
		if string(r.Cursor) != "end" {
			fmt.Sscan(string(r.Cursor), &from)
		}
		to := min(from+s.page, len(all))
		b.Comments, b.More, b.Cursor = all[from:to], to < len(all), fmt.Append(nil, to)
		if !b.More {
			b.Cursor = []byte("end")
		}
	}
	return b, s.err
}

func (s *site) Look(_ context.Context, ids []string) ([]source.Comment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	var got []source.Comment
	for _, id := range ids {
		c, ok := s.comments["old-"+id]
		if ok {
			c.ID = id
		} else if c, ok = s.comments[id]; !ok {
			c = source.Comment{ID: id, State: dispatcher.Removed}
		}
		got = append(got, c)
	}
	return got, s.lookErr
}

func (s *site) Fill(_ context.Context, cs []*source.Comment) error {
	for _, c := range cs {
		c.Thread.Title = "Thread " + c.Thread.ID
	}
	return nil
}

func (s *site) put(id, text string, at time.Time) source.Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := source.Comment{
		ID: id, State: dispatcher.Visible, HTML: "<p>" + text + "</p>", WrittenAt: at,
		Thread: dispatcher.EventThread{ID: "7", URL: "https://blog.example/7"}, Author: dispatcher.EventAuthor{Name: "Ann"},
	}
	s.comments[id] = c
	return c
}

func (s *site) change(id string, f func(*source.Comment)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.comments[id]
	f(&c)
	s.comments[id] = c
}

// rig is a poller over a site and a memory, with a clock that only the test moves.
type rig struct {
	*testing.T
	site   *site
	mem    *sourcetest.Memory
	poller *source.Poller
	now    time.Time
	alarms []string
	hints  int
}

func newRig(t *testing.T, change ...func(*source.Config)) *rig {
	r := &rig{T: t, site: &site{comments: map[string]source.Comment{}}, mem: sourcetest.NewMemory(), now: t0}
	cfg := source.Config{Name: "blog", Kind: "test", Site: "blog", Source: r.site}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	r.poller, err = source.New(source.Options{
		Store: r.mem, Ledger: r.mem, Holder: "me", Clock: func() time.Time { return r.now },
		Hint: func() { r.hints++ }, Rand: func() float64 { return 0.5 },
		Alarm: func(_ context.Context, name, reason, mend string) {
			r.alarms = append(r.alarms, name+": "+reason+" / "+mend)
		},
	}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// after lets time pass and does a round.
func (r *rig) after(d time.Duration) source.Result {
	r.Helper()
	res, err := r.try(d)
	if err != nil {
		r.Fatal(err)
	}
	return res
}

func (r *rig) try(d time.Duration) (source.Result, error) {
	r.now = r.now.Add(d)
	return r.poller.PollNow(r.Context(), "blog")
}

func (r *rig) state() source.State {
	r.Helper()
	all, err := r.poller.States(r.Context())
	if err != nil || len(all) != 1 {
		r.Fatalf("%v, %v", all, err)
	}
	return all[0]
}

func (r *rig) want(id string, f func(*sourcetest.Told) bool) {
	r.Helper()
	if told := r.mem.Told(r)[id]; told == nil || !f(told) {
		r.Fatalf("comment %s: %v", id, told)
	}
}

func (s *site) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls
}
