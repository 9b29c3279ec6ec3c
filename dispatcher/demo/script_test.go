package demo

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// shape is that of a real comment thread on a news page: who answers whom, and
// how many characters each wrote.
func shape() (parents, chars []int) {
	parents = []int{0, 1, 2, 3, 4, 5, 5, 7, 2, 9, 10, 10, 1, 13, 13, 13, 16, 17, 17, 19, 17, 17, 1, 23, 24, 24, 0, 27, 28, 29, 29, 31, 32, 32, 34, 35, 35, 36, 38, 39, 40, 0, 42, 43, 44, 44, 0, 47, 48, 49, 47}
	chars = []int{520, 296, 556, 601, 570, 202, 583, 576, 641, 186, 600, 479, 561, 263, 253, 630, 543, 559, 600, 81, 137, 185, 240, 410, 140, 181, 418, 607, 179, 240, 347, 140, 19, 622, 462, 299, 321, 77, 189, 537, 425, 17, 37, 105, 22, 15, 286, 31, 89, 61, 129}
	return parents, chars
}

// standing are the comments of a thread that are never removed, by id.
func standing(t *testing.T, name string) map[string]line {
	t.Helper()
	all, err := scripts()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]line{}
	for _, s := range all {
		if s.thread != name {
			continue
		}
		for _, l := range s.lines {
			switch l.act {
			case publishes:
				out[l.id] = l
			case removes:
				delete(out, l.id)
			}
		}
	}
	return out
}

func TestTheLongThreadHasTheShapeOfARealOne(t *testing.T) {
	lines := standing(t, "tram")
	parents, chars := shape()
	if len(lines) != len(parents) {
		t.Fatalf("%d comments, want %d", len(lines), len(parents))
	}
	id := func(n int) string {
		if n == 0 {
			return ""
		}
		return "t" + itoa(n)
	}
	authors, spelled, deepest := map[string]bool{}, map[string][]string{}, 0
	depth := map[int]int{}
	for i, parent := range parents {
		l, ok := lines[id(i+1)]
		if !ok || l.parent != id(parent) {
			t.Errorf("%s answers %q, want %q", id(i+1), l.parent, id(parent))
		}
		if n := utf8.RuneCountInString(l.text); abs(n-chars[i]) > max(6, chars[i]*6/100) {
			t.Errorf("%s has %d characters, the real one %d", id(i+1), n, chars[i])
		}
		if parent != 0 {
			depth[i+1] = depth[parent] + 1
		}
		deepest = max(deepest, depth[i+1])
		authors[l.author] = true
		if l.name != "" {
			spelled[l.author] = append(spelled[l.author], l.name)
		}
	}
	if len(authors) != 17 || len(spelled) != 1 || deepest != 11 {
		t.Errorf("%d authors, second spellings %v, %d levels deep; want 17, one and 11", len(authors), spelled, deepest)
	}
}

func TestNobodyAnswersWhatWasNotSaidYet(t *testing.T) {
	known := map[string]bool{}
	for _, a := range cast() {
		known[a.id] = true
	}
	for _, name := range []string{"tram", "bench", "linie"} {
		lines := standing(t, name)
		for id, l := range lines {
			if parent, ok := lines[l.parent]; l.parent != "" && (!ok || parent.at >= l.at) {
				t.Errorf("%s at %s answers %s, which is there at %s", id, l.at, l.parent, parent.at)
			}
			if !known[l.author] {
				t.Errorf("%s is by %s, whom nobody knows", id, l.author)
			}
			if l.text == "" || l.at > storyEnd-settle {
				t.Errorf("%s is empty, or too late for the story", id)
			}
		}
	}
}

func TestAScriptThatIsBrokenNamesItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"= x\nwords":                       "line 2: text outside of a comment",
		"= x\n@ a - a01":                   "line 2: a comment begins with",
		"= x\n@ a - a01 soon":              "line 2: \"soon\" is no number of minutes",
		"= x\n- 5":                         "line 2: nothing to change yet",
		"= x\n@ a - a01 1 written y":       "line 2: \"y\" is no number of minutes",
		"= x\n@ a - a01 1\nhi\n- 2\nagain": "line 5: text outside of a comment",
	} {
		if _, err := parseScript(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	s, err := parseScript("= x\ntitle: T\n@ a - a01 1\none\ntwo\n@ b a a02 3 as A. B. written -9\nhm\n~ 2\nthree")
	if err != nil || s.title != "T" || len(s.lines) != 3 || s.lines[0].text != "one two" || s.lines[1].act != edits || s.lines[1].id != "b" ||
		s.lines[2].name != "A. B." || !s.lines[2].late || s.lines[2].parent != "a" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestEveryReaderOfTheStoryHasAnAddressOfTheirOwn(t *testing.T) {
	var seen []string
	for _, r := range readers() {
		if slices.Contains(seen, r.email) || slices.Contains(seen, r.id) || len(r.follows) == 0 || r.wants == "" {
			t.Errorf("%+v", r)
		}
		seen = append(seen, r.email, r.id)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func abs(n int) int { return max(n, -n) }
