package web

import (
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
		got := Framed(mail, scheme)
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
		if got := KnowsDark(html); got != want {
			t.Errorf("%s: %v", html, got)
		}
		if !want && strings.Contains(Framed(html, "dark"), "color-scheme:dark!") {
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
		if got := Framed(html, "auto"); got != want {
			t.Errorf("%q: %q", html, got)
		}
	}
}

func FuzzFramed(f *testing.F) {
	f.Add("<style>@media (prefers-color-scheme:dark){}</style>", "dark")
	f.Add("<!doctype html><head>", "light")
	f.Fuzz(func(t *testing.T, html, scheme string) {
		got := Framed(html, scheme)
		if strings.Count(got, `<base target="_blank">`) != strings.Count(html, `<base target="_blank">`)+1 {
			t.Fatalf("%q gives %q", html, got)
		}
	})
}
