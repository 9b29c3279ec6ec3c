package render

import (
	"unicode"

	"golang.org/x/net/html/atom"
)

// mirrored marks the quotations of a body that are written from right to left,
// by their first letter, as dir="auto" has it: the bar beside them stands where
// their lines begin, and style sheets for mails cannot say that.
func (b body) mirrored() {
	var waiting []int // quotations without a letter so far
	for i := range b.nodes {
		switch n := &b.nodes[i]; {
		case n.kind == nOpen && n.tag == atom.Blockquote:
			waiting = append(waiting, i)
		case n.kind == nClose && n.tag == atom.Blockquote && len(waiting) > 0: // it had no letter
			waiting = waiting[:len(waiting)-1]
		case n.kind == nText && len(waiting) > 0:
			rtl, ok := rightToLeft(n.text)
			if !ok {
				continue
			}
			for _, w := range waiting {
				b.nodes[w].rtl = rtl
			}
			waiting = waiting[:0]
		}
	}
}

// rightToLeft says whether a text is written from right to left, by its first
// letter; ok is false when it has none.
func rightToLeft(s string) (rtl, ok bool) {
	for _, r := range s {
		if unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam) {
			return true, true
		}
		if unicode.IsLetter(r) {
			return false, true
		}
	}
	return false, false
}
