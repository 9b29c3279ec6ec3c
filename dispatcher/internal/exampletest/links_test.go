package exampletest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheLinksOfTheManualLeadSomewhere follows every link from one page to
// another, to the heading that it names.
func TestTheLinksOfTheManualLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("../../../docs/*.md")
	must(t, err)
	pages = append(pages, "../../../README.md", "../../../CHANGELOG.md")
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	links := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		must(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			file, heading, _ := strings.Cut(m[1], "#")
			to := page
			if file != "" {
				to = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, m[1])
				continue
			}
			if heading == "" {
				continue
			}
			there, err := os.ReadFile(to)
			must(t, err)
			if !hasHeading(string(there), heading) {
				t.Errorf("%s leads to %s, and there is no such heading", page, m[1])
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

// hasHeading says whether a page has a heading with an anchor, as forges make
// them: small letters, no punctuation, dashes for spaces.
func hasHeading(page, anchor string) bool {
	for line := range strings.Lines(page) {
		if words := strings.TrimLeft(line, "#"); words != line {
			words = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(words)), "")
			if strings.ReplaceAll(words, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}
