package web

import (
	"regexp"
	"strings"
)

// The expressions find what decides about light and dark in a mail. They are
// made per call: a mail is looked at seldom, and the package keeps no state.
func styleElement() *regexp.Regexp { return regexp.MustCompile(`(?is)<style\b[^>]*>.*?</style\s*>`) }

func schemeFeature() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*(?::\s*([a-z-]+)\s*)?\)`)
}

// KnowsDark says whether a mail has a dark look of its own: a rule for dark
// screens, or a declaration that it suits them.
func KnowsDark(html string) bool {
	declared := regexp.MustCompile(`(?i)(?:^|[^-\w])color-scheme\s*:[^;}]*\bdark\b`)
	for _, style := range styleElement().FindAllString(html, -1) {
		for _, m := range schemeFeature().FindAllStringSubmatch(style, -1) {
			if !strings.EqualFold(m[1], "light") {
				return true
			}
		}
		if declared.MatchString(style) {
			return true
		}
	}
	for _, meta := range regexp.MustCompile(`(?is)<meta\b[^>]*color-scheme[^>]*>`).FindAllString(html, -1) {
		if regexp.MustCompile(`(?i)\bdark\b`).MatchString(meta) {
			return true
		}
	}
	return false
}

// Framed prepares a mail's HTML for the frame: links open in a new tab, and a
// scheme of "light" or "dark" is what the mail takes for the reader's. The
// browser has no switch for that, so the conditions in the mail's own style
// sheets are rewritten to always or never hold.
func Framed(html, scheme string) string {
	head := `<base target="_blank">`
	if scheme == "light" || scheme == "dark" {
		const always, never = "(min-width:0)", "(min-width:99999px)"
		feature := schemeFeature()
		dark := KnowsDark(html)
		html = styleElement().ReplaceAllStringFunc(html, func(style string) string {
			return feature.ReplaceAllStringFunc(style, func(f string) string {
				want := feature.FindStringSubmatch(f)[1]
				if want == "" || strings.EqualFold(want, scheme) {
					return always
				}
				return never
			})
		})
		if scheme == "light" || dark { // a mail without a dark look stays as it is
			head += "<style>:root{color-scheme:" + scheme + "!important}</style>"
		}
	}
	at := headStart(html)
	return html[:at] + head + html[at:]
}

// FramePolicy is the content security policy of a mail's HTML in a frame: it
// may look as it likes, fetches nothing, runs nothing and sends nothing. It is
// a sandbox by itself, since the address may be opened in a tab of its own;
// links may open new tabs, which then are ordinary pages.
const FramePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"

// headStart gives where the head of a document begins, behind its tag; never
// before a doctype, which must come first to count.
func headStart(html string) int {
	for _, tag := range []string{`(?is)<head\b[^>]*>`, `(?is)<html\b[^>]*>`, `(?is)<!doctype\b[^>]*>`} {
		if loc := regexp.MustCompile(tag).FindStringIndex(html); loc != nil {
			return loc[1]
		}
	}
	return 0
}
