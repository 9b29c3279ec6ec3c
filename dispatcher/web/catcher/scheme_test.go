package catcher

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestASchemeDecidesForTheMail(t *testing.T) {
	const mail = `<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>
@media (prefers-color-scheme: dark) { a{} } @media screen and ( PREFERS-COLOR-SCHEME:light ) { b{} } @media (prefers-color-scheme) { c{} }
</style></head><body>(prefers-color-scheme: dark)</body></html>`
	const on, off = "(min-width:0)", "(min-width:99999px)"
	for scheme, want := range map[string][]string{
		"dark":  {"@media " + on + " { a{} }", "screen and " + off + " { b{} }", "@media " + on + " { c{} }", ":root{color-scheme:dark!important}"},
		"light": {"@media " + off + " { a{} }", "screen and " + on + " { b{} }", "@media " + on + " { c{} }", ":root{color-scheme:light!important}"},
		"auto":  {"@media (prefers-color-scheme: dark) { a{} }", `<head><base target="_blank"><meta`},
	} {
		got := shown(mail, scheme)
		for _, w := range append(want, "<body>(prefers-color-scheme: dark)</body>") {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is missing in\n%s", scheme, w, got)
			}
		}
		if !strings.HasPrefix(got, "<!doctype html><html><head><base") {
			t.Errorf("%s: the doctype is no longer first: %.60s", scheme, got)
		}
	}
}

func TestAMailWithoutADarkLookStaysAsItIs(t *testing.T) {
	for html, want := range map[string]bool{
		"<p>dark</p>": false,
		"<style>@media (prefers-color-scheme: light){}</style>": false,
		"<p>(prefers-color-scheme: dark)</p>":                   false,
		`<meta name="color-scheme" content="light">`:            false,
		"<style>@media (prefers-color-scheme:dark){}</style>":   true,
		`<meta name="color-scheme" content="light dark">`:       true,
		"<style>:root{color-scheme:light dark}</style>":         true,
		`<meta name=color-scheme content=dark>`:                 true,
	} {
		if got := knowsDark(html); got != want {
			t.Errorf("%s: %v", html, got)
		}
		if !want && strings.Contains(shown(html, "dark"), "color-scheme:dark!") {
			t.Errorf("%s: darkened", html)
		}
	}
}

func TestAnyHTMLGetsItsBase(t *testing.T) {
	for html, want := range map[string]string{
		"":                               `<base target="_blank">`,
		"<p>x":                           `<base target="_blank"><p>x`,
		"<!DOCTYPE html><p>x":            `<!DOCTYPE html><base target="_blank"><p>x`,
		"<html lang=en><body>":           `<html lang=en><base target="_blank"><body>`,
		"<header>no head</header>":       `<base target="_blank"><header>no head</header>`,
		"<HEAD\nprofile=x><base href=/>": "<HEAD\nprofile=x><base target=\"_blank\"><base href=/>",
	} {
		if got := shown(html, "auto"); got != want {
			t.Errorf("%q: %q", html, got)
		}
	}
}

// The palette is read from the style sheet and held against WCAG 2.2 §1.4.3.
func TestTextIsReadableInLightAndDark(t *testing.T) {
	css, err := assets.ReadFile("assets/catcher.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d palettes", len(blocks))
	}
	for i, name := range []string{"light", "dark"} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(blocks[i][1], -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range [][2]string{
			{"ink", "paper"}, {"ink", "panel"}, {"ink", "pill"}, {"ink", "tint"}, {"soft", "paper"}, {"soft", "panel"}, {"soft", "sunk"}, {"soft", "tint"},
			{"accent", "panel"}, {"accent", "paper"}, {"warn", "warn-tint"},
		} {
			a, okA := colours[pair[0]]
			b, okB := colours[pair[1]]
			if !okA || !okB {
				t.Fatalf("%s: %v is not in the palette", name, pair)
			}
			if ratio := (math.Max(a, b) + .05) / (math.Min(a, b) + .05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has only %.2f:1", name, pair[0], pair[1], ratio)
			}
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&255) / 255
		if c <= .04045 {
			return c / 12.92
		}
		return math.Pow((c+.055)/1.055, 2.4)
	}
	return .2126*part(16) + .7152*part(8) + .0722*part(0)
}

func FuzzShown(f *testing.F) {
	f.Add("<style>@media (prefers-color-scheme:dark){}</style>", "dark")
	f.Add("<!doctype html><head>", "light")
	f.Fuzz(func(t *testing.T, html, scheme string) {
		got := shown(html, scheme)
		if strings.Count(got, `<base target="_blank">`) != strings.Count(html, `<base target="_blank">`)+1 {
			t.Fatalf("%q gives %q", html, got)
		}
	})
}
