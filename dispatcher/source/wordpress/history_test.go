package wordpress_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher/source/wordpress"
)

// TestEveryHistoryIsToldTrulyAndOnce lets random things happen on a site, also
// between two pages of one list, and compares what was told with the truth.
func TestEveryHistoryIsToldTrulyAndOnce(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			history(t, seed)
		})
	}
}

func history(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	var opts []func(*wordpress.Options)
	if seed%2 == 0 {
		opts = append(opts, password)
	}
	r := newRig(t, opts...)
	if seed%3 == 0 {
		r.now = time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)
	}
	r.site.posts[8] = &page{title: "Other", status: "publish", collection: "pages"}
	for range rng.IntN(300) {
		r.site.write(7, 0, "before", "approve")
	}
	r.after(0)
	r.site.between = func() {
		if rng.IntN(3) == 0 {
			act(r, rng)
		}
	}
	for range 40 {
		for range rng.IntN(12) {
			act(r, rng)
		}
		if rng.IntN(10) == 0 {
			r.attach(opts...)
		}
		if rng.IntN(8) == 0 {
			r.site.setFault(func(w http.ResponseWriter, _ *http.Request) bool {
				if rng.IntN(3) == 0 {
					w.WriteHeader(503)
					return true
				}
				return false
			})
		}
		r.try(time.Duration(rng.IntN(1800)) * time.Second)
		r.site.setFault(nil)
	}
	r.site.between = nil
	r.after(time.Hour)
	told := r.after(7 * time.Hour)
	for n, e := range r.site.comments {
		got := told[strconv.FormatInt(n, 10)]
		visible := r.site.readable(e)
		switch {
		case e.kind != "comment" && got == nil: // sticky before anybody saw it
		case !visible && got == nil:
		case got == nil, got.Visible != visible, visible && got.Text != e.text:
			t.Errorf("comment %d (%s, %s, %q): %v", n, e.status, e.kind, e.text, got)
		case got.Mailed+got.Silent > got.Gone+1:
			t.Errorf("comment %d was told too often: %v", n, got)
		case visible && (got.Parent == "") != (e.parent == 0):
			t.Errorf("comment %d is below %d, told is %q", n, e.parent, got.Parent)
		}
	}
	for n, got := range told {
		if k, _ := strconv.ParseInt(n, 10, 64); r.site.comments[k] == nil && got.Visible {
			t.Errorf("comment %s is gone and still stands: %v", n, got)
		}
	}
}

// act lets one thing happen.
func act(r *rig, rng *rand.Rand) {
	r.site.mu.Lock()
	ids := slices.Sorted(maps.Keys(r.site.comments))
	r.site.mu.Unlock()
	post := int64(7 + rng.IntN(2))
	if len(ids) == 0 || rng.IntN(3) > 0 {
		parent := int64(0)
		if len(ids) > 0 && rng.IntN(2) == 0 {
			parent = ids[rng.IntN(len(ids))]
			post = r.site.comments[parent].post
		}
		r.site.write(post, parent, fmt.Sprint("text ", rng.IntN(1e6)), []string{"approve", "hold"}[rng.IntN(2)])
		return
	}
	e := r.site.comments[ids[rng.IntN(len(ids))]]
	if rng.IntN(2) == 0 { // mostly the newer ones
		e = r.site.comments[ids[len(ids)-1-rng.IntN(min(20, len(ids)))]]
	}
	if rng.IntN(12) == 0 {
		r.site.remove(e.id)
		return
	}
	r.site.mu.Lock()
	defer r.site.mu.Unlock()
	switch n := rng.IntN(40); {
	case n < 20:
		e.status = "approve"
	case n < 26:
		e.status = []string{"hold", "trash", "spam"}[rng.IntN(3)]
	case n < 34:
		e.text = fmt.Sprint("edited ", rng.IntN(1e6))
	case n < 38:
		e.kind = []string{"comment", "wpdiscuz_sticky"}[rng.IntN(2)]
	default:
		p := r.site.posts[e.post]
		p.status = []string{"publish", "publish", "publish", "private"}[rng.IntN(4)]
	}
}
