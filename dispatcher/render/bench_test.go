package render

import (
	"context"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

// twenty gives a digest of 20 comments in several conversations.
func twenty() *Mail { return Sample(dispatcher.KindDigest, "en", 20) }

func BenchmarkDigestOfTwentyItemsFromTheCache(b *testing.B) {
	benchmark(b, false)
}

func BenchmarkDigestOfTwentyItemsByWholeTemplate(b *testing.B) {
	benchmark(b, true)
}

func benchmark(b *testing.B, naive bool) {
	r, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	m := twenty()
	var out []byte
	out, _, err = r.compose(context.Background(), out, m, naive)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(out)))
	b.ReportAllocs()
	for b.Loop() {
		if out, _, err = r.compose(context.Background(), out[:0], m, naive); err != nil {
			b.Fatal(err)
		}
	}
}
