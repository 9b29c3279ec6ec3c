package render

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/hearback/hearback/dispatcher"
)

const (
	goodText = "{{define \"mail\"}}Hi\n{{range .Groups}}{{range .Items}}{{template \"item\" .}}{{end}}{{end}}\n{{.Links.Unsubscribe}}\n{{end}}"
	goodHTML = `{{define "mail"}}<html><body>{{range .Groups}}{{range .Items}}{{template "item" .}}{{end}}{{end}}<a href="{{.Links.Unsubscribe}}">stop</a></body></html>{{end}}`
)

func TestCheckNamesTheMistakeAndTheMend(t *testing.T) {
	r := newRenderer(t, Options{})
	html := func(body string) Parts {
		return Parts{HTML: strings.Replace(goodHTML, "<body>", "<body>\n"+body, 1)}
	}
	item := func(body string) Parts { return Parts{HTML: goodHTML + "\n{{define \"item\"}}" + body + "{{end}}"} }
	for _, c := range []struct {
		name    string
		parts   Parts
		part    string
		line    int
		message string
		mend    string
	}{
		{"a misspelt field", item("\n{{.Coment.Author}}"), "html", 3, "the item has no field .Coment", "did you mean .Comment?"},
		{"a misspelt field below", item("{{.Comment.Autor}}"), "html", 2, "the comment has no field .Autor", "did you mean .Author?"},
		{"the reader in an item", item("{{.Reader.Name}}"), "html", 2, "made once for all its readers", `block "mail"`},
		{"the reader in an item, by $", item("{{$.Links.Manage}}"), "html", 2, "made once for all its readers", `block "mail"`},
		{"a hidden field", item("{{.ItemBody.Reason}}"), "html", 2, "no field .ItemBody", "use one of"},
		{"a misspelt function", html("{{ctu .Subject 3}}"), "html", 2, `no function "ctu"`, "did you mean cut?"},
		{"printf", html(`{{printf "%d" .Count}}`), "html", 2, `no function "printf"`, "use one of and, cut"},
		{"no words for other numbers", html(`{{plural .Count "one" "x"}}`), "html", 2, "no words for other numbers", `"other"`},
		{"a number's form that is none", html(`{{plural .Count "ohter" "x" "one" "y"}}`), "html", 2, `no form "ohter"`, "did you mean other?"},
		{"words without a number", html(`{{plural "one" "x"}}`), "html", 2, "plural wants a number", "plural .Count"},
		{"words for a text", html(`{{plural .Subject "other" "x"}}`), "html", 0, "wrong type", ""},
		{"a missing argument", html(`{{cut .Subject}}`), "html", 2, "cut has 1 arguments", ""},
		{"a number to range over", html("{{range 1000000}}x{{end}}"), "html", 2, "no list to range over", ".Groups"},
		{"a text to range over", html("{{range .Subject}}x{{end}}"), "html", 2, "no list to range over", ".Groups"},
		{"a list within itself", html("{{range .Groups}}{{range $.Groups}}x{{end}}{{end}}"), "html", 2, "inside itself", ""},
		{"recursion", Parts{Text: goodText + "{{define \"a\"}}{{template \"b\" .}}{{end}}{{define \"b\"}}{{template \"a\" .}}{{end}}{{define \"item\"}}{{template \"a\" .}}{{end}}"}, "text", 4, "calls itself", ""},
		{"a missing block", html(`{{template "foott" .}}`), "html", 2, `no block "foott"`, "did you mean foot?"},
		{"the item without an item", html(`{{template "item" .}}`), "html", 2, "needs one item", "range .Items"},
		{"no end", Parts{Text: "{{define \"mail\"}}\n{{if .Count}}"}, "text", 2, "unexpected EOF", ""},
		{"no block mail", Parts{Text: "{{define \"male\"}}{{end}}"}, "text", 0, `no block "mail"`, "define"},
		{"text outside of blocks", Parts{Text: goodText + "\n\nhello"}, "text", 4, "outside of the blocks", "define"},
		{"no items", Parts{Text: "{{define \"mail\"}}{{.Links.Unsubscribe}}{{end}}"}, "text", 0, "no comments are placed", "template \"item\""},
		{"no unsubscribe link", Parts{Text: strings.Replace(goodText, "{{.Links.Unsubscribe}}", "", 1)}, "text", 0, "does not show .Links.Unsubscribe", "on a line of its own"},
		{"a hidden unsubscribe link", Parts{HTML: strings.Replace(goodHTML, "<a ", `<a style="display: none" `, 1)}, "html", 0, "no link to .Links.Unsubscribe", "visible"},
		{"an unsubscribe link hidden by the style sheet", Parts{HTML: strings.Replace(strings.Replace(goodHTML, "<a ", `<a class="x" `, 1), "<body>", "<head><style>.x{font-size:0}</style></head><body>", 1)}, "html", 0, "no link to", "visible"},
		{"an empty unsubscribe link", Parts{HTML: strings.Replace(goodHTML, "stop", "", 1)}, "html", 0, "no link to", "visible"},
		{"a picture", html("<img src=x>"), "html", 2, "<img", "words"},
		{"a style sheet from elsewhere", html("<style>@import 'x';</style>"), "html", 2, "@import", "remove"},
		{"a script", html("<script>1</script>"), "html", 2, "<script", "remove"},
		{"unknown words", Parts{Subject: "[[gretting]]"}, "subject", 0, "[[gretting]]", "did you mean greeting?"},
		{"an unclosed attribute", html(`<p title="{{.Subject}}>x</p>`), "html", 0, "", ""},
		{"a field of text", Parts{Subject: "{{.Subject.Length}}"}, "subject", 1, "has no fields", "leave"},
		{"an action in the way of a table", html("<table>{{.Count}}<tr hbaction9x></tr></table>"), "html", 0, "", ""},
		{"a control character", Parts{Text: goodText + `{{define "item"}}{{"\x00I"}}{{end}}`}, "text", 4, "control character", "remove"},
		{"what is missing in some mails", Parts{Subject: "{{.First.Comment.Author}}"}, "subject", 0, "with no items", ""},
		{"words and numbers", Parts{Subject: `{{if eq .Count "1"}}x{{end}}`}, "subject", 0, "incompatible types", ""},
		{"a giant", Parts{Text: goodText + strings.Repeat(" ", maxSource)}, "text", 0, "are allowed", "smaller"},
		{"a mail without room for comments", html(strings.Repeat("<p>words, words, words</p>\n", 2000)), "html", 0, "without any comment", "shorter"},
		{"an empty subject", Parts{Subject: "{{if false}}x{{end}}"}, "subject", 0, "empty", "one line"},
	} {
		report, err := r.Check(dispatcher.KindDigest, "en", c.parts)
		e, ok := err.(*dispatcher.Error)
		if !ok || report.OK() {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		p := report.Errors[0]
		if p.Part != c.part || e.Field != c.part || p.Line != c.line && c.message != "" || !strings.Contains(p.Message, c.message) || !strings.Contains(p.Mend, c.mend) {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

func TestCheckTakesWhatIsGood(t *testing.T) {
	r := newRenderer(t, Options{})
	for n, parts := range oddTemplates()[:2] {
		if parts.Text != "" { // every part must show the link on its own line
			parts.Text = goodText
		}
		if parts.HTML != "" {
			parts.HTML = goodHTML
		}
		report, err := r.Check(dispatcher.KindDigest, "en", parts)
		if err != nil {
			t.Errorf("template %d: %+v", n, report)
		}
		if n == 1 && len(report.Warnings) == 0 {
			t.Error("a template without dark mode and manage link gets no warning")
		}
	}
	if _, err := r.Check(dispatcher.KindDigest, "no language!", Parts{}); err == nil {
		t.Error("a locale that is none was taken")
	}
	if _, err := r.Check("postcard", "en", Parts{}); err == nil {
		t.Error("a kind that is none was taken")
	}
}

func TestManyCallsOfBlocksAreRefusedInBoundedTime(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString(goodText)
	for i := range 18 {
		fmt.Fprintf(&bomb, "{{define \"b%d\"}}{{template \"b%d\" .}}{{template \"b%d\" .}}{{end}}", i, i+1, i+1)
	}
	bomb.WriteString("{{define \"b18\"}}x{{end}}{{define \"item\"}}{{template \"b0\" .}}{{end}}")
	report, err := newRenderer(t, Options{}).Check(dispatcher.KindDigest, "en", Parts{Text: bomb.String()})
	if err == nil || !strings.Contains(report.Errors[0].Message, "too large") {
		t.Errorf("%v", err)
	}
}

func FuzzTemplates(f *testing.F) {
	r := newRenderer(f, Options{})
	for _, kind := range Kinds() {
		parts, err := r.Default(kind, "en")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(parts.Subject, parts.Text, parts.HTML)
	}
	for _, parts := range oddTemplates() {
		f.Add(parts.Subject, parts.Text, parts.HTML)
	}
	f.Fuzz(func(t *testing.T, subject, text, html string) {
		report, err := r.Check(dispatcher.KindDigest, "en", Parts{Subject: subject, Text: text, HTML: html})
		if (err == nil) != report.OK() {
			t.Fatalf("%v %+v", err, report)
		}
		if err != nil {
			return
		}
		// What passes renders the same both ways.
		lang := r.language("en")
		src, err := r.sources(dispatcher.KindDigest, lang, Parts{Subject: subject, Text: text, HTML: html})
		if err != nil {
			t.Fatal(err)
		}
		m := Sample(dispatcher.KindDigest, "en", 5)
		p, err := passing(compile(m.Kind, m.Site, lang, "fuzz", src))
		if err != nil {
			t.Fatal(err)
		}
		quick, _, err := r.composeWith(nil, m, p, false)
		if err != nil {
			t.Fatal(err)
		}
		plain, _, err := r.composeWith(nil, m, p, true)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(quick, plain) {
			t.Fatal(firstDifference(quick, plain))
		}
	})
}

// TestProgramsFollowTheRulesOfTextTemplate runs single expressions both ways.
func TestProgramsFollowTheRulesOfTextTemplate(t *testing.T) {
	v := &MailView{Subject: "s", Count: 2, More: 0, Site: SiteView{Name: "Site"}, Groups: make([]GroupView, 3), Paragraphs: []string{"a", "b"}}
	v.First = &ItemView{ItemBody: &ItemBody{Reason: "reply", Comment: CommentView{Author: "Ann", HTML: "<b>"}}}
	translated := 0
	english := newLanguage("en", nil)
	for _, source := range []string{
		`{{plural .Count "one" "a" "other" "#+#"}}{{plural 1 "other" "x" "one" "a"}}{{plural .More "other" "#"}}`, `{{plural .Count "one" .Subject "other" "x"}}`,
		`{{.Count}}{{.Site.Name}}`, `{{if .More}}y{{else}}n{{end}}`, `{{if .Site}}y{{end}}`, `{{if .First}}y{{end}}`, `{{if .First.Parent}}y{{else}}n{{end}}`,
		`{{with .First}}{{.Comment.Author}}{{$.Count}}{{end}}{{.Count}}`, `{{with .First.Parent}}{{.Author}}{{else}}{{.Count}}{{end}}`, `{{with $x := .Site.Name}}{{$x}}{{.}}{{end}}`,
		`{{if and .Count .Subject}}y{{end}}`, `{{and .Subject .Site.Name}}`, `{{and .Schedule .Subject}}|{{or .Schedule .Subject}}|{{or .Subject "x"}}|{{or .Schedule ""}}`,
		`{{if not .Storm}}y{{end}}`, `{{if eq .Count 1}}a{{end}}{{if eq .Count 1 2}}b{{end}}{{if ne .Count 2}}c{{end}}{{if lt .Count 3}}d{{end}}{{if le .Count 2}}e{{end}}{{if gt .Count 2}}f{{end}}{{if ge .Count 2}}g{{end}}{{if lt .Count 2}}h{{end}}{{if ge .Count 3}}i{{end}}{{if le .Count 1}}j{{end}}`,
		`{{if eq .Subject "s"}}a{{end}}{{if lt .Subject "t"}}b{{end}}{{if gt .Subject "t"}}c{{end}}{{if eq .Subject "a"}}d{{end}}{{if eq .Storm false}}e{{end}}`,
		`{{len .Groups}}{{len .Subject}}{{len .Paragraphs}}`, `{{range .Paragraphs}}{{.}}{{$.Count}}{{end}}`, `{{range .Groups}}{{.Count}}{{range .Items}}x{{else}}none{{end}}{{end}}`,
		`{{cut .Site.Name 2}}{{cut "abcdef" 3}}{{.Site.Name | len}}`, `{{$n := .Count}}{{if true}}{{$n := .Subject}}{{$n}}{{end}}{{$n}}`, `{{(index .Groups 0).Count}}`,
		`{{.First.Comment.HTML}}`, `{{/* c */}}{{- " x " -}} {{.Count}}`, `{{range .Groups}}{{break}}{{end}}`, `{{if eq .Count 0x2}}y{{end}}`, `{{if .Storm}}{{else if .Count}}y{{else}}z{{end}}`,
		`{{.First.Parent.Author}}`, `{{if and .First.Parent .First.Parent.Above}}y{{else}}n{{end}}`, `{{.Data.x}}`,
	} {
		var want strings.Builder
		plain, err := texttemplate.New("subject").Funcs(english.functions()).Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		wantErr := plain.Execute(&want, v)
		set, err := parseBlocks("subject", source)
		if err != nil {
			t.Fatal(err)
		}
		p := english.translate("subject", set, false)
		if p == nil {
			continue
		}
		translated++
		w := newLineWriter()
		w.flat = true
		gotErr := p.run(w, &machine{}, v)
		if (gotErr == nil) != (wantErr == nil) || gotErr == nil && string(w.line) != want.String() {
			t.Errorf("%s: %q %v, text/template %q %v", source, w.line, gotErr, want.String(), wantErr)
		}
	}
	if translated < 20 {
		t.Errorf("only %d were translated", translated)
	}
}

// TestTheColoursCanBeRead computes the contrast of every pair of colours that
// the built-in pages put on each other, WCAG 2.2 §1.4.3: at least 4.5 to 1.
func TestTheColoursCanBeRead(t *testing.T) {
	r := newRenderer(t, Options{})
	page, err := r.opt.Files.Open("email/layout.html.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	var css bytes.Buffer
	if _, err := css.ReadFrom(page); err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(css.String(), "@media (prefers-color-scheme:dark)")
	for mode, sheet := range map[string]string{"light": light, "dark": dark} {
		colour := func(selector, property string) string {
			rule := regexp.MustCompile(`(?m)^(?:[^{}\n]*,)?` + regexp.QuoteMeta(selector) + `(?:,[^{}\n]*)?\{(?:[^}\n]*;)?` + property + `:(#[0-9a-f]{6})`).FindStringSubmatch(sheet)
			if rule == nil {
				t.Fatalf("%s: no %s of %s", mode, property, selector)
			}
			return rule[1]
		}
		for _, c := range []struct{ on, what string }{
			{".sheet", "td"}, {".sheet", "h2 a"}, {".sheet", "a"}, {".sheet", "small"}, {".sheet", "small a"}, {".sheet", "small b"}, {".sheet", "blockquote"},
			{".talk", "td"}, {".talk", "h2 a"}, {".talk", "small"}, {".talk", "small a"}, {".code", "td"}, {".button", ".press"},
		} {
			if got := contrast(t, colour(c.what, "color"), colour(c.on, "background")); got < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", mode, c.what, c.on, got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift uint) float64 {
		c := float64(n>>shift&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
