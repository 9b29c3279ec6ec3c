package render

import (
	"strings"
	"testing"
)

func TestFoldingBreaksBetweenWordsOnly(t *testing.T) {
	policy := sanitizer()
	for _, source := range append(fragments(), strings.Repeat("some words <b>and more</b> ", 40), strings.Repeat("größere Öfen ", 60), strings.Repeat("x", 500)+" y "+strings.Repeat("z", 200),
		strings.Repeat(`<a href="https://example.org/a?b=c d">one two three</a> `, 30), "<pre>"+strings.Repeat("a  b c ", 90)+"</pre>") {
		page := makeBody(policy, source, false, maxCommentRunes).html()
		folded := fold(page)
		if strings.ReplaceAll(folded, "\n", " ") != strings.ReplaceAll(page, "\n", " ") {
			t.Fatalf("words changed:\n%q\n%q", page, folded)
		}
		for line := range strings.SplitSeq(folded, "\n") {
			tag := false
			spaces := 0
			width := 0
			for i := 0; i < len(line); i++ {
				switch {
				case line[i] == '<':
					tag = true
				case line[i] == '>':
					tag = false
				case line[i] == ' ' && !tag:
					spaces++
				}
				if width++; !literal(line[i]) {
					width += 2
				}
			}
			if tag {
				t.Errorf("a tag is broken: %q", line)
			}
			if width > hardLimit && spaces > 0 && strings.LastIndexByte(line, ' ') < len(line)/2 && !strings.Contains(line, "<a ") && !strings.Contains(line, "xxx") {
				t.Errorf("a line of %d columns could be broken: %q", width, line)
			}
		}
	}
}
