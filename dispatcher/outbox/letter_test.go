package outbox

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

// naiveOrder says it plainly: roots oldest first, below each what answers it.
func naiveOrder(items []placed, parent int64) []int64 {
	var out []int64
	for _, p := range items {
		known := slices.ContainsFunc(items, func(q placed) bool { return q.comment.ID == p.comment.Parent && q.position < p.position })
		if parent == 0 && !known || parent != 0 && known && p.comment.Parent == parent {
			out = append(append(out, p.comment.ID), naiveOrder(items, p.comment.ID)...)
		}
	}
	return out
}

func TestAnswersStandBelowWhatTheyAnswerAndEachItemOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		items := make([]placed, 1+rng.IntN(8))
		for i := range items {
			// Parents may be missing, come later, or be the comment itself.
			items[i] = placed{comment: &dispatcher.Comment{ID: int64(i + 1), Parent: int64(rng.IntN(len(items) + 2))}, position: int64(rng.IntN(1000)*10 + i)}
		}
		oldest := slices.Clone(items)
		slices.SortFunc(oldest, func(a, b placed) int { return cmp.Compare(a.position, b.position) })
		want := naiveOrder(oldest, 0)
		var got []int64
		for _, it := range replyOrder(nil, oldest) {
			got = append(got, it.Comment.ID)
		}
		if !slices.Equal(got, want) || len(got) != len(items) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
