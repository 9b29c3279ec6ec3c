package dispatcher

import (
	"fmt"
	"strings"
)

// maxWord is how much of a word is looked at: who mistypes more was not
// mistyping a name.
const maxWord = 60

// Nearest gives the one of the known words that a mistyped word was most
// likely meant to be, without regard to case, or "" when none is near. Of
// several that are as near the first counts.
func Nearest(word string, known []string) string {
	best, least := "", max(len(word)/3, 1)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// Choose is a mend for a word that is none of the known ones: what was probably
// meant, else all of them.
func Choose(word string, known ...string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	last := len(known) - 1
	if last == 0 {
		return "use " + known[0]
	}
	return "use " + strings.Join(known[:last], ", ") + " or " + known[last]
}

// distance is how many letters must be added, dropped, changed or swapped with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return max(len(a), len(b))
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
